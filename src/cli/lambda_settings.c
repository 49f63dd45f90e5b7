/* What create- and update-code-signing-config are told, checked, and as lines of the configuration. */
#include "lambda_settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void lambda_settings_done(struct lambda_settings *settings)
{
	free(settings->publishers);
	free(settings->policy);
}

int lambda_parse_settings(const struct cli_command *command, struct lambda_settings *s)
{
	const struct cli_shorthand publishers[] = {
		{.key = "SigningProfileVersionArns", .required = true, .is_list = true, .ret = &s->publishers}};
	const struct cli_shorthand policies[] = {{.key = "UntrustedArtifactOnDeployment", .ret = &s->policy}};
	struct explain why = {0};

	if (s->publishers_text && cli_parse_shorthand(s->publishers_text, publishers, ARRAY_SIZE(publishers), &why) < 0)
		return cli_usage_error(command, "--allowed-publishers: %s", why.text);
	if (s->policies_text && cli_parse_shorthand(s->policies_text, policies, ARRAY_SIZE(policies), &why) < 0)
		return cli_usage_error(command, "--code-signing-policies: %s", why.text);
	return 0;
}

/* A publisher that the configuration would refuse, with what to do about it. */
static int check_publisher(const struct lambda_host *host, const char *text)
{
	struct arn_profile arn;
	if (!arn_parse_profile(text, strlen(text), &arn)) {
		char shown[ARN_TEXT_SIZE];
		(void)text_escape_print(shown, sizeof(shown), text, strlen(text));
		return cli_lambda_fail(host->operation, "InvalidParameterValueException",
				       "SigningProfileVersionArns: \"%s\" is not the ARN of a signing profile, like "
				       "arn:vouchfs:signer:%s:%s:/signing-profiles/NAME/VERSION",
				       shown, host->config->region, host->config->account);
	}
	const char *account = arn.scope.account;
	if (config_find_account(host->config, account))
		return 0;
	return cli_lambda_fail(
		host->operation, "InvalidParameterValueException",
		"this host does not trust account %s, whose profile %s is. Run `vouchfs signer export-trust "
		"--directory trust` on that account's signing host, bring trust/ here, and add to %s:\n"
		"    [account %s]\n    certificate = trust/%s.pem\n    revocations = trust/%s.revocations",
		account, arn.name, host->path, account, account, account);
}

static void add_line(struct lambda_settings *s, const char *key, const char *value)
{
	ASSERT(s->line_count < ARRAY_SIZE(s->lines));
	s->lines[s->line_count++] = (struct config_line){key, value};
}

/* Cuts s->publishers at its commas. */
static int add_publishers(const struct lambda_host *host, struct lambda_settings *s)
{
	size_t count = 0;
	for (char *rest = s->publishers, *arn; (arn = strsep(&rest, ","));) {
		if (++count > CONFIG_PUBLISHERS_MAX)
			return cli_lambda_fail(host->operation, "InvalidParameterValueException",
					       "SigningProfileVersionArns: at most %d profiles", CONFIG_PUBLISHERS_MAX);
		int exit_code = check_publisher(host, arn);
		if (exit_code != 0)
			return exit_code;
		add_line(s, "allowed_publisher", arn);
	}
	return 0;
}

static int check_policy(const struct lambda_host *host, const char *policy)
{
	if (strcmp(policy, "Warn") == 0 || strcmp(policy, "Enforce") == 0)
		return 0;
	char shown[64];
	return cli_lambda_fail(host->operation, "InvalidParameterValueException",
			       "UntrustedArtifactOnDeployment: \"%s\" is neither Warn nor Enforce",
			       text_escape_print(shown, sizeof(shown), policy, strlen(policy)));
}

int lambda_render_settings(const struct lambda_host *host, struct lambda_settings *s)
{
	if (s->description)
		add_line(s, "description", s->description[0] != '\0' ? s->description : NULL);
	int exit_code = s->publishers ? add_publishers(host, s) : 0;
	if (exit_code == 0 && s->policy)
		exit_code = check_policy(host, s->policy);
	if (exit_code == 0 && s->policy)
		add_line(s, "untrusted_artifact_on_deployment", s->policy);
	return exit_code;
}
