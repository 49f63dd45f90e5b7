/* Below a row of the status screen: what is wrong with it, since when, who did it, and what to do. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "policy_words.h"
#include "status.h"

#define INDENT	     4
#define USERS_SHOWN  6
#define DETAIL_SHOWN 160 /* digests and lists of ARNs are left to `vouchfs why` */

/* Cut at a blank; "" for none. */
static const char *shorten(const char *detail, char ret[DETAIL_SHOWN + 1])
{
	size_t len = detail ? strlen(detail) : 0;
	bool is_cut = len > DETAIL_SHOWN;
	if (is_cut)
		for (len = DETAIL_SHOWN - 4; len > 0 && detail[len] != ' ';)
			len--;
	(void)snprintf(ret, DETAIL_SHOWN + 1, "%.*s%s", (int)len, detail ? detail : "", is_cut ? " ..." : "");
	return ret;
}

/* "refused VF2001, 3 min ago, by deploy with cp, event 4711: why" */
static void put_attempt(struct screen *screen, const struct overview_slot *slot, enum paint paint)
{
	const struct overview_attempt *last = &slot->last;
	char ago[SCREEN_SPAN_SIZE], user[SCREEN_USER_SIZE], event[48] = "";
	if (last->event > 0)
		(void)snprintf(event, sizeof(event), ", event %llu", (unsigned long long)last->event);
	char lead[64], detail[DETAIL_SHOWN + 1];
	(void)snprintf(lead, sizeof(lead), "    last attempt %s", last->outcome);
	screen_wrap(screen, INDENT, paint, lead, "%s%s, %s ago, by %s with %s%s%s%s", last->reason ? " " : "",
		    last->reason ? last->reason : "", screen_span(screen->now_s - last->at_s, ago),
		    screen_user(screen, last->uid, user), last->command ? last->command : "?", event,
		    last->detail && last->detail[0] ? ": " : "", shorten(last->detail, detail));
}

static void put_damaged(struct screen *screen, const struct overview_slot *slot)
{
	screen_wrap(screen, INDENT, PAINT_BAD, "    DAMAGED", ": what is stored is not what was %s; %s again",
		    slot->is_layer ? "published" : "deployed", slot->is_layer ? "publish it" : "deploy it");
}

static void put_blocked(struct screen *screen, const struct overview_slot *slot)
{
	char detail[DETAIL_SHOWN + 1];
	screen_wrap(screen, INDENT, PAINT_BAD, "    BLOCKED", ": its files answer \"Permission denied\": %s%s%s",
		    slot->enforce_reason ? slot->enforce_reason : "it does not pass today's checks",
		    slot->enforce_detail ? " " : "", shorten(slot->enforce_detail, detail));
}

static void put_break_glass(struct screen *screen, const struct overview_slot *slot)
{
	char until[CLOCK_UTC_SIZE], left[SCREEN_SPAN_SIZE], user[SCREEN_USER_SIZE];
	clock_format_utc(slot->break_glass.until_s, until);
	screen_wrap(screen, INDENT, PAINT_BAD, "    BREAK GLASS", " until %s (%s left), by %s: %s", until,
		    screen_span(slot->break_glass.until_s - screen->now_s, left),
		    screen_user(screen, slot->break_glass.uid, user),
		    slot->break_glass.reason ? slot->break_glass.reason : "-");
}

/* What is served all the same, but would not be deployed under Enforce; where the last attempt has not said it. */
static void put_would_fail(struct screen *screen, const struct overview_slot *slot)
{
	if (!status_is(slot->enforce_outcome, "refused") || slot->is_blocked)
		return;
	char detail[DETAIL_SHOWN + 1];
	screen_wrap(screen, INDENT, PAINT_WARNING, "    would be refused under Enforce", ": %s %s",
		    slot->enforce_reason ? slot->enforce_reason : "", shorten(slot->enforce_detail, detail));
}

/* "used by main, worker and 3 more" */
static void put_users(struct screen *screen, const struct overview_slot *slot)
{
	struct buf users = {0};
	size_t count = 0, left = 0;
	for (const char *name = slot->layers, *end; name && name[0]; name = end[0] ? end + 1 : end) {
		end = strchrnul(name, ' ');
		if (count++ >= USERS_SHOWN)
			left++;
		else if (buf_printf(&users, "%s%.*s", count > 1 ? ", " : "", (int)(end - name), name) < 0)
			screen->error = -ENOMEM;
	}
	if (left > 0 && buf_printf(&users, " and %zu more", left) < 0)
		screen->error = -ENOMEM;
	screen_wrap(screen, INDENT, PAINT_PLAIN, "    used by ", "%s", users.data ? users.data : "no function");
	buf_done(&users);
}

static bool is_bad(const struct overview_attempt *last)
{
	return status_is(last->outcome, "refused") || status_is(last->outcome, "failed");
}

/* Where a bundle governs, sections are the bundle's to give. */
static void put_no_config(struct screen *screen, const struct overview_policy *policy)
{
	const char *missing = "give it a [function] section";
	if (policy->state)
		missing = policy_is_in_force(policy) ? "the policy bundle in force has no [function] section for it"
						     : "without a policy bundle no [function] section is in force";
	screen_wrap(screen, INDENT, PAINT_WARNING, "    NO CONFIG",
		    ": served from before, and nobody can deploy to it; %s", missing);
}

void status_put_notes(struct screen *screen, const struct overview *overview, const struct overview_slot *slot,
		      bool has_last)
{
	bool has_warned = status_is(slot->last.outcome, "warned");
	if (slot->is_damaged)
		put_damaged(screen, slot);
	else if (slot->is_blocked)
		put_blocked(screen, slot);
	if (slot->break_glass.until_s > 0)
		put_break_glass(screen, slot);
	if (is_bad(&slot->last))
		put_attempt(screen, slot, PAINT_BAD);
	else if (has_warned)
		put_attempt(screen, slot, PAINT_WARNING);
	else if (slot->rank == OVERVIEW_NOT_SERVED && slot->last.outcome && !has_last)
		put_attempt(screen, slot, PAINT_PLAIN);
	if (status_is(slot->mode, OVERVIEW_NO_CONFIG) && slot->release > 0)
		put_no_config(screen, &overview->policy);
	if (!has_warned)
		put_would_fail(screen, slot);
	if (slot->is_layer)
		put_users(screen, slot);
}
