/*
 * bare_fuse SOURCE_DIR MOUNTPOINT - what FUSE itself allows, as a limit to measure others by.
 *
 * Reads a tree into memory, then serves it without any work of its own: no disk, no check, no locks. It takes every
 * shortcut of the protocol: names, attributes and pages are kept by the kernel for ever, and nothing is asked at open,
 * opendir, flush and release. Requests are received as vouchfs does. Stays in the foreground; ends when it is
 * unmounted, or at SIGTERM, SIGINT and SIGHUP.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../../src/fs/receive.h"

#define FOREVER_S      315360000.0 /* ten years */
#define MAX_BACKGROUND 64
#define NODES_MAX      1048576U
#define WANTED_FEATURES                                                                                                \
	(FUSE_CAP_READDIRPLUS | FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_EXPLICIT_INVAL_DATA |    \
	 FUSE_CAP_ASYNC_READ)
#define UNWANTED_FEATURES (FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_WRITEBACK_CACHE)

/* Its id is its place in the array and one more, so that the root's is FUSE_ROOT_ID. */
struct node {
	char *path; /* in the source */
	const char *name;
	struct stat st;
	char *bytes; /* of a file or a link */
	size_t first_child;
	size_t child_count;
	size_t parent;
};

struct tree {
	struct receiver receiver;
	struct node *nodes;
	size_t count;
};

/* ---- the tree into memory ---- */

static void fail(const char *path)
{
	fprintf(stderr, "bare_fuse: %s: %s\n", path, strerror(errno));
	exit(EXIT_FAILURE);
}

static void *must(void *bytes)
{
	if (!bytes)
		fail("memory");
	return bytes;
}

static void load_file(struct node *node)
{
	size_t size = (size_t)node->st.st_size, done = 0;
	int fd = open(node->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail(node->path);
	node->bytes = must(malloc(size + 1));
	while (done < size) {
		ssize_t got = read(fd, node->bytes + done, size - done);
		if (got <= 0)
			fail(node->path);
		done += (size_t)got;
	}
	(void)close(fd);
}

static void load_link(struct node *node)
{
	node->bytes = must(calloc(1, PATH_MAX));
	if (readlink(node->path, node->bytes, PATH_MAX - 1) < 0)
		fail(node->path);
}

static void add_node(struct tree *tree, size_t parent, char *path)
{
	struct node *node = &tree->nodes[tree->count];
	if (tree->count == NODES_MAX) {
		errno = EFBIG;
		fail(path);
	}
	*node = (struct node){.path = path, .name = strrchr(path, '/') + 1, .parent = parent};
	if (lstat(path, &node->st) < 0)
		fail(path);
	if (S_ISREG(node->st.st_mode))
		load_file(node);
	else if (S_ISLNK(node->st.st_mode))
		load_link(node);
	node->st.st_ino = ++tree->count;
}

static int is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int compare_entries(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void load_children(struct tree *tree, size_t at)
{
	struct dirent **entries;
	int count = scandir(tree->nodes[at].path, &entries, NULL, compare_entries);
	if (count < 0)
		fail(tree->nodes[at].path);
	tree->nodes[at].first_child = tree->count;
	for (int i = 0; i < count; i++) {
		char *path = NULL;
		if (!is_dot(entries[i]->d_name)) {
			if (asprintf(&path, "%s/%s", tree->nodes[at].path, entries[i]->d_name) < 0)
				fail("memory");
			add_node(tree, at, path);
		}
		free(entries[i]);
	}
	free(entries);
	tree->nodes[at].child_count = tree->count - tree->nodes[at].first_child;
}

static void load_tree(struct tree *tree, const char *source)
{
	char *path = must(realpath(source, NULL));
	tree->nodes = must(calloc(NODES_MAX, sizeof(*tree->nodes)));
	add_node(tree, 0, path);
	for (size_t i = 0; i < tree->count; i++)
		if (S_ISDIR(tree->nodes[i].st.st_mode))
			load_children(tree, i);
}

static void free_tree(struct tree *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		free(tree->nodes[i].path);
		free(tree->nodes[i].bytes);
	}
	free(tree->nodes);
}

/* ---- what the kernel asks ---- */

static struct tree *tree_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static struct node *node_of(fuse_req_t req, fuse_ino_t id)
{
	return &tree_of(req)->nodes[id - 1];
}

static struct fuse_entry_param entry_of(const struct node *node)
{
	return (struct fuse_entry_param){
		.ino = node->st.st_ino, .attr = node->st, .attr_timeout = FOREVER_S, .entry_timeout = FOREVER_S};
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->want |= conn->capable & WANTED_FEATURES;
	conn->want &= ~(unsigned)UNWANTED_FEATURES;
	conn->max_background = MAX_BACKGROUND;
}

static int compare_name(const void *name, const void *node)
{
	return strcmp(name, ((const struct node *)node)->name);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const struct node *folder = node_of(req, parent);
	const struct node *found = bsearch(name, tree_of(req)->nodes + folder->first_child, folder->child_count,
					   sizeof(*folder), compare_name);
	struct fuse_entry_param missing = {.entry_timeout = FOREVER_S};
	struct fuse_entry_param entry = found ? entry_of(found) : missing;
	fuse_reply_entry(req, &entry);
}

static void op_getattr(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
	(void)fi;
	fuse_reply_attr(req, &node_of(req, id)->st, FOREVER_S);
}

static void op_readlink(fuse_req_t req, fuse_ino_t id)
{
	fuse_reply_readlink(req, node_of(req, id)->bytes);
}

/* open and opendir: the kernel takes it as "do not ask again". */
static void op_open(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
	(void)id;
	(void)fi;
	fuse_reply_err(req, ENOSYS);
}

static void op_read(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)fi;
	const struct node *node = node_of(req, id);
	size_t at = (size_t)offset, end = (size_t)node->st.st_size;
	if (at >= end)
		fuse_reply_buf(req, NULL, 0);
	else
		fuse_reply_buf(req, node->bytes + at, size < end - at ? size : end - at);
}

/* The entry at a place of a folder; the first two are the folder and its parent. */
static const struct node *entry_at(const struct tree *tree, const struct node *folder, size_t at, const char **ret_name)
{
	if (at < 2) {
		*ret_name = at == 0 ? "." : "..";
		return at == 0 ? folder : &tree->nodes[folder->parent];
	}
	const struct node *child = &tree->nodes[folder->first_child + at - 2];
	*ret_name = child->name;
	return child;
}

static void list(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, int plus)
{
	const struct node *folder = node_of(req, id);
	char *bytes = must(malloc(size));
	size_t used = 0;
	for (size_t at = (size_t)offset; at < folder->child_count + 2; at++) {
		const char *name;
		struct fuse_entry_param entry = entry_of(entry_at(tree_of(req), folder, at, &name));
		size_t left = size - used, needed;
		if (plus)
			needed = fuse_add_direntry_plus(req, bytes + used, left, name, &entry, (off_t)at + 1);
		else
			needed = fuse_add_direntry(req, bytes + used, left, name, &entry.attr, (off_t)at + 1);
		if (needed > left)
			break;
		used += needed;
	}
	fuse_reply_buf(req, bytes, used);
	free(bytes);
}

static void op_readdir(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)fi;
	list(req, id, size, offset, 0);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)fi;
	list(req, id, size, offset, 1);
}

static const struct fuse_lowlevel_ops operations = {
	.init = op_init,
	.lookup = op_lookup,
	.getattr = op_getattr,
	.readlink = op_readlink,
	.open = op_open,
	.read = op_read,
	.opendir = op_open,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
};

static ssize_t io_read(int fd, void *buf, size_t size, void *userdata)
{
	struct tree *tree = userdata;
	return receive(&tree->receiver, fd, buf, size);
}

static ssize_t io_writev(int fd, struct iovec *parts, int count, void *userdata)
{
	(void)userdata;
	return writev(fd, parts, count);
}

static int serve(struct fuse_session *session)
{
	static const struct fuse_custom_io io = {.read = io_read, .writev = io_writev};
	if (fuse_session_custom_io(session, &io, fuse_session_fd(session)) != 0)
		return EXIT_FAILURE;
	struct fuse_loop_config *config = must(fuse_loop_cfg_create());
	int r = fuse_session_loop_mt(session, config);
	fuse_loop_cfg_destroy(config);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: bare_fuse SOURCE_DIR MOUNTPOINT\n");
		return EXIT_FAILURE;
	}
	struct tree tree = {0};
	load_tree(&tree, argv[1]);

	int code = EXIT_FAILURE;
	char option[] = "-oro,default_permissions,fsname=bare_fuse";
	char *session_argv[] = {argv[0], option, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(2, session_argv);
	struct fuse_session *session = fuse_session_new(&args, &operations, sizeof(operations), &tree);
	if (!session || fuse_set_signal_handlers(session) != 0)
		goto out;
	if (fuse_session_mount(session, argv[2]) == 0) {
		code = serve(session);
		fuse_session_unmount(session);
	}
	fuse_remove_signal_handlers(session);
out:
	if (session)
		fuse_session_destroy(session);
	fuse_opt_free_args(&args);
	free_tree(&tree);
	return code;
}
