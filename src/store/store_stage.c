/*
 * Writes in progress: a private file and, beside it, the tree of what was written. The stage ends as an object
 * (store_put_object) or is dropped.
 *
 * The first bytes are hashed by the writer, as most artifacts are small. From DEFER_FROM_BYTES on the helpers do
 * it from the file; when they fall behind, the writer hashes again, so that little is left for the verdict.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"

#define DEFER_FROM_BYTES   ((uint64_t)1024 * 1024)
#define HAND_IN_BLOCKS	   16
#define BACKLOG_BLOCKS_MAX 512

struct store_stage {
	struct store *store;
	struct store_file file;
	uint64_t size_bytes;
	struct merkle_builder *builder;
	struct store_job hashing;
	struct store_writeback writeback;
	bool builder_is_stale; /* a write failed half-way: what the file holds is known by reading it only */
	struct merkle_tree *tree;
};

/* A step that fails is given back as it is: whoever finishes the tree meets the failure again. */
static bool hash_step(void *ctx)
{
	struct store_stage *stage = ctx;
	struct io_reader reader = io_reader_fd(&stage->file.fd, MERKLE_SIZE_MAX_BYTES);
	return merkle_builder_help(stage->builder, &reader) > 0;
}

int store_stage_new(struct store *store, struct store_stage **ret)
{
	if (store->read_only)
		return -EROFS;
	struct store_stage *stage = calloc(1, sizeof(*stage));
	if (!stage)
		return -ENOMEM;
	stage->store = store;
	stage->file.fd = -1;
	stage->builder_is_stale = store->is_staging_only; /* nobody will ask */
	int r = merkle_builder_new(&stage->builder);
	if (r == 0) {
		merkle_builder_set_sum(stage->builder, store->sum);
		r = store_file_new(store, &stage->file);
	}
	stage->hashing = (struct store_job){.step = hash_step, .ctx = stage};
	store_writeback_init(&stage->writeback, store->durable ? &store->helpers : NULL, &stage->file.fd);
	if (r < 0) {
		store_stage_free(stage);
		return r;
	}
	*ret = stage;
	return 0;
}

void store_stage_free(struct store_stage *stage)
{
	if (!stage)
		return;
	store_helpers_withdraw(&stage->store->helpers, &stage->hashing);
	store_writeback_drop(&stage->writeback);
	store_file_drop(stage->store, &stage->file);
	merkle_builder_free(stage->builder);
	merkle_tree_free(stage->tree);
	free(stage);
}

static int copy_object(struct store_stage *stage, struct store_object *object)
{
	struct io_reader reader = store_object_reader(object);
	uint8_t *piece = malloc(STORE_COPY_BYTES);
	int r = piece ? 0 : -ENOMEM;
	for (uint64_t at = 0; r == 0 && at < reader.size_bytes;) {
		uint64_t left = reader.size_bytes - at;
		size_t len = left < STORE_COPY_BYTES ? (size_t)left : STORE_COPY_BYTES;
		r = io_reader_pread(&reader, piece, len, at);
		if (r == 0)
			r = store_stage_write(stage, piece, len, at);
		at += len;
	}
	free(piece);
	return r;
}

int store_stage_copy(struct store *store, struct store_object *object, const void *comment, size_t comment_len,
		     struct store_stage **ret)
{
	if (comment_len > LIMIT_ZIP_COMMENT_BYTES)
		return -EINVAL;
	struct store_stage *stage;
	int r = store_stage_new(store, &stage);
	if (r < 0)
		return r;
	/* The last field of a ZIP's end record: the length of the comment, little-endian (APPNOTE 4.3.16). */
	uint8_t len_field[2] = {(uint8_t)comment_len, (uint8_t)(comment_len >> 8)};
	r = copy_object(stage, object);
	if (r == 0)
		r = store_stage_write(stage, len_field, sizeof(len_field), stage->size_bytes);
	if (r == 0)
		r = store_stage_write(stage, comment, comment_len, stage->size_bytes);
	if (r < 0) {
		store_stage_free(stage);
		return r;
	}
	*ret = stage;
	return 0;
}

static void forget_tree(struct store_stage *stage)
{
	merkle_tree_free(stage->tree);
	stage->tree = NULL;
}

/* Some of the bytes may have arrived. */
static void after_failed_change(struct store_stage *stage)
{
	struct stat st;
	stage->builder_is_stale = true;
	if (fstat(stage->file.fd, &st) == 0)
		stage->size_bytes = (uint64_t)st.st_size;
}

static int note_write(struct store_stage *stage, const void *bytes, size_t len, uint64_t offset)
{
	size_t backlog = merkle_builder_backlog(stage->builder);
	if (stage->size_bytes < DEFER_FROM_BYTES || backlog >= BACKLOG_BLOCKS_MAX)
		return merkle_builder_write(stage->builder, bytes, len, offset);
	int r = merkle_builder_defer(stage->builder, len, offset);
	if (r == 0 && backlog + len / MERKLE_BLOCK_BYTES >= HAND_IN_BLOCKS)
		store_helpers_hand_in(&stage->store->helpers, &stage->hashing);
	return r;
}

int store_stage_write(struct store_stage *stage, const void *bytes, size_t len, uint64_t offset)
{
	uint64_t end;
	if (!base_add_u64(offset, len, &end) || end > MERKLE_SIZE_MAX_BYTES)
		return -EFBIG;
	if (len == 0)
		return 0;
	forget_tree(stage);
	int r = io_pwrite_full(stage->file.fd, bytes, len, offset);
	if (r == 0 && !stage->builder_is_stale)
		r = note_write(stage, bytes, len, offset);
	if (r < 0) {
		after_failed_change(stage);
		return r;
	}
	if (end > stage->size_bytes)
		stage->size_bytes = end;
	store_writeback_note(&stage->writeback, stage->size_bytes);
	return 0;
}

int store_stage_truncate(struct store_stage *stage, uint64_t size_bytes)
{
	if (size_bytes > MERKLE_SIZE_MAX_BYTES)
		return -EFBIG;
	forget_tree(stage);
	int r = io_ftruncate(stage->file.fd, size_bytes);
	if (r == 0 && !stage->builder_is_stale)
		r = merkle_builder_truncate(stage->builder, size_bytes);
	if (r < 0) {
		after_failed_change(stage);
		return r;
	}
	stage->size_bytes = size_bytes;
	return 0;
}

ssize_t store_stage_read(struct store_stage *stage, void *buf, size_t len, uint64_t offset)
{
	if (offset >= stage->size_bytes)
		return 0;
	if (len > stage->size_bytes - offset)
		len = (size_t)(stage->size_bytes - offset);
	int r = io_pread_full(stage->file.fd, buf, len, offset);
	return r < 0 ? r : (ssize_t)len;
}

uint64_t store_stage_size(const struct store_stage *stage)
{
	return stage->size_bytes;
}

struct io_reader store_stage_reader(const struct store_stage *stage)
{
	return io_reader_fd(&stage->file.fd, stage->size_bytes);
}

int store_stage_fd(const struct store_stage *stage)
{
	return stage->file.fd;
}

int store_stage_tree(struct store_stage *stage, uint64_t length, const struct merkle_tree **ret)
{
	if (length > stage->size_bytes)
		return -EINVAL;
	store_writeback_note_end(&stage->writeback, stage->size_bytes);
	if (!stage->tree || stage->tree->size_bytes != length) {
		struct io_reader reader = store_stage_reader(stage);
		struct merkle_tree *tree;
		int r = stage->builder_is_stale ? merkle_tree_of(&reader, length, &tree)
						: merkle_builder_finish(stage->builder, &reader, length, &tree);
		if (r < 0)
			return r;
		forget_tree(stage);
		stage->tree = tree;
	}
	*ret = stage->tree;
	return 0;
}

int store_stage_take(struct store_stage *stage, struct store_file *ret_file, struct merkle_tree **ret_tree)
{
	store_helpers_withdraw(&stage->store->helpers, &stage->hashing);
	int r = store_writeback_end(&stage->writeback);
	*ret_file = stage->file;
	*ret_tree = stage->tree;
	stage->file = (struct store_file){.fd = -1};
	stage->tree = NULL;
	stage->size_bytes = 0;
	return r;
}
