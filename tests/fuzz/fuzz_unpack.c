/*
 * Throws archives at what takes entries out of them. An input that begins with `PK` is an archive; any other is a
 * recipe for one entry: how large, of what, how deflated, and which bytes of the result are changed.
 *
 * What must hold: nothing crashes; of an archive whose contents pass, every way to an entry's bytes gives the same ones
 * and no failure: whole, in parts between marks, from any offset, handed out while it is read through; sums of blocks
 * vouch for a stored entry exactly where its bytes are right.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "archive/zip.h"
#include "archive/zip_seek.h"
#include "archive/zip_sums.h"
#include "fuzz.h"
#include "zip_builder.h"
#include "zip_mutator.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

#define UNPACKED_MAX ((uint64_t)8 * 1024 * 1024)
#define PIECE_MAX    ((size_t)256 * 1024)
#define BLOCK_BYTES  4096U

/* ---- recipes ---- */

static void fill_noise(char *to, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525 + 1013904223;
		to[i] = (char)(seed >> 24);
	}
}

/* Something that deflates well, badly, or as a copy of what is far behind. */
static void append_piece(struct buf *out, struct fuzz_bytes *recipe)
{
	uint8_t kind = fuzz_take(recipe);
	size_t len = (size_t)fuzz_take16(recipe) * 8;
	len = len < PIECE_MAX ? len : PIECE_MAX;
	const uint8_t *some;
	if (kind % 4 == 3) {
		size_t some_len = fuzz_take_some(recipe, 255, &some);
		ASSERT(buf_append(out, some, some_len) == 0);
		return;
	}
	ASSERT(buf_reserve(out, len) == 0);
	char *to = out->data + out->len;
	size_t back = out->len < 32768U - kind ? out->len : 32768U - kind;
	if (kind % 4 == 0)
		fill_noise(to, len /= 4, kind);
	else if (kind % 4 == 1 || back == 0)
		memset(to, kind, len);
	else
		for (size_t i = 0; i < len; i++)
			to[i] = to[(ptrdiff_t)i - (ptrdiff_t)back];
	out->len += len;
	out->data[out->len] = '\0';
}

/* Blocks of every kind, some empty, that end where the recipe says. */
static void deflate_to(struct buf *out, const struct buf *content, struct fuzz_bytes *recipe)
{
	static const int flushes[] = {Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_PARTIAL_FLUSH, Z_BLOCK};
	z_stream z = {0};
	int strategy = fuzz_take(recipe) % 5, r = Z_OK;
	ASSERT(deflateInit2(&z, fuzz_take(recipe) % 10, Z_DEFLATED, -(9 + fuzz_take(recipe) % 7),
			    1 + fuzz_take(recipe) % 9, strategy) == Z_OK);
	size_t room = deflateBound(&z, content->len) + 70000;
	ASSERT(buf_reserve(out, room) == 0);
	z.next_in = (Bytef *)content->data;
	z.next_out = (Bytef *)out->data;
	z.avail_out = (uInt)room;
	for (unsigned step = 0; step < 64 && recipe->left > 0 && z.total_in < content->len; step++) {
		size_t left = content->len - z.total_in, len = (size_t)fuzz_take16(recipe) * 16;
		z.avail_in = (uInt)(len < left ? len : left);
		r = deflate(&z, flushes[fuzz_take(recipe) % ARRAY_SIZE(flushes)]);
		ASSERT(r == Z_OK || r == Z_BUF_ERROR);
		z.avail_in = 0;
	}
	z.avail_in = (uInt)(content->len - z.total_in);
	ASSERT(deflate(&z, Z_FINISH) == Z_STREAM_END);
	out->len = z.total_out;
	ASSERT(deflateEnd(&z) == Z_OK);
}

static struct buf follow(struct fuzz_bytes *recipe)
{
	struct zip_builder z = {0};
	struct buf content = {0};
	uint8_t what = fuzz_take(recipe);
	for (unsigned pieces = fuzz_take(recipe) % 16; pieces > 0 && content.len < UNPACKED_MAX / 2; pieces--)
		append_piece(&content, recipe);
	struct zip_builder_entry *entry = zip_builder_add_file(&z, "e", content.data ? content.data : "", content.len,
							       ZIP_BUILDER_STORED, 0644);
	if (what & 1) {
		buf_reset(&entry->data);
		deflate_to(&entry->data, &content, recipe);
		entry->record.method = entry->local.method = ZIP_BUILDER_DEFLATED;
		entry->record.compressed = entry->local.compressed = (uint32_t)entry->data.len;
	}
	for (unsigned changes = what >> 1 & 3; changes > 0 && entry->data.len > 0; changes--) {
		size_t at = ((size_t)fuzz_take16(recipe) << 8 | fuzz_take(recipe)) % entry->data.len;
		entry->data.data[at] = (char)fuzz_take(recipe);
	}
	if (what & 8)
		zip_builder_use_descriptor(entry);
	(void)zip_builder_add(&z, "f", "behind it");
	buf_done(&content);
	return zip_builder_finish(&z);
}

/* ---- ways to an entry's bytes ---- */

struct way {
	const struct io_reader *file;
	const struct zip_entry *entry;
	const char *whole; /* its bytes */
};

static void take_part(void *ctx, size_t part, uint64_t offset, const void *bytes, size_t len)
{
	const struct way *way = ctx;
	ASSERT(part == offset / ZIP_SEEK_INTERVAL_BYTES || part <= offset / ZIP_SEEK_INTERVAL_BYTES + 1);
	ASSERT(offset + len <= way->entry->size_bytes && memcmp(bytes, way->whole + offset, len) == 0);
}

static void read_parts(const struct way *way, const struct zip_seek *seek)
{
	struct zip_seek_part part;
	for (uint64_t offset = 0; offset < way->entry->size_bytes; offset = part.offset + part.len) {
		part = zip_seek_part_at(seek, offset);
		ASSERT(part.offset == offset && part.len > 0 && part.len <= ZIP_SEEK_PART_MAX);
		char *bytes = malloc(part.len);
		ASSERT(bytes && zip_seek_read_part(seek, way->file, &part, bytes) == 0);
		ASSERT(memcmp(bytes, way->whole + offset, part.len) == 0);
		free(bytes);
	}
}

static void read_anywhere(const struct way *way, const struct zip_seek *seek)
{
	uint64_t size = way->entry->size_bytes;
	const uint64_t offsets[] = {0, size / 2, size > 0 ? size - 1 : 0, size, way->entry->crc32 % (size + 1)};
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		size_t len = (size_t)(size - offsets[i] < 5000 ? size - offsets[i] : 5000);
		char *bytes = malloc(len + 1);
		ASSERT(bytes && zip_seek_read(seek, way->file, bytes, len, offsets[i]) == 0);
		ASSERT(memcmp(bytes, way->whole + offsets[i], len) == 0);
		free(bytes);
	}
}

static void try_seek(struct way *way)
{
	const struct zip_seek_sink sink = {.ctx = way, .take = take_part};
	struct zip_seek *seek = NULL;
	ASSERT(zip_seek_new(way->file, way->entry, &sink, &seek) == 0);
	read_parts(way, seek);
	read_anywhere(way, seek);
	zip_seek_free(seek);
}

static void try_sums(const struct way *way)
{
	size_t count = (size_t)(way->file->size_bytes / BLOCK_BYTES + 1);
	uint32_t *of_blocks = calloc(count, sizeof(*of_blocks));
	char block[BLOCK_BYTES];
	ASSERT(of_blocks);
	for (size_t i = 0; i < count; i++) {
		uint64_t left = way->file->size_bytes - i * BLOCK_BYTES;
		size_t len = left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES;
		ASSERT(io_reader_pread(way->file, block, len, i * BLOCK_BYTES) == 0);
		of_blocks[i] = zip_sum(0, block, len);
	}
	const struct zip_sums sums = {of_blocks, BLOCK_BYTES};
	bool has_block = way->entry->size_bytes >= (uint64_t)2 * BLOCK_BYTES;
	int r = zip_sums_vouch(way->file, way->entry, &sums);
	ASSERT(r >= 0 && (r == 0 || way->whole) && (r == 1 || !way->whole || !has_block));
	free(of_blocks);
}

static void try_entry(const struct io_reader *file, const struct zip_entry *entry, bool contents_good)
{
	char *bytes = malloc((size_t)entry->size_bytes + 1);
	ASSERT(bytes);
	int r = zip_read_entry(file, entry, bytes);
	ASSERT(r == 0 || (r == -EBADMSG && !contents_good));
	struct way way = {file, entry, r == 0 ? bytes : NULL};
	if (entry->method == 0)
		try_sums(&way);
	else if (contents_good)
		try_seek(&way);
	free(bytes);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return zip_mutate(data, size, max, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct zip_limits limits = {.max_unpacked_bytes = UNPACKED_MAX};
	struct fuzz_bytes recipe = {data, size};
	struct buf zip = {0};
	struct zip_archive *archive = NULL;
	if (size >= 2 && memcmp(data, "PK", 2) == 0)
		ASSERT(buf_append(&zip, data, size) == 0);
	else
		zip = follow(&recipe);
	struct io_memory memory = {zip.data, zip.len};
	struct io_reader file = io_reader_memory(&memory);
	if (zip_open_archive(&file, &limits, &archive, NULL) == 0) {
		bool contents_good = zip_check_contents(&file, archive, &limits, NULL) == 0;
		for (size_t i = 0; i < archive->entry_count; i++)
			if (archive->entries[i].kind == ZIP_ENTRY_FILE)
				try_entry(&file, &archive->entries[i], contents_good);
		zip_close_archive(archive);
	}
	buf_done(&zip);
	return 0;
}
