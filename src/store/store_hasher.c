#include "store_hasher.h"

#include <signal.h>

#include "base/io.h"
#include "base/lock.h"

void store_hasher_init(struct store_hasher *hasher)
{
	*hasher = (struct store_hasher){.last = &hasher->first};
	lock_init(&hasher->lock);
	ASSERT(pthread_cond_init(&hasher->work_or_end, NULL) == 0);
	ASSERT(pthread_cond_init(&hasher->given_back, NULL) == 0);
}

void store_hasher_done(struct store_hasher *hasher)
{
	lock_take(&hasher->lock);
	ASSERT(!hasher->first);
	hasher->ending = true;
	ASSERT(pthread_cond_broadcast(&hasher->work_or_end) == 0);
	lock_drop(&hasher->lock);
	for (size_t i = 0; i < hasher->thread_count; i++)
		ASSERT(pthread_join(hasher->threads[i], NULL) == 0);
	while (hasher->closing_count > 0)
		io_close(&hasher->closing[--hasher->closing_count]);
	ASSERT(pthread_cond_destroy(&hasher->given_back) == 0);
	ASSERT(pthread_cond_destroy(&hasher->work_or_end) == 0);
	lock_done(&hasher->lock);
}

static void push_locked(struct store_hasher *hasher, struct store_hasher_job *job)
{
	job->next = NULL;
	job->queued = true;
	*hasher->last = job;
	hasher->last = &job->next;
}

static void remove_locked(struct store_hasher *hasher, struct store_hasher_job *job)
{
	struct store_hasher_job **at = &hasher->first;
	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	if (hasher->last == &job->next)
		hasher->last = at;
	job->queued = false;
}

static void close_one_locked(struct store_hasher *hasher)
{
	int fd = hasher->closing[--hasher->closing_count];
	lock_drop(&hasher->lock);
	io_close(&fd);
	lock_take(&hasher->lock);
}

/* Closing has to wait for hashing. */
static struct store_hasher_job *next_job_locked(struct store_hasher *hasher)
{
	while (!hasher->first && !hasher->ending) {
		if (hasher->closing_count > 0) {
			close_one_locked(hasher);
			continue;
		}
		hasher->idle_count++;
		ASSERT(pthread_cond_wait(&hasher->work_or_end, &hasher->lock) == 0);
		hasher->idle_count--;
	}
	struct store_hasher_job *job = hasher->first;
	if (job)
		remove_locked(hasher, job);
	return job;
}

/* A job that fails is given back as it is: whoever finishes the tree meets the failure again. */
static void work_locked(struct store_hasher *hasher, struct store_hasher_job *job)
{
	job->in_hand = true;
	job->again = false;
	lock_drop(&hasher->lock);
	struct io_reader reader = io_reader_fd(job->fd, MERKLE_SIZE_MAX_BYTES);
	int r = merkle_builder_help(job->builder, &reader);
	lock_take(&hasher->lock);
	job->in_hand = false;
	if (r > 0 || (r == 0 && job->again))
		push_locked(hasher, job);
	ASSERT(pthread_cond_broadcast(&hasher->given_back) == 0);
}

static void *thread_main(void *ctx)
{
	struct store_hasher *hasher = ctx;
	sigset_t all;
	(void)sigfillset(&all);
	ASSERT(pthread_sigmask(SIG_SETMASK, &all, NULL) == 0);

	lock_take(&hasher->lock);
	for (;;) {
		struct store_hasher_job *job = next_job_locked(hasher);
		if (!job)
			break;
		work_locked(hasher, job);
	}
	lock_drop(&hasher->lock);
	return NULL;
}

static void ensure_thread_locked(struct store_hasher *hasher)
{
	if (hasher->idle_count > 0 || hasher->thread_count == STORE_HASHER_THREADS)
		return;
	if (pthread_create(&hasher->threads[hasher->thread_count], NULL, thread_main, hasher) == 0)
		hasher->thread_count++;
}

void store_hasher_hand_in(struct store_hasher *hasher, struct store_hasher_job *job)
{
	lock_take(&hasher->lock);
	job->again = true;
	if (!job->queued && !job->in_hand) {
		push_locked(hasher, job);
		ensure_thread_locked(hasher);
		ASSERT(pthread_cond_signal(&hasher->work_or_end) == 0);
	}
	lock_drop(&hasher->lock);
}

void store_hasher_close(struct store_hasher *hasher, int *fd)
{
	if (*fd < 0)
		return;
	lock_take(&hasher->lock);
	ensure_thread_locked(hasher);
	if (hasher->thread_count > 0 && hasher->closing_count < STORE_HASHER_CLOSING) {
		hasher->closing[hasher->closing_count++] = *fd;
		*fd = -1;
		ASSERT(pthread_cond_signal(&hasher->work_or_end) == 0);
	}
	lock_drop(&hasher->lock);
	io_close(fd);
}

void store_hasher_withdraw(struct store_hasher *hasher, struct store_hasher_job *job)
{
	lock_take(&hasher->lock);
	while (job->in_hand)
		ASSERT(pthread_cond_wait(&hasher->given_back, &hasher->lock) == 0);
	if (job->queued)
		remove_locked(hasher, job);
	lock_drop(&hasher->lock);
}
