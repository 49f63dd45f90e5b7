/* hook_runner.h - the process that runs hooks, from its start to its end (hooks.h). */
#ifndef FS_HOOK_RUNNER_H
#define FS_HOOK_RUNNER_H

#include "hooks.h"

/* Runs the hooks for what comes on the socket until the daemon's end of it is closed; returns an exit code. */
int hook_runner_main(const struct hooks_options *options, int socket);

#endif
