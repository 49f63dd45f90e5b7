/*
 * reply.h - what the operations of both sides answer with, and who asks.
 */
#ifndef FS_REPLY_H
#define FS_REPLY_H

#include <fuse_lowlevel.h>

#include "slots/slots.h"

/* blksize is what tools take as the size of their writes and buffers. */
#define REPLY_BLKSIZE_DEFAULT 4096

/*
 * The errno, positive, that may be answered for a result of slots: an ENOSYS would switch the operation off for the
 * life of the mount, EINTR and EAGAIN make callers try for ever, and the kernel rejects what is over 511 and leaves the
 * caller hanging; all these become EIO. 0 for success.
 */
int reply_errno(int result);
void reply_err(fuse_req_t req, int result);

/* The kernel looks up names of up to 1,024 bytes: -ENAMETOOLONG for what no directory can have, as elsewhere. */
int reply_check_name(const char *name);

void reply_stat(const struct slots_attr *attr, blksize_t blksize, struct stat *ret);
void reply_attr(fuse_req_t req, int result, const struct slots_attr *attr, blksize_t blksize, double timeout_s);
void reply_entry(fuse_req_t req, const struct slots_attr *attr, blksize_t blksize, double timeout_s);

void reply_statfs(fuse_req_t req, int result, const struct statvfs *fs);
/* A link's target: taken from a buffer that may lack its NUL when it is empty. */
void reply_readlink(fuse_req_t req, int result, const struct buf *target);
/* The protocol of getxattr and listxattr: the size when size is 0, -ERANGE when it does not fit. */
void reply_xattr(fuse_req_t req, int result, const struct buf *value, size_t size);

/* Valid until the request is answered. Of one who only looks around nothing is recorded: his command is left empty,
 * which saves a look into /proc. */
void reply_caller(fuse_req_t req, struct slots_caller *ret);
void reply_looker(fuse_req_t req, struct slots_caller *ret);

#endif
