/*
 * The directory: one record an entry. A record is judged by itself here; what it says about places in the file is
 * judged in zip_tiling.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "zip_extra.h"
#include "zip_name.h"
#include "zip_parse.h"

#define READ_AHEAD_BYTES ((size_t)64 * 1024)

/* 4.5 is what ZIP64 writers state; common readers skip entries that need more than they know. */
#define VERSION_NEEDED_MAX 45U

#define ALLOWED_FLAGS (ZIP_FLAG_DEFLATE_1 | ZIP_FLAG_DEFLATE_2 | ZIP_FLAG_DESCRIPTOR | ZIP_FLAG_UTF8)

/* Hosts in `version made by`, APPNOTE.TXT 4.4.2.2. */
#define HOST_FAT		    0U
#define HOST_HPFS		    6U
#define HOST_NTFS		    11U
#define NTFS_VERSION_WITH_CODE_PAGE 50U

#define UNIX_TYPE_MASK	     0170000U
#define UNIX_TYPE_FILE	     0100000U
#define UNIX_TYPE_DIRECTORY  0040000U
#define UNIX_SPECIAL_BITS    0007000U
#define UNIX_ANY_EXECUTE_BIT 0000111U

/* A record while it lies in the window. */
struct view {
	struct zip_header header;
	uint8_t made_by_version;
	uint8_t made_by_host;
	uint16_t comment_len;
	uint16_t disk;
	uint32_t external;
	uint32_t header_offset;
	const char *name;
	const uint8_t *extra;
	struct zip_refusal *refusal;
	int64_t mtime_s; /* set by check_extra where the record has one */
};

#define REFUSE(view, rule, remedy, ...)                                                                                \
	zip_refuse_entry((view)->refusal, rule, remedy, (view)->name, (view)->header.name_len, __VA_ARGS__)

static bool names_directory(const struct view *view)
{
	return view->header.name_len > 0 && view->name[view->header.name_len - 1] == '/';
}

static unsigned unix_mode(const struct view *view)
{
	return view->external >> 16;
}

static int check_name(struct view *view)
{
	return zip_name_check(view->name, view->header.name_len, view->header.flags & ZIP_FLAG_UTF8, view->refusal);
}

/* unzip takes names of these hosts for a DOS code page and ignores that they are marked as UTF-8. */
static int check_host(struct view *view)
{
	bool is_dos = view->made_by_host == HOST_FAT || view->made_by_host == HOST_HPFS ||
		      (view->made_by_host == HOST_NTFS && view->made_by_version == NTFS_VERSION_WITH_CODE_PAGE);
	if (is_dos && !zip_name_is_ascii(view->name, view->header.name_len))
		return REFUSE(view, ZIP_R10_NAME, REMEDY_HOST,
			      "the name is not ASCII and the archive was made for DOS (host %u), so unzip changes it",
			      view->made_by_host);
	return 0;
}

static int check_sentinels(struct view *view)
{
	const struct zip_header *header = &view->header;
	if (header->compressed_bytes == UINT32_MAX || header->size_bytes == UINT32_MAX ||
	    view->header_offset == UINT32_MAX || view->disk == UINT16_MAX)
		return REFUSE(view, ZIP_R04_ZIP64, REMEDY_ZIP64, "a size or place is a ZIP64 sentinel");
	if (view->disk != 0)
		return REFUSE(view, ZIP_R03_COUNTS, REMEDY_RECREATE, "it is on disk %u of several", view->disk);
	return 0;
}

static int check_flags(struct view *view)
{
	unsigned flags = view->header.flags;
	if (flags & 0x2041U)
		return REFUSE(view, ZIP_R08_FLAGS, REMEDY_PLAIN, "it is encrypted (flags 0x%04x)", flags);
	if (flags & ~ALLOWED_FLAGS)
		return REFUSE(view, ZIP_R08_FLAGS, REMEDY_RECREATE, "flags 0x%04x, allowed are bits 1, 2, 3 and 11",
			      flags);
	return 0;
}

static int check_method(struct view *view)
{
	const struct zip_header *header = &view->header;
	if (header->method != ZIP_METHOD_STORED && header->method != ZIP_METHOD_DEFLATED)
		return REFUSE(view, ZIP_R07_CONTENT, REMEDY_RECREATE,
			      "compression method %u, allowed are 0 (stored) and 8 (deflated)", header->method);
	if (header->version_needed > VERSION_NEEDED_MAX)
		return REFUSE(view, ZIP_R07_CONTENT, REMEDY_RECREATE, "version needed is %u, at most %u is allowed",
			      header->version_needed, VERSION_NEEDED_MAX);
	if (header->method == ZIP_METHOD_STORED && header->compressed_bytes != header->size_bytes)
		return REFUSE(view, ZIP_R07_CONTENT, REMEDY_RECREATE,
			      "stored, but %u bytes in the archive and %u unpacked", header->compressed_bytes,
			      header->size_bytes);
	return 0;
}

static int check_extra(struct view *view)
{
	struct zip_extra extra = zip_extra_read(view->extra, view->header.extra_len);
	if (extra.has_mtime)
		view->mtime_s = extra.mtime_s;
	return zip_extra_refuse(&extra, view->name, view->header.name_len, view->refusal);
}

static int check_type(struct view *view)
{
	unsigned type = unix_mode(view) & UNIX_TYPE_MASK;
	if (type != 0 && type != UNIX_TYPE_FILE && type != UNIX_TYPE_DIRECTORY)
		return REFUSE(view, ZIP_R13_TYPE, REMEDY_LINKS, "it is not a file or directory (Unix mode %06o)",
			      unix_mode(view));
	if (view->external & ZIP_DOS_VOLUME_LABEL)
		return REFUSE(view, ZIP_R13_TYPE, REMEDY_RECREATE, "it is a volume label (DOS attributes 0x%02x)",
			      view->external & 0xff);
	if (unix_mode(view) & UNIX_SPECIAL_BITS)
		return REFUSE(view, ZIP_R13_TYPE, REMEDY_MODE, "setuid, setgid or sticky is set (Unix mode %06o)",
			      unix_mode(view));
	return 0;
}

static int check_directory(struct view *view)
{
	unsigned type = unix_mode(view) & UNIX_TYPE_MASK;
	if (!names_directory(view)) {
		if (type == UNIX_TYPE_DIRECTORY || (view->external & ZIP_DOS_DIRECTORY))
			return REFUSE(view, ZIP_R12_DIRECTORY, REMEDY_RECREATE,
				      "a directory by its attributes, a file by its name (no trailing slash)");
		return 0;
	}
	if (type == UNIX_TYPE_FILE)
		return REFUSE(view, ZIP_R12_DIRECTORY, REMEDY_RECREATE,
			      "a file by its attributes, a directory by its name (trailing slash)");
	if (view->header.size_bytes != 0)
		return REFUSE(view, ZIP_R12_DIRECTORY, REMEDY_RECREATE, "a directory with %u bytes of content",
			      view->header.size_bytes);
	return 0;
}

static int check_ratio(struct view *view)
{
	const struct zip_header *header = &view->header;
	if (header->size_bytes > (uint64_t)header->compressed_bytes * ZIP_ENTRY_RATIO_MAX)
		return REFUSE(view, ZIP_R14_LIMITS, REMEDY_RECREATE,
			      "unpacks from %u to %u bytes, more than %u times its size", header->compressed_bytes,
			      header->size_bytes, ZIP_ENTRY_RATIO_MAX);
	return 0;
}

static int check_comment(struct view *view)
{
	if (view->comment_len > 0)
		return REFUSE(view, ZIP_R15_COMMENT, REMEDY_COMMENTS, "it has a comment of its own");
	return 0;
}

static int (*const record_checks[])(struct view *) = {
	check_name,  check_host, check_sentinels, check_flags, check_method,
	check_extra, check_type, check_directory, check_ratio, check_comment,
};

/* DOS times have no zone; read as UTC. A date that does not exist (some tools write 0) becomes the first one. */
static int64_t dos_time_s(uint16_t date, uint16_t time)
{
	struct tm tm = {
		.tm_year = 80 + (date >> 9),
		.tm_mon = ((date >> 5) & 15) - 1,
		.tm_mday = date & 31,
		.tm_hour = time >> 11,
		.tm_min = (time >> 5) & 63,
		.tm_sec = (time & 31) * 2,
	};
	if (tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1)
		tm = (struct tm){.tm_year = 80, .tm_mon = 0, .tm_mday = 1};
	return clock_from_tm(&tm);
}

/* Brings the record at offset into the window, whole. R3 when it is none or reaches past the directory's end. */
static int view_record(struct zip_parse *parse, struct zip_window *window, uint64_t offset, struct view *ret)
{
	uint64_t left = parse->tail.end_record_offset - offset;
	const uint8_t *at;
	int r = left < ZIP_RECORD_BYTES ? -EBADMSG : zip_window_read(window, offset, ZIP_RECORD_BYTES, &at);
	if (r < 0 && r != -EBADMSG)
		return r;
	if (r < 0 || zip_u32(at) != ZIP_RECORD_SIGNATURE)
		goto bad;

	size_t len = ZIP_RECORD_BYTES + (size_t)zip_u16(at + 28) + zip_u16(at + 30) + zip_u16(at + 32);
	if (len > left)
		goto bad;
	r = zip_window_read(window, offset, len, &at);
	if (r < 0)
		return r;
	*ret = (struct view){
		.header = zip_header_decode(at + ZIP_HEADER_IN_RECORD),
		.made_by_version = at[4],
		.made_by_host = at[5],
		.comment_len = zip_u16(at + 32),
		.disk = zip_u16(at + 34),
		.external = zip_u32(at + 38),
		.header_offset = zip_u32(at + 42),
		.name = (const char *)at + ZIP_RECORD_BYTES,
		.refusal = parse->refusal,
	};
	ret->extra = at + ZIP_RECORD_BYTES + ret->header.name_len;
	ret->mtime_s = dos_time_s(ret->header.date, ret->header.time);
	return 0;
bad:
	return zip_refuse(parse->refusal, ZIP_R03_COUNTS, REMEDY_RECREATE,
			  "the directory does not hold the %u records that the end record counts",
			  parse->tail.entry_count);
}

/* Names go into the pool; pointers to them are set when it no longer moves. */
static int keep_record(struct zip_parse *parse, size_t index, const struct view *view, struct buf *names)
{
	bool is_directory = names_directory(view);
	size_t name_len = view->header.name_len - (is_directory ? 1U : 0U);
	parse->records[index] = (struct zip_record){
		.header = view->header,
		.header_offset = view->header_offset,
		.name_offset = (uint32_t)names->len,
	};
	parse->archive->entries[index] = (struct zip_entry){
		.name_len = (uint16_t)name_len,
		.kind = is_directory ? ZIP_ENTRY_DIRECTORY : ZIP_ENTRY_FILE,
		.method = (uint8_t)view->header.method,
		.executable = unix_mode(view) & UNIX_ANY_EXECUTE_BIT,
		.crc32 = view->header.crc32,
		.compressed_bytes = view->header.compressed_bytes,
		.size_bytes = view->header.size_bytes,
		.mtime_s = view->mtime_s,
	};
	parse->archive->unpacked_bytes += view->header.size_bytes;
	int r = buf_append(names, view->name, name_len);
	return r < 0 ? r : buf_putc(names, '\0');
}

static int parse_records(struct zip_parse *parse, struct zip_window *window, struct buf *names)
{
	uint64_t offset = parse->tail.directory_offset;
	for (size_t i = 0; i < parse->tail.entry_count; i++) {
		struct view view = {0};
		int r = view_record(parse, window, offset, &view);
		for (size_t check = 0; r == 0 && check < ARRAY_SIZE(record_checks); check++)
			r = record_checks[check](&view);
		if (r == 0)
			r = keep_record(parse, i, &view, names);
		if (r < 0)
			return r;
		offset += ZIP_RECORD_BYTES + (uint64_t)view.header.name_len + view.header.extra_len + view.comment_len;
	}
	if (offset != parse->tail.end_record_offset)
		return zip_refuse(parse->refusal, ZIP_R03_COUNTS, REMEDY_RECREATE,
				  "the directory holds more than the %u records that the end record counts",
				  parse->tail.entry_count);
	return 0;
}

/* R14 on the whole. The file counts up to its comment, so that a signature does not change the outcome. */
static int check_total(const struct zip_parse *parse)
{
	uint64_t total = parse->archive->unpacked_bytes, file_bytes = parse->tail.comment_offset;
	if (total > parse->limits->max_unpacked_bytes)
		return zip_refuse(parse->refusal, ZIP_R14_LIMITS, REMEDY_SMALLER,
				  "unpacks to %llu bytes, allowed are %llu (max_unpacked_size)",
				  (unsigned long long)total, (unsigned long long)parse->limits->max_unpacked_bytes);
	if (total > ZIP_TOTAL_RATIO_MIN_BYTES && total > file_bytes * ZIP_TOTAL_RATIO_MAX)
		return zip_refuse(parse->refusal, ZIP_R14_LIMITS, REMEDY_STORED,
				  "unpacks from %llu to %llu bytes, more than %u times its size",
				  (unsigned long long)file_bytes, (unsigned long long)total, ZIP_TOTAL_RATIO_MAX);
	return 0;
}

int zip_parse_directory(struct zip_parse *parse)
{
	struct buf names = {0};
	struct zip_window window;
	int r = zip_window_init(&window, parse->file, READ_AHEAD_BYTES);
	if (r < 0)
		return r;

	r = parse_records(parse, &window, &names);
	if (r == 0)
		r = check_total(parse);
	if (r < 0)
		goto out;
	parse->archive->names = buf_steal(&names);
	if (!parse->archive->names) {
		r = -ENOMEM;
		goto out;
	}
	for (size_t i = 0; i < parse->archive->entry_count; i++)
		parse->archive->entries[i].name = parse->archive->names + parse->records[i].name_offset;
out:
	buf_done(&names);
	zip_window_done(&window);
	return r;
}
