#include "store_helpers.h"

#include <signal.h>

#include "base/io.h"
#include "base/lock.h"

void store_helpers_init(struct store_helpers *helpers)
{
	*helpers = (struct store_helpers){.last = &helpers->first};
	lock_init(&helpers->lock);
	ASSERT(pthread_cond_init(&helpers->work_or_end, NULL) == 0);
	ASSERT(pthread_cond_init(&helpers->given_back, NULL) == 0);
}

void store_helpers_done(struct store_helpers *helpers)
{
	lock_take(&helpers->lock);
	ASSERT(!helpers->first);
	helpers->ending = true;
	ASSERT(pthread_cond_broadcast(&helpers->work_or_end) == 0);
	lock_drop(&helpers->lock);
	for (size_t i = 0; i < helpers->thread_count; i++)
		ASSERT(pthread_join(helpers->threads[i], NULL) == 0);
	while (helpers->closing_count > 0)
		io_close(&helpers->closing[--helpers->closing_count]);
	ASSERT(pthread_cond_destroy(&helpers->given_back) == 0);
	ASSERT(pthread_cond_destroy(&helpers->work_or_end) == 0);
	lock_done(&helpers->lock);
}

static void push_locked(struct store_helpers *helpers, struct store_job *job)
{
	job->next = NULL;
	job->queued = true;
	*helpers->last = job;
	helpers->last = &job->next;
}

static void remove_locked(struct store_helpers *helpers, struct store_job *job)
{
	struct store_job **at = &helpers->first;
	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	if (helpers->last == &job->next)
		helpers->last = at;
	job->queued = false;
}

static void close_one_locked(struct store_helpers *helpers)
{
	int fd = helpers->closing[--helpers->closing_count];
	lock_drop(&helpers->lock);
	io_close(&fd);
	lock_take(&helpers->lock);
}

/* Closing has to wait for jobs. */
static struct store_job *next_job_locked(struct store_helpers *helpers)
{
	while (!helpers->first && !helpers->ending) {
		if (helpers->closing_count > 0) {
			close_one_locked(helpers);
			continue;
		}
		helpers->idle_count++;
		ASSERT(pthread_cond_wait(&helpers->work_or_end, &helpers->lock) == 0);
		helpers->idle_count--;
	}
	struct store_job *job = helpers->first;
	if (job)
		remove_locked(helpers, job);
	return job;
}

static void work_locked(struct store_helpers *helpers, struct store_job *job)
{
	job->in_hand = true;
	job->again = false;
	lock_drop(&helpers->lock);
	bool has_more = job->step(job->ctx);
	lock_take(&helpers->lock);
	job->in_hand = false;
	if (has_more || job->again)
		push_locked(helpers, job);
	ASSERT(pthread_cond_broadcast(&helpers->given_back) == 0);
}

static void *thread_main(void *ctx)
{
	struct store_helpers *helpers = ctx;
	sigset_t all;
	(void)sigfillset(&all);
	ASSERT(pthread_sigmask(SIG_SETMASK, &all, NULL) == 0);

	lock_take(&helpers->lock);
	for (;;) {
		struct store_job *job = next_job_locked(helpers);
		if (!job)
			break;
		work_locked(helpers, job);
	}
	lock_drop(&helpers->lock);
	return NULL;
}

static void ensure_thread_locked(struct store_helpers *helpers)
{
	if (helpers->idle_count > 0 || helpers->thread_count == STORE_HELPERS_MAX)
		return;
	if (pthread_create(&helpers->threads[helpers->thread_count], NULL, thread_main, helpers) == 0)
		helpers->thread_count++;
}

void store_helpers_hand_in(struct store_helpers *helpers, struct store_job *job)
{
	lock_take(&helpers->lock);
	job->again = true;
	if (!job->queued && !job->in_hand) {
		push_locked(helpers, job);
		ensure_thread_locked(helpers);
		ASSERT(pthread_cond_signal(&helpers->work_or_end) == 0);
	}
	lock_drop(&helpers->lock);
}

void store_helpers_close(struct store_helpers *helpers, int *fd)
{
	if (*fd < 0)
		return;
	lock_take(&helpers->lock);
	ensure_thread_locked(helpers);
	if (helpers->thread_count > 0 && helpers->closing_count < STORE_HELPERS_CLOSING) {
		helpers->closing[helpers->closing_count++] = *fd;
		*fd = -1;
		ASSERT(pthread_cond_signal(&helpers->work_or_end) == 0);
	}
	lock_drop(&helpers->lock);
	io_close(fd);
}

void store_helpers_withdraw(struct store_helpers *helpers, struct store_job *job)
{
	lock_take(&helpers->lock);
	while (job->in_hand)
		ASSERT(pthread_cond_wait(&helpers->given_back, &helpers->lock) == 0);
	if (job->queued)
		remove_locked(helpers, job);
	lock_drop(&helpers->lock);
}
