/* Nodes of the run side taken apart: the release behind them, and what stat shows. */
#include "run_place.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void run_place_done(struct run_place *place)
{
	release_put(place->release);
}

int run_place_find(struct slots *slots, uint64_t node, struct run_place *ret)
{
	struct run_place place = {.release = release_get(slots, run_node_id(node)), .index = run_node_index(node)};
	if (!place.release)
		return -ENOENT;
	int r = 0;
	if (place.index != RUN_INDEX_LINK)
		r = release_admit(place.release);
	if (r == 0 && place.index >= RUN_INDEX_TASK) {
		place.view_node = place.index - RUN_INDEX_TASK;
		r = release_load_view(place.release);
		if (r == 0 && place.view_node >= place.release->view->node_count)
			r = -ENOENT;
	}
	if (r < 0)
		run_place_done(&place);
	else
		*ret = place;
	return r;
}

const struct run_release_entry run_release_entries[RUN_RELEASE_ENTRIES] = {
	{"task", RUN_INDEX_TASK},
	{"opt", RUN_INDEX_OPT},
	{"code.zip", RUN_INDEX_CODE},
	{"release.json", RUN_INDEX_JSON},
};

/* ---- attributes ---- */

void run_directory_attr(uint64_t node, struct timespec mtime, struct slots_attr *ret)
{
	*ret = (struct slots_attr){.node = node, .mode = S_IFDIR | 0555, .nlink = 2, .mtime = mtime};
}

static void file_attr(uint64_t node, mode_t permissions, uint64_t size_bytes, struct timespec mtime,
		      struct slots_attr *ret)
{
	*ret = (struct slots_attr){
		.node = node, .mode = S_IFREG | permissions, .nlink = 1, .size_bytes = size_bytes, .mtime = mtime};
}

int run_render_link(const struct release *release, struct buf *ret)
{
	return buf_printf(ret, ".releases/%s/%" PRIu64, release->slot->name, release->record->number);
}

int run_render_json(const struct release *release, struct buf *ret)
{
	return gate_render_release_json(release->slot->name, release->record, ret);
}

/* The length of what a function renders. */
static int rendered_size(int (*render)(const struct release *, struct buf *), const struct release *release,
			 uint64_t *ret)
{
	struct buf text = {0};
	int r = render(release, &text);
	*ret = text.len;
	buf_done(&text);
	return r;
}

static void view_attr(const struct run_place *place, uint64_t node, struct timespec created, struct slots_attr *ret)
{
	const struct view_node *found = &place->release->view->nodes[place->view_node];
	struct timespec mtime = found->entry ? (struct timespec){.tv_sec = found->entry->mtime_s} : created;
	ASSERT(found->is_directory || found->entry);
	if (found->is_directory)
		run_directory_attr(node, mtime, ret);
	else
		file_attr(node, found->entry->executable ? 0555 : 0444, found->entry->size_bytes, mtime, ret);
}

int run_place_attr(const struct run_place *place, struct slots_attr *ret)
{
	const struct release *release = place->release;
	uint64_t node = run_node(release->record->id, place->index), size = 0;
	struct timespec created = {.tv_sec = release->record->created_at_s};
	int r = 0;

	switch (place->index) {
	case RUN_INDEX_DIR:
	case RUN_INDEX_OPT:
		run_directory_attr(node, created, ret);
		break;
	case RUN_INDEX_LINK:
		r = rendered_size(run_render_link, release, &size);
		*ret = (struct slots_attr){
			.node = node, .mode = S_IFLNK | 0777, .nlink = 1, .size_bytes = size, .mtime = created};
		break;
	case RUN_INDEX_CODE:
		file_attr(node, 0444, release_file_size(release), created, ret);
		break;
	case RUN_INDEX_JSON:
		r = rendered_size(run_render_json, release, &size);
		file_attr(node, 0444, size, created, ret);
		break;
	default:
		view_attr(place, node, created, ret);
		break;
	}
	return r;
}

bool run_is_slot_directory(struct slots *slots, uint64_t node, struct slot **ret)
{
	if (run_node_index(node) != RUN_INDEX_DIR)
		return false;
	*ret = slot_by_id(slots, run_node_id(node));
	return *ret && !(*ret)->is_layer;
}
