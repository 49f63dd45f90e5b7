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

	pthread_mutex_t measure_lock; /* what follows; not held during a look at the store */
	pthread_cond_t looked;
	bool is_looking; /* somebody does */
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
	metrics_count_attempt(&metrics->counts,
			      slot->is_policy  ? METRICS_BUNDLES
			      : slot->is_layer ? METRICS_PUBLICATIONS
					       : METRICS_DEPLOYMENTS,
			      outcome, reason);
	metrics_file_poke(metrics->file);
}

int slots_metrics_new(struct slots *slots, struct slots_metrics **ret)
{
	struct slots_metrics *metrics = calloc(1, sizeof(*metrics));
	if (!metrics)
		return -ENOMEM;
	metrics_init(&metrics->counts);
	lock_init(&metrics->measure_lock);
	ASSERT(pthread_cond_init(&metrics->looked, NULL) == 0);
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
	ASSERT(pthread_cond_destroy(&metrics->looked) == 0);
	lock_done(&metrics->measure_lock);
	metrics_done(&metrics->counts);
	free(metrics);
}

void slots_metrics_follow(struct slots_metrics *metrics)
{
	metrics_file_follow(metrics->file);
}

/* ---- rendering ---- */

/* The lock is given back meanwhile. */
static void look_locked(struct slots_metrics *metrics, const struct store *store)
{
	struct store_usage usage;
	metrics->is_looking = true;
	lock_drop(&metrics->measure_lock);
	uint64_t began_ms = clock_monotonic_ms();
	int r = store_measure(store, &usage);
	uint64_t ended_ms = clock_monotonic_ms(), rest_ms = (ended_ms - began_ms) * MEASURE_SHARE;
	if (r < 0)
		log_warning("metrics: what the store takes on the disk cannot be found out: %s", strerror(-r));
	lock_take(&metrics->measure_lock);
	if (r == 0) {
		metrics->usage = usage;
		metrics->is_measured = true;
	}
	metrics->measure_again_ms = ended_ms + (rest_ms > MEASURE_PAUSE_MS ? rest_ms : MEASURE_PAUSE_MS);
	metrics->is_looking = false;
	ASSERT(pthread_cond_broadcast(&metrics->looked) == 0);
}

/* Who comes while another one looks gets what was found before: a look can take long, and requests wait for this. */
static void fill_store_sizes(struct slots *slots, struct metrics_sizes *ret)
{
	struct slots_metrics *metrics = slots->metrics;
	lock_take(&metrics->measure_lock);
	while (metrics->is_looking && !metrics->is_measured)
		ASSERT(pthread_cond_wait(&metrics->looked, &metrics->measure_lock) == 0);
	if (!metrics->is_looking && clock_monotonic_ms() >= metrics->measure_again_ms)
		look_locked(metrics, slots->store);
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
