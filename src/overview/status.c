/* The status screen: problems first, a line a slot. Read at three in the morning by somebody who was asleep. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "status.h"

/* Columns of a screen of 80; a wider one gives names, publishers and a last column what it has more. */
#define NAME_MIN       20
#define NAME_MAX_SHOWN 40
#define MODE_WIDTH     9
#define RELEASE_WIDTH  4
#define AGE_WIDTH      4
#define PUBLISHER_MIN  18
#define UNTIL_WIDTH    10
#define DAYS_WIDTH     7 /* "EXPIRED", or a number of days and its mark */
#define FIXED_WIDTH    80
#define LAST_MIN       40
#define WIDTH_MAX      160

struct widths {
	unsigned name;
	unsigned publisher;
	bool has_last;
};

const char *status_publisher(const struct overview_slot *slot)
{
	static const char mark[] = ":/signing-profiles/";
	if (!slot->profile_version_arn)
		return slot->release > 0 ? "(unsigned)" : "-";
	const char *tail = strstr(slot->profile_version_arn, mark);
	return tail ? tail + strlen(mark) : slot->profile_version_arn;
}

static unsigned widened(unsigned width, size_t wanted, unsigned *spare)
{
	size_t more = wanted > width ? wanted - width : 0;
	if (more > *spare)
		more = *spare;
	*spare -= (unsigned)more;
	return width + (unsigned)more;
}

static struct widths find_widths(const struct screen *screen, const struct overview *overview, bool layers)
{
	size_t name = 0, publisher = 0;
	for (size_t i = 0; i < overview->slot_count; i++) {
		const struct overview_slot *slot = &overview->slots[i];
		size_t name_len = strlen(slot->name), publisher_len = strlen(status_publisher(slot));
		if (slot->is_layer == layers && name_len > name)
			name = name_len;
		if (slot->is_layer == layers && publisher_len > publisher)
			publisher = publisher_len;
	}
	unsigned spare = screen->style->columns > FIXED_WIDTH ? screen->style->columns - FIXED_WIDTH : 0;
	struct widths widths = {.name = widened(NAME_MIN, name < NAME_MAX_SHOWN ? name : NAME_MAX_SHOWN, &spare)};
	widths.publisher = widened(PUBLISHER_MIN, publisher, &spare);
	widths.has_last = spare >= LAST_MIN;
	return widths;
}

/* ---- a row ---- */

static enum paint paint_of(enum overview_rank rank)
{
	static const enum paint paints[] = {
		[OVERVIEW_NOT_SERVED] = PAINT_BAD, [OVERVIEW_REFUSED] = PAINT_BAD, [OVERVIEW_RELAXED] = PAINT_BAD,
		[OVERVIEW_WARNED] = PAINT_WARNING, [OVERVIEW_OK] = PAINT_PLAIN,	   [OVERVIEW_EMPTY] = PAINT_PLAIN,
	};
	return paints[rank];
}

static const char *mark_of(enum overview_rank rank)
{
	static const char *const marks[] = {
		[OVERVIEW_NOT_SERVED] = "!", [OVERVIEW_REFUSED] = "!", [OVERVIEW_RELAXED] = "!",
		[OVERVIEW_WARNED] = "~",     [OVERVIEW_OK] = " ",      [OVERVIEW_EMPTY] = " ",
	};
	return marks[rank];
}

/* "2038-02-21  4108d", "2026-12-01     9d!"; filled up where something comes behind it. */
static void put_until(struct screen *screen, int64_t expires_at_s, bool is_filled)
{
	char at[CLOCK_UTC_SIZE], days[32];
	int64_t left_s = expires_at_s - screen->now_s;
	if (expires_at_s == 0) {
		screen_paint(screen, PAINT_PLAIN, is_filled ? UNTIL_WIDTH + 1 + DAYS_WIDTH : 0, "-");
		return;
	}
	clock_format_utc(expires_at_s, at);
	at[UNTIL_WIDTH] = '\0'; /* the day is enough here */
	bool is_near = left_s < OVERVIEW_EXPIRY_DAYS * STATUS_DAY_S;
	if (left_s <= 0)
		(void)snprintf(days, sizeof(days), "EXPIRED");
	else if (left_s < 2 * STATUS_DAY_S)
		(void)snprintf(days, sizeof(days), "%5" PRId64 "h!", left_s / STATUS_HOUR_S);
	else
		(void)snprintf(days, sizeof(days), "%5" PRId64 "d%s", left_s / STATUS_DAY_S, is_near ? "!" : "");
	screen_put(screen, "%s ", at);
	screen_paint(screen,
		     left_s <= 0 ? PAINT_BAD
		     : is_near	 ? PAINT_WARNING
				 : PAINT_PLAIN,
		     is_filled ? DAYS_WIDTH : 0, days);
}

/* "accepted 2d ago by root with cp" */
static void put_last(struct screen *screen, const struct overview_attempt *last)
{
	char ago[SCREEN_SPAN_SIZE], user[SCREEN_USER_SIZE];
	if (!last->outcome)
		return;
	screen_put(screen, "  ");
	screen_paint(screen, PAINT_PLAIN, 0, last->outcome);
	screen_put(screen, "%s", last->reason ? " " : "");
	screen_paint(screen, PAINT_PLAIN, 0, last->reason ? last->reason : "");
	screen_put(screen, " %s ago by ", screen_short_span(screen->now_s - last->at_s, ago));
	screen_paint(screen, PAINT_PLAIN, 0, screen_user(screen, last->uid, user));
	screen_put(screen, " with ");
	screen_paint(screen, PAINT_PLAIN, 0, last->command ? last->command : "?");
}

/* A name is never cut: one that is too long has a line of its own, so that it can be copied from the screen. */
static void put_name(struct screen *screen, const struct overview_slot *slot, unsigned width)
{
	screen_paint(screen, paint_of(slot->rank), 2, mark_of(slot->rank));
	screen_paint(screen, paint_of(slot->rank), width, slot->name);
	if (strlen(slot->name) > width)
		screen_put(screen, "\n%*s", (int)width + 2, "");
}

static void put_row(struct screen *screen, const struct overview_slot *slot, const struct widths *widths)
{
	char mode[32], release[24] = "-", age[SCREEN_SPAN_SIZE] = "-", publisher[WIDTH_MAX + 1];
	(void)snprintf(mode, sizeof(mode), "%s", slot->mode ? slot->mode : "-");
	if (slot->is_layer)
		(void)snprintf(mode, sizeof(mode), "%" PRIu64, slot->kept_count);
	if (slot->release > 0) {
		(void)snprintf(release, sizeof(release), "%" PRIu64, slot->release);
		(void)screen_short_span(screen->now_s - slot->since_s, age);
	}
	put_name(screen, slot, widths->name);
	screen_put(screen, " ");
	screen_paint(screen, PAINT_PLAIN, MODE_WIDTH, mode);
	screen_put(screen, " %*s %*s ", RELEASE_WIDTH, release, AGE_WIDTH, age);
	screen_paint(screen, PAINT_PLAIN, widths->publisher + 1,
		     screen_cut(status_publisher(slot), widths->publisher, publisher));
	put_until(screen, slot->expires_at_s, widths->has_last && slot->last.outcome);
	if (widths->has_last)
		put_last(screen, &slot->last);
	screen_put(screen, "\n");
}

static void put_header(struct screen *screen, const struct widths *widths, bool layers)
{
	char line[WIDTH_MAX + FIXED_WIDTH];
	(void)snprintf(line, sizeof(line), "  %-*s %-*s %*s %*s %-*s %s%s", (int)widths->name,
		       layers ? "LAYER" : "FUNCTION", MODE_WIDTH, layers ? "VERSIONS" : "MODE", RELEASE_WIDTH,
		       layers ? "NEW" : "REL", AGE_WIDTH, "AGE", (int)widths->publisher, "PUBLISHER", "VALID UNTIL",
		       widths->has_last ? "         LAST ATTEMPT" : "");
	screen_paint(screen, PAINT_BOLD, 0, line);
	screen_put(screen, "\n");
}

void status_put_table(struct screen *screen, const struct overview *overview, bool layers)
{
	const struct widths widths = find_widths(screen, overview, layers);
	bool is_begun = false;
	for (size_t i = 0; i < overview->slot_count; i++) {
		const struct overview_slot *slot = &overview->slots[i];
		if (slot->is_layer != layers)
			continue;
		if (!is_begun) {
			screen_put(screen, "\n");
			put_header(screen, &widths, layers);
		}
		is_begun = true;
		put_row(screen, slot, &widths);
		status_put_notes(screen, overview, slot, widths.has_last);
	}
}

int overview_print_status(const struct overview *overview, const struct overview_screen *style, struct buf *ret)
{
	struct screen screen = {.out = ret, .style = style, .now_s = overview->now_s};
	ASSERT(style->columns >= OVERVIEW_COLUMNS_MIN);
	status_put_head(&screen, overview);
	status_put_table(&screen, overview, false);
	status_put_table(&screen, overview, true);
	return screen.error;
}
