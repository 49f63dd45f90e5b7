#include "inflate_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <uthash.h>

#include "base/lock.h"

struct inflate_item {
	UT_hash_handle hh; /* in order of last use, oldest first */
	struct inflate_cache *cache;
	uint64_t key;
	unsigned holders;
	bool loading;
	int error;
	uint8_t *bytes;
	uint64_t size_bytes;
};

struct inflate_cache {
	pthread_mutex_t lock;
	pthread_cond_t loaded;
	uint64_t budget_bytes;
	uint64_t used_bytes;
	struct inflate_item *items;
};

int inflate_cache_new(uint64_t budget_bytes, struct inflate_cache **ret)
{
	struct inflate_cache *cache = calloc(1, sizeof(*cache));
	if (!cache)
		return -ENOMEM;
	cache->budget_bytes = budget_bytes;
	lock_init(&cache->lock);
	ASSERT(pthread_cond_init(&cache->loaded, NULL) == 0);
	*ret = cache;
	return 0;
}

static void drop_item_locked(struct inflate_cache *cache, struct inflate_item *item)
{
	HASH_DEL(cache->items, item); /* NOLINT(clang-analyzer-unix.Malloc): the list is intact, uthash keeps it */
	cache->used_bytes -= item->size_bytes;
	free(item->bytes);
	free(item);
}

static void evict_locked(struct inflate_cache *cache)
{
	struct inflate_item *item, *next;
	HASH_ITER(hh, cache->items, item, next)
	{
		if (cache->used_bytes <= cache->budget_bytes)
			return;
		if (item->holders == 0)
			drop_item_locked(cache, item);
	}
}

void inflate_cache_free(struct inflate_cache *cache)
{
	if (!cache)
		return;
	cache->budget_bytes = 0;
	evict_locked(cache);
	struct inflate_item *item, *next;
	HASH_ITER(hh, cache->items, item, next)
	{
		ASSERT(item->holders == 0);
		drop_item_locked(cache, item); /* empty contents use no bytes */
	}
	ASSERT(pthread_cond_destroy(&cache->loaded) == 0);
	lock_done(&cache->lock);
	free(cache);
}

/* Finds or inserts, held; the one who inserts gets to load. */
static struct inflate_item *hold_item_locked(struct inflate_cache *cache, uint64_t key, uint64_t size_bytes,
					     bool *ret_mine)
{
	struct inflate_item *item;
	HASH_FIND(hh, cache->items, &key, sizeof(key), item);
	*ret_mine = !item;
	if (item) {
		HASH_DEL(cache->items, item); /* to the young end */
	} else {
		item = calloc(1, sizeof(*item));
		if (!item)
			return NULL;
		*item = (struct inflate_item){.cache = cache, .key = key, .loading = true, .size_bytes = size_bytes};
		cache->used_bytes += size_bytes;
	}
	HASH_ADD(hh, cache->items, key, sizeof(item->key), item);
	item->holders++;
	return item;
}

static int load_item(struct inflate_item *item, const struct io_reader *file, const struct zip_entry *entry)
{
	item->bytes = malloc(item->size_bytes ? item->size_bytes : 1);
	return item->bytes ? zip_read_entry(file, entry, item->bytes) : -ENOMEM;
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

int inflate_cache_get(struct inflate_cache *cache, uint64_t key, const struct io_reader *file,
		      const struct zip_entry *entry, struct inflate_item **ret)
{
	bool mine;
	lock_take(&cache->lock);
	struct inflate_item *item = hold_item_locked(cache, key, entry->size_bytes, &mine);
	if (!item) {
		lock_drop(&cache->lock);
		return -ENOMEM;
	}
	if (mine) {
		evict_locked(cache);
		lock_drop(&cache->lock);
		int r = load_item(item, file, entry);
		lock_take(&cache->lock);
		item->error = r;
		item->loading = false;
		ASSERT(pthread_cond_broadcast(&cache->loaded) == 0);
	}
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
