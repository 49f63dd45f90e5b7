/* A ZIP of stored entries: nothing in it depends on a clock, a library or the machine. */
#include "archive/zip_write.h"

#include <errno.h>
#include <string.h>

#include "archive/zip_sums.h"
#include "zip_format.h"

#define VERSION_NEEDED 10U		 /* 1.0: stored files */
#define MADE_BY_UNIX   (3U << 8 | 20U)	 /* so that the mode counts */
#define EARLIEST_DATE  (1U << 5 | 1U)	 /* 1980-01-01 00:00, where DOS time begins */
#define FILE_0644      (0100644UL << 16) /* of the external attributes */

static void put16(uint8_t **at, uint32_t value)
{
	*(*at)++ = (uint8_t)value;
	*(*at)++ = (uint8_t)(value >> 8);
}

static void put32(uint8_t **at, uint32_t value)
{
	put16(at, value & 0xffff);
	put16(at, value >> 16);
}

/* What a local header and a directory record share. */
static void put_header(uint8_t **at, const struct zip_write_entry *entry)
{
	put16(at, VERSION_NEEDED);
	put16(at, 0); /* flags */
	put16(at, ZIP_METHOD_STORED);
	put16(at, 0); /* time */
	put16(at, EARLIEST_DATE);
	put32(at, zip_sum(0, entry->bytes, entry->len));
	put32(at, (uint32_t)entry->len);
	put32(at, (uint32_t)entry->len);
	put16(at, (uint32_t)strlen(entry->name));
	put16(at, 0); /* extra fields */
}

static int put_entry(const struct zip_write_entry *entry, struct buf *ret)
{
	uint8_t header[ZIP_LOCAL_BYTES], *at = header;
	put32(&at, ZIP_LOCAL_SIGNATURE);
	put_header(&at, entry);
	int r = buf_append(ret, header, sizeof(header));
	if (r == 0)
		r = buf_puts(ret, entry->name);
	return r == 0 ? buf_append(ret, entry->bytes, entry->len) : r;
}

static int put_record(const struct zip_write_entry *entry, uint32_t offset, struct buf *ret)
{
	uint8_t record[ZIP_RECORD_BYTES], *at = record;
	put32(&at, ZIP_RECORD_SIGNATURE);
	put16(&at, MADE_BY_UNIX);
	put_header(&at, entry);
	put16(&at, 0); /* comment */
	put16(&at, 0); /* disk */
	put16(&at, 0); /* internal attributes */
	put32(&at, (uint32_t)FILE_0644);
	put32(&at, offset);
	int r = buf_append(ret, record, sizeof(record));
	return r == 0 ? buf_puts(ret, entry->name) : r;
}

static int put_end(size_t count, size_t directory, size_t end, struct buf *ret)
{
	uint8_t record[ZIP_END_BYTES], *at = record;
	put32(&at, ZIP_END_SIGNATURE);
	put16(&at, 0); /* disk */
	put16(&at, 0); /* disk of the directory */
	put16(&at, (uint32_t)count);
	put16(&at, (uint32_t)count);
	put32(&at, (uint32_t)(end - directory));
	put32(&at, (uint32_t)directory);
	put16(&at, 0); /* comment */
	return buf_append(ret, record, sizeof(record));
}

/* All sizes and offsets fit their fields, below what would say ZIP64. */
static int check(const struct zip_write_entry *entries, size_t count)
{
	uint64_t total = ZIP_END_BYTES;
	if (count == 0)
		return -EINVAL;
	if (count >= UINT16_MAX)
		return -EFBIG;
	for (size_t i = 0; i < count; i++) {
		size_t name_len = strlen(entries[i].name);
		if (name_len > UINT16_MAX || entries[i].len >= UINT32_MAX)
			return -EFBIG;
		total += ZIP_LOCAL_BYTES + ZIP_RECORD_BYTES + 2 * (uint64_t)name_len + entries[i].len;
	}
	return total < UINT32_MAX ? 0 : -EFBIG;
}

int zip_write(const struct zip_write_entry *entries, size_t count, struct buf *ret)
{
	struct buf zip = {0}, directory = {0};
	size_t begin = 0;
	int r = check(entries, count);
	for (size_t i = 0; r == 0 && i < count; i++) {
		r = put_record(&entries[i], (uint32_t)zip.len, &directory);
		if (r == 0)
			r = put_entry(&entries[i], &zip);
	}
	if (r == 0) {
		begin = zip.len;
		r = buf_append(&zip, directory.data, directory.len);
	}
	if (r == 0)
		r = put_end(count, begin, zip.len, &zip);
	if (r == 0)
		r = buf_append(ret, zip.data, zip.len);
	buf_done(&zip);
	buf_done(&directory);
	return r;
}
