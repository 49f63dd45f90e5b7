/* An account's last attempt at a slot: kept in the home, shown by .vouchfs/why and as attributes of the directory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "internal.h"

#define PREFIX	       "user.vouchfs."
#define NOTE_MAX_BYTES 16384U

static void note_path(const struct signing_slot *slot, const char *account, char ret[SIGNING_PATH_SIZE])
{
	(void)snprintf(ret, SIGNING_PATH_SIZE, "%s.%s", slot->name, account);
}

/* ---- writing ---- */

static int put_row(struct buf *text, const char *label, const char *value)
{
	return value[0] ? buf_printf(text, "  %-16s  %s\n", label, value) : 0;
}

static int render_head(const struct attempt *attempt, const struct finding *finding, const char *at,
		       const char *command, struct buf *ret)
{
	const char *detail = finding->found.text[0] ? finding->found.text : "-";
	return buf_printf(ret, "outcome: %s\nreason: %s\nat: %s\nby: uid %u (%s)\ndetail: %s\n\n", finding->outcome,
			  finding->reason[0] ? finding->reason : "-", at, attempt->who->uid, command, detail);
}

static int render_why(const struct attempt *attempt, const struct finding *finding, const char *at, const char *command,
		      struct buf *ret)
{
	char name[4 * (LIMIT_NAME_BYTES + 1)];
	text_escape_print(name, sizeof(name), attempt->name, strlen(attempt->name));
	int r = buf_printf(ret, "%s%s%s  slot=%s  artifact=%s  account=%s\n", finding->reason,
			   finding->reason[0] ? " " : "", finding->outcome, attempt->slot->name, name,
			   attempt->account);
	if (r == 0 && finding->check)
		r = buf_printf(ret, "  check %-10s  FAILED  %s\n", finding->check, finding->found.text);
	else if (r == 0)
		r = put_row(ret, "detail", finding->found.text);
	if (r == 0)
		r = put_row(ret, "expected", finding->expected.text);
	if (r == 0)
		r = put_row(ret, "job", finding->job_id);
	if (r == 0)
		r = put_row(ret, "remedy", finding->remedy.text);
	if (r == 0)
		r = buf_printf(ret, "  %-16s  uid %u gid %u pid %d %s  at %s\n", "by", attempt->who->uid,
			       attempt->who->gid, attempt->who->pid, command, at);
	return r;
}

static void log_attempt(const struct attempt *attempt, const struct finding *finding)
{
	char name[4 * (LIMIT_NAME_BYTES + 1)];
	text_escape_print(name, sizeof(name), attempt->name, strlen(attempt->name));
	log_notice("%s: %s of account %s (uid %u): %s%s%s", attempt->slot->name, name, attempt->account,
		   attempt->who->uid, finding->outcome, finding->found.text[0] ? ": " : "", finding->found.text);
}

void signing_note(const struct attempt *attempt, const struct finding *finding)
{
	char path[SIGNING_PATH_SIZE], at[CLOCK_UTC_SIZE], command[4 * sizeof(attempt->who->command) + 1];
	struct buf text = {0};
	clock_format_utc(clock_now_s(), at);
	text_escape_print(command, sizeof(command), attempt->who->command,
			  strnlen(attempt->who->command, sizeof(attempt->who->command)));
	note_path(attempt->slot, attempt->account, path);
	log_attempt(attempt, finding);

	int r = render_head(attempt, finding, at, command, &text);
	if (r == 0)
		r = render_why(attempt, finding, at, command, &text);
	if (r == 0) /* shown only, so it need not survive a crash */
		r = io_write_file(attempt->slot->signing->notes_fd, path, text.data, text.len, 0600, false);
	if (r < 0)
		log_warning("%s: what became of the last attempt cannot be written down: %s", attempt->slot->name,
			    strerror(-r));
	buf_done(&text);
}

/* ---- reading ---- */

static int read_note(struct signing_slot *slot, const char *account, struct buf *ret, size_t *ret_why)
{
	char path[SIGNING_PATH_SIZE];
	note_path(slot, account, path);
	int r = io_read_file(slot->signing->notes_fd, path, NOTE_MAX_BYTES, ret);
	if (r < 0)
		return r;
	const char *gap = ret->len > 0 ? memmem(ret->data, ret->len, "\n\n", 2) : NULL;
	if (!gap)
		return -ENOENT; /* a crash has torn it */
	*ret_why = (size_t)(gap - ret->data) + 2;
	return 0;
}

bool signing_has_note(struct signing_slot *slot, const char *account)
{
	struct buf text = {0};
	size_t why_at;
	int r = read_note(slot, account, &text, &why_at);
	buf_done(&text);
	return r == 0;
}

int signing_read_why(struct signing_slot *slot, const char *account, struct buf *ret)
{
	struct buf text = {0};
	size_t why_at;
	int r = read_note(slot, account, &text, &why_at);
	if (r == 0)
		r = buf_append(ret, text.data + why_at, text.len - why_at);
	buf_done(&text);
	return r;
}

static const char *const keys[] = {"outcome", "reason", "at", "by", "detail"};

int signing_get_note(struct signing_slot *slot, const char *account, const char *name, struct buf *ret)
{
	static const char prefix[] = PREFIX "last_";
	struct buf text = {0};
	size_t why_at;
	int r = -ENODATA;
	if (!text_starts_with(name, prefix) || read_note(slot, account, &text, &why_at) < 0)
		goto out;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		char *value = strcmp(name + strlen(prefix), keys[i]) == 0 ? text_record_get(text.data, why_at, keys[i])
									  : NULL;
		if (value)
			r = buf_puts(ret, value);
		free(value);
	}
out:
	buf_done(&text);
	return r;
}

int signing_list_note(struct signing_slot *slot, const char *account, struct buf *ret)
{
	int r = 0;
	if (!signing_has_note(slot, account))
		return 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(keys); i++) {
		r = buf_printf(ret, PREFIX "last_%s", keys[i]);
		if (r == 0)
			r = buf_putc(ret, '\0');
	}
	return r;
}
