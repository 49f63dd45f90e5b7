/* Slots as directories: functions/<f>/, layers/<l>/ and policy/. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "internal.h"

#define POLICY_DIRECTORY "policy"

bool store_is_layer(const char *slot)
{
	return text_starts_with(slot, STORE_LAYER_PREFIX);
}

bool store_is_policy(const char *slot)
{
	return strcmp(slot, STORE_POLICY_SLOT) == 0;
}

const char *store_slot_name(const char *slot)
{
	if (store_is_policy(slot))
		return POLICY_DIRECTORY;
	return store_is_layer(slot) ? slot + strlen(STORE_LAYER_PREFIX) : slot;
}

bool store_is_slot(const char *slot)
{
	return store_is_name(store_slot_name(slot));
}

const char *store_slot_path(const char *slot, char ret[STORE_SLOT_PATH_SIZE])
{
	if (store_is_policy(slot))
		(void)snprintf(ret, STORE_SLOT_PATH_SIZE, "%s", POLICY_DIRECTORY);
	else
		(void)snprintf(ret, STORE_SLOT_PATH_SIZE, "%s/%s", store_is_layer(slot) ? "layers" : "functions",
			       store_slot_name(slot));
	return ret;
}

int store_slot_parent(const struct store *store, const char *slot)
{
	if (store_is_policy(slot))
		return store->root_fd;
	return store_is_layer(slot) ? store->layers_fd : store->functions_fd;
}

int store_open_slot(const struct store *store, const char *slot)
{
	if (!store_is_slot(slot))
		return -EINVAL;
	int parent = store_slot_parent(store, slot);
	return parent < 0 ? -ENOENT : io_open_dirat(parent, store_slot_name(slot));
}

int store_ensure_slot(struct store *store, const char *slot)
{
	int fd = store_open_slot(store, slot);
	if (fd != -ENOENT)
		return fd;
	fd = store_ensure_dir(store, store_slot_parent(store, slot), store_slot_name(slot));
	if (fd >= 0)
		store_know_slot(store, slot);
	return fd;
}

static void last_place(const char *slot, char ret[STORE_PLACE_SIZE])
{
	char path[STORE_SLOT_PATH_SIZE];
	(void)snprintf(ret, STORE_PLACE_SIZE, "%s/last", store_slot_path(slot, path));
}

uint64_t store_read_last(struct store *store, int slot_fd, const char *slot)
{
	char place[STORE_PLACE_SIZE];
	uint64_t last = 0;
	last_place(slot, place);
	int r = store_read_kept_number(store, slot_fd, "last", place, &last);
	if (r == -EBADMSG)
		store_report_damage(store, place, "numbers of versions that were removed may be given again");
	else if (r < 0 && r != -ENOENT)
		log_warning("store: %s cannot be read (%s); numbers of removed versions may be given again", place,
			    strerror(-r));
	return last;
}

int store_keep_last(struct store *store, int slot_fd, const char *slot, uint64_t number)
{
	char place[STORE_PLACE_SIZE];
	if (number <= store_read_last(store, slot_fd, slot))
		return 0;
	last_place(slot, place);
	return store_keep_number(store, slot_fd, "last", place, number);
}
