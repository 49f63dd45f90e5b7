/* lambda_settings.h - what create- and update-code-signing-config are told about a config. Private to src/cli. */
#ifndef CLI_LAMBDA_SETTINGS_PRIVATE_H
#define CLI_LAMBDA_SETTINGS_PRIVATE_H

#include "lambda.h"

struct lambda_settings {
	const char *description;
	const char *publishers_text;
	const char *policies_text;
	char *publishers; /* ARNs, joined with commas; NULL: not given */
	char *policy;
	struct config_line lines[2 + CONFIG_PUBLISHERS_MAX + 1];
	size_t line_count;
};

/* Takes the shorthand apart: 0 or the usage exit code. lambda_settings_done in any case. */
int lambda_parse_settings(const struct cli_command *command, struct lambda_settings *s);
void lambda_settings_done(struct lambda_settings *s);

/* Fills the lines that the given options stand for; 0, or the exit code after having said what is wrong with them. */
int lambda_render_settings(const struct lambda_host *host, struct lambda_settings *s);

#endif
