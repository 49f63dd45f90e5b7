/* fuse_mount.h - both sides of a host (host.h) as a daemon serves them, to kernels that are not there (kernel.h). */
#ifndef TESTS_FUZZ_FUSE_MOUNT_H
#define TESTS_FUZZ_FUSE_MOUNT_H

#include "../../src/fs/notify.h"
#include "../../src/fs/session.h"
#include "../../src/fs/sides.h"
#include "fuzz.h"
#include "host.h"
#include "kernel.h"

struct mount {
	const struct fuzz_host *host;
	uint32_t flags; /* of the kernel's INIT */
	struct tree_memory memory;
	struct tree_side tree_side;
	struct run_side run_side;
	struct sweep sweep;
	struct session *tree, *run;
	struct notify *notify;
	int end_fd;
	struct kernel kernels[2];
	struct kernel *kernel; /* that the next request goes to */
	struct fuzz_bytes input;
};

/* Of all-zero, with a host; how: bits of what the kernel can do without. */
void mount_bring_up(struct mount *m, uint8_t how);
/* Another daemon serves the same kernel, which keeps what it knows. */
void mount_restart(struct mount *m, bool is_handed_over);
/* Everything is answered, closed and forgotten. */
void mount_take_down(struct mount *m);

#endif
