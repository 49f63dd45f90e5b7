/*
 * handles.h - the open files and directories of a tree. What is still open when a connection is cut is
 * released by handles_done: the kernel does not send the RELEASE any more.
 */
#ifndef FS_HANDLES_H
#define FS_HANDLES_H

#include <fuse_lowlevel.h>
#include <pthread.h>

#include "slots/tree.h"

struct handle;

struct handles {
	void (*release)(struct tree_handle *file);
	pthread_mutex_t lock;
	struct handle *first;
};

/* release: how the tree gives an open file back. */
void handles_init(struct handles *handles, void (*release)(struct tree_handle *file));
void handles_done(struct handles *handles);

/* Takes the file over, also when it fails (-ENOMEM: it is released), and puts it into fi->fh. */
int handles_add(struct handles *handles, struct tree_handle *file, struct fuse_file_info *fi);
void handles_release(struct handles *handles, const struct fuse_file_info *fi);

/* NULL when fi is. */
struct tree_handle *handles_get(const struct fuse_file_info *fi);

#endif
