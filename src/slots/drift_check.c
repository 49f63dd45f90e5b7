/* One look at the differences, and what is said of it. */
#include "drift_check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "config/policy.h"
#include "drift_find.h"
#include "internal.h"

void drift_keeper_init(struct drift_keeper *keeper, bool allow_other)
{
	lock_init(&keeper->lock);
	atomic_init(&keeper->is_due, true);
	keeper->allow_other = allow_other;
	atomic_init(&keeper->due_at_s, INT64_MAX);
}

void drift_keeper_done(struct drift_keeper *keeper)
{
	free(keeper->tried);
	lock_done(&keeper->lock);
}

void drift_expect(struct slots *slots)
{
	lock_take(&slots->lock);
	bool is_governed = slots->trust->governed || slots->drift;
	lock_drop(&slots->lock);
	if (!is_governed)
		return;
	atomic_store(&slots->keeper.is_due, true);
	due_now(&slots->due);
}

/* ---- looking ---- */

/* What is on the disk, for a look: it belongs to the scene's maker. */
struct disk {
	struct trust *fresh;
	struct config *config; /* NULL: fresh's is the one */
	struct buf errors;
};

static const struct config_members *bundle_of(const struct trust *trust)
{
	const struct governed *governed = trust->governed;
	return governed && governed->state == GOVERNED_IN_FORCE ? bundle_members(governed->bundle) : NULL;
}

/* The bundle in memory is what counts, also where the store has another one by now. */
static bool has_bundle_in_force(const struct trust *fresh, const struct trust *trust)
{
	const struct governed *a = fresh->governed, *b = trust->governed;
	return a && a->state == b->state && a->sequence == b->sequence &&
	       memcmp(a->tree_sha256, b->tree_sha256, sizeof(a->tree_sha256)) == 0;
}

/* -EAGAIN: trust is not in force any more, and what the store has is of another one. */
static int read_disk(struct slots *slots, const struct trust *trust, struct disk *ret)
{
	lock_take(&slots->refresh_lock);
	bool is_in_force = slots->trust == trust;
	int r = is_in_force ? trust_preview(slots->config_path, slots->store, &ret->fresh, &ret->errors) : -EAGAIN;
	lock_drop(&slots->refresh_lock);
	if (!is_in_force)
		return r;
	if (r == 0 && has_bundle_in_force(ret->fresh, trust))
		return 0;
	struct buf errors = {0};
	if (r != -ENOMEM)
		r = config_load_changed(slots->config_path, NULL, bundle_of(trust), &ret->config, &errors);
	if (r < 0 && ret->errors.len == 0) {
		buf_done(&ret->errors);
		ret->errors = errors;
		errors = (struct buf){0};
	}
	buf_done(&errors);
	return r == -ENOMEM ? r : 0;
}

static void disk_done(struct disk *disk)
{
	trust_unref(disk->fresh);
	config_free(disk->config);
	buf_done(&disk->errors);
}

static void find_all(const struct drift_scene *scene, struct drift *drift)
{
	drift_find_bundle(scene, drift);
	drift_find_local(scene, drift);
	drift_find_config(scene, drift);
	drift_find_trust(scene, drift);
	drift_find_revocations(scene, drift);
	drift_find_slots(scene, drift);
	drift_find_unit(scene, drift);
}

static int look(struct slots *slots, const struct trust *trust, struct drift *drift)
{
	const struct config_terms *terms = trust->config->terms;
	struct disk disk = {0};
	int r = read_disk(slots, trust, &disk);
	if (r < 0)
		goto out;
	struct drift_scene scene = {
		.trust = trust,
		.fresh = disk.fresh,
		.config = disk.config  ? disk.config
			  : disk.fresh ? disk.fresh->config
				       : NULL,
		.errors = disk.errors.data ? disk.errors.data : "",
		.now_s = clock_now_s(),
	};
	drift_look_at_process(&scene.process);
	scene.process.allow_other = slots->keeper.allow_other;
	drift->checked_at_s = scene.now_s;
	drift->sequence = trust->governed->state == GOVERNED_IN_FORCE ? trust->governed->sequence : 0;
	drift->remediates = terms && terms->remediate;
	find_all(&scene, drift);

	int64_t changes_at_s = drift_changes_at_s(&scene);
	atomic_store(&slots->keeper.due_at_s, changes_at_s);
	due_by(&slots->due, changes_at_s);
out:
	disk_done(&disk);
	return r;
}

/* ---- saying ---- */

static void record(struct slots *slots, enum audit_event event, const struct explain *detail)
{
	const struct audit_record what = {.event = event, .detail = detail->text};
	(void)slots_record(slots, &what);
}

static void print_bundle(const struct drift *drift, char ret[64])
{
	if (drift->sequence > 0)
		(void)snprintf(ret, 64, "policy bundle %" PRIu64, drift->sequence);
	else
		(void)snprintf(ret, 64, "what a policy bundle would say");
}

static void record_found(struct slots *slots, const struct drift *drift)
{
	const struct drift_item *first = &drift->items[0];
	struct explain detail;
	char bundle[64];
	print_bundle(drift, bundle);
	explain_set(&detail, "%zu difference%s from %s; %s %s: expected %s, found %s%s", drift->count,
		    drift->count == 1 ? "" : "s", bundle, drift_kind_name(first->kind), first->subject, first->expected,
		    first->found, drift->count > 1 ? "; `vouchfs policy drift` lists all" : "");
	record(slots, AUDIT_POLICY_DRIFT, &detail);
}

static void record_ended(struct slots *slots, const struct drift *drift)
{
	struct explain detail;
	char bundle[64];
	print_bundle(drift, bundle);
	explain_set(&detail, "nothing differs from %s any more", bundle);
	record(slots, AUDIT_POLICY_DRIFT_ENDED, &detail);
}

/* Keeps what was found, and tells of it where it is news. Takes it over. */
static void keep(struct slots *slots, struct drift *drift)
{
	lock_take(&slots->lock);
	struct drift *before = slots->drift;
	slots->drift = drift;
	lock_drop(&slots->lock);
	bool had_any = before && before->count > 0;
	bool is_news = had_any ? !drift_equal(before, drift) : drift->count > 0;
	if (is_news && drift->count > 0)
		record_found(slots, drift);
	else if (is_news)
		record_ended(slots, drift);
	if (is_news)
		drift_expect(slots);
	free(before);
}

/* Where none has come yet there is nothing to compare with, which status and health say. */
static bool has_had_bundle(const struct trust *trust)
{
	return trust->governed && trust->governed->state != GOVERNED_NONE;
}

/* Under today's trust, of which *ret_is_governed tells. */
static int look_today(struct slots *slots, struct drift *drift, bool *ret_is_governed)
{
	struct trust *trust = slots_fresh_trust(slots);
	int r = trust ? 0 : -ENOMEM;
	drift->checked_at_s = clock_now_s();
	*ret_is_governed = trust && has_had_bundle(trust);
	if (*ret_is_governed)
		r = look(slots, trust, drift);
	else if (r == 0)
		atomic_store(&slots->keeper.due_at_s, INT64_MAX);
	trust_unref(trust);
	return r;
}

int slots_check_drift(struct slots *slots, struct drift *ret)
{
	struct drift *found = calloc(1, sizeof(*found));
	bool is_governed;
	int r;
	if (!found)
		return -ENOMEM;
	lock_take(&slots->keeper.lock);
	do
		r = look_today(slots, found, &is_governed);
	while (r == -EAGAIN);
	if (r == 0)
		*ret = *found;
	if (r == 0 && (is_governed || slots->drift)) {
		keep(slots, found);
		found = NULL;
	}
	lock_drop(&slots->keeper.lock);
	free(found);
	return r;
}
