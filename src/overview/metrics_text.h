/*
 * metrics_text.h - writes the text format of Prometheus, keeps the first failure. Private to src/overview/metrics*.c.
 *
 *     metrics_family(&t, "vouchfs_slots", METRICS_GAUGE, "Slots by state.");
 *     metrics_sample(&t, (struct metrics_label[]){{"state", "ok"}}, 1, 7);     vouchfs_slots{mount="prod",state="ok"} 7
 */
#ifndef OVERVIEW_METRICS_TEXT_H
#define OVERVIEW_METRICS_TEXT_H

#include "base/buf.h"
#include "overview/metrics.h"

/* Upper bounds of the buckets, ascending. */
extern const uint64_t metrics_bucket_us[METRICS_BUCKETS];

struct metrics_text {
	struct buf *out;
	const char *mount; /* a label of every series; from outside */
	const char *name;  /* of the family that was begun last */
	int error;
};

/* Said where there is none: an empty label is no label. */
#define METRICS_NO_REASON "none"

struct metrics_label {
	const char *name;
	const char *value; /* from outside: is escaped */
};

enum metrics_type { METRICS_GAUGE, METRICS_COUNTER, METRICS_HISTOGRAM };

/* help: a sentence, without backslash or newline. */
void metrics_family(struct metrics_text *t, const char *name, enum metrics_type type, const char *help);
void metrics_sample(struct metrics_text *t, const struct metrics_label *labels, size_t label_count, uint64_t value);
/* A family of one sample. */
void metrics_single(struct metrics_text *t, const char *name, enum metrics_type type, const char *help, uint64_t value);
/* The samples of a histogram of durations; counts: of each bucket alone, the last is of those beyond. */
void metrics_histogram(struct metrics_text *t, const uint64_t counts[METRICS_BUCKETS + 1], uint64_t sum_us);

/* The series that slots have of their own, and how many of them have none (metrics_slots.c). */
void metrics_put_slots(struct metrics_text *t, const struct overview *overview);

/* What governs the host; nothing where no publisher is configured (metrics_policy.c). */
void metrics_put_policy(struct metrics_text *t, const struct overview *overview);

#endif
