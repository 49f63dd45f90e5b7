/*
 * due.h - when time alone can change a verdict on what is served: a timer on the wall clock, so that nothing wakes up
 * before, and nothing is missed when the clock is set or the machine has slept.
 *
 * Where a test moves the clock (base/clock.h) times are not waited for: whoever moved it calls slots_follow.
 */
#ifndef SLOTS_DUE_H
#define SLOTS_DUE_H

#include <pthread.h>

#include "base/base.h"

struct due {
	int fd; /* readable: the time has come, or the clock was set */
	pthread_mutex_t lock;
	int64_t at_s; /* INT64_MAX: never */
};

int due_init(struct due *due);
void due_done(struct due *due);

/* Not later than that. From any thread. */
void due_by(struct due *due, int64_t at_s);
void due_now(struct due *due);

/* Takes what the descriptor has to say, and forgets the time: who judges then says when it is due again. */
void due_take(struct due *due);

#endif
