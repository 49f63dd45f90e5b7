/* Listing of directories. Declared in io.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"

void io_names_done(struct io_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->names[i]);
	free(names->names);
	*names = (struct io_names){0};
}

static int append(struct io_names *names, const char *name)
{
	size_t count = names->count;
	if ((count & (count - 1)) == 0) { /* full at every power of two */
		char **more = realloc(names->names, (count ? 2 * count : 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		names->names = more;
	}
	char *copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	names->names[names->count++] = copy;
	return 0;
}

static int read_names(DIR *dir, struct io_names *names)
{
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(dir);
		if (!entry)
			return -errno;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		int r = append(names, entry->d_name);
		if (r < 0)
			return r;
	}
}

/* NULL: *ret_error says why. */
static DIR *open_stream(int dirfd, const char *rel, int *ret_error)
{
	int fd = io_open_dirat(dirfd, rel);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		*ret_error = fd < 0 ? fd : -errno;
		io_close(&fd);
	}
	return dir;
}

int io_list_dir(int dirfd, const char *rel, struct io_names *ret)
{
	int r = 0;
	DIR *dir = open_stream(dirfd, rel, &r);
	if (!dir)
		return r;
	struct io_names names = {0};
	r = read_names(dir, &names);
	(void)closedir(dir);
	if (r < 0) {
		io_names_done(&names);
		return r;
	}
	*ret = names;
	return 0;
}

int io_dir_has(int dirfd, const char *rel, const char *prefix)
{
	int r = 0;
	DIR *dir = open_stream(dirfd, rel, &r);
	if (!dir)
		return r;
	const struct dirent *entry;
	do {
		errno = 0;
		entry = readdir(dir);
		r = entry ? strncmp(entry->d_name, prefix, strlen(prefix)) == 0 : -errno;
	} while (entry && r == 0);
	(void)closedir(dir);
	return r;
}
