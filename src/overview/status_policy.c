/* Near the top of the status screen: by which policy bundle the host is governed, and what is wrong with that. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "common.h"
#include "policy_words.h"
#include "status.h"

#define LOUD "!! "

static void put_missing(struct screen *screen, const struct overview_policy *policy)
{
	char newest[32] = "the newest bundle";
	if (policy->highest_sequence > 0)
		(void)snprintf(newest, sizeof(newest), "bundle %" PRIu64, policy->highest_sequence);
	if (policy_is_lost(policy))
		screen_wrap(screen, 3, PAINT_BAD, LOUD "POLICY BUNDLE LOST",
			    "%s%s; nothing that it governed is in force until %s comes again: `vouchfs policy apply`",
			    policy->detail ? ": " : "", policy->detail ? policy->detail : "", newest);
	else
		screen_wrap(screen, 3, PAINT_BAD, LOUD "NO POLICY BUNDLE",
			    " has come yet: no function, layer, principal or code-signing config is in force until one "
			    "does%s",
			    policy->source ? "" : ", by `vouchfs policy apply`");
}

static void put_alarm(struct screen *screen, const struct overview_policy *policy)
{
	char lead[80], utc[CLOCK_UTC_SIZE];
	const char *alarm = policy_alarm(policy, screen->now_s);
	if (!alarm)
		return;
	clock_format_utc(policy->expires_at_s, utc);
	bool is_dated = !policy->alarm_detail && view_is(alarm, "VF2003");
	(void)snprintf(lead, sizeof(lead), LOUD "POLICY BUNDLE %" PRIu64 " %s", policy->sequence,
		       policy_alarm_word(alarm));
	screen_wrap(screen, 3, PAINT_BAD, lead, " (%s), and kept in force until a newer one comes%s%s", alarm,
		    is_dated || policy->alarm_detail ? ": " : "",
		    is_dated		   ? utc
		    : policy->alarm_detail ? policy->alarm_detail
					   : "");
}

static void put_rolled_back(struct screen *screen, const struct overview_policy *policy)
{
	char user[SCREEN_USER_SIZE];
	if (!policy->rollback_reason || !policy_is_in_force(policy))
		return;
	screen_wrap(screen, 3, PAINT_BAD, LOUD "POLICY ROLLED BACK",
		    " from bundle %" PRIu64 " to %" PRIu64 " by %s: %s", policy->highest_sequence, policy->sequence,
		    screen_user(screen, policy->rollback_by_uid, user),
		    policy->rollback_reason[0] ? policy->rollback_reason : "no reason was given");
}

/* "2 differences: a; b", "12 differences: a; b; c; `vouchfs policy drift` shows all" */
static void put_drift(struct screen *screen, const struct overview_policy *policy)
{
	const char *shown[POLICY_DRIFT_SHOWN];
	uint64_t count = policy_count_drift(policy);
	struct buf text = {0};
	if (count == 0)
		return;
	size_t shown_count = policy_list_drift(policy, shown);
	int r = 0;
	for (size_t i = 0; r == 0 && i < shown_count; i++)
		r = buf_printf(&text, "%s%s", i > 0 ? "; " : ": ", shown[i]);
	if (r == 0 && count > shown_count)
		r = buf_puts(&text, "; `vouchfs policy drift` shows all");
	if (r < 0)
		screen->error = r;
	screen_wrap(screen, 3, PAINT_BAD, LOUD "POLICY DRIFT", ": %" PRIu64 " difference%s%s", count,
		    count == 1 ? "" : "s", text.data ? text.data : "");
	buf_done(&text);
}

static void put_refused(struct screen *screen, const struct overview_policy *policy)
{
	const struct overview_attempt *last = &policy->last;
	char ago[SCREEN_SPAN_SIZE], user[SCREEN_USER_SIZE];
	if (!policy_was_refused(policy))
		return;
	screen_wrap(screen, 3, PAINT_BAD,
		    view_is(last->outcome, "failed") ? LOUD "BUNDLE FAILED" : LOUD "BUNDLE REFUSED",
		    "%s%s, %s ago, by %s with %s%s%s", last->reason ? ", " : "", last->reason ? last->reason : "",
		    screen_span(screen->now_s - last->at_s, ago), screen_user(screen, last->uid, user),
		    last->command ? last->command : "?", last->detail ? ": " : "", last->detail ? last->detail : "");
}

/* ---- what is as it should be ---- */

static const char *drift_words(const struct overview *overview)
{
	const struct overview_policy *policy = &overview->policy;
	if (!overview->is_mounted)
		return "";
	if (policy->drift_checked_at_s == 0)
		return ", drift not checked yet";
	return policy->drift_count == 0 ? ", no drift" : "";
}

static void put_in_force(struct screen *screen, const struct overview *overview)
{
	const struct overview_policy *policy = &overview->policy;
	char lead[64], since[VIEW_DATE_SIZE], until[VIEW_DATE_SIZE];
	bool is_dated = policy->expires_at_s > screen->now_s;
	if (!policy_is_in_force(policy))
		return;
	(void)snprintf(lead, sizeof(lead), "policy bundle %" PRIu64 " ", policy->sequence);
	screen_wrap(screen, 3, PAINT_PLAIN, lead, "in force since %s%s%s%s", view_date(policy->applied_at_s, since),
		    is_dated ? ", signed until " : "", is_dated ? view_date(policy->expires_at_s, until) : "",
		    drift_words(overview));
}

/* Among the problems where it is one, else at the end. */
static void put_source(struct screen *screen, const struct overview *overview, bool is_silent)
{
	const struct overview_policy *policy = &overview->policy;
	char ago[SCREEN_SPAN_SIZE], answered[64] = "not asked yet";
	if (!overview->is_mounted || !policy->source || policy_is_source_silent(overview) != is_silent)
		return;
	if (policy->fetched_at_s > 0)
		(void)snprintf(answered, sizeof(answered), "answered %s ago",
			       screen_span(screen->now_s - policy->fetched_at_s, ago));
	else if (policy->fetch_error || is_silent)
		(void)snprintf(answered, sizeof(answered), "has not answered since the mount");
	if (is_silent)
		screen_wrap(screen, 3, PAINT_BAD, LOUD "POLICY SOURCE NOT REACHED", ": %s %s%s%s", policy->source,
			    answered, policy->fetch_error ? ": " : "", policy->fetch_error ? policy->fetch_error : "");
	else
		screen_wrap(screen, 3, policy->fetch_error ? PAINT_WARNING : PAINT_PLAIN, "policy source ", "%s %s%s%s",
			    policy->source, answered, policy->fetch_error ? ", the last try failed: " : "",
			    policy->fetch_error ? policy->fetch_error : "");
}

void status_put_policy(struct screen *screen, const struct overview *overview)
{
	const struct overview_policy *policy = &overview->policy;
	if (!policy->state)
		return;
	if (!policy_is_in_force(policy))
		put_missing(screen, policy);
	put_alarm(screen, policy);
	put_rolled_back(screen, policy);
	put_drift(screen, policy);
	put_refused(screen, policy);
	put_source(screen, overview, true);
	put_in_force(screen, overview);
	put_source(screen, overview, false);
}
