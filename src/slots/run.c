/* The run side: names to nodes, references, links and attributes. */
#include "slots/run.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "release_grace.h"
#include "run_place.h"

/* ---- references ---- */

void run_remember(struct slots *slots, uint64_t node)
{
	uint64_t id = run_node_id(node);
	struct release *release;
	if (!run_is_release_node(node))
		return;
	struct slot *slot;
	lock_take(&slots->lock);
	HASH_FIND(hh, slots->releases, &id, sizeof(id), release);
	if (release && release->lookups++ == 0)
		release_ref_locked(release);
	HASH_FIND(hh_id, slots->by_id, &id, sizeof(id), slot);
	if (release || slot)
		inherit_touch_locked(release ? release->slot : slot);
	lock_drop(&slots->lock);
}

void run_forget(struct slots *slots, uint64_t node, uint64_t count)
{
	uint64_t id = run_node_id(node);
	struct release *release = NULL;
	if (!run_is_release_node(node))
		return;
	lock_take(&slots->lock);
	HASH_FIND(hh, slots->releases, &id, sizeof(id), release);
	uint64_t counted = release ? release->lookups - release->is_inherited : 0;
	if (counted > 0) { /* else it was before us that it was looked up */
		release->lookups -= count < counted ? count : counted;
		if (release->lookups > 0)
			release = NULL;
	} else {
		release = NULL;
	}
	lock_drop(&slots->lock);
	release_put(release); /* the kernel's reference, when that was the last node it knew */
}

int run_getattr(struct slots *slots, uint64_t node, struct slots_attr *ret)
{
	struct slot *slot;
	if (!run_is_release_node(node) || run_is_slot_directory(slots, node, &slot)) {
		run_directory_attr(node, slots->started, ret);
		return 0;
	}
	struct run_place place;
	int r = run_place_find(slots, node, &place);
	if (r < 0)
		return r;
	r = run_place_attr(&place, ret);
	run_place_done(&place);
	return r;
}

/* ---- lookup ---- */

/* A slot that has something to serve. */
static int find_served(struct slots *slots, const char *name, struct slot **ret_slot, struct release **ret_release)
{
	int r = slot_find(slots, name, ret_slot);
	if (r < 0)
		return r;
	*ret_release = slot_current(*ret_slot);
	return *ret_release ? 0 : slot_is_damaged(*ret_slot) ? -EIO : -ENOENT;
}

/* Listed, or so lately that the link may have been read then. */
static struct release *find_release(struct slot *slot, const char *name)
{
	uint64_t number;
	if (!text_parse_u64(name, strlen(name), UINT64_MAX, &number))
		return NULL;
	lock_take(&slot->slots->lock);
	struct release *release = grace_find_locked(slot, number);
	for (size_t i = 0; i < slot->listed_count; i++)
		if (slot->listed[i]->record->number == number)
			release = slot->listed[i];
	if (release)
		release_ref_locked(release);
	lock_drop(&slot->slots->lock);
	return release;
}

static int find_release_entry(const struct run_place *parent, const char *name, uint64_t *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(run_release_entries); i++) {
		if (strcmp(run_release_entries[i].name, name) == 0) {
			*ret = run_node(parent->release->record->id, run_release_entries[i].index);
			return 0;
		}
	}
	return -ENOENT;
}

static int find_task_entry(const struct run_place *parent, const char *name, uint64_t *ret)
{
	uint32_t child;
	if (!parent->release->view->nodes[parent->view_node].is_directory)
		return -ENOTDIR;
	if (!view_find(parent->release->view, parent->view_node, name, &child))
		return -ENOENT;
	*ret = run_node(parent->release->record->id, RUN_INDEX_TASK + child);
	return 0;
}

/* The node of a child of a release's node. */
static int find_child(const struct run_place *parent, const char *name, uint64_t *ret)
{
	if (parent->index == RUN_INDEX_DIR)
		return find_release_entry(parent, name, ret);
	if (run_index_is_task(parent->index))
		return find_task_entry(parent, name, ret);
	return run_index_is_opt(parent->index) ? run_opt_find(parent, name, ret) : -ENOTDIR;
}

/* From a parent's node and a name to the node of the child. */
static int resolve(struct slots *slots, uint64_t parent, const char *name, uint64_t *ret)
{
	struct slot *slot;
	struct release *release = NULL;
	int r = 0;

	if (parent == RUN_ROOT && strcmp(name, ".releases") == 0) {
		*ret = RUN_NODE_RELEASES;
	} else if (!run_is_release_node(parent)) {
		r = find_served(slots, name, &slot, &release);
		if (r == 0 && parent == RUN_ROOT)
			*ret = run_node(release->record->id, RUN_INDEX_LINK);
		else if (r == 0)
			*ret = run_node(release->slot_id, RUN_INDEX_DIR);
	} else if (run_is_slot_directory(slots, parent, &slot)) {
		release = find_release(slot, name);
		if (release)
			*ret = run_node(release->record->id, RUN_INDEX_DIR);
		else
			r = -ENOENT;
	} else {
		struct run_place place;
		r = run_place_find(slots, parent, &place);
		if (r < 0)
			return r;
		r = find_child(&place, name, ret);
		run_place_done(&place);
	}
	release_put(release);
	return r;
}

int run_lookup(struct slots *slots, uint64_t parent, const char *name, struct slots_attr *ret)
{
	uint64_t node = 0;
	int r = resolve(slots, parent, name, &node);
	if (r == 0)
		r = run_getattr(slots, node, ret);
	if (r == 0)
		run_remember(slots, node);
	return r;
}

bool run_keeps_missing(struct slots *slots, uint64_t parent)
{
	struct slot *slot;
	return parent != RUN_NODE_RELEASES && !run_is_slot_directory(slots, parent, &slot);
}

int run_readlink(struct slots *slots, uint64_t node, struct buf *ret)
{
	struct run_place place;
	if (!run_is_release_node(node) || run_node_index(node) != RUN_INDEX_LINK)
		return -EINVAL;
	int r = run_place_find(slots, node, &place);
	if (r < 0)
		return r;
	r = run_render_link(place.release, ret);
	run_place_done(&place);
	return r;
}

/* ---- extended attributes: on a release's directory and its code.zip, on opt/ and on layers' files ---- */

static bool is_of_opt(const struct run_place *place)
{
	return place->index == RUN_INDEX_OPT || place->release->slot->is_layer;
}

static int find_attributed(struct slots *slots, uint64_t node, struct run_place *ret)
{
	struct slot *slot;
	if (!run_is_release_node(node) || run_is_slot_directory(slots, node, &slot))
		return -ENODATA;
	int r = run_place_find(slots, node, ret);
	if (r == 0 && ret->index != RUN_INDEX_DIR && ret->index != RUN_INDEX_CODE && !is_of_opt(ret)) {
		run_place_done(ret);
		r = -ENODATA;
	}
	return r;
}

int run_getxattr(struct slots *slots, uint64_t node, const char *name, struct buf *ret)
{
	struct run_place place;
	int r = find_attributed(slots, node, &place);
	if (r < 0)
		return r;
	r = is_of_opt(&place) ? run_opt_getxattr(&place, name, ret) : attr_get_release(place.release, name, ret);
	run_place_done(&place);
	return r;
}

int run_listxattr(struct slots *slots, uint64_t node, struct buf *ret)
{
	struct run_place place;
	int r = find_attributed(slots, node, &place);
	if (r < 0)
		return r == -ENODATA ? 0 : r;
	r = is_of_opt(&place) ? run_opt_listxattr(&place, ret) : attr_list_release(place.release, ret);
	run_place_done(&place);
	return r;
}
