/*
 * waiting.h - reads of streams that found nothing yet. A request is kept, so that none of the session's threads waits
 * with it, and answered by a thread of its own: when the tree wakes it and there is something to read, with EINTR when
 * its caller is interrupted, with the end of the file when the mount goes down.
 *
 *     op_read: -EAGAIN -> waiting_read: kept ----> thread: is_ready -> read -> answered
 *                           ^      FUSE_INTERRUPT ----^   waiting_free ---^
 *     op_poll: not ready -> waiting_poll: kept --> thread: is_ready -> the kernel is told, and asks again
 *
 * A file's reads end before its RELEASE comes; waiting_forget drops what is kept of its polls.
 */
#ifndef FS_WAITING_H
#define FS_WAITING_H

#include <fuse_lowlevel.h>

#include "slots/tree.h"

struct waiting;

/* Starts the thread, and is the tree's waker until waiting_free. */
int waiting_new(const struct tree_ops *ops, void *tree, struct waiting **ret);
/* Answers all that is kept, or leaves it to the next daemon, which is asked again. The session's loop has ended. NULL
 * is fine. */
void waiting_free(struct waiting *waiting, bool is_leaving);

/* These answer the request, at once or later. */
void waiting_read(struct waiting *waiting, fuse_req_t req, struct tree_handle *stream, size_t size);
void waiting_poll(struct waiting *waiting, fuse_req_t req, struct tree_handle *stream, struct fuse_pollhandle *handle);
void waiting_forget(struct waiting *waiting, const struct tree_handle *stream);

#endif
