#include "store_writeback.h"

#include "base/io.h"

#define PIECE_BYTES ((uint64_t)8 * 1024 * 1024) /* small artifacts are left to the fsync */

/* What is written again behind our back is dirty again, and the fsync's. */
static bool start_step(void *ctx)
{
	struct store_writeback *w = ctx;
	uint64_t to = atomic_load(&w->to_bytes);
	if (w->error == 0 && to > w->from_bytes)
		w->error = io_start_writeback(*w->fd, w->from_bytes, to - w->from_bytes);
	w->from_bytes = to;
	return false;
}

void store_writeback_init(struct store_writeback *writeback, struct store_helpers *helpers, const int *fd)
{
	*writeback =
		(struct store_writeback){.helpers = helpers, .fd = fd, .job = {.step = start_step, .ctx = writeback}};
}

static void hand_in(struct store_writeback *w, uint64_t end_bytes)
{
	w->handed_in_bytes = end_bytes;
	atomic_store(&w->to_bytes, end_bytes);
	store_helpers_hand_in(w->helpers, &w->job);
}

void store_writeback_note(struct store_writeback *writeback, uint64_t end_bytes)
{
	if (writeback->helpers && end_bytes >= writeback->handed_in_bytes + PIECE_BYTES)
		hand_in(writeback, end_bytes);
}

void store_writeback_note_end(struct store_writeback *writeback, uint64_t end_bytes)
{
	if (writeback->helpers && writeback->handed_in_bytes > 0 && end_bytes > writeback->handed_in_bytes)
		hand_in(writeback, end_bytes);
}

int store_writeback_end(struct store_writeback *writeback)
{
	store_writeback_drop(writeback);
	(void)start_step(writeback); /* what no helper has come to; an fsync is next */
	return writeback->error;
}

void store_writeback_drop(struct store_writeback *writeback)
{
	if (writeback->helpers)
		store_helpers_withdraw(writeback->helpers, &writeback->job);
}
