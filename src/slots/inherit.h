/*
 * inherit.h - what the kernel knows of the run side from daemons before this one. Private to src/slots.
 *
 * Its node ids hold for ever, and so does most of what it keeps; but slots are loaded when they are asked for, and it
 * may ask by an id alone. And what a daemon did before it died need not have been told. So each slot is marked
 * ("touched") in the memory of the mount before the kernel hears of it or anything in it changes, and whoever takes
 * over loads those that are: one after the other, until the id that is asked for is there, and all of them on a thread
 * of its own, which then has the kernel forget what may be stale.
 *
 * Every release of such a slot counts as known to the kernel, which says nothing of when it forgets one that it knew
 * before: so they are judged when trust changes, and stay as long as the mount does.
 */
#ifndef SLOTS_INHERIT_PRIVATE_H
#define SLOTS_INHERIT_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/base.h"

struct release;
struct slot;
struct slots;

struct inheritance {
	pthread_mutex_t lock; /* before all others; held while a slot is loaded */
	atomic_bool is_done;  /* all of it is loaded */
	atomic_bool is_ending;
	size_t count; /* the first so many of slots->list were there; never changes once the mount is open */
	size_t next;  /* those before are loaded, where they are touched */
	bool has_thread;
	pthread_t thread;
};

void inherit_init(struct inheritance *inherited);
/* After the tree's slots are made of what a daemon before has left, and of what configuration and store say. */
void inherit_begin(struct slots *slots);
void inherit_await(struct slots *slots); /* until the thread has done all of it; for tests */
void inherit_end(struct slots *slots);	 /* it leaves off */
void inherit_done(struct inheritance *inherited);

/* Loads until the slot or the release with this id is in memory, or there is nothing left to load. No lock held. */
void inherit_find(struct slots *slots, uint64_t id);
/* Whether the slot's releases are to be kept for those who had them before. */
bool inherit_has(const struct slot *slot);
/* Counts a release as known to the kernel. Takes over the reference. */
void inherit_release(struct release *release);

/* The kernel is about to hear of it, or it is about to change. */
void inherit_touch_locked(struct slot *slot); /* tree lock held */
void inherit_touch(struct slot *slot);

#endif
