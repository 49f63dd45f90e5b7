/*
 * kept.h - a mount for a service that has no privileges from its start: root mounts both sides and leaves the
 * connections with systemd, which gives them to whoever serves, and to the next one when all processes have died.
 *
 *     ExecStartPre=+  vouchfs mount --keep     root, on the host: mounts, and is gone (nothing, where it is kept)
 *     ExecStart=      vouchfs mount --kept     User=, shut in: serves what systemd has kept
 *     ExecStopPost=+  vouchfs unmount --stale  root: what is kept is silent, not stale, and stays
 *
 * What is kept is a takeover (takeover.h), each descriptor by a name, and the number of the last daemon. Who ends in
 * order, or cannot go on, has systemd drop it all: then the kernel says so to everybody, and the next start mounts
 * anew.
 */
#ifndef FS_KEPT_H
#define FS_KEPT_H

#include "plan.h"

/* Exit codes; errors are printed. */
int kept_mount(const struct plan_request *request);
int kept_serve(void);

void kept_drop(void);

#endif
