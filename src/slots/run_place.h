/*
 * run_place.h - from a node of the run side to the release it belongs to. Private to src/slots/run*.c.
 */
#ifndef SLOTS_RUN_PLACE_H
#define SLOTS_RUN_PLACE_H

#include "internal.h"
#include "run_node.h"

/* A release's node, taken apart. Holds a reference until run_place_done. */
struct run_place {
	struct release *release;
	uint32_t index;	    /* enum run_index, or above */
	uint32_t view_node; /* when index >= RUN_INDEX_TASK */
};

/* -ENOENT: no such release (any more); -EACCES, -EIO: it may not be served. */
int run_place_find(struct slots *slots, uint64_t node, struct run_place *ret);
void run_place_done(struct run_place *place);
int run_place_attr(const struct run_place *place, struct slots_attr *ret);
void run_directory_attr(uint64_t node, struct timespec mtime, struct slots_attr *ret);

/* What a release's directory holds. */
struct run_release_entry {
	const char *name;
	uint32_t index;
};
#define RUN_RELEASE_ENTRIES 4
extern const struct run_release_entry run_release_entries[RUN_RELEASE_ENTRIES];

int run_render_link(const struct release *release, struct buf *ret);
int run_render_json(const struct release *release, struct buf *ret);

static inline bool run_is_release_node(uint64_t node)
{
	return node != RUN_ROOT && node != RUN_NODE_RELEASES;
}

/* A slot's own directory below .releases, while it has releases. */
bool run_is_slot_directory(struct slots *slots, uint64_t node, struct slot **ret);

#endif
