/*
 * hook_dir.h - which executables of a directory are hooks. What somebody else than root or the configuration's owner
 * can change is none: it would let him run programs as the hooks' user.
 */
#ifndef FS_HOOK_DIR_H
#define FS_HOOK_DIR_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/io.h"

struct hook_dir {
	const char *path; /* absolute */
	uid_t owner;	  /* who may own them, beside root */
};

/* The names of the hooks, in their order, and the directory that was looked at: they are executed there, see below. */
struct hooks_found {
	int dirfd; /* -1: it was refused, or cannot be read */
	struct io_names names;
};
void hooks_found_done(struct hooks_found *found);

/*
 * At most LIMIT_HOOKS; *ret_complaints gets a line for everything else that is there, but for names that begin with "."
 * or end in "~", and for a directory that is refused or cannot be read. 0, without names where that is so, or -ENOMEM.
 *
 * Whoever executes a name relative to dirfd executes what was looked at, or what root or the owner has put there since:
 * nobody else can change that directory, whatever its path leads to by then.
 */
int hook_dir_list(const struct hook_dir *dir, struct hooks_found *ret, struct buf *ret_complaints);

#endif
