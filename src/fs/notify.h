/*
 * notify.h - pushes what a switch makes stale in the kernel's caches of the run side.
 *
 * One thread does it and holds no lock: an invalidation waits for requests of the same directory, so whoever called the
 * kernel from a request, or with a lock that a request wants, would wait for himself.
 */
#ifndef FS_NOTIFY_H
#define FS_NOTIFY_H

#include <fuse_lowlevel.h>

#include "slots/slots.h"

struct notify;

/* The session must outlive it. */
int notify_new(struct fuse_session *fuse, struct notify **ret);

/*
 * What slots calls: queues, and to settle waits until the thread has done it, a few seconds at most. Without memory
 * queueing waits like that, too.
 */
struct slots_notify notify_for_slots(struct notify *notify);

/* Nobody may call any more. What is queued is dropped. */
void notify_free(struct notify *notify);

#endif
