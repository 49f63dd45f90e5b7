/* What operators see of what governs a mount, beyond the trust: drift, where bundles come from, who last brought one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "overview/fill.h"
#include "slots/drift.h"

/* One look under the tree lock. */
struct seen {
	struct drift *drift; /* a copy; NULL: there was no check yet */
	struct slot_note *note;
	int64_t fetched_at_s;
	char fetch_error[512];
};

static int look(struct slots *slots, struct seen *ret)
{
	struct drift *room = calloc(1, sizeof(*room));
	if (!room)
		return -ENOMEM;
	(void)slot_load(slots->policy); /* its note; what cannot be loaded has none */
	*ret = (struct seen){.note = slot_note_get(slots->policy)};
	lock_take(&slots->lock);
	if (slots->drift) {
		*room = *slots->drift;
		ret->drift = room;
	}
	ret->fetched_at_s = slots->fetched_at_s;
	_Static_assert(sizeof(ret->fetch_error) == sizeof(slots->fetch_error), "");
	memcpy(ret->fetch_error, slots->fetch_error, sizeof(ret->fetch_error));
	lock_drop(&slots->lock);
	if (!ret->drift)
		free(room);
	return 0;
}

static int fill_items(const struct drift *drift, struct overview_policy *policy)
{
	size_t count = drift_item_count(drift);
	policy->drift = calloc(count + 1, sizeof(*policy->drift));
	if (!policy->drift)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct drift_item *item = &drift->items[i];
		if (asprintf(&policy->drift[i], "%s %s: expected %s, found %s", drift_kind_name(item->kind),
			     item->subject, item->expected, item->found) < 0)
			return -ENOMEM;
		policy->drift_shown = i + 1;
		policy->drift_by_kind[item->kind]++;
	}
	return 0;
}

/* Those that are counted alone would stand behind the last one that is shown. */
static int fill_drift(const struct drift *drift, struct overview_policy *policy)
{
	size_t shown = drift_item_count(drift);
	policy->drift_checked_at_s = drift->checked_at_s;
	policy->drift_count = drift->count;
	int r = fill_items(drift, policy);
	if (r == 0 && shown > 0)
		policy->drift_by_kind[drift->items[shown - 1].kind] += drift->count - shown;
	return r;
}

int control_fill_policy(struct slots *slots, struct overview_policy *policy)
{
	struct seen seen = {0};
	if (!policy->state)
		return 0;
	int r = look(slots, &seen);
	if (r == 0 && seen.drift)
		r = fill_drift(seen.drift, policy);
	if (r == 0 && seen.note)
		r = overview_fill_last(seen.note->text, seen.note->why_offset, &policy->last);
	policy->fetched_at_s = seen.fetched_at_s;
	if (r == 0 && policy->source && seen.fetch_error[0]) {
		policy->fetch_error = strdup(seen.fetch_error);
		r = policy->fetch_error ? 0 : -ENOMEM;
	}
	slot_note_put(slots, seen.note);
	free(seen.drift);
	return r;
}
