/* What a store takes on the disk: a look at every file, without a lock, so only about right while it changes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "internal.h"

#define BLOCK_BYTES 512U /* of st_blocks */
#define DEPTH_MAX   4U	 /* objects/ab/<digest>/tree; functions/<f>/releases/<n> */

static int add_directory(int dirfd, const char *name, unsigned depth, uint64_t *sum);

/* What is gone by now takes nothing. */
static int add_entry(int dirfd, const char *name, unsigned depth, uint64_t *sum)
{
	struct stat st;
	int r = io_statat(dirfd, name, &st);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	*sum += (uint64_t)st.st_blocks * BLOCK_BYTES;
	return S_ISDIR(st.st_mode) && depth < DEPTH_MAX ? add_directory(dirfd, name, depth + 1, sum) : 0;
}

/* With a stream of its own, not a list of names: objects/ab may hold thousands. */
static int add_directory(int dirfd, const char *name, unsigned depth, uint64_t *sum)
{
	int fd = io_open_dirat(dirfd, name), r = 0;
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	DIR *dir = fdopendir(fd);
	if (!dir) {
		r = -errno;
		io_close(&fd);
		return r;
	}
	while (r == 0) {
		errno = 0;
		const struct dirent *entry = readdir(dir);
		if (!entry) {
			r = -errno;
			break;
		}
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = add_entry(fd, entry->d_name, depth, sum);
	}
	(void)closedir(dir);
	return r;
}

int store_measure(const struct store *store, struct store_usage *ret)
{
	struct store_usage usage = {0};
	int r = add_directory(store->objects_fd, ".", 0, &usage.object_bytes);
	if (r == 0)
		r = add_directory(store->functions_fd, ".", 0, &usage.record_bytes);
	if (r == 0 && store->layers_fd >= 0)
		r = add_directory(store->layers_fd, ".", 0, &usage.record_bytes);
	if (r == 0)
		r = add_directory(store->root_fd, "policy", 0, &usage.record_bytes);
	if (r == 0)
		r = add_directory(store->audit_fd, ".", 0, &usage.audit_bytes);
	if (r == 0)
		*ret = usage;
	return r;
}
