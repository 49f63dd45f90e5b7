/* Whether all is well with a host: what a pager is to be woken by, and what can wait until somebody looks. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "policy_words.h"
#include "screen.h"

#define DAY_S	    86400
#define NAMES_SHOWN 3
#define NAME_SIZE   104 /* a name of 64, its kind, its reason */
#define LIST_SPARE  4	/* a list is due soon when a quarter of its time is left */

struct findings {
	const struct overview *overview;
	int64_t expires_before_s;
	struct overview_finding *all;
	size_t count;
	int error;
};

const char *overview_health_name(enum overview_health level)
{
	static const char *const names[] = {"ok", "warning", "critical"};
	ASSERT((size_t)level < ARRAY_SIZE(names));
	return names[level];
}

static void add(struct findings *f, enum overview_health level, const char *code, const char *format, ...)
	PRINTF_LIKE(4, 5);
static void add(struct findings *f, enum overview_health level, const char *code, const char *format, ...)
{
	struct overview_finding *all = reallocarray(f->all, f->count + 1, sizeof(*all));
	char text[sizeof(all->text)];
	struct buf safe = {0};
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (all)
		f->all = all;
	if (!all || screen_safe(&safe, text) < 0) {
		f->error = -ENOMEM;
	} else {
		struct overview_finding *finding = &f->all[f->count++];
		*finding = (struct overview_finding){.level = level, .code = code};
		(void)snprintf(finding->text, sizeof(finding->text), "%s", safe.data ? safe.data : "");
	}
	buf_done(&safe);
}

/* ---- slots ---- */

typedef bool slot_test(const struct findings *f, const struct overview_slot *slot);

static bool is(const char *text, const char *word)
{
	return text && strcmp(text, word) == 0;
}

static bool is_damaged(const struct findings *f, const struct overview_slot *slot)
{
	(void)f;
	return slot->is_damaged;
}

static bool is_blocked(const struct findings *f, const struct overview_slot *slot)
{
	(void)f;
	return slot->is_blocked && !slot->is_damaged;
}

static bool is_relaxed(const struct findings *f, const struct overview_slot *slot)
{
	(void)f;
	return slot->break_glass.until_s > 0;
}

static bool would_be_refused(const struct findings *f, const struct overview_slot *slot)
{
	bool would_fail = is(slot->outcome, "warned") || is(slot->enforce_outcome, "refused");
	return would_fail && !is_blocked(f, slot) && !slot->is_damaged;
}

static bool is_orphan(const struct findings *f, const struct overview_slot *slot)
{
	(void)f;
	return is(slot->mode, OVERVIEW_NO_CONFIG) && slot->release > 0;
}

static bool is_expiring(const struct findings *f, const struct overview_slot *slot)
{
	return slot->expires_at_s > f->overview->now_s && slot->expires_at_s < f->expires_before_s;
}

static bool has_failed(const struct findings *f, const struct overview_slot *slot)
{
	(void)f;
	return is(slot->last.outcome, "failed");
}

static bool was_refused(const struct findings *f, const struct overview_slot *slot)
{
	return is(slot->last.outcome, "refused") && f->overview->now_s - slot->last.at_s < OVERVIEW_REFUSED_S;
}

static const char *enforce_reason(const struct overview_slot *slot)
{
	return slot->enforce_reason;
}

static const char *last_reason(const struct overview_slot *slot)
{
	return slot->last.reason;
}

/* What can be found of slots, the worst first. */
static const struct kind {
	enum overview_health level;
	const char *code;
	slot_test *test;
	const char *(*reason)(const struct overview_slot *slot); /* may be NULL, and may be none */
	const char *one, *several;
} kinds[] = {
	{OVERVIEW_CRITICAL, "damaged", is_damaged, NULL, "is damaged in the store", "are damaged in the store"},
	{OVERVIEW_CRITICAL, "blocked", is_blocked, enforce_reason, "is blocked by policy", "are blocked by policy"},
	{OVERVIEW_WARNING, "break-glass", is_relaxed, NULL, "is under break glass", "are under break glass"},
	{OVERVIEW_WARNING, "failed", has_failed, NULL, "could not be deployed to, the store failed",
	 "could not be deployed to, the store failed"},
	{OVERVIEW_WARNING, "refused", was_refused, last_reason, "refused what came last, within a day",
	 "refused what came last, within a day"},
	{OVERVIEW_WARNING, "expiring", is_expiring, NULL, "has a signature that expires soon",
	 "have signatures that expire soon"},
	{OVERVIEW_WARNING, "warned", would_be_refused, enforce_reason, "serves what Enforce would refuse",
	 "serve what Enforce would refuse"},
	{OVERVIEW_WARNING, "no-config", is_orphan, NULL, "is served without a section in the configuration",
	 "are served without a section in the configuration"},
};

/* "functions/a (VF2004)", behind a comma. */
static size_t put_name(const struct kind *kind, const struct overview_slot *slot, char *names, size_t size)
{
	const char *reason = kind->reason ? kind->reason(slot) : NULL;
	return (size_t)snprintf(names, size, ", %s/%.64s%s%.16s%s", slot->is_layer ? "layers" : "functions", slot->name,
				reason ? " (" : "", reason ? reason : "", reason ? ")" : "");
}

/* "functions/a is ..."; "5 slots are ...: functions/a, functions/b, layers/c and 2 more" */
static void find_kind(struct findings *f, const struct kind *kind)
{
	char names[NAMES_SHOWN * NAME_SIZE] = "", more[32] = "";
	size_t count = 0, len = 0;
	for (size_t i = 0; i < f->overview->slot_count; i++) {
		const struct overview_slot *slot = &f->overview->slots[i];
		if (kind->test(f, slot) && count++ < NAMES_SHOWN)
			len += put_name(kind, slot, names + len, sizeof(names) - len);
	}
	if (count > NAMES_SHOWN)
		(void)snprintf(more, sizeof(more), " and %zu more", count - NAMES_SHOWN);
	if (count == 1)
		add(f, kind->level, kind->code, "%s %s", names + 2, kind->one);
	else if (count > 1)
		add(f, kind->level, kind->code, "%zu slots %s: %s%s", count, kind->several, names + 2, more);
}

/* ---- accounts ---- */

static bool is_list_excused(const struct overview_account *account)
{
	return is(account->list_state, "none") || (is(account->list_state, "missing") && !account->list_required);
}

static void find_in_account(struct findings *f, const struct overview_account *account)
{
	char left[SCREEN_SPAN_SIZE];
	int64_t now_s = f->overview->now_s, until_s = account->list_next_update_s;
	int64_t spare_s = (until_s - account->list_issued_at_s) / LIST_SPARE;
	if (is(account->list_state, "good") && until_s - now_s < spare_s)
		add(f, OVERVIEW_WARNING, "list-due", "the next revocation list of account %s is due in %s", account->id,
		    screen_span(until_s - now_s, left));
	else if (!is(account->list_state, "good") && !is_list_excused(account))
		add(f, OVERVIEW_CRITICAL, "list", "the revocation list of account %s is %s%s%s", account->id,
		    account->list_state, account->list_detail ? ": " : "",
		    account->list_detail ? account->list_detail : "");
	if (account->certificate_expires_at_s > 0 && account->certificate_expires_at_s < f->expires_before_s)
		add(f, OVERVIEW_WARNING, "certificate", "the certificate of account %s %s %s%s", account->id,
		    account->certificate_expires_at_s > now_s ? "expires in" : "has expired",
		    screen_span(account->certificate_expires_at_s - now_s, left),
		    account->certificate_expires_at_s > now_s ? "" : " ago");
}

/* ---- what governs the host ---- */

static const char *alarm_words(const char *alarm)
{
	if (is(alarm, "VF2003"))
		return "expired";
	return is(alarm, "VF2004") ? "revoked" : "not to be relied on";
}

static void find_in_bundle(struct findings *f, const struct overview_policy *policy)
{
	char left[SCREEN_SPAN_SIZE];
	int64_t now_s = f->overview->now_s, expires_at_s = policy->expires_at_s;
	const char *alarm = policy_alarm(policy, now_s);
	if (alarm)
		add(f, OVERVIEW_CRITICAL, "policy-alarm", "policy bundle %" PRIu64 " is %s (%s), and kept in force",
		    policy->sequence, alarm_words(alarm), alarm);
	if (policy->rollback_reason)
		add(f, OVERVIEW_WARNING, "policy-rolled-back",
		    "the policy is rolled back from bundle %" PRIu64 " to %" PRIu64 " by uid %u: %s",
		    policy->highest_sequence, policy->sequence, policy->rollback_by_uid, policy->rollback_reason);
	if (!alarm && expires_at_s > now_s && expires_at_s < f->expires_before_s)
		add(f, OVERVIEW_WARNING, "policy-expiring", "the signature of policy bundle %" PRIu64 " expires in %s",
		    policy->sequence, screen_span(expires_at_s - now_s, left));
}

static void find_in_drift(struct findings *f, const struct overview_policy *policy)
{
	const char *shown[POLICY_DRIFT_SHOWN];
	uint64_t count = policy_count_drift(policy);
	bool has_text = policy_list_drift(policy, shown) > 0;
	if (count > 0)
		add(f, policy_is_overridden(policy) ? OVERVIEW_CRITICAL : OVERVIEW_WARNING, "policy-drift",
		    "the host differs from its policy bundle in %" PRIu64 " thing%s%s%s%s", count,
		    count == 1 ? "" : "s", has_text ? ": " : "", has_text ? shown[0] : "",
		    has_text && count > 1 ? ", ..." : "");
}

/* For a day: the check did its work, and what was in force is. */
static void find_in_attempt(struct findings *f, const struct overview_policy *policy)
{
	const struct overview_attempt *last = &policy->last;
	if (policy_was_refused(policy) && f->overview->now_s - last->at_s < OVERVIEW_REFUSED_S)
		add(f, OVERVIEW_WARNING, "policy-refused",
		    "the policy bundle that came last was %s within a day%s%s%s%s", last->outcome,
		    last->reason ? ", " : "", last->reason ? last->reason : "", last->detail ? ": " : "",
		    last->detail ? last->detail : "");
}

static void find_in_source(struct findings *f, const struct overview_policy *policy)
{
	char ago[SCREEN_SPAN_SIZE];
	bool has_answered = policy->fetched_at_s > 0;
	int64_t since_s = has_answered ? policy->fetched_at_s : f->overview->started_at_s;
	if (policy_is_source_silent(f->overview))
		add(f, OVERVIEW_WARNING, "policy-source", "the source of policy bundles has not answered for %s%s%s%s",
		    screen_span(f->overview->now_s - since_s, ago), has_answered ? "" : ", since the mount",
		    policy->fetch_error ? ": " : "", policy->fetch_error ? policy->fetch_error : "");
}

static void find_in_policy(struct findings *f)
{
	const struct overview_policy *policy = &f->overview->policy;
	if (!policy->state)
		return;
	if (policy_is_lost(policy))
		add(f, OVERVIEW_CRITICAL, "policy-lost", "the policy bundle is lost%s%s", policy->detail ? ": " : "",
		    policy->detail ? policy->detail : "");
	else if (policy_has_none_yet(policy))
		add(f, OVERVIEW_WARNING, "policy-none",
		    "no policy bundle has come yet: nothing that one governs is in "
		    "force");
	else
		find_in_bundle(f, policy);
	find_in_drift(f, policy);
	find_in_attempt(f, policy);
	find_in_source(f, policy);
}

/* ---- the host ---- */

bool overview_died_lately(const struct overview *overview)
{
	return overview->deaths > 0 && overview->now_s - overview->last_death_at_s < OVERVIEW_DIED_S;
}

static void find_in_host(struct findings *f)
{
	const struct overview *overview = f->overview;
	if (overview->is_mounted && !overview->audit_writable)
		add(f, OVERVIEW_CRITICAL, "audit-log", "the audit log cannot be written: nothing can be deployed");
	if (overview_died_lately(overview))
		add(f, OVERVIEW_WARNING, "daemon-died",
		    "the daemon died within a day, %" PRIu64
		    " time%s since the mount, and was replaced: its log says why",
		    overview->deaths, overview->deaths == 1 ? "" : "s");
	if (overview->unconfined)
		add(f, OVERVIEW_WARNING, "not-confined", "the process that serves is not confined: %s",
		    overview->unconfined);
	if (overview->config_failures > 0)
		add(f, OVERVIEW_WARNING, "reload-failed", "the last reload failed: %s",
		    overview->config_error ? overview->config_error : "see the log");
}

/* The worst first, otherwise in the order in which they were found. */
static void sort(struct overview_finding *all, size_t count)
{
	for (size_t i = 1; i < count; i++)
		for (size_t k = i; k > 0 && all[k].level > all[k - 1].level; k--) {
			struct overview_finding worse = all[k];
			all[k] = all[k - 1];
			all[k - 1] = worse;
		}
}

int overview_find_problems(const struct overview *overview, unsigned expiry_days, struct overview_finding **ret,
			   size_t *ret_count)
{
	struct findings f = {.overview = overview, .expires_before_s = overview->now_s + (int64_t)expiry_days * DAY_S};
	if (!overview->is_mounted)
		add(&f, OVERVIEW_CRITICAL, "not-mounted", "not mounted: nothing is served");
	find_in_policy(&f);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		find_kind(&f, &kinds[i]);
	for (size_t i = 0; i < overview->account_count; i++)
		find_in_account(&f, &overview->accounts[i]);
	find_in_host(&f);
	if (f.error < 0) {
		free(f.all);
		return f.error;
	}
	sort(f.all, f.count);
	*ret = f.all;
	*ret_count = f.count;
	return 0;
}

int overview_print_health(const struct overview *overview, struct buf *ret)
{
	struct overview_finding *all = NULL;
	size_t count = 0;
	int r = overview_find_problems(overview, OVERVIEW_EXPIRY_DAYS, &all, &count);
	if (r == 0 && count == 0)
		r = buf_puts(ret, "ok\n");
	for (size_t i = 0; r == 0 && i < count; i++)
		r = buf_printf(ret, "%s: %s\n", overview_health_name(all[i].level), all[i].text);
	free(all);
	return r;
}
