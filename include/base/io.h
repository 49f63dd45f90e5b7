/*
 * io.h - every system call on files that can fail for a reason worth testing. Returns 0 (or a value >= 0) or a negative
 * errno; EINTR never comes out. Descriptors are O_CLOEXEC. Paths are relative to a directory descriptor and may not
 * leave it: openat2 with RESOLVE_BENEATH, no symlinks, no magic links; what is made, linked, renamed or removed, from
 * the directory that was opened so. Who opens by other means is listed in tests/lint/paths.list.
 *
 * The seam: in builds with VOUCHFS_TEST_HOOKS every changing call first asks io_fault(), which VOUCHFS_TEST_FAULT
 * steers: "<call>:<n>:<what>", call a name below or "*", n counted from 1 over the calls that match in this process
 * ("n+": that one and all behind it), what "kill" (SIGKILL to ourselves, before the call), "stop" (SIGSTOP before the
 * call, so that somebody else can cut the power) or an errno name (EIO, ENOSPC, EDQUOT, EOPNOTSUPP). The count starts
 * in the daemon when the mount is served, or when it is about to open the store where VOUCHFS_TEST_FAULT_FROM is
 * "start", and then ends when the mount is served; in a command of the signing side when it looks for the home
 * (io_fault_arm).
 *
 * In the same builds VOUCHFS_TEST_BUG names a bug that is put in, to see that the rigs of tests/power find it:
 * "no-file-fsync", "no-dir-fsync" (io_fsync), "rename-before-fsync" (store/store_file.c), "wrong-order"
 * (gate/commit.c).
 */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#include "base/base.h"
#include "base/buf.h"

/* Something that can be read at any offset: a staging file, a verified object, memory. */
struct io_reader {
	void *ctx;
	/* Fills all of buf or fails; reading past size_bytes is -EIO. Thread-safe. */
	int (*pread)(void *ctx, void *buf, size_t len, uint64_t offset);
	uint64_t size_bytes;
};
int io_reader_pread(const struct io_reader *reader, void *buf, size_t len, uint64_t offset);

struct io_memory {
	const void *bytes;
	size_t len;
};
struct io_reader io_reader_memory(const struct io_memory *memory);

/* A reader on an open file; keeps no state but the number, so *fd must stay open and in place. */
struct io_reader io_reader_fd(const int *fd, uint64_t size_bytes);

int io_open_dir(const char *path); /* absolute or relative to the working directory; from the administrator */
int io_open_dirat(int dirfd, const char *rel);
int io_openat(int dirfd, const char *rel, int flags, mode_t mode);
int io_open_unnamed(int dirfd, mode_t mode);		 /* O_TMPFILE; -EOPNOTSUPP where the filesystem has none */
int io_link_unnamed(int fd, int dirfd, const char *rel); /* gives such a file its name; -EEXIST */
int io_linkat(int from_dirfd, const char *from, int to_dirfd, const char *to); /* a second name */
int io_mkdirat(int dirfd, const char *rel, mode_t mode);		       /* 0 when it is there already */
int io_renameat(int from_dirfd, const char *from, int to_dirfd, const char *to);
/* Two names change places, in one go; both must be there. -EINVAL where the filesystem cannot. Faults: "renameat". */
int io_exchangeat(int a_dirfd, const char *a, int b_dirfd, const char *b);
/* Another name in the same directory, that nothing has yet: -EEXIST. Faults: "renameat". */
int io_rename_new(int dirfd, const char *from, const char *to);
int io_unlinkat(int dirfd, const char *rel, int flags);	      /* 0 when it is not there */
int io_statat(int dirfd, const char *name, struct stat *ret); /* of a bare name; a link is what it is */
int io_fsync(int fd);
/* Has a range of a file written to the disk, without waiting. Says nothing about what becomes of it: io_fsync does. */
int io_start_writeback(int fd, uint64_t offset, uint64_t len);
int io_ftruncate(int fd, uint64_t size);

int io_pread_full(int fd, void *buf, size_t len, uint64_t offset); /* short file: -EIO */
ssize_t io_pread(int fd, void *buf, size_t len, uint64_t offset);
int io_pwrite_full(int fd, const void *buf, size_t len, uint64_t offset);
int io_write_full(int fd, const void *buf, size_t len);
/* From the start of one file to where the other is, in order; at most max + 1 bytes, which tells that there are more.
 */
int io_copy(int from, int to, uint64_t max, uint64_t *ret_size);

/* Reads a whole regular file of at most max bytes (-EFBIG above, -EINVAL when it is not regular) and appends it to
 * *ret. */
int io_read_file(int dirfd, const char *rel, size_t max, struct buf *ret);
/*
 * The same for a path of the administrator's (configuration, trust files, command line): symlinks are followed. */
int io_read_path(const char *path, size_t max, struct buf *ret);
int io_read_fd(int fd, size_t max, struct buf *ret);

/* Old or new, whole: temporary name beside it, write, fsync (durable), rename, fsync of the directory (durable). */
int io_write_file(int dirfd, const char *rel, const void *data, size_t len, mode_t mode, bool durable);
/* The same for a path of the administrator's that others are to read: 0644 whatever the umask, and not synced.
 * -EOPNOTSUPP: what is there, or linked there, is a device, a pipe or a socket.
 */
int io_publish_file(const char *path, const void *data, size_t len);

/* The names in a directory without "." and "..", unsorted. */
struct io_names {
	char **names;
	size_t count;
};
int io_list_dir(int dirfd, const char *rel, struct io_names *ret);
void io_names_done(struct io_names *names);
/* Whether a name in the directory begins with this; looks no further than the first. 1, 0 or a negative errno. */
int io_dir_has(int dirfd, const char *rel, const char *prefix);

/* Takes the whole file for this open file description, without waiting: -EBUSY. Closing or dying gives it back. */
int io_lock(int fd);
int io_fstatvfs(int fd, struct statvfs *ret);

void io_close(int *fd); /* and sets *fd to -1; -1 is fine */

#ifdef VOUCHFS_TEST_HOOKS
void io_fault_arm(void);
void io_fault_arm_from(const char *moment); /* "start" or "served" */
int io_fault(const char *call);
bool io_has_bug(const char *name);
#else
static inline void io_fault_arm(void)
{
}
static inline void io_fault_arm_from(const char *moment UNUSED)
{
}
static inline int io_fault(const char *call UNUSED)
{
	return 0;
}
static inline bool io_has_bug(const char *name UNUSED)
{
	return false;
}
#endif

#endif
