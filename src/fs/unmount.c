/*
 * Unmounting, from outside the processes that serve: the run side where there is one, the tree, then the wait for the
 * supervisor's end. It is found through the lock that it holds (runtime.h), so nobody can make root wait for, or
 * signal, a foreign process.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"
#include "fs/mount.h"
#include "kernel.h"
#include "mountinfo.h"
#include "mountpoint.h"
#include "runtime.h"

#define TREE_RETRY_MS	   10000
#define TREE_PAUSE_MS	   50
#define PROCESS_END_MAX_MS 60000
#define ESCAPED_PATH_MAX   256

struct unmounting {
	const char *mountpoint;
	bool lazy;
	const struct mountinfo_entry *tree; /* the deploy side, or the signing slots */
	const struct mountinfo_entry *run;  /* or NULL */
	int process;			    /* pidfd of the supervisor; -1: unknown */
	struct explain *why;
};

/* One that this user may unmount. */
static int find_mount(const struct unmounting *u, const struct mountinfo *info, const struct mountinfo_entry **ret)
{
	const struct mountinfo_entry *mount = mountinfo_at(info, u->mountpoint);
	if (!mount) {
		explain_set(u->why, "nothing is mounted on %s", u->mountpoint);
		return -ENOENT;
	}
	if (!mountinfo_is_vouchfs(mount)) {
		char type[64];
		explain_set(u->why, "%s is no vouchfs mount, its type is %s", u->mountpoint,
			    text_escape_print(type, sizeof(type), mount->type, strlen(mount->type)));
		return -EINVAL;
	}
	if (geteuid() != 0 && (!mount->has_user || mount->user != geteuid())) {
		explain_set(u->why, "%s was mounted by another user", u->mountpoint);
		return -EPERM;
	}
	*ret = mount;
	return 0;
}

static int find_sides(struct unmounting *u, const struct mountinfo *info)
{
	int r = find_mount(u, info, &u->tree);
	if (r < 0)
		return r;
	if (u->tree->read_only) {
		explain_set(u->why, "%s is the run side; unmount the directory that holds functions/", u->mountpoint);
		return -EINVAL;
	}
	u->run = mountinfo_find_run(info, u->tree);
	return 0;
}

/* Only ours: another user's runtime directory proves nothing to us. */
static int find_process(const struct mountinfo_entry *tree)
{
	struct runtime runtime;
	int pidfd = -1;
	if (!tree->has_user || tree->user != geteuid() || runtime_open(tree->source, false, &runtime, NULL) < 0)
		return -1;
	if (runtime_holder(&runtime, &pidfd) < 0)
		pidfd = -1;
	runtime_done(&runtime);
	return pidfd;
}

static int explain_failure(const struct unmounting *u, const char *path, int error)
{
	char shown[ESCAPED_PATH_MAX];
	(void)text_escape_print(shown, sizeof(shown), path, strlen(path));
	if (error == -ENOTCONN)
		explain_set(u->why, "the process behind %s is gone; --lazy takes the mount away", shown);
	else
		explain_set(u->why, "%s: %s", shown, strerror(-error));
	return error;
}

static int unmount_run(const struct unmounting *u)
{
	if (!u->run)
		return 0;
	int r = kernel_unmount(u->run->mountpoint, u->lazy);
	if (r == 0 || u->lazy) /* lazily, the deploy side takes it along */
		return 0;
	if (r != -EBUSY)
		return explain_failure(u, u->run->mountpoint, r);
	char shown[ESCAPED_PATH_MAX];
	(void)text_escape_print(shown, sizeof(shown), u->run->mountpoint, strlen(u->run->mountpoint));
	explain_set(u->why,
		    "%s is in use, nothing was unmounted; `fuser -vm %s` shows by whom, --lazy unmounts it all the "
		    "same and whoever uses it gets errors",
		    shown, shown);
	return -EBUSY;
}

/* An upload that is being judged ends soon; a shell that sits there does not. */
static int unmount_tree(const struct unmounting *u)
{
	uint64_t until_ms = clock_monotonic_ms() + TREE_RETRY_MS;
	int r;
	while ((r = kernel_unmount(u->mountpoint, u->lazy)) == -EBUSY && clock_monotonic_ms() < until_ms) {
		const struct timespec pause = {.tv_nsec = TREE_PAUSE_MS * 1000000L};
		(void)nanosleep(&pause, NULL);
	}
	if (r == -EINVAL && u->run)
		r = 0; /* without its run side the daemon stops by itself, and was quicker */
	if (r == -EBUSY)
		explain_set(u->why,
			    "%s is still in use after %d s%s; `fuser -vm %s` shows by whom, --lazy unmounts it all "
			    "the same and whoever uses it gets errors",
			    u->mountpoint, TREE_RETRY_MS / 1000, u->run ? ", its run side is unmounted already" : "",
			    u->mountpoint);
	else if (r < 0)
		(void)explain_failure(u, u->mountpoint, r);
	return r;
}

static int await_process(const struct unmounting *u)
{
	if (u->process < 0)
		return 0;
	if (u->lazy) /* it would serve what is still open */
		(void)pidfd_send_signal(u->process, SIGTERM, NULL, 0);

	uint64_t until_ms = clock_monotonic_ms() + PROCESS_END_MAX_MS;
	for (;;) {
		uint64_t now_ms = clock_monotonic_ms();
		struct pollfd fd = {.fd = u->process, .events = POLLIN};
		int count = poll(&fd, 1, now_ms < until_ms ? (int)(until_ms - now_ms) : 0);
		if (count > 0)
			return 0;
		if (count == 0) {
			explain_set(u->why, "%s is unmounted, but its process has not ended within %d s", u->mountpoint,
				    PROCESS_END_MAX_MS / 1000);
			return -ETIMEDOUT;
		}
	}
}

/* The directory of a supervisor that was killed; one that lives, or begins, has the lock. */
static void remove_leftovers(const struct mountinfo_entry *tree)
{
	struct runtime runtime;
	if (!tree->has_user || tree->user != geteuid() || runtime_open(tree->source, false, &runtime, NULL) < 0)
		return;
	if (runtime_lock(&runtime, NULL) == 0)
		runtime_remove(&runtime);
	else
		runtime_done(&runtime);
}

int fs_unmount(const char *mountpoint, bool lazy, struct explain *ret_why)
{
	struct unmounting u = {.mountpoint = mountpoint, .lazy = lazy, .process = -1, .why = ret_why};
	struct mountinfo info = {0};
	int r = mountinfo_read(&info);
	if (r < 0) {
		mountpoint_explain_table(r, ret_why);
		return r;
	}
	r = find_sides(&u, &info);
	if (r < 0)
		goto out;
	u.process = find_process(u.tree);
	r = unmount_run(&u);
	if (r == 0)
		r = unmount_tree(&u);
	if (r == 0)
		r = await_process(&u);
	if (r == 0)
		remove_leftovers(u.tree);
out:
	io_close(&u.process);
	mountinfo_done(&info);
	return r;
}

int fs_unmount_side(const char *mountpoint, bool lazy, struct explain *ret_why)
{
	struct unmounting u = {.mountpoint = mountpoint, .lazy = lazy, .process = -1, .why = ret_why};
	struct mountinfo info;
	int r = mountinfo_read(&info);
	if (r < 0) {
		mountpoint_explain_table(r, ret_why);
		return r;
	}
	r = find_mount(&u, &info, &u.run);
	bool is_run = r == 0 && u.run->read_only;
	if (is_run)
		r = unmount_run(&u);
	mountinfo_done(&info);
	return r < 0 || is_run ? r : fs_unmount(mountpoint, lazy, ret_why);
}

int fs_unmount_stale(const char *mountpoint, struct explain *ret_why)
{
	return kernel_ask(mountpoint) == KERNEL_LOST ? fs_unmount(mountpoint, true, ret_why) : 0;
}
