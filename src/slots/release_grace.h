/*
 * release_grace.h - releases that fall out of the list while somebody is on the way to them.
 *
 * Who follows run/<f> reads the link, then looks up what it names: a release that falls out of the list in between is
 * still found, by its name alone, for LIMIT_RELEASE_GRACE_MS after it ceased to be current (release_grace.c). After a
 * restart there is nobody who could have read the link, and it is gone.
 */
#ifndef SLOTS_RELEASE_GRACE_H
#define SLOTS_RELEASE_GRACE_H

#include "internal.h"

/* Takes over the list's reference, and gives back one whose time is over, or NULL. Both locks held. */
struct release *grace_begin_locked(struct slot *slot, struct release *release);
/* The one with this number, or NULL; no reference. Tree lock held. */
struct release *grace_find_locked(const struct slot *slot, uint64_t number);
/* All of them, with the list's references: they go with the slot. Tree lock held. */
struct release *grace_take_locked(struct slot *slot);
void grace_put_all(struct release *first);
/* Drops those whose time is over, a few of them; milliseconds until it is to be called again. */
uint64_t grace_sweep(struct slots *slots);

#endif
