#include "takeover.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"

static const char *const text_names[TAKEOVER_TEXTS] = {
	[TAKEOVER_PROGRAM] = "program",
	[TAKEOVER_SOURCE] = "source",
	[TAKEOVER_MOUNTPOINT] = "mountpoint",
	[TAKEOVER_RUN_MOUNTPOINT] = "run_mountpoint",
	[TAKEOVER_RUNTIME_PATH] = "runtime_path",
	[TAKEOVER_HOOKS_DIRECTORY] = "hooks_directory",
	[TAKEOVER_FETCH_SOURCE] = "fetch_source",
	[TAKEOVER_FETCH_CA] = "fetch_ca",
	[TAKEOVER_FETCH_WHY_NOT] = "fetch_why_not",
	[TAKEOVER_FAILURE] = "failure",
	[TAKEOVER_STORE] = "store",
};

static const char *const number_names[TAKEOVER_NUMBERS] = {
	[TAKEOVER_VERSION_NUMBER] = "version",
	[TAKEOVER_KIND] = "kind",
	[TAKEOVER_FOREGROUND] = "foreground",
	[TAKEOVER_ALLOW_OTHER] = "allow_other",
	[TAKEOVER_NONEMPTY] = "nonempty",
	[TAKEOVER_NO_EXEC] = "no_exec",
	[TAKEOVER_RUN_IS_LINKED] = "run_is_linked",
	[TAKEOVER_LOG] = "log",
	[TAKEOVER_UID] = "uid",
	[TAKEOVER_GID] = "gid",
	[TAKEOVER_HOOKS_OWNER] = "hooks_owner",
	[TAKEOVER_HOOKS_UID] = "hooks_uid",
	[TAKEOVER_HOOKS_GID] = "hooks_gid",
	[TAKEOVER_HOOKS_TIMEOUT_MS] = "hooks_timeout_ms",
	[TAKEOVER_HOOKS_RUNNER] = "hooks_runner",
	[TAKEOVER_FETCH_INTERVAL_S] = "fetch_interval_s",
	[TAKEOVER_FETCH_UID] = "fetch_uid",
	[TAKEOVER_FETCH_GID] = "fetch_gid",
	[TAKEOVER_INCARNATION] = "incarnation",
	[TAKEOVER_REPLACED] = "replaced",
	[TAKEOVER_RELOADS_DUE] = "reloads_due",
	[TAKEOVER_RELOADS_ASKED] = "reloads_asked",
	[TAKEOVER_RESTARTS_ASKED] = "restarts_asked",
	[TAKEOVER_IS_KEPT] = "is_kept",
	[TAKEOVER_TREE_FD] = "tree_fd",
	[TAKEOVER_RUN_FD] = "run_fd",
	[TAKEOVER_MEMORY_FD] = "memory_fd",
	[TAKEOVER_NODES_FD] = "nodes_fd",
	[TAKEOVER_RUNTIME_FD] = "runtime_fd",
	[TAKEOVER_LOCK_FD] = "lock_fd",
	[TAKEOVER_COUNT_FD] = "count_fd",
	[TAKEOVER_BEFORE_FD] = "before_fd",
};

int takeover_set_text(struct takeover *takeover, enum takeover_text name, const char *text)
{
	char *copy = text ? strdup(text) : NULL;
	if (text && !copy)
		return -ENOMEM;
	free(takeover->texts[name]);
	takeover->texts[name] = copy;
	return 0;
}

void takeover_set_number(struct takeover *takeover, enum takeover_number name, uint64_t number)
{
	takeover->numbers[name] = number;
	takeover->has[name] = true;
}

void takeover_set_fd(struct takeover *takeover, enum takeover_number name, int fd)
{
	takeover->has[name] = fd >= 0;
	takeover->numbers[name] = fd >= 0 ? (uint64_t)fd : 0;
}

int takeover_fd(const struct takeover *takeover, enum takeover_number name)
{
	ASSERT(name >= TAKEOVER_FIRST_FD);
	return takeover->has[name] ? (int)takeover->numbers[name] : -1;
}

void takeover_done(struct takeover *takeover)
{
	for (size_t i = 0; i < TAKEOVER_TEXTS; i++)
		free(takeover->texts[i]);
	*takeover = (struct takeover){0};
}

/* ---- writing ---- */

static int put_text(struct buf *out, const char *name, const char *value)
{
	int r = buf_puts(out, name);
	if (r == 0)
		r = buf_putc(out, '=');
	if (r == 0)
		r = buf_puts(out, value);
	return r < 0 ? r : buf_putc(out, '\0');
}

static int put_all(const struct takeover *takeover, struct buf *out)
{
	int r = 0;
	for (size_t i = 0; i < TAKEOVER_NUMBERS && r == 0; i++) {
		char number[24];
		(void)snprintf(number, sizeof(number), "%llu", (unsigned long long)takeover->numbers[i]);
		if (takeover->has[i])
			r = put_text(out, number_names[i], number);
	}
	for (size_t i = 0; i < TAKEOVER_TEXTS && r == 0; i++)
		if (takeover->texts[i])
			r = put_text(out, text_names[i], takeover->texts[i]);
	return r;
}

int takeover_write(const struct takeover *takeover, int *ret_fd)
{
	struct buf text = {0};
	int fd = -1, r = put_all(takeover, &text);
	if (r < 0)
		goto out;
	fd = memfd_create("vouchfs-takeover", MFD_CLOEXEC);
	if (fd < 0) {
		r = -errno;
		goto out;
	}
	r = io_pwrite_full(fd, text.data, text.len, 0);
	if (r < 0)
		goto out;
	*ret_fd = fd;
	fd = -1;
out:
	io_close(&fd);
	buf_done(&text);
	return r;
}

/* ---- reading ---- */

static int take_number(struct takeover *takeover, enum takeover_number name, const char *value)
{
	uint64_t number, max = name >= TAKEOVER_FIRST_FD ? INT_MAX : UINT64_MAX;
	if (!text_parse_u64(value, strlen(value), max, &number))
		return -EBADMSG;
	takeover_set_number(takeover, name, number);
	return 0;
}

static int take_line(struct takeover *takeover, char *line)
{
	char *value = strchr(line, '=');
	if (!value)
		return -EBADMSG;
	*value++ = '\0';
	for (size_t i = 0; i < TAKEOVER_NUMBERS; i++)
		if (strcmp(line, number_names[i]) == 0)
			return take_number(takeover, (enum takeover_number)i, value);
	for (size_t i = 0; i < TAKEOVER_TEXTS; i++)
		if (strcmp(line, text_names[i]) == 0)
			return takeover_set_text(takeover, (enum takeover_text)i, value);
	return 0;
}

/* Without these there is nothing to go on with. */
static int check(const struct takeover *takeover)
{
	static const enum takeover_number needed[] = {TAKEOVER_KIND,	    TAKEOVER_UID,	 TAKEOVER_GID,
						      TAKEOVER_INCARNATION, TAKEOVER_TREE_FD,	 TAKEOVER_MEMORY_FD,
						      TAKEOVER_NODES_FD,    TAKEOVER_RUNTIME_FD, TAKEOVER_LOCK_FD};
	if (!takeover->has[TAKEOVER_VERSION_NUMBER])
		return -EBADMSG;
	if (takeover->numbers[TAKEOVER_VERSION_NUMBER] != TAKEOVER_VERSION)
		return -EPROTONOSUPPORT;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!takeover->has[needed[i]])
			return -EBADMSG;
	bool has_run = takeover->texts[TAKEOVER_RUN_MOUNTPOINT] != NULL;
	return takeover->texts[TAKEOVER_PROGRAM] && takeover->texts[TAKEOVER_SOURCE] &&
			       takeover->texts[TAKEOVER_MOUNTPOINT] && takeover->texts[TAKEOVER_RUNTIME_PATH] &&
			       has_run == takeover->has[TAKEOVER_RUN_FD]
		       ? 0
		       : -EBADMSG;
}

int takeover_read(int fd, struct takeover *ret)
{
	struct takeover takeover = {0};
	struct buf text = {0};
	off_t size = lseek(fd, 0, SEEK_END);
	int r = size <= 0 || size > LIMIT_TAKEOVER_BYTES ? -EBADMSG : 0;
	if (r == 0)
		r = buf_reserve(&text, (size_t)size);
	if (r == 0)
		r = io_pread_full(fd, text.data, (size_t)size, 0);
	if (r == 0 && text.data[size - 1] != '\0')
		r = -EBADMSG;
	for (char *line = text.data; r == 0 && line < text.data + size;) {
		char *next = line + strlen(line) + 1;
		r = take_line(&takeover, line);
		line = next;
	}
	if (r == 0)
		r = check(&takeover);
	if (r == 0)
		*ret = takeover;
	else
		takeover_done(&takeover);
	buf_done(&text);
	return r;
}

int takeover_let_through(const struct takeover *takeover, bool is_through)
{
	for (size_t i = TAKEOVER_FIRST_FD; i < TAKEOVER_NUMBERS; i++) {
		int fd = takeover_fd(takeover, (enum takeover_number)i);
		if (fd >= 0 && fcntl(fd, F_SETFD, is_through ? 0 : FD_CLOEXEC) < 0)
			return -errno;
	}
	return 0;
}
