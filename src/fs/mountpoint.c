#include "mountpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/access.h"
#include "base/io.h"
#include "base/text.h"
#include "fs/mount.h"
#include "kernel.h"
#include "mountinfo.h"

#define SHOWN_SIZE 256
#define DEAD_MAX   8 /* one on the other */

static const char *show(const char *text, char ret[SHOWN_SIZE])
{
	return text_escape_print(ret, SHOWN_SIZE, text, strlen(text));
}

void mountpoint_explain_table(int error, struct explain *why)
{
	explain_set(why,
		    "/proc/self/mountinfo cannot be read (%s), where mounts are looked up; `mount -t proc proc /proc` "
		    "makes it visible",
		    strerror(-error));
}

/* ---- mounts that have lost their process ---- */

/* Only what is a FUSE mount is touched: whoever asks an automount point whether it lives mounts it, or waits. */
static bool is_dead(const struct mountinfo_entry *there)
{
	return there && text_starts_with(there->type, "fuse") && kernel_ask(there->mountpoint) == KERNEL_LOST;
}

static bool is_own(const struct mountinfo_entry *mount)
{
	return mountinfo_is_vouchfs(mount) && (geteuid() == 0 || (mount->has_user && mount->user == geteuid()));
}

static int refuse_dead(const struct mountinfo_entry *dead, struct explain *why)
{
	char path[SHOWN_SIZE], type[SHOWN_SIZE];
	(void)show(dead->mountpoint, path);
	if (mountinfo_is_vouchfs(dead))
		explain_set(why,
			    "a mount on %s has lost its process; it is another user's: root, or he, takes it away with "
			    "`vouchfs unmount -l %s`",
			    path, path);
	else
		explain_set(why,
			    "a mount of type %s on %s has lost its process; it is not of vouchfs, so it is left alone: "
			    "`umount -l %s` takes it away",
			    show(dead->type, type), path, path);
	return -ENOTCONN;
}

static int take_away(const struct mountinfo_entry *dead, struct explain *why)
{
	char path[SHOWN_SIZE];
	if (!is_own(dead))
		return refuse_dead(dead, why);
	int r = dead->read_only ? kernel_unmount(dead->mountpoint, true) : fs_unmount(dead->mountpoint, true, why);
	if (r == 0)
		(void)fprintf(stderr, "vouchfs: the mount on %s had lost its process, and was taken away\n",
			      show(dead->mountpoint, path));
	else if (dead->read_only)
		explain_set(why, "the mount on %s has lost its process, and cannot be taken away: %s",
			    show(dead->mountpoint, path), strerror(-r));
	return r;
}

/* 1: something was taken away, so look again; 0: nothing is dead. */
static int clear_one(const struct plan_request *request, struct explain *why)
{
	struct mountinfo info;
	int r = mountinfo_read(&info);
	if (r < 0) {
		mountpoint_explain_table(r, why);
		return r;
	}
	const struct mountinfo_entry *dead = mountinfo_at(&info, request->mountpoint);
	if (!is_dead(dead))
		dead = mountinfo_find_tree(&info, plan_mount_type(request->kind), request->source, geteuid());
	if (is_dead(dead)) {
		r = take_away(dead, why);
		r = r == 0 ? 1 : r;
	}
	mountinfo_done(&info);
	return r;
}

static int clear_dead(const struct plan_request *request, struct explain *why)
{
	int r = 1;
	for (int tries = 0; r > 0 && tries < DEAD_MAX; tries++)
		r = clear_one(request, why);
	return r < 0 ? r : 0;
}

int mountpoint_clear_run(const char *run_mountpoint, struct explain *ret_why)
{
	struct mountinfo info;
	int r = mountinfo_read(&info);
	if (r < 0) {
		mountpoint_explain_table(r, ret_why);
		return r;
	}
	const struct mountinfo_entry *there = mountinfo_at(&info, run_mountpoint);
	if (is_dead(there))
		r = take_away(there, ret_why);
	mountinfo_done(&info);
	return r;
}

/* ---- what is mounted ---- */

static int check_mounts(const struct mountinfo *info, const struct plan_request *request, struct explain *why)
{
	const char *type = plan_mount_type(request->kind), *noun = plan_source_noun(type);
	char path[SHOWN_SIZE];
	const struct mountinfo_entry *there = mountinfo_at(info, request->mountpoint);
	if (there && strcmp(there->type, type) == 0 && strcmp(there->source, request->source) == 0) {
		explain_set(why, "%s is mounted already, with this %s", request->mountpoint, noun);
		return -EBUSY;
	}
	if (there && mountinfo_is_vouchfs(there)) {
		explain_set(why, "%s is mounted already, with the %s %s; `vouchfs unmount %s` frees it",
			    request->mountpoint, plan_source_noun(there->type), show(there->source, path),
			    request->mountpoint);
		return -EBUSY;
	}
	const struct mountinfo_entry *other = mountinfo_find_tree(info, type, request->source, geteuid());
	if (other) {
		(void)show(other->mountpoint, path);
		explain_set(why, "%s is mounted already, on %s; a %s has one mount: `vouchfs unmount %s` ends that",
			    request->source, path, noun, path);
		return -EBUSY;
	}
	return 0;
}

/* ---- the directory ---- */

/* As fusermount3 asks. */
static int check_user(const char *mountpoint, const struct stat *st, struct explain *why)
{
	bool is_sticky = (st->st_mode & S_ISVTX) && st->st_uid != geteuid();
	char owner[ACCESS_USER_SIZE], self[ACCESS_USER_SIZE];
	if (geteuid() == 0 || (!is_sticky && access(mountpoint, W_OK) == 0))
		return 0;
	explain_set(
		why,
		"the mountpoint %s belongs to %s, and %s may not write it; a user mounts on a directory of his own: "
		"`mkdir -p ~/functions`",
		mountpoint, access_user(st->st_uid, owner), access_user(geteuid(), self));
	return -EACCES;
}

static int check_directory(const char *mountpoint, struct explain *why)
{
	char words[ACCESS_WORDS_SIZE];
	struct stat st;
	if (stat(mountpoint, &st) < 0) {
		int r = -errno;
		if (r == -ENOENT)
			explain_set(why, "the mountpoint %s does not exist; `mkdir -p %s` makes it", mountpoint,
				    mountpoint);
		else
			explain_set(why, "the mountpoint %s: %s", mountpoint, access_words(mountpoint, r, words));
		return r;
	}
	if (!S_ISDIR(st.st_mode)) {
		explain_set(why, "the mountpoint %s is not a directory; `mkdir -p` makes one under another name",
			    mountpoint);
		return -ENOTDIR;
	}
	return check_user(mountpoint, &st, why);
}

int mountpoint_prepare(const struct plan_request *request, struct explain *ret_why)
{
	struct mountinfo info = {0};
	int r = clear_dead(request, ret_why);
	if (r < 0)
		return r;
	r = mountinfo_read(&info);
	if (r < 0) {
		mountpoint_explain_table(r, ret_why);
		return r;
	}
	r = check_mounts(&info, request, ret_why);
	mountinfo_done(&info);
	return r < 0 ? r : check_directory(request->mountpoint, ret_why);
}

/* Whoever lists an automount point mounts it, or waits for that. */
static bool is_automount(const char *mountpoint)
{
	struct mountinfo info;
	if (mountinfo_read(&info) < 0)
		return false;
	const struct mountinfo_entry *there = mountinfo_at(&info, mountpoint);
	bool is_one = there && strcmp(there->type, "autofs") == 0;
	mountinfo_done(&info);
	return is_one;
}

int mountpoint_check_empty(const char *mountpoint, struct explain *ret_why)
{
	struct io_names names = {0};
	char first[SHOWN_SIZE];
	int fd = is_automount(mountpoint) ? -1 : io_open_dir(mountpoint), r = 0;
	if (fd >= 0 && io_list_dir(fd, ".", &names) == 0 && names.count > 0) {
		explain_set(
			ret_why,
			"the mountpoint %s is not empty: \"%s\"%s would be hidden while it is mounted; use an empty "
			"directory, or say -o nonempty",
			mountpoint, show(names.names[0], first), names.count > 1 ? " and others" : "");
		r = -ENOTEMPTY;
	}
	io_names_done(&names);
	io_close(&fd);
	return r;
}
