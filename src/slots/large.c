/*
 * Files that are too large to be kept whole. Before the first byte of one is given, all of it is read once: R7, since
 * an artifact whose signer vouched for its contents was not unpacked when it was deployed. The stored bytes are those
 * that were signed in any case, but an entry whose CRC says otherwise is not handed out as if it were good. From then
 * on parts are read as they are asked for, of a deflated one from the marks that were set meanwhile.
 *
 * What the kernel reads ahead comes as several requests at once: one of them checks, the others wait for it.
 */
#include <errno.h>
#include <stdlib.h>

#include "archive/zip_seek.h"
#include "internal.h"

/* Without a cache to speak of, small files are inflated for each request. */
#define WHOLE_ALWAYS_MAX ((uint64_t)1024 * 1024)

/* A file whose content is as stated. Immutable. */
struct large {
	struct large *next;
	uint32_t view_node;
	struct zip_seek *seek; /* NULL: stored */
};

void large_free(struct large *large)
{
	while (large) {
		struct large *next = large->next;
		zip_seek_free(large->seek);
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

static const struct large *find_large(struct release *release, uint32_t view_node)
{
	lock_take(&release->lock);
	const struct large *large = release->large;
	while (large && large->view_node != view_node)
		large = large->next;
	lock_drop(&release->lock);
	return large;
}

static int check_large(struct release *release, uint32_t view_node, const struct large **ret)
{
	const struct zip_entry *entry = release->view->nodes[view_node].entry;
	struct io_reader file = release_file_reader(release);
	struct large *large = calloc(1, sizeof(*large));
	if (!large)
		return -ENOMEM;
	large->view_node = view_node;
	int r = entry->method != 0 ? zip_seek_new(&file, entry, &large->seek) : zip_read_entry(&file, entry, NULL);
	if (r < 0) {
		free(large);
		return r;
	}
	lock_take(&release->lock);
	large->next = release->large;
	release->large = large;
	lock_drop(&release->lock);
	*ret = large;
	return 0;
}

static int find_checked(struct release *release, uint32_t view_node, const struct large **ret)
{
	int r = 0;
	*ret = find_large(release, view_node);
	if (*ret)
		return 0;
	lock_take(&release->slots->large_lock);
	*ret = find_large(release, view_node);
	if (!*ret)
		r = check_large(release, view_node, ret);
	lock_drop(&release->slots->large_lock);
	return r;
}

int large_read(struct release *release, uint32_t view_node, void *buf, size_t len, uint64_t offset)
{
	const struct zip_entry *entry = release->view->nodes[view_node].entry;
	const struct large *large;
	int r = find_checked(release, view_node, &large);
	if (r < 0)
		return r;
	struct io_reader file = release_file_reader(release);
	return large->seek ? zip_seek_read(large->seek, &file, buf, len, offset)
			   : release_file_pread(release, buf, len, entry->data_offset + offset);
}
