/* lambda_policy.h - who may use a layer version, as a file of the mount says it. Private to src/cli. */
#ifndef CLI_LAMBDA_POLICY_PRIVATE_H
#define CLI_LAMBDA_POLICY_PRIVATE_H

#include "gate/layer_policy.h"
#include "lambda.h"

/* The version that a verb is about. */
struct lambda_policy_names {
	const char *layer;
	const char *version;
};

#define LAMBDA_POLICY_OPTIONS(names)                                                                                   \
	{.name = "layer-name", .kind = CLI_TEXT, .required = true, .ret_text = &(names).layer},                        \
	{                                                                                                              \
		.name = "version-number", .kind = CLI_TEXT, .required = true, .ret_text = &(names).version             \
	}

#define LAMBDA_POLICY_USAGE                                                                                            \
	"      --layer-name L         its name or its ARN (required)\n"                                                \
	"      --version-number N     (required)\n"

/* Its policy, open in the mount. */
struct lambda_policy_file {
	struct lambda_host host;
	char layer[ARN_LAMBDA_NAME_SIZE];
	uint64_t version;
	int fd; /* -1: not yet */
};

/* host is open already. 0 or the exit code after having said why not; lambda_policy_close in any case. */
int cli_lambda_policy_open(const struct cli_command *command, const struct lambda_policy_names *names, int flags,
			   struct lambda_policy_file *target);
void lambda_policy_close(struct lambda_policy_file *target);

/* As it was when it was opened, or after the last change. */
int lambda_policy_read(const struct lambda_policy_file *target, char ret_revision[LAYER_REVISION_SIZE],
		       struct layer_policy *ret);
/* Writes a line of deploy_permission_write's, about the statement with this id: 0 or the exit code. */
int cli_lambda_policy_change(const struct lambda_policy_file *target, const char *line, const char *id);

/* Says why it cannot be opened, or read; 254. error is positive. */
int cli_lambda_policy_failed(const struct lambda_policy_file *target, int error);
int cli_lambda_policy_other_revision(const struct lambda_policy_file *target);

#endif
