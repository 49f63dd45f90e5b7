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

/* Whatever the umask is. 1: made, 0: it was there. */
static int make_one(const char *path, mode_t mode)
{
	struct stat st;
	if (mkdir(path, 0700) == 0)
		return chmod(path, mode) < 0 ? -errno : 1;
	if (errno != EEXIST)
		return -errno;
	if (stat(path, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int init_make_dir(const char *path, mode_t mode, bool *ret_made)
{
	int r = 0;
	for (const char *slash = strchr(path + 1, '/'); slash && r >= 0; slash = strchr(slash + 1, '/')) {
		char *parent = strndup(path, (size_t)(slash - path));
		r = parent ? make_one(parent, PARENT_MODE) : -ENOMEM;
		free(parent);
	}
	if (r >= 0)
		r = make_one(path, mode);
	if (r < 0)
		return r;
	*ret_made = r == 1;
	return 0;
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
