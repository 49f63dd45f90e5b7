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
	uint32_t view_node; /* when run_index_is_task; its release may be a layer's, then it is a file */
	uint32_t folder;    /* when run_index_is_opt: its number. release->opt is there, but for opt/ itself */
};

/* -ENOENT: no such release (any more); -EACCES, -EIO: it may not be served. */
int run_place_find(struct slots *slots, uint64_t node, struct run_place *ret);
void run_place_done(struct run_place *place);
/* The node of what is called so in opt/ or a folder below it. -ENOENT; -EIO: a layer is damaged. */
int run_opt_find(const struct run_place *parent, const char *name, uint64_t *ret);
/* Its index-th entry, for who has called release_load_opt; NULL: there are no more. Of the node only the name counts.
 * The place is borrowed: no run_place_done. */
const struct view_node *run_opt_entry(const struct run_place *parent, uint64_t index, struct run_place *ret);
/* Extended attributes of opt/ (what was merged) and of a layer's file (which layer it is of). */
int run_opt_getxattr(const struct run_place *place, const char *name, struct buf *ret);
int run_opt_listxattr(const struct run_place *place, struct buf *ret);
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
