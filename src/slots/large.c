/*
 * Files that are too large to be kept whole. Before the first byte of one is given, its CRC is known to be the stated
 * one: R7, since an artifact whose signer vouched for its contents was not unpacked when it was deployed. The stored
 * bytes are those that were signed in any case, but an entry whose CRC says otherwise is not handed out as if it were
 * good. Of a stored one the CRC follows from sums that the store made of its blocks while they were written; where
 * they are missing, or say something else, it is read through, as a deflated one always is. From then on parts are read
 * as they are asked for, of a deflated one from the marks that were set meanwhile. What lies between two marks goes
 * into the inflate cache: requests are smaller, and reading it through has inflated it already.
 *
 * Sums are a hint that only ever saves reading, and somebody who may write to the store can make them say yes. What
 * that gains him is small: bytes are still hashed when they are read (I1), so it takes an artifact that an allowed
 * publisher has signed with a wrong CRC in it, and then what is read is exactly what was signed.
 *
 * Inflating in one piece is several times as fast as setting marks, and all that a reader from front to back needs. So
 * a deflated file is inflated into memory first where that is not too much, one at a time, and read from there while a
 * thread of the read-ahead marks it; the memory goes when the marks are there.
 *
 * What the kernel reads ahead comes as several requests at once: one of them checks, the others wait for it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive/zip_seek.h"
#include "internal.h"
#include "run_node.h"

/* Without a cache to speak of, small files are inflated for each request. */
#define WHOLE_ALWAYS_MAX ((uint64_t)1024 * 1024)
/* One larger file may be in memory for a moment, with its packed data: so many times what the cache has. */
#define WHOLE_BUDGETS 4

struct large {
	struct large *next;
	uint32_t view_node;    /* immutable, as next is */
	pthread_mutex_t lock;  /* while it is checked; before release.lock */
	bool is_checked;       /* its content is as stated */
	uint8_t *whole;	       /* all of it, of a deflated one that has no marks yet; else NULL */
	struct zip_seek *seek; /* NULL: stored, or not marked yet; then it does not change any more */
};

void large_free(struct large *large)
{
	while (large) {
		struct large *next = large->next;
		zip_seek_free(large->seek);
		free(large->whole);
		lock_done(&large->lock);
		free(large);
		large = next;
	}
}

bool run_reads_whole(const struct slots *slots, const struct zip_entry *entry)
{
	if (!entry || entry->kind != ZIP_ENTRY_FILE)
		return false;
	return entry->size_bytes <= WHOLE_ALWAYS_MAX ||
	       (entry->method != 0 && inflate_cache_is_for(slots->cache, entry->size_bytes));
}

static struct large *find_large_locked(const struct release *release, uint32_t view_node)
{
	struct large *large = release->large;
	while (large && large->view_node != view_node)
		large = large->next;
	return large;
}

static struct large *ensure_large_locked(struct release *release, uint32_t view_node)
{
	struct large *large = find_large_locked(release, view_node);
	if (large)
		return large;
	large = calloc(1, sizeof(*large));
	if (!large)
		return NULL;
	large->view_node = view_node;
	lock_init(&large->lock);
	large->next = release->large;
	release->large = large;
	return large;
}

/* ---- checking ---- */

/* What is read through for a reader who waits is what he wants next. */
struct keep {
	struct inflate_cache *cache;
	uint64_t key;
	uint64_t from_offset;
	uint64_t left_bytes;
};

static uint64_t key_of(const struct release *release, const struct large *large)
{
	return run_node(release->record->id, RUN_INDEX_TASK + large->view_node);
}

static struct inflate_part part_of(uint64_t key, size_t number, size_t len)
{
	return (struct inflate_part){.key = key, .number = (uint32_t)number + 1, .size_bytes = len};
}

static void keep_part(void *ctx, size_t number, uint64_t offset, const void *bytes, size_t len)
{
	struct keep *keep = ctx;
	if (offset + len <= keep->from_offset || len > keep->left_bytes)
		return;
	const struct inflate_part part = part_of(keep->key, number, len);
	inflate_cache_keep_part(keep->cache, &part, bytes);
	keep->left_bytes -= len;
}

static bool is_for_memory(const struct slots *slots, const struct zip_entry *entry)
{
	uint64_t needed_bytes = (uint64_t)entry->size_bytes + entry->compressed_bytes;
	return zip_reads_at_once(entry) && needed_bytes / WHOLE_BUDGETS < inflate_cache_budget(slots->cache);
}

static int inflate_whole(struct release *release, struct large *large)
{
	const struct zip_entry *entry = release->view->nodes[large->view_node].entry;
	struct io_reader file = release_file_reader(release);
	uint8_t *whole = malloc(entry->size_bytes);
	int r = whole ? zip_read_entry(&file, entry, whole) : -ENOMEM;
	if (r < 0) {
		free(whole);
		return r;
	}
	large->whole = whole;
	return 0;
}

/* Into memory, for as long as it takes to mark it. */
static int check_in_memory(struct release *release, struct large *large)
{
	int r = inflate_whole(release, large);
	if (r == 0)
		read_ahead_mark(release->slots->ahead, release->record->id, large->view_node);
	else
		read_ahead_unclaim_mark(release->slots->ahead);
	return r;
}

void large_mark(struct release *release, uint32_t view_node)
{
	lock_take(&release->lock);
	struct large *large = find_large_locked(release, view_node);
	lock_drop(&release->lock);
	if (!large)
		return;
	struct io_reader file = release_file_reader(release);
	struct zip_seek *seek = NULL;
	int r = zip_seek_new(&file, release->view->nodes[view_node].entry, NULL, &seek);
	lock_take(&large->lock);
	if (large->whole) { /* else the release was freed and loaded again meanwhile; what others read by now stays */
		free(large->whole);
		large->whole = NULL;
		large->seek = seek;
		large->is_checked = r == 0; /* else whoever reads next checks again, and finds out what is wrong */
		seek = NULL;
	}
	lock_drop(&large->lock);
	zip_seek_free(seek);
}

static int check_large(struct release *release, struct large *large, uint64_t wanted_offset)
{
	const struct zip_entry *entry = release->view->nodes[large->view_node].entry;
	struct io_reader file = release_file_reader(release);
	if (entry->method == 0)
		return release_entry_was_checked(release, entry) ? 0 : zip_read_entry(&file, entry, NULL);
	if (is_for_memory(release->slots, entry) && read_ahead_claim_mark(release->slots->ahead)) {
		int r = check_in_memory(release, large);
		if (r != -ENOMEM)
			return r;
	}
	struct inflate_cache *cache = release->slots->cache;
	struct keep keep = {
		.cache = cache,
		.key = key_of(release, large),
		.from_offset = wanted_offset,
		.left_bytes = inflate_cache_budget(cache) / 2,
	};
	const struct zip_seek_sink sink = {.ctx = &keep, .take = keep_part};
	return zip_seek_new(&file, entry, &sink, &large->seek);
}

/* What is read from a large file, and where to. */
struct wanted {
	void *buf;
	size_t len;
	uint64_t offset;
};

/* 1: read from memory; 0: checked, and the parts are still to be read; or a negative errno. */
static int read_checked(struct release *release, struct large *large, const struct wanted *wanted)
{
	lock_take(&large->lock);
	int r = large->is_checked ? 0 : check_large(release, large, wanted->offset);
	large->is_checked = r == 0;
	if (r == 0 && large->whole) {
		memcpy(wanted->buf, large->whole + wanted->offset, wanted->len);
		r = 1;
	}
	lock_drop(&large->lock);
	return r;
}

/* ---- reading ---- */

struct making {
	struct release *release;
	const struct zip_seek *seek;
	const struct zip_seek_part *part;
};

static int make_part(void *ctx, void *dst)
{
	const struct making *making = ctx;
	struct io_reader file = release_file_reader(making->release);
	return zip_seek_read_part(making->seek, &file, making->part, dst);
}

static int read_kept(struct release *release, const struct large *large, const struct zip_seek_part *part, void *buf,
		     size_t len, uint64_t offset)
{
	struct making making = {release, large->seek, part};
	struct inflate_part wanted = part_of(key_of(release, large), part->number, (size_t)part->len);
	struct inflate_item *item;
	wanted.make = make_part;
	wanted.ctx = &making;
	int r = inflate_cache_get_part(release->slots->cache, &wanted, &item);
	if (r < 0)
		return r;
	memcpy(buf, inflate_item_bytes(item) + (offset - part->offset), len);
	inflate_item_put(item);
	return 0;
}

static bool is_kept(const struct slots *slots, const struct zip_seek_part *part)
{
	return part->len <= ZIP_SEEK_PART_MAX && part->len <= inflate_cache_budget(slots->cache) / 2;
}

static int read_deflated(struct release *release, const struct large *large, void *buf, size_t len, uint64_t offset)
{
	struct io_reader file = release_file_reader(release);
	int r = 0;
	for (size_t done = 0; done < len && r == 0;) {
		uint64_t at = offset + done;
		const struct zip_seek_part part = zip_seek_part_at(large->seek, at);
		uint64_t left = part.offset + part.len - at;
		size_t piece = len - done < left ? len - done : (size_t)left;
		char *dst = (char *)buf + done;
		r = is_kept(release->slots, &part) ? read_kept(release, large, &part, dst, piece, at)
						   : zip_seek_read(large->seek, &file, dst, piece, at);
		done += piece;
	}
	return r;
}

int large_read(struct release *release, uint32_t view_node, void *buf, size_t len, uint64_t offset)
{
	const struct zip_entry *entry = release->view->nodes[view_node].entry;
	const struct wanted wanted = {buf, len, offset};
	lock_take(&release->lock);
	struct large *large = ensure_large_locked(release, view_node);
	lock_drop(&release->lock);
	int r = large ? read_checked(release, large, &wanted) : -ENOMEM;
	if (r != 0)
		return r < 0 ? r : 0;
	return entry->method != 0 ? read_deflated(release, large, buf, len, offset)
				  : release_file_pread(release, buf, len, entry->data_offset + offset);
}
