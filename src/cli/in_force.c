#include "in_force.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "gate/governed.h"
#include "host.h"
#include "overview/overview.h"

#define STATUS	     ".vouchfs/policy/status"
#define STATUS_BYTES 262144
#define SLOT	     "policy"

void cli_in_force_done(struct cli_in_force *in_force)
{
	config_free(in_force->config);
	bundle_unref(in_force->bundle);
	*in_force = (struct cli_in_force){0};
}

/* ---- by the store ---- */

static int load_from_store(const char *path, struct cli_in_force *ret, struct buf *ret_errors)
{
	struct trust *trust = NULL;
	int r = governed_trust_load(path, &trust, ret_errors);
	if (r < 0)
		return r;
	const struct governed *governed = trust->governed;
	if (governed && governed->state == GOVERNED_IN_FORCE)
		ret->bundle = bundle_ref(governed->bundle);
	ret->config = trust->config;
	trust->config = NULL;
	trust_unref(trust);
	return 0;
}

/* ---- by the mount ---- */

static int read_bundle(int dirfd, const char *name, struct bundle **ret)
{
	struct explain why = {0};
	struct stat st = {0};
	int slot = io_open_dirat(dirfd, SLOT), fd = -1;
	int r = slot;
	if (r < 0)
		goto out;
	fd = openat(slot, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	r = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;
	if (r < 0)
		goto out;
	const struct io_reader reader = io_reader_fd(&fd, (uint64_t)st.st_size);
	r = bundle_read(&reader, ret, &why);
out:
	io_close(&fd);
	io_close(&slot);
	return r;
}

/* What the daemon says is in force; *ret stays NULL where nothing is. */
static int ask_mount(const char *path, struct bundle **ret)
{
	struct buf status = {0};
	char *state = NULL, *name = NULL;
	int dirfd = -1, r = cli_open_mount_if_any(path, &dirfd);
	if (r == 0)
		r = io_read_file(dirfd, STATUS, STATUS_BYTES, &status);
	if (r < 0)
		goto out;
	state = text_record_get(status.data, status.len, "state");
	name = text_record_get(status.data, status.len, "artifact");
	if (state && name && strcmp(state, OVERVIEW_POLICY_IN_FORCE) == 0)
		r = strchr(name, '/') ? -EBADMSG : read_bundle(dirfd, name, ret);
out:
	free(state);
	free(name);
	buf_done(&status);
	io_close(&dirfd);
	return r;
}

static int load_from_mount(const char *path, struct cli_in_force *ret, struct buf *ret_errors)
{
	if (ask_mount(path, &ret->bundle) < 0)
		return -EPERM;
	return config_load_governed(path, ret->bundle ? bundle_members(ret->bundle) : NULL, &ret->config, ret_errors);
}

int cli_in_force_load(const char *path, struct cli_in_force *ret, struct buf *ret_errors)
{
	struct cli_in_force found = {0};
	struct buf store_errors = {0};
	int r = config_load(path, &found.config, ret_errors);
	if (r < 0 || found.config->policy.publisher_count == 0)
		goto out;
	cli_in_force_done(&found);
	r = load_from_store(path, &found, &store_errors);
	if (r == -EACCES || r == -EPERM)
		r = load_from_mount(path, &found, ret_errors);
	if (r < 0 && ret_errors->len == 0 && store_errors.data && buf_puts(ret_errors, store_errors.data) < 0)
		r = -ENOMEM;
out:
	buf_done(&store_errors);
	if (r < 0)
		cli_in_force_done(&found);
	else
		*ret = found;
	return r;
}
