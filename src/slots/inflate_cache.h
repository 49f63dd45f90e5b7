/*
 * inflate_cache.h - contents of deflated entries, inflated once, within a budget.
 *
 * Two readers of one entry wait for one inflation. Items that nobody holds are dropped, least recently used first, when
 * the total is over the budget, which what is needed to make an item counts for meanwhile; an item larger than the
 * whole budget lives as long as it is held.
 *
 * A file that is too large for it is kept in parts, each an item by itself.
 *
 * What was inflated ahead of the reader is unread until it is asked for. It may take up half of the budget, and goes
 * after all that was read.
 */
#ifndef SLOTS_INFLATE_CACHE_H
#define SLOTS_INFLATE_CACHE_H

#include "archive/zip.h"
#include "base/io.h"

struct inflate_cache;
struct inflate_item;

int inflate_cache_new(uint64_t budget_bytes, struct inflate_cache **ret);
void inflate_cache_free(struct inflate_cache *cache); /* nothing may be held */

uint64_t inflate_cache_budget(const struct inflate_cache *cache);
/* Whether a content of this size is within the budget. */
bool inflate_cache_is_for(const struct inflate_cache *cache, uint64_t size_bytes);
/*
 * The content of entry, which lies in file; key names it (a run node). 0, -EBADMSG when size or CRC do not match (R7),
 * or another negative errno. *ret is held until inflate_item_put.
 */
int inflate_cache_get(struct inflate_cache *cache, uint64_t key, const struct io_reader *file,
		      const struct zip_entry *entry, struct inflate_item **ret);

/* A part of an entry; who knows how to make it. */
struct inflate_part {
	uint64_t key;	 /* of the entry */
	uint32_t number; /* from 1 on */
	size_t size_bytes;
	uint64_t work_bytes; /* of memory that making it takes beside */
	int (*make)(void *ctx, void *dst);
	void *ctx;
};
/* As inflate_cache_get. */
int inflate_cache_get_part(struct inflate_cache *cache, const struct inflate_part *part, struct inflate_item **ret);
/* Keeps a copy of a part that came about by the way, unless there is no memory for it. */
void inflate_cache_keep_part(struct inflate_cache *cache, const struct inflate_part *part, const void *bytes);

const uint8_t *inflate_item_bytes(const struct inflate_item *item);
void inflate_item_put(struct inflate_item *item);

/*
 * Inflates what nobody has asked for yet. 0: it is there; -ENOSPC: there is no room for more that is unread; another
 * negative errno: it cannot be read, and nothing is remembered of that. owner names for whom it was done.
 */
int inflate_cache_ahead(struct inflate_cache *cache, uint64_t key, uint64_t owner, const struct io_reader *file,
			const struct zip_entry *entry);
/* Whether half of what may be unread is free. */
bool inflate_cache_has_room(struct inflate_cache *cache);
/* What is unread of an owner and has a key below this one is like the rest from now on: nobody may ever ask for it. */
void inflate_cache_release_unread(struct inflate_cache *cache, uint64_t owner, uint64_t below_key);

#endif
