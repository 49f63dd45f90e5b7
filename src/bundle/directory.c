/*
 * directory.c - a bundle from the directory that it is packed from. Whoever may write there decides what is trusted on
 * every host, so each file is opened once, without following a link, and has to be of root's or the caller's alone.
 * What is no part of a bundle is an error, so that nobody believes a file to be in force that was left out.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/access.h"
#include "base/limits.h"
#include "base/text.h"
#include "internal.h"

#define SHOWN_SIZE 512

struct packing {
	int fd;		   /* of the directory */
	const char *shown; /* its path, escaped */
	struct bundle *bundle;
	struct buf *errors;
	unsigned error_count;
};

/* A line of errors. */
static int PRINTF_LIKE(2, 3) report(struct packing *p, const char *format, ...)
{
	struct explain why = {0};
	va_list args;
	va_start(args, format);
	(void)vsnprintf(why.text, sizeof(why.text), format, args);
	va_end(args);
	if (++p->error_count > LIMIT_CONFIG_ERRORS)
		return 0;
	int r = buf_printf(p->errors, "%s/%s\n", p->shown, why.text);
	if (r == 0 && p->error_count == LIMIT_CONFIG_ERRORS)
		r = buf_printf(p->errors, "%s: more errors are not shown\n", p->shown);
	return r;
}

/* True; or what is open at fd can be changed by others, and *ret_r is that of the report. */
static bool is_safe(struct packing *p, int fd, const char *name, struct stat *ret_st, int *ret_r)
{
	char owner[ACCESS_USER_SIZE], shown[SHOWN_SIZE];
	text_escape_print(shown, sizeof(shown), name, strlen(name));
	if (fstat(fd, ret_st) < 0)
		*ret_r = report(p, "%s: cannot be examined: %s", shown, strerror(errno));
	else if (ret_st->st_uid != 0 && ret_st->st_uid != geteuid())
		*ret_r = report(p,
				"%s: belongs to %s, who could change what hosts trust; expected root or the caller: "
				"`chown %u %s/%s`",
				shown, access_user(ret_st->st_uid, owner), (unsigned)geteuid(), p->shown, shown);
	else if (ret_st->st_mode & (S_IWGRP | S_IWOTH))
		*ret_r = report(p,
				"%s: has mode %04o: others than its owner could change what hosts trust; "
				"`chmod go-w %s/%s`",
				shown, (unsigned)(ret_st->st_mode & 07777), p->shown, shown);
	else
		return true;
	return false;
}

static int add_bytes(struct packing *p, int fd, const char *name)
{
	struct explain why = {0};
	struct buf bytes = {0};
	char shown[SHOWN_SIZE];
	text_escape_print(shown, sizeof(shown), name, strlen(name));
	int r = io_read_fd(fd, LIMIT_BUNDLE_BYTES, &bytes);
	if (r == 0)
		r = bundle_add(p->bundle, name, bytes.data, bytes.len, &why);
	buf_done(&bytes);
	if (r == 0 || r == -ENOMEM)
		return r;
	if (r == -EFBIG)
		return report(p, "%s: has more than %u bytes", shown, LIMIT_BUNDLE_BYTES);
	return r == -EINVAL && why.text[0] ? report(p, "%s", why.text)
					   : report(p, "%s: cannot be read: %s", shown, strerror(-r));
}

static int add_file(struct packing *p, const char *name)
{
	char shown[SHOWN_SIZE];
	struct stat st;
	int r = 0, fd = io_openat(p->fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	text_escape_print(shown, sizeof(shown), name, strlen(name));
	if (fd == -ELOOP)
		return report(p, "%s: is a symbolic link; expected the file itself", shown);
	if (fd < 0)
		return report(p, "%s: cannot be opened: %s", shown, strerror(-fd));
	if (is_safe(p, fd, name, &st, &r)) {
		if (S_ISREG(st.st_mode))
			r = add_bytes(p, fd, name);
		else
			r = report(p, "%s: is no regular file; a policy bundle has nothing else", shown);
	}
	io_close(&fd);
	return r;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list(const struct packing *p, const char *folder, struct io_names *ret)
{
	int r = io_list_dir(p->fd, folder, ret);
	if (r == 0 && ret->count > 0)
		qsort(ret->names, ret->count, sizeof(ret->names[0]), by_name);
	return r;
}

/* conf.d or trust; one that is not there is empty. */
static int add_folder(struct packing *p, const char *folder)
{
	struct io_names names = {0};
	struct stat st;
	int r = 0, fd = io_open_dirat(p->fd, folder);
	if (fd < 0)
		return report(p, "%s: %s", folder,
			      fd == -ENOTDIR || fd == -ELOOP ? "is no directory (a link to one is none)"
							     : strerror(-fd));
	if (!is_safe(p, fd, folder, &st, &r))
		goto out;
	r = list(p, folder, &names);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		char *path;
		if (asprintf(&path, "%s/%s", folder, names.names[i]) < 0) {
			r = -ENOMEM;
			break;
		}
		r = add_file(p, path);
		free(path);
	}
out:
	io_names_done(&names);
	io_close(&fd);
	return r;
}

static int refuse(struct packing *p, const char *name)
{
	struct explain why = {0};
	if (strcmp(name, ".git") == 0)
		return report(p, ".git: does not belong here: keep what is packed in a folder of the repository");
	int r = bundle_add(p->bundle, name, "", 0, &why); /* it is no name of a bundle's, and why says so */
	return r == -EINVAL ? report(p, "%s", why.text) : r;
}

static int add_all(struct packing *p)
{
	struct io_names names = {0};
	struct stat st;
	int r = 0;
	if (!is_safe(p, p->fd, ".", &st, &r))
		return r;
	r = list(p, ".", &names);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		const char *name = names.names[i];
		if (strcmp(name, CONFIG_CONF_D) == 0 || strcmp(name, "trust") == 0)
			r = add_folder(p, name);
		else if (strcmp(name, CONFIG_TERMS_FILE) == 0)
			r = add_file(p, name);
		else
			r = refuse(p, name);
	}
	io_names_done(&names);
	return r;
}

static int complete(struct packing *p)
{
	struct explain why = {0};
	int r = p->error_count == 0 ? bundle_complete(p->bundle, &why) : 0;
	if (r == -EINVAL)
		r = report(p, "%s", why.text);
	return r == 0 && p->error_count > 0 ? -EINVAL : r;
}

int bundle_read_directory(const char *path, struct bundle **ret, struct buf *ret_errors)
{
	char shown[SHOWN_SIZE], words[ACCESS_WORDS_SIZE];
	struct packing p = {.shown = text_escape_print(shown, sizeof(shown), path, strlen(path)),
			    .errors = ret_errors,
			    .fd = io_open_dir(path)};
	if (p.fd < 0) {
		int r = buf_printf(ret_errors, "%s: %s\n", shown, access_words(path, p.fd, words));
		return r < 0 ? r : -EINVAL;
	}
	p.bundle = bundle_new();
	int r = p.bundle ? add_all(&p) : -ENOMEM;
	if (r == 0)
		r = complete(&p);
	if (r == 0) {
		*ret = p.bundle;
		p.bundle = NULL;
	}
	bundle_unref(p.bundle);
	io_close(&p.fd);
	return r;
}
