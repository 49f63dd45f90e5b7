/*
 * hook_process.h - one hook that runs: no shell, no arguments, nothing of our environment, our files or our signals.
 * It leads a session and a process group of its own; what is left of the group when it ends goes with it.
 */
#ifndef FS_HOOK_PROCESS_H
#define FS_HOOK_PROCESS_H

#include <sys/types.h>

#include "base/limits.h"
#include "hook_record.h"

struct hook_process {
	const char *name;  /* escaped; the caller's */
	const char *event; /* its number; the caller's */
	pid_t pid;
	int pidfd;  /* readable: it has ended */
	int output; /* what it writes to stdout and stderr; -1: that has ended */
	char line[LIMIT_HOOK_LINE_BYTES];
	size_t line_len;
	unsigned lines; /* that were logged */
	bool is_cut;
};

/*
 * Executes the file of dirfd, which no symbolic link may be; a script finds itself, and what is beside it, below
 * /dev/fd/3. name and record must outlive it.
 */
int hook_process_start(int dirfd, const char *file, const char *name, const struct hook_record *record,
		       struct hook_process *ret);

/* Logs what there is to read from output. */
void hook_process_read(struct hook_process *process);

/* Of the process that starts hooks: children that they leave behind become its own, so that it can reap them. */
int hook_process_adopt_orphans(void);

/* Kills what is left of it, reaps it, logs how it ended unless that was with 0. why_killed NULL: it has ended. */
void hook_process_end(struct hook_process *process, const char *why_killed);

#endif
