/*
 * sides.h - the operations of the two connections, as libfuse wants them.
 */
#ifndef FS_SIDES_H
#define FS_SIDES_H

#include <fuse_lowlevel.h>

#include "handles.h"
#include "slots/slots.h"
#include "sweep.h"

/* User data of the deploy side's session. */
struct deploy_side {
	struct slots *slots;
	struct handles handles;
	struct sweep *sweep;
};

/* User data of the run side's session. The flags are set at INIT: the kernel does without OPEN and OPENDIR. */
struct run_side {
	struct slots *slots;
	bool no_open;
	bool no_opendir;
};

extern const struct fuse_lowlevel_ops deploy_side_ops;
extern const struct fuse_lowlevel_ops run_side_ops;

#endif
