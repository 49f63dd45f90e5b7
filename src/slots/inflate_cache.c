#include "inflate_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "table.h"

struct item_key {
	uint64_t entry;
	uint64_t part; /* 0: all of it */
};

struct inflate_item {
	UT_hash_handle hh; /* of items: in order of last use, oldest first; of unread: as they were inflated */
	struct inflate_cache *cache;
	struct item_key key;
	uint64_t owner; /* while it is unread */
	unsigned holders;
	bool is_unread;
	bool loading;
	int error;
	uint8_t *bytes;
	uint64_t size_bytes;
};

struct inflate_cache {
	pthread_mutex_t lock;
	pthread_cond_t loaded;
	uint64_t budget_bytes;
	uint64_t used_bytes;   /* all */
	uint64_t unread_bytes; /* of these */
	struct inflate_item *items, *unread;
	struct inflate_item anchor; /* always in items, so that what was read always finds a place there */
};

int inflate_cache_new(uint64_t budget_bytes, struct inflate_cache **ret)
{
	struct inflate_cache *cache = calloc(1, sizeof(*cache));
	if (!cache)
		return -ENOMEM;
	cache->budget_bytes = budget_bytes;
	cache->anchor.holders = 1;
	cache->anchor.key.entry = UINT64_MAX; /* no node has that */
	TABLE_ADD(hh, cache->items, key, sizeof(cache->anchor.key), &cache->anchor);
	if (!TABLE_HAS(hh, &cache->anchor)) {
		free(cache);
		return -ENOMEM;
	}
	lock_init(&cache->lock);
	ASSERT(pthread_cond_init(&cache->loaded, NULL) == 0);
	*ret = cache;
	return 0;
}

/* What an item counts: many small ones are not for nothing. */
static uint64_t cost_bytes(uint64_t size_bytes)
{
	return size_bytes + sizeof(struct inflate_item);
}

/* False: there is no memory for the first that is unread. */
static bool add_item_locked(struct inflate_cache *cache, struct inflate_item *item)
{
	if (item->is_unread)
		TABLE_ADD(hh, cache->unread, key, sizeof(item->key), item);
	else
		TABLE_ADD(hh, cache->items, key, sizeof(item->key), item);
	if (!TABLE_HAS(hh, item))
		return false;
	cache->used_bytes += cost_bytes(item->size_bytes);
	cache->unread_bytes += item->is_unread ? cost_bytes(item->size_bytes) : 0;
	return true;
}

static void take_item_locked(struct inflate_cache *cache, struct inflate_item *item)
{
	if (item->is_unread)
		HASH_DEL(cache->unread, item); /* NOLINT(clang-analyzer-unix.Malloc): uthash keeps the list */
	else
		HASH_DEL(cache->items, item);
	cache->used_bytes -= cost_bytes(item->size_bytes);
	cache->unread_bytes -= item->is_unread ? cost_bytes(item->size_bytes) : 0;
}

static struct inflate_item *find_item_locked(struct inflate_cache *cache, struct item_key key)
{
	struct inflate_item *item;
	HASH_FIND(hh, cache->items, &key, sizeof(key), item);
	if (!item)
		HASH_FIND(hh, cache->unread, &key, sizeof(key), item);
	return item;
}

/* To the young end of what was read. */
static void make_youngest_locked(struct inflate_cache *cache, struct inflate_item *item)
{
	take_item_locked(cache, item);
	item->is_unread = false;
	ASSERT(add_item_locked(cache, item));
}

uint64_t inflate_cache_budget(const struct inflate_cache *cache)
{
	return cache->budget_bytes;
}

bool inflate_cache_is_for(const struct inflate_cache *cache, uint64_t size_bytes)
{
	return cost_bytes(size_bytes) <= cache->budget_bytes;
}

static void drop_item_locked(struct inflate_cache *cache, struct inflate_item *item)
{
	take_item_locked(cache, item);
	free(item->bytes);
	free(item);
}

static void evict_from_locked(struct inflate_cache *cache, struct inflate_item *oldest)
{
	struct inflate_item *item, *next;
	HASH_ITER(hh, oldest, item, next)
	{
		if (cache->used_bytes <= cache->budget_bytes)
			return;
		if (item->holders == 0)
			drop_item_locked(cache, item);
	}
}

static void evict_locked(struct inflate_cache *cache)
{
	evict_from_locked(cache, cache->items);
	evict_from_locked(cache, cache->unread);
}

void inflate_cache_free(struct inflate_cache *cache)
{
	if (!cache)
		return;
	cache->budget_bytes = 0;
	evict_locked(cache);
	HASH_DEL(cache->items, &cache->anchor);
	ASSERT(!cache->items && !cache->unread);
	ASSERT(pthread_cond_destroy(&cache->loaded) == 0);
	lock_done(&cache->lock);
	free(cache);
}

static struct inflate_item *new_item_locked(struct inflate_cache *cache, struct item_key key, uint64_t size_bytes,
					    bool is_unread)
{
	struct inflate_item *item = calloc(1, sizeof(*item));
	if (!item)
		return NULL;
	*item = (struct inflate_item){
		.cache = cache, .key = key, .loading = true, .size_bytes = size_bytes, .is_unread = is_unread};
	if (add_item_locked(cache, item))
		return item;
	free(item);
	return NULL;
}

/* Finds or inserts, held; the one who inserts gets to load. */
static struct inflate_item *hold_item_locked(struct inflate_cache *cache, struct item_key key, uint64_t size_bytes,
					     bool *ret_mine)
{
	struct inflate_item *item = find_item_locked(cache, key);
	*ret_mine = !item;
	if (item)
		make_youngest_locked(cache, item);
	else
		item = new_item_locked(cache, key, size_bytes, false);
	if (item)
		item->holders++;
	return item;
}

/* ---- where contents come from ---- */

struct whole {
	const struct io_reader *file;
	const struct zip_entry *entry;
};

static int make_whole(void *ctx, void *dst)
{
	const struct whole *whole = ctx;
	return zip_read_entry(whole->file, whole->entry, dst);
}

/* An entry that is one part. */
static struct inflate_part whole_part(uint64_t key, struct whole *whole)
{
	return (struct inflate_part){
		.key = key,
		.size_bytes = whole->entry->size_bytes,
		.work_bytes = whole->entry->method != 0 ? whole->entry->compressed_bytes : 0,
		.make = make_whole,
		.ctx = whole,
	};
}

static struct item_key key_of(const struct inflate_part *part)
{
	return (struct item_key){.entry = part->key, .part = part->number};
}

static int load_item(struct inflate_item *item, const struct inflate_part *part)
{
	item->bytes = malloc(item->size_bytes ? item->size_bytes : 1);
	return item->bytes ? part->make(part->ctx, item->bytes) : -ENOMEM;
}

/* The lock is not held while this one loads. */
static void load_item_locked(struct inflate_item *item, const struct inflate_part *part)
{
	struct inflate_cache *cache = item->cache;
	cache->used_bytes += part->work_bytes;
	evict_locked(cache);
	lock_drop(&cache->lock);
	int r = load_item(item, part);
	lock_take(&cache->lock);
	cache->used_bytes -= part->work_bytes;
	item->error = r;
	item->loading = false;
	ASSERT(pthread_cond_broadcast(&cache->loaded) == 0);
}

static void put_locked(struct inflate_item *item)
{
	struct inflate_cache *cache = item->cache;
	ASSERT(item->holders > 0);
	if (--item->holders == 0 && item->error < 0)
		drop_item_locked(cache, item); /* a failure is not remembered */
	else
		evict_locked(cache);
}

int inflate_cache_get_part(struct inflate_cache *cache, const struct inflate_part *part, struct inflate_item **ret)
{
	bool mine;
	lock_take(&cache->lock);
	struct inflate_item *item = hold_item_locked(cache, key_of(part), part->size_bytes, &mine);
	if (!item) {
		lock_drop(&cache->lock);
		return -ENOMEM;
	}
	if (mine)
		load_item_locked(item, part);
	while (item->loading)
		ASSERT(pthread_cond_wait(&cache->loaded, &cache->lock) == 0);

	int r = item->error;
	if (r < 0)
		put_locked(item);
	lock_drop(&cache->lock);
	if (r == 0)
		*ret = item;
	return r;
}

int inflate_cache_get(struct inflate_cache *cache, uint64_t key, const struct io_reader *file,
		      const struct zip_entry *entry, struct inflate_item **ret)
{
	struct whole whole = {file, entry};
	const struct inflate_part part = whole_part(key, &whole);
	return inflate_cache_get_part(cache, &part, ret);
}

struct bytes {
	const void *data;
	size_t len;
};

static int copy_bytes(void *ctx, void *dst)
{
	const struct bytes *bytes = ctx;
	memcpy(dst, bytes->data, bytes->len);
	return 0;
}

void inflate_cache_keep_part(struct inflate_cache *cache, const struct inflate_part *part, const void *bytes)
{
	struct bytes from = {bytes, part->size_bytes};
	struct inflate_part copied = *part;
	struct inflate_item *item;
	copied.make = copy_bytes;
	copied.ctx = &from;
	if (inflate_cache_get_part(cache, &copied, &item) == 0)
		inflate_item_put(item);
}

const uint8_t *inflate_item_bytes(const struct inflate_item *item)
{
	return item->bytes;
}

void inflate_item_put(struct inflate_item *item)
{
	if (!item)
		return;
	struct inflate_cache *cache = item->cache;
	lock_take(&cache->lock);
	put_locked(item);
	lock_drop(&cache->lock);
}

/* ---- ahead of the reader ---- */

static bool has_room_locked(const struct inflate_cache *cache, uint64_t more_bytes, uint64_t max_bytes)
{
	return more_bytes <= max_bytes && cache->unread_bytes <= max_bytes - more_bytes;
}

int inflate_cache_ahead(struct inflate_cache *cache, uint64_t key, uint64_t owner, const struct io_reader *file,
			const struct zip_entry *entry)
{
	int r = 0;
	struct whole whole = {file, entry};
	const struct inflate_part part = whole_part(key, &whole);
	lock_take(&cache->lock);
	if (find_item_locked(cache, key_of(&part)))
		goto out;
	r = -ENOSPC;
	if (!has_room_locked(cache, cost_bytes(entry->size_bytes), cache->budget_bytes / 2))
		goto out;
	r = -ENOMEM;
	struct inflate_item *item = new_item_locked(cache, key_of(&part), entry->size_bytes, true);
	if (!item)
		goto out;
	item->owner = owner;
	item->holders++;
	load_item_locked(item, &part);
	r = item->error;
	put_locked(item);
out:
	lock_drop(&cache->lock);
	return r;
}

bool inflate_cache_has_room(struct inflate_cache *cache)
{
	lock_take(&cache->lock);
	bool has_room = has_room_locked(cache, 0, cache->budget_bytes / 4);
	lock_drop(&cache->lock);
	return has_room;
}

void inflate_cache_release_unread(struct inflate_cache *cache, uint64_t owner, uint64_t below_key)
{
	struct inflate_item *item, *next;
	lock_take(&cache->lock);
	HASH_ITER(hh, cache->unread, item, next)
	if (item->owner == owner && item->key.entry < below_key)
		make_youngest_locked(cache, item);
	evict_locked(cache);
	lock_drop(&cache->lock);
}
