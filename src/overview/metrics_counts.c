/* The counts of a daemon, and which of them a record or the end of an attempt adds to. */
#include "base/lock.h"
#include "metrics_text.h"
#include "overview/metrics.h"

/* Of a verdict on some KiB, and of one that has to inflate a large artifact on a slow disk. */
const uint64_t metrics_bucket_us[METRICS_BUCKETS] = {
	1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,
};

void metrics_init(struct metrics *metrics)
{
	lock_init(&metrics->lock);
	metrics->counts = (struct metrics_counts){0};
}

void metrics_done(struct metrics *metrics)
{
	lock_done(&metrics->lock);
}

static size_t row_of(enum policy_reason reason)
{
	size_t count, row = 0;
	const struct policy_reason_info *all = policy_reasons(&count);
	ASSERT(count <= METRICS_REASONS_MAX);
	while (row < count && all[row].reason != reason)
		row++;
	ASSERT(row < count);
	return row;
}

void metrics_count_attempt(struct metrics *metrics, enum metrics_subject subject, enum metrics_outcome outcome,
			   enum policy_reason reason)
{
	size_t row = row_of(reason);
	lock_take(&metrics->lock);
	metrics->counts.attempts[subject][outcome][row]++;
	lock_drop(&metrics->lock);
}

static void count_verdict_locked(struct metrics_counts *counts, uint64_t took_us)
{
	size_t bucket = 0;
	while (bucket < METRICS_BUCKETS && took_us > metrics_bucket_us[bucket])
		bucket++;
	counts->verdicts[bucket]++;
	counts->verdict_us += took_us;
}

static void count_event_locked(struct metrics_counts *counts, enum audit_event event)
{
	counts->releases_blocked += event == AUDIT_BLOCKED;
	counts->releases_unblocked += event == AUDIT_UNBLOCKED;
	counts->reloads += event == AUDIT_CONFIG_RELOADED;
	counts->reloads_refused += event == AUDIT_CONFIG_REFUSED;
	counts->page_check_failures += event == AUDIT_PAGE_CHECK;
}

void metrics_count_record(struct metrics *metrics, const struct audit_record *record)
{
	bool is_verdict = record->event == AUDIT_DEPLOYMENT || record->event == AUDIT_PUBLICATION;
	lock_take(&metrics->lock);
	count_event_locked(&metrics->counts, record->event);
	if (is_verdict && record->verified_us > 0)
		count_verdict_locked(&metrics->counts, record->verified_us);
	lock_drop(&metrics->lock);
}

void metrics_take(struct metrics *metrics, struct metrics_counts *ret)
{
	lock_take(&metrics->lock);
	*ret = metrics->counts;
	lock_drop(&metrics->lock);
}
