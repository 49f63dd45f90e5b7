/*
 * daemon.h - the process that serves: it has no privileges and knows all connections.
 */
#ifndef FS_DAEMON_H
#define FS_DAEMON_H

#include "plan.h"

/* Exit code of one that could not take over a connection, as nobody can (session_start). */
#define DAEMON_CANNOT_TAKE_OVER 3

/*
 * hook_feed: to the hooks' runner, or -1.
 *
 * Becomes the service user, opens what is served, then does what the supervisor says (channel.h). Returns the exit
 * code: 0 when it was told to end or all connections have ended, 78 for a bad configuration. What it serves stays as it
 * is when it ends, and may have been served by others before: the channel's first messages say so.
 */
int daemon_main(const struct plan *plan, int channel, int hook_feed);

#endif
