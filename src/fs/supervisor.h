/*
 * supervisor.h - the process that keeps its privileges and does nothing with them but mount and unmount.
 */
#ifndef FS_SUPERVISOR_H
#define FS_SUPERVISOR_H

#include "plan.h"

/*
 * Starts the daemon, mounts what it serves, and returns the exit code when the mount has ended: 0 when it was unmounted
 * or told to end, else what went wrong, and then nothing stays mounted. A byte is written to ready_fd (-1: nobody
 * waits) when all is served.
 */
int supervisor_run(struct plan *plan, int ready_fd);

/* Goes on with what the program before this one has mounted (takeover.h). Takes the descriptor over. */
int supervisor_resume(int description);
/* The same with what has been read; takes it over. */
struct takeover;
int supervisor_go_on(struct takeover *takeover);

#endif
