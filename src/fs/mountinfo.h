/*
 * mountinfo.h - /proc/self/mountinfo, and which of its mounts are ours (proc_pid_mountinfo(5)).
 *
 * The type and the source of a FUSE mount are chosen by whoever mounts; its user_id is not: the kernel shows there for
 * whom fusermount3 mounted. Only mounts of root and of the caller are taken for what they say.
 */
#ifndef FS_MOUNTINFO_H
#define FS_MOUNTINFO_H

#include <sys/types.h>

#include "base/base.h"

#define MOUNTINFO_DEPLOYMENT "fuse.vouchfs"
#define MOUNTINFO_SIGNING    "fuse.vouchfs-signer"

struct mountinfo_entry {
	uint64_t id;
	uint64_t parent;
	const char *device; /* major:minor */
	const char *root;
	const char *mountpoint;
	const char *type;
	const char *source;
	bool read_only; /* the whole filesystem, not this mount of it */
	bool has_user;
	uid_t user; /* for FUSE */
};

/* Members point into text. */
struct mountinfo {
	char *text;
	struct mountinfo_entry *entries;
	size_t count;
};

int mountinfo_read(struct mountinfo *ret);
/* The same from a text, which it takes over also when it fails (-EBADMSG, -ENOMEM). */
int mountinfo_parse(char *text, struct mountinfo *ret);
void mountinfo_done(struct mountinfo *info);

/* What is mounted on a directory, topmost; NULL: nothing. */
const struct mountinfo_entry *mountinfo_at(const struct mountinfo *info, const char *mountpoint);

/* Of either type. */
bool mountinfo_is_vouchfs(const struct mountinfo_entry *entry);

/* The tree of a source, and the run side that belongs to a deployment's. NULL: none. */
const struct mountinfo_entry *mountinfo_find_tree(const struct mountinfo *info, const char *type, const char *source,
						  uid_t user);
const struct mountinfo_entry *mountinfo_find_run(const struct mountinfo *info, const struct mountinfo_entry *tree);

#endif
