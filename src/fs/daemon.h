/*
 * daemon.h - the process that serves: it has no privileges and knows all connections.
 */
#ifndef FS_DAEMON_H
#define FS_DAEMON_H

#include "plan.h"

/*
 * hook_feed: to the hooks' runner, or -1.
 *
 * Becomes the service user, opens what is served, then does what the supervisor says (channel.h). Returns the exit
 * code: 0 when it was told to end or all connections have ended, 78 for a bad configuration.
 */
int daemon_main(const struct plan *plan, int channel, int hook_feed);

#endif
