/* lambda_layer.h - a layer version as the mount shows it. Private to src/cli. */
#ifndef CLI_LAMBDA_LAYER_PRIVATE_H
#define CLI_LAMBDA_LAYER_PRIVATE_H

#include "lambda.h"

/* What its publisher says of it; lists are joined with commas. "" and NULL: nothing. */
enum lambda_about { LAYER_DESCRIPTION, LAYER_RUNTIMES, LAYER_ARCHITECTURES, LAYER_LICENSE, LAYER_ABOUT_COUNT };
struct lambda_about_info {
	const char *attribute;
	const char *option;
	const char *member; /* of an answer */
	bool is_list;
};
extern const struct lambda_about_info lambda_about_infos[LAYER_ABOUT_COUNT];

struct lambda_layer_version {
	uint64_t number;
	char *published_at;
	char *about[LAYER_ABOUT_COUNT];
	char *profile; /* ARN or NULL */
	char *job;
	/* with its content: */
	uint64_t size_bytes;
	char sha256[LAMBDA_SHA256_SIZE];
};

/* A file of the layer's slot, by its name there. -ENOENT: it is no version. Content is read to have its digest. */
int lambda_layer_read(const struct lambda_host *host, const char *layer, const char *file, bool with_content,
		      struct lambda_layer_version *ret);
void lambda_layer_done(struct lambda_layer_version *version);

/* Whether it lists these; NULL: any. */
bool lambda_layer_suits(const struct lambda_layer_version *version, const char *runtime, const char *architecture);

/* The members of a version in a list. */
void lambda_layer_print_item(const struct lambda_host *host, const char *layer,
			     const struct lambda_layer_version *version, const char *key, struct json *j);
/* The answer about one version, whose content was read; 0 or the exit code. */
int lambda_layer_print(const struct lambda_host *host, const char *layer, const struct lambda_layer_version *version);

/* --version-number: 0 or the usage exit code. */
int lambda_version_number(const struct cli_command *command, const char *text, uint64_t *ret);
#define LAMBDA_VERSION_FILE_SIZE 32
/* "3.zip" */
const char *lambda_version_file(uint64_t number, char ret[LAMBDA_VERSION_FILE_SIZE]);

#endif
