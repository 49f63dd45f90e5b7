#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/random.h"

/* Runs a libc call until it is not interrupted; -errno on failure. */
#define COPY_BYTES ((size_t)1 << 20)

#define RETRY(call)                                                                                                    \
	({                                                                                                             \
		__typeof__(call) result_;                                                                              \
		do                                                                                                     \
			result_ = (call);                                                                              \
		while (result_ < 0 && errno == EINTR);                                                                 \
		result_ < 0 ? (__typeof__(call))-errno : result_;                                                      \
	})

int io_open_dir(const char *path)
{
	return RETRY(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

int io_openat(int dirfd, const char *rel, int flags, mode_t mode)
{
	if (flags & O_CREAT) {
		int r = io_fault("openat");
		if (r < 0)
			return r;
	}
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC | O_NOFOLLOW),
		.mode = flags & (O_CREAT | O_TMPFILE) ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd;
	do
		fd = RETRY(syscall(SYS_openat2, dirfd, rel, &how, sizeof(how)));
	while (fd == -EAGAIN);
	return (int)fd;
}

int io_open_dirat(int dirfd, const char *rel)
{
	return io_openat(dirfd, rel, O_RDONLY | O_DIRECTORY, 0);
}

/* The directory that holds rel, opened; *ret_name points to the last component. */
static int open_parent(int dirfd, const char *rel, const char **ret_name)
{
	const char *slash = strrchr(rel, '/');
	if (!slash) {
		*ret_name = rel;
		return io_open_dirat(dirfd, ".");
	}
	char parent[512];
	size_t len = (size_t)(slash - rel);
	if (len >= sizeof(parent))
		return -ENAMETOOLONG;
	memcpy(parent, rel, len);
	parent[len] = '\0';
	*ret_name = slash + 1;
	return io_open_dirat(dirfd, parent);
}

/* The last step of a path that is to be changed, from the directory that it is in: no link leads elsewhere. */
struct step {
	int dirfd; /* to be closed where it is not the caller's */
	const char *name;
	int given;
};

static int step_to(int dirfd, const char *rel, struct step *ret)
{
	*ret = (struct step){.dirfd = dirfd, .name = rel, .given = dirfd};
	if (dirfd == AT_FDCWD || !strchr(rel, '/')) /* the administrator's, or a bare name */
		return 0;
	int r = ret->dirfd = open_parent(dirfd, rel, &ret->name);
	return r < 0 ? r : 0;
}

static void step_done(struct step *step)
{
	if (step->dirfd != step->given)
		io_close(&step->dirfd);
}

/* Both ends of a link or a rename. */
struct steps {
	struct step from, to;
};

static int steps_to(int from_dirfd, const char *from, int to_dirfd, const char *to, struct steps *ret)
{
	int r = step_to(from_dirfd, from, &ret->from);
	if (r < 0)
		return r;
	r = step_to(to_dirfd, to, &ret->to);
	if (r < 0)
		step_done(&ret->from);
	return r;
}

static void steps_done(struct steps *steps)
{
	step_done(&steps->from);
	step_done(&steps->to);
}

int io_open_unnamed(int dirfd, mode_t mode)
{
	int r = io_fault("openat");
	if (r < 0)
		return r;
	return io_openat(dirfd, ".", O_TMPFILE | O_RDWR, mode);
}

int io_link_unnamed(int fd, int dirfd, const char *rel)
{
	int r = io_fault("linkat");
	if (r < 0)
		return r;
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct step step;
	r = step_to(dirfd, rel, &step);
	if (r < 0)
		return r;
	r = RETRY(linkat(AT_FDCWD, path, step.dirfd, step.name, AT_SYMLINK_FOLLOW));
	step_done(&step);
	return r;
}

int io_linkat(int from_dirfd, const char *from, int to_dirfd, const char *to)
{
	int r = io_fault("linkat");
	if (r < 0)
		return r;
	struct steps steps = {0};
	r = steps_to(from_dirfd, from, to_dirfd, to, &steps);
	if (r < 0)
		return r;
	r = RETRY(linkat(steps.from.dirfd, steps.from.name, steps.to.dirfd, steps.to.name, 0));
	steps_done(&steps);
	return r;
}

int io_mkdirat(int dirfd, const char *rel, mode_t mode)
{
	int r = io_fault("mkdirat");
	if (r < 0)
		return r;
	struct step step;
	r = step_to(dirfd, rel, &step);
	if (r < 0)
		return r;
	r = RETRY(mkdirat(step.dirfd, step.name, mode));
	step_done(&step);
	return r == -EEXIST ? 0 : r;
}

static int rename_steps(int from_dirfd, const char *from, int to_dirfd, const char *to, unsigned flags)
{
	struct steps steps = {0};
	int r = io_fault("renameat");
	if (r == 0)
		r = steps_to(from_dirfd, from, to_dirfd, to, &steps);
	if (r < 0)
		return r;
	/* not by the C library, which makes another call of it where there is no flag (fs/confinement_calls.c) */
	r = RETRY((int)syscall(SYS_renameat2, steps.from.dirfd, steps.from.name, steps.to.dirfd, steps.to.name, flags));
	steps_done(&steps);
	return r;
}

int io_renameat(int from_dirfd, const char *from, int to_dirfd, const char *to)
{
	return rename_steps(from_dirfd, from, to_dirfd, to, 0);
}

int io_exchangeat(int a_dirfd, const char *a, int b_dirfd, const char *b)
{
	return rename_steps(a_dirfd, a, b_dirfd, b, RENAME_EXCHANGE);
}

int io_rename_new(int dirfd, const char *from, const char *to)
{
	int r = io_fault("renameat");
	if (r < 0)
		return r;
	r = RETRY(renameat2(dirfd, from, dirfd, to, RENAME_NOREPLACE));
	if (r != -EINVAL) /* as filesystems say that do not know the flag */
		return r;
	r = RETRY(linkat(dirfd, from, dirfd, to, 0));
	return r < 0 ? r : RETRY(unlinkat(dirfd, from, 0));
}

int io_unlinkat(int dirfd, const char *rel, int flags)
{
	int r = io_fault("unlinkat");
	if (r < 0)
		return r;
	struct step step;
	r = step_to(dirfd, rel, &step);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = RETRY(unlinkat(step.dirfd, step.name, flags));
	step_done(&step);
	return r == -ENOENT ? 0 : r;
}

static bool is_directory(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

int io_statat(int dirfd, const char *name, struct stat *ret)
{
	return RETRY(fstatat(dirfd, name, ret, AT_SYMLINK_NOFOLLOW));
}

int io_fsync(int fd)
{
	int r = io_fault("fsync");
	if (io_has_bug("no-file-fsync") && !is_directory(fd))
		return r;
	if (io_has_bug("no-dir-fsync") && is_directory(fd))
		return r;
	return r < 0 ? r : RETRY(fsync(fd));
}

int io_start_writeback(int fd, uint64_t offset, uint64_t len)
{
	int r = io_fault("sync_file_range");
	if (r == 0)
		r = RETRY(sync_file_range(fd, (off_t)offset, (off_t)len, SYNC_FILE_RANGE_WRITE));
	return r == -ENOSYS || r == -EOPNOTSUPP ? 0 : r;
}

int io_ftruncate(int fd, uint64_t size)
{
	int r = io_fault("ftruncate");
	return r < 0 ? r : RETRY(ftruncate(fd, (off_t)size));
}

ssize_t io_pread(int fd, void *buf, size_t len, uint64_t offset)
{
	return RETRY(pread(fd, buf, len, (off_t)offset));
}

int io_pread_full(int fd, void *buf, size_t len, uint64_t offset)
{
	char *at = buf;
	while (len > 0) {
		ssize_t got = io_pread(fd, at, len, offset);
		if (got <= 0)
			return got < 0 ? (int)got : -EIO;
		at += got;
		len -= (size_t)got;
		offset += (uint64_t)got;
	}
	return 0;
}

int io_pwrite_full(int fd, const void *buf, size_t len, uint64_t offset)
{
	int r = io_fault("pwrite");
	if (r < 0)
		return r;
	const char *at = buf;
	while (len > 0) {
		ssize_t done = RETRY(pwrite(fd, at, len, (off_t)offset));
		if (done <= 0)
			return done < 0 ? (int)done : -EIO;
		at += done;
		len -= (size_t)done;
		offset += (uint64_t)done;
	}
	return 0;
}

int io_write_full(int fd, const void *buf, size_t len)
{
	int r = io_fault("write");
	if (r < 0)
		return r;
	const char *at = buf;
	while (len > 0) {
		ssize_t done = RETRY(write(fd, at, len));
		if (done <= 0)
			return done < 0 ? (int)done : -EIO;
		at += done;
		len -= (size_t)done;
	}
	return 0;
}

int io_copy(int from, int to, uint64_t max, uint64_t *ret_size)
{
	char *bytes = malloc(COPY_BYTES);
	if (!bytes)
		return -ENOMEM;
	uint64_t size = 0;
	int r = 0;
	while (r == 0 && size <= max) {
		uint64_t room = max - size < COPY_BYTES ? max - size + 1 : COPY_BYTES;
		ssize_t got = io_pread(from, bytes, (size_t)room, size);
		if (got <= 0) {
			r = (int)got;
			break;
		}
		r = io_write_full(to, bytes, (size_t)got);
		size += (uint64_t)got;
	}
	free(bytes);
	if (r == 0)
		*ret_size = size;
	return r;
}

int io_read_fd(int fd, size_t max, struct buf *ret)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uint64_t)st.st_size > max)
		return -EFBIG;

	size_t before = ret->len;
	for (;;) {
		int r = buf_reserve(ret, 4096);
		if (r < 0)
			return r;
		ssize_t got = RETRY(read(fd, ret->data + ret->len, 4096));
		if (got < 0)
			return (int)got;
		ret->len += (size_t)got;
		ret->data[ret->len] = '\0';
		if (got == 0)
			return 0;
		if (ret->len - before > max)
			return -EFBIG;
	}
}

int io_read_file(int dirfd, const char *rel, size_t max, struct buf *ret)
{
	int fd = io_openat(dirfd, rel, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0)
		return fd;
	int r = io_read_fd(fd, max, ret);
	io_close(&fd);
	return r;
}

int io_read_path(const char *path, size_t max, struct buf *ret)
{
	int fd = RETRY(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	if (fd < 0)
		return fd;
	int r = io_read_fd(fd, max, ret);
	io_close(&fd);
	return r;
}

/* How a file comes to its name. */
struct writing {
	mode_t mode;
	bool is_exact; /* the mode, whatever the umask */
	bool durable;
};

static int write_beside(int parent, const char *name, const void *data, size_t len, const struct writing *how)
{
	char suffix[9], temporary[300];
	random_alphanumeric(suffix, sizeof(suffix) - 1);
	if (snprintf(temporary, sizeof(temporary), ".%s.%s", name, suffix) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;

	int r, fd = io_openat(parent, temporary, O_WRONLY | O_CREAT | O_EXCL, how->mode);
	if (fd < 0)
		return fd;
	r = io_write_full(fd, data, len);
	if (r == 0 && how->is_exact)
		r = RETRY(fchmod(fd, how->mode));
	if (r == 0 && how->durable)
		r = io_fsync(fd);
	if (r == 0)
		r = io_renameat(parent, temporary, parent, name);
	if (r == 0 && how->durable)
		r = io_fsync(parent);
	if (r < 0)
		(void)unlinkat(parent, temporary, 0);
	io_close(&fd);
	return r;
}

int io_write_file(int dirfd, const char *rel, const void *data, size_t len, mode_t mode, bool durable)
{
	const char *name;
	int parent = open_parent(dirfd, rel, &name);
	if (parent < 0)
		return parent;
	int r = write_beside(parent, name, data, len, &(struct writing){.mode = mode, .durable = durable});
	io_close(&parent);
	return r;
}

/* A device, a pipe or a socket: /dev/null and /dev/stdout, which is a link, would be lost to everybody. */
static bool is_special(int dirfd, const char *name)
{
	struct stat st;
	return fstatat(dirfd, name, &st, 0) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

int io_publish_file(const char *path, const void *data, size_t len)
{
	const char *slash = strrchr(path, '/');
	char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int parent = directory ? io_open_dir(directory) : -ENOMEM;
	free(directory);
	if (parent < 0)
		return parent;
	const char *name = slash ? slash + 1 : path;
	int r = -EOPNOTSUPP;
	if (!is_special(parent, name))
		r = write_beside(parent, name, data, len, &(struct writing){.mode = 0644, .is_exact = true});
	io_close(&parent);
	return r;
}

int io_lock(int fd)
{
	int r = RETRY(flock(fd, LOCK_EX | LOCK_NB));
	return r == -EWOULDBLOCK ? -EBUSY : r;
}

int io_fstatvfs(int fd, struct statvfs *ret)
{
	return RETRY(fstatvfs(fd, ret));
}

void io_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* nothing is left to lose: what matters was fsynced before */
	*fd = -1;
}
