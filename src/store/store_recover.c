/*
 * Recovery: brings staging/ to rest when the store is opened. Each entry says what was going on:
 *
 *     intent.<n>.<digest>.<slot>         a commit or the removal of a release: a function's records above current are
 *                                        taken back, then the reference and the object are looked at
 *     removed.<random>.<slot>            a slot that was being removed: goes on
 *     anything else                      a private file nobody has: removed
 *
 * An entry goes last, when all it stands for is done, so recovery may be interrupted and begun again. One that cannot
 * be finished (EIO) stays for the next time and keeps nothing from being served.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "internal.h"

#define PATH_SIZE 64

struct tally {
	unsigned changes, releases, objects, files, removals, unfinished;
};

/* A record above current was on its way. 1 when it was taken back. */
static int undo_record(int function_fd, const char *function, uint64_t number, const uint8_t *digest)
{
	char path[PATH_SIZE];
	struct store_release *release = NULL;
	int r = store_read_release(function_fd, function, number, &release);
	bool same = r == 0 && store_release_has(release, digest);
	store_release_free(release);
	if (!same)
		return r == -EBADMSG || r == -ENOENT ? 0 : r;
	(void)snprintf(path, sizeof(path), "releases/%" PRIu64, number);
	r = io_unlinkat(function_fd, path, 0);
	return r < 0 ? r : 1;
}

static int sync_releases(const struct store *store, int function_fd)
{
	int fd = io_open_dirat(function_fd, "releases");
	int r = fd < 0 ? fd : store_sync(store, fd);
	io_close(&fd);
	return r;
}

/* A current that cannot be read proves nothing about the records; then they all stay. So do those of layers: there the
 * record is all there is. */
static int undo_commit(const struct store *store, const struct store_intent_name *intent, struct tally *tally)
{
	if (store_is_layer(intent->function))
		return 0;
	int fd = store_open_slot(store, intent->function);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	uint64_t current = 0, *numbers = NULL;
	size_t count = 0;
	unsigned undone = 0;
	int r = store_read_current(fd, intent->function, &current);
	if (r < 0 && r != -ENOENT) {
		r = r == -EBADMSG ? 0 : r;
		goto out;
	}
	r = store_read_numbers(fd, &numbers, &count);
	while (r == 0 && count > 0 && numbers[--count] > current) {
		r = undo_record(fd, intent->function, numbers[count], intent->digest);
		undone += r > 0;
		r = r > 0 ? 0 : r;
	}
	if (r == 0 && undone > 0) /* before the object may go */
		r = sync_releases(store, fd);
	if (r == 0 && undone == 0) /* current may have been renamed, and not synced: what is served from now on stays */
		r = store_sync(store, fd);
	tally->releases += undone;
out:
	free(numbers);
	io_close(&fd);
	return r;
}

static int finish_change(struct store *store, const char *name, const struct store_intent_name *intent,
			 struct tally *tally)
{
	bool removed = false;
	if (intent->number > store->last_intent)
		store->last_intent = intent->number;
	int r = undo_commit(store, intent, tally);
	if (r == 0)
		r = store_sweep_object(store, intent->function, intent->digest, &removed);
	tally->objects += removed;
	tally->changes++;
	return r < 0 ? r : io_unlinkat(store->staging_fd, name, 0);
}

static int finish(struct store *store, const char *name, struct tally *tally)
{
	struct store_intent_name intent;
	if (store_intent_parse(name, &intent))
		return finish_change(store, name, &intent, tally);
	if (store_removed_function(name)) {
		tally->removals++;
		return store_finish_removal(store, name);
	}
	tally->files++;
	return io_unlinkat(store->staging_fd, name, 0);
}

/* Directories that a killed process made and did not come to sync. */
static int sync_parents(const struct store *store)
{
	int r = store_sync(store, store->functions_fd);
	if (r == 0)
		r = store_sync(store, store->layers_fd);
	if (r == 0)
		r = store_sync(store, store->objects_fd);
	if (r == 0) /* policy/ */
		r = store_sync(store, store->root_fd);
	if (r == 0) /* what was seen of lists */
		r = store_sync(store, store->revocations_fd);
	return r;
}

static void report(const struct tally *tally)
{
	log_notice(
		"store: recovered: %u interrupted changes (%u releases taken back, %u objects removed), %u removals of "
		"slots finished, %u staging files removed",
		tally->changes, tally->releases, tally->objects, tally->removals, tally->files);
	if (tally->unfinished > 0)
		log_warning("store: %u entries of staging/ could not be dealt with; the next start tries again",
			    tally->unfinished);
}

int store_recover(struct store *store)
{
	struct tally tally = {0};
	struct io_names names;
	int r = io_list_dir(store->staging_fd, ".", &names);
	if (r < 0)
		return r;
	for (size_t i = 0; i < names.count; i++)
		if (finish(store, names.names[i], &tally) < 0)
			tally.unfinished++;
	store->has_unfinished = tally.unfinished > 0;
	if (names.count > 0)
		report(&tally);
	io_names_done(&names);
	return sync_parents(store);
}
