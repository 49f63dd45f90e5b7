/*
 * store_hasher.h - a few threads that hash what is written to stages, beside the writers, and close large files.
 *
 * A stage hands in its job whenever it has put blocks off. Jobs take turns, a run of blocks at a time, so that a large
 * upload does not hold up the others. The threads start when there is something to do for them; where none can be
 * started the blocks wait for merkle_builder_finish.
 */
#ifndef STORE_HASHER_H
#define STORE_HASHER_H

#include <pthread.h>

#include "base/base.h"
#include "crypto/merkle.h"

#define STORE_HASHER_THREADS 4
#define STORE_HASHER_CLOSING 8

struct store_hasher_job {
	struct merkle_builder *builder;
	const int *fd; /* stays what it is until the job is withdrawn */
	/* the hasher's */
	struct store_hasher_job *next;
	bool queued, in_hand, again;
};

struct store_hasher {
	pthread_mutex_t lock;
	pthread_cond_t work_or_end, given_back;
	struct store_hasher_job *first, **last;
	int closing[STORE_HASHER_CLOSING]; /* descriptors */
	size_t closing_count;
	size_t thread_count, idle_count;
	bool ending;
	pthread_t threads[STORE_HASHER_THREADS];
};

void store_hasher_init(struct store_hasher *hasher);
/* All jobs are withdrawn by now. */
void store_hasher_done(struct store_hasher *hasher);

void store_hasher_hand_in(struct store_hasher *hasher, struct store_hasher_job *job);
/* Closes *fd (-1 is fine) and sets it to -1, now or soon: freeing a removed file of 50 MiB takes some 20 ms. */
void store_hasher_close(struct store_hasher *hasher, int *fd);
/* Returns when no thread works on it, or will. */
void store_hasher_withdraw(struct store_hasher *hasher, struct store_hasher_job *job);

#endif
