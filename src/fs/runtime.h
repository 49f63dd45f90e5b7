/*
 * runtime.h - the directory that a mount has while it runs, and by which commands find its process.
 *
 *     /run/vouchfs-<hash of the source's path>/             of root; of a user: below $XDG_RUNTIME_DIR, else
 *                                                           /tmp/vouchfs-<uid>/, which must be the user's own, 0700
 *         lock      locked by the supervisor as long as it lives: the kernel says which process that is (F_GETLK),
 *                   so no file's content has to be believed, and nobody else can pretend to be it
 *         reload    outcome of the last reload, and the number of the request that it answers, with all before
 *         restart   of the last time that another program was to serve
 *         *.asked   the number of the last request, written before anything is done for it: whoever reads it and then
 *                   asks is answered by an outcome with a higher one, which was begun later than that
 *         run/      mountpoint of the run side, where that is beside the tree
 *
 * Where root has mounted for a service without privileges (kept.h), the directory is root's and the service's group may
 * write it, so root believes the members of that group what they say of their own processes.
 */
#ifndef FS_RUNTIME_H
#define FS_RUNTIME_H

#include <sys/types.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/explain.h"

#define RUNTIME_PATH_SIZE 512

enum runtime_outcome { RUNTIME_RELOAD = 0, RUNTIME_RESTART, RUNTIME_OUTCOMES };

struct runtime {
	char path[RUNTIME_PATH_SIZE];
	int dirfd;
	int lock_fd;
	uint64_t asked[RUNTIME_OUTCOMES]; /* the last request's number */
};

/* source: a configuration, or a signer's home. create false: -ENOENT when there is none. */
int runtime_open(const char *source, bool create, struct runtime *ret, struct explain *ret_why);
/* Gives the lock back; the directory stays. */
void runtime_done(struct runtime *runtime);

/* For the life of this process (not inherited by fork). -EBUSY: ret_why names the process that has it. */
int runtime_lock(struct runtime *runtime, struct explain *ret_why);
/* The same of a directory and a file that another process has opened for this one. */
int runtime_lock_again(struct runtime *runtime, struct explain *ret_why);
/* Of root: lets a service's group in. */
int runtime_share(struct runtime *runtime, gid_t gid);
/* The process that holds the lock, as a descriptor (pidfd) that cannot come to mean another one. -ESRCH: none. */
int runtime_holder(const struct runtime *runtime, int *ret_pidfd);
/* Removes the directory; the holder of the lock only. */
void runtime_remove(struct runtime *runtime);

/* Another request: before it is looked at what it is about. One that could not be written down has no number. */
int runtime_put_request(struct runtime *runtime, enum runtime_outcome of);
/* 0: none so far. */
int runtime_get_request(const struct runtime *runtime, enum runtime_outcome of, uint64_t *ret_request);
/* Of this request and all before; errors "": it was done. */
int runtime_put_outcome(const struct runtime *runtime, enum runtime_outcome of, uint64_t request, const char *errors);
int runtime_get_outcome(const struct runtime *runtime, enum runtime_outcome of, uint64_t *ret_request,
			struct buf *ret_errors);

#endif
