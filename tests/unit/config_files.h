/*
 * config_files.h - a directory of its own for each configuration test, and loads from it. Tests' setup and teardown.
 */
#ifndef TESTS_CONFIG_FILES_H
#define TESTS_CONFIG_FILES_H

#include "base/buf.h"
#include "config/policy.h"

struct config_files {
	char dir[128];
	char main_path[160]; /* dir/vouchfs.conf */
	struct config *config;
	struct buf errors;
};

int config_files_setup(void **state);
int config_files_teardown(void **state);

/* Writes dir/name, mode 0644 whatever the umask is. */
void config_files_write(struct config_files *files, const char *name, const void *bytes, size_t len);
void config_files_puts(struct config_files *files, const char *name, const char *text);

/* dir/conf.d/name, which is made. */
void config_files_put_conf_d(struct config_files *files, const char *name, const char *text);

/* The smallest good main file, with more text behind it. */
void config_files_good(struct config_files *files, const char *more);

/* Loads the main file afresh into files->config and files->errors. */
int config_files_load(struct config_files *files);
/* The same under a bundle, or NULL. */
int config_files_load_governed(struct config_files *files, const struct config_members *bundle);

/* Loads, and expects -EINVAL with exactly one error that contains text. */
void config_files_expect_error(struct config_files *files, const char *text);
/* The same of whatever was loaded into files. */
void config_files_assert_error(const struct config_files *files, const char *text);

#endif
