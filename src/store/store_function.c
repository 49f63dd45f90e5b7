/* Slots as directories: their names, their small files, their removal. And the memory of revocation lists. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "internal.h"

#define BINDINGS	     "bindings"
#define REMOVED_PREFIX	     "removed."
#define RANDOM_BYTES	     16
#define SLOT_FILE_PLACE_SIZE (STORE_SLOT_PATH_SIZE + LIMIT_FUNCTION_NAME_BYTES + 2)

static int list_slots(int parent_fd, char ***ret, size_t *ret_count)
{
	struct io_names names = {0};
	int r = parent_fd < 0 ? 0 : io_list_dir(parent_fd, ".", &names);
	if (r < 0)
		return r;
	size_t kept = 0;
	for (size_t i = 0; i < names.count; i++) {
		if (store_is_name(names.names[i]))
			names.names[kept++] = names.names[i];
		else
			free(names.names[i]);
	}
	*ret = names.names;
	*ret_count = kept;
	return 0;
}

int store_list_functions(struct store *store, char ***ret, size_t *ret_count)
{
	return list_slots(store->functions_fd, ret, ret_count);
}

int store_list_layers(struct store *store, char ***ret, size_t *ret_count)
{
	return list_slots(store->layers_fd, ret, ret_count);
}

static bool is_slot_file(const char *file)
{
	static const char *const others[] = {"current", "last", "releases", "sequence"};
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strcmp(file, others[i]) == 0)
			return false;
	return store_is_name(file);
}

/*
 * Those that decide and are written seldom. A slot's own is written when its first artifact comes, which is not to wait
 * for more; of a break glass the audit log knows.
 */
static bool is_kept_twice(const char *file)
{
	return strcmp(file, "slot") != 0 && strcmp(file, "note") != 0 && strcmp(file, "break-glass") != 0;
}

static void slot_file_place(const char *function, const char *file, char ret[SLOT_FILE_PLACE_SIZE])
{
	char path[STORE_SLOT_PATH_SIZE];
	(void)snprintf(ret, SLOT_FILE_PLACE_SIZE, "%s/%s", store_slot_path(function, path), file);
}

int store_put_slot_file(struct store *store, const char *function, const char *file, const char *text, size_t len)
{
	if (store->read_only)
		return -EROFS;
	if (!store_is_slot(function) || !is_slot_file(file))
		return -EINVAL;
	if (len > LIMIT_RECORD_BYTES)
		return -EFBIG;
	char place[SLOT_FILE_PLACE_SIZE];
	slot_file_place(function, file, place);
	int fd = store_ensure_slot(store, function);
	if (fd < 0)
		return fd;
	int r;
	if (strcmp(file, "note") == 0) /* shown only */
		r = store_show_text(store, fd, file, place, text, len);
	else if (is_kept_twice(file))
		r = store_keep_text(store, fd, file, place, text, len);
	else
		r = store_write_text(store, fd, file, place, text, len);
	io_close(&fd);
	return r;
}

/* What follows when it is not there. */
static const char *without_slot_file(const char *file)
{
	if (strcmp(file, "note") == 0)
		return "what became of the last attempt is not shown any more; the audit log has it";
	if (strcmp(file, "slot") == 0)
		return "the slot is known anew; its releases are served, and an artifact that was removed is listed "
		       "again";
	return "what it said does not count; write it again";
}

int store_get_slot_file(struct store *store, const char *function, const char *file, struct buf *ret)
{
	if (!store_is_slot(function) || !is_slot_file(file))
		return -EINVAL;
	int parent = store_slot_parent(store, function);
	if (parent < 0)
		return -ENOENT;
	char place[SLOT_FILE_PLACE_SIZE];
	slot_file_place(function, file, place);
	/* Below functions/ or layers/: one look-up instead of two. */
	const char *path = store_is_policy(function) ? place : strchr(place, '/') + 1;
	int r = is_kept_twice(file) ? store_read_kept(store, parent, path, place, LIMIT_RECORD_BYTES, ret)
				    : store_read_text(parent, path, place, LIMIT_RECORD_BYTES, ret);
	if (r == -EBADMSG)
		store_report_damage(store, place, without_slot_file(file));
	return r;
}

static void revocations_place(const char *account, char ret[STORE_PLACE_SIZE])
{
	(void)snprintf(ret, STORE_PLACE_SIZE, "revocations/%s", account);
}

int store_put_revocations(struct store *store, const char *account, const char *text, size_t len)
{
	if (store->read_only)
		return -EROFS;
	if (!store_is_name(account))
		return -EINVAL;
	if (len > LIMIT_REVOCATION_LIST_BYTES)
		return -EFBIG;
	char place[STORE_PLACE_SIZE];
	revocations_place(account, place);
	return store_keep_text(store, store->revocations_fd, account, place, text, len);
}

int store_get_revocations(struct store *store, const char *account, struct buf *ret)
{
	if (!store_is_name(account))
		return -EINVAL;
	char place[STORE_PLACE_SIZE];
	revocations_place(account, place);
	int r = store_read_kept(store, store->revocations_fd, account, place, LIMIT_REVOCATION_LIST_BYTES, ret);
	if (r == -EBADMSG)
		store_report_damage(store, place, "what was last seen of that account's revocation list is lost");
	return r;
}

int store_put_bindings(struct store *store, const char *text, size_t len)
{
	if (store->read_only)
		return -EROFS;
	if (len > LIMIT_BINDINGS_BYTES)
		return -EFBIG;
	return store_keep_text(store, store->root_fd, BINDINGS, BINDINGS, text, len);
}

int store_get_bindings(struct store *store, struct buf *ret)
{
	int r = store_read_kept(store, store->root_fd, BINDINGS, BINDINGS, LIMIT_BINDINGS_BYTES, ret);
	if (r == -EBADMSG)
		store_report_damage(
			store, BINDINGS,
			"what was bound to other code-signing configs while nothing was mounted is not known");
	return r;
}

const char *store_removed_function(const char *staged)
{
	if (!text_starts_with(staged, REMOVED_PREFIX))
		return NULL;
	const char *dot = strchr(staged + strlen(REMOVED_PREFIX), '.');
	return dot && store_is_slot(dot + 1) ? dot + 1 : NULL;
}

static int release_objects_of(struct store *store, const char *function, const struct store_release *release)
{
	bool removed;
	int r = store_sweep_object(store, function, release->digest, &removed);
	for (size_t i = 0; r == 0 && i < release->layer_count; i++)
		r = store_sweep_object(store, function, release->layers[i].digest, &removed);
	return r;
}

/* Lets go of the objects that the records of a removed slot name. */
static int release_objects(struct store *store, int slot_fd, const char *function)
{
	uint64_t *numbers = NULL;
	size_t count = 0;
	int r = store_read_numbers(slot_fd, &numbers, &count);
	for (size_t i = 0; i < count && r == 0; i++) {
		struct store_release *release = NULL;
		r = store_read_release(slot_fd, function, numbers[i], &release);
		if (r == 0)
			r = release_objects_of(store, function, release);
		else if (r == -EBADMSG) /* which object it had is lost; that one is left behind */
			r = 0;
		if (store_is_layer(function))
			store_forget_version(store, function, numbers[i]);
		store_release_free(release);
	}
	free(numbers);
	return r;
}

/* The files in dirfd/name, then the directory itself. */
static int remove_flat_dir(int dirfd, const char *name)
{
	struct io_names names = {0};
	int fd = io_open_dirat(dirfd, name);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	int r = io_list_dir(fd, ".", &names);
	for (size_t i = 0; i < names.count && r == 0; i++)
		r = io_unlinkat(fd, names.names[i], 0);
	io_names_done(&names);
	io_close(&fd);
	return r < 0 ? r : io_unlinkat(dirfd, name, AT_REMOVEDIR);
}

/* It may have come again since. */
static void forget_removed(const struct store *store, const char *slot)
{
	int fd = store_open_slot(store, slot);
	if (fd == -ENOENT)
		store_forget_slot(store, slot);
	io_close(&fd);
}

int store_finish_removal(struct store *store, const char *staged)
{
	int fd = io_open_dirat(store->staging_fd, staged);
	if (fd < 0)
		return fd;
	int r = release_objects(store, fd, store_removed_function(staged));
	if (r == 0)
		forget_removed(store, store_removed_function(staged));
	if (r == 0)
		r = remove_flat_dir(fd, "releases");
	io_close(&fd);
	return r < 0 ? r : remove_flat_dir(store->staging_fd, staged);
}

/* One rename takes the slot out of service and says what is still to be done, so a crash leaves no half-removed one. */
int store_remove_function(struct store *store, const char *function)
{
	if (store->read_only)
		return -EROFS;
	if (!store_is_slot(function) || store_is_policy(function))
		return -EINVAL;
	int parent = store_slot_parent(store, function);
	const char *name = store_slot_name(function);
	char random[RANDOM_BYTES + 1], staged[STORE_NAME_SIZE];
	random_alphanumeric(random, RANDOM_BYTES);
	(void)snprintf(staged, sizeof(staged), REMOVED_PREFIX "%s.%s", random, function);

	int r = store_bump_generation(store);
	if (r == 0)
		r = io_renameat(parent, name, store->staging_fd, staged);
	if (r < 0)
		return r;
	r = store_sync(store, parent);
	if (r == 0)
		r = store_sync(store, store->staging_fd);
	if (r < 0) {
		(void)io_renameat(store->staging_fd, staged, parent, name);
		return r;
	}
	r = store_finish_removal(store, staged);
	if (r < 0)
		log_warning("store: cannot clean up behind %s (%s); the next start tries again", function,
			    strerror(-r));
	return 0;
}
