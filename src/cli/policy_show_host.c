/* policy_show_host.c - `vouchfs policy show` without a file: what is in force on the host. */
#include "cli/cli.h"
#include "policy.h"

int policy_show_host(const char *given_config UNUSED, bool json UNUSED)
{
	cli_error("policy show without a file is not there yet");
	return CLI_EXIT_FAILURE;
}
