#include "inherit.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "internal.h"
#include "run_node.h"

#define TOLD_AT_ONCE 512 /* each waits in the queue of those who tell the kernel */

void inherit_init(struct inheritance *inherited)
{
	lock_init(&inherited->lock);
	atomic_store(&inherited->is_done, true);
}

void inherit_begin(struct slots *slots)
{
	struct inheritance *inherited = &slots->inherited;
	if (!tree_names_is_heir(slots->names))
		return;
	inherited->count = slots->slot_count;
	lock_take(&slots->lock);
	for (size_t i = 0; i < slots->slot_count && tree_names_is_lost(slots->names); i++) {
		slots->list[i]->was_touched = true; /* for all that is known */
		inherit_touch_locked(slots->list[i]);
	}
	lock_drop(&slots->lock);
	atomic_store(&inherited->is_done, false);
}

void inherit_done(struct inheritance *inherited)
{
	lock_done(&inherited->lock);
}

bool inherit_has(const struct slot *slot)
{
	const struct slots *slots = slot->slots;
	return !slot->is_policy && !slot->is_layer && slot->index - slots->first_index < slots->inherited.count &&
	       slot->was_touched;
}

void inherit_release(struct release *release)
{
	lock_take(&release->slots->lock);
	bool is_new = !release->is_inherited;
	release->is_inherited = true;
	release->lookups += is_new;
	lock_drop(&release->slots->lock);
	if (!is_new)
		release_put(release);
}

void inherit_touch_locked(struct slot *slot)
{
	if (slot->is_touched || slot->is_policy)
		return;
	slot->is_touched = true;
	tree_names_touch(slot->slots->names, slot->index - slot->slots->first_index);
}

void inherit_touch(struct slot *slot)
{
	lock_take(&slot->slots->lock);
	inherit_touch_locked(slot);
	lock_drop(&slot->slots->lock);
}

/* ---- loading ---- */

static bool is_known(struct slots *slots, uint64_t id)
{
	struct release *release;
	struct slot *slot;
	lock_take(&slots->lock);
	HASH_FIND(hh, slots->releases, &id, sizeof(id), release);
	HASH_FIND(hh_id, slots->by_id, &id, sizeof(id), slot);
	lock_drop(&slots->lock);
	return release || slot;
}

/* The next one that was touched is loaded; NULL: there is none. One that cannot be loaded is logged by who loads it. */
static struct slot *load_next(struct slots *slots)
{
	struct inheritance *inherited = &slots->inherited;
	struct slot *slot = NULL;
	lock_take(&inherited->lock);
	while (!slot && inherited->next < inherited->count) {
		slot = slot_at(slots, inherited->next++);
		if (slot->was_touched)
			(void)slot_load(slot);
		else
			slot = NULL;
	}
	if (!slot)
		atomic_store(&inherited->is_done, true);
	lock_drop(&inherited->lock);
	return slot;
}

void inherit_find(struct slots *slots, uint64_t id)
{
	while (!atomic_load(&slots->inherited.is_done) && !is_known(slots, id))
		if (!load_next(slots))
			break;
}

/* ---- what the kernel is told ---- */

static bool goes_on(struct slots *slots)
{
	return !atomic_load(&slots->inherited.is_ending);
}

/* What the kernel keeps of the roots: where the links lead, which names are not there. No slot is loaded for it. */
static void tell_of_links(struct slots *slots)
{
	const struct slots_notify *notify = &slots->notify;
	size_t told = 0;
	notify->inode(notify->ctx, RUN_ROOT);
	notify->inode(notify->ctx, RUN_NODE_RELEASES);
	for (size_t i = 0; i < slots->inherited.count && goes_on(slots); i++) {
		const struct slot *slot = slot_at(slots, i);
		if (!slot->was_touched || slot->is_layer)
			continue;
		notify->entry(notify->ctx, RUN_ROOT, slot->name);
		if (++told % TOLD_AT_ONCE == 0)
			notify->settle(notify->ctx);
	}
	notify->settle(notify->ctx);
}

/* The listing of its directory; that it has none any more. */
static void tell_of_slot(struct slot *slot)
{
	struct slots *slots = slot->slots;
	const struct slots_notify *notify = &slots->notify;
	lock_take(&slots->lock);
	uint64_t id = slot->facts.id;
	bool is_served = slot->current != NULL;
	lock_drop(&slots->lock);
	if (slot->is_layer)
		return;
	if (!is_served)
		notify->entry(notify->ctx, RUN_NODE_RELEASES, slot->name);
	if (id != 0)
		notify->inode(notify->ctx, run_node(id, RUN_INDEX_DIR));
}

/* Of releases that had fallen out of keep_releases, and are only there for those who have them. */
static void tell_of_unlisted(struct slots *slots)
{
	struct release *release, *next, **unlisted;
	size_t count = 0;
	lock_take(&slots->lock);
	unlisted = calloc(HASH_COUNT(slots->releases) + 1, sizeof(struct release *));
	HASH_ITER(hh, slots->releases, release, next)
	if (unlisted && release->is_inherited && !release->listed)
		unlisted[count++] = release_ref_locked(release);
	lock_drop(&slots->lock);
	for (size_t i = 0; i < count; i++) {
		release_push_entry(unlisted[i]);
		release_put(unlisted[i]);
	}
	free(unlisted);
}

static void *thread_main(void *ctx)
{
	struct slots *slots = ctx;
	struct slot *slot = NULL;
	size_t count = 0;
	tell_of_links(slots);
	while (goes_on(slots) && load_next(slots))
		continue;
	for (size_t i = 0; goes_on(slots) && i < slots->inherited.count; i++) {
		slot = slot_at(slots, i);
		if (!slot->was_touched)
			continue;
		tell_of_slot(slot);
		if (++count % TOLD_AT_ONCE == 0)
			slots->notify.settle(slots->notify.ctx);
	}
	if (goes_on(slots)) {
		tell_of_unlisted(slots);
		slots_judge_served(slots);
		slots->notify.settle(slots->notify.ctx);
	}
	if (goes_on(slots))
		log_notice("what daemons before have left is taken over: %zu slots that the kernel may know", count);
	return NULL;
}

void slots_take_over(struct slots *slots)
{
	struct inheritance *inherited = &slots->inherited;
	if (!tree_names_is_heir(slots->names) || !slots->notify.entry || inherited->has_thread)
		return;
	int r = pthread_create(&inherited->thread, NULL, thread_main, slots);
	inherited->has_thread = r == 0;
	if (r != 0) { /* it takes as long as it takes */
		log_warning("what the kernel knows is looked through before anything else: %s", strerror(r));
		(void)thread_main(slots);
	}
}

void inherit_await(struct slots *slots)
{
	struct inheritance *inherited = &slots->inherited;
	if (inherited->has_thread)
		ASSERT(pthread_join(inherited->thread, NULL) == 0);
	inherited->has_thread = false;
}

void inherit_end(struct slots *slots)
{
	atomic_store(&slots->inherited.is_ending, true);
	inherit_await(slots);
}
