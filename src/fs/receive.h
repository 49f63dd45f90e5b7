/*
 * receive.h - how the threads of a session wait for its next request.
 *
 * A thread that sleeps has to be woken, and where its processor has halted meanwhile, as that of a virtual machine
 * does, this takes longer than most requests. So while requests follow each other closely, one thread of the session
 * looks for the next one for LIMIT_LOOK_US before it sleeps as well. A session that nobody uses makes no system call.
 */
#ifndef FS_RECEIVE_H
#define FS_RECEIVE_H

#include <stdatomic.h>
#include <sys/types.h>

#include "base/base.h"

struct receiver {
	atomic_bool is_looking;	      /* a thread is: one is enough */
	atomic_bool is_busy;	      /* the last request came soon after the one before */
	atomic_uint_fast64_t idle_ns; /* since then a thread waits, on the monotonic clock */
};

/* As read(2) on a blocking descriptor, for any number of threads. A thread may be cancelled in it, as in read. */
ssize_t receive(struct receiver *receiver, int fd, void *buf, size_t size);

#endif
