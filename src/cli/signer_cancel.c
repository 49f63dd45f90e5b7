/* signer cancel-signing-profile */
#include "signer.h"

static int run(int argc, char **argv);

const struct cli_command cli_signer_cancel_commands[] = {
	{
		.group = "signer",
		.name = "cancel-signing-profile",
		.summary = "let a signing profile sign no more, for ever",
		.usage = "Examples:\n"
			 "  vouchfs signer cancel-signing-profile --profile-name nightly\n\n"
			 "What the profile has signed stays valid, and its name stays taken. To make signatures "
			 "invalid\n"
			 "there is revoke-signing-profile.\n\n"
			 "Options:\n"
			 "      --profile-name NAME  (required)\n" CLI_SIGNER_OPTIONS,
		.run = run,
	},
	{.name = NULL},
};

static int run(int argc, char **argv)
{
	static const char operation[] = "CancelSigningProfile";
	const struct cli_command *command = &cli_signer_cancel_commands[0];
	const char *name = NULL;
	const struct cli_option options[] = {
		{.name = "profile-name", .kind = CLI_TEXT, .required = true, .ret_text = &name},
	};
	struct cli_signer common = {0};
	bool done;
	int exit_code = cli_signer_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;

	struct signer *signer = NULL;
	exit_code = cli_signer_open(command, operation, &common, &signer);
	if (exit_code != 0)
		return exit_code;
	struct explain why = {0};
	int r = signer_cancel_profile(signer, name, &why);
	signer_close(signer);
	return r < 0 ? cli_signer_failed(operation, r, &why) : CLI_EXIT_OK;
}
