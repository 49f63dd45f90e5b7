/* lambda_write.h - what the lambda verbs write into slots of the mount. Private to src/cli. */
#ifndef CLI_LAMBDA_WRITE_PRIVATE_H
#define CLI_LAMBDA_WRITE_PRIVATE_H

#include "lambda.h"

struct lambda_target {
	char slot[ARN_LAMBDA_NAME_SIZE + 16]; /* "functions/f", "layers/l" */
	char failure[160];		      /* what it is for the user when it fails */
	const char *section;		      /* of the configuration */
	bool is_list;			      /* of a function's layers */
};

void lambda_target_function(const char *function, struct lambda_target *ret);
void lambda_target_layers(const char *function, struct lambda_target *ret);
void lambda_target_layer(const char *layer, struct lambda_target *ret);

/* A directory of the mount: "functions", "layers/l". Negative errno. */
int lambda_open_below(const struct lambda_host *host, const char *directory);

/* Begins the file anew. Negative errno. */
int lambda_target_open(const struct lambda_host *host, const struct lambda_target *target, const char *file,
		       int *ret_fd);
/* Copies a file into the one that was opened, and closes that: 0, or the exit code after having said who refused it. */
int cli_lambda_target_write(const struct lambda_host *host, const struct lambda_target *target, int from, int *to);

/* The explanation of the last attempt. False: it is not this process's. */
bool lambda_target_why(const struct lambda_host *host, const struct lambda_target *target, struct lambda_why *ret);
/* Says why the mount has refused it, in its own words where it had any; 254. error is positive. */
int cli_lambda_target_failed(const struct lambda_host *host, const struct lambda_target *target, int error);

#endif
