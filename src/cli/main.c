/* The program: the arrays of commands, joined. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "fs/mount.h"

static const struct cli_command *const commands[] = {
	cli_sign_commands,
	cli_timestamp_commands,
	cli_inspect_commands,
	cli_verify_commands,
	cli_check_config_commands,
	cli_init_commands,
	cli_mount_commands,
	cli_status_commands,
	cli_health_commands,
	cli_trust_commands,
	cli_audit_enforce_commands,
	cli_report_commands,
	cli_reload_commands,
	cli_restart_commands,
	cli_why_commands,
	cli_events_commands,
	cli_audit_commands,
	cli_audit_search_commands,
	cli_metrics_commands,
	cli_history_commands,
	cli_rollback_commands,
	cli_break_glass_commands,
	cli_policy_pack_commands,
	cli_policy_apply_commands,
	cli_policy_show_commands,
	cli_policy_diff_commands,
	cli_policy_history_commands,
	cli_policy_rollback_commands,
	cli_policy_fetch_commands,
	cli_policy_drift_commands,
	cli_policy_fleet_commands,
	cli_diff_commands,
	cli_env_commands,
	cli_run_commands,
	cli_signer_account_commands,
	cli_signer_profile_commands,
	cli_signer_profiles_commands,
	cli_signer_cancel_commands,
	cli_signer_permission_commands,
	cli_signer_job_commands,
	cli_signer_jobs_commands,
	cli_signer_platform_commands,
	cli_signer_revocation_commands,
	cli_signer_mount_commands,
	cli_signer_absent_commands,
	cli_lambda_csc_commands,
	cli_lambda_binding_commands,
	cli_lambda_function_commands,
	cli_lambda_function_get_commands,
	cli_lambda_configuration_commands,
	cli_lambda_layer_commands,
	cli_lambda_layer_get_commands,
	cli_lambda_permission_commands,
};

/* Data that could not be written is a failure, whatever the command thought (a full disk behind `> file`). */
static int flush_stdout(int exit_code)
{
	if ((fflush(stdout) != 0 || ferror(stdout)) && exit_code == CLI_EXIT_OK) {
		cli_error("the output could not be written");
		return CLI_EXIT_FAILURE;
	}
	return exit_code;
}

int main(int argc, char **argv)
{
	/* All times are UTC; libzip asks for the local zone at every entry, which costs a stat each when TZ is not set.
	 */
	if (setenv("TZ", "UTC", 1) != 0)
		return CLI_EXIT_FAILURE;
	if (fs_is_resumed())
		return flush_stdout(fs_resume());
	return flush_stdout(cli_dispatch(commands, ARRAY_SIZE(commands), argc, argv));
}
