/* The top of the status screen: which configuration, what is wrong with the host as a whole, how many slots are how. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "status.h"

#define GOOD_LISTS_SHOWN 3

/* Indented by three where it goes on, behind "!! ". */
#define LOUD "!! "

static void put_title(struct screen *screen, const struct overview *overview)
{
	char ago[SCREEN_SPAN_SIZE], up[SCREEN_SPAN_SIZE];
	screen_wrap(screen, 2, PAINT_BOLD, "vouchfs ", "%s  %s", overview->version ? overview->version : "?",
		    overview->config_path ? overview->config_path : "?");
	if (!overview->is_mounted) {
		screen_wrap(screen, 3, PAINT_BAD, LOUD "NOT MOUNTED",
			    ": nothing is served. This is what the store %s holds; `vouchfs mount` serves it.",
			    overview->store ? overview->store : "");
		return;
	}
	screen_put(screen, "generation %" PRIu64 ", loaded %s ago; ", overview->config_generation,
		   screen_span(screen->now_s - overview->config_loaded_at_s, ago));
	(void)screen_span(screen->now_s - overview->started_at_s, up);
	if (overview->restarts > 0)
		screen_put(screen, "taken over %s ago, restart %" PRIu64, up, overview->restarts);
	else
		screen_put(screen, "mounted %s ago", up);
	screen_put(screen, ", pid %" PRIu64 "\n", overview->pid);
}

static void put_deaths(struct screen *screen, const struct overview *overview)
{
	char ago[SCREEN_SPAN_SIZE];
	if (overview->deaths > 0)
		screen_wrap(screen, 3, overview_died_lately(overview) ? PAINT_BAD : PAINT_PLAIN, LOUD "DAEMON DIED",
			    " %" PRIu64 " time%s, last %s ago, and was replaced: its log says why", overview->deaths,
			    overview->deaths == 1 ? "" : "s",
			    screen_span(screen->now_s - overview->last_death_at_s, ago));
}

static void put_failures(struct screen *screen, const struct overview *overview)
{
	char count[48] = "";
	put_deaths(screen, overview);
	if (overview->config_failures > 1)
		(void)snprintf(count, sizeof(count), " (%" PRIu64 " in a row)", overview->config_failures);
	if (overview->config_failures > 0)
		screen_wrap(screen, 3, PAINT_BAD, LOUD "RELOAD FAILED", "%s, the configuration before it stays: %s",
			    count, overview->config_error ? overview->config_error : "see the log");
	if (overview->unconfined)
		screen_wrap(screen, 3, PAINT_BAD, LOUD "NOT CONFINED", ": %s, and `confine = try` serves all the same",
			    overview->unconfined);
	if (overview->is_mounted && !overview->audit_writable)
		screen_wrap(screen, 3, PAINT_BAD, LOUD "AUDIT LOG CANNOT BE WRITTEN",
			    ": nothing can be deployed until it can; look at the disk of %s",
			    overview->store ? overview->store : "the store");
}

/* ---- revocation lists ---- */

static void put_bad_list(struct screen *screen, const struct overview_account *account)
{
	char next[CLOCK_UTC_SIZE], why[64] = "";
	if (status_is(account->list_state, "stale")) {
		clock_format_utc(account->list_next_update_s, next);
		(void)snprintf(why, sizeof(why), "a new one was due at %s", next);
	}
	screen_wrap(screen, 3, PAINT_BAD, LOUD "REVOCATION LIST", " of account %s is %s%s%s", account->id,
		    account->list_state, why[0] || account->list_detail ? ": " : "",
		    why[0]		   ? why
		    : account->list_detail ? account->list_detail
					   : "");
}

/* None is needed, or none is there and none is asked for. */
static bool is_list_excused(const struct overview_account *account)
{
	return status_is(account->list_state, "none") ||
	       (status_is(account->list_state, "missing") && !account->list_required);
}

static void put_good_list(struct screen *screen, const struct overview_account *account)
{
	char age[SCREEN_SPAN_SIZE], left[SCREEN_SPAN_SIZE];
	screen_wrap(screen, 3, PAINT_PLAIN, "revocation list ", "%" PRIu64 " of %s, issued %s ago, the next due in %s",
		    account->list_sequence, account->id, screen_span(screen->now_s - account->list_issued_at_s, age),
		    screen_span(account->list_next_update_s - screen->now_s, left));
}

static void put_lists(struct screen *screen, const struct overview *overview)
{
	size_t good_count = 0;
	for (size_t i = 0; i < overview->account_count; i++) {
		const struct overview_account *account = &overview->accounts[i];
		bool is_good = status_is(account->list_state, "good");
		if (!is_good && !is_list_excused(account))
			put_bad_list(screen, account);
	}
	for (size_t i = 0; i < overview->account_count; i++) {
		const struct overview_account *account = &overview->accounts[i];
		if (status_is(account->list_state, "good") && good_count++ < GOOD_LISTS_SHOWN)
			put_good_list(screen, account);
	}
	if (good_count > GOOD_LISTS_SHOWN)
		screen_put(screen, "and %zu more revocation lists that are good\n", good_count - GOOD_LISTS_SHOWN);
}

/* ---- how many slots are how ---- */

enum tally { TALLY_DAMAGED, TALLY_BLOCKED, TALLY_REFUSED, TALLY_RELAXED, TALLY_WARNED, TALLY_OK, TALLY_EMPTY, TALLIES };

static enum tally tally_of(const struct overview_slot *slot)
{
	static const enum tally tallies[] = {
		[OVERVIEW_NOT_SERVED] = TALLY_BLOCKED,
		[OVERVIEW_REFUSED] = TALLY_REFUSED,
		[OVERVIEW_RELAXED] = TALLY_RELAXED,
		[OVERVIEW_WARNED] = TALLY_WARNED,
		[OVERVIEW_OK] = TALLY_OK,
		[OVERVIEW_EMPTY] = TALLY_EMPTY,
	};
	return slot->is_damaged ? TALLY_DAMAGED : tallies[slot->rank];
}

static void put_tallies(struct screen *screen, const struct overview *overview)
{
	static const struct {
		const char *name;
		enum paint paint;
	} tallies[] = {
		[TALLY_DAMAGED] = {"DAMAGED", PAINT_BAD},   [TALLY_BLOCKED] = {"BLOCKED", PAINT_BAD},
		[TALLY_REFUSED] = {"refused", PAINT_BAD},   [TALLY_RELAXED] = {"break glass", PAINT_BAD},
		[TALLY_WARNED] = {"warned", PAINT_WARNING}, [TALLY_OK] = {"ok", PAINT_GOOD},
		[TALLY_EMPTY] = {"empty", PAINT_PLAIN},
	};
	size_t counts[TALLIES] = {0};
	for (size_t i = 0; i < overview->slot_count; i++)
		counts[tally_of(&overview->slots[i])]++;
	char text[64];
	size_t begun = (size_t)snprintf(text, sizeof(text), "%zu slots: ", overview->slot_count);
	screen_put(screen, "%s", text);
	const char *gap = "";
	for (size_t i = 0; i < TALLIES; i++) {
		if (counts[i] == 0)
			continue;
		size_t len = (size_t)snprintf(text, sizeof(text), "%zu %s", counts[i], tallies[i].name);
		bool is_full = begun + len + 2 > screen->style->columns;
		begun = is_full ? 2 + len : begun + strlen(gap) + len;
		screen_put(screen, "%s", is_full ? ",\n  " : gap);
		screen_paint(screen, tallies[i].paint, 0, text);
		gap = ", ";
	}
	screen_put(screen, "%s\n", overview->slot_count == 0 ? "none yet" : "");
}

static void put_would_fail(struct screen *screen, const struct overview *overview)
{
	size_t warn_count = 0, failing_count = 0;
	for (size_t i = 0; i < overview->slot_count; i++) {
		const struct overview_slot *slot = &overview->slots[i];
		if (slot->is_layer || !status_is(slot->mode, "Warn") || !slot->enforce_outcome)
			continue;
		warn_count++;
		failing_count += status_is(slot->enforce_outcome, "refused");
	}
	if (warn_count == 0)
		return;
	char text[96];
	(void)snprintf(text, sizeof(text), "%zu of %zu Warn slots would fail under Enforce", failing_count, warn_count);
	screen_paint(screen, failing_count > 0 ? PAINT_WARNING : PAINT_PLAIN, 0, text);
	screen_put(screen, "\n");
}

static void put_expiry(struct screen *screen, const struct overview *overview)
{
	int64_t limit_s = screen->now_s + OVERVIEW_EXPIRY_DAYS * STATUS_DAY_S, first_s = INT64_MAX;
	size_t count = 0;
	for (size_t i = 0; i < overview->slot_count; i++) {
		int64_t at_s = overview->slots[i].expires_at_s;
		if (at_s <= screen->now_s || at_s >= limit_s)
			continue;
		count++;
		first_s = at_s < first_s ? at_s : first_s;
	}
	char left[SCREEN_SPAN_SIZE], text[96];
	if (count == 0)
		return;
	(void)snprintf(text, sizeof(text), "%zu signature%s within %d days, the first in %s", count,
		       count == 1 ? " expires" : "s expire", OVERVIEW_EXPIRY_DAYS,
		       screen_span(first_s - screen->now_s, left));
	screen_paint(screen, PAINT_WARNING, 0, text);
	screen_put(screen, "\n");
}

static void put_break_glass(struct screen *screen, const struct overview *overview)
{
	size_t count = 0;
	for (size_t i = 0; i < overview->slot_count; i++)
		count += overview->slots[i].break_glass.until_s > 0;
	if (count > 0)
		screen_wrap(screen, 3, PAINT_BAD, LOUD "BREAK GLASS",
			    ": %zu slot%s what the configuration would refuse, see below", count,
			    count == 1 ? " takes" : "s take");
}

/* Where to go on, of the first that was refused. */
static void put_hint(struct screen *screen, const struct overview *overview)
{
	for (size_t i = 0; i < overview->slot_count; i++) {
		const struct overview_slot *slot = &overview->slots[i];
		if (slot->rank != OVERVIEW_REFUSED)
			continue;
		screen_wrap(screen, 2, PAINT_PLAIN, "", "`vouchfs why %s%s` says what was checked last, and what to do",
			    slot->is_layer ? "layers/" : "", slot->name);
		return;
	}
}

void status_put_head(struct screen *screen, const struct overview *overview)
{
	put_title(screen, overview);
	put_failures(screen, overview);
	status_put_policy(screen, overview);
	put_break_glass(screen, overview);
	put_lists(screen, overview);
	put_tallies(screen, overview);
	put_would_fail(screen, overview);
	put_expiry(screen, overview);
	put_hint(screen, overview);
}
