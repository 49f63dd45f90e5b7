/*
 * The run side's operations: a read-only tree that the kernel may keep for ever, because what changes in it is pushed
 * (fs/notify.h). OPEN and OPENDIR are answered ENOSYS where the kernel takes that as "do not ask again": then open,
 * close and a second readdir cost no request, and pages and directories stay cached.
 */
#include <errno.h>
#include <stdlib.h>

#include "reply.h"
#include "session.h"
#include "sides.h"
#include "slots/run.h"

#define FOREVER_S	     315360000.0 /* ten years */
#define MAX_BACKGROUND	     64		 /* requests of read-ahead in flight */
#define CONGESTION_THRESHOLD 48
#define WANTED_FEATURES                                                                                                \
	(FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_CACHE_SYMLINKS |       \
	 FUSE_CAP_EXPLICIT_INVAL_DATA | FUSE_CAP_ASYNC_READ)
#define UNWANTED_FEATURES                                                                                              \
	(FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |          \
	 FUSE_CAP_SPLICE_MOVE | FUSE_CAP_POSIX_LOCKS | FUSE_CAP_FLOCK_LOCKS)

static struct run_side *side_of(fuse_req_t req)
{
	return session_userdata(fuse_req_userdata(req));
}

static struct slots *slots_of(fuse_req_t req)
{
	return side_of(req)->slots;
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct run_side *side = session_userdata(userdata);
	conn->want |= conn->capable & WANTED_FEATURES;
	conn->want &= ~(unsigned)UNWANTED_FEATURES;
	conn->max_background = MAX_BACKGROUND;
	conn->congestion_threshold = CONGESTION_THRESHOLD;
	side->no_open = conn->capable & FUSE_CAP_NO_OPEN_SUPPORT;
	side->no_opendir = conn->capable & FUSE_CAP_NO_OPENDIR_SUPPORT;
}

/* A missing name is an entry without a node, and kept like the others. */
static void reply_missing(fuse_req_t req)
{
	(void)fuse_reply_entry(req, &(struct fuse_entry_param){.entry_timeout = FOREVER_S});
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct slots_attr attr;
	int r = reply_check_name(name);
	if (r == 0)
		r = run_lookup(slots_of(req), parent, name, &attr);
	if (r == 0)
		reply_entry(req, &attr, REPLY_BLKSIZE_DEFAULT, FOREVER_S);
	else if (r == -ENOENT && run_keeps_missing(slots_of(req), parent))
		reply_missing(req);
	else
		reply_err(req, r);
}

static void op_forget(fuse_req_t req, fuse_ino_t node, uint64_t count)
{
	run_forget(slots_of(req), node, count);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		run_forget(slots_of(req), forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void op_getattr(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi UNUSED)
{
	struct slots_attr attr;
	int r = run_getattr(slots_of(req), node, &attr);
	reply_attr(req, r, &attr, REPLY_BLKSIZE_DEFAULT, FOREVER_S);
}

static void op_readlink(fuse_req_t req, fuse_ino_t node)
{
	struct buf target = {0};
	int r = run_readlink(slots_of(req), node, &target);
	reply_readlink(req, r, &target);
	buf_done(&target);
}

/* The one place where ENOSYS is meant; past reply_err on purpose. */
static void do_without(fuse_req_t req)
{
	(void)fuse_reply_err(req, ENOSYS);
}

static void op_open(fuse_req_t req, fuse_ino_t node UNUSED, struct fuse_file_info *fi)
{
	fi->keep_cache = 1;
	if (side_of(req)->no_open)
		do_without(req);
	else
		(void)fuse_reply_open(req, fi);
}

static void op_opendir(fuse_req_t req, fuse_ino_t node UNUSED, struct fuse_file_info *fi)
{
	fi->keep_cache = 1;
	fi->cache_readdir = 1;
	if (side_of(req)->no_opendir)
		do_without(req);
	else
		(void)fuse_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *fi UNUSED)
{
	struct run_data data = {0};
	int r = run_read(slots_of(req), node, size, (uint64_t)offset, &data);
	if (r < 0) {
		reply_err(req, r);
		return;
	}
	(void)fuse_reply_buf(req, data.bytes, data.len);
	run_data_done(&data);
}

struct listing {
	fuse_req_t req;
	bool plus;
	char *bytes;
	size_t size;
	size_t used;
};

static bool is_dot(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static size_t add_entry(struct listing *list, const struct slots_dirent *entry)
{
	char *to = list->bytes + list->used;
	size_t left = list->size - list->used;
	struct fuse_entry_param param = {
		.ino = entry->attr.node,
		.attr_timeout = FOREVER_S,
		.entry_timeout = FOREVER_S,
	};
	reply_stat(&entry->attr, REPLY_BLKSIZE_DEFAULT, &param.attr);
	if (list->plus)
		return fuse_add_direntry_plus(list->req, to, left, entry->name, &param, (off_t)entry->next_offset);
	return fuse_add_direntry(list->req, to, left, entry->name, &param.attr, (off_t)entry->next_offset);
}

/* The kernel counts a reference for each entry that comes with attributes, but not for "." and "..". */
static bool emit(void *ctx, const struct slots_dirent *entry)
{
	struct listing *list = ctx;
	size_t needed = add_entry(list, entry);
	if (needed > list->size - list->used)
		return false;
	list->used += needed;
	if (list->plus && !is_dot(entry->name))
		run_remember(slots_of(list->req), entry->attr.node);
	return true;
}

static void list_directory(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset, bool plus)
{
	struct listing list = {.req = req, .plus = plus, .bytes = malloc(size), .size = size};
	int r = -ENOMEM;
	if (list.bytes)
		r = run_readdir(slots_of(req), node, (uint64_t)offset, emit, &list);
	if (r < 0 && list.used == 0)
		reply_err(req, r);
	else
		(void)fuse_reply_buf(req, list.bytes, list.used);
	free(list.bytes);
}

static void op_readdir(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *fi UNUSED)
{
	list_directory(req, node, size, offset, false);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *fi UNUSED)
{
	list_directory(req, node, size, offset, true);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t node, const char *name, size_t size)
{
	struct buf value = {0};
	int r = run_getxattr(slots_of(req), node, name, &value);
	reply_xattr(req, r, &value, size);
	buf_done(&value);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t node, size_t size)
{
	struct buf names = {0};
	int r = run_listxattr(slots_of(req), node, &names);
	reply_xattr(req, r, &names, size);
	buf_done(&names);
}

static void op_statfs(fuse_req_t req, fuse_ino_t node UNUSED)
{
	struct statvfs fs;
	int r = slots_statfs(slots_of(req), &fs);
	reply_statfs(req, r, &fs);
}

const struct fuse_lowlevel_ops run_side_ops = {
	.init = op_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.readlink = op_readlink,
	.open = op_open,
	.read = op_read,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.statfs = op_statfs,
};
