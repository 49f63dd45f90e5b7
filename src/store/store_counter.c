/*
 * The numbers of a store: ids that are never given twice, the generation that an anchor outside remembers, and the
 * highest sequence of a policy bundle, which stands in both.
 *
 * An id is taken from a block that was reserved on disk before; a crash loses the rest of the block. The generation
 * goes up in the store first and in the anchor second, so that a crash between the two never makes the anchor the
 * higher one.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "internal.h"

#define ANCHOR_TEXT_MAX 256
#define LOST_IDS	(1U << 20)
#define POLICY_SEQUENCE "policy-sequence" /* in the anchor */
#define SEQUENCE_PLACE	"policy/sequence"

typedef int list_names(struct store *store, char ***ret, size_t *ret_count);

static int highest_id_of(struct store *store, const char *function, uint64_t *highest)
{
	uint64_t *numbers = NULL;
	size_t count = 0;
	int r = store_list_releases(store, function, &numbers, &count);
	for (size_t i = 0; i < count && r == 0; i++) {
		struct store_release *release = NULL;
		r = store_load_release(store, function, numbers[i], &release);
		if (r == 0 && release->id > *highest)
			*highest = release->id;
		store_release_free(release);
		r = r == -EBADMSG ? 0 : r;
	}
	free(numbers);
	return r;
}

static int find_highest_id_in(struct store *store, list_names *list, const char *prefix, uint64_t *highest)
{
	char **names = NULL, slot[STORE_SLOT_SIZE];
	size_t count = 0;
	int r = list(store, &names, &count);
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(slot, sizeof(slot), "%s%s", prefix, names[i]);
		if (r == 0)
			r = highest_id_of(store, slot, highest);
		free(names[i]);
	}
	free(names);
	return r;
}

/* The file is lost: reads every record. New stores have none to read. */
static int find_highest_id(struct store *store, uint64_t *ret)
{
	int r = find_highest_id_in(store, store_list_functions, "", ret);
	if (r == 0)
		r = find_highest_id_in(store, store_list_layers, STORE_LAYER_PREFIX, ret);
	if (r == 0)
		r = highest_id_of(store, STORE_POLICY_SLOT, ret);
	return r == -ENOENT ? 0 : r;
}

static int load_next_id(struct store *store)
{
	uint64_t next = 0;
	int r = store_read_kept_number(store, store->root_fd, "next-id", "next-id", &next);
	if (r == -EBADMSG)
		store_report_damage(store, "next-id", "ids go on far above the highest that is in use");
	if (r == -ENOENT || r == -EBADMSG) {
		r = find_highest_id(store, &next);
		next += LOST_IDS; /* slots have ids, too, and no record here */
	}
	store->next_id = store->reserved_ids = next;
	return r;
}

static int reserve_ids(struct store *store)
{
	if (store->read_only)
		return -EROFS;
	uint64_t end = store->next_id + STORE_ID_BLOCK;
	int r = store_keep_number(store, store->root_fd, "next-id", "next-id", end);
	if (r == 0)
		store->reserved_ids = end;
	return r;
}

int store_next_id(struct store *store, uint64_t *ret)
{
	lock_take(&store->counters_lock);
	int r = store->next_id == store->reserved_ids ? reserve_ids(store) : 0;
	if (r == 0)
		*ret = store->next_id++;
	lock_drop(&store->counters_lock);
	return r;
}

static int write_anchor(const struct store *store)
{
	struct buf text = {0};
	int r = buf_printf(&text, "vouchfs-anchor: 1\ngeneration: %" PRIu64 "\n", store->generation);
	if (r == 0 && store->anchored_sequence > 0)
		r = buf_printf(&text, POLICY_SEQUENCE ": %" PRIu64 "\n", store->anchored_sequence);
	if (r == 0)
		r = io_write_file(store->anchor_dirfd, store->anchor_name, text.data, text.len, 0600, store->durable);
	buf_done(&text);
	return r;
}

int store_bump_generation(struct store *store)
{
	if (store->anchor_dirfd < 0)
		return 0;
	lock_take(&store->counters_lock);
	uint64_t before = store->generation++;
	int r = store_write_number(store, store->root_fd, "generation", "generation", store->generation);
	if (r == 0)
		r = write_anchor(store);
	else
		store->generation = before;
	lock_drop(&store->counters_lock);
	return r;
}

static bool has_line(const struct buf *text, const char *key)
{
	char *value = text_record_get(text->data, text->len, key);
	free(value);
	return value != NULL;
}

/* The anchor's numbers; 0 when there is no such file, or line, yet. */
static int read_anchor(const struct store *store, uint64_t *ret_floor, uint64_t *ret_sequence)
{
	struct buf text = {0};
	uint64_t version = 0, floor = 0, sequence = 0;
	int r = io_read_file(store->anchor_dirfd, store->anchor_name, ANCHOR_TEXT_MAX, &text);
	if (r == -ENOENT) {
		r = 0;
		goto out;
	}
	if (r < 0)
		goto out;
	r = -EBADMSG;
	if (!text_record_get_u64(text.data, text.len, "vouchfs-anchor", &version) || version != 1 ||
	    !text_record_get_u64(text.data, text.len, "generation", &floor))
		goto out;
	if (has_line(&text, POLICY_SEQUENCE) && !text_record_get_u64(text.data, text.len, POLICY_SEQUENCE, &sequence))
		goto out;
	r = 0;
out:
	buf_done(&text);
	if (r == 0) {
		*ret_floor = floor;
		*ret_sequence = sequence;
	}
	return r;
}

static int open_anchor(struct store *store, const char *anchor)
{
	const char *slash = strrchr(anchor, '/');
	if (!slash || slash[1] == '\0')
		return -EINVAL;
	char *dir = strndup(anchor, slash == anchor ? 1 : (size_t)(slash - anchor));
	store->anchor_name = strdup(slash + 1);
	int r = dir && store->anchor_name ? io_open_dir(dir) : -ENOMEM;
	free(dir);
	if (r < 0)
		return r;
	store->anchor_dirfd = r;
	return 0;
}

static int check_anchor(struct store *store, const char *path, struct explain *ret_why)
{
	uint64_t floor = 0;
	int r = read_anchor(store, &floor, &store->anchored_sequence);
	if (r < 0) {
		explain_set(ret_why,
			    "anchor %s cannot be read (%s); restore it, or remove it to trust the store as it is", path,
			    strerror(-r));
		return r;
	}
	if (store->generation < floor) {
		explain_set(ret_why,
			    "the store has been set back: its generation is %" PRIu64
			    ", the anchor %s remembers %" PRIu64
			    "; if that was meant (a restored backup), remove the anchor and start again",
			    store->generation, path, floor);
		return -EBADMSG;
	}
	if (store->read_only)
		return 0;
	r = store_sync(store, store->root_fd); /* whoever counted may have been killed before this */
	if (r < 0) {
		explain_set(ret_why, "the store's generation cannot be made durable: %s", strerror(-r));
		return r;
	}
	r = write_anchor(store); /* unchanged ones, too: better no start than no deployment */
	if (r < 0)
		explain_set(ret_why, "anchor %s cannot be written: %s; its directory has to be the service user's",
			    path, strerror(-r));
	return r;
}

static int load_generation(struct store *store, const char *anchor, struct explain *ret_why)
{
	char path[LIMIT_NAME_BYTES];
	text_escape_print(path, sizeof(path), anchor, strlen(anchor));
	int r = open_anchor(store, anchor);
	if (r < 0) {
		explain_set(ret_why, "anchor %s: its directory cannot be opened: %s", path, strerror(-r));
		return r;
	}
	r = store_read_number(store->root_fd, "generation", "generation", &store->generation);
	if (r == -EBADMSG)
		store_report_damage(store, "generation", "the anchor alone knows how old the store is");
	if (r == -ENOENT || r == -EBADMSG) /* as if it were the first; the anchor knows better */
		r = 0;
	if (r < 0) {
		explain_set(ret_why, "cannot read the store's generation: %s", strerror(-r));
		return r;
	}
	return check_anchor(store, path, ret_why);
}

static int read_sequence(struct store *store, uint64_t *ret)
{
	int r = store_read_kept_number(store, store->root_fd, SEQUENCE_PLACE, SEQUENCE_PLACE, ret);
	if (r == -EBADMSG)
		store_report_damage(
			store, SEQUENCE_PLACE,
			"which policy bundle was the newest is known from the anchor, or from those that are kept");
	return r;
}

int store_policy_sequence(struct store *store, uint64_t *ret)
{
	uint64_t kept = 0;
	lock_take(&store->counters_lock);
	uint64_t anchored = store->anchored_sequence;
	int r = read_sequence(store, &kept);
	lock_drop(&store->counters_lock);
	if (r == -ENOENT || (r == -EBADMSG && anchored > 0))
		r = 0;
	if (r == 0)
		*ret = kept > anchored ? kept : anchored;
	return r;
}

static int write_sequence(struct store *store, uint64_t sequence)
{
	int fd = store_ensure_slot(store, STORE_POLICY_SLOT);
	int r = fd < 0 ? fd : store_keep_number(store, fd, "sequence", SEQUENCE_PLACE, sequence);
	io_close(&fd);
	return r;
}

static int raise_anchored(struct store *store, uint64_t sequence)
{
	uint64_t before = store->anchored_sequence;
	if (store->anchor_dirfd < 0 || sequence <= before)
		return 0;
	store->anchored_sequence = sequence;
	int r = write_anchor(store);
	if (r < 0)
		store->anchored_sequence = before;
	return r;
}

int store_raise_policy_sequence(struct store *store, uint64_t sequence)
{
	if (store->read_only)
		return -EROFS;
	uint64_t kept = 0;
	lock_take(&store->counters_lock);
	int r = read_sequence(store, &kept);
	if (r == -ENOENT || r == -EBADMSG || (r == 0 && kept < sequence))
		r = write_sequence(store, sequence);
	if (r == 0)
		r = raise_anchored(store, sequence);
	lock_drop(&store->counters_lock);
	return r;
}

int store_load_counters(struct store *store, const char *anchor, struct explain *ret_why)
{
	int r = load_next_id(store);
	if (r < 0) {
		explain_set(ret_why, "cannot read the store's release ids: %s", strerror(-r));
		return r;
	}
	return anchor ? load_generation(store, anchor, ret_why) : 0;
}
