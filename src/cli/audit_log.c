#include "audit_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "audit/reader.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/cli.h"
#include "config/config.h"
#include "sheet.h"

#define SHOWN_SIZE   512
#define BUFFER_BYTES 65536
#define NO_END	     65536 /* columns */

/* ---- finding the log ---- */

int cli_audit_store(const char *given_config, char **ret)
{
	const char *path = cli_config_path(given_config);
	struct config *config = NULL;
	struct buf errors = {0};
	int r = config_load(path, &config, &errors);
	if (r < 0)
		cli_error("%s", errors.data ? errors.data : strerror(-r));
	buf_done(&errors);
	char *store = r == 0 ? strdup(config->store) : NULL;
	if (r == 0 && !store)
		r = -ENOMEM;
	config_free(config);
	if (r == 0)
		*ret = store;
	return r;
}

static int open_place(const char *place, int *ret_dirfd)
{
	int dirfd = io_open_dir(place);
	if (dirfd < 0)
		return dirfd;
	int logfd = io_open_dirat(dirfd, "audit");
	if (logfd == -ENOENT) { /* the log itself */
		*ret_dirfd = dirfd;
		return 0;
	}
	io_close(&dirfd);
	if (logfd < 0)
		return logfd;
	*ret_dirfd = logfd;
	return 0;
}

static int say(const char *place, int error)
{
	char shown[SHOWN_SIZE];
	text_escape_print(shown, sizeof(shown), place, strlen(place));
	if (error == -EACCES)
		cli_error("the audit log in %s is for root and the owner of the store alone; run it as one of them",
			  shown);
	else
		cli_error("the audit log in %s cannot be read: %s", shown, strerror(-error));
	return error;
}

int cli_open_audit_log(const char *given_config, const char *place, int *ret_dirfd)
{
	char *store = NULL;
	int r = place ? 0 : cli_audit_store(given_config, &store);
	if (r < 0)
		return r;
	const char *path = place ? place : store;
	ASSERT(path);
	r = open_place(path, ret_dirfd);
	if (r < 0)
		(void)say(path, r);
	free(store);
	return r;
}

int cli_open_audit_log_if_allowed(const char *given_config)
{
	struct config *config = NULL;
	struct buf errors = {0};
	int dirfd = -1;
	if (config_load(cli_config_path(given_config), &config, &errors) == 0 && open_place(config->store, &dirfd) < 0)
		dirfd = -1;
	buf_done(&errors);
	config_free(config);
	return dirfd;
}

/* ---- lines ---- */

int cli_each_record(int log_dirfd, uint64_t from_seq, cli_take_line *take, void *ctx)
{
	struct audit_reader *reader = NULL;
	struct audit_line line;
	int r = audit_reader_open(log_dirfd, from_seq, &reader);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	while ((r = audit_reader_next(reader, &line)) > 0)
		if (line.prev && line.seq >= from_seq && !line.is_torn && !take(ctx, line.text, line.len))
			break;
	audit_reader_close(reader);
	return r < 0 ? r : 0;
}

/* Takes the whole lines out of a buffer. False: enough. */
static bool take_lines(struct buf *text, cli_take_line *take, void *ctx)
{
	size_t at = 0;
	bool goes_on = true;
	const char *end;
	while (goes_on && (end = memchr(text->data + at, '\n', text->len - at)) != NULL) {
		goes_on = take(ctx, text->data + at, (size_t)(end - text->data) - at);
		at = (size_t)(end - text->data) + 1;
	}
	memmove(text->data, text->data + at, text->len - at);
	text->len -= at;
	return goes_on;
}

int cli_each_line(int fd, cli_take_line *take, void *ctx)
{
	struct buf text = {0};
	int r;
	for (;;) {
		r = buf_reserve(&text, BUFFER_BYTES);
		if (r < 0)
			break;
		ssize_t got = read(fd, text.data + text.len, BUFFER_BYTES);
		if (got < 0 && errno == EINTR)
			continue;
		r = got < 0 ? -errno : 0;
		if (got <= 0)
			break;
		text.len += (size_t)got;
		if (!take_lines(&text, take, ctx))
			break;
	}
	buf_done(&text);
	return r;
}

/* ---- one record ---- */

struct wanted {
	uint64_t seq;
	struct buf *line;
	int r; /* -ENOENT: not seen yet */
};

static bool take_wanted(void *ctx, const char *line, size_t len)
{
	struct wanted *wanted = ctx;
	struct event event;
	if (event_parse(line, len, &event) < 0)
		return true;
	if (event.seq == wanted->seq)
		wanted->r = buf_append(wanted->line, line, len);
	event_done(&event);
	return wanted->r == -ENOENT;
}

int cli_find_record(int mount_dirfd, const char *given_config, uint64_t seq, struct buf *ret_line)
{
	struct wanted wanted = {.seq = seq, .line = ret_line, .r = -ENOENT};
	int fd = mount_dirfd >= 0 ? openat(mount_dirfd, CLI_RECENT, O_RDONLY | O_CLOEXEC) : -1;
	if (fd >= 0)
		(void)cli_each_line(fd, take_wanted, &wanted);
	io_close(&fd);
	if (wanted.r != -ENOENT)
		return wanted.r;
	fd = cli_open_audit_log_if_allowed(given_config);
	if (fd < 0)
		return -EACCES;
	int r = cli_each_record(fd, seq, take_wanted, &wanted);
	io_close(&fd);
	return r < 0 ? r : wanted.r;
}

/* ---- the terminal ---- */

struct overview_screen cli_event_screen(void)
{
	struct winsize size;
	struct sheet sheet = sheet_begin();
	struct overview_screen screen = {.columns = NO_END, .has_colour = sheet.coloured};
	if (!isatty(STDOUT_FILENO))
		return screen;
	screen.columns = OVERVIEW_COLUMNS_MIN;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > OVERVIEW_COLUMNS_MIN)
		screen.columns = size.ws_col;
	return screen;
}
