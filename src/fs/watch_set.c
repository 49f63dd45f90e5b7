#include "watch_set.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

#define LINKS_MAX 40 /* as the kernel has it */

#define OF_ITSELF  (IN_DELETE_SELF | IN_MOVE_SELF)
#define OF_A_NAME  (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB)
#define HOW_TO_ADD (IN_ONLYDIR | IN_DONT_FOLLOW | IN_MASK_ADD) /* a directory can be on several ways */

int watch_set_init(struct watch_set *set)
{
	*set = (struct watch_set){.inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
	return set->inotify < 0 ? -errno : 0;
}

void watch_set_done(struct watch_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->names[i].name);
	free(set->names);
	set->names = NULL;
	set->count = 0;
	io_close(&set->inotify);
}

/* ---- walking ---- */

struct walk {
	struct watch_set *set;
	char at[PATH_MAX];   /* the directory that was reached, without links, without a slash at its end */
	char rest[PATH_MAX]; /* what is left of the path */
	unsigned links;
};

static int watch_directory(const struct watch_set *set, const char *path, uint32_t events)
{
	int wd = inotify_add_watch(set->inotify, path[0] ? path : "/", events | HOW_TO_ADD);
	return wd < 0 ? -errno : wd;
}

/* name NULL: whatever is in the directory. */
static int watch_name(struct watch_set *set, const char *directory, const char *name)
{
	int wd = watch_directory(set, directory, OF_ITSELF | OF_A_NAME);
	if (wd < 0)
		return wd;
	struct watch_name *names = reallocarray(set->names, set->count + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	set->names = names;
	char *copy = name ? strdup(name) : NULL;
	if (name && !copy)
		return -ENOMEM;
	names[set->count++] = (struct watch_name){.wd = wd, .name = copy};
	return 0;
}

/* Takes the first component of the rest; false at the end. */
static bool take_component(struct walk *w, char ret[NAME_MAX + 1])
{
	const char *from = w->rest + strspn(w->rest, "/");
	size_t len = strcspn(from, "/");
	if (len == 0 || len > NAME_MAX)
		return false;
	memcpy(ret, from, len);
	ret[len] = '\0';
	from += len;
	from += strspn(from, "/");
	memmove(w->rest, from, strlen(from) + 1);
	return true;
}

static void go_up(struct walk *w)
{
	char *last = strrchr(w->at, '/');
	if (last)
		*last = '\0';
}

/* The way goes on through what a link holds. */
static int follow_link(struct walk *w, const char *target)
{
	char rest[PATH_MAX];
	int len = snprintf(rest, sizeof(rest), "%s/%s", target, w->rest);
	if (++w->links > LINKS_MAX || len < 0 || (size_t)len >= sizeof(rest))
		return -ELOOP;
	memcpy(w->rest, rest, (size_t)len + 1);
	if (target[0] == '/')
		w->at[0] = '\0';
	return 0;
}

static bool is_directory(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/*
 * One component. 1: go on, 0: that was the last one that there is. The watch comes first and the look afterwards, so
 * that what changes in between is an event.
 */
static int step(struct walk *w, const char *name)
{
	char path[PATH_MAX], target[PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/%s", w->at, name);
	if (len < 0 || (size_t)len >= sizeof(path))
		return -ENAMETOOLONG;

	bool is_last = w->rest[0] == '\0';
	if (is_last || !is_directory(path)) {
		int r = watch_name(w->set, w->at, name);
		if (r < 0)
			return r;
		ssize_t target_len = readlinkat(AT_FDCWD, path, target, sizeof(target) - 1);
		if (target_len >= 0) {
			target[target_len] = '\0';
			r = follow_link(w, target);
			return r < 0 ? r : 1;
		}
		if (is_last || !is_directory(path))
			return 0;
	}
	(void)watch_directory(w->set, path, OF_ITSELF); /* may be one that we can walk through, and not read */
	memcpy(w->at, path, (size_t)len + 1);
	return 1;
}

/* 1: all of the path is there; 0: some of it is not, or its end is no directory. */
static int walk(struct walk *w, const char *path)
{
	char name[NAME_MAX + 1];
	ASSERT(path[0] == '/');
	if (strlen(path) >= sizeof(w->rest))
		return -ENAMETOOLONG;
	memcpy(w->rest, path, strlen(path) + 1);

	int r = 1;
	while (r > 0 && take_component(w, name)) {
		if (strcmp(name, "..") == 0)
			go_up(w);
		else if (strcmp(name, ".") != 0)
			r = step(w, name);
	}
	return r;
}

int watch_set_add(struct watch_set *set, const char *path)
{
	struct walk w = {.set = set};
	int r = walk(&w, path);
	return r < 0 ? r : 0;
}

int watch_set_add_directory(struct watch_set *set, const char *path)
{
	struct walk w = {.set = set};
	char inside[PATH_MAX]; /* the way goes on behind its name */
	int len = snprintf(inside, sizeof(inside), "%s/.", path);
	if (len < 0 || (size_t)len >= sizeof(inside))
		return -ENAMETOOLONG;
	int r = walk(&w, inside);
	return r > 0 ? watch_name(set, w.at, NULL) : r;
}

/* ---- events ---- */

static bool is_watched(const struct watch_set *set, int wd, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->names[i].wd == wd && (!set->names[i].name || strcmp(set->names[i].name, name) == 0))
			return true;
	return false;
}

/* Events without a name are about a directory itself, or say that some were lost. */
static bool matters(const struct watch_set *set, const struct inotify_event *event)
{
	if (event->mask & IN_IGNORED)
		return false; /* the end of a watch, after what ended it */
	return event->len == 0 || is_watched(set, event->wd, event->name);
}

bool watch_set_take(struct watch_set *set)
{
	_Alignas(struct inotify_event) char events[4096];
	bool matters_at_all = false;
	ssize_t len;
	while ((len = read(set->inotify, events, sizeof(events))) > 0) {
		const char *at = events;
		while (at < events + len) {
			const struct inotify_event *event = (const void *)at;
			matters_at_all |= matters(set, event);
			at += sizeof(*event) + event->len;
		}
	}
	return matters_at_all;
}
