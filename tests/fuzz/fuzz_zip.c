/*
 * Throws archives at the gate. An input that begins with `PK` is the archive itself; any other is a recipe: it changes
 * fields, names and data of a good archive, so that many inputs are refused late or not at all.
 *
 * What must hold: nothing crashes; what is accepted is opened by libzip with the same entries and, where the contents
 * check passes too, every entry has the same bytes for libzip as for us.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "archive/zip.h"
#include "zip_builder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define UNPACKED_MAX (1024U * 1024U)

struct recipe {
	const uint8_t *at;
	size_t left;
};

static uint8_t take(struct recipe *recipe)
{
	if (recipe->left == 0)
		return 0;
	recipe->left--;
	return *recipe->at++;
}

/* Up to max bytes, as many as the next byte says. */
static size_t take_bytes(struct recipe *recipe, size_t max, const uint8_t **ret)
{
	size_t len = take(recipe);
	len = len < recipe->left ? len : recipe->left;
	len = len < max ? len : max;
	*ret = recipe->at;
	recipe->at += len;
	recipe->left -= len;
	return len;
}

/* One change of an entry, before lengths and offsets are computed. */
static void change_entry(struct zip_builder_entry *entry, struct recipe *recipe)
{
	const uint8_t *bytes;
	size_t len;
	switch (take(recipe) % 8) {
	case 0:
		len = take_bytes(recipe, 64, &bytes);
		zip_builder_set_name(entry, bytes, len);
		break;
	case 1:
		zip_builder_set_flags(entry, (uint16_t)(take(recipe) | take(recipe) << 8));
		break;
	case 2:
		zip_builder_set_mode(entry, (unsigned)(take(recipe) | take(recipe) << 8));
		break;
	case 3:
		zip_builder_use_descriptor(entry);
		break;
	case 4:
		len = take_bytes(recipe, 64, &bytes);
		zip_builder_add_extra(&entry->extra, take(recipe) & 1 ? 0x5455 : 0x7875, bytes, (uint16_t)len);
		break;
	case 5:
		entry->external = (entry->external & ~0xffU) | take(recipe);
		break;
	case 6:
		len = take_bytes(recipe, 64, &bytes);
		ASSERT(buf_append(&entry->data, bytes, len) == 0);
		entry->local.compressed = entry->record.compressed = (uint32_t)entry->data.len;
		if (entry->record.method == ZIP_BUILDER_STORED)
			zip_builder_set_size(entry, (uint32_t)entry->data.len);
		break;
	default:
		entry->made_by = (uint16_t)(take(recipe) << 8 | 20);
		break;
	}
}

/* A byte somewhere in the entry's fixed fields or the end record, after layout. */
static void change_byte(struct zip_builder *z, struct recipe *recipe)
{
	size_t which = take(recipe) % (z->entry_count + 1);
	uint8_t at = take(recipe), value = take(recipe);
	if (which == z->entry_count)
		((uint8_t *)&z->end)[at % sizeof(z->end)] = value;
	else if (at & 1)
		((uint8_t *)&z->entries[which]->local)[(at >> 1) % sizeof(struct zip_builder_header)] = value;
	else
		((uint8_t *)&z->entries[which]->record)[(at >> 1) % sizeof(struct zip_builder_header)] = value;
}

static struct buf follow(struct recipe *recipe)
{
	static const char text[] = "some text, some text, some text, some text, some text";
	struct zip_builder z = {0};
	zip_builder_add(&z, "app.py", text);
	zip_builder_add_file(&z, "lib/data.txt", text, sizeof(text), ZIP_BUILDER_DEFLATED, 0755);
	zip_builder_add_dir(&z, "lib/");
	zip_builder_add(&z, "\xc3\xa9t\xc3\xa9", "");

	for (unsigned changes = take(recipe) % 8; changes > 0; changes--)
		change_entry(z.entries[take(recipe) % z.entry_count], recipe);
	zip_builder_layout(&z);
	for (unsigned changes = take(recipe) % 4; changes > 0; changes--)
		change_byte(&z, recipe);
	return zip_builder_write(&z);
}

/* The entry's bytes as libzip reads them are those in ours. */
static void compare_entry(zip_t *zip, size_t index, const struct zip_entry *entry, const void *ours)
{
	zip_file_t *theirs = zip_fopen_index(zip, index, 0);
	ASSERT(theirs);
	char *bytes = malloc((size_t)entry->size_bytes + 1);
	ASSERT(bytes);
	ASSERT(zip_fread(theirs, bytes, (zip_uint64_t)entry->size_bytes + 1) == (zip_int64_t)entry->size_bytes);
	ASSERT(memcmp(bytes, ours, entry->size_bytes) == 0);
	free(bytes);
	ASSERT(zip_fclose(theirs) == 0);
}

static void compare_with_libzip(const struct buf *bytes, const struct io_reader *file,
				const struct zip_archive *archive, bool contents_good)
{
	zip_source_t *source = zip_source_buffer_create(bytes->data, bytes->len, 0, NULL);
	zip_t *zip = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, NULL);
	ASSERT(zip);
	ASSERT(zip_get_num_entries(zip, 0) == (zip_int64_t)archive->entry_count);
	for (size_t i = 0; i < archive->entry_count; i++) {
		const struct zip_entry *entry = &archive->entries[i];
		ASSERT(strncmp(zip_get_name(zip, i, ZIP_FL_ENC_RAW), entry->name, entry->name_len) == 0);
		void *ours = malloc((size_t)entry->size_bytes + 1);
		ASSERT(ours);
		int r = zip_read_entry(file, entry, ours);
		ASSERT(r == 0 || (r == -EBADMSG && !contents_good));
		if (r == 0 && contents_good) /* else it may be one that only libdeflate takes (zip_whole.h) */
			compare_entry(zip, i, entry, ours);
		free(ours);
	}
	zip_discard(zip);
}

static void judge(const struct buf *bytes)
{
	const struct zip_limits limits = {.max_unpacked_bytes = UNPACKED_MAX};
	struct io_memory memory = {.bytes = bytes->data, .len = bytes->len};
	struct io_reader file = io_reader_memory(&memory);
	struct zip_archive *archive = NULL;
	struct zip_refusal refusal = {0};

	int r = zip_open_archive(&file, &limits, &archive, &refusal);
	ASSERT(r == 0 || (r == -EBADMSG && refusal.rule != 0 && refusal.text.text[0] != '\0'));
	if (r < 0)
		return;
	r = zip_check_contents(&file, archive, &limits, &refusal);
	ASSERT(r == 0 || (r == -EBADMSG && refusal.rule == 7));
	compare_with_libzip(bytes, &file, archive, r == 0);
	zip_close_archive(archive);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf bytes = {0};
	if (size >= 2 && memcmp(data, "PK", 2) == 0) {
		ASSERT(buf_append(&bytes, data, size) == 0);
	} else {
		struct recipe recipe = {data, size};
		bytes = follow(&recipe);
	}
	judge(&bytes);
	buf_done(&bytes);
	return 0;
}
