/*
 * inflate_cache.h - contents of deflated entries, inflated once, within a budget.
 *
 * Two readers of one entry wait for one inflation. Items that nobody holds are dropped, least recently used first, when
 * the total is over the budget; an item larger than the whole budget lives as long as it is held.
 */
#ifndef SLOTS_INFLATE_CACHE_H
#define SLOTS_INFLATE_CACHE_H

#include "archive/zip.h"
#include "base/io.h"

struct inflate_cache;
struct inflate_item;

int inflate_cache_new(uint64_t budget_bytes, struct inflate_cache **ret);
void inflate_cache_free(struct inflate_cache *cache); /* nothing may be held */

/*
 * The content of entry, which lies in file; key names it (a run node). 0, -EBADMSG when size or CRC do not match (R7),
 * or another negative errno. *ret is held until inflate_item_put.
 */
int inflate_cache_get(struct inflate_cache *cache, uint64_t key, const struct io_reader *file,
		      const struct zip_entry *entry, struct inflate_item **ret);
const uint8_t *inflate_item_bytes(const struct inflate_item *item);
void inflate_item_put(struct inflate_item *item);

#endif
