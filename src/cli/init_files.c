/* Directories and files of `vouchfs init`: made where they are missing, left alone where they are not. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"
#include "init.h"

#define PARENT_MODE 0755
#define FILE_MODE   0644
#define SHOWN_SIZE  512

void init_tell(const char *path, bool made)
{
	char shown[SHOWN_SIZE];
	(void)printf("  %-6s %s\n", made ? "made" : "there",
		     text_escape_print(shown, sizeof(shown), path, strlen(path)));
}

/* Whatever the umask is. */
static int dress(int fd, mode_t mode, const struct passwd *owner)
{
	if (owner && fchown(fd, owner->pw_uid, owner->pw_gid) < 0)
		return -errno;
	return fchmod(fd, mode) < 0 ? -errno : 0;
}

/*
 * Made where it is missing, and entered. What was made is changed by its descriptor: root may be doing this in a
 * directory where a user can put a link in its place. One that was there may be a link.
 */
static int make_one(int parent, const char *name, mode_t mode, const struct passwd *owner, bool *ret_made, int *ret_fd)
{
	bool made = mkdirat(parent, name, 0700) == 0;
	if (!made && errno != EEXIST)
		return -errno;
	int fd = openat(parent, name, O_DIRECTORY | O_CLOEXEC | (made ? O_RDONLY | O_NOFOLLOW : O_PATH));
	int r = fd < 0 ? -errno : made ? dress(fd, mode, owner) : 0;
	if (r < 0) {
		io_close(&fd);
		return r;
	}
	*ret_made = made;
	*ret_fd = fd;
	return 0;
}

int init_make_dir(const char *path, mode_t mode, const struct passwd *owner, bool *ret_made)
{
	bool made = false;
	int r = 0, next = -1, at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *copy = strdup(path), *rest = copy;
	if (at < 0 || !copy)
		r = at < 0 ? -errno : -ENOMEM;
	for (char *name; r == 0 && (name = strsep(&rest, "/"));) {
		bool is_last = !rest || rest[strspn(rest, "/")] == '\0';
		if (!*name)
			continue;
		r = make_one(at, name, is_last ? mode : PARENT_MODE, is_last ? owner : NULL, &made, &next);
		if (r == 0) {
			io_close(&at);
			at = next;
		}
	}
	io_close(&at);
	free(copy);
	if (r == 0)
		*ret_made = made;
	return r;
}

static int compare(const char *path, const void *bytes, size_t len)
{
	struct buf there = {0};
	int r = io_read_path(path, LIMIT_REVOCATION_LIST_BYTES, &there);
	if (r == -EFBIG || (r == 0 && (there.len != len || (len > 0 && memcmp(there.data, bytes, len) != 0))))
		r = -EEXIST;
	buf_done(&there);
	return r;
}

/* What could not be written whole does not stay. */
static int fill(int dirfd, const char *name, const void *bytes, size_t len)
{
	int fd = io_openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fd;
	int r = io_write_full(fd, bytes, len);
	if (r == 0)
		r = fchmod(fd, FILE_MODE) < 0 ? -errno : io_fsync(fd);
	if (r < 0)
		(void)io_unlinkat(dirfd, name, 0);
	io_close(&fd);
	return r < 0 ? r : io_fsync(dirfd);
}

int init_make_file(const char *path, const void *bytes, size_t len, bool *ret_made)
{
	const char *slash = strrchr(path, '/');
	char *directory = slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
	if (!directory)
		return -ENOMEM;
	int dirfd = io_open_dir(directory);
	int r = dirfd < 0 ? dirfd : fill(dirfd, slash + 1, bytes, len);
	bool made = r == 0;
	if (r == -EEXIST)
		r = compare(path, bytes, len);
	io_close(&dirfd);
	free(directory);
	if (r == 0)
		*ret_made = made;
	return r;
}
