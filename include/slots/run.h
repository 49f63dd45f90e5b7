/*
 * run.h - the run side: a read-only tree of releases, every byte verified when it is read (I1).
 *
 *     /<function>                        symlink to .releases/<function>/<n>
 *     /.releases/<function>/<n>/         task/ opt/ code.zip release.json
 *
 * One that fell out of keep_releases is not listed, and found by its name for LIMIT_RELEASE_GRACE_MS after it ceased to
 * be current: whoever follows the link reads it first and looks up what it names then.
 *
 * Node ids need no table and are never reused: a release's id in the upper bits, the index of the entry in the lower 24
 * (run_node.h). Folders of opt/ are the release's, files in them the layer version's: one inode in every function that
 * has the layer. Below a release everything is immutable, so entries, attributes, missing names and pages may be cached
 * for ever; what a switch changes is pushed through slots_notify. There is no open: reads come with a node id alone. A
 * release, or a layer version, is kept in memory while the kernel knows one of its nodes (run_forget).
 *
 * Only ENOENT, EACCES (policy blocks the release; for a layer's file: every release in service that has the layer) and
 * EIO (bytes failed their check; below opt/ also: a layer cannot be opened) are returned, and ENOTDIR, EISDIR, EINVAL,
 * ENOMEM where they say what is wrong.
 */
#ifndef SLOTS_RUN_H
#define SLOTS_RUN_H

#include "slots/slots.h"

#define RUN_ROOT 1

/* Bytes to hand out; run_data_done releases them. */
struct run_data {
	const void *bytes;
	size_t len;
	void *owner;
	void (*release)(void *owner);
};
void run_data_done(struct run_data *data);

/* Counts one reference that run_forget gives back. */
int run_lookup(struct slots *slots, uint64_t parent, const char *name, struct slots_attr *ret);
void run_forget(struct slots *slots, uint64_t node, uint64_t count);
/*
 * Whether the kernel may remember that a name is missing there. Not where releases appear: it would have to be told to
 * forget the name, and would drop it as well for whoever had found the release in the meantime, whose working directory
 * had no path any more.
 */
bool run_keeps_missing(struct slots *slots, uint64_t parent);
/* A reference for an entry that readdirplus hands out. */
void run_remember(struct slots *slots, uint64_t node);

int run_getattr(struct slots *slots, uint64_t node, struct slots_attr *ret);
int run_readlink(struct slots *slots, uint64_t node, struct buf *ret);

/* Up to len bytes at offset; fewer only at the end of the file. -EIO when they fail their check: recorded. */
int run_read(struct slots *slots, uint64_t node, size_t len, uint64_t offset, struct run_data *ret);

/*
 * Calls emit for the entries from offset on (0: from the start, "." and ".." included) until it returns false or none
 * is left.
 */
typedef bool run_emit(void *ctx, const struct slots_dirent *entry);
int run_readdir(struct slots *slots, uint64_t node, uint64_t offset, run_emit *emit, void *ctx);

int run_getxattr(struct slots *slots, uint64_t node, const char *name, struct buf *ret);
int run_listxattr(struct slots *slots, uint64_t node, struct buf *ret);

#endif
