/*
 * watch_set.h - inotify watches on the way to some files, so that nothing passes unnoticed that can change what is
 * found at their paths.
 *
 * A path is walked as the kernel walks it. Directories on the way are watched for going and moving away themselves; the
 * directories of symlinks on the way, of the file at its end, or of the first name that is not there, are watched for
 * what happens to that name. So it is noticed when a file is renamed over or written in place, when a link is swapped
 * (as configuration management and Kubernetes do), and when a directory goes and comes back. What another host changes
 * on a network filesystem is not.
 *
 * A set is not changed: after an event another one is made.
 */
#ifndef FS_WATCH_SET_H
#define FS_WATCH_SET_H

#include "base/base.h"

struct watch_name {
	int wd;
	char *name; /* NULL: any */
};

struct watch_set {
	int inotify; /* readable when something happened */
	struct watch_name *names;
	size_t count;
};

int watch_set_init(struct watch_set *set);
void watch_set_done(struct watch_set *set);

/* path is absolute. A negative errno: some of it cannot be watched. */
int watch_set_add(struct watch_set *set, const char *path);
/* The same for a directory and whatever is, or will be, in it. */
int watch_set_add_directory(struct watch_set *set, const char *path);

/* Takes what has happened; true when it can matter to a path of the set. */
bool watch_set_take(struct watch_set *set);

#endif
