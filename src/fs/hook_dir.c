#include "hook_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/text.h"

#define SHOWN_MAX 256

static const char *why_not_trusted(const struct hook_dir *dir, const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != dir->owner)
		return "belongs to somebody else than root and the owner of the configuration";
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return "can be written by others than its owner (chmod go-w)";
	return NULL;
}

static const char *why_no_hook(const struct hook_dir *dir, const struct stat *st)
{
	if (S_ISLNK(st->st_mode))
		return "is a symbolic link; expected a regular file";
	if (!S_ISREG(st->st_mode))
		return "is not a regular file";
	if (!(st->st_mode & S_IXUSR))
		return "is not executable (chmod 0755)";
	return why_not_trusted(dir, st);
}

static int complain(struct buf *complaints, const char *path, const char *name, const char *why)
{
	char shown[SHOWN_MAX] = "";
	if (name)
		(void)text_escape_print(shown, sizeof(shown), name, strlen(name));
	return buf_printf(complaints, "%s%s%s %s\n", path, name ? "/" : "", shown, why);
}

/* *ret_is_hook; -ENOMEM. */
static int look_at(const struct hook_dir *dir, int dirfd, const char *name, struct buf *complaints, bool *ret_is_hook)
{
	struct stat st;
	*ret_is_hook = false;
	if (name[0] == '.' || text_ends_with(name, "~"))
		return 0;
	int r = io_statat(dirfd, name, &st);
	if (r < 0)
		return r == -ENOENT ? 0 : complain(complaints, dir->path, name, strerror(-r));
	const char *why = why_no_hook(dir, &st);
	if (why)
		return complain(complaints, dir->path, name, why);
	*ret_is_hook = true;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Keeps of the names those of hooks. */
static int sift(const struct hook_dir *dir, int dirfd, struct io_names *names, struct buf *complaints)
{
	size_t kept = 0;
	int r = 0;
	if (names->count > 0)
		qsort(names->names, names->count, sizeof(*names->names), by_name);
	for (size_t i = 0; i < names->count; i++) {
		char *name = names->names[i];
		bool is_hook = false;
		names->names[i] = NULL;
		if (r == 0)
			r = look_at(dir, dirfd, name, complaints, &is_hook);
		if (r == 0 && is_hook && kept == LIMIT_HOOKS) {
			r = complain(complaints, dir->path, name, "is one too many");
			is_hook = false;
		}
		if (is_hook)
			names->names[kept++] = name;
		else
			free(name);
	}
	names->count = kept;
	return r;
}

void hooks_found_done(struct hooks_found *found)
{
	io_names_done(&found->names);
	io_close(&found->dirfd);
}

int hook_dir_list(const struct hook_dir *dir, struct hooks_found *ret, struct buf *ret_complaints)
{
	struct hooks_found found = {.dirfd = -1};
	struct stat st;
	int r = 0, fd = io_open_dir(dir->path);
	if (fd < 0) {
		r = complain(ret_complaints, dir->path, NULL, strerror(-fd));
		goto out;
	}
	const char *why = fstat(fd, &st) < 0 ? strerror(errno) : why_not_trusted(dir, &st);
	if (why) {
		r = complain(ret_complaints, dir->path, NULL, why);
		goto out;
	}
	r = io_list_dir(fd, ".", &found.names);
	if (r < 0 && r != -ENOMEM)
		r = complain(ret_complaints, dir->path, NULL, strerror(-r));
	if (r == 0)
		r = sift(dir, fd, &found.names, ret_complaints);
	found.dirfd = fd;
	fd = -1;
out:
	io_close(&fd);
	if (r == 0)
		*ret = found;
	else
		hooks_found_done(&found);
	return r;
}
