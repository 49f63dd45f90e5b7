/*
 * Whether a layer version's files may be read. A layer is never judged by itself: each release that has it is judged
 * with its layers, and its folders go with it. The files are one node in all releases that have the layer, so they are
 * served while one of these is; when the last one is blocked they are blocked, too, as the function's own code is: who
 * has one open or mapped gets EACCES and SIGBUS.
 */
#include <errno.h>

#include "internal.h"

bool release_has_layer(const struct release *release, const struct release *layer)
{
	for (size_t i = 0; i < release->layer_count; i++)
		if (release->layers[i] == layer)
			return true;
	return false;
}

/* Current, or known to the kernel: what is judged when trust changes. */
static bool is_served_locked(const struct release *release)
{
	bool is_in_service = release->lookups > 0 || release->slot->current == release;
	return is_in_service && atomic_load(&release->blocked) == 0;
}

static bool is_layer_served(const struct release *layer)
{
	struct slots *slots = layer->slots;
	bool served = false;
	lock_take(&slots->lock);
	for (struct release *release = slots->releases; release && !served; release = release->hh.next)
		served = release_has_layer(release, layer) && is_served_locked(release);
	lock_drop(&slots->lock);
	return served;
}

int layer_admit(struct release *layer)
{
	/* A block ends here, when it is asked for again: nothing of a refusal is cached. */
	if (atomic_load(&layer->blocked) != 0 && is_layer_served(layer))
		atomic_store(&layer->blocked, 0);
	return atomic_load(&layer->blocked);
}

static void set_wanted_locked(const struct release *release, bool is_wanted)
{
	for (size_t i = 0; i < release->layer_count; i++)
		release->layers[i]->is_wanted = is_wanted;
}

/* One look at all releases, however many are blocked. */
static void find_wanted(struct slots *slots, struct release *const *blocked, size_t count)
{
	lock_take(&slots->lock);
	for (size_t i = 0; i < count; i++)
		set_wanted_locked(blocked[i], false);
	for (const struct release *release = slots->releases; release; release = release->hh.next)
		if (release->layer_count > 0 && is_served_locked(release))
			set_wanted_locked(release, true);
	lock_drop(&slots->lock);
}

static bool is_wanted(const struct release *layer)
{
	lock_take(&layer->slots->lock);
	bool wanted = layer->is_wanted;
	lock_drop(&layer->slots->lock);
	return wanted;
}

void layers_follow_blocks(struct release *const *blocked, size_t count)
{
	if (count > 0)
		find_wanted(blocked[0]->slots, blocked, count);
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < blocked[i]->layer_count; k++) {
			struct release *layer = blocked[i]->layers[k];
			if (!is_wanted(layer) && atomic_exchange(&layer->blocked, -EACCES) == 0)
				release_push_nodes(layer);
		}
	}
}
