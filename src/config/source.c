/*
 * source.c - whoever may write a configuration file decides what is trusted. So each is opened once, and that open file
 * has to be a regular one of root's or the caller's which nobody else may write; the same goes for conf.d itself.
 */
#include "source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/access.h"
#include "base/io.h"
#include "base/text.h"

/* False after having reported who else could change what is open at fd. */
static bool check_owner(const struct stat *st, struct place at, const char *what, struct report *report)
{
	uid_t caller = geteuid();
	char owner[ACCESS_USER_SIZE], self[ACCESS_USER_SIZE];
	if (st->st_uid != 0 && st->st_uid != caller)
		report_error(report, at,
			     "the %s belongs to %s, who could change what is trusted; expected root or the caller, %s: "
			     "`chown %u %s`, or run as its owner",
			     what, access_user(st->st_uid, owner), access_user(caller, self), (unsigned)caller,
			     at.file->shown);
	else if (st->st_mode & (S_IWGRP | S_IWOTH))
		report_error(report, at,
			     "the %s has mode %04o: others than its owner may write it, and so change what is trusted; "
			     "`chmod go-w %s`",
			     what, (unsigned)(st->st_mode & 07777), at.file->shown);
	else
		return true;
	return false;
}

static bool check_directory(int fd, struct place at, struct report *report)
{
	struct stat st;
	if (fstat(fd, &st) == 0)
		return check_owner(&st, at, "directory", report);
	report_error(report, at, "cannot be examined");
	return false;
}

/* Appends the bytes of the open file to *ret. -EINVAL, reported, when it may not be used. */
static int read_checked(int fd, struct file *file, struct report *report, struct buf *ret)
{
	struct place at = {.file = file};
	struct stat st;
	if (fstat(fd, &st) < 0) {
		int r = -errno;
		report_error(report, at, "cannot be examined: %s", strerror(-r));
		return r;
	}
	if (!S_ISREG(st.st_mode)) {
		report_error(report, at, "not a regular file");
		return -EINVAL;
	}
	if (!check_owner(&st, at, "file", report))
		return -EINVAL;
	file->mtime_s = st.st_mtim.tv_sec;
	file->mtime_ns = (uint32_t)st.st_mtim.tv_nsec;
	file->owner = st.st_uid;
	file->has_owner = true;
	int r = io_read_fd(fd, LIMIT_CONFIG_FILE_BYTES, ret);
	if (r == -EFBIG) {
		report_error(report, at, "larger than %u bytes", LIMIT_CONFIG_FILE_BYTES);
		return -EINVAL;
	}
	if (r < 0 && r != -ENOMEM)
		report_error(report, at, "cannot be read: %s", strerror(-r));
	return r;
}

static void report_open(int dirfd, const char *rel, int error, struct place at, struct report *report)
{
	char words[ACCESS_WORDS_SIZE];
	if (dirfd != AT_FDCWD)
		report_error(report, at, "cannot be opened: %s", strerror(-error));
	else
		report_error(report, at, "cannot be opened: %s%s", access_words(rel, error, words),
			     error == -ENOENT ? "; `vouchfs init` writes a first one, -c or VOUCHFS_CONF name another"
					      : "");
}

/* Symlinks are followed: configuration management places them, and what they lead to is judged. */
static int read_one(int dirfd, const char *rel, struct file *file, struct tree *tree, struct report *report)
{
	struct place whole = {.file = file};
	struct buf bytes = {0};
	int r, fd = openat(dirfd, rel, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		r = -errno;
		report_open(dirfd, rel, r, whole, report);
		return r;
	}
	r = read_checked(fd, file, report, &bytes);
	if (r == 0)
		r = tree_parse(tree, file, bytes.data, bytes.len, report);
	buf_done(&bytes);
	io_close(&fd);
	return r;
}

static int is_drop_in(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && text_ends_with(entry->d_name, ".conf");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* conf.d while it is read. */
struct drop_ins {
	int fd;		      /* -1: it is not there */
	const char *shown;    /* as the main file's path gives it */
	const char *absolute; /* where relative paths start */
	const struct config_change *change;
};

static const struct config_change *find_change(const struct drop_ins *d, const char *name)
{
	return d->change && strcmp(d->change->name, name) == 0 ? d->change : NULL;
}

static int read_drop_in(const struct drop_ins *d, const char *name, struct tree *tree, struct report *report)
{
	const struct config_change *change = find_change(d, name);
	char *path;
	if (change && !change->text)
		return 0;
	if (asprintf(&path, "%s/%s", d->shown, name) < 0)
		return -ENOMEM;
	struct file *file = tree_add_file(tree, path, d->absolute);
	free(path);
	if (!file)
		return -ENOMEM;
	int r = change ? tree_parse(tree, file, change->text, change->len, report)
		       : read_one(d->fd, name, file, tree, report);
	return r == -ENOMEM ? r : 0; /* anything else is in the report */
}

/* The names of the drop-ins, in order: their number, or a negative errno. */
static int list_drop_ins(int fd, struct dirent ***ret_names)
{
	int count = scandirat(fd, ".", ret_names, is_drop_in, by_name);
	return count < 0 ? -errno : count;
}

/* In order, a changed one that is not on disk among them. */
static int read_in_order(const struct drop_ins *d, struct dirent *const *names, int count, struct tree *tree,
			 struct report *report)
{
	const char *added = d->change ? d->change->name : NULL;
	int r = 0;
	for (int i = 0; r == 0 && i < count; i++) {
		int order = added ? strcmp(added, names[i]->d_name) : 1;
		if (order < 0)
			r = read_drop_in(d, added, tree, report);
		if (order <= 0)
			added = NULL;
		if (r == 0)
			r = read_drop_in(d, names[i]->d_name, tree, report);
	}
	return r == 0 && added ? read_drop_in(d, added, tree, report) : r;
}

static int read_drop_ins(const struct drop_ins *d, struct tree *tree, struct report *report)
{
	struct place whole = {.file = tree->files[tree->file_count - 1]};
	struct dirent **names = NULL;
	int count = d->fd >= 0 ? list_drop_ins(d->fd, &names) : 0;
	if (count < 0) {
		report_error(report, whole, "cannot be listed: %s", strerror(-count));
		return count == -ENOMEM ? count : 0;
	}
	int limit = (int)LIMIT_CONFIG_FILES - (d->change && d->change->text ? 1 : 0);
	if (count > limit)
		report_error(report, whole, "more than %d files", limit);
	int r = read_in_order(d, names, count < limit ? count : limit, tree, report);

	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
	return r;
}

static int read_directory(const char *shown, const char *absolute, const struct config_change *change,
			  struct tree *tree, struct report *report)
{
	struct drop_ins d = {.fd = -1, .shown = shown, .absolute = absolute, .change = change};
	int r = 0, fd = io_open_dir(absolute);
	if (fd == -ENOENT && !(change && change->text))
		return 0;
	struct place whole = {.file = tree_add_file(tree, shown, absolute)};
	if (!whole.file)
		r = -ENOMEM;
	else if (fd < 0 && fd != -ENOENT)
		report_error(report, whole, "cannot be opened: %s", strerror(-fd));
	else if (fd < 0 || check_directory(fd, whole, report)) {
		d.fd = fd < 0 ? -1 : fd;
		r = read_drop_ins(&d, tree, report);
	}
	io_close(&fd);
	return r;
}

/* The path made absolute, not resolved: a symlink's own place is where its reader would look. */
static char *absolute_path(const char *path)
{
	if (path[0] == '/')
		return strdup(path);
	char *here = getcwd(NULL, 0), *absolute = NULL;
	if (here && asprintf(&absolute, "%s/%s", here, path) < 0)
		absolute = NULL;
	free(here);
	return absolute;
}

/* "a/b" for "a/b/c", with name behind it. */
static char *beside(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');
	int len = slash ? (int)(slash - path) + 1 : 0;
	char *result;
	return asprintf(&result, "%.*s%s", len, path, name) < 0 ? NULL : result;
}

int source_read(const char *path, const struct config_change *change, struct tree *tree, struct report *report,
		char **ret_path)
{
	int r = -ENOMEM;
	char *absolute = absolute_path(path);
	char *directory = absolute ? beside(absolute, "") : NULL;
	char *conf_d = absolute ? beside(absolute, CONFIG_CONF_D) : NULL;
	char *conf_d_shown = beside(path, CONFIG_CONF_D);
	if (!directory || !conf_d || !conf_d_shown)
		goto out;
	if (directory[1] != '\0')
		directory[strlen(directory) - 1] = '\0'; /* the slash */

	struct file *file = tree_add_file(tree, path, directory);
	if (!file)
		goto out;
	r = read_one(AT_FDCWD, path, file, tree, report);
	if (r == 0)
		r = read_directory(conf_d_shown, conf_d, change, tree, report);
	if (r == 0) {
		*ret_path = absolute;
		absolute = NULL;
	}
out:
	free(absolute);
	free(directory);
	free(conf_d);
	free(conf_d_shown);
	return r;
}

int source_read_alone(int directory_fd, const char *name, struct tree *tree, struct report *report)
{
	struct file *file = tree_add_file(tree, name, "/");
	return file ? read_one(directory_fd, name, file, tree, report) : -ENOMEM;
}
