/*
 * config_expect.h - files of tests/data that say in their first lines what is wrong with them:
 *
 *     # expect: <line, 0 for the file as a whole>: <part of the error's text>
 */
#ifndef TESTS_CONFIG_EXPECT_H
#define TESTS_CONFIG_EXPECT_H

#include "base/buf.h"

/* Fails unless errors are those that the input expects, in that order, each of the file that is shown so. */
void config_expect_errors(const char *name, const char *input, const char *shown, const char *errors);

/*
 * Checks each file should-fail-<reason>.conf of a directory, by name. Fails where there are fewer than files_min, so
 * that an empty directory does not pass.
 */
typedef void config_expect_check(void *ctx, const char *name, const struct buf *bytes);
void config_expect_each(const char *directory, int files_min, config_expect_check *check, void *ctx);

#endif
