/*
 * Today's trust, and how what is served follows it: revocation lists that change, the time, the clock.
 *
 * The descriptor says when to look, slots_follow looks: lists are read again, then everything in service is judged
 * (on_load.c). Whoever judges tells the timer until when the verdict holds, so it is set to the first of these moments.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "effects.h"
#include "internal.h"

struct trust *slots_trust(struct slots *slots)
{
	lock_take(&slots->lock);
	struct trust *trust = trust_ref(slots->trust);
	lock_drop(&slots->lock);
	return trust;
}

static void record_list(void *ctx, const char *sentence, bool is_refused)
{
	struct slots *slots = ctx;
	struct audit_record record = {.event = AUDIT_REVOCATIONS, .is_refused = is_refused, .detail = sentence};
	(void)slots_record(slots, &record);
}

static void warn_of_certificate(void *ctx UNUSED, const char *sentence, bool is_refused UNUSED)
{
	log_warning("%s", sentence);
}

/* Of certificates once for each that is loaded: only a reload takes others. */
void slots_tell_lists(struct slots *slots, const struct trust *before, const struct trust *after)
{
	if (!before || trust_family(before) != trust_family(after))
		trust_tell_ended(after, warn_of_certificate, NULL);
	trust_tell_lists(&(struct trust_change){.before = before, .after = after}, record_list, slots);
}

void slots_replace_trust(struct slots *slots, struct trust *after)
{
	lock_take(&slots->lock);
	struct trust *before = slots->trust;
	slots->trust = trust_ref(after);
	lock_drop(&slots->lock);
	slots->list_lost_at_ms = 0;
	slots_tell_lists(slots, before, after);
	policy_follow(slots);
	trust_unref(before);
	drift_expect(slots);
}

/* ---- revocation lists ---- */

/*
 * cp and rsync --inplace pass through an empty and a torn file, rm and mv through none. Judged by these, everything
 * under Enforce would be blocked for a moment, and what maps a file there would die of it. So the list before, which is
 * genuine, judged by its times and no older than any that was seen, stays in force for the moment it takes to write
 * one; whoever can spoil the file could as well have left it as it was. refresh_lock held.
 */
static bool is_being_written(struct slots *slots, const struct trust *before, const struct trust *after)
{
	uint64_t now_ms = clock_monotonic_ms();
	if (!trust_has_lost_list(&(struct trust_change){.before = before, .after = after}))
		return false;
	if (slots->list_lost_at_ms == 0)
		slots->list_lost_at_ms = now_ms;
	return now_ms - slots->list_lost_at_ms < LIMIT_LIST_SETTLE_MS;
}

static struct trust *refresh(struct slots *slots, bool *ret_changed)
{
	struct trust *fresh = NULL;
	bool changed = false;
	lock_take(&slots->refresh_lock);
	struct trust *trust = slots_trust(slots);
	int r = trust_refresh(trust, slots->store, &fresh);
	if (r == 0 && fresh == trust) {
		slots->list_lost_at_ms = 0; /* it was put back as it was */
	} else if (r == 0 && is_being_written(slots, trust, fresh)) {
		trust_unref(fresh);
		fresh = trust_ref(trust);
	} else if (r == 0) {
		slots_replace_trust(slots, fresh);
		changed = true;
	}
	slots->lists_unread = r < 0 || trust_has_unread_list(fresh);
	lock_drop(&slots->refresh_lock);
	trust_unref(trust);
	*ret_changed = changed;
	return fresh;
}

struct trust *slots_fresh_trust(struct slots *slots)
{
	bool changed;
	struct trust *trust = refresh(slots, &changed);
	if (changed)
		due_now(&slots->due); /* where inotify sees nothing, on NFS for one, this is how it is found out */
	return trust;
}

/* How long until a list that is lost counts as lost, or one that could not be read is read again; UINT64_MAX: none. */
static uint64_t settles_in_ms(struct slots *slots)
{
	lock_take(&slots->refresh_lock);
	uint64_t since_ms = slots->list_lost_at_ms, now_ms = clock_monotonic_ms();
	bool is_unread = slots->lists_unread;
	lock_drop(&slots->refresh_lock);
	if (since_ms == 0)
		return is_unread ? LIMIT_LIST_AGAIN_MS : UINT64_MAX;
	return now_ms - since_ms < LIMIT_LIST_SETTLE_MS ? LIMIT_LIST_SETTLE_MS - (now_ms - since_ms) : 0;
}

/*
 * What other lists have done, in a line of the log: to what is in memory, since nothing else is served. Another
 * configuration has told of itself.
 */
static void tell_effects(struct slots *slots, struct trust *before, const struct trust *after)
{
	const struct effects_question question = {.before = before, .after = after};
	struct effects *effects = calloc(1, sizeof(*effects));
	const uint64_t *counts = effects ? effects->counts : NULL;
	if (counts && effects_find(slots, &question, effects) == 0)
		log_notice("revocations: %llu now blocked, %llu allowed again, %llu now warned about, %llu unchanged",
			   (unsigned long long)counts[EFFECT_BLOCKED], (unsigned long long)counts[EFFECT_ALLOWED],
			   (unsigned long long)counts[EFFECT_WARNED],
			   (unsigned long long)(counts[EFFECT_UNCHANGED] + counts[EFFECT_CLEARED]));
	free(effects);
}

static void follow_effects(struct slots *slots)
{
	struct trust *before = slots->followed, *after = slots_trust(slots);
	if (before && before != after && trust_family(before) == trust_family(after))
		tell_effects(slots, before, after);
	slots->followed = after;
	trust_unref(before);
}

uint64_t slots_follow(struct slots *slots)
{
	bool changed;
	due_take(&slots->due); /* first: what is judged from here on sets it again */
	break_glass_follow(slots);
	struct trust *trust = refresh(slots, &changed);
	if (!trust)
		log_error("revocation lists could not be read again: out of memory");
	trust_unref(trust);
	policy_follow(slots);
	slots_judge_served(slots);
	follow_effects(slots);
	uint64_t drift_ms = drift_follow(slots), list_ms = settles_in_ms(slots);
	return drift_ms < list_ms ? drift_ms : list_ms;
}

int slots_due_fd(const struct slots *slots)
{
	return slots->due.fd;
}

uint64_t slots_paths_generation(struct slots *slots)
{
	struct trust *trust = slots_trust(slots);
	uint64_t generation = trust_family(trust);
	trust_unref(trust);
	return generation;
}

static void tell_files(const struct config *config, void (*tell)(void *ctx, const char *path), void *ctx)
{
	for (size_t i = 0; i < config->account_count; i++)
		if (config->accounts[i].revocations && !config->accounts[i].revocations_text)
			tell(ctx, config->accounts[i].revocations);
}

/* Those of the host's own files too, by which a policy bundle is judged. */
void slots_each_list(struct slots *slots, void (*tell)(void *ctx, const char *path), void *ctx)
{
	struct trust *trust = slots_trust(slots);
	tell_files(trust->config, tell, ctx);
	if (trust->local)
		tell_files(trust->local->config, tell, ctx);
	trust_unref(trust);
}
