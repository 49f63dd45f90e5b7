/*
 * tree_memory.h - what a tree leaves to the daemon that takes over its FUSE connection, in a memfd that outlives it.
 *
 * Node ids that the kernel knows go on meaning what they meant: slots keep their indexes, by their names in the memory;
 * what is only in a daemon's own memory has node ids with its incarnation in them, and is -ESTALE for the next one, on
 * which the kernel looks the path up anew.
 */
#ifndef SLOTS_TREE_MEMORY_H
#define SLOTS_TREE_MEMORY_H

#include "base/base.h"

/* All zero: nobody takes over. The descriptor is the caller's, and stays open as long as the tree does. */
struct tree_memory {
	int fd;		      /* a memfd, empty for the first daemon; -1: there is none */
	uint32_t incarnation; /* 1 for the first daemon of a mount; another one for each that serves it later, counted
				 up */
};

/* As many daemons can serve one mount, since node ids have room for it: -EOVERFLOW, and it is to be mounted anew. */
#define TREE_INCARNATION_MAX 65535U

#endif
