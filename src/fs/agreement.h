/*
 * agreement.h - what kernel and daemon have agreed on at INIT, for one connection.
 *
 *     first daemon    request read ---> libfuse ---> answer written ---> both put into the memory: made
 *     next daemon     request of the memory ---> libfuse ---> answer has to be the one of the memory, and goes nowhere
 *
 * The kernel asks once for the life of a mount, so a daemon that takes over has to want what the first one got.
 */
#ifndef FS_AGREEMENT_H
#define FS_AGREEMENT_H

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/uio.h>

#include "base/base.h"
#include "memory.h"

struct agreement {
	int memory; /* borrowed; -1: nothing is remembered */
	enum memory_side side;
	struct memory_init init;
	bool is_replay;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	atomic_bool is_made;
	bool is_over;
	int error;
};

void agreement_init(struct agreement *agreement);
void agreement_done(struct agreement *agreement);

/* What was read of the kernel, before anybody looks at it, until is_made. */
void agreement_take_request(struct agreement *agreement, const void *bytes, size_t len);
/* What is to be written: true when it is the answer of a replay, which the kernel must not get. */
bool agreement_swallows(struct agreement *agreement, const struct iovec *parts, int count);
/* What was written, until is_made. */
void agreement_take_answer(struct agreement *agreement, const struct iovec *parts, int count);

/* Has the session do without the kernel what the memory says. -ENODATA, -EBADMSG: it says nothing, or nonsense;
 * -EPROTO: this program wants something else. */
int agreement_replay(struct agreement *agreement, struct fuse_session *fuse);

/* Until it is made: 0; until it failed, or the connection has ended: -ENOTCONN. */
int agreement_await(struct agreement *agreement);
void agreement_end(struct agreement *agreement);

#endif
