/* What the signer verbs share: finding and opening the home, failing as AWS does. */
#include "signer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"
#include "crypto/cert.h"
#include "service.h"

#define ENV_HOME    "VOUCHFS_SIGNER_HOME"
#define ENV_SERVICE "VOUCHFS_SIGNER_SERVICE"

int cli_signer_parse(const struct cli_command *command, const struct cli_option *options, size_t option_count,
		     int *argc, char **argv, struct cli_signer *ret, bool *ret_done)
{
	struct cli_option all[CLI_OPTIONS_MAX];
	ASSERT(option_count + 2 <= CLI_OPTIONS_MAX);
	if (option_count > 0)
		memcpy(all, options, option_count * sizeof(all[0]));
	all[option_count] = (struct cli_option){.name = "home", .kind = CLI_TEXT, .ret_text = &ret->home};
	all[option_count + 1] = (struct cli_option){.name = "service", .kind = CLI_TEXT, .ret_text = &ret->service};
	int exit_code = cli_aws_parse(command, all, option_count + 2, argc, argv, &ret->aws, ret_done);
	if (exit_code != 0 || *ret_done)
		return exit_code;
	if (ret->service && !ret->takes_service)
		return cli_usage_error(command, "--service: this verb does not go through a signing service; it works "
						"on the account's home, --home DIR");
	if (ret->service && ret->home)
		return cli_usage_error(command, "--service does not go with --home: it is one or the other");
	if (ret->takes_service)
		ret->service = cli_signer_service(ret->home, ret->service);
	return 0;
}

static const char *from_environment(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

const char *cli_signer_service(const char *home, const char *service)
{
	if (home || service)
		return service;
	return from_environment(ENV_HOME) ? NULL : from_environment(ENV_SERVICE);
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

/* Whoever has been given a service only finds no home. */
static void add_service_hint(const struct cli_command *command, const char *home, struct explain *why)
{
	if (cli_signer_service(home, NULL))
		explain_prefix(why,
			       "%s does not go through a signing service ($" ENV_SERVICE
			       "); it works on the account's home, which --home DIR names",
			       command->name);
}

static int check_region(const struct cli_command *command, const char *given, const char *region, const char *where)
{
	if (!given || strcmp(given, region) == 0)
		return 0;
	return cli_usage_error(command, "the account %s is in region %s", where, region);
}

int cli_signer_open_service(const struct cli_command *command, const char *operation, const struct cli_signer *options,
			    struct service *ret)
{
	struct explain why = {0};
	struct service service = SERVICE_NONE;
	int r = service_open(options->service, &service, &why);
	if (r < 0)
		return cli_signer_failed(operation, r, &why);
	int exit_code = check_region(command, options->aws.region, service.region, "of this signing service");
	if (exit_code == 0)
		*ret = service;
	else
		service_close(&service);
	return exit_code;
}

int cli_signer_open(const struct cli_command *command, const char *operation, const struct cli_signer *options,
		    struct signer **ret)
{
	struct explain why = {0};
	struct signer *signer = NULL;
	char *home = cli_signer_home(options->home);
	int r = home ? signer_open(home, &signer, &why) : -ENOMEM;
	free(home);
	if (r < 0) {
		add_service_hint(command, options->home, &why);
		return cli_signer_failed(operation, r, &why);
	}
	int exit_code = check_region(command, options->aws.region, signer_scope(signer)->region, "in this home");
	if (exit_code == 0)
		*ret = signer;
	else
		signer_close(signer);
	return exit_code;
}

int cli_signer_open_either(const struct cli_command *command, const char *operation, const struct cli_signer *options,
			   struct signer **ret_signer, struct service *ret_service)
{
	return options->service ? cli_signer_open_service(command, operation, options, ret_service)
				: cli_signer_open(command, operation, options, ret_signer);
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

int cli_service_check_profile_owner(const char *operation, const struct service *service, const char *owner,
				    const char *profile)
{
	struct explain why = {0};
	char what[160], escaped[128];
	(void)snprintf(what, sizeof(what), "profile %s",
		       text_escape_print(escaped, sizeof(escaped), profile, strlen(profile)));
	int r = service_check_owner(service, "profile-owner", owner, what, &why);
	return r < 0 ? cli_signer_failed(operation, r, &why) : 0;
}

int cli_signer_parse_limits(const struct cli_command *command, const char *text, const char *service,
			    struct cli_signer_limits *ret)
{
	struct cli_signer_limits limits = {LIMIT_ARTIFACT_BYTES_DEFAULT, LIMIT_UNPACKED_BYTES_DEFAULT};
	uint64_t bytes = 0;
	if (text && service)
		return cli_usage_error(command, "--max-unpacked-size does not go with a signing service, which has "
						"the default");
	if (text && (!text_parse_u64(text, strlen(text), UINT32_MAX, &bytes) || bytes == 0))
		return cli_usage_error(command, "--max-unpacked-size takes a number of bytes below 4 GiB, like %llu",
				       LIMIT_UNPACKED_BYTES_DEFAULT);
	if (text)
		limits.max_unpacked_bytes = bytes;
	if (limits.max_artifact_bytes < bytes)
		limits.max_artifact_bytes = bytes;
	*ret = limits;
	return 0;
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
