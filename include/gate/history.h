/*
 * history.h - the releases of a function that are kept, rendered: by the daemon for .vouchfs/history, and by `vouchfs
 * history` of a store that is not mounted.
 */
#ifndef GATE_HISTORY_H
#define GATE_HISTORY_H

#include "base/buf.h"
#include "store/store.h"

enum gate_service { GATE_UNKNOWN = 0, GATE_BLOCKED, GATE_DAMAGED, GATE_SERVED };

struct gate_history_row {
	const struct store_release *release;
	bool is_current;
	enum gate_service service; /* what its files below run/.releases answer: EACCES, EIO, or content */
};

struct gate_history {
	const char *function;
	const struct gate_history_row *rows; /* ascending */
	size_t count;
};

/* Both append; the newest release comes first. */
int gate_render_history(const struct gate_history *history, struct buf *ret);
int gate_render_history_json(const struct gate_history *history, struct buf *ret);

#endif
