/*
 * control.h - what the two tables of .vouchfs/status have in common. Private to src/slots/control*.c.
 */
#ifndef SLOTS_CONTROL_H
#define SLOTS_CONTROL_H

#include "base/json.h"
#include "internal.h"

/* The last attempt on a slot; NULL members: there was none. */
struct control_last {
	char *outcome;
	char *reason;
	char *at;
	char *by;
};

void control_take_last_locked(const struct slot *slot, struct control_last *ret); /* tree lock held */
void control_last_done(struct control_last *last);
bool control_last_is_bad(const struct control_last *last);
#define CONTROL_LAST_SIZE 160
const char *control_print_last(const struct control_last *last, char ret[CONTROL_LAST_SIZE]);

/* Fills a row; false: the slot has none in this table. */
typedef bool control_fill(struct slots *slots, struct slot *slot, void *row);
/* The rows of all slots that have one, in order, for the caller to free. No lock held. */
int control_collect(struct slots *slots, size_t row_size, control_fill *fill,
		    int (*compare)(const void *, const void *), void **ret_rows, size_t *ret_count);

/* What people know a profile version by: the tail of its ARN. NULL: unsigned, or there is nothing. */
const char *control_publisher(const char *profile, bool is_there);

/* The table of layers. */
int control_render_layers(struct slots *slots, struct buf *ret);

#endif
