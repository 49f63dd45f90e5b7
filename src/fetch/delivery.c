#include "delivery.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/access.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"

#define WHY_BYTES_MAX 65536

/* ---- what is in force ---- */

/* A bundle that somebody brought has the name that he gave it. */
static enum delivery_slot compare_all(int directory, const struct io_names *names, const struct buf *bundle)
{
	enum delivery_slot found = DELIVERY_EMPTY;
	for (size_t i = 0; i < names->count && found != DELIVERY_SAME; i++) {
		struct buf there = {0};
		if (names->names[i][0] == '.')
			continue;
		bool is_same = io_read_file(directory, names->names[i], LIMIT_BUNDLE_ZIP_BYTES, &there) == 0 &&
			       there.len == bundle->len && memcmp(there.data, bundle->data, there.len) == 0;
		found = is_same ? DELIVERY_SAME : DELIVERY_OTHER;
		buf_done(&there);
	}
	return found;
}

enum delivery_slot delivery_compare(const char *mountpoint, const struct buf *bundle)
{
	struct io_names names = {0};
	enum delivery_slot found = DELIVERY_UNKNOWN;
	int directory = -1, mount = io_open_dir(mountpoint);
	if (mount >= 0)
		directory = io_open_dirat(mount, "policy");
	if (directory >= 0 && io_list_dir(directory, ".", &names) == 0) {
		found = compare_all(directory, &names, bundle);
		io_names_done(&names);
	}
	io_close(&directory);
	io_close(&mount);
	return found;
}

/* ---- writing ---- */

/* What is no verdict: the host has no room, or the mount is about to end. */
static bool may_pass(int r)
{
	static const int errors[] = {EIO,    ENOSPC, EDQUOT, ENOMEM,   ENFILE,	     EMFILE, EBUSY, EAGAIN,
				     ENODEV, ESTALE, ENOENT, ENOTCONN, ECONNABORTED, EROFS,  ENOSYS};
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (r == -errors[i])
			return true;
	return false;
}

static int write_all(int *fd, const struct buf *bundle)
{
	int r = io_write_full(*fd, bundle->data, bundle->len);
	int closed = close(*fd) < 0 ? -errno : 0;
	*fd = -1;
	return r < 0 ? r : closed;
}

static void explain_open(const char *mountpoint, int r, struct explain *why)
{
	char path[4096], words[ACCESS_WORDS_SIZE], user[ACCESS_USER_SIZE];
	(void)snprintf(path, sizeof(path), "%s/policy", mountpoint);
	if (r == -EACCES || r == -EPERM)
		explain_set(why,
			    "%s may not write to the slot of policy bundles: [policy] owner, group and mode say "
			    "who may, source_user who fetches",
			    access_user(geteuid(), user));
	else
		explain_set(why, "a bundle cannot be written: %s", access_words(path, r, words));
}

/* Could not be checked (VF3001) is no verdict either. */
static enum delivery_outcome explain_verdict(int mount, int r, struct explain *why)
{
	struct buf text = {0};
	char line[LIMIT_FETCH_LINE_BYTES];
	line[0] = '\0';
	if (io_read_file(mount, DELIVERY_WHY, WHY_BYTES_MAX, &text) == 0 && text.data)
		delivery_squeeze(text.data, line, sizeof(line));
	explain_set(why, "the bundle was refused: %s%s%s", strerror(-r), line[0] ? ": " : "", line);
	buf_done(&text);
	return text_starts_with(line, "VF3001") ? DELIVERY_FAILED : DELIVERY_REFUSED;
}

enum delivery_outcome delivery_put(const char *mountpoint, const struct buf *bundle, struct explain *ret_why)
{
	enum delivery_outcome outcome = DELIVERY_FAILED;
	int fd = -1, mount = io_open_dir(mountpoint);
	int r = fd = mount < 0 ? mount : io_openat(mount, DELIVERY_STAGING, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (r < 0) {
		explain_open(mountpoint, r, ret_why);
		goto out;
	}
	r = write_all(&fd, bundle);
	if (r == 0)
		r = io_renameat(mount, DELIVERY_STAGING, mount, DELIVERY_NAME);
	if (r == 0) {
		outcome = DELIVERY_TAKEN;
	} else if (may_pass(r)) {
		explain_set(ret_why, "a bundle cannot be written: %s", strerror(-r));
	} else {
		outcome = explain_verdict(mount, r, ret_why);
	}
	if (r < 0)
		(void)io_unlinkat(mount, DELIVERY_STAGING, 0);
out:
	io_close(&fd);
	io_close(&mount);
	return outcome;
}

int delivery_report(const char *mountpoint, const char *error)
{
	char line[LIMIT_FETCH_LINE_BYTES + 16];
	int len = error ? snprintf(line, sizeof(line), "error %.*s\n", (int)LIMIT_FETCH_LINE_BYTES, error)
			: snprintf(line, sizeof(line), "ok\n");
	int fd = -1, mount = io_open_dir(mountpoint);
	int r = fd = mount < 0 ? mount : io_openat(mount, DELIVERY_REPORT, O_WRONLY, 0);
	if (r >= 0)
		r = io_write_full(fd, line, (size_t)len);
	io_close(&fd);
	io_close(&mount);
	return r;
}
