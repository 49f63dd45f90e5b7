/*
 * handles.h - the open files and directories of the deploy side. What is still open when a connection is cut is
 * released by handles_done: the kernel does not send the RELEASE any more.
 */
#ifndef FS_HANDLES_H
#define FS_HANDLES_H

#include <fuse_lowlevel.h>
#include <pthread.h>

#include "slots/deploy.h"

struct handle;

struct handles {
	pthread_mutex_t lock;
	struct handle *first;
};

void handles_init(struct handles *handles);
void handles_done(struct handles *handles);

/* Takes the file over, also when it fails (-ENOMEM: it is released), and puts it into fi->fh. */
int handles_add(struct handles *handles, struct deploy_handle *file, struct fuse_file_info *fi);
void handles_release(struct handles *handles, const struct fuse_file_info *fi);

/* NULL when fi is. */
struct deploy_handle *handles_get(const struct fuse_file_info *fi);

#endif
