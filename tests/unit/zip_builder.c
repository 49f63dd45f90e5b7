/* Makes ZIPs for tests. The layout follows PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7 to 4.3.16. */
#include "zip_builder.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define UNIX_HOST     (3U << 8)
#define DOS_DIRECTORY 0x10U
#define DOS_DATE_2026 ((46U << 9) | (11U << 5) | 21U) /* 2026-11-21 */
#define DOS_TIME_NOON (12U << 11)

static void append(struct buf *out, const void *bytes, size_t len)
{
	ASSERT(buf_append(out, bytes, len) == 0);
}

void zip_builder_put16(struct buf *out, uint16_t value)
{
	append(out, (uint8_t[]){(uint8_t)value, (uint8_t)(value >> 8)}, 2);
}

void zip_builder_put32(struct buf *out, uint32_t value)
{
	zip_builder_put16(out, (uint16_t)value);
	zip_builder_put16(out, (uint16_t)(value >> 16));
}

static void set(struct buf *b, const void *bytes, size_t len)
{
	buf_reset(b);
	append(b, bytes, len);
}

static bool is_ascii(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] >= 0x80)
			return false;
	return true;
}

void zip_builder_set_name(struct zip_builder_entry *entry, const void *name, size_t len)
{
	set(&entry->name, name, len);
	set(&entry->local_name, name, len);
}

void zip_builder_set_flags(struct zip_builder_entry *entry, uint16_t flags)
{
	entry->record.flags = flags;
	entry->local.flags = flags;
}

void zip_builder_set_mode(struct zip_builder_entry *entry, unsigned mode)
{
	entry->external = (entry->external & 0xffff) | (uint32_t)mode << 16;
}

void zip_builder_set_size(struct zip_builder_entry *entry, uint32_t size)
{
	entry->record.size = size;
	entry->local.size = size;
}

void zip_builder_use_descriptor(struct zip_builder_entry *entry)
{
	zip_builder_set_flags(entry, (uint16_t)(entry->record.flags | ZIP_BUILDER_DESCRIPTOR));
	entry->local.crc32 = 0;
	entry->local.compressed = 0;
	entry->local.size = 0;
	buf_reset(&entry->descriptor);
	append(&entry->descriptor, "PK\7\10", 4);
	zip_builder_put32(&entry->descriptor, entry->record.crc32);
	zip_builder_put32(&entry->descriptor, entry->record.compressed);
	zip_builder_put32(&entry->descriptor, entry->record.size);
}

void zip_builder_add_extra(struct buf *extra, uint16_t id, const void *bytes, uint16_t len)
{
	zip_builder_put16(extra, id);
	zip_builder_put16(extra, len);
	append(extra, bytes, len);
}

static void deflate_into(struct buf *out, const void *content, size_t len)
{
	z_stream z = {0};
	ASSERT(deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	uLong bound = deflateBound(&z, (uLong)len);
	ASSERT(buf_reserve(out, bound) == 0);
	z.next_in = (Bytef *)(uintptr_t)content;
	z.avail_in = (uInt)len;
	z.next_out = (Bytef *)out->data;
	z.avail_out = (uInt)bound;
	ASSERT(deflate(&z, Z_FINISH) == Z_STREAM_END);
	out->len = z.total_out;
	ASSERT(deflateEnd(&z) == Z_OK);
}

static struct zip_builder_entry *new_entry(struct zip_builder *z)
{
	struct zip_builder_entry **entries = realloc(z->entries,
						     (z->entry_count + 1) * sizeof(struct zip_builder_entry *));
	struct zip_builder_entry *entry = calloc(1, sizeof(*entry));
	ASSERT(entries && entry);
	z->entries = entries;
	z->entries[z->entry_count++] = entry;
	return entry;
}

struct zip_builder_entry *zip_builder_add_file(struct zip_builder *z, const char *name, const void *content, size_t len,
					       enum zip_builder_method method, unsigned mode)
{
	struct zip_builder_entry *entry = new_entry(z);
	if (method == ZIP_BUILDER_DEFLATED)
		deflate_into(&entry->data, content, len);
	else
		append(&entry->data, content, len);

	entry->record = (struct zip_builder_header){
		.signature = 0x02014b50,
		.version_needed = method == ZIP_BUILDER_DEFLATED ? 20 : 10,
		.flags = is_ascii(name, strlen(name)) ? 0 : ZIP_BUILDER_UTF8,
		.method = (uint16_t)method,
		.time = DOS_TIME_NOON,
		.date = DOS_DATE_2026,
		.crc32 = (uint32_t)crc32(0, content, (uInt)len),
		.compressed = (uint32_t)entry->data.len,
		.size = (uint32_t)len,
	};
	entry->local = entry->record;
	entry->local.signature = 0x04034b50;
	entry->made_by = UNIX_HOST | 30;
	zip_builder_set_name(entry, name, strlen(name));
	zip_builder_set_mode(entry, 0100000 | mode);
	return entry;
}

struct zip_builder_entry *zip_builder_add(struct zip_builder *z, const char *name, const char *content)
{
	return zip_builder_add_file(z, name, content, strlen(content), ZIP_BUILDER_STORED, 0644);
}

struct zip_builder_entry *zip_builder_add_dir(struct zip_builder *z, const char *name)
{
	struct zip_builder_entry *entry = zip_builder_add(z, name, "");
	zip_builder_set_mode(entry, 0040755);
	entry->external |= DOS_DIRECTORY;
	return entry;
}

void zip_builder_layout(struct zip_builder *z)
{
	uint32_t offset = 0, directory_size = 0;
	for (size_t i = 0; i < z->entry_count; i++) {
		struct zip_builder_entry *entry = z->entries[i];
		entry->local.name_len = (uint16_t)entry->local_name.len;
		entry->local.extra_len = (uint16_t)entry->local_extra.len;
		entry->record.name_len = (uint16_t)entry->name.len;
		entry->record.extra_len = (uint16_t)entry->extra.len;
		entry->comment_len = (uint16_t)entry->comment.len;
		entry->offset = offset + (uint32_t)entry->before.len;
		offset = entry->offset + 30 +
			 (uint32_t)(entry->local_name.len + entry->local_extra.len + entry->data.len +
				    entry->descriptor.len);
		directory_size += 46 + (uint32_t)(entry->name.len + entry->extra.len + entry->comment.len);
	}
	z->end = (struct zip_builder_end){
		.signature = 0x06054b50,
		.count_on_disk = (uint16_t)z->entry_count,
		.count = (uint16_t)z->entry_count,
		.directory_size = directory_size,
		.directory_offset = offset + (uint32_t)z->before_directory.len,
		.comment_len = (uint16_t)z->comment.len,
	};
}

static void put_header(struct buf *out, const struct zip_builder_header *header)
{
	zip_builder_put16(out, header->version_needed);
	zip_builder_put16(out, header->flags);
	zip_builder_put16(out, header->method);
	zip_builder_put16(out, header->time);
	zip_builder_put16(out, header->date);
	zip_builder_put32(out, header->crc32);
	zip_builder_put32(out, header->compressed);
	zip_builder_put32(out, header->size);
	zip_builder_put16(out, header->name_len);
	zip_builder_put16(out, header->extra_len);
}

static void put_buf(struct buf *out, const struct buf *part)
{
	append(out, part->data, part->len);
}

static void put_local(struct buf *out, const struct zip_builder_entry *entry)
{
	put_buf(out, &entry->before);
	zip_builder_put32(out, entry->local.signature);
	put_header(out, &entry->local);
	put_buf(out, &entry->local_name);
	put_buf(out, &entry->local_extra);
	put_buf(out, &entry->data);
	put_buf(out, &entry->descriptor);
}

static void put_record(struct buf *out, const struct zip_builder_entry *entry)
{
	zip_builder_put32(out, entry->record.signature);
	zip_builder_put16(out, entry->made_by);
	put_header(out, &entry->record);
	zip_builder_put16(out, entry->comment_len);
	zip_builder_put16(out, entry->disk);
	zip_builder_put16(out, entry->internal);
	zip_builder_put32(out, entry->external);
	zip_builder_put32(out, entry->offset);
	put_buf(out, &entry->name);
	put_buf(out, &entry->extra);
	put_buf(out, &entry->comment);
}

static void put_end(struct buf *out, const struct zip_builder_end *end)
{
	zip_builder_put32(out, end->signature);
	zip_builder_put16(out, end->disk);
	zip_builder_put16(out, end->directory_disk);
	zip_builder_put16(out, end->count_on_disk);
	zip_builder_put16(out, end->count);
	zip_builder_put32(out, end->directory_size);
	zip_builder_put32(out, end->directory_offset);
	zip_builder_put16(out, end->comment_len);
}

struct buf zip_builder_write(struct zip_builder *z)
{
	struct buf out = {0};
	for (size_t i = 0; i < z->entry_count; i++)
		put_local(&out, z->entries[i]);
	put_buf(&out, &z->before_directory);
	for (size_t i = 0; i < z->entry_count; i++)
		put_record(&out, z->entries[i]);
	put_buf(&out, &z->before_end);
	put_end(&out, &z->end);
	put_buf(&out, &z->comment);
	put_buf(&out, &z->after_end);
	zip_builder_done(z);
	return out;
}

struct buf zip_builder_finish(struct zip_builder *z)
{
	zip_builder_layout(z);
	return zip_builder_write(z);
}

static void free_entry(struct zip_builder_entry *entry)
{
	struct buf *parts[] = {&entry->before,	   &entry->local_name, &entry->local_extra, &entry->data,
			       &entry->descriptor, &entry->name,       &entry->extra,	    &entry->comment};
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		buf_done(parts[i]);
	free(entry);
}

void zip_builder_done(struct zip_builder *z)
{
	for (size_t i = 0; i < z->entry_count; i++)
		free_entry(z->entries[i]);
	free(z->entries);
	buf_done(&z->before_directory);
	buf_done(&z->before_end);
	buf_done(&z->comment);
	buf_done(&z->after_end);
	*z = (struct zip_builder){0};
}
