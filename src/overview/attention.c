#include "attention.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "enforce.h"
#include "policy_words.h"

/* ---- adding ---- */

static struct attention *add(struct attentions *to, enum attention_level level, const char *mark, const char *subject)
{
	struct attention *all = to->error == 0 ? reallocarray(to->all, to->count + 1, sizeof(*all)) : NULL;
	if (!all) {
		to->error = -ENOMEM;
		return NULL;
	}
	to->all = all;
	all[to->count] = (struct attention){.level = level, .mark = mark, .subject = strdup(subject)};
	if (!all[to->count].subject)
		to->error = -ENOMEM;
	return &all[to->count++];
}

/* Texts are as they were stored; who shows them escapes them. NULL: there is none to be set. */
static void say(struct attentions *to, char **ret, const char *format, ...) PRINTF_LIKE(3, 4);
static void say(struct attentions *to, char **ret, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	if (to->error == 0 && vasprintf(ret, format, args) < 0) {
		*ret = NULL;
		to->error = -ENOMEM;
	}
	va_end(args);
}

static struct attention *add_slot(struct attentions *to, enum attention_level level, const char *mark,
				  const struct overview_slot *slot)
{
	char name[VIEW_SLOT_SIZE];
	return add(to, level, mark, view_slot_name(slot, name));
}

/* ---- slots ---- */

static const char *noun(const struct overview_slot *slot)
{
	return slot->is_layer ? "version" : "release";
}

static void add_not_served(struct attentions *to, const struct overview_slot *slot)
{
	struct attention *a = add_slot(to, ATTENTION_BAD, slot->is_damaged ? "DAMAGED" : "BLOCKED", slot);
	if (!a)
		return;
	if (slot->is_damaged) {
		say(to, &a->text, "%s %" PRIu64 " cannot be read as it was stored, so it is not served", noun(slot),
		    slot->release);
		say(to, &a->remedy, "copy the same artifact again, which makes it whole; then check the disk");
		return;
	}
	say(to, &a->text, "%s %" PRIu64 " is not served by policy on load%s%s%s%s", noun(slot), slot->release,
	    slot->enforce_reason ? ": " : "", slot->enforce_reason ? slot->enforce_reason : "",
	    slot->enforce_detail ? ", " : "", slot->enforce_detail ? slot->enforce_detail : "");
	if (enforce_remedy(slot))
		say(to, &a->remedy, "%s", enforce_remedy(slot));
}

static void add_refused(struct attentions *to, const struct overview_slot *slot)
{
	const struct overview_attempt *last = &slot->last;
	char utc[CLOCK_UTC_SIZE], name[VIEW_SLOT_SIZE];
	bool has_failed = view_is(last->outcome, "failed");
	struct attention *a = add_slot(to, ATTENTION_BAD, has_failed ? "FAILED" : "REFUSED", slot);
	if (!a)
		return;
	clock_format_utc(last->at_s, utc);
	say(to, &a->text, "the last attempt, at %s by uid %u (%s)%s%s%s%s; %s", utc, last->uid,
	    last->command ? last->command : "?", last->reason ? ", " : "", last->reason ? last->reason : "",
	    last->detail ? ": " : "", last->detail ? last->detail : "",
	    slot->release > 0 ? "what was there is still served" : "nothing is served there yet");
	say(to, &a->remedy, "vouchfs why %s", view_slot_name(slot, name));
}

static void add_break_glass(struct attentions *to, const struct overview_slot *slot)
{
	char utc[CLOCK_UTC_SIZE];
	struct attention *a = add_slot(to, ATTENTION_BAD, "BREAK GLASS", slot);
	if (!a)
		return;
	clock_format_utc(slot->break_glass.until_s, utc);
	say(to, &a->text, "until %s mismatch, expiry and revocation only warn, by uid %u: %s", utc,
	    slot->break_glass.uid, slot->break_glass.reason ? slot->break_glass.reason : "no reason was given");
	say(to, &a->remedy, "it ends by itself; vouchfs break-glass %s --end ends it now", slot->name);
}

/* What is served all the same: deployed under Warn, or good once and not any more. */
static const char *tolerated_mark(const struct overview_slot *slot)
{
	if (view_is(slot->enforce_reason, "VF2001"))
		return "UNSIGNED";
	if (view_is(slot->enforce_reason, "VF2003"))
		return "EXPIRED";
	return view_is(slot->enforce_reason, "VF2004") ? "REVOKED" : "WOULD FAIL";
}

static void add_tolerated(struct attentions *to, const struct overview_slot *slot)
{
	struct attention *a = add_slot(to, ATTENTION_WARNING, tolerated_mark(slot), slot);
	if (!a)
		return;
	say(to, &a->text, "%s %" PRIu64 " is served, and Enforce would refuse it: %s, %s%s%s", noun(slot),
	    slot->release, slot->enforce_reason ? slot->enforce_reason : "VF3001", enforce_title(slot->enforce_reason),
	    slot->enforce_detail ? ": " : "", slot->enforce_detail ? slot->enforce_detail : "");
	if (enforce_remedy(slot))
		say(to, &a->remedy, "%s", enforce_remedy(slot));
}

/* A slot has as many entries as it has troubles. */
static void add_troubles(struct attentions *to, const struct overview *overview, enum overview_rank rank)
{
	for (size_t i = 0; i < overview->slot_count; i++) {
		const struct overview_slot *slot = &overview->slots[i];
		bool is_bad = view_is(slot->last.outcome, "refused") || view_is(slot->last.outcome, "failed");
		if (rank == OVERVIEW_NOT_SERVED && (slot->is_damaged || slot->is_blocked))
			add_not_served(to, slot);
		else if (rank == OVERVIEW_REFUSED && is_bad)
			add_refused(to, slot);
		else if (rank == OVERVIEW_RELAXED && slot->break_glass.until_s > 0)
			add_break_glass(to, slot);
		else if (rank == OVERVIEW_WARNED && enforce_would_fail(slot) && !slot->is_blocked && !slot->is_damaged)
			add_tolerated(to, slot);
	}
}

/* ---- the host ---- */

static void add_host(struct attentions *to, const struct overview *overview)
{
	struct attention *a;
	if (!overview->audit_writable) {
		a = add(to, ATTENTION_BAD, "AUDIT LOG", "audit log");
		if (a) {
			say(to, &a->text, "it cannot be written, so nothing can be deployed");
			say(to, &a->remedy, "make room on the store's disk, then mount again");
		}
	}
	if (overview_died_lately(overview)) {
		a = add(to, ATTENTION_WARNING, "DAEMON DIED", "daemon");
		if (a) {
			say(to, &a->text, "%" PRIu64 " time%s since the mount; another one took over", overview->deaths,
			    overview->deaths == 1 ? "" : "s");
			say(to, &a->remedy, "its log says why: journalctl -t vouchfs");
		}
	}
	if (overview->config_failures > 0) {
		a = add(to, ATTENTION_BAD, "RELOAD FAILED", "configuration");
		if (a) {
			say(to, &a->text, "generation %" PRIu64 " stays in force, %" PRIu64 " reload%s refused%s%s",
			    overview->config_generation, overview->config_failures,
			    overview->config_failures == 1 ? " was" : "s were", overview->config_error ? ": " : "",
			    overview->config_error ? overview->config_error : "");
			say(to, &a->remedy, "vouchfs check-config names every error; then vouchfs reload");
		}
	}
}

/* ---- what governs the host ---- */

static void add_missing_bundle(struct attentions *to, const struct overview_policy *policy)
{
	bool is_lost = policy_is_lost(policy);
	struct attention *a = add(to, is_lost ? ATTENTION_BAD : ATTENTION_WARNING,
				  is_lost ? "BUNDLE LOST" : "NO BUNDLE", "policy");
	if (!a)
		return;
	if (is_lost)
		say(to, &a->text, "one was in force and cannot be relied on%s%s", policy->detail ? ": " : "",
		    policy->detail ? policy->detail : "");
	else
		say(to, &a->text, "none has come yet, so nothing that one governs is in force");
	say(to, &a->remedy,
	    policy->source ? "look at why its source does not bring it: vouchfs status"
			   : "bring the newest one: vouchfs policy apply");
}

static void add_bundle(struct attentions *to, const struct overview *overview)
{
	const struct overview_policy *policy = &overview->policy;
	const char *alarm = policy_alarm(policy, overview->now_s);
	struct attention *a = alarm ? add(to, ATTENTION_BAD, policy_alarm_word(alarm), "policy") : NULL;
	if (a) {
		say(to, &a->text, "bundle %" PRIu64 " is kept in force all the same (%s)%s%s", policy->sequence, alarm,
		    policy->alarm_detail ? ": " : "", policy->alarm_detail ? policy->alarm_detail : "");
		say(to, &a->remedy, "have one with a higher sequence signed, and bring it here");
	}
	a = policy->rollback_reason ? add(to, ATTENTION_WARNING, "ROLLED BACK", "policy") : NULL;
	if (a) {
		say(to, &a->text, "from bundle %" PRIu64 " to %" PRIu64 " by uid %u: %s", policy->highest_sequence,
		    policy->sequence, policy->rollback_by_uid, policy->rollback_reason);
		say(to, &a->remedy,
		    "it ends with a bundle of a higher sequence, or when `vouchfs policy rollback` takes up the newest "
		    "one");
	}
}

static void add_drift(struct attentions *to, const struct overview_policy *policy)
{
	const char *shown[POLICY_DRIFT_SHOWN];
	uint64_t count = policy_count_drift(policy);
	enum attention_level level = policy_is_overridden(policy) ? ATTENTION_BAD : ATTENTION_WARNING;
	struct attention *a = count > 0 ? add(to, level, "DRIFT", "policy") : NULL;
	if (!a)
		return;
	bool has_text = policy_list_drift(policy, shown) > 0;
	say(to, &a->text, "the host differs from the bundle in %" PRIu64 " thing%s%s%s%s", count, count == 1 ? "" : "s",
	    has_text ? ": " : "", has_text ? shown[0] : "", has_text && count > 1 ? ", ..." : "");
	say(to, &a->remedy, "vouchfs policy drift shows each, and what was expected");
}

static void add_refused_bundle(struct attentions *to, const struct overview_policy *policy)
{
	const struct overview_attempt *last = &policy->last;
	char utc[CLOCK_UTC_SIZE];
	bool has_failed = view_is(last->outcome, "failed");
	struct attention *a = policy_was_refused(policy)
				      ? add(to, ATTENTION_BAD, has_failed ? "BUNDLE FAILED" : "BUNDLE REFUSED",
					    "policy")
				      : NULL;
	if (!a)
		return;
	clock_format_utc(last->at_s, utc);
	say(to, &a->text, "the last one, brought at %s by uid %u (%s)%s%s%s%s", utc, last->uid,
	    last->command ? last->command : "?", last->reason ? ", " : "", last->reason ? last->reason : "",
	    last->detail ? ": " : "", last->detail ? last->detail : "");
	say(to, &a->remedy, "vouchfs why policy");
}

static void add_policy(struct attentions *to, const struct overview *overview)
{
	const struct overview_policy *policy = &overview->policy;
	if (!policy->state)
		return;
	if (policy_is_in_force(policy))
		add_bundle(to, overview);
	else
		add_missing_bundle(to, policy);
	add_drift(to, policy);
	add_refused_bundle(to, policy);
	struct attention *a = policy_is_source_silent(overview) ? add(to, ATTENTION_WARNING, "SOURCE SILENT", "policy")
								: NULL;
	if (a) {
		say(to, &a->text, "%s does not answer%s%s", policy->source, policy->fetch_error ? ": " : "",
		    policy->fetch_error ? policy->fetch_error : "");
		say(to, &a->remedy, "a newer bundle, and what it revokes, does not come here until it does");
	}
}

/* NULL: nothing is wrong with it. */
static const char *list_mark(const struct overview_account *account)
{
	if (view_is(account->list_state, "stale"))
		return "LIST STALE";
	if (view_is(account->list_state, "refused"))
		return "LIST REFUSED";
	return view_is(account->list_state, "missing") && account->list_required ? "LIST MISSING" : NULL;
}

static void add_account(struct attentions *to, const struct overview *overview, const struct overview_account *account)
{
	char subject[OVERVIEW_SUBJECT_SIZE], utc[CLOCK_UTC_SIZE];
	const char *mark = list_mark(account);
	(void)snprintf(subject, sizeof(subject), "account %s", account->id);
	struct attention *a = mark ? add(to, ATTENTION_BAD, mark, subject) : NULL;
	if (a) {
		clock_format_utc(account->list_next_update_s, utc);
		say(to, &a->text, "whether its signatures are revoked cannot be told (VF3001)%s%s%s%s",
		    account->list_next_update_s > 0 ? "; the list's next update was due at " : "",
		    account->list_next_update_s > 0 ? utc : "", account->list_detail ? "; " : "",
		    account->list_detail ? account->list_detail : "");
		say(to, &a->remedy,
		    "on its signing host: vouchfs signer refresh-revocations, then export-trust; bring the list here");
	}
	bool is_over = account->certificate_expires_at_s > 0 && account->certificate_expires_at_s <= overview->now_s;
	a = is_over ? add(to, ATTENTION_BAD, "CERTIFICATE ENDED", subject) : NULL;
	if (a) {
		clock_format_utc(account->certificate_expires_at_s, utc);
		say(to, &a->text, "it ended at %s: nothing that the account signed later counts", utc);
		say(to, &a->remedy, "trust another account of the publisher's");
	}
}

/* ---- all ---- */

int attentions_find(const struct overview *overview, struct attentions *ret)
{
	*ret = (struct attentions){0};
	add_troubles(ret, overview, OVERVIEW_NOT_SERVED);
	add_host(ret, overview);
	add_policy(ret, overview);
	add_troubles(ret, overview, OVERVIEW_REFUSED);
	add_troubles(ret, overview, OVERVIEW_RELAXED);
	for (size_t i = 0; i < overview->account_count; i++)
		add_account(ret, overview, &overview->accounts[i]);
	add_troubles(ret, overview, OVERVIEW_WARNED);
	return ret->error;
}

void attentions_done(struct attentions *attentions)
{
	for (size_t i = 0; i < attentions->count; i++) {
		free(attentions->all[i].subject);
		free(attentions->all[i].text);
		free(attentions->all[i].remedy);
	}
	free(attentions->all);
	*attentions = (struct attentions){0};
}

void attentions_put(struct json *j, const char *key, const struct attentions *attentions)
{
	json_array(j, key);
	for (size_t i = 0; i < attentions->count; i++) {
		const struct attention *a = &attentions->all[i];
		json_object(j, NULL);
		json_text(j, "level", a->level == ATTENTION_BAD ? "bad" : "warning");
		json_text(j, "mark", a->mark);
		json_text(j, "subject", a->subject);
		json_text(j, "text", a->text);
		json_text(j, "remedy", a->remedy);
		json_close(j);
	}
	json_close(j);
}
