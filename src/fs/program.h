/*
 * program.h - the program that is executed in place of this one: whichever is installed now where this one was started
 * from.
 */
#ifndef FS_PROGRAM_H
#define FS_PROGRAM_H

#include "base/base.h"
#include "base/explain.h"

/* Its path, absolute, as this process was started; free(). To be asked before the file is replaced. */
int program_path(char **ret);
/* Whether what is there now starts, and can take over a mount (takeover.h). Waits LIMIT_PROGRAM_CHECK_MS at most. */
int program_check(const char *path, struct explain *ret_why);
/* The running one, whatever its file is by now: a descriptor. */
int program_open_running(void);

/* Executes a path, or for NULL a descriptor, with the arguments of this process. Returns when that has failed. */
int program_execute(const char *path, int fd);

#endif
