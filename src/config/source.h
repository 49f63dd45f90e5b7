/*
 * source.h - finds, judges and reads the files. Internal to config.
 */
#ifndef CONFIG_SOURCE_H
#define CONFIG_SOURCE_H

#include "config/config.h"
#include "tree.h"

/*
 * Reads path and conf.d/<name>.conf beside it into the tree; *ret_path is its absolute form (free). What is wrong with
 * a file is reported. change: a file of conf.d that is taken as it would be, or NULL. 0 or a negative errno: memory, or
 * that of the main file, which is reported too.
 */
int source_read(const char *path, const struct config_change *change, struct tree *tree, struct report *report,
		char **ret_path);

/* One file alone, relative to an open directory, by the same rules. */
int source_read_alone(int directory_fd, const char *name, struct tree *tree, struct report *report);

#endif
