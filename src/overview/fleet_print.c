/* The table of many hosts, as people read it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "common.h"
#include "overview/fleet.h"
#include "policy_words.h"
#include "screen.h"

#define BUNDLE_MIN     6
#define STATE_WIDTH    11
#define DRIFT_WIDTH    5
#define SLOTS_WIDTH    11
#define HEALTH_WIDTH   8
#define SEEN_WIDTH     4
#define FIXED_WIDTH    (2 + 1 + 1 + STATE_WIDTH + 1 + DRIFT_WIDTH + 1 + SLOTS_WIDTH + 1 + HEALTH_WIDTH + 1 + SEEN_WIDTH)
#define HOST_MIN       8
#define DRIFT_MAX      9999
#define INDENT	       4
#define FINDINGS_SHOWN 3
#define TALLIES_SHOWN  4
#define CELL_SIZE      48

struct widths {
	unsigned host;
	unsigned bundle;
};

/* ---- cells ---- */

static const char *bundle_of(const struct fleet_host *host, char ret[CELL_SIZE])
{
	if (host->sequence == 0)
		(void)snprintf(ret, CELL_SIZE, "-");
	else
		(void)snprintf(ret, CELL_SIZE, "%" PRIu64 "%s", host->sequence,
			       host->differs	 ? " DIFFERS"
			       : host->is_behind ? " behind"
						 : "");
	return ret;
}

static const char *state_of(const struct fleet_host *host)
{
	if (host->error)
		return "UNREADABLE";
	if (!host->state)
		return "UNGOVERNED";
	if (view_is(host->state, OVERVIEW_POLICY_NONE))
		return "no bundle";
	if (!view_is(host->state, OVERVIEW_POLICY_IN_FORCE))
		return "LOST";
	if (host->alarm)
		return policy_alarm_word(host->alarm);
	return host->is_rolled_back ? "rolled back" : "in force";
}

static const char *drift_of(const struct fleet_host *host, char ret[CELL_SIZE])
{
	if (!host->state)
		return "-";
	if (host->drift_count > DRIFT_MAX)
		(void)snprintf(ret, CELL_SIZE, ">%d", DRIFT_MAX);
	else
		(void)snprintf(ret, CELL_SIZE, "%" PRIu64, host->drift_count);
	return ret;
}

static const char *slots_of(const struct fleet_host *host, char ret[CELL_SIZE])
{
	if (host->error)
		return "-";
	(void)snprintf(ret, CELL_SIZE, "%" PRIu64 "/%" PRIu64 "/%" PRIu64, host->served_count, host->blocked_count,
		       host->refused_count);
	return ret;
}

static const char *health_of(const struct fleet_host *host)
{
	if (host->error)
		return "-";
	return overview_health_name(host->finding_count > 0 ? host->findings[0].level : OVERVIEW_HEALTHY);
}

/* "3m"; "+3m" where its clock is ahead of ours. */
static const char *seen_of(const struct screen *screen, const struct fleet_host *host, char ret[CELL_SIZE])
{
	char span[SCREEN_SPAN_SIZE];
	int64_t age_s = screen->now_s - host->made_at_s;
	if (host->error || host->made_at_s == 0)
		return "-";
	(void)snprintf(ret, CELL_SIZE, "%s%s", age_s < 0 ? "+" : "",
		       screen_short_span(age_s < 0 ? -age_s : age_s, span));
	return ret;
}

/* ---- rows ---- */

static unsigned wider(unsigned width, const char *text)
{
	size_t len = strnlen(text, LIMIT_NAME_BYTES);
	return len > width ? (unsigned)len : width;
}

static struct widths find_widths(const struct screen *screen, const struct fleet *fleet)
{
	struct widths widths = {.host = HOST_MIN, .bundle = BUNDLE_MIN};
	char cell[CELL_SIZE];
	for (size_t i = 0; i < fleet->count; i++) {
		widths.host = wider(widths.host, fleet->hosts[i].name);
		widths.bundle = wider(widths.bundle, bundle_of(&fleet->hosts[i], cell));
	}
	unsigned rest = screen->style->columns - FIXED_WIDTH;
	unsigned room = rest > widths.bundle + HOST_MIN ? rest - widths.bundle : HOST_MIN;
	widths.host = widths.host < room ? widths.host : room;
	return widths;
}

static void put_header(struct screen *screen, const struct widths *widths)
{
	char line[LIMIT_NAME_BYTES + FIXED_WIDTH + CELL_SIZE];
	(void)snprintf(line, sizeof(line), "  %-*s %-*s %-*s %*s %-*s %-*s %*s", (int)widths->host, "HOST",
		       (int)widths->bundle, "BUNDLE", STATE_WIDTH, "STATE", DRIFT_WIDTH, "DRIFT", SLOTS_WIDTH,
		       "SLOTS s/b/r", HEALTH_WIDTH, "HEALTH", SEEN_WIDTH, "SEEN");
	screen_paint(screen, PAINT_BOLD, 0, line);
	screen_put(screen, "\n");
}

/* A name is never cut: one that is too long has a line of its own. What is not printable becomes longer. */
static void put_name(struct screen *screen, const struct fleet_host *host, unsigned width, enum paint paint)
{
	static const char *const marks[] = {[FLEET_BAD] = "!", [FLEET_WARNING] = "~", [FLEET_OK] = " "};
	struct buf safe = {0};
	int r = screen_safe(&safe, host->name);
	if (r < 0)
		screen->error = r;
	screen_paint(screen, paint, 2, marks[host->level]);
	screen_paint(screen, paint, width, safe.data ? safe.data : "");
	if (safe.len > width)
		screen_put(screen, "\n%*s", (int)width + 2, "");
	buf_done(&safe);
}

static enum paint paint_health(const struct fleet_host *host)
{
	static const enum paint paints[] = {
		[OVERVIEW_HEALTHY] = PAINT_GOOD, [OVERVIEW_WARNING] = PAINT_WARNING, [OVERVIEW_CRITICAL] = PAINT_BAD};
	if (host->error)
		return PAINT_PLAIN;
	return paints[host->finding_count > 0 ? host->findings[0].level : OVERVIEW_HEALTHY];
}

static void put_row(struct screen *screen, const struct fleet_host *host, const struct widths *widths)
{
	static const enum paint paints[] = {
		[FLEET_BAD] = PAINT_BAD, [FLEET_WARNING] = PAINT_WARNING, [FLEET_OK] = PAINT_PLAIN};
	char cell[CELL_SIZE];
	bool is_good = view_is(host->state, OVERVIEW_POLICY_IN_FORCE) && !host->alarm && !host->is_rolled_back;
	put_name(screen, host, widths->host, paints[host->level]);
	screen_put(screen, " ");
	screen_paint(screen,
		     host->differs     ? PAINT_BAD
		     : host->is_behind ? PAINT_WARNING
				       : PAINT_PLAIN,
		     widths->bundle, bundle_of(host, cell));
	screen_put(screen, " ");
	screen_paint(screen, is_good ? PAINT_PLAIN : PAINT_BAD, STATE_WIDTH, state_of(host));
	screen_put(screen, " %*s", DRIFT_WIDTH, drift_of(host, cell));
	screen_put(screen, " %-*s ", SLOTS_WIDTH, slots_of(host, cell));
	screen_paint(screen, paint_health(host), HEALTH_WIDTH, health_of(host));
	screen_put(screen, " %*s\n", SEEN_WIDTH, seen_of(screen, host, cell));
}

/* ---- what there is to say of one ---- */

/* "web-1" and "web-1.example.org" are the same name. */
static bool is_same_name(const char *a, const char *b)
{
	size_t len = strlen(a) < strlen(b) ? strlen(a) : strlen(b);
	const char *rest = strlen(a) < strlen(b) ? b + len : a + len;
	return strncmp(a, b, len) == 0 && (rest[0] == '\0' || rest[0] == '.');
}

static void put_age(struct screen *screen, const struct fleet_host *host)
{
	char span[SCREEN_SPAN_SIZE];
	int64_t age_s = screen->now_s - host->made_at_s;
	if (host->made_at_s == 0)
		screen_wrap(screen, INDENT, PAINT_BAD, "    NOT DATED",
			    ": its status.json does not say when it was made");
	else if (age_s < 0)
		screen_wrap(screen, INDENT, PAINT_BAD, "    FROM THE FUTURE", ": its clock is %s ahead of this one",
			    screen_span(age_s, span));
	else
		screen_wrap(screen, INDENT, PAINT_BAD, "    NOT SEEN", " for %s: what stands here may be long over",
			    screen_span(age_s, span));
}

static void put_findings(struct screen *screen, const struct fleet_host *host)
{
	for (size_t i = 0; i < host->finding_count && i < FINDINGS_SHOWN; i++) {
		const struct overview_finding *finding = &host->findings[i];
		bool is_critical = finding->level == OVERVIEW_CRITICAL;
		screen_wrap(screen, INDENT, is_critical ? PAINT_BAD : PAINT_WARNING,
			    is_critical ? "    critical" : "    warning", ": %s", finding->text);
	}
	if (host->finding_count > FINDINGS_SHOWN)
		screen_put(screen, "    and %zu more: `vouchfs health` there\n", host->finding_count - FINDINGS_SHOWN);
}

static void put_notes(struct screen *screen, const struct fleet_host *host)
{
	if (host->error)
		screen_wrap(screen, INDENT, PAINT_BAD, "    UNREADABLE", ": %s", host->error);
	else if (!host->state)
		screen_wrap(screen, INDENT, PAINT_BAD, "    UNGOVERNED",
			    ": its configuration names no [policy] publisher, so no bundle governs it");
	if (host->is_stale)
		put_age(screen, host);
	if (host->differs)
		screen_wrap(screen, INDENT, PAINT_BAD, "    DIFFERS",
			    ": %s; two bundles have one sequence, so find out who signed the other", host->differs);
	if (host->claims && (host->is_claim_shared || !is_same_name(host->claims, host->name)))
		screen_wrap(screen, INDENT, host->is_claim_shared ? PAINT_WARNING : PAINT_PLAIN, "    calls itself ",
			    "%s%s", host->claims, host->is_claim_shared ? ", and so does another one" : "");
	put_findings(screen, host);
}

/* ---- the summary ---- */

static void put_part(struct screen *screen, struct buf *line, size_t count, const char *what)
{
	int r = count > 0 ? buf_printf(line, "; %zu %s", count, what) : 0;
	if (r < 0)
		screen->error = r;
}

/* ": 3 on bundle 8, 1 on 7" */
static void put_tallies(struct screen *screen, const struct fleet *fleet, struct buf *line)
{
	struct fleet_tally *all = NULL;
	size_t count = 0, older = 0;
	int r = fleet_tally(fleet, &all, &count);
	for (size_t i = 0; r == 0 && i < count && i < TALLIES_SHOWN; i++)
		r = buf_printf(line, "%s%zu on %s%" PRIu64, i > 0 ? ", " : ": ", all[i].count, i > 0 ? "" : "bundle ",
			       all[i].sequence);
	for (size_t i = TALLIES_SHOWN; i < count; i++)
		older += all[i].count;
	if (r == 0 && older > 0)
		r = buf_printf(line, ", %zu on older ones", older);
	if (r < 0)
		screen->error = r;
	free(all);
}

struct sums {
	size_t unreadable, ungoverned, lost, none, alarmed, rolled_back, differing, drifting, unseen, critical, warned;
	int64_t unseen_s; /* the longest */
};

static struct sums add_up(const struct fleet *fleet)
{
	struct sums sums = {0};
	for (size_t i = 0; i < fleet->count; i++) {
		const struct fleet_host *host = &fleet->hosts[i];
		const char *state = state_of(host);
		int64_t age_s = fleet->now_s - host->made_at_s;
		bool is_critical = host->finding_count > 0 && host->findings[0].level == OVERVIEW_CRITICAL;
		sums.unreadable += host->error != NULL;
		sums.ungoverned += view_is(state, "UNGOVERNED");
		sums.lost += view_is(state, "LOST");
		sums.none += view_is(state, "no bundle");
		sums.alarmed += host->alarm != NULL;
		sums.rolled_back += host->is_rolled_back;
		sums.differing += host->differs != NULL;
		sums.drifting += host->drift_count > 0;
		sums.unseen += host->is_stale;
		sums.unseen_s = host->is_stale && host->made_at_s > 0 && age_s > sums.unseen_s ? age_s : sums.unseen_s;
		sums.critical += is_critical;
		sums.warned += host->finding_count > 0 && !is_critical;
	}
	return sums;
}

static void put_summary(struct screen *screen, const struct fleet *fleet)
{
	const struct sums sums = add_up(fleet);
	char hosts[48], unseen[80], span[SCREEN_SPAN_SIZE];
	struct buf line = {0};
	put_tallies(screen, fleet, &line);
	put_part(screen, &line, sums.unreadable, "unreadable");
	put_part(screen, &line, sums.ungoverned, "ungoverned");
	put_part(screen, &line, sums.lost, "LOST");
	put_part(screen, &line, sums.none, "without a bundle");
	put_part(screen, &line, sums.alarmed, "with one that has expired or is revoked");
	put_part(screen, &line, sums.differing, "with DIFFERENT bundles of one sequence");
	put_part(screen, &line, sums.rolled_back, "rolled back");
	put_part(screen, &line, sums.drifting, "drift");
	(void)snprintf(unseen, sizeof(unseen), "not seen for %s%s", sums.unseen > 1 ? "up to " : "",
		       screen_span(sums.unseen_s, span));
	put_part(screen, &line, sums.unseen, sums.unseen_s > 0 ? unseen : "of unknown age");
	put_part(screen, &line, sums.critical, "critical");
	put_part(screen, &line, sums.warned, sums.warned == 1 ? "warning" : "warnings");
	(void)snprintf(hosts, sizeof(hosts), "%zu host%s", fleet->count, fleet->count == 1 ? "" : "s");
	screen_put(screen, "\n");
	screen_wrap(screen, 2, PAINT_BOLD, hosts, "%s", line.data ? line.data : "");
	buf_done(&line);
}

int fleet_print(const struct fleet *fleet, const struct overview_screen *style, struct buf *ret)
{
	struct screen screen = {.out = ret, .style = style, .now_s = fleet->now_s};
	ASSERT(style->columns >= OVERVIEW_COLUMNS_MIN);
	const struct widths widths = find_widths(&screen, fleet);
	put_header(&screen, &widths);
	for (size_t i = 0; i < fleet->count; i++) {
		put_row(&screen, &fleet->hosts[i], &widths);
		put_notes(&screen, &fleet->hosts[i]);
	}
	put_summary(&screen, fleet);
	return screen.error;
}
