/*
 * daemon.h - the process that serves: it has no privileges and knows both connections.
 */
#ifndef FS_DAEMON_H
#define FS_DAEMON_H

#include "plan.h"

/*
 * Becomes the service user, opens the store, then does what the supervisor says (channel.h). Returns the exit code: 0
 * when it was told to end or both connections have ended, 78 for a bad configuration.
 */
int daemon_main(const struct plan *plan, int channel);

#endif
