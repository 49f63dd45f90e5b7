/*
 * Throws archives at the gate. An input that begins with `PK` is the archive itself; any other is a recipe: it changes
 * fields, names and data of a good archive, so that many inputs are refused late or not at all.
 *
 * What must hold: nothing crashes; what is refused says why and what to do; the verdict is the same whatever locale,
 * time zone and umask are, whether headers were kept while it was written or are read, and when it is opened again;
 * what is accepted is opened by libzip with the same entries and, where the contents check passes too, every entry has
 * the same bytes for libzip as for us. What it accepts goes to other parsers, too (tests/parsers).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "archive/zip.h"
#include "archive/zip_headers.h"
#include "fuzz.h"
#include "zip_builder.h"
#include "zip_mutator.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

#define UNPACKED_MAX (1024U * 1024U)

/* One change of an entry, before lengths and offsets are computed. */
static void change_entry(struct zip_builder_entry *entry, struct fuzz_bytes *recipe)
{
	const uint8_t *bytes;
	size_t len;
	switch (fuzz_take(recipe) % 8) {
	case 0:
		len = fuzz_take_some(recipe, 64, &bytes);
		zip_builder_set_name(entry, bytes, len);
		break;
	case 1:
		zip_builder_set_flags(entry, (uint16_t)(fuzz_take(recipe) | fuzz_take(recipe) << 8));
		break;
	case 2:
		zip_builder_set_mode(entry, (unsigned)(fuzz_take(recipe) | fuzz_take(recipe) << 8));
		break;
	case 3:
		zip_builder_use_descriptor(entry);
		break;
	case 4:
		len = fuzz_take_some(recipe, 64, &bytes);
		zip_builder_add_extra(&entry->extra, fuzz_take(recipe) & 1 ? 0x5455 : 0x7875, bytes, (uint16_t)len);
		break;
	case 5:
		entry->external = (entry->external & ~0xffU) | fuzz_take(recipe);
		break;
	case 6:
		len = fuzz_take_some(recipe, 64, &bytes);
		ASSERT(buf_append(&entry->data, bytes, len) == 0);
		entry->local.compressed = entry->record.compressed = (uint32_t)entry->data.len;
		if (entry->record.method == ZIP_BUILDER_STORED)
			zip_builder_set_size(entry, (uint32_t)entry->data.len);
		break;
	default:
		entry->made_by = (uint16_t)(fuzz_take(recipe) << 8 | 20);
		break;
	}
}

/* A byte somewhere in the entry's fixed fields or the end record, after layout. */
static void change_byte(struct zip_builder *z, struct fuzz_bytes *recipe)
{
	size_t which = fuzz_take(recipe) % (z->entry_count + 1);
	uint8_t at = fuzz_take(recipe), value = fuzz_take(recipe);
	if (which == z->entry_count)
		((uint8_t *)&z->end)[at % sizeof(z->end)] = value;
	else if (at & 1)
		((uint8_t *)&z->entries[which]->local)[(at >> 1) % sizeof(struct zip_builder_header)] = value;
	else
		((uint8_t *)&z->entries[which]->record)[(at >> 1) % sizeof(struct zip_builder_header)] = value;
}

static struct buf follow(struct fuzz_bytes *recipe)
{
	static const char text[] = "some text, some text, some text, some text, some text";
	struct zip_builder z = {0};
	zip_builder_add(&z, "app.py", text);
	zip_builder_add_file(&z, "lib/data.txt", text, sizeof(text), ZIP_BUILDER_DEFLATED, 0755);
	zip_builder_add_dir(&z, "lib/");
	zip_builder_add(&z, "\xc3\xa9t\xc3\xa9", "");

	for (unsigned changes = fuzz_take(recipe) % 8; changes > 0; changes--)
		change_entry(z.entries[fuzz_take(recipe) % z.entry_count], recipe);
	zip_builder_layout(&z);
	for (unsigned changes = fuzz_take(recipe) % 4; changes > 0; changes--)
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

/* ---- verdicts ---- */

static const struct zip_limits limits = {.max_unpacked_bytes = UNPACKED_MAX};

struct verdict {
	int error;
	struct zip_refusal refusal;
	size_t entry_count;
};

static void check_refusal(int r, const struct zip_refusal *refusal)
{
	ASSERT(r == 0 || (r == -EBADMSG && refusal->rule != 0 && refusal->text.text[0] != '\0' &&
			  refusal->remedy.text[0] != '\0'));
}

/* headers: those that would have been kept, had it been written in pieces of that many bytes; 0: none. */
static struct verdict open_as(const struct buf *bytes, size_t piece)
{
	struct io_memory memory = {.bytes = bytes->data, .len = bytes->len};
	struct io_reader file = io_reader_memory(&memory);
	struct zip_headers headers = {0};
	struct zip_archive *archive = NULL;
	struct verdict ret = {0};
	for (size_t at = 0; piece > 0 && at < bytes->len; at += piece)
		zip_headers_note(&headers, bytes->data + at, piece < bytes->len - at ? piece : bytes->len - at, at);
	struct zip_opening *opening = zip_opening_new(&file, piece > 0 ? &headers : NULL, &limits);
	ret.error = zip_opening_end(opening, &archive, &ret.refusal);
	check_refusal(ret.error, &ret.refusal);
	if (ret.error == 0)
		ret.entry_count = archive->entry_count;
	zip_close_archive(ret.error == 0 ? archive : NULL);
	zip_headers_done(&headers);
	return ret;
}

static void check_everywhere(const struct buf *bytes, const struct verdict *expected)
{
	for (unsigned world = 0; world < FUZZ_WORLDS; world++) {
		fuzz_enter_world(world);
		struct verdict found = open_as(bytes, world * 37);
		ASSERT(found.error == expected->error && found.entry_count == expected->entry_count);
		ASSERT(found.error == 0 || (found.refusal.rule == expected->refusal.rule &&
					    strcmp(found.refusal.text.text, expected->refusal.text.text) == 0));
	}
	fuzz_enter_world(0);
}

static void judge(const struct buf *bytes)
{
	struct io_memory memory = {.bytes = bytes->data, .len = bytes->len};
	struct io_reader file = io_reader_memory(&memory);
	struct zip_archive *archive = NULL, *again = NULL;
	struct verdict verdict = {0};

	fuzz_enter_world(0);
	verdict.error = zip_open_archive(&file, &limits, &archive, &verdict.refusal);
	check_refusal(verdict.error, &verdict.refusal);
	verdict.entry_count = verdict.error == 0 ? archive->entry_count : 0;
	check_everywhere(bytes, &verdict);
	if (verdict.error < 0)
		return;
	int r = zip_check_contents(&file, archive, &limits, &verdict.refusal);
	ASSERT(r == 0 || (r == -EBADMSG && verdict.refusal.rule == 7));
	compare_with_libzip(bytes, &file, archive, r == 0);
	ASSERT(zip_reopen_archive(&file, &again) == 0 && again->entry_count == archive->entry_count);
	zip_close_archive(again);
	zip_close_archive(archive);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return zip_mutate(data, size, max, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf bytes = {0};
	if (size >= 2 && memcmp(data, "PK", 2) == 0) {
		ASSERT(buf_append(&bytes, data, size) == 0);
	} else {
		struct fuzz_bytes recipe = {data, size};
		bytes = follow(&recipe);
	}
	judge(&bytes);
	buf_done(&bytes);
	return 0;
}
