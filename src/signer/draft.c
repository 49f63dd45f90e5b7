/* The private copy, from the first byte read to the last rename. */
#include "draft.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/random.h"
#include "home.h"

#define COPY_BYTES (1U << 20)

/* Takes over fd. */
static int check_source(int fd, const char *path, uint64_t max_bytes, int *ret_fd, struct explain *ret_why)
{
	char escaped[HOME_PRINTABLE_SIZE];
	struct stat st;
	int r = fstat(fd, &st) < 0 ? -errno : 0;
	if (r < 0)
		r = home_failed(ret_why, r, "the source %s", home_printable(path, escaped));
	else if (!S_ISREG(st.st_mode))
		r = home_refuse(ret_why, -EINVAL, "the source %s is not a regular file", home_printable(path, escaped));
	else if ((uint64_t)st.st_size > max_bytes)
		r = home_refuse(ret_why, -EFBIG, "the source has %lld bytes, more than the %llu that are allowed",
				(long long)st.st_size, (unsigned long long)max_bytes);
	if (r < 0)
		io_close(&fd);
	else
		*ret_fd = fd;
	return r;
}

/* The source is the caller's and may be a symlink; it is opened once and not looked up again. */
int signer_open_source(const char *path, uint64_t max_bytes, int *ret_fd, struct explain *ret_why)
{
	char escaped[HOME_PRINTABLE_SIZE];
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return home_failed(ret_why, -errno, "the source %s cannot be opened", home_printable(path, escaped));
	return check_source(fd, path, max_bytes, ret_fd, ret_why);
}

static int open_source(const struct draft_files *files, uint64_t max_bytes, int *ret_fd, struct explain *ret_why)
{
	if (!files->source_fd)
		return signer_open_source(files->source, max_bytes, ret_fd, ret_why);
	int fd = fcntl(*files->source_fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return home_failed(ret_why, -errno, "the source");
	return check_source(fd, files->source, max_bytes, ret_fd, ret_why);
}

int draft_open_directory(const char *path, int *ret_fd, struct explain *ret_why)
{
	char directory[PATH_MAX], escaped[HOME_PRINTABLE_SIZE];
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) + 1 : 0;
	if (len >= sizeof(directory))
		return home_refuse(ret_why, -EINVAL, "the destination's name is too long");
	memcpy(directory, path, len);
	directory[len] = '\0';
	int fd = io_open_dir(len > 0 ? directory : ".");
	if (fd < 0)
		return home_failed(ret_why, fd, "the destination directory %s", home_printable(directory, escaped));
	*ret_fd = fd;
	return 0;
}

static int open_destination(const struct draft_files *files, struct draft *draft, struct explain *ret_why)
{
	char escaped[HOME_PRINTABLE_SIZE];
	const char *path = files->destination, *slash = strrchr(path, '/');
	const char *name = files->directory_fd ? files->name : slash ? slash + 1 : path;
	if (strlen(name) >= sizeof(draft->name))
		return home_refuse(ret_why, -EINVAL, "the destination's name is too long");
	if (*name == '\0' || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return home_refuse(ret_why, -EINVAL, "the destination %s is not a file name",
				   home_printable(path, escaped));
	memcpy(draft->name, name, strlen(name) + 1);
	if (!files->directory_fd)
		return draft_open_directory(path, &draft->directory, ret_why);
	draft->directory = io_open_dirat(*files->directory_fd, ".");
	return draft->directory < 0 ? home_failed(ret_why, draft->directory, "the destination directory") : 0;
}

static int open_named(struct draft *draft)
{
	char suffix[9];
	random_alphanumeric(suffix, sizeof(suffix) - 1);
	(void)snprintf(draft->temporary, sizeof(draft->temporary), ".%.240s.%s", draft->name, suffix);
	int fd = io_openat(draft->directory, draft->temporary, O_RDWR | O_CREAT | O_EXCL, 0666);
	if (fd < 0)
		draft->temporary[0] = '\0';
	return fd;
}

static int copy(int from, uint64_t max_bytes, struct draft *draft)
{
	uint8_t *chunk = malloc(COPY_BYTES);
	if (!chunk)
		return -ENOMEM;
	int r = 0;
	for (;;) {
		ssize_t got = io_pread(from, chunk, COPY_BYTES, draft->size_bytes);
		r = (int)got;
		if (got <= 0)
			break;
		if ((uint64_t)got > max_bytes - draft->size_bytes) {
			r = -EFBIG;
			break;
		}
		r = io_pwrite_full(draft->fd, chunk, (size_t)got, draft->size_bytes);
		if (r < 0)
			break;
		draft->size_bytes += (uint64_t)got;
	}
	free(chunk);
	return r;
}

int draft_open(const struct draft_files *files, uint64_t max_bytes, struct draft *ret, struct explain *ret_why)
{
	struct draft draft = DRAFT_NONE;
	int from = -1;
	int r = open_source(files, max_bytes, &from, ret_why);
	if (r == 0)
		r = open_destination(files, &draft, ret_why);
	if (r < 0)
		goto out;

	draft.fd = io_open_unnamed(draft.directory, 0666);
	if (draft.fd == -EOPNOTSUPP || draft.fd == -EISDIR)
		draft.fd = open_named(&draft);
	r = draft.fd < 0 ? draft.fd : copy(from, max_bytes, &draft);
	if (r < 0) {
		r = home_failed(ret_why, r, "the artifact cannot be copied to the destination");
		goto out;
	}
	*ret = draft;
	draft = DRAFT_NONE;
out:
	io_close(&from);
	draft_done(&draft);
	return r;
}

int draft_seal(struct draft *draft, uint64_t length, const struct buf *comment, struct explain *ret_why)
{
	ASSERT(length <= draft->size_bytes && comment->len <= UINT16_MAX);
	const uint8_t comment_len[2] = {(uint8_t)(comment->len & 0xff), (uint8_t)(comment->len >> 8)};
	int r = io_ftruncate(draft->fd, length);
	if (r == 0)
		r = io_pwrite_full(draft->fd, comment_len, sizeof(comment_len), length);
	if (r == 0)
		r = io_pwrite_full(draft->fd, comment->data, comment->len, length + sizeof(comment_len));
	if (r == 0)
		r = io_fsync(draft->fd);
	return r < 0 ? home_failed(ret_why, r, "the signed artifact cannot be written") : 0;
}

static int give_name(struct draft *draft)
{
	if (draft->temporary[0])
		return 0;
	char suffix[9], temporary[sizeof(draft->temporary)];
	random_alphanumeric(suffix, sizeof(suffix) - 1);
	(void)snprintf(temporary, sizeof(temporary), ".%.240s.%s", draft->name, suffix);
	int r = io_link_unnamed(draft->fd, draft->directory, temporary);
	if (r == 0)
		memcpy(draft->temporary, temporary, sizeof(temporary));
	return r;
}

static int keep_mode(const struct draft *draft)
{
	struct stat st;
	if (fstatat(draft->directory, draft->name, &st, 0) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISREG(st.st_mode))
		return -EISDIR;
	return fchmod(draft->fd, st.st_mode & 0777) < 0 ? -errno : 0;
}

/* A name that is free is taken at once: nothing that a kill could leave behind. */
static int take_name(const struct draft *draft)
{
	return draft->temporary[0] ? -EEXIST : io_link_unnamed(draft->fd, draft->directory, draft->name);
}

static int replace_name(struct draft *draft)
{
	int r = give_name(draft);
	if (r == 0)
		r = io_renameat(draft->directory, draft->temporary, draft->directory, draft->name);
	if (r == 0)
		draft->temporary[0] = '\0';
	return r;
}

int draft_publish(struct draft *draft, struct explain *ret_why)
{
	char escaped[HOME_PRINTABLE_SIZE];
	int r = keep_mode(draft);
	if (r == 0)
		r = take_name(draft);
	if (r == -EEXIST)
		r = replace_name(draft);
	if (r == 0)
		r = io_fsync(draft->directory);
	return r < 0 ? home_failed(ret_why, r, "the destination %s", home_printable(draft->name, escaped)) : 0;
}

void draft_done(struct draft *draft)
{
	if (draft->temporary[0])
		(void)io_unlinkat(draft->directory, draft->temporary, 0);
	draft->temporary[0] = '\0';
	io_close(&draft->fd);
	io_close(&draft->directory);
}
