/*
 * Another configuration in the place of the one in force, all of it or none. What it does to what is served is found
 * out before it is in force, and what is found out of signatures for that is what judges them afterwards.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bindings.h"
#include "effects.h"
#include "internal.h"
#include "metrics.h"
#include "reload.h"

static int say(struct buf *errors, int error)
{
	if (errors->len == 0)
		(void)buf_printf(errors, "reload: %s\n", strerror(-error));
	return error;
}

/* trust_load or trust_preview. */
typedef int load_trust(const char *config_path, struct store *store, struct trust **ret, struct buf *ret_errors);

/* Whoever begins has to do with what there is; whoever has a bundle in force does not put less in its place. */
static bool loses_bundle(const struct governed *before, const struct governed *after, struct buf *ret_errors)
{
	bool loses = before && after && before->state == GOVERNED_IN_FORCE && after->state != GOVERNED_IN_FORCE;
	if (loses)
		(void)buf_printf(ret_errors, "policy bundle %llu would be lost: %s\n",
				 (unsigned long long)before->sequence,
				 after->state == GOVERNED_LOST ? after->why.text : "the store has none");
	return loses;
}

/* refresh_lock held: a list may be remembered in the store. */
static int load_locked(struct slots *slots, load_trust *how, struct trust **ret, struct buf *ret_errors)
{
	struct trust *trust = NULL;
	int r = how(slots->config_path, slots->store, &trust, ret_errors);
	if (r < 0)
		return say(ret_errors, r);
	if (strcmp(slots->trust->config->store, trust->config->store) != 0) {
		(void)buf_puts(ret_errors, SLOTS_OTHER_STORE "\n");
		trust_unref(trust);
		return -EINVAL;
	}
	if (loses_bundle(slots->trust->governed, trust->governed, ret_errors)) {
		trust_unref(trust);
		return -EINVAL;
	}
	*ret = trust;
	return 0;
}

static int load(struct slots *slots, load_trust *how, struct trust **ret, struct buf *ret_errors)
{
	lock_take(&slots->refresh_lock);
	int r = load_locked(slots, how, ret, ret_errors);
	lock_drop(&slots->refresh_lock);
	return r;
}

struct effects *reload_compare(struct slots *slots, const struct effects_question *question)
{
	struct effects *effects = calloc(1, sizeof(*effects));
	int r = effects ? effects_find(slots, question, effects) : -ENOMEM;
	if (r < 0) {
		free(effects);
		return NULL;
	}
	effects_compare_configs(question->before->config, question->after->config, effects);
	lock_take(&slots->lock);
	effects->generation = slots->config_generation + 1;
	lock_drop(&slots->lock);
	return effects;
}

/* Nothing comes into force that loosens a function unseen. */
static int record_bindings(struct slots *slots, const struct trust *after, const struct audit_who *who,
			   struct buf *ret_errors)
{
	int r = bindings_record(slots, slots->trust, after, who);
	if (r < 0)
		(void)buf_printf(ret_errors,
				 "audit log: %s; which functions have other code-signing configs could not be "
				 "recorded, so nothing was changed\n",
				 strerror(-r));
	return r;
}

int reload_prepare_locked(struct slots *slots, const struct trust *after, const struct audit_who *who,
			  struct buf *ret_errors)
{
	lock_take(&slots->lock);
	int r = slots_add_declared_locked(slots, after->config);
	lock_drop(&slots->lock);
	return r == 0 ? record_bindings(slots, after, who, ret_errors) : say(ret_errors, r);
}

/*
 * Swaps in what was loaded while before was in force. Lists may have been read again meanwhile, and must not become
 * those of then: all is loaded once more.
 */
static int swap(struct slots *slots, const struct trust *before, struct trust **trust, struct buf *ret_errors)
{
	int r = 0;
	lock_take(&slots->refresh_lock); /* nobody else replaces the trust */
	if (slots->trust != before) {
		trust_unref(*trust);
		*trust = NULL;
		r = load_locked(slots, trust_load, trust, ret_errors);
	}
	if (r == 0)
		r = reload_prepare_locked(slots, *trust, NULL, ret_errors);
	if (r == 0)
		r = bindings_keep(slots, *trust);
	if (r == 0)
		slots_replace_trust(slots, *trust);
	lock_drop(&slots->refresh_lock);
	return r < 0 ? say(ret_errors, r) : 0;
}

static int load_and_swap(struct slots *slots, struct effects **ret_effects, struct buf *ret_errors)
{
	struct trust *before = slots_trust(slots), *trust = NULL;
	struct effects *effects = NULL;
	int r = load(slots, trust_load, &trust, ret_errors);
	if (r == 0) {
		effects = reload_compare(
			slots,
			&(struct effects_question){.before = before, .after = trust, .everything = true, .keep = true});
		r = effects ? swap(slots, before, &trust, ret_errors) : say(ret_errors, -ENOMEM);
	}
	if (r == 0) {
		*ret_effects = effects;
		effects = NULL;
	}
	free(effects);
	trust_unref(trust);
	trust_unref(before);
	return r;
}

/* What came of it, for those who look later; effects and error (its first line, or NULL) are taken over. */
static void note_outcome(struct slots *slots, struct effects *effects, char *error)
{
	lock_take(&slots->lock);
	struct effects *effects_before = slots->reloaded;
	char *error_before = slots->config_error;
	slots->config_error = error;
	if (effects) {
		slots->config_failures = 0;
		slots->config_loaded_at_s = clock_now_s();
		slots->reloaded = effects;
	} else {
		slots->config_failures++;
		effects_before = NULL;
	}
	lock_drop(&slots->lock);
	free(effects_before);
	free(error_before);
}

static char *first_line(const struct buf *errors)
{
	return errors->data ? strndup(errors->data, strcspn(errors->data, "\n")) : NULL;
}

static void record(struct slots *slots, enum audit_event event, const char *detail)
{
	const struct audit_record record = {.event = event, .detail = detail};
	(void)slots_record(slots, &record);
}

void reload_note(struct slots *slots, struct effects *effects, const char *what)
{
	char summary[EFFECTS_SUMMARY_SIZE];
	struct explain detail;
	lock_take(&slots->lock);
	effects->generation = ++slots->config_generation; /* whatever else has come since they were found */
	lock_drop(&slots->lock);
	explain_set(&detail, "%s: %s", what, effects_summarize(effects, summary));
	record(slots, AUDIT_CONFIG_RELOADED, detail.text);
	note_outcome(slots, effects, NULL);
}

void reload_settle(struct slots *slots)
{
	slots_judge_served(slots);
	slots_metrics_follow(slots->metrics);
	if (slots->notify.settle)
		slots->notify.settle(slots->notify.ctx);
}

int slots_reload(struct slots *slots, struct buf *ret_errors)
{
	struct effects *effects = NULL;
	int r = load_and_swap(slots, &effects, ret_errors);
	if (r < 0) {
		note_outcome(slots, NULL, first_line(ret_errors));
		record(slots, AUDIT_CONFIG_REFUSED, ret_errors->data);
		drift_expect(slots);
		return r;
	}
	reload_note(slots, effects, slots->config_path);
	reload_settle(slots);
	return 0;
}

int slots_preview_reload(struct slots *slots, struct effects **ret, struct buf *ret_errors)
{
	struct trust *before = slots_trust(slots), *trust = NULL;
	int r = load(slots, trust_preview, &trust, ret_errors);
	if (r == 0) {
		*ret = reload_compare(slots,
				      &(struct effects_question){.before = before, .after = trust, .everything = true});
		r = *ret ? 0 : say(ret_errors, -ENOMEM);
	}
	trust_unref(trust);
	trust_unref(before);
	return r;
}
