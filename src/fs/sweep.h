/*
 * sweep.h - when what has had its time is to be swept: asleep while nothing waits.
 */
#ifndef FS_SWEEP_H
#define FS_SWEEP_H

#include <stdatomic.h>

#include "base/base.h"
#include "slots/tree.h"

struct sweep {
	int fd;			     /* eventfd, readable when sweep_poke asked for a sweep */
	atomic_uint_least64_t at_ms; /* clock_steady_ms; UINT64_MAX: never */
};

int sweep_init(struct sweep *sweep);
void sweep_done(struct sweep *sweep);

/* Something was staged, or waits. From any thread; cheap when a sweep is near already. */
void sweep_poke(struct sweep *sweep);

/* For poll: -1 for ever. */
int sweep_timeout_ms(const struct sweep *sweep);
/* Takes a poke, and sweeps when it is time. */
void sweep_run(struct sweep *sweep, const struct tree_ops *ops, void *tree);

#endif
