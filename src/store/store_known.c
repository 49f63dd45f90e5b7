/*
 * known/ has an empty file for each slot, by its name, and one for each version of a layer, "<slot>@<n>", so that a
 * slot or version that is gone is missed. It is made after what it stands for and removed after it, and nothing is
 * synced: after a crash the next open makes what is missing, as it does in a store of an older program.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "internal.h"

#define KNOWN	     "known"
#define VERSION_SIZE (STORE_SLOT_SIZE + 24)

typedef int list_names(struct store *store, char ***ret, size_t *ret_count);

void store_know_slot(const struct store *store, const char *slot)
{
	int fd = store->known_fd < 0 ? -EBADF : io_openat(store->known_fd, slot, O_WRONLY | O_CREAT | O_NONBLOCK, 0400);
	if (fd < 0)
		log_warning("store: %s could not be noted in " KNOWN "/: %s", slot, strerror(-fd));
	io_close(&fd);
}

void store_forget_slot(const struct store *store, const char *slot)
{
	if (store->known_fd >= 0)
		(void)io_unlinkat(store->known_fd, slot, 0); /* else it is missed at the next open, without harm */
}

static void version_name(const char *slot, uint64_t number, char ret[VERSION_SIZE])
{
	(void)snprintf(ret, VERSION_SIZE, "%s@%" PRIu64, slot, number);
}

void store_know_version(const struct store *store, const char *slot, uint64_t number)
{
	char name[VERSION_SIZE];
	version_name(slot, number, name);
	store_know_slot(store, name);
}

void store_forget_version(const struct store *store, const char *slot, uint64_t number)
{
	char name[VERSION_SIZE];
	version_name(slot, number, name);
	store_forget_slot(store, name);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void make_missing(const struct store *store, const struct io_names *known, const char *slot)
{
	if (!bsearch(&slot, known->names, known->count, sizeof(*known->names), compare_text))
		store_know_slot(store, slot);
}

static int make_missing_of(struct store *store, const struct io_names *known, list_names *list, const char *prefix)
{
	char **names = NULL, slot[STORE_SLOT_SIZE];
	size_t count = 0;
	int r = list(store, &names, &count);
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(slot, sizeof(slot), "%s%s", prefix, names[i]);
		make_missing(store, known, slot);
		free(names[i]);
	}
	free(names);
	return r;
}

static void report_lost(struct store *store, const char *slot)
{
	char path[STORE_SLOT_PATH_SIZE];
	int fd = store_is_slot(slot) ? store_open_slot(store, slot) : -ENOENT;
	if (fd == -ENOENT || store_as_damage(fd) == -EBADMSG)
		store_report_damage(store, store_slot_path(slot, path),
				    "it is gone with all that it held; bring it again, or remove its file in " KNOWN
				    "/");
	io_close(&fd);
}

/* Of a slot that is there: where it is not, nothing more is to be told. */
static void report_lost_version(struct store *store, const char *name)
{
	char slot[VERSION_SIZE], path[STORE_SLOT_PATH_SIZE], record[64], place[STORE_PLACE_SIZE];
	const char *at = strchr(name, '@');
	uint64_t number;
	if (!text_parse_u64(at + 1, strlen(at + 1), UINT64_MAX, &number))
		return;
	(void)snprintf(slot, sizeof(slot), "%.*s", (int)(at - name), name);
	int fd = strlen(name) < sizeof(slot) && store_is_slot(slot) ? store_open_slot(store, slot) : -ENOENT;
	if (fd < 0)
		return;
	(void)snprintf(record, sizeof(record), "releases/%" PRIu64, number);
	int record_fd = io_openat(fd, record, O_PATH | O_NOFOLLOW, 0);
	(void)snprintf(place, sizeof(place), "%.*s/%s", STORE_SLOT_PATH_SIZE, store_slot_path(slot, path), record);
	if (record_fd == -ENOENT)
		store_report_damage(store, place, "that version is gone; what has it attached keeps it");
	io_close(&record_fd);
	io_close(&fd);
}

int store_check_known(struct store *store)
{
	struct io_names known = {0};
	store->known_fd = store_ensure_dir(store, store->root_fd, KNOWN);
	if (store->known_fd < 0)
		return store->known_fd;
	int r = io_list_dir(store->known_fd, ".", &known);
	if (r < 0)
		return r;
	if (known.count > 0)
		qsort(known.names, known.count, sizeof(*known.names), compare_text);
	for (size_t i = 0; i < known.count; i++)
		if (strchr(known.names[i], '@'))
			report_lost_version(store, known.names[i]);
		else if (store_is_slot(known.names[i]))
			report_lost(store, known.names[i]);
	r = make_missing_of(store, &known, store_list_functions, "");
	if (r == 0)
		r = make_missing_of(store, &known, store_list_layers, STORE_LAYER_PREFIX);
	io_names_done(&known);
	return r;
}
