/*
 * waiting_list.h - a list of layers that waits for the first artifact.
 *
 * Tools write both files in the order of their names. A list that comes first has its lines checked, and is kept, in
 * the slot's file "layers"; the first artifact is judged with it, and commits both as one release or neither. In memory
 * it is a release without number, whose record has the list's text, times and writer.
 */
#ifndef SLOTS_WAITING_LIST_H
#define SLOTS_WAITING_LIST_H

#include "internal.h"

static inline bool release_is_waiting_list(const struct release *release)
{
	return release && !release->slot->is_layer && release->record->number == 0;
}

/* What a list or an artifact that comes now finds: the current release, else the list that waits; with a reference. */
struct release *slot_layered(struct slot *slot);
/* Durable from now on, in the place of one before; of an empty list nothing is left. Slot lock held. */
int waiting_list_keep_locked(struct slot *slot, const struct store_release *list);
/* An artifact has taken it up. Slot lock held. */
void waiting_list_end_locked(struct slot *slot);
/* Its times were changed. Slot lock held. */
int waiting_list_save_locked(struct slot *slot);
/* NULL: there is none. */
int waiting_list_load(struct slot *slot, uint64_t slot_id, struct release **ret);

#endif
