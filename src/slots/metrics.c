/* What a mount counts, and the text that is made of it. */
#include "metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define MEASURE_PAUSE_MS 60000 /* between two looks at the files of the store, and... */
#define MEASURE_SHARE	 100   /* ...no more than a hundredth of the time is spent on them */

struct slots_metrics {
	struct metrics counts;
	struct metrics_file *file;

	pthread_mutex_t measure_lock; /* held across the look at the store; what follows */
	bool is_measured;
	struct store_usage usage;
	uint64_t measure_again_ms;
};

/* ---- counting ---- */

static void take_record(void *ctx, const struct audit_news *news)
{
	struct slots_metrics *metrics = ctx;
	metrics_count_record(&metrics->counts, news->record);
	metrics_file_poke(metrics->file);
}

void slots_metrics_count(struct slot *slot, enum metrics_outcome outcome, enum policy_reason reason)
{
	struct slots_metrics *metrics = slot->slots->metrics;
	metrics_count_attempt(&metrics->counts, slot->is_layer ? METRICS_PUBLICATIONS : METRICS_DEPLOYMENTS, outcome,
			      reason);
	metrics_file_poke(metrics->file);
}

int slots_metrics_new(struct slots *slots, struct slots_metrics **ret)
{
	struct slots_metrics *metrics = calloc(1, sizeof(*metrics));
	if (!metrics)
		return -ENOMEM;
	metrics_init(&metrics->counts);
	lock_init(&metrics->measure_lock);
	int r = metrics_file_new(slots, &metrics->file);
	if (r == 0)
		r = audit_listen(slots->audit, take_record, metrics);
	if (r < 0) {
		slots_metrics_free(metrics);
		return r;
	}
	*ret = metrics;
	return 0;
}

void slots_metrics_end(struct slots_metrics *metrics)
{
	if (metrics)
		metrics_file_end(metrics->file);
}

void slots_metrics_free(struct slots_metrics *metrics)
{
	if (!metrics)
		return;
	metrics_file_free(metrics->file);
	lock_done(&metrics->measure_lock);
	metrics_done(&metrics->counts);
	free(metrics);
}

void slots_metrics_follow(struct slots_metrics *metrics)
{
	metrics_file_follow(metrics->file);
}

/* ---- rendering ---- */

static void measure_locked(struct slots_metrics *metrics, const struct store *store)
{
	uint64_t began_ms = clock_monotonic_ms();
	int r = store_measure(store, &metrics->usage);
	if (r == 0)
		metrics->is_measured = true;
	else
		log_warning("metrics: what the store takes on the disk cannot be found out: %s", strerror(-r));
	uint64_t ended_ms = clock_monotonic_ms(), rest_ms = (ended_ms - began_ms) * MEASURE_SHARE;
	metrics->measure_again_ms = ended_ms + (rest_ms > MEASURE_PAUSE_MS ? rest_ms : MEASURE_PAUSE_MS);
}

/* Who comes while another one looks waits for what he finds. */
static void fill_store_sizes(struct slots *slots, struct metrics_sizes *ret)
{
	struct slots_metrics *metrics = slots->metrics;
	lock_take(&metrics->measure_lock);
	if (clock_monotonic_ms() >= metrics->measure_again_ms)
		measure_locked(metrics, slots->store);
	ret->has_store = metrics->is_measured;
	ret->object_bytes = metrics->usage.object_bytes;
	ret->record_bytes = metrics->usage.record_bytes;
	ret->audit_bytes = metrics->usage.audit_bytes;
	lock_drop(&metrics->measure_lock);
}

int control_render_metrics(struct slots *slots, struct buf *ret)
{
	struct overview *overview = NULL;
	struct metrics_counts counts;
	struct metrics_sizes sizes = {0};
	int r = slots_overview(slots, &overview);
	if (r < 0)
		return r;
	metrics_take(&slots->metrics->counts, &counts);
	fill_store_sizes(slots, &sizes);
	lock_take(&slots->lock);
	sizes.staging_bytes = slots->staged_bytes;
	lock_drop(&slots->lock);
	r = overview_print_metrics(overview, &counts, &sizes, ret);
	overview_free(overview);
	return r;
}
