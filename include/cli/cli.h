/*
 * cli.h - the command line: a table of commands, one file each.
 *
 * stdout is data, stderr is talk. Usage errors exit 2, bad configuration 78, `verify` with the code of its reason;
 * `signer` and `lambda` verbs exit as the AWS CLI does: 252 bad parameters, 254 refused by the service.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/base.h"
#include "base/explain.h"

#define CLI_EXIT_OK	     0
#define CLI_EXIT_FAILURE     1
#define CLI_EXIT_USAGE	     2
#define CLI_EXIT_CONFIG	     78
#define CLI_EXIT_AWS_USAGE   252
#define CLI_EXIT_AWS_REFUSED 254

struct cli_command {
	const char *group; /* "signer", "lambda" or NULL */
	const char *name;
	const char *summary;		   /* one line for the list */
	const char *usage;		   /* for --help: examples first, then the options; ends in a newline */
	int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit code */
	const char *refuse; /* not NULL: AWS has it, we do not; says what to use instead. Only name and group then */
};

/* One array for each source file, ended by a NULL name; main.c joins them. */
extern const struct cli_command cli_check_config_commands[];
extern const struct cli_command cli_signer_account_commands[];
extern const struct cli_command cli_signer_profile_commands[];
extern const struct cli_command cli_signer_profiles_commands[];
extern const struct cli_command cli_signer_job_commands[];
extern const struct cli_command cli_signer_jobs_commands[];
extern const struct cli_command cli_signer_platform_commands[];
extern const struct cli_command cli_signer_revocation_commands[];
extern const struct cli_command cli_signer_permission_commands[];
extern const struct cli_command cli_signer_cancel_commands[];
extern const struct cli_command cli_signer_absent_commands[];
extern const struct cli_command cli_signer_mount_commands[];
extern const struct cli_command cli_sign_commands[];
extern const struct cli_command cli_timestamp_commands[];
extern const struct cli_command cli_inspect_commands[];
extern const struct cli_command cli_verify_commands[];
extern const struct cli_command cli_init_commands[];
extern const struct cli_command cli_mount_commands[];
extern const struct cli_command cli_status_commands[];
extern const struct cli_command cli_health_commands[];
extern const struct cli_command cli_trust_commands[];
extern const struct cli_command cli_audit_enforce_commands[];
extern const struct cli_command cli_report_commands[];
extern const struct cli_command cli_reload_commands[];
extern const struct cli_command cli_restart_commands[];
extern const struct cli_command cli_why_commands[];
extern const struct cli_command cli_events_commands[];
extern const struct cli_command cli_audit_commands[];
extern const struct cli_command cli_audit_search_commands[];
extern const struct cli_command cli_metrics_commands[];
extern const struct cli_command cli_history_commands[];
extern const struct cli_command cli_rollback_commands[];
extern const struct cli_command cli_break_glass_commands[];
extern const struct cli_command cli_policy_pack_commands[];
extern const struct cli_command cli_policy_apply_commands[];
extern const struct cli_command cli_policy_show_commands[];
extern const struct cli_command cli_policy_diff_commands[];
extern const struct cli_command cli_policy_history_commands[];
extern const struct cli_command cli_policy_rollback_commands[];
extern const struct cli_command cli_policy_drift_commands[];
extern const struct cli_command cli_policy_fleet_commands[];
extern const struct cli_command cli_policy_fetch_commands[];
extern const struct cli_command cli_diff_commands[];
extern const struct cli_command cli_env_commands[];
extern const struct cli_command cli_run_commands[];
extern const struct cli_command cli_lambda_csc_commands[];
extern const struct cli_command cli_lambda_binding_commands[];
extern const struct cli_command cli_lambda_function_commands[];
extern const struct cli_command cli_lambda_function_get_commands[];
extern const struct cli_command cli_lambda_configuration_commands[];
extern const struct cli_command cli_lambda_layer_commands[];
extern const struct cli_command cli_lambda_layer_get_commands[];
extern const struct cli_command cli_lambda_permission_commands[];

/*
 * Finds the command of argv and runs it; returns the exit code. Called as "mount.vouchfs" or "umount.vouchfs" it takes
 * the arguments that mount(8) and umount(8) hand to their helpers, and mounts or unmounts.
 */
int cli_dispatch(const struct cli_command *const *arrays, size_t array_count, int argc, char **argv);

/*
 * Options as a table. Parses "--name value", "--name=value" and "-c value", mixed with operands; "--" ends the options.
 * "--help" prints the usage and makes cli_parse return 0 with *ret_done set. Unknown options are an error that names
 * the nearest one; an option that is given twice is an error.
 */
#define CLI_OPTIONS_MAX 64

enum cli_option_kind {
	CLI_TEXT = 1,
	CLI_FLAG,
	CLI_LIST, /* all words up to the next option: --statuses Active Canceled */
};

#define CLI_LIST_MAX 64
struct cli_list {
	const char *items[CLI_LIST_MAX];
	size_t count;
	bool is_given;
};

struct cli_option {
	const char *name; /* without dashes */
	enum cli_option_kind kind;
	char letter; /* short form or 0 */
	bool required;
	bool may_be_empty;     /* of a list: --layers without a word, or "[]" */
	const char *refuse;    /* not NULL: AWS has it, we do not; the text says what to use instead */
	const char **ret_text; /* written when given, else left alone; points into argv */
	bool *ret_flag;
	struct cli_list *ret_list;
};

/*
 * Returns 0, or the usage exit code of the command's group after having said why. Operands (non-options) are left in
 * argv[1] to argv[*argc - 1]. min_operands and max_operands bound their number.
 */
int cli_parse(const struct cli_command *command, const struct cli_option *options, size_t option_count, int *argc,
	      char **argv, int min_operands, int max_operands, bool *ret_done);

/* "vouchfs: ..." on stderr. */
void cli_error(const char *format, ...) PRINTF_LIKE(1, 2);

/* "vouchfs signer verb: ..." and where help is, on stderr; returns the usage exit code of the command's group. */
int cli_usage_error(const struct cli_command *command, const char *format, ...) PRINTF_LIKE(2, 3);
int cli_usage_exit(const char *group);

/* The lists and the pages of --help, on stdout. */
void cli_help_all(const struct cli_command *const *arrays, size_t array_count);
void cli_help_group(const struct cli_command *const *arrays, size_t array_count, const char *group);
void cli_help_command(const struct cli_command *command);

/*
 * For completion in a shell: `vouchfs --completion-words` and `vouchfs GROUP --completion-words` list commands,
 * `vouchfs [GROUP] COMMAND --completion-words` what cli_parse takes. Not in any help.
 */
#define CLI_COMPLETION_WORDS "--completion-words"
void cli_complete_commands(const struct cli_command *const *arrays, size_t array_count, const char *group);
void cli_complete_options(const struct cli_option *options, size_t option_count);

/* AWS's form: "An error occurred (X) when calling the Y operation: ..." on stderr. */
void cli_aws_error(const char *operation, const char *error_name, const char *text);

/* The configuration file: -c, else $VOUCHFS_CONF, else /etc/vouchfs/vouchfs.conf. */
const char *cli_config_path(const char *given);
/* Its path without symlinks; free(). Says why it cannot be had, and what a newcomer does. */
int cli_resolve_config(const char *given, char **ret);

#endif
