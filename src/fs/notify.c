#include "notify.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/close_range.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/lock.h"
#include "base/log.h"

#define WAIT_MAX_S 5
#define SPARE_JOBS 8 /* for when there is no memory: who finds them all in use waits */
#define FIRST_FILE 3 /* behind the standard ones */

struct job {
	struct job *next;
	uint64_t node;
	uint64_t count; /* of nodes, from this one on */
	bool is_entry;
	char name[LIMIT_NAME_BYTES + 1];
};

struct notify {
	struct fuse_session *fuse;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a job was queued, the last one or a spare one is done, or it is time to end */
	struct job *first, **last;
	struct job spare[SPARE_JOBS], *unused; /* those of them that nobody has */
	uint64_t queued_count, done_count;
	bool ending;
	bool has_own_files; /* of the thread alone */
	pthread_t thread;
};

/* Nobody is there to be told yet (-ENOSYS: before INIT), or any more. */
static bool is_unmounted(int error)
{
	return error == -ENOTCONN || error == -ENODEV || error == -EBADF || error == -ENOSYS;
}

/* Of many nodes the kernel knows few; an unknown one costs a short system call. */
static int tell_of_nodes(struct notify *n, const struct job *job)
{
	int failed = 0;
	for (uint64_t i = 0; i < job->count && !is_unmounted(failed); i++) {
		int r = fuse_lowlevel_notify_inval_inode(n->fuse, job->node + i, 0, 0);
		if (r < 0 && r != -ENOENT)
			failed = r;
	}
	return failed;
}

/* That the kernel does not know the node, or that there is no mount, is as good as done. */
static void do_job(struct notify *n, const struct job *job)
{
	int r = job->is_entry ? fuse_lowlevel_notify_inval_entry(n->fuse, job->node, job->name, strlen(job->name))
			      : tell_of_nodes(n, job);
	if (r < 0 && r != -ENOENT && !is_unmounted(r))
		log_error("the kernel was not told that node %llu changed: %s", (unsigned long long)job->node,
			  strerror(-r));
}

static bool is_spare(const struct notify *n, const struct job *job)
{
	return job >= n->spare && job < n->spare + SPARE_JOBS;
}

static void give_back_locked(struct notify *n, struct job *job)
{
	if (!is_spare(n, job)) {
		free(job);
		return;
	}
	job->next = n->unused;
	n->unused = job;
}

/*
 * The kernel may keep this thread for as long as somebody who has locked a directory or a page waits for an answer,
 * also when the process dies, and with it all files of the process: the supervisor would not notice the death, and no
 * other daemon could open the store. So it has a table of its own, with the connection alone.
 */
static void part_with_files(struct notify *n)
{
	int fd = fuse_session_fd(n->fuse);
	if (n->has_own_files || fd < FIRST_FILE)
		return;
	n->has_own_files = true;
	if (close_range((unsigned)fd + 1, ~0U, CLOSE_RANGE_UNSHARE) < 0 ||
	    (fd > FIRST_FILE && close_range(FIRST_FILE, (unsigned)fd - 1, 0) < 0))
		log_warning("who tells the kernel of changes keeps files open: %s", strerror(errno));
}

static void *thread_main(void *ctx)
{
	struct notify *n = ctx;
	lock_take(&n->lock);
	for (;;) {
		while (!n->first && !n->ending)
			ASSERT(pthread_cond_wait(&n->changed, &n->lock) == 0);
		if (n->ending)
			break;

		struct job *job = n->first;
		n->first = job->next;
		if (!n->first)
			n->last = &n->first;
		lock_drop(&n->lock);
		part_with_files(n);
		do_job(n, job);
		lock_take(&n->lock);

		n->done_count++;
		bool is_awaited = !n->first || is_spare(n, job);
		give_back_locked(n, job);
		if (is_awaited)
			ASSERT(pthread_cond_broadcast(&n->changed) == 0);
	}
	lock_drop(&n->lock);
	return NULL;
}

static struct timespec deadline(void)
{
	struct timespec at;
	ASSERT(clock_gettime(CLOCK_MONOTONIC, &at) == 0);
	at.tv_sec += WAIT_MAX_S;
	return at;
}

static void queue(struct notify *n, struct job *job)
{
	lock_take(&n->lock);
	*n->last = job;
	n->last = &job->next;
	n->queued_count++;
	ASSERT(pthread_cond_broadcast(&n->changed) == 0);
	lock_drop(&n->lock);
}

static void on_settle(void *ctx)
{
	struct notify *n = ctx;
	const struct timespec until = deadline();

	lock_take(&n->lock);
	const uint64_t wanted = n->queued_count;
	int r = 0;
	while (n->done_count < wanted && r == 0)
		r = pthread_cond_timedwait(&n->changed, &n->lock, &until);
	ASSERT(r == 0 || r == ETIMEDOUT);
	lock_drop(&n->lock);

	if (r == ETIMEDOUT)
		log_warning("the kernel has not dropped stale entries of the run side within %d s", WAIT_MAX_S);
}

static struct job *await_spare(struct notify *n)
{
	const struct timespec until = deadline();
	int r = 0;
	lock_take(&n->lock);
	while (!n->unused && r == 0)
		r = pthread_cond_timedwait(&n->changed, &n->lock, &until);
	ASSERT(r == 0 || r == ETIMEDOUT);
	struct job *job = n->unused;
	if (job) {
		n->unused = job->next;
		*job = (struct job){0};
	}
	lock_drop(&n->lock);
	return job;
}

/* What is not pushed is served as it was, to whoever may not have it any more: lack of memory is no reason. */
static struct job *new_job(struct notify *n, uint64_t node)
{
	struct job *job = calloc(1, sizeof(*job));
	if (!job)
		job = await_spare(n);
	if (job)
		job->node = node;
	else
		log_error("out of memory: the run side keeps a stale entry");
	return job;
}

static void on_entry(void *ctx, uint64_t parent, const char *name)
{
	struct job *job = new_job(ctx, parent);
	if (!job)
		return;
	size_t len = strlen(name);
	ASSERT(len <= LIMIT_NAME_BYTES);
	job->is_entry = true;
	memcpy(job->name, name, len + 1);
	queue(ctx, job);
}

static void on_inodes(void *ctx, uint64_t first, uint64_t count)
{
	struct job *job = new_job(ctx, first);
	if (!job)
		return;
	job->count = count;
	queue(ctx, job);
}

static void on_inode(void *ctx, uint64_t node)
{
	on_inodes(ctx, node, 1);
}

static void init_condition(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	ASSERT(pthread_condattr_init(&attributes) == 0);
	ASSERT(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
	ASSERT(pthread_cond_init(condition, &attributes) == 0);
	ASSERT(pthread_condattr_destroy(&attributes) == 0);
}

int notify_new(struct fuse_session *fuse, struct notify **ret)
{
	struct notify *n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->fuse = fuse;
	n->last = &n->first;
	for (size_t i = 0; i < SPARE_JOBS; i++)
		give_back_locked(n, &n->spare[i]);
	lock_init(&n->lock);
	init_condition(&n->changed);

	int r = -pthread_create(&n->thread, NULL, thread_main, n);
	if (r < 0) {
		ASSERT(pthread_cond_destroy(&n->changed) == 0);
		lock_done(&n->lock);
		free(n);
		return r;
	}
	*ret = n;
	return 0;
}

struct slots_notify notify_for_slots(struct notify *n)
{
	return (struct slots_notify){
		.ctx = n, .entry = on_entry, .inode = on_inode, .inodes = on_inodes, .settle = on_settle};
}

void notify_free(struct notify *n)
{
	if (!n)
		return;
	lock_take(&n->lock);
	n->ending = true;
	ASSERT(pthread_cond_broadcast(&n->changed) == 0);
	lock_drop(&n->lock);
	ASSERT(pthread_join(n->thread, NULL) == 0);

	for (struct job *job; (job = n->first);) {
		n->first = job->next;
		give_back_locked(n, job);
	}
	ASSERT(pthread_cond_destroy(&n->changed) == 0);
	lock_done(&n->lock);
	free(n);
}
