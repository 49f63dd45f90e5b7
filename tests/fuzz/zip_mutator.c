#include "zip_mutator.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "zip_builder.h"

#define LOCAL_BYTES  30
#define RECORD_BYTES 46
#define END_BYTES    22
#define ENTRIES_MAX  64U

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

/* ---- dice: the same for the same seed, so that a run can be repeated ---- */

struct dice {
	uint64_t state;
};

static uint32_t roll(struct dice *dice, uint32_t sides)
{
	dice->state = dice->state * 6364136223846793005ULL + 1442695040888963407ULL;
	return sides > 0 ? (uint32_t)(dice->state >> 33) % sides : 0;
}

/* ---- taking an archive apart ---- */

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t get32(const uint8_t *at)
{
	return get16(at) | (uint32_t)get16(at + 2) << 16;
}

static void append(struct buf *out, const void *bytes, size_t len)
{
	ASSERT(buf_append(out, bytes, len) == 0);
}

static void get_header(const uint8_t *at, struct zip_builder_header *ret)
{
	ret->version_needed = get16(at);
	ret->flags = get16(at + 2);
	ret->method = get16(at + 4);
	ret->time = get16(at + 6);
	ret->date = get16(at + 8);
	ret->crc32 = get32(at + 10);
	ret->compressed = get32(at + 14);
	ret->size = get32(at + 18);
	ret->name_len = get16(at + 22);
	ret->extra_len = get16(at + 24);
}

/* The local header and what is behind it, up to the next one or the directory. */
static bool take_local(const uint8_t *data, size_t directory, struct zip_builder_entry *entry)
{
	size_t at = entry->offset;
	if (at > directory || directory - at < LOCAL_BYTES || get32(data + at) != 0x04034b50)
		return false;
	entry->local.signature = get32(data + at);
	get_header(data + at + 4, &entry->local);
	size_t head = LOCAL_BYTES + (size_t)entry->local.name_len + entry->local.extra_len;
	size_t tail = entry->record.flags & ZIP_BUILDER_DESCRIPTOR ? 16 : 0;
	if (directory - at < head || directory - at - head < entry->record.compressed ||
	    directory - at - head - entry->record.compressed < tail)
		return false;
	append(&entry->local_name, data + at + LOCAL_BYTES, entry->local.name_len);
	append(&entry->local_extra, data + at + LOCAL_BYTES + entry->local.name_len, entry->local.extra_len);
	append(&entry->data, data + at + head, entry->record.compressed);
	append(&entry->descriptor, data + at + head + entry->record.compressed, tail);
	return true;
}

static bool take_record(const uint8_t *data, size_t *at, size_t end, size_t directory, struct zip_builder_entry *entry)
{
	if (end - *at < RECORD_BYTES || get32(data + *at) != 0x02014b50)
		return false;
	const uint8_t *record = data + *at;
	entry->record.signature = get32(record);
	entry->made_by = get16(record + 4);
	get_header(record + 6, &entry->record);
	entry->comment_len = get16(record + 32);
	entry->disk = get16(record + 34);
	entry->internal = get16(record + 36);
	entry->external = get32(record + 38);
	entry->offset = get32(record + 42);
	size_t len = RECORD_BYTES + (size_t)entry->record.name_len + entry->record.extra_len + entry->comment_len;
	if (end - *at < len)
		return false;
	append(&entry->name, record + RECORD_BYTES, entry->record.name_len);
	append(&entry->extra, record + RECORD_BYTES + entry->record.name_len, entry->record.extra_len);
	append(&entry->comment, record + len - entry->comment_len, entry->comment_len);
	*at += len;
	return take_local(data, directory, entry);
}

static bool find_end(const uint8_t *data, size_t size, size_t *ret)
{
	for (size_t at = size < END_BYTES ? 0 : size - END_BYTES + 1; at-- > 0;)
		if (get32(data + at) == 0x06054b50) {
			*ret = at;
			return true;
		}
	return false;
}

static struct zip_builder_entry *new_entry(struct zip_builder *z)
{
	struct zip_builder_entry *entry = zip_builder_add(z, "", "");
	buf_reset(&entry->name);
	buf_reset(&entry->local_name);
	return entry;
}

/* False: it is none, or one that could not be written as it is. */
static bool take_apart(const uint8_t *data, size_t size, struct zip_builder *z)
{
	size_t end;
	if (!find_end(data, size, &end))
		return false;
	size_t count = get16(data + end + 10), directory = get32(data + end + 16), at = directory;
	if (directory > end || count > ENTRIES_MAX)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!take_record(data, &at, end, directory, new_entry(z)))
			return false;
	append(&z->comment, data + end + END_BYTES, size - end - END_BYTES);
	return z->entry_count > 0;
}

/* ---- changes of an entry ---- */

static const char *const pieces[] = {"a",	 "A",  "/", "..",     "\xc3\xa9", "e\xcc\x81",	  "\xe2\x84\xaa", ";1",
				     "con",	 ".",  " ", "\\",     "C:",	  "\xe2\x80\xae", "\xff",	  "\n",
				     "\xc3\x9f", "ss", "~", "PK\3\4", "aux.py",	  "\xef\xbd\x81", "\x7f",	  "*"};

static void change_bytes(struct dice *dice, struct buf *bytes, size_t max)
{
	(void)roll(dice, 2);
	ASSERT(buf_reserve(bytes, max + 1) == 0);
	bytes->len = LLVMFuzzerMutate((uint8_t *)bytes->data, bytes->len, bytes->len + max);
}

static void change_name(struct dice *dice, struct zip_builder_entry *entry)
{
	struct buf name = {0};
	const char *piece = pieces[roll(dice, ARRAY_SIZE(pieces))];
	size_t at = roll(dice, (uint32_t)entry->name.len + 1);
	if (roll(dice, 4) == 0) {
		append(&name, entry->name.data, entry->name.len);
		change_bytes(dice, &name, 8);
	} else {
		append(&name, entry->name.data, at);
		append(&name, piece, strlen(piece));
		size_t from = at + (roll(dice, 2) ? strlen(piece) : 0);
		if (from < entry->name.len)
			append(&name, entry->name.data + from, entry->name.len - from);
	}
	zip_builder_set_name(entry, name.data, name.len);
	bool is_ascii = true;
	for (size_t i = 0; i < name.len; i++)
		is_ascii = is_ascii && (uint8_t)name.data[i] < 0x80;
	if (!is_ascii && roll(dice, 4) > 0)
		zip_builder_set_flags(entry, entry->record.flags | ZIP_BUILDER_UTF8);
	buf_done(&name);
}

static void change_extra(struct dice *dice, struct zip_builder_entry *entry)
{
	static const uint16_t ids[] = {0x5455, 0x7875, 0x5855, 0x7855, 0x000a, 0xcafe, 0x7075, 0x0001, 0x9901, 0x6375};
	static const uint8_t bytes[32] = {1, 4, 0, 0, 0, 4};
	struct buf *extra = roll(dice, 2) ? &entry->extra : &entry->local_extra;
	uint16_t id = ids[roll(dice, ARRAY_SIZE(ids))], len = (uint16_t)roll(dice, 20);
	switch (roll(dice, 4)) {
	case 0:
		buf_reset(extra);
		break;
	case 1:
		change_bytes(dice, extra, 8);
		break;
	default:
		zip_builder_add_extra(&entry->extra, id, bytes, len);
		zip_builder_add_extra(&entry->local_extra, id, bytes, len);
		break;
	}
}

static void set_method(struct zip_builder_entry *entry, uint16_t method)
{
	entry->record.method = entry->local.method = method;
	entry->record.version_needed = entry->local.version_needed = method == 0 ? 10 : 20;
}

static void deflate_data(struct dice *dice, struct zip_builder_entry *entry)
{
	z_stream z = {0};
	struct buf packed = {0};
	ASSERT(deflateInit2(&z, (int)roll(dice, 10), Z_DEFLATED, -MAX_WBITS, 8, (int)roll(dice, 5)) == Z_OK);
	ASSERT(buf_reserve(&packed, deflateBound(&z, (uLong)entry->data.len) + 16) == 0);
	z.next_in = (Bytef *)entry->data.data;
	z.avail_in = (uInt)entry->data.len;
	z.next_out = (Bytef *)packed.data;
	z.avail_out = (uInt)packed.cap;
	ASSERT(deflate(&z, Z_FINISH) == Z_STREAM_END);
	packed.len = z.total_out;
	(void)deflateEnd(&z);
	buf_done(&entry->data);
	entry->data = packed;
	set_method(entry, ZIP_BUILDER_DEFLATED);
}

/* What the data would be with its sizes and CRC right. */
static void settle_data(struct zip_builder_entry *entry, const struct buf *content)
{
	entry->record.size = entry->local.size = (uint32_t)content->len;
	entry->record.crc32 = entry->local.crc32 = (uint32_t)crc32(0, (const Bytef *)content->data, (uInt)content->len);
}

static void change_data(struct dice *dice, struct zip_builder_entry *entry)
{
	struct buf content = {0};
	if (entry->record.method != ZIP_BUILDER_STORED || roll(dice, 4) == 0) {
		change_bytes(dice, &entry->data, 16); /* of a stream that perhaps is none any more */
		entry->record.compressed = entry->local.compressed = (uint32_t)entry->data.len;
		return;
	}
	change_bytes(dice, &entry->data, 64);
	append(&content, entry->data.data ? entry->data.data : "", entry->data.len);
	settle_data(entry, &content);
	if (roll(dice, 2))
		deflate_data(dice, entry);
	entry->record.compressed = entry->local.compressed = (uint32_t)entry->data.len;
	if (entry->record.flags & ZIP_BUILDER_DESCRIPTOR)
		zip_builder_use_descriptor(entry);
	buf_done(&content);
}

static void change_kind(struct dice *dice, struct zip_builder_entry *entry)
{
	static const unsigned modes[] = {0100644, 0100755, 0040755, 0120777, 0104755, 0, 0644, 0010644, 0100000};
	static const uint16_t made_by[] = {0x031e, 0x0014, 0x0a14, 0x0b14, 0x0714, 0x131e, 0x0114};
	switch (roll(dice, 4)) {
	case 0:
		zip_builder_set_mode(entry, modes[roll(dice, ARRAY_SIZE(modes))]);
		break;
	case 1:
		entry->external ^= 1U << roll(dice, 32);
		break;
	case 2:
		entry->made_by = made_by[roll(dice, ARRAY_SIZE(made_by))];
		break;
	default:
		entry->internal = (uint16_t)roll(dice, 4);
		break;
	}
}

static void change_header(struct dice *dice, struct zip_builder_entry *entry)
{
	uint16_t bit = (uint16_t)(1U << roll(dice, 16));
	switch (roll(dice, 6)) {
	case 0:
		zip_builder_set_flags(entry, entry->record.flags ^ bit);
		break;
	case 1:
		zip_builder_use_descriptor(entry);
		break;
	case 2:
		set_method(entry, (uint16_t)roll(dice, 15));
		break;
	case 3:
		entry->record.version_needed = entry->local.version_needed = (uint16_t)roll(dice, 70);
		break;
	case 4:
		entry->record.time = entry->local.time = bit;
		entry->record.date = entry->local.date = (uint16_t)roll(dice, 65536);
		break;
	default:
		((uint8_t *)(roll(dice, 2) ? &entry->local : &entry->record))[4 + roll(dice, 22)] ^=
			(uint8_t)(1U << roll(dice, 8));
		break;
	}
}

/* ---- changes of the whole ---- */

static void copy_entry(struct dice *dice, struct zip_builder *z)
{
	if (z->entry_count >= ENTRIES_MAX)
		return;
	const struct zip_builder_entry *from = z->entries[roll(dice, (uint32_t)z->entry_count)];
	struct zip_builder_entry *to = new_entry(z);
	struct zip_builder_entry parts = *to;
	*to = *from; /* fields; what they own is copied below */
	struct buf *const own[] = {&to->before,	    &to->local_name, &to->local_extra, &to->data,
				   &to->descriptor, &to->name,	     &to->extra,       &to->comment};
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		struct buf theirs = *own[i];
		*own[i] = (struct buf){0};
		append(own[i], theirs.data ? theirs.data : "", theirs.len);
	}
	buf_done(&parts.name);
	buf_done(&parts.local_name);
	buf_done(&parts.data);
	if (roll(dice, 4) > 0)
		change_name(dice, to);
}

static void swap_entries(struct dice *dice, struct zip_builder *z)
{
	uint32_t a = roll(dice, (uint32_t)z->entry_count), b = roll(dice, (uint32_t)z->entry_count);
	struct zip_builder_entry *entry = z->entries[a];
	z->entries[a] = z->entries[b];
	z->entries[b] = entry;
}

static void change_whole(struct dice *dice, struct zip_builder *z)
{
	static const char *const fillers[] = {"x", "PK\5\6", "PK\3\4", "PK\1\2", "PK\6\7", "PK\7\10"};
	struct zip_builder_entry *any = z->entries[roll(dice, (uint32_t)z->entry_count)];
	struct buf *const places[] = {&any->before,  &z->before_directory, &z->before_end,  &z->comment,
				      &z->after_end, &any->comment,	   &any->descriptor};
	const char *filler = fillers[roll(dice, ARRAY_SIZE(fillers))];
	switch (roll(dice, 6)) {
	case 0:
	case 1:
		copy_entry(dice, z);
		break;
	case 2:
		swap_entries(dice, z);
		break;
	case 3:
		change_bytes(dice, &z->comment, 32);
		break;
	default:
		append(places[roll(dice, ARRAY_SIZE(places))], filler, strlen(filler));
		break;
	}
}

static void change_once(struct dice *dice, struct zip_builder *z)
{
	static void (*const changes[])(struct dice * dice, struct zip_builder_entry * entry) = {
		change_name, change_name, change_extra, change_data, change_data, change_kind, change_header};
	uint32_t which = roll(dice, ARRAY_SIZE(changes) + 2);
	if (which < ARRAY_SIZE(changes))
		changes[which](dice, z->entries[roll(dice, (uint32_t)z->entry_count)]);
	else
		change_whole(dice, z);
}

/* A field that layout has computed. */
static void break_layout(struct dice *dice, struct zip_builder *z)
{
	struct zip_builder_entry *entry = z->entries[roll(dice, (uint32_t)z->entry_count)];
	int32_t by = (int32_t)roll(dice, 33) - 16;
	switch (roll(dice, 4)) {
	case 0:
		entry->offset += (uint32_t)by;
		break;
	case 1:
		entry->local.name_len = (uint16_t)(entry->local.name_len + by);
		break;
	case 2:
		entry->record.compressed += (uint32_t)by;
		break;
	default:
		((uint8_t *)&z->end)[4 + roll(dice, sizeof(z->end) - 4)] = (uint8_t)roll(dice, 256);
		break;
	}
}

size_t zip_mutate(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	struct zip_builder z = {0};
	struct dice dice = {seed};
	if (roll(&dice, 8) == 0 || !take_apart(data, size, &z)) {
		zip_builder_done(&z);
		return LLVMFuzzerMutate(data, size, max);
	}
	for (uint32_t changes = 1 + roll(&dice, 4); changes > 0; changes--)
		change_once(&dice, &z);
	zip_builder_layout(&z);
	if (roll(&dice, 2))
		break_layout(&dice, &z);
	struct buf out = zip_builder_write(&z);
	size_t len = out.len <= max ? out.len : size;
	if (out.len <= max)
		memcpy(data, out.data, out.len);
	buf_done(&out);
	return len;
}
