/*
 * event_print.c - records for people, a few lines each:
 *
 *       1234  2026-11-22T08:01:28Z  refused VF2001      main
 *             uid 0 (cp): a.zip: the artifact is not signed, allowed: arn:vouchfs:...
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "overview/event.h"
#include "screen.h"

#define WHAT_WIDTH  18
#define SEQ_WIDTH   6
#define INDENT	    (SEQ_WIDTH + 2)
#define SLOT_COLUMN (INDENT + CLOCK_UTC_SIZE - 1 + 2 + WHAT_WIDTH + 2)
#define WHY_SIZE    1536

static enum paint paint_of(const struct event *event)
{
	static const struct {
		const char *outcome;
		enum paint paint;
	} paints[] = {
		{"accepted", PAINT_GOOD}, {"unblocked", PAINT_GOOD}, {"warned", PAINT_WARNING}, {"refused", PAINT_BAD},
		{"failed", PAINT_BAD},	  {"blocked", PAINT_BAD},    {"damaged", PAINT_BAD},
	};
	const char *outcome = event_outcome(event);
	for (size_t i = 0; outcome && i < ARRAY_SIZE(paints); i++)
		if (strcmp(outcome, paints[i].outcome) == 0)
			return paints[i].paint;
	return strcmp(event->kind, "config-refused") == 0 ? PAINT_BAD : PAINT_PLAIN;
}

/* What befell an artifact is said by its outcome, all else by its name. */
static void put_what(struct screen *screen, const struct event *event)
{
	char what[64];
	bool is_verdict = event->outcome && !text_starts_with(event->kind, "release-");
	const char *name = is_verdict ? event->outcome : event->kind;
	(void)snprintf(what, sizeof(what), "%s%s%s", name, event->reason ? " " : "",
		       event->reason ? event->reason : "");
	screen_paint(screen, paint_of(event), event->slot ? WHAT_WIDTH : 0, what);
}

/* Ends the line. Made printable before it is cut, which makes it longer. */
static void put_cut(struct screen *screen, unsigned begun, const char *text)
{
	char cut[WHY_SIZE];
	struct buf safe = {0};
	unsigned room = screen->style->columns > begun + 4 ? screen->style->columns - begun : 4;
	int r = screen_safe(&safe, text);
	if (screen->error == 0)
		screen->error = r;
	if (safe.data)
		screen_put(screen, "%s", screen_cut(safe.data, room < WHY_SIZE - 1 ? room : WHY_SIZE - 1, cut));
	screen_put(screen, "\n");
	buf_done(&safe);
}

/* Functions are known by their bare names. */
static void put_slot(struct screen *screen, const struct event *event)
{
	static const char functions[] = "functions/";
	const char *slot = event->slot;
	if (!slot) {
		screen_put(screen, "\n");
		return;
	}
	screen_put(screen, "  ");
	put_cut(screen, SLOT_COLUMN, text_starts_with(slot, functions) ? slot + strlen(functions) : slot);
}

/* Pieces of the second line, with what separates them. */
struct pieces {
	char text[WHY_SIZE];
	size_t used;
};

static void add(struct pieces *pieces, const char *format, ...) PRINTF_LIKE(2, 3);
static void add(struct pieces *pieces, const char *format, ...)
{
	va_list args;
	const char *separator = pieces->used > 0 ? ": " : "";
	size_t room = sizeof(pieces->text) - pieces->used;
	int len = snprintf(pieces->text + pieces->used, room, "%s", separator);
	pieces->used += len > 0 ? (size_t)len : 0;
	if (pieces->used >= sizeof(pieces->text))
		return;
	room = sizeof(pieces->text) - pieces->used;
	va_start(args, format);
	len = vsnprintf(pieces->text + pieces->used, room, format, args);
	va_end(args);
	pieces->used += len < 0 ? 0 : (size_t)len < room ? (size_t)len : room - 1;
}

static void add_artifact(struct pieces *pieces, const struct event *event)
{
	const char *noun = event->slot && text_starts_with(event->slot, "layers/") ? "version" : "release";
	if (event->artifact && event->release > 0)
		add(pieces, "%s, %s %" PRIu64, event->artifact, noun, event->release);
	else if (event->artifact)
		add(pieces, "%s", event->artifact);
	else if (event->release > 0)
		add(pieces, "%s %" PRIu64, noun, event->release);
	if (event->rollback_to > 0)
		add(pieces, "rollback to release %" PRIu64, event->rollback_to);
}

static void add_why(struct pieces *pieces, const struct event *event)
{
	static const char mark[] = ":/signing-profiles/";
	if (event->detail)
		add(pieces, "%.*s", (int)strcspn(event->detail, "\n"), event->detail);
	else if (event->title)
		add(pieces, "%s", event->title);
	else if (event->profile_version_arn && strstr(event->profile_version_arn, mark))
		add(pieces, "signed by %s", strstr(event->profile_version_arn, mark) + strlen(mark));
}

static void put_why(struct screen *screen, const struct event *event)
{
	struct pieces pieces = {0};
	if (event->has_who && event->command && event->command[0])
		add(&pieces, "uid %" PRIu32 " (%s)", event->uid, event->command);
	else if (event->has_who)
		add(&pieces, "uid %" PRIu32, event->uid);
	add_artifact(&pieces, event);
	add_why(&pieces, event);
	if (pieces.used == 0)
		return;
	screen_put(screen, "%*s", INDENT, "");
	put_cut(screen, INDENT, pieces.text);
}

int event_print(const struct event *event, const struct overview_screen *style, struct buf *ret)
{
	struct screen screen = {.out = ret, .style = style};
	char at[CLOCK_UTC_SIZE];
	if (strcmp(event->kind, "missed") == 0) {
		screen_put(&screen, "%*s  ", SEQ_WIDTH, "-");
		screen_paint(&screen, PAINT_WARNING, 0, "missed");
		screen_put(&screen, "  %" PRIu64 " records, %" PRIu64 " to %" PRIu64 "\n", event->missed_count,
			   event->missed_first, event->missed_last);
		return screen.error;
	}
	clock_format_utc(event->at_s, at);
	screen_put(&screen, "%*" PRIu64 "  %s  ", SEQ_WIDTH, event->seq, at);
	put_what(&screen, event);
	put_slot(&screen, event);
	put_why(&screen, event);
	return screen.error;
}
