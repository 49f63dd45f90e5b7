#include "runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"

#define LOCK_NAME  "lock"
#define RUN_NAME   "run"
#define LOCK_TRIES 10

static const char *const outcome_names[RUNTIME_OUTCOMES] = {
	[RUNTIME_RELOAD] = "reload",
	[RUNTIME_RESTART] = "restart",
};
static const char *const asked_names[RUNTIME_OUTCOMES] = {
	[RUNTIME_RELOAD] = "reload.asked",
	[RUNTIME_RESTART] = "restart.asked",
};

/* FNV-1a, 64 bit (http://www.isthe.com/chongo/tech/comp/fnv/). Only a name: the directory's owner is what counts. */
static uint64_t hash_path(const char *path)
{
	uint64_t hash = 0xcbf29ce484222325U;
	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * 0x100000001b3U;
	return hash;
}

/* A directory that is ours alone. -EPERM: somebody else's, or open to others. */
static int open_private(const char *path, bool create, mode_t forbidden_mode)
{
	if (create && mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOTDIR || errno == ELOOP ? -EPERM : -errno;

	struct stat st;
	int r = fstat(fd, &st) < 0 ? -errno : 0;
	if (r == 0 && (st.st_uid != geteuid() || (st.st_mode & forbidden_mode)))
		r = -EPERM;
	if (r < 0)
		io_close(&fd);
	return r < 0 ? r : fd;
}

/* Where runtime directories of this user lie. */
static int open_base(bool create, char ret_path[RUNTIME_PATH_SIZE])
{
	if (geteuid() == 0) {
		(void)snprintf(ret_path, RUNTIME_PATH_SIZE, "/run");
		return open_private(ret_path, false, S_IWGRP | S_IWOTH);
	}
	const char *given = getenv("XDG_RUNTIME_DIR");
	if (given && given[0] == '/' && snprintf(ret_path, RUNTIME_PATH_SIZE, "%s", given) < RUNTIME_PATH_SIZE) {
		int fd = open_private(ret_path, false, S_IRWXG | S_IRWXO);
		if (fd >= 0)
			return fd;
	}
	(void)snprintf(ret_path, RUNTIME_PATH_SIZE, "/tmp/vouchfs-%u", geteuid());
	return open_private(ret_path, create, S_IRWXG | S_IRWXO);
}

int runtime_open(const char *source, bool create, struct runtime *ret, struct explain *ret_why)
{
	struct runtime runtime = {.dirfd = -1, .lock_fd = -1};
	char base_path[RUNTIME_PATH_SIZE];
	char *path = runtime.path;
	int r, base = open_base(create, base_path);
	if (base < 0) {
		r = base;
		path = base_path;
		goto out;
	}
	r = -ENAMETOOLONG;
	if (snprintf(path, sizeof(runtime.path), "%s/vouchfs-%016llx", base_path,
		     (unsigned long long)hash_path(source)) >= (int)sizeof(runtime.path))
		goto out;
	r = runtime.dirfd = open_private(path, create, geteuid() == 0 ? S_IWOTH : S_IRWXG | S_IRWXO);
	if (r >= 0 && create && fchmod(runtime.dirfd, 0700) < 0) {
		r = -errno;
		io_close(&runtime.dirfd);
	}
	if (r < 0)
		goto out;
	*ret = runtime;
	r = 0;
out:
	if (r == -EPERM)
		explain_set(ret_why, "%s is not a directory that only this user may use", path);
	else if (r < 0)
		explain_set(ret_why, "%s: %s", path, strerror(-r));
	io_close(&base);
	return r;
}

void runtime_done(struct runtime *runtime)
{
	io_close(&runtime->lock_fd);
	io_close(&runtime->dirfd);
}

static struct flock whole_file(short type)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

/* The process that keeps us from locking; 0: none. */
static pid_t blocking_process(int fd)
{
	struct flock lock = whole_file(F_WRLCK);
	if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid;
}

/* A process that ends removes its file: one that was opened before that and locked after it is nobody's. */
static bool is_still_there(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && st.st_nlink > 0;
}

static int remove_outcomes(const struct runtime *runtime)
{
	int r = 0;
	for (size_t i = 0; i < RUNTIME_OUTCOMES && r == 0; i++) {
		r = io_unlinkat(runtime->dirfd, outcome_names[i], 0);
		if (r == 0)
			r = io_unlinkat(runtime->dirfd, asked_names[i], 0);
	}
	return r;
}

static void explain_busy(int fd, struct explain *why)
{
	explain_set(why,
		    "process %ld serves it already, or is still ending; `vouchfs unmount` of its mountpoint waits for "
		    "the end",
		    (long)blocking_process(fd));
}

int runtime_lock(struct runtime *runtime, struct explain *ret_why)
{
	for (int tries = 0; tries < LOCK_TRIES; tries++) {
		int fd = io_openat(runtime->dirfd, LOCK_NAME, O_RDWR | O_CREAT, 0600);
		if (fd < 0) {
			explain_set(ret_why, "%s/%s: %s", runtime->path, LOCK_NAME, strerror(-fd));
			return fd;
		}
		struct flock lock = whole_file(F_WRLCK);
		if (fcntl(fd, F_SETLK, &lock) < 0) {
			explain_busy(fd, ret_why);
			io_close(&fd);
			return -EBUSY;
		}
		if (is_still_there(fd)) {
			runtime->lock_fd = fd;
			return remove_outcomes(runtime); /* of a process that was killed */
		}
		io_close(&fd);
	}
	explain_set(ret_why, "%s/%s cannot be locked", runtime->path, LOCK_NAME);
	return -EBUSY;
}

int runtime_lock_again(struct runtime *runtime, struct explain *ret_why)
{
	struct flock lock = whole_file(F_WRLCK);
	if (fcntl(runtime->lock_fd, F_SETLK, &lock) < 0) {
		explain_busy(runtime->lock_fd, ret_why);
		return -EBUSY;
	}
	return remove_outcomes(runtime);
}

/* Others pass through, to the run side. */
int runtime_share(struct runtime *runtime, gid_t gid)
{
	return fchown(runtime->dirfd, (uid_t)-1, gid) < 0 || fchmod(runtime->dirfd, 0771) < 0 ? -errno : 0;
}

int runtime_holder(const struct runtime *runtime, int *ret_pidfd)
{
	int fd = io_openat(runtime->dirfd, LOCK_NAME, O_RDWR, 0);
	if (fd < 0)
		return fd == -ENOENT ? -ESRCH : fd;

	int r = -ESRCH, pidfd = -1;
	pid_t pid = blocking_process(fd);
	if (pid <= 0)
		goto out;
	pidfd = pidfd_open(pid, 0);
	if (pidfd < 0) {
		r = -errno;
		goto out;
	}
	if (blocking_process(fd) != pid) /* it ended, and the number may be another's by now */
		goto out;
	*ret_pidfd = pidfd;
	pidfd = -1;
	r = 0;
out:
	io_close(&pidfd);
	io_close(&fd);
	return r;
}

void runtime_remove(struct runtime *runtime)
{
	(void)remove_outcomes(runtime);
	(void)io_unlinkat(runtime->dirfd, RUN_NAME, AT_REMOVEDIR);
	(void)io_unlinkat(runtime->dirfd, LOCK_NAME, 0);
	(void)rmdir(runtime->path);
	runtime_done(runtime);
}

static int put(const struct runtime *runtime, const char *name, uint64_t request, const char *errors)
{
	struct buf text = {0};
	int r = buf_printf(&text, "%llu\n%s", (unsigned long long)request, errors);
	if (r == 0)
		r = io_write_file(runtime->dirfd, name, text.data, text.len, 0600, false);
	buf_done(&text);
	return r;
}

static int get(const struct runtime *runtime, const char *name, uint64_t *ret_request, struct buf *ret_errors)
{
	struct buf text = {0};
	uint64_t request;
	int r = io_read_file(runtime->dirfd, name, LIMIT_RECORD_BYTES, &text);
	if (r == -ENOENT) {
		*ret_request = 0;
		r = 0;
		goto out;
	}
	if (r < 0)
		goto out;
	r = -EBADMSG;
	char *end = text.data ? strchr(text.data, '\n') : NULL;
	if (!end || !text_parse_u64(text.data, (size_t)(end - text.data), UINT64_MAX, &request))
		goto out;
	r = ret_errors ? buf_puts(ret_errors, end + 1) : 0;
	if (r == 0)
		*ret_request = request;
out:
	buf_done(&text);
	return r;
}

int runtime_put_request(struct runtime *runtime, enum runtime_outcome of)
{
	int r = put(runtime, asked_names[of], runtime->asked[of] + 1, "");
	if (r == 0)
		runtime->asked[of]++;
	return r;
}

int runtime_get_request(const struct runtime *runtime, enum runtime_outcome of, uint64_t *ret_request)
{
	return get(runtime, asked_names[of], ret_request, NULL);
}

int runtime_put_outcome(const struct runtime *runtime, enum runtime_outcome of, uint64_t request, const char *errors)
{
	return put(runtime, outcome_names[of], request, errors);
}

int runtime_get_outcome(const struct runtime *runtime, enum runtime_outcome of, uint64_t *ret_request,
			struct buf *ret_errors)
{
	return get(runtime, outcome_names[of], ret_request, ret_errors);
}
