/* What is in flight, and when an object may go. See internal.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "internal.h"

#define INTENT_PREFIX	 "intent."
#define REFERENCE_PREFIX "ref."

struct store_intent {
	struct store_intent *next;
	uint64_t number;
	bool parked;
	uint8_t digest[CRYPTO_SHA256_BYTES];
	char function[STORE_SLOT_SIZE];
};

static void intent_name(const struct store_intent *intent, char ret[STORE_NAME_SIZE])
{
	char hex[CRYPTO_SHA256_HEX_SIZE];
	text_hex(intent->digest, sizeof(intent->digest), hex);
	(void)snprintf(ret, STORE_NAME_SIZE, INTENT_PREFIX "%" PRIu64 ".%s.%s", intent->number, hex, intent->function);
}

bool store_intent_parse(const char *name, struct store_intent_name *ret)
{
	if (!text_starts_with(name, INTENT_PREFIX))
		return false;
	const char *number = name + strlen(INTENT_PREFIX);
	const char *hex = strchr(number, '.');
	const char *function = hex ? strchr(hex + 1, '.') : NULL;
	struct store_intent_name parsed;
	if (!function || !text_parse_u64(number, (size_t)(hex - number), UINT64_MAX, &parsed.number) ||
	    !text_unhex(hex + 1, (size_t)(function - hex - 1), parsed.digest, sizeof(parsed.digest)) ||
	    !store_is_slot(function + 1))
		return false;
	parsed.function = function + 1;
	*ret = parsed;
	return true;
}

static bool is_about(const struct store_intent *intent, const char *function, const uint8_t *digest)
{
	return memcmp(intent->digest, digest, sizeof(intent->digest)) == 0 &&
	       (!function || strcmp(intent->function, function) == 0);
}

/* Any function: NULL. */
static bool in_flight_locked(const struct store *store, const char *function, const uint8_t *digest)
{
	for (const struct store_intent *i = store->intents; i; i = i->next)
		if (is_about(i, function, digest))
			return true;
	return false;
}

bool store_has_intent(struct store *store, const char *function)
{
	lock_take(&store->lock);
	bool found = store->has_unfinished;
	for (const struct store_intent *i = store->intents; i && !found; i = i->next)
		found = strcmp(i->function, function) == 0;
	lock_drop(&store->lock);
	return found;
}

static struct store_intent *unpark_locked(struct store *store, const char *function, const uint8_t *digest)
{
	for (struct store_intent *i = store->intents; i; i = i->next) {
		if (i->parked && is_about(i, function, digest)) {
			i->parked = false;
			return i;
		}
	}
	return NULL;
}

static void unlink_locked(struct store *store, const struct store_intent *intent)
{
	struct store_intent **at = &store->intents;
	while (*at != intent)
		at = &(*at)->next;
	*at = intent->next;
}

static int write_intent(struct store *store, const struct store_intent *intent)
{
	char name[STORE_NAME_SIZE];
	intent_name(intent, name);
	int fd = io_openat(store->staging_fd, name, O_WRONLY | O_CREAT | O_EXCL, 0400);
	if (fd < 0)
		return fd;
	io_close(&fd);
	return store_sync(store, store->staging_fd);
}

int store_intent_begin(struct store *store, const char *function, const uint8_t digest[CRYPTO_SHA256_BYTES],
		       struct store_intent **ret)
{
	struct store_intent *intent = calloc(1, sizeof(*intent));
	if (!intent)
		return -ENOMEM;
	memcpy(intent->digest, digest, sizeof(intent->digest));
	memcpy(intent->function, function, strlen(function) + 1);

	lock_take(&store->lock);
	intent->number = ++store->last_intent;
	intent->next = store->intents;
	store->intents = intent; /* before its file: from here on nobody removes the object */
	lock_drop(&store->lock);
	int r = write_intent(store, intent);
	if (r < 0) {
		store_intent_end(store, intent);
		return r;
	}
	*ret = intent;
	return 0;
}

int store_intent_resume(struct store *store, const char *function, const uint8_t digest[CRYPTO_SHA256_BYTES],
			struct store_intent **ret)
{
	lock_take(&store->lock);
	struct store_intent *parked = unpark_locked(store, function, digest);
	lock_drop(&store->lock);
	if (!parked)
		return store_intent_begin(store, function, digest, ret);
	*ret = parked;
	return 0;
}

void store_intent_park(struct store *store, struct store_intent *intent)
{
	lock_take(&store->lock);
	intent->parked = true;
	lock_drop(&store->lock);
}

void store_intent_free_all(struct store *store)
{
	while (store->intents) {
		struct store_intent *next = store->intents->next;
		free(store->intents);
		store->intents = next;
	}
}

static void reference_name(const char *function, char ret[STORE_NAME_SIZE])
{
	(void)snprintf(ret, STORE_NAME_SIZE, REFERENCE_PREFIX "%s", function);
}

/* The file, made where it is not there yet. */
static int make_reference(struct store *store, int object_fd, const char *name, const struct store_intent *intent)
{
	char from[STORE_NAME_SIZE];
	if (intent) {
		intent_name(intent, from);
		int r = io_linkat(store->staging_fd, from, object_fd, name);
		if (r != -EPERM && r != -EOPNOTSUPP && r != -ENOENT) /* not every filesystem has hard links */
			return r;
	}
	int fd = io_openat(object_fd, name, O_WRONLY | O_CREAT | O_EXCL, 0400);
	if (fd < 0)
		return fd;
	io_close(&fd);
	return 0;
}

int store_ensure_reference(struct store *store, int object_fd, const char *function, const struct store_intent *intent,
			   bool *ret_made)
{
	char name[STORE_NAME_SIZE];
	reference_name(function, name);
	int fd = io_openat(object_fd, name, O_RDONLY | O_NONBLOCK, 0);
	bool made = fd == -ENOENT;
	int r = made ? make_reference(store, object_fd, name, intent) : fd;
	io_close(&fd);
	if (r < 0)
		return r;
	*ret_made = made;
	return 0;
}

/* Does a record of the function name the object, as artifact or as layer? 1, 0, or a negative errno: not known. */
static int is_needed(const struct store *store, const char *function, const uint8_t *digest)
{
	int fd = store_open_slot(store, function);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	uint64_t *numbers = NULL;
	size_t count = 0;
	int r = store_read_numbers(fd, &numbers, &count);
	while (count > 0 && r == 0) { /* the newest is the likeliest */
		struct store_release *release = NULL;
		r = store_read_release(fd, function, numbers[--count], &release);
		if (r == 0)
			r = store_release_has(release, digest);
		else if (r == -EBADMSG || r == -ENOENT) /* leads to no object any more */
			r = 0;
		store_release_free(release);
	}
	free(numbers);
	io_close(&fd);
	return r;
}

static int remove_if_unreferenced(struct store *store, const uint8_t *digest, int object_fd, bool *ret_removed)
{
	char path[STORE_OBJECT_PATH_SIZE];
	struct io_names names = {0};
	int r = io_dir_has(object_fd, ".", REFERENCE_PREFIX); /* very many slots may share an object */
	if (r != 0)
		return r < 0 ? r : 0;
	r = store_object_keep_locked(store, digest);
	if (r < 0)
		return r;
	store_object_path(digest, path);
	r = io_list_dir(object_fd, ".", &names);
	for (size_t i = 0; i < names.count && r == 0; i++)
		r = io_unlinkat(object_fd, names.names[i], 0);
	if (r == 0)
		r = io_unlinkat(store->objects_fd, path, AT_REMOVEDIR);
	*ret_removed = r == 0;
	io_names_done(&names);
	return r;
}

static int sweep_locked(struct store *store, const char *function, const uint8_t *digest, bool *ret_removed)
{
	char path[STORE_OBJECT_PATH_SIZE], reference[STORE_NAME_SIZE];
	if (in_flight_locked(store, function, digest))
		return 0; /* looked at again when that one ends */
	int needed = is_needed(store, function, digest);
	if (needed != 0)
		return needed < 0 ? needed : 0;

	store_object_path(digest, path);
	int fd = io_open_dirat(store->objects_fd, path);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	reference_name(function, reference);
	int r = io_unlinkat(fd, reference, 0);
	if (r == 0 && !in_flight_locked(store, NULL, digest))
		r = remove_if_unreferenced(store, digest, fd, ret_removed);
	io_close(&fd);
	return r;
}

int store_sweep_object(struct store *store, const char *function, const uint8_t digest[CRYPTO_SHA256_BYTES],
		       bool *ret_removed)
{
	lock_take(&store->lock);
	int r = sweep_locked(store, function, digest, ret_removed);
	lock_drop(&store->lock);
	return r;
}

/* swept: 0, or why the object could not be looked at */
static void forget_intent(struct store *store, struct store_intent *intent, int swept)
{
	char name[STORE_NAME_SIZE];
	intent_name(intent, name);
	int r = swept;
	if (r == 0)
		r = io_unlinkat(store->staging_fd, name, 0);
	if (r < 0)
		log_warning("store: cannot clean up behind a change of %s (%s); the next start tries again",
			    intent->function, strerror(-r));
	free(intent);
}

void store_intent_end(struct store *store, struct store_intent *intent)
{
	bool removed = false;
	lock_take(&store->lock);
	unlink_locked(store, intent);
	int r = sweep_locked(store, intent->function, intent->digest, &removed);
	lock_drop(&store->lock);
	forget_intent(store, intent, r);
}

void store_intent_fulfil(struct store *store, struct store_intent *intent)
{
	lock_take(&store->lock);
	unlink_locked(store, intent);
	lock_drop(&store->lock);
	forget_intent(store, intent, 0);
}
