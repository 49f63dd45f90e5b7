/* lambda.h - what the lambda verbs share. Private to src/cli. */
#ifndef CLI_LAMBDA_PRIVATE_H
#define CLI_LAMBDA_PRIVATE_H

#include "base/buf.h"
#include "base/io.h"
#include "cli/aws.h"
#include "config/config.h"
#include "config/edit.h"

#define CLI_LAMBDA_OPTIONS                                                                                             \
	"  -c, --config CONF  the configuration of the host (default: $VOUCHFS_CONF, else\n"                           \
	"                     " CONFIG_DEFAULT_PATH ")\n"

/* ---- options that create-function and update-function-configuration have in common ---- */

/* Taken and not kept. */
struct lambda_unkept {
	const char *runtime, *handler, *role, *description, *timeout, *memory;
};

#define LAMBDA_UNKEPT_OPTIONS(unkept)                                                                                  \
	{.name = "runtime", .kind = CLI_TEXT, .ret_text = &(unkept).runtime},                                          \
		{.name = "handler", .kind = CLI_TEXT, .ret_text = &(unkept).handler},                                  \
		{.name = "role", .kind = CLI_TEXT, .ret_text = &(unkept).role},                                        \
		{.name = "description", .kind = CLI_TEXT, .ret_text = &(unkept).description},                          \
		{.name = "timeout", .kind = CLI_TEXT, .ret_text = &(unkept).timeout},                                  \
	{                                                                                                              \
		.name = "memory-size", .kind = CLI_TEXT, .ret_text = &(unkept).memory                                  \
	}

#define LAMBDA_FROM_S3	 "there is no S3; copy the ZIP here and give --zip-file fileb://PATH"
#define LAMBDA_NO_IMAGES "container images are not served; give a ZIP with --zip-file fileb://PATH"
#define LAMBDA_RUNTIME	 "it is the business of whoever runs what is served below run/"

#define LAMBDA_RUNTIME_OPTIONS                                                                                         \
	{.name = "image-config", .refuse = LAMBDA_NO_IMAGES}, {.name = "vpc-config", .refuse = LAMBDA_RUNTIME},        \
		{.name = "dead-letter-config", .refuse = LAMBDA_RUNTIME},                                              \
		{.name = "environment", .refuse = LAMBDA_RUNTIME},                                                     \
		{.name = "kms-key-arn", .refuse = "nothing is encrypted; the store is a directory"},                   \
		{.name = "tracing-config", .refuse = LAMBDA_RUNTIME},                                                  \
		{.name = "file-system-configs", .refuse = LAMBDA_RUNTIME},                                             \
		{.name = "ephemeral-storage", .refuse = LAMBDA_RUNTIME},                                               \
		{.name = "snap-start", .refuse = LAMBDA_RUNTIME},                                                      \
	{                                                                                                              \
		.name = "logging-config", .refuse = LAMBDA_RUNTIME                                                     \
	}

/* ---- the host that a verb is about ---- */

struct lambda_host {
	const char *operation;
	char *path; /* of the configuration, resolved */
	struct config *config;
	struct bundle *bundle; /* the policy bundle in force, or NULL */
	char *mountpoint;      /* NULL: not mounted */
};

struct cli_lambda {
	struct cli_aws aws;
	const char *config_path;
};

/* cli_aws_parse with --config. */
int cli_lambda_parse(const struct cli_command *command, const struct cli_option *options, size_t option_count,
		     int *argc, char **argv, struct cli_lambda *ret, bool *ret_done);

/* "An error occurred (name) ..." on stderr; 254. */
int cli_lambda_fail(const char *operation, const char *error_name, const char *format, ...) PRINTF_LIKE(3, 4);
int cli_lambda_no_memory(const char *operation);

/* 0, or the exit code after having said why; lambda_host_done in any case. --region must be the host's. */
int cli_lambda_open(const char *operation, const struct cli_lambda *options, struct lambda_host *ret);
void lambda_host_done(struct lambda_host *host);

/* 254 unless the host is mounted. */
int cli_lambda_need_mount(const struct lambda_host *host);

/*
 * The three in turn, for verbs that need the mount; ret starts empty. False: the verb is over with this exit code, and
 * nothing is open.
 */
bool cli_lambda_begin(const struct cli_command *command, const char *operation, const struct cli_option *options,
		      size_t option_count, int argc, char **argv, struct lambda_host *ret, int *ret_exit_code);

/* ---- names (lambda_names.c) ---- */

/* The config's name from an ARN of this host, or as it stands. -EINVAL with why. */
int lambda_config_name(const struct config *config, const char *text, char ret[ARN_LAMBDA_NAME_SIZE],
		       struct explain *ret_why);
/* The function's name from an ARN of this host, whole or from the account on, or as it stands; without qualifier. */
int lambda_function_name(const struct config *config, const char *text, char ret[ARN_LAMBDA_NAME_SIZE],
			 struct explain *ret_why);
/* A layer, by the ARN that it has without a version or by its name. */
int lambda_layer_name(const struct config *config, const char *text, char ret[ARN_LAMBDA_NAME_SIZE],
		      struct explain *ret_why);
/* A layer version: its ARN, or "name:version". */
int lambda_layer_version(const struct config *config, const char *text, struct arn_layer_version *ret,
			 struct explain *ret_why);
/* These with InvalidParameterValueException: 0 or the exit code. */
int cli_lambda_config_name(const struct lambda_host *host, const char *text, char ret[ARN_LAMBDA_NAME_SIZE]);
int cli_lambda_function_name(const struct lambda_host *host, const char *text, char ret[ARN_LAMBDA_NAME_SIZE]);
int cli_lambda_layer_name(const struct lambda_host *host, const char *text, char ret[ARN_LAMBDA_NAME_SIZE]);
int cli_lambda_layer_version(const struct lambda_host *host, const char *text, struct arn_layer_version *ret);

void lambda_config_arn(const struct config *config, const char *name, char ret[ARN_TEXT_SIZE]);
void lambda_function_arn(const struct config *config, const char *name, char ret[ARN_TEXT_SIZE]);
void lambda_layer_arn(const struct config *config, const char *name, char ret[ARN_TEXT_SIZE]);
void lambda_layer_version_arn(const struct config *config, const char *name, uint64_t version, char ret[ARN_TEXT_SIZE]);

#define LAMBDA_ID_SIZE 22 /* csc- and 17 digits, with NUL */
void lambda_new_id(char ret[LAMBDA_ID_SIZE]);

/* ---- pages of a list (lambda_names.c) ---- */

struct lambda_page {
	const char *marker;	    /* --marker */
	const char *starting_token; /* --starting-token */
	const char *max_items;	    /* --max-items */
	const char *page_size;	    /* --page-size: one page or many, the answer is the same */
	bool no_paginate;
	uint64_t limit; /* of max_items */
};

#define LAMBDA_PAGE_OPTIONS(page)                                                                                      \
	{.name = "marker", .kind = CLI_TEXT, .ret_text = &(page).marker},                                              \
		{.name = "starting-token", .kind = CLI_TEXT, .ret_text = &(page).starting_token},                      \
		{.name = "max-items", .kind = CLI_TEXT, .ret_text = &(page).max_items},                                \
		{.name = "page-size", .kind = CLI_TEXT, .ret_text = &(page).page_size},                                \
	{                                                                                                              \
		.name = "no-paginate", .kind = CLI_FLAG, .ret_flag = &(page).no_paginate                               \
	}

#define LAMBDA_PAGE_USAGE                                                                                              \
	"      --max-items N         at most so many, 1 to 10000\n"                                                    \
	"      --starting-token T    go on behind the NextToken of the answer before\n"                                \
	"      --marker M            the same for NextMarker\n"

/* 0 or the usage exit code. */
int lambda_page_check(const struct cli_command *command, struct lambda_page *page);
/* Whether the answer, which has count items so far, ends before the item of this name; items come sorted. */
bool lambda_page_skips(const struct lambda_page *page, const char *name);
/* "NextToken", or "NextMarker" where --marker or --no-paginate was given; last: the name of the last item shown. */
void lambda_page_print_next(const struct lambda_page *page, struct json *j, const char *last);

/* ---- changing the configuration (lambda_edit.c) ---- */

/* 0 or the exit code, after having said why; config_edit_close. host->config is not used from here on. */
int cli_lambda_edit(const struct lambda_host *host, struct config_edit **ret);
/* 0, or the exit code after having said that a policy bundle decides about this section. */
int cli_lambda_may_say(const struct lambda_host *host, const char *section);
/*
 * Puts, or removes, a section, and returns when that is in force: written, and read by the mount where there is one.
 * Otherwise nothing has changed.
 */
int cli_lambda_put(const struct lambda_host *host, struct config_edit *edit, const struct config_section_text *text);
int cli_lambda_remove(const struct lambda_host *host, struct config_edit *edit, const char *section);
/* Takes the change of this edit back, in the mount too. Says why it cannot. */
void cli_lambda_take_back(const struct lambda_host *host, struct config_edit *edit);

#define LAMBDA_SECTION_SIZE 96
/* "function f" */
const char *lambda_section(const char *kind, const char *name, char ret[LAMBDA_SECTION_SIZE]);

/*
 * Binds a function to a config (CONFIG_NONE: to none), in a file of conf.d; what its pattern says of owner, group and
 * mode goes along. 0 or the exit code.
 */
int cli_lambda_bind(const struct lambda_host *host, struct config_edit *edit, const char *command, const char *function,
		    const char *config_name);

/* ---- the code of functions ---- */

/* fileb://PATH, opened. 0, or the usage exit code as the AWS CLI gives for a file that is not there. */
int lambda_open_zip(const struct cli_command *command, const char *value, int *ret_fd);

/* A refusal as the mount, or the gate, explains it (lambda_why.c). Pieces are "" where the text has none. */
struct lambda_why {
	char outcome[16]; /* "refused", "failed" */
	char code[8];	  /* "VF2001" or "" */
	char title[128];
	char check[16]; /* the first that failed, with its mode */
	char mode[16];
	char found[512];
	char expected[512];
	char detail[768];
	char remedy[512];
	char kept[128];
	uint64_t pid; /* who tried; 0: not told */
};
void lambda_why_parse(const char *text, struct lambda_why *ret);
/* The name of AWS's error for the reason; "ServiceException" for one that has none. */
const char *lambda_why_error_name(const struct lambda_why *why);
/* Of the verdict; CLI_EXIT_FAILURE where it has no reason. */
int lambda_why_exit_code(const struct lambda_why *why);
/* failure: what did not come about, "function f was not deployed". */
int lambda_why_print(const struct lambda_why *why, const char *failure, struct buf *ret);

/* Prints the error; 254. */
int cli_lambda_refuse(const char *operation, const char *error_name, const char *failure, const struct lambda_why *why);

/* Writes the ZIP into the function's slot; 0 or the exit code after having said why it was refused. */
int lambda_deploy(const struct lambda_host *host, const char *function, int zip_fd);
/* Gives the function these layers, none when the list is empty; 0 or the exit code after having said why not. */
int lambda_attach(const struct lambda_host *host, const char *function, const struct cli_list *layers);
/* The same verdict without deploying anything. Prints the answer. */
int lambda_dry_run(const struct lambda_host *host, const char *function, int zip_fd);

#define LAMBDA_SHA256_SIZE 48 /* base64 */
/* What AWS calls CodeSize and CodeSha256, of an open file. */
int lambda_digest(int fd, uint64_t *ret_size, char ret_sha256[LAMBDA_SHA256_SIZE]);
/* An extended attribute (free); NULL where there is none. */
char *lambda_attribute(const char *path, const char *name);

/* The names in a directory of the mount, sorted; "run" of an ordinary user's mount is behind a symlink. */
int lambda_list_below(const struct lambda_host *host, const char *directory, struct io_names *ret);
/* "Location": file:// and the path. */
int lambda_print_location(const char *path, struct json *j);

/* What is served of a function. */
struct lambda_release {
	uint64_t number;
	int64_t released_at_s;
	uint64_t size_bytes;
	char sha256[LAMBDA_SHA256_SIZE];
	char *profile; /* ARN or NULL */
	char *job;
	char *layers;	 /* user.vouchfs.layer_versions of opt/, or NULL */
	bool is_blocked; /* by policy on load: nothing of it can be read */
};
/* -ENOENT: nothing is served. */
int lambda_release_find(const struct lambda_host *host, const char *function);
int lambda_release_read(const struct lambda_host *host, const char *function, struct lambda_release *ret);
void lambda_release_done(struct lambda_release *release);
void lambda_release_print(const struct lambda_host *host, const char *function, const struct lambda_release *release,
			  bool published, const char *key, struct json *j);
/* 254, after having said that nothing is served, or why it cannot be read. */
int cli_lambda_release_failed(const struct lambda_host *host, const char *function, int r);
/* Prints what is served; 0 or the exit code. */
int lambda_print_function(const struct lambda_host *host, const char *function, bool published);

#endif
