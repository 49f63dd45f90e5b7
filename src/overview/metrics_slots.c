/* The metrics of single slots: what an alert has to name. All else of slots is only counted (metrics.c). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics_text.h"

#define SLOT_LABEL_SIZE 128

/* ---- which slots ---- */

/* Nothing can be wrong with a slot that nobody has used yet. */
static bool is_used(const struct overview_slot *slot)
{
	return slot->release > 0 || slot->last.outcome || slot->rank != OVERVIEW_EMPTY;
}

static int compare_times(int64_t a_s, int64_t b_s)
{
	if (a_s == b_s)
		return 0;
	if (a_s == 0 || b_s == 0) /* none is later than any */
		return a_s == 0 ? 1 : -1;
	return a_s < b_s ? -1 : 1;
}

/* By what an alert could be about: problems, then what expires first. */
static int compare(const void *a, const void *b)
{
	const struct overview_slot *x = *(const struct overview_slot *const *)a;
	const struct overview_slot *y = *(const struct overview_slot *const *)b;
	bool x_is_problem = x->rank <= OVERVIEW_RELAXED, y_is_problem = y->rank <= OVERVIEW_RELAXED;
	int by_time = compare_times(x->expires_at_s, y->expires_at_s);
	if (x_is_problem != y_is_problem)
		return x_is_problem ? -1 : 1;
	if (x_is_problem && x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (by_time != 0)
		return by_time;
	return x->is_layer != y->is_layer ? (int)x->is_layer - (int)y->is_layer : strcmp(x->name, y->name);
}

struct chosen {
	const struct overview_slot **slots;
	size_t count;
	size_t left_out;
};

static int choose(const struct overview *overview, struct chosen *ret)
{
	struct chosen chosen = {.slots = calloc(overview->slot_count + 1, sizeof(struct overview_slot *))};
	if (!chosen.slots)
		return -ENOMEM;
	for (size_t i = 0; i < overview->slot_count; i++)
		if (is_used(&overview->slots[i]))
			chosen.slots[chosen.count++] = &overview->slots[i];
	qsort(chosen.slots, chosen.count, sizeof(struct overview_slot *), compare);
	if (chosen.count > LIMIT_METRICS_SLOTS) {
		chosen.left_out = chosen.count - LIMIT_METRICS_SLOTS;
		chosen.count = LIMIT_METRICS_SLOTS;
	}
	*ret = chosen;
	return 0;
}

/* ---- their values; false: the slot has no such series ---- */

static bool serving_of(const struct overview_slot *slot, uint64_t *ret)
{
	*ret = slot->release > 0 && !slot->is_blocked && !slot->is_damaged;
	return !slot->is_layer && (slot->release > 0 || slot->is_damaged);
}

static bool blocked_of(const struct overview_slot *slot, uint64_t *ret)
{
	*ret = slot->is_blocked;
	return !slot->is_layer;
}

static bool damaged_of(const struct overview_slot *slot, uint64_t *ret)
{
	*ret = slot->is_damaged;
	return true;
}

static bool expiry_of(const struct overview_slot *slot, uint64_t *ret)
{
	*ret = (uint64_t)slot->expires_at_s;
	return slot->release > 0 && slot->expires_at_s > 0;
}

static bool break_glass_of(const struct overview_slot *slot, uint64_t *ret)
{
	*ret = (uint64_t)slot->break_glass.until_s;
	return slot->break_glass.until_s > 0;
}

static bool attempt_of(const struct overview_slot *slot, uint64_t *ret)
{
	*ret = (uint64_t)slot->last.at_s;
	return slot->last.outcome && slot->last.at_s > 0;
}

static const struct slot_family {
	const char *name;
	const char *help;
	bool (*value_of)(const struct overview_slot *slot, uint64_t *ret);
	bool says_outcome; /* of the last attempt */
} families[] = {
	{"vouchfs_slot_serving", "Whether a function's current release can be read: neither blocked nor damaged.",
	 serving_of, false},
	{"vouchfs_slot_blocked", "Whether policy blocks a function's current release.", blocked_of, false},
	{"vouchfs_slot_damaged", "Whether stored bytes of the slot are not what was verified.", damaged_of, false},
	{"vouchfs_slot_signature_expiry_timestamp_seconds",
	 "When the signature expires of what a slot serves, of a layer that of its newest version.", expiry_of, false},
	{"vouchfs_slot_last_attempt_timestamp_seconds",
	 "When it was last tried to deploy or publish, with the outcome and its reason.", attempt_of, true},
	{"vouchfs_slot_break_glass_end_timestamp_seconds",
	 "Until when the administrator has relaxed the checks of a slot.", break_glass_of, false},
};

static void put_sample(struct metrics_text *t, const struct slot_family *family, const struct overview_slot *slot)
{
	char path[SLOT_LABEL_SIZE];
	uint64_t value;
	if (!family->value_of(slot, &value))
		return;
	(void)snprintf(path, sizeof(path), "%s/%s", slot->is_layer ? "layers" : "functions", slot->name);
	const struct metrics_label labels[] = {
		{"slot", path},
		{"outcome", slot->last.outcome},
		{"reason", slot->last.reason ? slot->last.reason : METRICS_NO_REASON},
	};
	metrics_sample(t, labels, family->says_outcome ? ARRAY_SIZE(labels) : 1, value);
}

void metrics_put_slots(struct metrics_text *t, const struct overview *overview)
{
	struct chosen chosen = {0};
	int r = choose(overview, &chosen);
	if (r < 0) {
		t->error = r;
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		metrics_family(t, families[i].name, METRICS_GAUGE, families[i].help);
		for (size_t k = 0; k < chosen.count; k++)
			put_sample(t, &families[i], chosen.slots[k]);
	}
	metrics_single(t, "vouchfs_slots_without_series", METRICS_GAUGE,
		       "Slots in use that have no series of their own, because there are too many: those without "
		       "problems that expire last.",
		       chosen.left_out);
	free(chosen.slots);
}
