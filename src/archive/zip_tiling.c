/*
 * R5: the archive is a floor of tiles. Sorted by offset, each entry (local header, data, descriptor) begins where the
 * one before it ends, so there is no place for anything that the directory does not name.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "zip_extra.h"
#include "zip_parse.h"

/* Small: what lies between headers is data that nobody asked for. */
#define READ_AHEAD_BYTES ((size_t)8 * 1024)
#define SCAN_BYTES	 ((size_t)64 * 1024)

struct tile {
	uint32_t offset;
	uint32_t index;
};

struct tiling {
	struct zip_parse *parse;
	struct zip_window window;
	struct tile *tiles;
	/* the entry in hand */
	const struct zip_record *record;
	struct zip_entry *entry;
};

static int refuse(const struct tiling *tiling, enum zip_rule rule, const char *remedy, const char *problem)
{
	return zip_refuse_entry(tiling->parse->refusal, rule, remedy, tiling->entry->name, tiling->entry->name_len,
				"%s", problem);
}

static int compare_offsets(const void *a, const void *b)
{
	const struct tile *x = a, *y = b;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* Most writers keep the order of the file in the directory; then there is nothing to sort. */
static int sort_tiles(struct tiling *tiling)
{
	size_t count = tiling->parse->tail.entry_count;
	tiling->tiles = calloc(count, sizeof(*tiling->tiles));
	if (!tiling->tiles)
		return -ENOMEM;

	bool sorted = true;
	for (size_t i = 0; i < count; i++) {
		tiling->tiles[i] = (struct tile){tiling->parse->records[i].header_offset, (uint32_t)i};
		sorted = sorted && (i == 0 || tiling->tiles[i - 1].offset < tiling->tiles[i].offset);
	}
	if (!sorted)
		qsort(tiling->tiles, count, sizeof(*tiling->tiles), compare_offsets);
	return 0;
}

static int check_place(const struct tiling *tiling, uint64_t expected)
{
	uint32_t offset = tiling->record->header_offset;
	if (offset < expected)
		return refuse(tiling, ZIP_R05_TILING, REMEDY_RECREATE, "it overlaps another entry");
	if (offset > expected)
		return refuse(tiling, ZIP_R05_TILING, REMEDY_RECREATE,
			      "there are bytes in front of it that belong to no entry");
	return 0;
}

/* In what a local header differs, or NULL. CRC and sizes may be zero where a descriptor follows (R6). */
static const char *find_difference(const struct zip_header *local, const struct zip_header *record)
{
	if (local->version_needed != record->version_needed)
		return "version needed";
	if (local->flags != record->flags)
		return "flags";
	if (local->method != record->method)
		return "compression method";
	if (local->time != record->time || local->date != record->date)
		return "time";
	if (local->name_len != record->name_len)
		return "name";
	return NULL;
}

static int check_sizes(const struct tiling *tiling, const struct zip_header *local)
{
	const struct zip_header *record = &tiling->record->header;
	bool equal = local->crc32 == record->crc32 && local->compressed_bytes == record->compressed_bytes &&
		     local->size_bytes == record->size_bytes;
	bool zero = local->crc32 == 0 && local->compressed_bytes == 0 && local->size_bytes == 0;
	if (equal)
		return 0;
	if (!(record->flags & ZIP_FLAG_DESCRIPTOR))
		return refuse(tiling, ZIP_R05_TILING, REMEDY_RECREATE,
			      local->crc32 != record->crc32 ? "local header differs from directory in CRC"
							    : "local header differs from directory in size");
	if (!zero)
		return refuse(tiling, ZIP_R06_DESCRIPTOR, REMEDY_SEEKABLE,
			      "a data descriptor follows, but the local header states a part of the sizes");
	return 0;
}

/* The raw name, which the pool holds without a directory's slash. */
static bool same_name(const struct tiling *tiling, const char *local)
{
	const struct zip_entry *entry = tiling->entry;
	return memcmp(local, entry->name, entry->name_len) == 0 &&
	       (entry->kind != ZIP_ENTRY_DIRECTORY || local[entry->name_len] == '/');
}

static int check_local(struct tiling *tiling, const uint8_t *at, const struct zip_header *local)
{
	const char *difference = find_difference(local, &tiling->record->header);
	if (!difference && !same_name(tiling, (const char *)at + ZIP_LOCAL_BYTES))
		difference = "name";
	if (difference)
		return zip_refuse_entry(tiling->parse->refusal, ZIP_R05_TILING, REMEDY_RECREATE, tiling->entry->name,
					tiling->entry->name_len, "local header differs from directory in %s",
					difference);
	int r = check_sizes(tiling, local);
	if (r < 0)
		return r;

	struct zip_extra extra = zip_extra_read(at + ZIP_LOCAL_BYTES + local->name_len, local->extra_len);
	return zip_extra_refuse(&extra, tiling->entry->name, tiling->entry->name_len, tiling->parse->refusal);
}

/* Reads and judges the local header; *ret_end is where its data begins. */
static int parse_local(struct tiling *tiling, uint64_t offset, uint64_t *ret_end)
{
	const uint8_t *at;
	uint64_t left = tiling->parse->tail.directory_offset - offset;
	if (left < ZIP_LOCAL_BYTES)
		return refuse(tiling, ZIP_R05_TILING, REMEDY_RECREATE, "it reaches into the directory");
	int r = zip_window_read(&tiling->window, offset, ZIP_LOCAL_BYTES, &at);
	if (r < 0)
		return r;
	if (zip_u32(at) != ZIP_LOCAL_SIGNATURE)
		return refuse(tiling, ZIP_R05_TILING, REMEDY_RECREATE, "there is no local header in its place");

	struct zip_header local = zip_header_decode(at + ZIP_HEADER_IN_LOCAL);
	size_t len = (size_t)ZIP_LOCAL_BYTES + local.name_len + local.extra_len;
	if (len > left)
		return refuse(tiling, ZIP_R05_TILING, REMEDY_RECREATE, "it reaches into the directory");
	r = zip_window_read(&tiling->window, offset, len, &at);
	if (r == 0)
		r = check_local(tiling, at, &local);
	if (r < 0)
		return r;
	*ret_end = offset + len;
	return 0;
}

static bool is_record_signature(uint32_t value)
{
	static const uint32_t signatures[] = {
		ZIP_LOCAL_SIGNATURE,   ZIP_RECORD_SIGNATURE, ZIP_END_SIGNATURE, ZIP_DESCRIPTOR_SIGNATURE,
		ZIP_LOCATOR_SIGNATURE, ZIP_END64_SIGNATURE,  ZIP_ARCHIVE_EXTRA, ZIP_DIGITAL_SIGNATURE,
	};
	for (size_t i = 0; i < ARRAY_SIZE(signatures); i++)
		if (value == signatures[i])
			return true;
	return false;
}

static bool holds_signature(const uint8_t *bytes, size_t len)
{
	const uint8_t *end = bytes + len;
	for (const uint8_t *at = bytes; end - at >= 4; at++) {
		at = memchr(at, 'P', (size_t)(end - at) - 3);
		if (!at)
			return false;
		if (is_record_signature(zip_u32(at)))
			return true;
	}
	return false;
}

/*
 * R6: a reader that streams looks for the end of stored data by its descriptor; nothing in the data may look like one,
 * or like the record that would follow.
 */
static int scan_stored(struct tiling *tiling, uint64_t offset, uint64_t len)
{
	while (len >= 4) {
		size_t some = len < SCAN_BYTES ? (size_t)len : SCAN_BYTES;
		const uint8_t *bytes;
		int r = zip_window_read(&tiling->window, offset, some, &bytes);
		if (r < 0)
			return r;
		if (holds_signature(bytes, some))
			return refuse(
				tiling, ZIP_R06_DESCRIPTOR, REMEDY_SEEKABLE,
				"stored before a data descriptor, and its data holds the signature of a ZIP record");
		offset += some - 3; /* a signature may lie across two reads */
		len -= some - 3;
	}
	return 0;
}

static int parse_descriptor(struct tiling *tiling, uint64_t offset)
{
	const struct zip_header *record = &tiling->record->header;
	const uint8_t *at;
	int r = zip_window_read(&tiling->window, offset, ZIP_DESCRIPTOR_BYTES, &at);
	if (r < 0)
		return r;
	if (zip_u32(at) != ZIP_DESCRIPTOR_SIGNATURE || zip_u32(at + 4) != record->crc32 ||
	    zip_u32(at + 8) != record->compressed_bytes || zip_u32(at + 12) != record->size_bytes)
		return refuse(tiling, ZIP_R06_DESCRIPTOR, REMEDY_SEEKABLE,
			      "its data descriptor has no signature or differs from the directory");
	return 0;
}

/* One tile from offset on; *ret_end is where the next must begin. */
static int parse_tile(struct tiling *tiling, uint64_t offset, uint64_t *ret_end)
{
	const struct zip_header *record = &tiling->record->header;
	bool has_descriptor = record->flags & ZIP_FLAG_DESCRIPTOR;
	uint64_t data_offset = 0;
	int r = parse_local(tiling, offset, &data_offset);
	if (r < 0)
		return r;

	uint64_t data_end = data_offset + record->compressed_bytes;
	uint64_t end = data_end + (has_descriptor ? ZIP_DESCRIPTOR_BYTES : 0);
	if (end > tiling->parse->tail.directory_offset)
		return refuse(tiling, ZIP_R05_TILING, REMEDY_RECREATE, "it reaches into the directory");
	if (has_descriptor && record->method == ZIP_METHOD_STORED)
		r = scan_stored(tiling, data_offset, record->compressed_bytes);
	if (r == 0 && has_descriptor)
		r = parse_descriptor(tiling, data_end);
	if (r < 0)
		return r;
	tiling->entry->data_offset = (uint32_t)data_offset;
	*ret_end = end;
	return 0;
}

static int parse_tiles(struct tiling *tiling)
{
	struct zip_parse *parse = tiling->parse;
	uint64_t expected = 0;
	for (size_t i = 0; i < parse->tail.entry_count; i++) {
		const struct tile *tile = &tiling->tiles[i];
		tiling->record = &parse->records[tile->index];
		tiling->entry = &parse->archive->entries[tile->index];
		int r = check_place(tiling, expected);
		if (r == 0)
			r = parse_tile(tiling, tile->offset, &expected);
		if (r < 0)
			return r;
	}
	if (expected != parse->tail.directory_offset)
		return zip_refuse(parse->refusal, ZIP_R05_TILING, REMEDY_RECREATE,
				  "%llu bytes between the last entry and the directory belong to no entry",
				  (unsigned long long)(parse->tail.directory_offset - expected));
	return 0;
}

int zip_parse_tiling(struct zip_parse *parse)
{
	struct tiling tiling = {.parse = parse};
	int r = zip_window_init(&tiling.window, parse->file, READ_AHEAD_BYTES);
	if (r < 0)
		return r;
	tiling.window.headers = parse->headers;
	r = sort_tiles(&tiling);
	if (r == 0)
		r = parse_tiles(&tiling);
	free(tiling.tiles);
	zip_window_done(&tiling.window);
	return r;
}
