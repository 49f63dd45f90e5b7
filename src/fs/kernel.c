#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/limits.h"
#include "fs/mount.h"
#include "mountinfo.h"
#include "refusal.h"

#define TYPE_PREFIX	  "fuse." /* fusermount3 puts it before the subtype */
#define READ_AHEAD_KIB	  "1024\n"
#define MOUNT_OPTION_SIZE 128

extern char **environ;

static int mount_as_root(const struct kernel_mount *what, int *ret_fd, struct explain *why)
{
	int fd = open(REFUSAL_FUSE_DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		int r = -errno;
		refusal_explain_device(r, why);
		return r;
	}
	char options[MOUNT_OPTION_SIZE];
	(void)snprintf(options, sizeof(options),
		       "fd=%d,rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other", fd);
	unsigned long flags = MS_NOSUID | MS_NODEV | (what->read_only ? MS_RDONLY : 0) |
			      (what->no_exec ? MS_NOEXEC : 0);
	if (mount(what->source, what->mountpoint, what->type, flags, options) < 0) {
		int r = -errno;
		refusal_explain_mount(r, what->mountpoint, why);
		io_close(&fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

/* libfuse takes a mount's options when a session is made; this one is used for nothing else. */
static int session_for_mount(const struct kernel_mount *what, struct fuse_session **ret)
{
	char *options = NULL, *named_source = NULL, *subtype = NULL;
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	static const struct fuse_lowlevel_ops no_operations;
	struct fuse_session *session = NULL;

	if (asprintf(&named_source, "fsname=%s", what->source) < 0)
		named_source = NULL;
	if (asprintf(&subtype, "subtype=%s", what->type + strlen(TYPE_PREFIX)) < 0)
		subtype = NULL;
	bool ok = named_source && subtype && fuse_opt_add_opt(&options, "default_permissions,nosuid,nodev") == 0 &&
		  fuse_opt_add_opt(&options, subtype) == 0 && fuse_opt_add_opt_escaped(&options, named_source) == 0 &&
		  (!what->allow_other || fuse_opt_add_opt(&options, "allow_other") == 0) &&
		  (!what->read_only || fuse_opt_add_opt(&options, "ro") == 0) &&
		  (!what->no_exec || fuse_opt_add_opt(&options, "noexec") == 0) &&
		  fuse_opt_add_arg(&args, "vouchfs") == 0 && fuse_opt_add_arg(&args, "-o") == 0 &&
		  fuse_opt_add_arg(&args, options) == 0;
	if (ok)
		session = fuse_session_new(&args, &no_operations, sizeof(no_operations), NULL);
	fuse_opt_free_args(&args);
	free(options);
	free(named_source);
	free(subtype);
	if (!session)
		return -ENOMEM;
	*ret = session;
	return 0;
}

static int mount_as_user(const struct kernel_mount *what, int *ret_fd, struct explain *why)
{
	struct fuse_session *session = NULL;
	int r = session_for_mount(what, &session);
	if (r < 0) {
		explain_set(why, "%s", strerror(-r));
		return r;
	}
	if (fuse_session_mount(session, what->mountpoint) != 0) { /* fusermount3 has said why */
		refusal_explain_user(what, why);
		r = -EPERM;
		goto out;
	}
	int fd = fcntl(fuse_session_fd(session), F_DUPFD_CLOEXEC, 3);
	if (fd < 0) {
		r = -errno;
		explain_set(why, "%s", strerror(-r));
		goto out;
	}
	*ret_fd = fd;
out:
	fuse_session_destroy(session);
	return r;
}

int kernel_mount(const struct kernel_mount *what, int *ret_fd, struct explain *ret_why)
{
	return geteuid() == 0 ? mount_as_root(what, ret_fd, ret_why) : mount_as_user(what, ret_fd, ret_why);
}

/* It prints nothing with -q and exits 1 whatever the reason; that the mount is in use is the one that is left. */
static int run_fusermount(const char *mountpoint, bool lazy)
{
	char program[] = "fusermount3", unmount[] = "-u", quiet[] = "-q", detach[] = "-z", end[] = "--";
	char *argv[] = {program, unmount, quiet, lazy ? detach : quiet, end, (char *)mountpoint, NULL};
	pid_t pid;
	int r = posix_spawnp(&pid, program, NULL, NULL, argv, environ);
	if (r != 0)
		return -r;
	int status;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EBUSY;
}

/* stat may be answered from the cache, statvfs never. */
static bool has_lost_process(const char *mountpoint)
{
	struct stat st;
	struct statvfs fs;
	return (stat(mountpoint, &st) < 0 || statvfs(mountpoint, &fs) < 0) && errno == ENOTCONN;
}

/* A request that nobody has taken yet can be killed, with who waits for it. */
static enum kernel_answer await_answer(pid_t child)
{
	int status = 0, fd = pidfd_open(child, 0);
	struct pollfd end = {.fd = fd, .events = POLLIN};
	bool is_over = fd < 0 || poll(&end, 1, LIMIT_MOUNT_ANSWER_MS) != 0;
	io_close(&fd);
	if (!is_over) {
		(void)kill(child, SIGKILL);
		(void)waitpid(child, NULL, WNOHANG);
		return KERNEL_SILENT;
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return KERNEL_ANSWERS;
	return WIFEXITED(status) && WEXITSTATUS(status) == KERNEL_LOST ? KERNEL_LOST : KERNEL_ANSWERS;
}

enum kernel_answer kernel_ask(const char *mountpoint)
{
	pid_t child = fork();
	if (child == 0)
		_exit(has_lost_process(mountpoint) ? KERNEL_LOST : KERNEL_ANSWERS);
	if (child < 0)
		return has_lost_process(mountpoint) ? KERNEL_LOST : KERNEL_ANSWERS;
	return await_answer(child);
}

int kernel_unmount(const char *mountpoint, bool lazy)
{
	if (geteuid() != 0)
		return run_fusermount(mountpoint, lazy);
	return umount2(mountpoint, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) < 0 ? -errno : 0;
}

void kernel_raise_read_ahead(const char *mountpoint)
{
	struct mountinfo info;
	if (geteuid() != 0 || mountinfo_read(&info) < 0)
		return;
	const struct mountinfo_entry *entry = mountinfo_at(&info, mountpoint);
	char path[64];
	int fd = -1;
	if (entry && mountinfo_is_vouchfs(entry) &&
	    snprintf(path, sizeof(path), "/sys/class/bdi/%s/read_ahead_kb", entry->device) < (int)sizeof(path))
		fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)io_write_full(fd, READ_AHEAD_KIB, strlen(READ_AHEAD_KIB));
	io_close(&fd);
	mountinfo_done(&info);
}

const char *fs_library_version(void)
{
	return fuse_pkgversion();
}
