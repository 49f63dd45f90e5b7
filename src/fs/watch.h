/*
 * watch.h - what is served follows revocation lists and time: wakes slots_follow when a list's file may have changed,
 * when a verdict can change by the time alone, or the clock was set; asleep otherwise. Lists that cannot be watched are
 * looked at once a second (LIMIT_LIST_AGAIN_MS), until they can.
 *
 * Certificates and configuration files are taken together, all or none, when they are reloaded. Where a policy bundle
 * governs the host they are watched all the same, for differences from it.
 */
#ifndef FS_WATCH_H
#define FS_WATCH_H

#include "slots/slots.h"
#include "watch_set.h"

/* Files of one kind. */
struct watched {
	struct watch_set set;
	int failed; /* some of it is not watched, and that was logged; 0: all is */
};

struct watch {
	struct slots *slots;
	int fd; /* for poll: readable when watch_run is to be called; -1: never */
	int settle;
	struct watched lists;
	struct watched files; /* of the configuration */
	uint64_t generation;  /* of the paths that are watched (slots_paths_generation) */
};

#define WATCH_NONE                                                                                                     \
	{                                                                                                              \
		.fd = -1, .settle = -1, .lists = {.set = {.inotify = -1}}, .files = {.set = {.inotify = -1} }          \
	}

int watch_init(struct watch *watch, struct slots *slots);
void watch_done(struct watch *watch);

void watch_run(struct watch *watch);
/* After a reload: the lists may be other files now. After a policy bundle it does that by itself. */
void watch_renew(struct watch *watch);

#endif
