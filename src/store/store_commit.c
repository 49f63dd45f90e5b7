/*
 * Changes of releases. A commit, step by step; until the last one recovery takes all of them back:
 *
 *     reference in the object's directory -> record -> generation (with an anchor) -> current
 *
 * Of a layer the record is the last step, and recovery leaves it: generation -> record.
 *
 * One change at a time for each slot; the caller's slot lock sees to that.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

#define NUMBER_SIZE 21

static void number_name(uint64_t number, char ret[NUMBER_SIZE])
{
	(void)snprintf(ret, NUMBER_SIZE, "%" PRIu64, number);
}

/* What a switch works on. */
struct change {
	struct store *store;
	const char *function;
	int function_fd;
	int releases_fd;
	char name[NUMBER_SIZE]; /* of the record */
	bool unfinished;	/* it failed and could not be undone either: recovery will */
};

static void change_done(struct change *change)
{
	io_close(&change->releases_fd);
	io_close(&change->function_fd);
}

static int change_init(struct store *store, const char *function, uint64_t number, struct change *ret)
{
	struct change change = {.store = store, .function = function, .function_fd = -1, .releases_fd = -1};
	number_name(number, change.name);
	change.function_fd = store_ensure_slot(store, function);
	if (change.function_fd < 0)
		return change.function_fd;
	change.releases_fd = store_ensure_dir(store, change.function_fd, "releases");
	if (change.releases_fd < 0) {
		int r = change.releases_fd;
		change_done(&change);
		return r;
	}
	*ret = change;
	return 0;
}

static int write_record(struct change *change, const struct store_release *release)
{
	struct buf text = {0};
	int r = store_record_encode(change->function, release, &text);
	if (r == 0)
		r = store_write_file(change->store, change->releases_fd, change->name, text.data, text.len);
	buf_done(&text);
	return r;
}

/* Puts back what current was; before holds its bytes, whatever they were. */
static int restore_current(struct change *change, bool was_there, const struct buf *before)
{
	if (was_there)
		return store_write_file(change->store, change->function_fd, "current", before->data, before->len);
	int r = io_unlinkat(change->function_fd, "current", 0);
	return r < 0 ? r : store_sync(change->store, change->function_fd);
}

/* Is current still what it was? A full disk fails before the rename, and then there is nothing to put back. */
static bool is_untouched(const struct change *change, bool was_there, const struct buf *before)
{
	struct buf now = {0};
	int r = store_as_damage(io_read_file(change->function_fd, "current", LIMIT_RECORD_BYTES, &now));
	bool same = r == -ENOENT ? !was_there
				 : was_there && now.len == before->len &&
					   (now.len == 0 || memcmp(now.data, before->data, now.len) == 0);
	buf_done(&now);
	return same;
}

/*
 * The point of the switch is the rename of current. A failure behind it (the fsync of the directory) leaves open which
 * of the two a crash would find, so the old one is written again.
 */
static int write_current(struct change *change, uint64_t number)
{
	char place[STORE_PLACE_SIZE];
	struct buf before = {0};
	store_current_place(change->function, place);
	int r = store_as_damage(io_read_file(change->function_fd, "current", LIMIT_RECORD_BYTES, &before));
	bool was_there = r == 0 || r == -EBADMSG; /* a damaged one is put back as an empty one */
	if (r < 0 && r != -ENOENT && r != -EBADMSG)
		goto out;

	r = store_write_number(change->store, change->function_fd, "current", place, number);
	if (r < 0 && !is_untouched(change, was_there, &before) && restore_current(change, was_there, &before) < 0)
		change->unfinished = true;
out:
	buf_done(&before);
	return r;
}

static void undo_record(struct change *change)
{
	int r = io_unlinkat(change->releases_fd, change->name, 0);
	if (r == 0)
		r = store_sync(change->store, change->releases_fd);
	if (r < 0)
		change->unfinished = true;
}

static int switch_release(struct change *change, const struct store_release *release)
{
	int r = write_record(change, release);
	if (r == 0)
		r = store_bump_generation(change->store);
	if (r == 0)
		r = write_current(change, release->number); /* I2: all it leads to is durable by now */
	if (r < 0 && !change->unfinished)
		undo_record(change);
	return r;
}

/* A failure behind the rename (the fsync of the directory) leaves open whether it would be there after a crash. */
static int add_version(struct change *change, const struct store_release *release)
{
	int r = store_bump_generation(change->store);
	if (r < 0)
		return r;
	r = write_record(change, release);
	if (r < 0)
		undo_record(change);
	else
		store_know_version(change->store, change->function, release->number);
	return r;
}

/* ---- the change of each object that a release has ---- */

struct intents {
	struct store_intent *all[1 + LIMIT_LAYERS];
	size_t count;
};

static bool has_begun(const struct store_release *release, size_t layer)
{
	if (memcmp(release->layers[layer].digest, release->digest, sizeof(release->digest)) == 0)
		return true;
	for (size_t i = 0; i < layer; i++)
		if (memcmp(release->layers[layer].digest, release->layers[i].digest, sizeof(release->digest)) == 0)
			return true;
	return false;
}

/* One for each object, beside that of the artifact; on failure those that have begun are in *intents all the same. */
static int begin_layers(struct store *store, const char *function, const struct store_release *release,
			struct intents *intents)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < release->layer_count; i++) {
		if (has_begun(release, i))
			continue;
		r = store_intent_begin(store, function, release->layers[i].digest, &intents->all[intents->count]);
		intents->count += r == 0;
	}
	return r;
}

static void end_all(struct store *store, struct intents *intents, bool unfinished)
{
	for (size_t i = 0; i < intents->count; i++) {
		if (unfinished)
			store_intent_park(store, intents->all[i]);
		else
			store_intent_end(store, intents->all[i]);
	}
}

/* A record that needs all of these objects has just been written, so none of them is looked for. */
static void fulfil_all(struct store *store, struct intents *intents)
{
	for (size_t i = 0; i < intents->count; i++)
		store_intent_fulfil(store, intents->all[i]);
}

/* A record that needs its reference: the one that the object's arrival made, or one made now. */
static int reference_object(struct store *store, const char *function, const uint8_t digest[CRYPTO_SHA256_BYTES])
{
	char path[STORE_OBJECT_PATH_SIZE];
	store_object_path(digest, path);
	int fd = io_open_dirat(store->objects_fd, path);
	if (fd < 0)
		return fd;
	bool made = false;
	int r = store_ensure_reference(store, fd, function, NULL, &made);
	if (r == 0 && made)
		r = store_sync(store, fd);
	io_close(&fd);
	return r;
}

/* An object that is a layer may be gone when the release that it was taken from is removed at the same time. */
static int reference_all(struct store *store, const char *function, const struct store_release *release)
{
	int r = reference_object(store, function, release->digest);
	for (size_t i = 0; r == 0 && i < release->layer_count; i++)
		r = reference_object(store, function, release->layers[i].digest);
	return r;
}

static int commit(struct store *store, const char *function, const struct store_release *release, bool *ret_unfinished)
{
	struct change change;
	if (release->id == 0)
		return -EINVAL;
	int r = change_init(store, function, release->number, &change);
	if (r < 0)
		return r;
	struct store_release *present = NULL;
	r = store_read_release(change.function_fd, function, release->number, &present);
	store_release_free(present);
	if (r != -ENOENT) { /* a number is given once */
		r = r == 0 || r == -EBADMSG ? -EEXIST : r;
		goto out;
	}
	r = reference_all(store, function, release);
	if (r == 0)
		r = store_is_layer(function) ? add_version(&change, release) : switch_release(&change, release);
	*ret_unfinished = change.unfinished;
out:
	change_done(&change);
	return r;
}

int store_commit_release(struct store *store, const char *function, const struct store_release *release)
{
	if (store->read_only)
		return -EROFS;
	if (!store_is_slot(function))
		return -EINVAL;
	struct intents intents = {.count = 1};
	int r = store_intent_resume(store, function, release->digest, &intents.all[0]);
	if (r < 0)
		return r;
	bool unfinished = false;
	r = begin_layers(store, function, release, &intents);
	if (r == 0)
		r = commit(store, function, release, &unfinished);
	if (r == 0)
		fulfil_all(store, &intents);
	else
		end_all(store, &intents, unfinished);
	return r;
}

static bool have_the_same(const struct store_release *a, const struct store_release *b)
{
	bool same = memcmp(a->digest, b->digest, sizeof(a->digest)) == 0 && a->layer_count == b->layer_count;
	for (size_t i = 0; same && i < a->layer_count; i++)
		same = memcmp(a->layers[i].digest, b->layers[i].digest, sizeof(a->layers[i].digest)) == 0;
	return same;
}

int store_update_release(struct store *store, const char *function, const struct store_release *release)
{
	if (store->read_only)
		return -EROFS;
	struct store_release *old = NULL;
	int r = store_load_release(store, function, release->number, &old);
	if (r < 0)
		return r;
	struct change change = {.function_fd = -1, .releases_fd = -1};
	r = -EINVAL;
	if (!have_the_same(old, release))
		goto out;
	r = change_init(store, function, release->number, &change);
	if (r == 0)
		r = write_record(&change, release);
out:
	change_done(&change);
	store_release_free(old);
	return r;
}

/* Takes the record away, durably, before anything that it needs may go. */
static int remove_record(struct store *store, int function_fd, const char *function, uint64_t number)
{
	char name[NUMBER_SIZE];
	number_name(number, name);
	int fd = io_open_dirat(function_fd, "releases");
	if (fd < 0)
		return fd;
	int r = store_is_layer(function) ? store_keep_last(store, function_fd, function, number) : 0;
	if (r == 0)
		r = io_unlinkat(fd, name, 0);
	if (r == 0)
		r = store_sync(store, fd);
	io_close(&fd);
	if (r == 0 && store_is_layer(function))
		store_forget_version(store, function, number);
	return r;
}

static int remove_release(struct store *store, int function_fd, const char *function, uint64_t number)
{
	uint64_t current;
	if (store_read_current(function_fd, function, &current) == 0 && current == number)
		return -EBUSY;
	struct store_release *release = NULL;
	int r = store_read_release(function_fd, function, number, &release);
	if (r == -EBADMSG) /* which object it had is lost; that one is left behind */
		return remove_record(store, function_fd, function, number);
	if (r < 0)
		return r;

	struct intents intents = {.count = 1};
	bool unfinished = false;
	r = store_intent_begin(store, function, release->digest, &intents.all[0]);
	if (r < 0)
		goto out;
	r = begin_layers(store, function, release, &intents);
	if (r == 0) {
		r = remove_record(store, function_fd, function, number);
		unfinished = r < 0; /* it may come back after a crash, and then needs its objects */
	}
	end_all(store, &intents, unfinished);
out:
	store_release_free(release);
	return r;
}

int store_remove_release(struct store *store, const char *function, uint64_t number)
{
	if (store->read_only)
		return -EROFS;
	int fd = store_open_slot(store, function);
	if (fd < 0)
		return fd;
	int r = remove_release(store, fd, function, number);
	io_close(&fd);
	return r;
}
