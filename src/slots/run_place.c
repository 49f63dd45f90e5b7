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

static int find_in_view(struct run_place *place)
{
	place->view_node = place->index - RUN_INDEX_TASK;
	int r = release_load_view(place->release);
	return r == 0 && place->view_node >= place->release->view->node_count ? -ENOENT : r;
}

/* What opt/ itself shows does not need its layers. */
static int find_in_opt(struct run_place *place)
{
	if (place->index == RUN_INDEX_OPT)
		return 0;
	place->folder = place->index - RUN_INDEX_OPT_FOLDER;
	int r = release_load_opt(place->release);
	return r == 0 && place->folder >= place->release->opt->folder_count ? -ENOENT : r;
}

/* Of a layer version only files have nodes: what leads to them are folders of the releases that have it. */
static int find_in_layer(struct run_place *place)
{
	if (!run_index_is_task(place->index))
		return -ENOENT;
	int r = layer_admit(place->release);
	if (r == 0)
		r = find_in_view(place);
	return r == 0 && place->release->view->nodes[place->view_node].is_directory ? -ENOENT : r;
}

static int find_in_function(struct run_place *place)
{
	int r = place->index == RUN_INDEX_LINK ? 0 : release_admit(place->release);
	if (r == 0 && run_index_is_task(place->index))
		r = find_in_view(place);
	else if (r == 0 && run_index_is_opt(place->index))
		r = find_in_opt(place);
	else if (r == 0 && place->index == RUN_INDEX_OPT_FOLDER)
		r = -ENOENT;
	return r;
}

int run_place_find(struct slots *slots, uint64_t node, struct run_place *ret)
{
	inherit_find(slots, run_node_id(node));
	struct run_place place = {.release = release_get(slots, run_node_id(node)), .index = run_node_index(node)};
	if (!place.release) /* known from a daemon before, and gone: the path may lead to another one */
		return tree_names_is_heir(slots->names) ? -ESTALE : -ENOENT;
	int r = place.release->slot->is_layer ? find_in_layer(&place) : find_in_function(&place);
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

static void folder_attr(const struct run_place *place, uint64_t node, struct timespec created, struct slots_attr *ret)
{
	const struct zip_entry *entry = place->release->opt->folders[place->folder].entry;
	run_directory_attr(node, entry ? (struct timespec){.tv_sec = entry->mtime_s} : created, ret);
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
		if (run_index_is_opt(place->index))
			folder_attr(place, node, created, ret);
		else
			view_attr(place, node, created, ret);
		break;
	}
	return r;
}

bool run_is_slot_directory(struct slots *slots, uint64_t node, struct slot **ret)
{
	if (run_node_index(node) != RUN_INDEX_DIR)
		return false;
	inherit_find(slots, run_node_id(node));
	*ret = slot_by_id(slots, run_node_id(node));
	return *ret && !(*ret)->is_layer;
}
