/* A break glass in the store, and whether the audit log knows of it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/reader.h"
#include "base/clock.h"
#include "base/text.h"
#include "break_glass.h"
#include "internal.h"

#define FILE_NAME "break-glass"

int break_glass_save(struct slot *slot, const struct break_glass *glass)
{
	struct buf text = {0};
	int r = 0;
	if (glass)
		r = buf_printf(&text,
			       "event: %" PRIu64 "\nbegan-s: %" PRId64 "\nbegan-boot-s: %" PRId64 "\nuntil-s: %" PRId64
			       "\nuid: %" PRIu32 "\nreason: %s\n",
			       glass->what.seq, glass->began_at_s, glass->began_boot_s, glass->what.until_s,
			       glass->what.uid, glass->what.reason);
	if (r == 0)
		r = store_put_slot_file(slot->slots->store, slot->name, FILE_NAME, text.data ? text.data : "",
					text.len);
	buf_done(&text);
	return r;
}

/* ---- reading ---- */

static bool take_time(const struct buf *text, const char *key, int64_t *ret_s)
{
	uint64_t value;
	if (!text_record_get_u64(text->data, text->len, key, &value) || value > INT64_MAX / 2)
		return false;
	*ret_s = (int64_t)value;
	return true;
}

static bool take_reason(const struct buf *text, char ret[LIMIT_REASON_BYTES + 1])
{
	char *reason = text_record_get(text->data, text->len, "reason");
	size_t len = reason ? strlen(reason) : 0;
	bool fits = len > 0 && len <= LIMIT_REASON_BYTES && text_is_printable(reason, len);
	if (fits)
		memcpy(ret, reason, len + 1);
	free(reason);
	return fits;
}

static bool parse(const struct buf *text, struct break_glass *ret)
{
	struct break_glass glass = {0};
	uint64_t uid;
	if (!text_record_get_u64(text->data, text->len, "event", &glass.what.seq) || glass.what.seq == 0 ||
	    !take_time(text, "began-s", &glass.began_at_s) || !take_time(text, "began-boot-s", &glass.began_boot_s) ||
	    !take_time(text, "until-s", &glass.what.until_s) ||
	    !text_record_get_u64(text->data, text->len, "uid", &uid) || uid > UINT32_MAX ||
	    !take_reason(text, glass.what.reason))
		return false;
	glass.what.uid = (uint32_t)uid;
	*ret = glass;
	return true;
}

static bool is_bounded(const struct break_glass *glass)
{
	int64_t length_s = glass->what.until_s - glass->began_at_s;
	return length_s > 0 && length_s <= LIMIT_BREAK_GLASS_MINUTES * 60L;
}

/* ---- what the log knows ---- */

struct search {
	const struct break_glass *glass;
	char slot[STORE_SLOT_PATH_SIZE + 16];
	char until[CLOCK_UTC_SIZE + 16];
	bool is_known;
	bool is_over;
};

/* Names and times have nothing that JSON escapes, and a quote inside a text is escaped, so what is found is a member.
 */
static bool has(const char *line, size_t len, const char *member)
{
	return memmem(line, len, member, strlen(member)) != NULL;
}

static void look(struct search *search, const struct audit_line *line)
{
	bool is_of_slot = has(line->text, line->len, search->slot);
	if (line->seq == search->glass->what.seq)
		search->is_known = is_of_slot && has(line->text, line->len, "\"event\":\"break-glass-begun\"") &&
				   has(line->text, line->len, search->until);
	else if (line->seq > search->glass->what.seq)
		search->is_over |= is_of_slot && has(line->text, line->len, "\"event\":\"break-glass-");
}

/* From its record to the end of the log. */
static int look_through(const struct slot *slot, struct search *search)
{
	struct audit_reader *reader = NULL;
	struct audit_line line;
	int r = audit_reader_open(store_audit_dirfd(slot->slots->store), search->glass->what.seq, &reader);
	if (r < 0)
		return r;
	while ((r = audit_reader_next(reader, &line)) > 0)
		look(search, &line);
	audit_reader_close(reader);
	return r;
}

static int ask_log(const struct slot *slot, const struct break_glass *glass, struct explain *ret_why)
{
	struct search search = {.glass = glass};
	char until[CLOCK_UTC_SIZE];
	clock_format_utc(glass->what.until_s, until);
	(void)snprintf(search.slot, sizeof(search.slot), "\"slot\":\"%s\"", slot->path);
	(void)snprintf(search.until, sizeof(search.until), "\"until\":\"%s\"", until);
	int r = look_through(slot, &search);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		explain_set(ret_why, "the audit log cannot be asked about it: %s", strerror(-r));
	else if (!search.is_known)
		explain_set(ret_why, "the audit log does not have its beginning");
	else if (search.is_over)
		explain_set(ret_why, "the audit log says that it is over, or was replaced");
	else
		return 0;
	return -EBADMSG;
}

int break_glass_read(struct slot *slot, struct break_glass *ret, struct explain *ret_why)
{
	struct buf text = {0};
	int r = store_get_slot_file(slot->slots->store, slot->name, FILE_NAME, &text);
	bool is_there = r == 0 && text.len > 0;
	if (r == -EBADMSG) {
		explain_set(ret_why, "its file is torn");
	} else if (is_there && !parse(&text, ret)) {
		explain_set(ret_why, "its file is not what was written");
		r = -EBADMSG;
	} else if (is_there && !is_bounded(ret)) {
		explain_set(ret_why, "it is longer than %u minutes", LIMIT_BREAK_GLASS_MINUTES);
		r = -EBADMSG;
	} else if (is_there) {
		r = ask_log(slot, ret, ret_why);
	}
	buf_done(&text);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : is_there;
}
