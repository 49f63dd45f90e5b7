#include "waiting.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/io.h"
#include "base/limits.h"
#include "base/lock.h"
#include "reply.h"

struct kept_read {
	struct kept_read *next;
	struct waiting *waiting;
	fuse_req_t req;
	struct tree_handle *stream;
	size_t size;
	bool is_interrupted;
};

struct kept_poll {
	struct kept_poll *next;
	struct tree_handle *stream;
	struct fuse_pollhandle *handle;
};

struct waiting {
	const struct tree_ops *ops;
	void *tree;
	int fd; /* eventfd: look again */
	pthread_t thread;
	pthread_mutex_t lock; /* before the tree's; never held while something is answered */
	struct kept_read *reads;
	struct kept_poll *polls;
	bool has_to_end;
	atomic_bool is_leaving; /* what waits is left to the daemon that comes next */
};

static void wake(void *ctx)
{
	const struct waiting *waiting = ctx;
	const uint64_t one = 1;
	ssize_t written;
	do
		written = write(waiting->fd, &one, sizeof(one));
	while (written < 0 && errno == EINTR);
	ASSERT(written == (ssize_t)sizeof(one));
}

/* ---- reads ---- */

/* Called by libfuse with the request's own lock held, which lock therefore comes before ours. */
static void on_interrupt(fuse_req_t req UNUSED, void *ctx)
{
	struct kept_read *kept = ctx;
	lock_take(&kept->waiting->lock);
	kept->is_interrupted = true;
	lock_drop(&kept->waiting->lock);
	wake(kept->waiting);
}

static void keep_read(struct kept_read *kept)
{
	struct waiting *waiting = kept->waiting;
	fuse_req_interrupt_func(kept->req, on_interrupt, kept);
	lock_take(&waiting->lock);
	kept->next = waiting->reads;
	waiting->reads = kept;
	/* What came before it was kept has woken nobody for it. */
	if (kept->is_interrupted || waiting->ops->is_ready(kept->stream))
		wake(waiting);
	lock_drop(&waiting->lock);
}

void waiting_read(struct waiting *waiting, fuse_req_t req, struct tree_handle *stream, size_t size)
{
	struct kept_read *kept = calloc(1, sizeof(*kept));
	if (!kept) {
		reply_err(req, -ENOMEM);
		return;
	}
	*kept = (struct kept_read){.waiting = waiting,
				   .req = req,
				   .stream = stream,
				   .size = size < LIMIT_EVENT_READ_BYTES ? size : LIMIT_EVENT_READ_BYTES};
	keep_read(kept);
}

/* It is in no list. Once libfuse has forgotten it, nobody interrupts it any more. */
static void answer_read(struct kept_read *kept)
{
	char bytes[LIMIT_EVENT_READ_BYTES];
	fuse_req_interrupt_func(kept->req, NULL, NULL);
	if (atomic_load(&kept->waiting->is_leaving) && !kept->is_interrupted) {
		fuse_reply_none(kept->req);
		free(kept);
		return;
	}
	ssize_t got = kept->is_interrupted ? -EINTR : kept->waiting->ops->read(kept->stream, bytes, kept->size, 0);
	if (got == -EAGAIN) { /* another read of the same file was first */
		keep_read(kept);
		return;
	}
	if (got == -EINTR)
		(void)fuse_reply_err(kept->req, EINTR); /* here it is true */
	else if (got < 0)
		reply_err(kept->req, (int)got);
	else
		(void)fuse_reply_buf(kept->req, bytes, (size_t)got);
	free(kept);
}

static struct kept_read *take_reads(struct waiting *waiting)
{
	struct kept_read *taken = NULL;
	lock_take(&waiting->lock);
	for (struct kept_read **link = &waiting->reads; *link;) {
		struct kept_read *kept = *link;
		if (!kept->is_interrupted && !waiting->ops->is_ready(kept->stream)) {
			link = &kept->next;
			continue;
		}
		*link = kept->next;
		kept->next = taken;
		taken = kept;
	}
	lock_drop(&waiting->lock);
	return taken;
}

static void answer_reads(struct waiting *waiting)
{
	for (struct kept_read *kept = take_reads(waiting), *next; kept; kept = next) {
		next = kept->next;
		answer_read(kept);
	}
}

/* ---- polls ---- */

/* A file is asked about by one poll at a time that counts, the last. */
static void drop_polls_locked(struct waiting *waiting, const struct tree_handle *stream)
{
	for (struct kept_poll **link = &waiting->polls; *link;) {
		struct kept_poll *kept = *link;
		if (kept->stream != stream) {
			link = &kept->next;
			continue;
		}
		*link = kept->next;
		fuse_pollhandle_destroy(kept->handle);
		free(kept);
	}
}

/* Takes the handle over. */
static int keep_poll_locked(struct waiting *waiting, struct tree_handle *stream, struct fuse_pollhandle *handle)
{
	struct kept_poll *kept = calloc(1, sizeof(*kept));
	drop_polls_locked(waiting, stream);
	if (!kept) {
		fuse_pollhandle_destroy(handle);
		return -ENOMEM;
	}
	*kept = (struct kept_poll){.next = waiting->polls, .stream = stream, .handle = handle};
	waiting->polls = kept;
	return 0;
}

void waiting_poll(struct waiting *waiting, fuse_req_t req, struct tree_handle *stream, struct fuse_pollhandle *handle)
{
	int r = 0;
	lock_take(&waiting->lock);
	bool is_ready = waiting->ops->is_ready(stream);
	if (handle && !is_ready)
		r = keep_poll_locked(waiting, stream, handle);
	else if (handle)
		fuse_pollhandle_destroy(handle);
	lock_drop(&waiting->lock);
	if (r < 0)
		reply_err(req, r);
	else
		(void)fuse_reply_poll(req, is_ready ? POLLIN | POLLRDNORM : 0);
}

void waiting_forget(struct waiting *waiting, const struct tree_handle *stream)
{
	lock_take(&waiting->lock);
	drop_polls_locked(waiting, stream);
	lock_drop(&waiting->lock);
}

static struct kept_poll *take_polls(struct waiting *waiting)
{
	struct kept_poll *taken = NULL;
	lock_take(&waiting->lock);
	for (struct kept_poll **link = &waiting->polls; *link;) {
		struct kept_poll *kept = *link;
		if (!waiting->ops->is_ready(kept->stream)) {
			link = &kept->next;
			continue;
		}
		*link = kept->next;
		kept->next = taken;
		taken = kept;
	}
	lock_drop(&waiting->lock);
	return taken;
}

static void tell_polls(struct waiting *waiting)
{
	for (struct kept_poll *kept = take_polls(waiting), *next; kept; kept = next) {
		next = kept->next;
		(void)fuse_lowlevel_notify_poll(kept->handle);
		fuse_pollhandle_destroy(kept->handle);
		free(kept);
	}
}

/* ---- the thread ---- */

static void *thread_main(void *ctx)
{
	struct waiting *waiting = ctx;
	uint64_t count;
	bool has_to_end = false;
	while (!has_to_end) {
		ssize_t got = read(waiting->fd, &count, sizeof(count));
		ASSERT(got == (ssize_t)sizeof(count) || errno == EINTR);
		lock_take(&waiting->lock);
		has_to_end = waiting->has_to_end; /* first: then all that is kept is ready */
		lock_drop(&waiting->lock);
		answer_reads(waiting);
		tell_polls(waiting);
	}
	return NULL;
}

int waiting_new(const struct tree_ops *ops, void *tree, struct waiting **ret)
{
	struct waiting *waiting = calloc(1, sizeof(*waiting));
	if (!waiting)
		return -ENOMEM;
	lock_init(&waiting->lock);
	waiting->ops = ops;
	waiting->tree = tree;
	waiting->fd = eventfd(0, EFD_CLOEXEC);
	int r = waiting->fd < 0 ? -errno : 0;
	if (r == 0)
		r = -pthread_create(&waiting->thread, NULL, thread_main, waiting);
	if (r < 0) {
		io_close(&waiting->fd);
		lock_done(&waiting->lock);
		free(waiting);
		return r;
	}
	ops->set_waker(tree, &(struct tree_waker){.ctx = waiting, .wake = wake});
	*ret = waiting;
	return 0;
}

void waiting_free(struct waiting *waiting, bool is_leaving)
{
	if (!waiting)
		return;
	atomic_store(&waiting->is_leaving, is_leaving);
	waiting->ops->set_waker(waiting->tree, &(struct tree_waker){0});
	waiting->ops->end_streams(waiting->tree);
	lock_take(&waiting->lock);
	waiting->has_to_end = true;
	lock_drop(&waiting->lock);
	wake(waiting);
	ASSERT(pthread_join(waiting->thread, NULL) == 0);
	ASSERT(!waiting->reads);
	while (waiting->polls)
		drop_polls_locked(waiting, waiting->polls->stream);
	io_close(&waiting->fd);
	lock_done(&waiting->lock);
	free(waiting);
}
