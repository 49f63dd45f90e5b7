/* report_history.c - of `vouchfs report`: the releases that are kept, of the mount or of the store, within bounds. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/limits.h"
#include "history.h"
#include "host.h"
#include "report.h"
#include "verify.h"

#define PATH_SIZE 128

/* Where histories come from: one of the two. */
struct origin {
	int mount_dirfd;
	const struct trust *trust;
	struct store *store;
};

static int read_history(const struct origin *from, const char *function, struct buf *ret)
{
	char path[PATH_SIZE];
	if (from->store)
		return history_of_store(from->trust, from->store, function, true, ret);
	(void)snprintf(path, sizeof(path), ".vouchfs/history/functions/%s.json", function);
	return io_read_file(from->mount_dirfd, path, LIMIT_HISTORY_BYTES, ret);
}

/* One that went meanwhile is no failure. */
static int add_history(const struct origin *from, const char *function, struct overview_histories *to)
{
	size_t room = LIMIT_REPORT_RELEASES - to->release_count;
	struct buf text = {0};
	int r = read_history(from, function, &text);
	if (r == 0)
		r = overview_add_history(to, text.data, text.len,
					 room < LIMIT_REPORT_RELEASES_PER_SLOT ? room : LIMIT_REPORT_RELEASES_PER_SLOT);
	buf_done(&text);
	return r == -ENOENT ? 0 : r;
}

static int add_all(const struct origin *from, const struct overview *overview, struct overview_histories *to)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < overview->slot_count; i++) {
		const struct overview_slot *slot = &overview->slots[i];
		if (slot->is_layer || slot->kept_count == 0)
			continue;
		if (to->release_count >= LIMIT_REPORT_RELEASES)
			to->left_out++;
		else
			r = add_history(from, slot->name, to);
		if (r < 0)
			cli_error("history of %s: %s", slot->name, strerror(-r));
	}
	return r;
}

static int add_of_mount(const char *given_config, const struct overview *overview, struct overview_histories *to)
{
	struct origin from = {.mount_dirfd = -1};
	int r = cli_open_mount(given_config, &from.mount_dirfd);
	if (r == 0)
		r = add_all(&from, overview, to);
	io_close(&from.mount_dirfd);
	return r < 0 ? CLI_EXIT_FAILURE : CLI_EXIT_OK;
}

static int add_of_store(const char *given_config, const struct overview *overview, struct overview_histories *to)
{
	struct trust *trust = NULL;
	struct origin from = {.mount_dirfd = -1};
	if (cli_load_trust(cli_config_path(given_config), &trust) < 0 || !trust)
		return CLI_EXIT_CONFIG;
	from.trust = trust;
	int r = history_open_store(trust, &from.store);
	if (r == 0)
		r = add_all(&from, overview, to);
	store_close(from.store);
	trust_unref(trust);
	return r < 0 ? CLI_EXIT_FAILURE : CLI_EXIT_OK;
}

int report_find_histories(const char *given_config, const struct overview *overview, struct overview_histories **ret)
{
	struct overview_histories *histories = overview_histories_new();
	if (!histories) {
		cli_error("%s", strerror(ENOMEM));
		return CLI_EXIT_FAILURE;
	}
	int code = overview->is_mounted ? add_of_mount(given_config, overview, histories)
					: add_of_store(given_config, overview, histories);
	if (code == CLI_EXIT_OK)
		*ret = histories;
	else
		overview_histories_free(histories);
	return code;
}
