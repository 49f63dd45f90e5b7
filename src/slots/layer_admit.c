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
	struct release *release, *next;
	bool served = false;
	lock_take(&slots->lock);
	HASH_ITER(hh, slots->releases, release, next)
	served = served || (release_has_layer(release, layer) && is_served_locked(release));
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

void layers_follow_block(struct release *release)
{
	for (size_t i = 0; i < release->layer_count; i++) {
		struct release *layer = release->layers[i];
		if (!is_layer_served(layer) && atomic_exchange(&layer->blocked, -EACCES) == 0)
			release_push_nodes(layer);
	}
}
