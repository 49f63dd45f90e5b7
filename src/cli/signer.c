/* What the signer verbs share: finding and opening the home, failing as AWS does. */
#include "signer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/text.h"
#include "crypto/cert.h"

int cli_signer_parse(const struct cli_command *command, const struct cli_option *options, size_t option_count,
		     int *argc, char **argv, struct cli_signer *ret, bool *ret_done)
{
	struct cli_option all[CLI_OPTIONS_MAX];
	ASSERT(option_count < CLI_OPTIONS_MAX);
	if (option_count > 0)
		memcpy(all, options, option_count * sizeof(all[0]));
	all[option_count] = (struct cli_option){.name = "home", .kind = CLI_TEXT, .ret_text = &ret->home};
	return cli_aws_parse(command, all, option_count + 1, argc, argv, &ret->aws, ret_done);
}

int cli_signer_failed(const char *operation, int r, const struct explain *why)
{
	cli_aws_error(operation, signer_error_name(r), why->text[0] ? why->text : strerror(-r));
	return CLI_EXIT_AWS_REFUSED;
}

char *cli_signer_home(const char *given)
{
	io_fault_arm(); /* every verb comes by here before it changes anything */
	return given ? strdup(given) : signer_default_home();
}

int cli_signer_open(const struct cli_command *command, const char *operation, const struct cli_signer *options,
		    struct signer **ret)
{
	struct explain why = {0};
	struct signer *signer = NULL;
	char *home = cli_signer_home(options->home);
	int r = home ? signer_open(home, &signer, &why) : -ENOMEM;
	free(home);
	if (r < 0)
		return cli_signer_failed(operation, r, &why);

	const char *region = signer_scope(signer)->region;
	if (options->aws.region && strcmp(options->aws.region, region) != 0) {
		int exit_code = cli_usage_error(command, "the account in this home is in region %s", region);
		signer_close(signer);
		return exit_code;
	}
	*ret = signer;
	return 0;
}

int cli_signer_check_owner(const char *operation, const struct signer *signer, const char *owner)
{
	const char *account = signer_scope(signer)->account;
	if (!owner || strcmp(owner, account) == 0)
		return 0;
	struct explain why;
	char escaped[256];
	if (!arn_is_account(owner, strlen(owner))) {
		(void)text_escape_print(escaped, sizeof(escaped), owner, strlen(owner));
		explain_set(&why, "\"%s\" is no account id; one has 12 digits, like %s", escaped, account);
		return cli_signer_failed(operation, -EINVAL, &why);
	}
	explain_set(&why,
		    "this home holds account %s; what account %s owns is reached through its signing service: "
		    "--service DIR, the directory where that is mounted",
		    account, owner);
	return cli_signer_failed(operation, -EACCES, &why);
}

void cli_signer_notice_pin(const char *key_reference)
{
	if (key_reference && crypto_key_reference_shows_pin(key_reference))
		cli_error("notice: everybody on this machine can see a pin-value on the command line; "
			  "pin-source=file:/PATH, a file of mode 0600, keeps the PIN to yourself");
}

int cli_signer_open_plain(const char *home_option, struct signer **ret)
{
	struct explain why = {0};
	char *home = cli_signer_home(home_option);
	int r = home ? signer_open(home, ret, &why) : -ENOMEM;
	free(home);
	if (r < 0)
		cli_error("%s", why.text[0] ? why.text : strerror(-r));
	return r < 0 ? -1 : 0;
}
