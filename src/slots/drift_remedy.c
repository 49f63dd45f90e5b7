/*
 * Puts right what can be put right, where the bundle in force says remediate = yes. Files of conf.d are set aside by
 * the supervisor, since the daemon may write none of them; what it answers comes back in slots_take_remedied. A bundle
 * that the store has lost is put there again (policy_restore). The rest is a reload. What was tried in vain is tried
 * again only when something has changed, and no oftener than LIMIT_REMEDIES_AN_HOUR: somebody else may put back what is
 * set aside here.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "drift_check.h"
#include "internal.h"

#define HOUR_MS	   3600000U
#define CONF_D	   CONFIG_CONF_D "/"
#define NAME_SIZE  256
#define SHOWN_SIZE (4 * NAME_SIZE)

static void record(struct slots *slots, int error, const char *detail)
{
	const struct audit_record what = {.event = AUDIT_POLICY_REMEDIED, .errno_given = -error, .detail = detail};
	(void)slots_record(slots, &what);
}

/* ---- how often ---- */

/* The oldest try of the last so many is to be an hour ago. */
static bool may_try(struct slots *slots)
{
	struct drift_keeper *keeper = &slots->keeper;
	uint64_t oldest_ms = keeper->tried_ms[keeper->tried_next], now_ms = clock_steady_ms();
	if (oldest_ms == 0 || now_ms - oldest_ms >= HOUR_MS) {
		keeper->tried_ms[keeper->tried_next] = now_ms;
		keeper->tried_next = (keeper->tried_next + 1) % LIMIT_REMEDIES_AN_HOUR;
		keeper->is_weary = false;
		return true;
	}
	if (!keeper->is_weary) {
		struct explain detail;
		explain_set(
			&detail,
			"drift was put right %u times within an hour and comes again: it is left as it is; find out "
			"who changes the files (`vouchfs policy drift` names them)",
			LIMIT_REMEDIES_AN_HOUR);
		record(slots, -EAGAIN, detail.text);
		keeper->is_weary = true;
	}
	return false;
}

static bool was_tried(const struct drift_keeper *keeper, const struct drift *drift)
{
	return keeper->tried && drift_equal(keeper->tried, drift);
}

static bool note_try(struct drift_keeper *keeper, const struct drift *drift)
{
	free(keeper->tried);
	keeper->tried = malloc(sizeof(*drift));
	if (keeper->tried)
		*keeper->tried = *drift;
	return keeper->tried != NULL;
}

/* ---- files ---- */

/* The file of a local item: "conf.d/<name>:<line>". What had to be escaped is no name that anybody has meant. */
static bool take_name(const struct drift_item *item, char ret[NAME_SIZE])
{
	if (item->kind != DRIFT_LOCAL || !item->is_remediable || !text_starts_with(item->subject, CONF_D))
		return false;
	const char *name = item->subject + strlen(CONF_D), *colon = strrchr(name, ':');
	if (!colon || strchr(name, '\\') || (size_t)(colon - name) >= NAME_SIZE)
		return false;
	memcpy(ret, name, (size_t)(colon - name));
	ret[colon - name] = '\0';
	return true;
}

/* Whether an item before it names the same file. */
static bool is_asked(const struct drift *drift, size_t until, const char *name)
{
	char other[NAME_SIZE];
	for (size_t i = 0; i < until; i++)
		if (take_name(&drift->items[i], other) && strcmp(other, name) == 0)
			return true;
	return false;
}

static void ask(struct slots *slots, const char *name)
{
	struct drift_keeper *keeper = &slots->keeper;
	struct explain detail;
	int r = keeper->remedy.set_aside(keeper->remedy.ctx, name);
	if (r == 0) {
		keeper->asked++;
		return;
	}
	explain_set(&detail, CONF_D "%s could not be set aside: %s", name,
		    r == -EPIPE ? "the supervisor is gone; unmount and mount again" : strerror(-r));
	record(slots, r, detail.text);
}

/* Whether any was asked for. */
static bool set_aside_files(struct slots *slots, const struct drift *drift)
{
	char name[NAME_SIZE];
	for (size_t i = 0; i < drift_item_count(drift); i++)
		if (take_name(&drift->items[i], name) && !is_asked(drift, i, name))
			ask(slots, name);
	return slots->keeper.asked > 0;
}

/* ---- the store's copy of the bundle ---- */

static void restore_bundle(struct slots *slots, const struct drift *drift)
{
	struct explain detail;
	for (size_t i = 0; i < drift_item_count(drift); i++) {
		const struct drift_item *item = &drift->items[i];
		if (item->kind != DRIFT_BUNDLE || !item->is_remediable)
			continue;
		int r = policy_restore(slots);
		if (r == 0)
			explain_set(&detail, "policy bundle %" PRIu64 " was put into the store again, which had %s",
				    drift->sequence, item->found);
		else
			explain_set(&detail, "policy bundle %" PRIu64 " could not be put into the store again: %s",
				    drift->sequence, strerror(-r));
		record(slots, r, detail.text);
	}
}

/* ---- a reload ---- */

static void ask_reload(struct slots *slots)
{
	struct drift_keeper *keeper = &slots->keeper;
	lock_take(&slots->lock);
	keeper->generation = slots->config_generation;
	keeper->failures = slots->config_failures;
	lock_drop(&slots->lock);
	keeper->is_reloading = true;
	keeper->remedy.reload(keeper->remedy.ctx);
}

void drift_take_reload(struct slots *slots)
{
	struct drift_keeper *keeper = &slots->keeper;
	struct explain detail;
	if (!keeper->is_reloading)
		return;
	lock_take(&slots->lock);
	uint64_t generation = slots->config_generation, failures = slots->config_failures;
	lock_drop(&slots->lock);
	if (generation == keeper->generation && failures <= keeper->failures)
		return; /* its turn has not come */
	keeper->is_reloading = false;
	if (generation > keeper->generation) {
		explain_set(&detail, "%s was read again and is in force, generation %" PRIu64, slots->config_path,
			    generation);
		record(slots, 0, detail.text);
	} else {
		explain_set(&detail, "%s could not be read again; what was before stays in force", slots->config_path);
		record(slots, -EINVAL, detail.text);
	}
}

static bool wants_reload(const struct drift *drift)
{
	for (size_t i = 0; i < drift_item_count(drift); i++)
		if (drift->items[i].is_remediable &&
		    (drift->items[i].kind == DRIFT_CONFIG || drift->items[i].kind == DRIFT_SLOT))
			return true;
	return false;
}

/* ---- both ---- */

static bool is_remediable(const struct drift *drift)
{
	for (size_t i = 0; i < drift_item_count(drift); i++)
		if (drift->items[i].is_remediable)
			return true;
	return false;
}

void drift_remedy(struct slots *slots, const struct drift *drift)
{
	struct drift_keeper *keeper = &slots->keeper;
	bool is_busy = keeper->asked > 0 || keeper->is_reloading || !keeper->remedy.set_aside;
	if (!drift->remediates || !is_remediable(drift) || is_busy || was_tried(keeper, drift) || !may_try(slots) ||
	    !note_try(keeper, drift))
		return;
	keeper->has_set_aside = false;
	restore_bundle(slots, drift);
	if (!set_aside_files(slots, drift) && wants_reload(drift))
		ask_reload(slots);
}

/* ---- the supervisor's answer ---- */

/* The next line of it, as far as it fits. */
static void take_line(const char **at, char *ret, size_t size)
{
	size_t len = strcspn(*at, "\n");
	text_escape_print(ret, size, *at, len);
	*at += len + ((*at)[len] != '\0');
}

void slots_take_remedied(struct slots *slots, const char *answer)
{
	struct drift_keeper *keeper = &slots->keeper;
	char name[SHOWN_SIZE], kept[SHOWN_SIZE], why[SHOWN_SIZE];
	struct explain detail;
	take_line(&answer, name, sizeof(name));
	take_line(&answer, kept, sizeof(kept));
	take_line(&answer, why, sizeof(why));
	if (keeper->asked == 0)
		return;
	keeper->asked--;
	if (kept[0]) {
		explain_set(&detail,
			    CONF_D "%s said something about what the policy bundle governs; it is kept as " CONF_D
				   "%s, which nothing reads",
			    name, kept);
		keeper->has_set_aside = true;
	} else {
		explain_set(&detail, CONF_D "%s could not be set aside: %s", name, why);
	}
	record(slots, kept[0] ? 0 : -EINVAL, detail.text);
	if (keeper->asked == 0 && keeper->has_set_aside)
		ask_reload(slots);
}

void slots_set_remedy(struct slots *slots, const struct slots_remedy *remedy)
{
	slots->keeper.remedy = *remedy;
	drift_expect(slots);
}
