/*
 * sides.h - the operations of a connection, as libfuse wants them: of a read-write tree, or of the run side.
 */
#ifndef FS_SIDES_H
#define FS_SIDES_H

#include <fuse_lowlevel.h>
#include <stdatomic.h>

#include "handles.h"
#include "slots/tree.h"
#include "sweep.h"
#include "waiting.h"

/* User data of a session that serves a tree. */
struct tree_side {
	const struct tree_ops *ops;
	void *tree;
	struct handles handles;
	struct sweep *sweep;
	struct waiting *waiting; /* NULL: the tree has no streams */
	atomic_bool is_leaving;	 /* another daemon comes: what begins to write now is left to it */
	atomic_int writers;	 /* files that are open for writing */
};

/* User data of the run side's session. The flags are set at INIT: the kernel does without OPEN and OPENDIR. */
struct run_side {
	struct slots *slots;
	bool no_open;
	bool no_opendir;
};

extern const struct fuse_lowlevel_ops tree_side_ops;
extern const struct fuse_lowlevel_ops run_side_ops;

#endif
