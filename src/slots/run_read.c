/* The run side's bytes: verified when they are read (I1). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "run_place.h"

void run_data_done(struct run_data *data)
{
	if (data->release)
		data->release(data->owner);
	*data = (struct run_data){0};
}

static void put_item(void *owner)
{
	inflate_item_put(owner);
}

/* What is left of a file from offset on, at most len. */
static size_t clip(uint64_t size_bytes, uint64_t offset, size_t len)
{
	if (offset >= size_bytes)
		return 0;
	return len < size_bytes - offset ? len : (size_t)(size_bytes - offset);
}

static int read_inflated(struct slots *slots, const struct run_place *place, const struct zip_entry *entry, size_t len,
			 uint64_t offset, struct run_data *ret)
{
	struct io_reader file = release_file_reader(place->release);
	struct inflate_item *item;
	int r = inflate_cache_get(slots->cache, run_node(place->release->record->id, place->index), &file, entry,
				  &item);
	if (r < 0)
		return r;
	*ret = (struct run_data){
		.bytes = inflate_item_bytes(item) + offset,
		.len = clip(entry->size_bytes, offset, len),
		.owner = item,
		.release = put_item,
	};
	return 0;
}

/* Stored bytes of the artifact's file, verified, in a buffer of their own. */
static int read_range(struct release *release, uint64_t file_offset, size_t len, struct run_data *ret)
{
	char *bytes = malloc(len);
	if (!bytes)
		return -ENOMEM;
	int r = release_file_pread(release, bytes, len, file_offset);
	if (r < 0) {
		free(bytes);
		return r;
	}
	*ret = (struct run_data){.bytes = bytes, .len = len, .owner = bytes, .release = free};
	return 0;
}

static int read_large(const struct run_place *place, size_t len, uint64_t offset, struct run_data *ret)
{
	char *bytes = malloc(len);
	if (!bytes)
		return -ENOMEM;
	int r = large_read(place->release, place->view_node, bytes, len, offset);
	if (r < 0) {
		free(bytes);
		return r;
	}
	*ret = (struct run_data){.bytes = bytes, .len = len, .owner = bytes, .release = free};
	return 0;
}

static int read_entry(struct slots *slots, const struct run_place *place, size_t len, uint64_t offset,
		      struct run_data *ret)
{
	const struct zip_entry *entry = place->release->view->nodes[place->view_node].entry;
	size_t part = clip(entry->size_bytes, offset, len);
	if (part == 0)
		return 0;
	if (offset == 0)
		read_ahead_note_read(slots->ahead, place->release->record->id, place->view_node);
	return run_reads_whole(slots, entry) ? read_inflated(slots, place, entry, part, offset, ret)
					     : read_large(place, part, offset, ret);
}

static int read_json(const struct run_place *place, size_t len, uint64_t offset, struct run_data *ret)
{
	struct buf text = {0};
	int r = run_render_json(place->release, &text);
	size_t part = r == 0 ? clip(text.len, offset, len) : 0;
	if (part > 0) {
		memmove(text.data, text.data + offset, part);
		*ret = (struct run_data){.bytes = text.data, .len = part, .owner = text.data, .release = free};
		text = (struct buf){0};
	}
	buf_done(&text);
	return r;
}

static int read_code(const struct run_place *place, size_t len, uint64_t offset, struct run_data *ret)
{
	size_t part = clip(release_file_size(place->release), offset, len);
	if (part == 0)
		return 0;
	int r = release_load_view(place->release); /* opens the object */
	return r < 0 ? r : read_range(place->release, offset, part, ret);
}

static int read_place(struct slots *slots, const struct run_place *place, size_t len, uint64_t offset,
		      struct run_data *ret)
{
	if (place->index == RUN_INDEX_CODE)
		return read_code(place, len, offset, ret);
	if (place->index == RUN_INDEX_JSON)
		return read_json(place, len, offset, ret);
	if (!run_index_is_task(place->index) || place->release->view->nodes[place->view_node].is_directory)
		return -EISDIR;
	return read_entry(slots, place, len, offset, ret);
}

int run_read(struct slots *slots, uint64_t node, size_t len, uint64_t offset, struct run_data *ret)
{
	struct run_place place;
	if (!run_is_release_node(node))
		return -EISDIR;
	int r = run_place_find(slots, node, &place);
	if (r < 0)
		return r;
	*ret = (struct run_data){0};
	r = read_place(slots, &place, len, offset, ret);
	if (r == -EBADMSG || r == -EIO) {
		char what[LIMIT_ZIP_COMPONENT_BYTES * 4 + 16] = "code.zip";
		if (run_index_is_task(place.index)) {
			const struct view_node *found = &place.release->view->nodes[place.view_node];
			text_escape_print(what, sizeof(what), found->name, found->name_len);
		}
		r = release_report_damage(place.release, what, r);
	}
	run_place_done(&place);
	return r;
}
