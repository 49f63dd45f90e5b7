/*
 * metrics.h - what Prometheus is told of a mount: the counts that a daemon keeps, and the text made of these and of an
 * overview. Version 0.0.4 of the text format; names and labels are described in vouchfs(1), METRICS.
 *
 * No label holds a path, a user or a digest. Every series has the label mount, the name of the configuration's file, so
 * that a host with several mounts can show them all.
 */
#ifndef OVERVIEW_METRICS_H
#define OVERVIEW_METRICS_H

#include <pthread.h>

#include "audit/audit.h"
#include "base/base.h"
#include "base/buf.h"
#include "overview/overview.h"

enum metrics_outcome { METRICS_ACCEPTED, METRICS_WARNED, METRICS_REFUSED, METRICS_FAILED, METRICS_OUTCOME_COUNT };
enum metrics_subject { METRICS_DEPLOYMENTS, METRICS_PUBLICATIONS, METRICS_BUNDLES, METRICS_SUBJECT_COUNT };

#define METRICS_REASONS_MAX 24 /* rows in the table of reasons */
#define METRICS_BUCKETS	    13 /* of the time that verdicts take; behind them is "longer" */

/* Since the daemon was started. */
struct metrics_counts {
	/* by the reason's row in the table of reasons */
	uint64_t attempts[METRICS_SUBJECT_COUNT][METRICS_OUTCOME_COUNT][METRICS_REASONS_MAX];
	uint64_t releases_blocked;
	uint64_t releases_unblocked;
	uint64_t reloads;
	uint64_t reloads_refused;
	uint64_t page_check_failures;
	uint64_t verdicts[METRICS_BUCKETS + 1]; /* each by the first bucket that it fits into */
	uint64_t verdict_us;			/* of them all */
};

/* The counts of a daemon. The lock is internal and last; whoever counts returns at once. */
struct metrics {
	pthread_mutex_t lock;
	struct metrics_counts counts;
};

void metrics_init(struct metrics *metrics);
void metrics_done(struct metrics *metrics);

/* An attempt to deploy, to publish a layer version, or to bring a policy bundle, has ended. reason: POLICY_REASON_NONE
 * where there is none. */
void metrics_count_attempt(struct metrics *metrics, enum metrics_subject subject, enum metrics_outcome outcome,
			   enum policy_reason reason);
/* What the audit log has: blocks, reloads, failed checks of stored bytes, and how long a verdict took. */
void metrics_count_record(struct metrics *metrics, const struct audit_record *record);
void metrics_take(struct metrics *metrics, struct metrics_counts *ret);

/* What is neither counted nor in an overview. */
struct metrics_sizes {
	uint64_t staging_bytes; /* of uploads in progress */
	bool has_store;		/* those below are known */
	uint64_t object_bytes;	/* on the disk: payloads with their trees */
	uint64_t record_bytes;	/* releases, notes, attributes of slots */
	uint64_t audit_bytes;
};

/* Slots by problems, then by whose signature expires first: those behind the first LIMIT_METRICS_SLOTS have no series
 * of their own. 0 or -ENOMEM. */
int overview_print_metrics(const struct overview *overview, const struct metrics_counts *counts,
			   const struct metrics_sizes *sizes, struct buf *ret);

#endif
