/*
 * The operations of a read-write tree (slots/tree.h). Each answers its request exactly once, on every path, and no
 * FLUSH or FSYNC is ever answered ENOSYS: the kernel would stop asking, and nothing would be verified any more. What
 * FUSE cannot do here by design (copy_file_range, locks, O_TMPFILE) has no operation.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "reply.h"
#include "session.h"
#include "sides.h"
#include "trap.h"

#define MAX_WRITE_BYTES 1048576
#define BLKSIZE		1048576 /* cp, cat and rsync write in pieces of st_blksize */
#define FIXED_TIMEOUT_S 86400.0
#define UNWANTED_FEATURES                                                                                              \
	(FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |              \
	 FUSE_CAP_POSIX_LOCKS | FUSE_CAP_FLOCK_LOCKS)

static struct tree_side *side_of(fuse_req_t req)
{
	return session_userdata(fuse_req_userdata(req));
}

/* Whether it is left, unanswered, to the daemon that comes next, to which the kernel sends it again. */
static bool leaves_to_next(const struct tree_side *side, fuse_req_t req, int open_flags)
{
	if (!atomic_load(&side->is_leaving) || (open_flags & O_ACCMODE) == O_RDONLY)
		return false;
	fuse_reply_none(req);
	return true;
}

static void count_writer(struct tree_side *side, int open_flags, int by)
{
	if ((open_flags & O_ACCMODE) != O_RDONLY)
		(void)atomic_fetch_add(&side->writers, by);
}

static double timeout_of(const struct tree_side *side, uint64_t node)
{
	return side->ops->is_fixed(node) ? FIXED_TIMEOUT_S : 0;
}

static void answer_attr(fuse_req_t req, int r, const struct slots_attr *attr)
{
	reply_attr(req, r, attr, BLKSIZE, r == 0 ? timeout_of(side_of(req), attr->node) : 0);
}

static void answer_entry(fuse_req_t req, int r, const struct slots_attr *attr)
{
	if (r < 0)
		reply_err(req, r);
	else
		reply_entry(req, attr, BLKSIZE, timeout_of(side_of(req), attr->node));
}

static void op_init(void *userdata UNUSED, struct fuse_conn_info *conn)
{
	conn->want &= ~(unsigned)UNWANTED_FEATURES;
	conn->want |= conn->capable & (FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_PARALLEL_DIROPS);
	conn->max_write = MAX_WRITE_BYTES;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const struct tree_side *side = side_of(req);
	struct slots_caller caller;
	reply_looker(req, &caller);
	struct slots_attr attr;
	int r = reply_check_name(name);
	if (r < 0) {
		reply_err(req, r);
		return;
	}
	r = side->ops->lookup(side->tree, parent, name, &caller, &attr);
	answer_entry(req, r, &attr);
}

static void op_forget(fuse_req_t req, fuse_ino_t node, uint64_t count)
{
	const struct tree_side *side = side_of(req);
	side->ops->forget(side->tree, node, count);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	const struct tree_side *side = side_of(req);
	for (size_t i = 0; i < count; i++)
		side->ops->forget(side->tree, forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void op_getattr(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi UNUSED)
{
	const struct tree_side *side = side_of(req);
	struct slots_attr attr;
	int r = side->ops->getattr(side->tree, node, &attr);
	answer_attr(req, r, &attr);
}

/* Mode and owner are taken without a word and left as they are: cp -a, rsync -a and install ask for them. */
static void op_setattr(fuse_req_t req, fuse_ino_t node, struct stat *wanted, int to_set, struct fuse_file_info *fi)
{
	uint64_t size_bytes = (uint64_t)wanted->st_size;
	struct timespec mtime = to_set & FUSE_SET_ATTR_MTIME_NOW ? clock_now() : wanted->st_mtim;
	const struct tree_change change = {
		.size_bytes = to_set & FUSE_SET_ATTR_SIZE ? &size_bytes : NULL,
		.mtime = to_set & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW) ? &mtime : NULL,
	};

	struct tree_side *side = side_of(req);
	struct slots_attr attr;
	struct tree_handle *file = NULL;
	int r = fi ? handles_get(&side->handles, fi, &file) : 0;
	if (r == 0 && (change.size_bytes || change.mtime))
		r = side->ops->setattr(side->tree, node, file, &change, &attr);
	else if (r == 0)
		r = side->ops->getattr(side->tree, node, &attr);
	answer_attr(req, r, &attr);
}

static void op_readlink(fuse_req_t req, fuse_ino_t node)
{
	const struct tree_side *side = side_of(req);
	struct buf target = {0};
	int r = side->ops->readlink(side->tree, node, &target);
	reply_readlink(req, r, &target);
	buf_done(&target);
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode UNUSED,
		      struct fuse_file_info *fi)
{
	struct tree_side *side = side_of(req);
	struct slots_caller caller;
	if (leaves_to_next(side, req, fi->flags))
		return;
	reply_caller(req, &caller);

	struct slots_attr attr;
	struct tree_handle *file;
	int r = side->ops->create(side->tree, parent, name, fi->flags, &caller, &attr, &file);
	if (r < 0) {
		reply_err(req, r);
		return;
	}
	r = handles_add(&side->handles, file, fi);
	if (r < 0) {
		side->ops->forget(side->tree, attr.node, 1);
		reply_err(req, r);
		return;
	}
	count_writer(side, fi->flags, 1);
	sweep_poke(side->sweep);
	fi->direct_io = 1;
	struct fuse_entry_param entry = {.ino = attr.node};
	reply_stat(&attr, BLKSIZE, &entry.attr);
	(void)fuse_reply_create(req, &entry, fi);
}

static void op_open(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct tree_side *side = side_of(req);
	struct slots_caller caller;
	if (leaves_to_next(side, req, fi->flags))
		return;
	reply_caller(req, &caller);

	struct tree_handle *file;
	int r = side->ops->open(side->tree, node, fi->flags, &caller, &file);
	if (r == 0)
		r = handles_add(&side->handles, file, fi);
	if (r < 0) {
		reply_err(req, r);
		return;
	}
	count_writer(side, fi->flags, 1);
	/* Who is told that a stream has ended closes it while all is taken down: no verdict comes by that close. */
	fi->nonseekable = fi->noflush = side->waiting && side->ops->is_stream(node);
	fi->direct_io = 1; /* readers too: they see what was published last, never a page of the one before */
	(void)fuse_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t node UNUSED, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct tree_side *side = side_of(req);
	struct tree_handle *file;
	void *bytes = malloc(size);
	ssize_t got = bytes ? handles_get(&side->handles, fi, &file) : -ENOMEM;
	if (got == 0)
		got = side->ops->read(file, bytes, size, (uint64_t)offset);
	if (got == -EAGAIN && (fi->flags & O_NONBLOCK))
		(void)fuse_reply_err(req, EAGAIN); /* who asks for it knows what to do with it */
	else if (got == -EAGAIN && side->waiting)
		waiting_read(side->waiting, req, file, size);
	else if (got < 0)
		reply_err(req, (int)got);
	else
		(void)fuse_reply_buf(req, bytes, (size_t)got);
	free(bytes);
}

static void op_write(fuse_req_t req, fuse_ino_t node UNUSED, const char *bytes, size_t size, off_t offset,
		     struct fuse_file_info *fi)
{
	struct tree_side *side = side_of(req);
	struct tree_handle *file;
	int r = handles_get(&side->handles, fi, &file);
	if (r == 0)
		r = side->ops->write(file, bytes, size, (uint64_t)offset);
	if (r < 0)
		reply_err(req, r);
	else
		(void)fuse_reply_write(req, size);
}

static void op_flush(fuse_req_t req, fuse_ino_t node UNUSED, struct fuse_file_info *fi)
{
	struct tree_side *side = side_of(req);
	struct tree_handle *file;
	int r = handles_get(&side->handles, fi, &file);
	reply_err(req, r < 0 ? r : side->ops->flush(file));
}

static void op_fsync(fuse_req_t req, fuse_ino_t node UNUSED, int datasync UNUSED, struct fuse_file_info *fi)
{
	struct tree_side *side = side_of(req);
	struct tree_handle *file;
	int r = handles_get(&side->handles, fi, &file);
	reply_err(req, r < 0 ? r : side->ops->fsync(file));
}

/* What is no stream is always ready, as the kernel says itself where nobody is asked; so is what ends with an error. */
static void op_poll(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi, struct fuse_pollhandle *handle)
{
	struct tree_side *side = side_of(req);
	struct tree_handle *file;
	int r = handles_get(&side->handles, fi, &file);
	if (r == 0 && side->waiting && side->ops->is_stream(node)) {
		waiting_poll(side->waiting, req, file, handle);
		return;
	}
	if (handle)
		fuse_pollhandle_destroy(handle);
	(void)fuse_reply_poll(req, (r < 0 ? POLLERR : 0U) | POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
}

static void op_release(fuse_req_t req, fuse_ino_t node UNUSED, struct fuse_file_info *fi)
{
	struct tree_side *side = side_of(req);
	struct tree_handle *file = handles_take(&side->handles, fi);
	if (file && side->waiting)
		waiting_forget(side->waiting, file);
	if (file)
		side->ops->release(file);
	if (file)
		count_writer(side, fi->flags, -1);
	reply_err(req, 0);
}

static void op_opendir(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct tree_side *side = side_of(req);
	struct slots_caller caller;
	reply_looker(req, &caller);

	struct tree_handle *dir;
	int r = side->ops->opendir(side->tree, node, &caller, &dir);
	if (r == 0)
		r = handles_add(&side->handles, dir, fi);
	if (r < 0)
		reply_err(req, r);
	else
		(void)fuse_reply_open(req, fi);
}

/* Fills bytes with entries from offset on; returns how many bytes, or a negative errno when there is none to show. */
static ssize_t fill_entries(fuse_req_t req, struct tree_handle *dir, char *bytes, size_t size, uint64_t offset)
{
	const struct tree_side *side = side_of(req);
	size_t used = 0;
	for (;;) {
		struct slots_dirent entry;
		int r = side->ops->readdir(dir, offset, &entry);
		if (r <= 0)
			return used > 0 ? (ssize_t)used : r;

		struct stat st;
		reply_stat(&entry.attr, BLKSIZE, &st);
		size_t needed = fuse_add_direntry(req, bytes + used, size - used, entry.name, &st,
						  (off_t)entry.next_offset);
		if (needed > size - used)
			return (ssize_t)used;
		used += needed;
		offset = entry.next_offset;
	}
}

static void op_readdir(fuse_req_t req, fuse_ino_t node UNUSED, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct tree_side *side = side_of(req);
	struct tree_handle *dir;
	char *bytes = malloc(size);
	ssize_t used = bytes ? handles_get(&side->handles, fi, &dir) : -ENOMEM;
	if (used == 0)
		used = fill_entries(req, dir, bytes, size, (uint64_t)offset);
	if (used < 0)
		reply_err(req, (int)used);
	else
		(void)fuse_reply_buf(req, bytes, (size_t)used);
	free(bytes);
}

/* What a close has answered is durable, names too. */
static void op_fsyncdir(fuse_req_t req, fuse_ino_t node UNUSED, int datasync UNUSED, struct fuse_file_info *fi UNUSED)
{
	reply_err(req, 0);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode UNUSED)
{
	const struct tree_side *side = side_of(req);
	struct slots_caller caller;
	reply_caller(req, &caller);
	struct slots_attr attr;
	int r = side->ops->mkdir(side->tree, parent, name, &caller, &attr);
	sweep_poke(side->sweep);
	answer_entry(req, r, &attr);
}

static void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const struct tree_side *side = side_of(req);
	struct slots_caller caller;
	reply_caller(req, &caller);
	reply_err(req, side->ops->rmdir(side->tree, parent, name, &caller));
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const struct tree_side *side = side_of(req);
	struct slots_caller caller;
	reply_caller(req, &caller);
	reply_err(req, side->ops->unlink(side->tree, parent, name, &caller));
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
		      unsigned flags)
{
	const struct tree_side *side = side_of(req);
	struct slots_caller caller;
	reply_caller(req, &caller);
	reply_err(req, side->ops->rename(side->tree, parent, name, new_parent, new_name, flags, &caller));
}

static void op_link(fuse_req_t req, fuse_ino_t node UNUSED, fuse_ino_t new_parent UNUSED, const char *name UNUSED)
{
	reply_err(req, -EPERM);
}

static void op_symlink(fuse_req_t req, const char *target UNUSED, fuse_ino_t parent UNUSED, const char *name UNUSED)
{
	reply_err(req, -EPERM);
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent UNUSED, const char *name UNUSED, mode_t mode UNUSED,
		     dev_t device UNUSED)
{
	reply_err(req, -EPERM);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t node, const char *name, size_t size)
{
	const struct tree_side *side = side_of(req);
	struct slots_caller caller;
	reply_looker(req, &caller);
	struct buf value = {0};
	int r = side->ops->getxattr(side->tree, node, name, &caller, &value);
	reply_xattr(req, r, &value, size);
	buf_done(&value);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t node, size_t size)
{
	const struct tree_side *side = side_of(req);
	struct slots_caller caller;
	reply_looker(req, &caller);
	struct buf names = {0};
	int r = side->ops->listxattr(side->tree, node, &caller, &names);
	reply_xattr(req, r, &names, size);
	buf_done(&names);
}

static void op_setxattr(fuse_req_t req, fuse_ino_t node, const char *name, const char *value, size_t size,
			int flags UNUSED)
{
	const struct tree_side *side = side_of(req);
	reply_err(req, side->ops->setxattr ? side->ops->setxattr(side->tree, node, name, value, size) : -EOPNOTSUPP);
}

static void op_removexattr(fuse_req_t req, fuse_ino_t node UNUSED, const char *name UNUSED)
{
	reply_err(req, -EOPNOTSUPP);
}

static void op_statfs(fuse_req_t req, fuse_ino_t node UNUSED)
{
	const struct tree_side *side = side_of(req);
	struct statvfs fs;
	trap_spring();
	int r = side->ops->statfs(side->tree, &fs);
	reply_statfs(req, r, &fs);
}

const struct fuse_lowlevel_ops tree_side_ops = {
	.init = op_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.create = op_create,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.flush = op_flush,
	.fsync = op_fsync,
	.poll = op_poll,
	.release = op_release,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.releasedir = op_release,
	.fsyncdir = op_fsyncdir,
	.mkdir = op_mkdir,
	.rmdir = op_rmdir,
	.unlink = op_unlink,
	.rename = op_rename,
	.link = op_link,
	.symlink = op_symlink,
	.mknod = op_mknod,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.setxattr = op_setxattr,
	.removexattr = op_removexattr,
	.statfs = op_statfs,
};
