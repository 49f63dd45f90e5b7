#include "agreement.h"

#include <errno.h>
#include <linux/fuse.h>
#include <string.h>

#include "base/lock.h"

void agreement_init(struct agreement *agreement)
{
	*agreement = (struct agreement){.memory = -1};
	lock_init(&agreement->lock);
	ASSERT(pthread_cond_init(&agreement->changed, NULL) == 0);
}

void agreement_done(struct agreement *agreement)
{
	ASSERT(pthread_cond_destroy(&agreement->changed) == 0);
	lock_done(&agreement->lock);
}

/* ---- the first time ---- */

void agreement_take_request(struct agreement *agreement, const void *bytes, size_t len)
{
	struct fuse_in_header header;
	if (len < sizeof(header) || len > sizeof(agreement->init.request))
		return;
	memcpy(&header, bytes, sizeof(header));
	if (header.opcode != FUSE_INIT)
		return;
	memcpy(agreement->init.request, bytes, len);
	agreement->init.request_len = (uint32_t)len;
}

/* False: it is no answer to INIT. */
static bool join_answer(const struct agreement *agreement, const struct iovec *parts, int count,
			struct memory_init *ret)
{
	struct fuse_in_header request;
	struct fuse_out_header answer;
	struct memory_init joined = agreement->init;
	joined.answer_len = 0;
	for (int i = 0; i < count; i++) {
		if (parts[i].iov_len > sizeof(joined.answer) - joined.answer_len)
			return false;
		memcpy(joined.answer + joined.answer_len, parts[i].iov_base, parts[i].iov_len);
		joined.answer_len += (uint32_t)parts[i].iov_len;
	}
	if (joined.request_len == 0 || joined.answer_len < sizeof(answer))
		return false;
	memcpy(&request, joined.request, sizeof(request));
	memcpy(&answer, joined.answer, sizeof(answer));
	if (answer.unique != request.unique)
		return false;
	*ret = joined;
	return true;
}

static void settle(struct agreement *agreement, int error)
{
	lock_take(&agreement->lock);
	agreement->error = error;
	agreement->is_over = error < 0;
	atomic_store(&agreement->is_made, error == 0);
	ASSERT(pthread_cond_broadcast(&agreement->changed) == 0);
	lock_drop(&agreement->lock);
}

void agreement_take_answer(struct agreement *agreement, const struct iovec *parts, int count)
{
	struct memory_init init;
	if (agreement->is_replay || !join_answer(agreement, parts, count, &init))
		return;
	int r = agreement->memory < 0 ? 0 : memory_put_init(agreement->memory, agreement->side, &init);
	settle(agreement, r);
}

/* ---- the next time ---- */

bool agreement_swallows(struct agreement *agreement, const struct iovec *parts, int count)
{
	struct memory_init init;
	if (!agreement->is_replay || atomic_load(&agreement->is_made) || !join_answer(agreement, parts, count, &init))
		return false;
	bool is_same = init.answer_len == agreement->init.answer_len &&
		       memcmp(init.answer, agreement->init.answer, init.answer_len) == 0;
	settle(agreement, is_same ? 0 : -EPROTO);
	return true;
}

int agreement_replay(struct agreement *agreement, struct fuse_session *fuse)
{
	int r = memory_get_init(agreement->memory, agreement->side, &agreement->init);
	if (r < 0)
		return r;
	const struct fuse_buf request = {.mem = agreement->init.request, .size = agreement->init.request_len};
	agreement->is_replay = true;
	agreement->error = -EPROTO; /* until it is answered */
	fuse_session_process_buf(fuse, &request);
	return agreement->error;
}

/* ---- waiting for it ---- */

int agreement_await(struct agreement *agreement)
{
	lock_take(&agreement->lock);
	while (!atomic_load(&agreement->is_made) && !agreement->is_over)
		ASSERT(pthread_cond_wait(&agreement->changed, &agreement->lock) == 0);
	bool is_made = atomic_load(&agreement->is_made);
	int error = agreement->error;
	lock_drop(&agreement->lock);
	return is_made ? 0 : error < 0 ? error : -ENOTCONN;
}

void agreement_end(struct agreement *agreement)
{
	lock_take(&agreement->lock);
	agreement->is_over = true;
	ASSERT(pthread_cond_broadcast(&agreement->changed) == 0);
	lock_drop(&agreement->lock);
}
