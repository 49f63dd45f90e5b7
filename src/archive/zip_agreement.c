/*
 * R17: what the gate accepts is read by libzip as well, under its own consistency checks, and both lists must agree.
 * libzip reads through a source over the io_reader; it never sees a path or a descriptor.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "base/buf.h"
#include "zip_parse.h"

#define READ_AHEAD_BYTES ((size_t)8 * 1024)
#define MEMORY_BYTES	 ((size_t)64 * 1024)
#define HASH_BUCKETS	 8192U
#define HASH_CROWD_MAX	 1000U

struct source {
	struct zip_window window;
	uint64_t at;
	int error; /* of the reader, errno; libzip's own codes would hide it */
	zip_error_t zip_error;
};

static zip_int64_t source_read(struct source *source, void *data, zip_uint64_t len)
{
	uint64_t left = source->window.file->size_bytes - source->at;
	size_t some = len < left ? (size_t)len : (size_t)left;
	if (some > READ_AHEAD_BYTES)
		some = READ_AHEAD_BYTES; /* a short read; libzip comes again */

	const uint8_t *bytes;
	int r = zip_window_read(&source->window, source->at, some, &bytes);
	if (r < 0) {
		source->error = r;
		zip_error_set(&source->zip_error, ZIP_ER_READ, -r);
		return -1;
	}
	memcpy(data, bytes, some);
	source->at += some;
	return (zip_int64_t)some;
}

static zip_int64_t source_seek(struct source *source, void *data, zip_uint64_t len)
{
	zip_int64_t to = zip_source_seek_compute_offset(source->at, source->window.file->size_bytes, data, len,
							&source->zip_error);
	if (to < 0)
		return -1;
	source->at = (uint64_t)to;
	return 0;
}

static zip_int64_t source_stat(struct source *source, void *data, zip_uint64_t len)
{
	zip_stat_t *stat = ZIP_SOURCE_GET_ARGS(zip_stat_t, data, len, &source->zip_error);
	if (!stat)
		return -1;
	zip_stat_init(stat);
	stat->valid = ZIP_STAT_SIZE;
	stat->size = source->window.file->size_bytes;
	return sizeof(*stat);
}

static zip_int64_t source_callback(void *ctx, void *data, zip_uint64_t len, zip_source_cmd_t command)
{
	struct source *source = ctx;

	switch ((int)command) {
	case ZIP_SOURCE_OPEN:
		source->at = 0;
		return 0;
	case ZIP_SOURCE_READ:
		return source_read(source, data, len);
	case ZIP_SOURCE_SEEK:
		return source_seek(source, data, len);
	case ZIP_SOURCE_TELL:
		return (zip_int64_t)source->at;
	case ZIP_SOURCE_STAT:
		return source_stat(source, data, len);
	case ZIP_SOURCE_ERROR:
		return zip_error_to_data(&source->zip_error, data, len);
	case ZIP_SOURCE_CLOSE:
	case ZIP_SOURCE_FREE:
		return 0;
	case ZIP_SOURCE_SUPPORTS:
		return ZIP_SOURCE_SUPPORTS_SEEKABLE;
	default:
		zip_error_set(&source->zip_error, ZIP_ER_OPNOTSUPP, 0);
		return -1;
	}
}

/*
 * libzip keeps names in a hash table without a secret (h = 33 h + c), and compares each name with all of its bucket:
 * 65,534 names made to collide would take it 12 seconds. Names as they occur put some ten into a bucket.
 */
static int check_crowding(const struct zip_parse *parse)
{
	uint16_t crowd[HASH_BUCKETS] = {0};
	for (size_t i = 0; i < parse->archive->entry_count; i++) {
		const struct zip_entry *entry = &parse->archive->entries[i];
		uint32_t hash = 5381;
		for (size_t at = 0; at < entry->name_len; at++)
			hash = hash * 33U + (unsigned char)entry->name[at];
		if (entry->kind == ZIP_ENTRY_DIRECTORY)
			hash = hash * 33U + '/';
		if (++crowd[hash % HASH_BUCKETS] > HASH_CROWD_MAX)
			return zip_refuse_entry(
				parse->refusal, ZIP_R14_LIMITS, REMEDY_RENAME, entry->name, entry->name_len,
				"more than %u names have the same hash in libzip's table", HASH_CROWD_MAX);
	}
	return 0;
}

/* libzip would not open it: because of the file (R17), of the reader, or of memory. */
static int explain_failure(const struct zip_parse *parse, const struct source *source, zip_error_t *error)
{
	if (source->error < 0)
		return source->error;
	if (zip_error_code_zip(error) == ZIP_ER_MEMORY)
		return -ENOMEM;
	return zip_refuse(parse->refusal, ZIP_R17_AGREEMENT, REMEDY_RECREATE, "libzip does not open it: %s",
			  zip_error_strerror(error));
}

static int open_with_libzip(const struct zip_parse *parse, struct source *source, zip_t **ret)
{
	zip_error_t error;
	zip_error_init(&error);
	int r = 0;

	zip_source_t *zip_source = zip_source_function_create(source_callback, source, &error);
	if (!zip_source) {
		r = -ENOMEM;
		goto out;
	}
	zip_t *zip = zip_open_from_source(zip_source, ZIP_RDONLY | ZIP_CHECKCONS, &error);
	if (!zip) {
		r = explain_failure(parse, source, &error);
		zip_source_free(zip_source);
		goto out;
	}
	*ret = zip;
out:
	zip_error_fini(&error);
	return r;
}

static bool same_name(const struct zip_entry *entry, const char *theirs)
{
	if (strncmp(theirs, entry->name, entry->name_len) != 0)
		return false;
	return strcmp(theirs + entry->name_len, entry->kind == ZIP_ENTRY_DIRECTORY ? "/" : "") == 0;
}

static int compare_entry(const struct zip_parse *parse, zip_t *zip, size_t index)
{
	const struct zip_entry *entry = &parse->archive->entries[index];
	zip_stat_t stat;
	if (zip_stat_index(zip, index, ZIP_FL_ENC_RAW, &stat) < 0)
		return zip_error_code_zip(zip_get_error(zip)) == ZIP_ER_MEMORY ? -ENOMEM : -EIO;

	const zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_CRC |
				    ZIP_STAT_COMP_METHOD;
	if ((stat.valid & needed) == needed && same_name(entry, stat.name) && stat.size == entry->size_bytes &&
	    stat.comp_size == entry->compressed_bytes && stat.crc == entry->crc32 && stat.comp_method == entry->method)
		return 0;
	return zip_refuse_entry(parse->refusal, ZIP_R17_AGREEMENT, REMEDY_RECREATE, entry->name, entry->name_len,
				"libzip reads another name, size or CRC");
}

static int compare_lists(const struct zip_parse *parse, zip_t *zip)
{
	if (zip_get_num_entries(zip, 0) != (zip_int64_t)parse->archive->entry_count)
		return zip_refuse(parse->refusal, ZIP_R17_AGREEMENT, REMEDY_RECREATE,
				  "libzip reads another number of entries");
	for (size_t i = 0; i < parse->archive->entry_count; i++) {
		int r = compare_entry(parse, zip, i);
		if (r < 0)
			return r;
	}
	return 0;
}

static int ask_libzip(const struct zip_parse *parse)
{
	struct source source = {0};
	zip_t *zip = NULL;
	int r = zip_window_init(&source.window, parse->file, READ_AHEAD_BYTES);
	if (r < 0)
		return r;
	source.window.headers = parse->headers;
	zip_error_init(&source.zip_error);

	r = open_with_libzip(parse, &source, &zip);
	if (r == 0)
		r = compare_lists(parse, zip);
	if (zip)
		zip_discard(zip);
	zip_error_fini(&source.zip_error);
	zip_window_done(&source.window);
	return r;
}

/*
 * Where libzip runs out of memory it may say that the file is no archive. We have found that it is one, so that
 * is believed when it is said twice, with memory in between.
 */
int zip_parse_agreement(const struct zip_parse *parse)
{
	struct buf room = {0};
	int r = check_crowding(parse);
	if (r < 0)
		return r;
	r = ask_libzip(parse);
	if (r != -EBADMSG)
		return r;
	r = buf_reserve(&room, MEMORY_BYTES);
	if (r == 0)
		r = ask_libzip(parse);
	buf_done(&room);
	return r;
}
