/*
 * handles.h - the open files and directories of a tree. The kernel knows them by numbers, with the daemon's incarnation
 * in them: a connection outlives a daemon, and what was open in one that died is open in no other. What is still open
 * when a connection is cut is released by handles_done: the kernel does not send the RELEASE any more.
 */
#ifndef FS_HANDLES_H
#define FS_HANDLES_H

#include <fuse_lowlevel.h>
#include <pthread.h>

#include "slots/tree.h"

struct handle_place;

struct handles {
	void (*release)(struct tree_handle *file);
	uint32_t incarnation;
	pthread_mutex_t lock;
	struct handle_place *places;
	uint32_t room, first_free;
};

/* release: how the tree gives an open file back. */
void handles_init(struct handles *handles, uint32_t incarnation, void (*release)(struct tree_handle *file));
void handles_done(struct handles *handles);

/* Takes the file over, also when it fails (-ENOMEM: it is released), and puts its number into fi->fh. */
int handles_add(struct handles *handles, struct tree_handle *file, struct fuse_file_info *fi);

/* -EIO: another daemon has opened it. */
int handles_get(struct handles *handles, const struct fuse_file_info *fi, struct tree_handle **ret);

/* The file is nobody's any more, and the caller's to release. NULL: another daemon has opened it. */
struct tree_handle *handles_take(struct handles *handles, const struct fuse_file_info *fi);

#endif
