/* The slot for policy bundles: its alarms, and what its fetcher says. */
#include "policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "internal.h"

/* ---- alarms ---- */

struct alarm {
	struct policy_told what;
	struct explain detail;
};

static void find_alarm(const struct governed *governed, struct alarm *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (!governed || governed->state == GOVERNED_NONE)
		return;
	ret->what.release = governed->release;
	ret->what.reason = governed->alarm;
	ret->what.is_alarm = governed->state == GOVERNED_LOST || governed->alarm != POLICY_REASON_NONE;
	unsigned long long sequence = governed->sequence;
	if (governed->state == GOVERNED_LOST) {
		explain_set(&ret->detail, "lost, so nothing that it governs is in force: %s", governed->why.text);
	} else if (governed->alarm != POLICY_REASON_NONE) {
		explain_set(&ret->detail, "%s: policy bundle %llu stays in force: %s",
			    policy_reason_info(governed->alarm)->code, sequence, governed->alarm_why.text);
	}
}

static bool is_news(struct slots *slots, const struct alarm *alarm)
{
	const struct policy_told *now = &alarm->what;
	lock_take(&slots->lock);
	struct policy_told *told = &slots->policy_told;
	bool is_same = told->is_alarm == now->is_alarm && told->reason == now->reason && told->release == now->release;
	*told = *now;
	lock_drop(&slots->lock);
	return now->is_alarm && !is_same;
}

/* The next moment at which time alone makes an alarm of it, or ends one. */
static void set_timer(struct slots *slots, const struct governed *governed)
{
	const int64_t moments[] = {
		governed->expires_at_s, governed->facts.list_issued_at_s,
		governed->facts.list_next_update_s + 1, /* its last second is a good one */
	};
	for (size_t i = 0; i < ARRAY_SIZE(moments); i++)
		if (moments[i] > clock_now_s())
			due_by(&slots->due, moments[i]);
}

void policy_follow(struct slots *slots)
{
	struct alarm alarm;
	struct trust *trust = slots_trust(slots);
	const struct governed *governed = trust->governed;
	find_alarm(governed, &alarm);
	if (is_news(slots, &alarm)) {
		const struct audit_record record = {.event = AUDIT_POLICY_ALARM,
						    .slot = slots->policy->path,
						    .release = alarm.what.release,
						    .detail = alarm.detail.text};
		(void)slots_record(slots, &record);
	}
	if (governed && governed->state == GOVERNED_IN_FORCE)
		set_timer(slots, governed);
	trust_unref(trust);
}

/* Signed once more since, or stamped. Going to and fro between signatures would push other bundles out of the history.
 */
static bool is_newer(const struct signature_facts *facts, const struct signature_facts *now)
{
	int64_t signed_at_s = facts->statement.signed_at_s, now_signed_at_s = now->statement.signed_at_s;
	bool is_stamped = facts->timestamp == SIGNATURE_GOOD && now->timestamp != SIGNATURE_GOOD;
	return signed_at_s > now_signed_at_s || (signed_at_s == now_signed_at_s && is_stamped);
}

bool policy_is_in_force_locked(const struct slot *slot, const struct governed *governed,
			       const struct gate_decision *decision)
{
	const struct store_release *record = slot->current ? slot->current->record : NULL;
	if (!record || !governed || governed->state != GOVERNED_IN_FORCE || governed->release != record->number)
		return false;
	return memcmp(record->digest, decision->tree_sha256, sizeof(record->digest)) == 0 &&
	       !is_newer(&decision->facts, &governed->facts) && !slot->damaged &&
	       !atomic_load(&slot->current->is_damaged);
}

/* ---- where bundles are fetched from ---- */

#define FETCH_OK    "ok"
#define FETCH_ERROR "error "

int slots_note_fetch(struct slots *slots, const char *line, size_t len)
{
	const size_t prefix = strlen(FETCH_ERROR);
	char error[sizeof(slots->fetch_error)] = "";
	if (len > 0 && line[len - 1] == '\n')
		len--;
	bool is_ok = text_equal(line, len, FETCH_OK);
	if (!is_ok && (len <= prefix || memcmp(line, FETCH_ERROR, prefix) != 0))
		return -EINVAL;
	if (!is_ok)
		text_escape_print(error, sizeof(error), line + prefix, len - prefix);
	lock_take(&slots->lock);
	memcpy(slots->fetch_error, error, sizeof(error));
	slots->fetch_attempts++;
	if (is_ok)
		slots->fetched_at_s = clock_now_s();
	lock_drop(&slots->lock);
	return 0;
}
