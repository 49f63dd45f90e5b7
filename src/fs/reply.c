/* Answers to the kernel. What fuse_reply_* returns is not looked at: it fails when nobody waits for the answer. */
#include "reply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/limits.h"
#include "session.h"

#define ERRNO_END   512 /* first of the kernel's own */
#define SECTOR_SIZE 512

int reply_errno(int result)
{
	ASSERT(result <= 0);
	if (result == -EMFILE) /* it is the daemon that has none left; the caller has not too many */
		result = -ENFILE;
	bool unfit = result == -ENOSYS || result == -EINTR || result == -EAGAIN || result <= -ERRNO_END;
	return unfit ? EIO : -result;
}

void reply_err(fuse_req_t req, int result)
{
	(void)fuse_reply_err(req, reply_errno(result));
}

int reply_check_name(const char *name)
{
	return strlen(name) > LIMIT_NAME_BYTES ? -ENAMETOOLONG : 0;
}

void reply_stat(const struct slots_attr *attr, blksize_t blksize, struct stat *ret)
{
	*ret = (struct stat){
		.st_ino = attr->node,
		.st_mode = attr->mode,
		.st_nlink = attr->nlink,
		.st_uid = attr->uid,
		.st_gid = attr->gid,
		.st_size = (off_t)attr->size_bytes,
		.st_blksize = S_ISREG(attr->mode) ? blksize : REPLY_BLKSIZE_DEFAULT,
		.st_blocks = (blkcnt_t)((attr->size_bytes + SECTOR_SIZE - 1) / SECTOR_SIZE),
		.st_atim = attr->mtime,
		.st_mtim = attr->mtime,
		.st_ctim = attr->mtime,
	};
}

void reply_attr(fuse_req_t req, int result, const struct slots_attr *attr, blksize_t blksize, double timeout_s)
{
	if (result < 0) {
		reply_err(req, result);
		return;
	}
	struct stat st;
	reply_stat(attr, blksize, &st);
	(void)fuse_reply_attr(req, &st, timeout_s);
}

void reply_entry(fuse_req_t req, const struct slots_attr *attr, blksize_t blksize, double timeout_s)
{
	struct fuse_entry_param entry = {
		.ino = attr->node,
		.attr_timeout = timeout_s,
		.entry_timeout = timeout_s,
	};
	reply_stat(attr, blksize, &entry.attr);
	(void)fuse_reply_entry(req, &entry);
}

void reply_statfs(fuse_req_t req, int result, const struct statvfs *fs)
{
	if (result < 0)
		reply_err(req, result);
	else
		(void)fuse_reply_statfs(req, fs);
}

void reply_readlink(fuse_req_t req, int result, const struct buf *target)
{
	if (result < 0)
		reply_err(req, result);
	else
		(void)fuse_reply_readlink(req, target->data ? target->data : "");
}

void reply_xattr(fuse_req_t req, int result, const struct buf *value, size_t size)
{
	if (result < 0)
		reply_err(req, result);
	else if (size == 0)
		(void)fuse_reply_xattr(req, value->len);
	else if (value->len > size)
		reply_err(req, -ERANGE);
	else
		(void)fuse_reply_buf(req, value->data, value->len);
}

/* The kernel tells group and process; the other groups are read from /proc while the request is pending. */
static bool in_group(void *ctx, gid_t group)
{
	fuse_req_t req = ctx;
	if (fuse_req_ctx(req)->gid == group)
		return true;

	gid_t few[64], *groups = few;
	bool found = false;
	int count = fuse_req_getgroups(req, ARRAY_SIZE(few), few);
	int size = (int)ARRAY_SIZE(few);
	if (count > size) {
		size = count;
		groups = calloc((size_t)size, sizeof(*groups));
		if (!groups)
			return false;
		count = fuse_req_getgroups(req, size, groups);
	}
	for (int i = 0; i < count && i < size && !found; i++)
		found = groups[i] == group;
	if (groups != few)
		free(groups);
	return found;
}

/* Not where /proc hides the processes of others (hidepid), nor of a process in a namespace that we do not see. */
static bool knows_groups(void *ctx)
{
	return fuse_req_getgroups(ctx, 0, NULL) >= 0;
}

/* Empty when the process is in a namespace that we do not see (pid 0), or gone. */
static void read_command(pid_t pid, char *ret, size_t size)
{
	ret[0] = '\0';
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/%ld/comm", (long)pid);
	int fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	ssize_t got = io_pread(fd, ret, size - 1, 0);
	ret[got > 0 ? got : 0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	io_close(&fd);
}

void reply_looker(fuse_req_t req, struct slots_caller *ret)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	*ret = (struct slots_caller){
		.who = {.uid = ctx->uid, .gid = ctx->gid, .pid = ctx->pid},
		.in_group = in_group,
		.knows_groups = knows_groups,
		.ctx = req,
		.is_resent = session_is_resent(req),
	};
}

void reply_caller(fuse_req_t req, struct slots_caller *ret)
{
	reply_looker(req, ret);
	read_command(ret->who.pid, ret->who.command, sizeof(ret->who.command));
}
