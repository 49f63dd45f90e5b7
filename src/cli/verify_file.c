/* The private copy of a file that is verified: opened once, copied once into a file without a name. */
#include "verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "cli/cli.h"

#define SHOWN_SIZE 512

static int private_file(void)
{
	const char *directory = getenv("TMPDIR");
	int dirfd = io_open_dir(directory && directory[0] ? directory : "/tmp");
	int fd = dirfd < 0 ? dirfd : io_open_unnamed(dirfd, 0600);
	io_close(&dirfd);
	if (fd >= 0)
		return fd;
	fd = memfd_create("vouchfs-verify", MFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int cli_private_copy(int from, uint64_t max, int *ret_fd, uint64_t *ret_size)
{
	struct stat st;
	int r, copy = private_file();
	if (copy < 0)
		return copy;
	r = fstat(from, &st) < 0 ? -errno : 0;
	if (r == 0 && (uint64_t)st.st_size > max)
		*ret_size = (uint64_t)st.st_size; /* too large to be looked into */
	else if (r == 0)
		r = io_copy(from, copy, max, ret_size);
	if (r < 0)
		io_close(&copy);
	else
		*ret_fd = copy;
	return r;
}

/* Says what is wrong with a file; returns the failure. */
static int fail(const char *path, int error, const char *why)
{
	char shown[SHOWN_SIZE];
	cli_error("%s: %s", text_escape_print(shown, sizeof(shown), path, strlen(path)), why ? why : strerror(-error));
	return error;
}

int verify_file_open(const char *path, uint64_t max_bytes, struct verify_file *ret)
{
	struct verify_file file = {.path = path, .content = SIGNATURE_OF_ARTIFACT};
	struct stat st = {0};
	int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r = from < 0 || fstat(from, &st) < 0 ? fail(path, -errno, NULL) : 0;
	if (r < 0)
		goto out;
	if (!S_ISREG(st.st_mode)) {
		r = fail(path, -EINVAL, "not a regular file");
		goto out;
	}
	r = cli_private_copy(from, max_bytes, &file.copy_fd, &file.size_bytes);
	if (r < 0)
		r = fail(path, r, NULL);
	else
		*ret = file;
out:
	io_close(&from);
	return r;
}

void verify_file_close(struct verify_file *file)
{
	io_close(&file->copy_fd);
}
