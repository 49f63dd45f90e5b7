/* The deploy side as a tree. Who looks makes no difference here: what may be seen is in the modes. */
#include "deploy.h"

static int lookup(void *tree, uint64_t parent, const char *name, const struct slots_caller *caller UNUSED,
		  struct slots_attr *ret)
{
	return deploy_lookup(tree, parent, name, ret);
}

static void forget(void *tree, uint64_t node, uint64_t count)
{
	deploy_forget(tree, node, count);
}

static int get_attr(void *tree, uint64_t node, struct slots_attr *ret)
{
	return deploy_getattr(tree, node, ret);
}

static int set_attr(void *tree, uint64_t node, struct tree_handle *handle, const struct tree_change *change,
		    struct slots_attr *ret)
{
	return deploy_setattr(tree, node, handle, change, ret);
}

static int read_link(void *tree, uint64_t node, struct buf *ret)
{
	return deploy_readlink(tree, node, ret);
}

static int create(void *tree, uint64_t parent, const char *name, int open_flags, const struct slots_caller *caller,
		  struct slots_attr *ret, struct tree_handle **ret_handle)
{
	return deploy_create(tree, parent, name, open_flags, caller, ret, ret_handle);
}

static int open_file(void *tree, uint64_t node, int open_flags, const struct slots_caller *caller,
		     struct tree_handle **ret_handle)
{
	return deploy_open(tree, node, open_flags, caller, ret_handle);
}

static int open_dir(void *tree, uint64_t node, const struct slots_caller *caller UNUSED,
		    struct tree_handle **ret_handle)
{
	return deploy_opendir(tree, node, ret_handle);
}

static int make_dir(void *tree, uint64_t parent, const char *name, const struct slots_caller *caller,
		    struct slots_attr *ret)
{
	return deploy_mkdir(tree, parent, name, caller, ret);
}

static int remove_dir(void *tree, uint64_t parent, const char *name, const struct slots_caller *caller)
{
	return deploy_rmdir(tree, parent, name, caller);
}

static int unlink_name(void *tree, uint64_t parent, const char *name, const struct slots_caller *caller)
{
	return deploy_unlink(tree, parent, name, caller);
}

static int rename_name(void *tree, uint64_t parent, const char *name, uint64_t new_parent, const char *new_name,
		       unsigned flags, const struct slots_caller *caller)
{
	return deploy_rename(tree, parent, name, new_parent, new_name, flags, caller);
}

static int get_xattr(void *tree, uint64_t node, const char *name, const struct slots_caller *caller UNUSED,
		     struct buf *ret)
{
	return deploy_getxattr(tree, node, name, ret);
}

static int list_xattr(void *tree, uint64_t node, const struct slots_caller *caller UNUSED, struct buf *ret)
{
	return deploy_listxattr(tree, node, ret);
}

static int set_xattr(void *tree, uint64_t node, const char *name, const void *value, size_t len)
{
	return deploy_setxattr(tree, node, name, value, len);
}

static int stat_fs(void *tree, struct statvfs *ret)
{
	return slots_statfs(tree, ret);
}

static void set_waker(void *tree, const struct tree_waker *waker)
{
	deploy_set_waker(tree, waker);
}

static void end_streams(void *tree)
{
	deploy_end_streams(tree);
}

static void take_over(void *tree)
{
	slots_take_over(tree);
}

static void hand_over(void *tree)
{
	slots_hand_over(tree);
}

static uint64_t sweep(void *tree)
{
	return slots_sweep(tree);
}

static void drain(void *tree)
{
	slots_drain(tree);
}

static int reload(void *tree, struct buf *ret_errors)
{
	return slots_reload(tree, ret_errors);
}

static int summarize(void *tree, struct buf *ret)
{
	return slots_summarize(tree, ret);
}

static void close_tree(void *tree)
{
	slots_close(tree);
}

const struct tree_ops deploy_tree_ops = {
	.lookup = lookup,
	.forget = forget,
	.is_fixed = deploy_is_fixed,
	.getattr = get_attr,
	.setattr = set_attr,
	.readlink = read_link,
	.create = create,
	.open = open_file,
	.read = deploy_read,
	.write = deploy_write,
	.flush = deploy_flush,
	.fsync = deploy_fsync,
	.release = deploy_release,
	.opendir = open_dir,
	.readdir = deploy_readdir,
	.mkdir = make_dir,
	.rmdir = remove_dir,
	.unlink = unlink_name,
	.rename = rename_name,
	.getxattr = get_xattr,
	.listxattr = list_xattr,
	.setxattr = set_xattr,
	.statfs = stat_fs,
	.is_stream = deploy_is_stream,
	.is_ready = deploy_is_ready,
	.set_waker = set_waker,
	.end_streams = end_streams,
	.take_over = take_over,
	.hand_over = hand_over,
	.sweep = sweep,
	.drain = drain,
	.reload = reload,
	.summarize = summarize,
	.close = close_tree,
};
