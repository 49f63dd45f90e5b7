/*
 * store_helpers.h - a few threads that work beside the writers of stages: they hash what was written, send it on its
 * way to the disk, and close large files.
 *
 * A stage hands in a job whenever there is something to do. Jobs take turns, a step at a time, so that a large upload
 * does not hold up the others; one thread at a time works on a job. The threads start when there is something to do for
 * them; where none can be started, or a step fails, the work is left to whoever ends the stage.
 */
#ifndef STORE_HELPERS_H
#define STORE_HELPERS_H

#include <pthread.h>

#include "base/base.h"

#define STORE_HELPERS_MAX     4
#define STORE_HELPERS_CLOSING 8

struct store_job {
	bool (*step)(void *ctx); /* true: there is more to do now */
	void *ctx;		 /* stays until the job is withdrawn */
	/* the helpers' */
	struct store_job *next;
	bool queued, in_hand, again;
};

struct store_helpers {
	pthread_mutex_t lock;
	pthread_cond_t work_or_end, given_back;
	struct store_job *first, **last;
	int closing[STORE_HELPERS_CLOSING]; /* descriptors */
	size_t closing_count;
	size_t thread_count, idle_count;
	bool ending;
	pthread_t threads[STORE_HELPERS_MAX];
};

void store_helpers_init(struct store_helpers *helpers);
/* All jobs are withdrawn by now. */
void store_helpers_done(struct store_helpers *helpers);

void store_helpers_hand_in(struct store_helpers *helpers, struct store_job *job);
/* Closes *fd (-1 is fine) and sets it to -1, now or soon: freeing a removed file of 50 MiB takes some 20 ms. */
void store_helpers_close(struct store_helpers *helpers, int *fd);
/* Returns when no thread works on it, or will. */
void store_helpers_withdraw(struct store_helpers *helpers, struct store_job *job);

#endif
