/* Releases that have fallen out of keep_releases, and can still be reached by whoever has read the link to them. */
#include "release_grace.h"
#include "base/clock.h"

#define SWEPT_AT_ONCE 16 /* each is a few files to remove; the thread has other things to do in between */

static struct release *pop_locked(struct slot *slot)
{
	struct release *oldest = slot->grace;
	slot->grace = oldest->next_in_grace;
	slot->grace_count--;
	oldest->next_in_grace = NULL;
	oldest->removed = true;
	return oldest;
}

/* A test's clock that is set back makes nothing wait. */
static uint64_t left_ms(const struct release *release, uint64_t now_ms)
{
	uint64_t passed_ms = now_ms - release->replaced_ms;
	return passed_ms < LIMIT_RELEASE_GRACE_MS ? LIMIT_RELEASE_GRACE_MS - passed_ms : 0;
}

/* It stays in the list until the sweep finds nothing in it any more. */
static void enlist_locked(struct slot *slot)
{
	if (slot->is_in_grace)
		return;
	slot->is_in_grace = true;
	slot->next_in_grace = slot->slots->in_grace;
	slot->slots->in_grace = slot;
}

/* They cease to be current one after the other, so the first one is due first. */
struct release *grace_begin_locked(struct slot *slot, struct release *release)
{
	struct release **end = &slot->grace;
	while (*end)
		end = &(*end)->next_in_grace;
	*end = release;
	slot->grace_count++;
	enlist_locked(slot);
	bool is_due = left_ms(slot->grace, clock_steady_ms()) == 0;
	return is_due || slot->grace_count > LIMIT_RELEASES_IN_GRACE ? pop_locked(slot) : NULL;
}

struct release *grace_find_locked(const struct slot *slot, uint64_t number)
{
	struct release *release = slot->grace;
	while (release && release->record->number != number)
		release = release->next_in_grace;
	return release;
}

struct release *grace_take_locked(struct slot *slot)
{
	struct release *first = slot->grace;
	slot->grace = NULL;
	slot->grace_count = 0;
	return first;
}

void grace_put_all(struct release *first)
{
	for (struct release *next; first; first = next) {
		next = first->next_in_grace;
		release_put(first);
	}
}

/* ---- sweep ---- */

/* The next one that is due, or NULL and when one will be. */
static struct release *take_due_locked(struct slots *slots, uint64_t now_ms, uint64_t *ret_next_ms)
{
	uint64_t next_ms = UINT64_MAX;
	for (struct slot **at = &slots->in_grace; *at;) {
		struct slot *slot = *at;
		if (!slot->grace) {
			*at = slot->next_in_grace;
			slot->is_in_grace = false;
			continue;
		}
		uint64_t wait_ms = left_ms(slot->grace, now_ms);
		if (wait_ms == 0)
			return pop_locked(slot);
		if (wait_ms < next_ms)
			next_ms = wait_ms;
		at = &slot->next_in_grace;
	}
	*ret_next_ms = next_ms;
	return NULL;
}

uint64_t grace_sweep(struct slots *slots)
{
	struct release *due[SWEPT_AT_ONCE];
	size_t count = 0;
	uint64_t next_ms = 0; /* when there may be more */
	lock_take(&slots->lock);
	while (count < SWEPT_AT_ONCE) {
		struct release *release = take_due_locked(slots, clock_steady_ms(), &next_ms);
		if (!release)
			break;
		due[count++] = release;
	}
	lock_drop(&slots->lock);
	for (size_t i = 0; i < count; i++)
		release_push_entry(due[i]); /* it is not found any more, and the kernel is not to remember it */
	if (count > 0 && slots->notify.settle)
		slots->notify.settle(slots->notify.ctx);
	for (size_t i = 0; i < count; i++)
		release_put(due[i]);
	return next_ms;
}
