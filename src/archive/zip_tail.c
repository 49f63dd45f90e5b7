/*
 * The end record and the comment behind it: R2, and what R3 and R4 say about the record's own fields.
 * Only the last 65,557 bytes are read: the record and the longest comment.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive/zip.h"
#include "base/limits.h"
#include "zip_format.h"
#include "zip_refuse.h"
#include "zip_window.h"

#define TAIL_BYTES_MAX (ZIP_END_BYTES + LIMIT_ZIP_COMMENT_BYTES)

struct tail_bytes {
	uint8_t *bytes;
	size_t len;
	uint64_t offset; /* in the file */
};

static int read_tail_bytes(const struct io_reader *file, struct tail_bytes *ret)
{
	struct tail_bytes tail = {0};
	tail.len = file->size_bytes < TAIL_BYTES_MAX ? (size_t)file->size_bytes : TAIL_BYTES_MAX;
	tail.offset = file->size_bytes - tail.len;
	tail.bytes = malloc(tail.len + 1);
	if (!tail.bytes)
		return -ENOMEM;

	int r = zip_pread(file, tail.bytes, tail.len, tail.offset);
	if (r < 0) {
		free(tail.bytes);
		return r;
	}
	*ret = tail;
	return 0;
}

static bool find_last_end_record(const struct tail_bytes *tail, size_t *ret_at)
{
	for (size_t at = tail->len; at-- > 0;) {
		if (tail->bytes[at] == 'P' && tail->len - at >= 4 && zip_u32(tail->bytes + at) == ZIP_END_SIGNATURE) {
			*ret_at = at;
			return true;
		}
	}
	return false;
}

/* R2. Looks from the length field on, so that a length that reads `PK` does not make a signature with the comment. */
static int check_comment(const struct tail_bytes *tail, size_t at, struct zip_refusal *refusal)
{
	size_t begin = at + ZIP_END_BYTES;
	size_t stated = zip_u16(tail->bytes + begin - 2), found = tail->len - begin;
	if (stated < found)
		return zip_refuse(refusal, ZIP_R02_END, REMEDY_RECREATE, "%zu bytes follow the end of the archive",
				  found - stated);
	if (stated > found)
		return zip_refuse(refusal, ZIP_R02_END, REMEDY_RECREATE,
				  "the file ends %zu bytes before the end of the archive's comment", stated - found);

	for (size_t i = begin - 2; i + 4 <= tail->len; i++) {
		uint32_t signature = zip_u32(tail->bytes + i);
		if (signature == ZIP_END_SIGNATURE || signature == ZIP_RECORD_SIGNATURE ||
		    signature == ZIP_LOCAL_SIGNATURE)
			return zip_refuse(refusal, ZIP_R02_END, REMEDY_RECREATE,
					  "the archive's comment holds the signature of a ZIP record");
	}
	return 0;
}

/* R3 and R4 on the record's fields. */
static int check_fields(const uint8_t *record, struct zip_refusal *refusal)
{
	uint16_t disk = zip_u16(record + 4), directory_disk = zip_u16(record + 6);
	uint16_t count_here = zip_u16(record + 8), count = zip_u16(record + 10);

	if (count_here == UINT16_MAX || count == UINT16_MAX || disk == UINT16_MAX || directory_disk == UINT16_MAX ||
	    zip_u32(record + 12) == UINT32_MAX || zip_u32(record + 16) == UINT32_MAX)
		return zip_refuse(refusal, ZIP_R04_ZIP64, REMEDY_ZIP64,
				  "the end record holds a ZIP64 sentinel (at most %u entries, below 4 GiB)",
				  LIMIT_ZIP_ENTRIES);
	if (disk != 0 || directory_disk != 0)
		return zip_refuse(refusal, ZIP_R03_COUNTS, REMEDY_RECREATE,
				  "the archive is a part of several (disk %u, directory on disk %u)", disk,
				  directory_disk);
	if (count_here != count)
		return zip_refuse(refusal, ZIP_R03_COUNTS, REMEDY_RECREATE,
				  "the end record counts %u entries on this disk and %u in all", count_here, count);
	return 0;
}

/* R4: the locator of a ZIP64 end record would stand right before the end record. */
static int check_no_locator(const struct io_reader *file, uint64_t end_offset, struct zip_refusal *refusal)
{
	if (end_offset < ZIP_LOCATOR_BYTES)
		return 0;
	uint8_t signature[4];
	int r = zip_pread(file, signature, sizeof(signature), end_offset - ZIP_LOCATOR_BYTES);
	if (r < 0)
		return r;
	if (zip_u32(signature) == ZIP_LOCATOR_SIGNATURE)
		return zip_refuse(refusal, ZIP_R04_ZIP64, REMEDY_ZIP64, "the archive has a ZIP64 end record locator");
	return 0;
}

int zip_read_tail(const struct io_reader *file, struct zip_tail *ret, struct zip_refusal *ret_refusal)
{
	struct tail_bytes tail;
	int r = read_tail_bytes(file, &tail);
	if (r < 0)
		return r;

	size_t at;
	if (!find_last_end_record(&tail, &at) || tail.len - at < ZIP_END_BYTES) {
		r = zip_refuse(ret_refusal, ZIP_R02_END, "check that it is a ZIP and was copied whole: unzip -t it",
			       "no end record: not a ZIP, or cut off");
		goto out;
	}
	const uint8_t *record = tail.bytes + at;
	r = check_comment(&tail, at, ret_refusal);
	if (r == 0)
		r = check_fields(record, ret_refusal);
	if (r == 0)
		r = check_no_locator(file, tail.offset + at, ret_refusal);
	if (r < 0)
		goto out;

	*ret = (struct zip_tail){
		.end_record_offset = tail.offset + at,
		.signed_length = tail.offset + at + ZIP_END_BYTES - 2,
		.comment_offset = tail.offset + at + ZIP_END_BYTES,
		.comment_len = zip_u16(record + 20),
		.entry_count = zip_u16(record + 10),
		.directory_size = zip_u32(record + 12),
		.directory_offset = zip_u32(record + 16),
	};
out:
	free(tail.bytes);
	return r;
}

bool zip_end_record_completes(const uint8_t record[22], uint64_t record_offset, uint64_t size_bytes)
{
	return zip_u32(record) == ZIP_END_SIGNATURE &&
	       (uint64_t)zip_u32(record + 12) + zip_u32(record + 16) == record_offset && size_bytes >= ZIP_END_BYTES &&
	       size_bytes - ZIP_END_BYTES >= record_offset &&
	       size_bytes - ZIP_END_BYTES - record_offset == zip_u16(record + 20);
}
