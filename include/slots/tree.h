/*
 * tree.h - a read-write tree that a FUSE connection can serve. The deploy side of a mount is one, the signing slots of
 * a signing service another; fs has one set of operations for both.
 *
 * The rules of deploy.h hold for every tree: failures are negative errno, node 1 is the root, a successful lookup,
 * create or mkdir counts one reference that forget gives back, all functions are thread-safe. The caller is who the
 * kernel says it is, valid until the call returns.
 */
#ifndef SLOTS_TREE_H
#define SLOTS_TREE_H

#include "slots/slots.h"

#define TREE_ROOT 1

/* NULL members are left alone. Mode and owner are taken without a word and left as they are. */
struct tree_change {
	const uint64_t *size_bytes; /* only with a handle that is open for writing, else -EPERM */
	const struct timespec *mtime;
};

/* Whom to tell that a file may have something to read that had nothing. Called with locks of the tree held, or of the
 * log: must return at once, and call nothing of the tree. */
struct tree_waker {
	void *ctx;
	void (*wake)(void *ctx);
};

/* An open file or directory. Only the tree that made it knows what is behind it. */
struct tree_handle;

/* tree: what the functions work on, struct slots or struct signing. */
struct tree_ops {
	int (*lookup)(void *tree, uint64_t parent, const char *name, const struct slots_caller *caller,
		      struct slots_attr *ret);
	void (*forget)(void *tree, uint64_t node, uint64_t count);
	/* The kernel may keep its entry and attributes for a day. */
	bool (*is_fixed)(uint64_t node);
	int (*getattr)(void *tree, uint64_t node, struct slots_attr *ret);
	int (*setattr)(void *tree, uint64_t node, struct tree_handle *handle, const struct tree_change *change,
		       struct slots_attr *ret);
	int (*readlink)(void *tree, uint64_t node, struct buf *ret);

	int (*create)(void *tree, uint64_t parent, const char *name, int open_flags, const struct slots_caller *caller,
		      struct slots_attr *ret, struct tree_handle **ret_handle);
	int (*open)(void *tree, uint64_t node, int open_flags, const struct slots_caller *caller,
		    struct tree_handle **ret_handle);
	/* -EAGAIN: it is a stream, and there is nothing to read yet; the waker is told when there may be. */
	ssize_t (*read)(struct tree_handle *handle, void *buf, size_t len, uint64_t offset);
	int (*write)(struct tree_handle *handle, const void *buf, size_t len, uint64_t offset);
	int (*flush)(struct tree_handle *handle);
	int (*fsync)(struct tree_handle *handle);
	void (*release)(struct tree_handle *handle);

	int (*opendir)(void *tree, uint64_t node, const struct slots_caller *caller, struct tree_handle **ret_handle);
	/* 1 and *ret, 0 at the end. Includes "." and "..". No references are counted. */
	int (*readdir)(struct tree_handle *dir, uint64_t offset, struct slots_dirent *ret);

	int (*mkdir)(void *tree, uint64_t parent, const char *name, const struct slots_caller *caller,
		     struct slots_attr *ret);
	int (*rmdir)(void *tree, uint64_t parent, const char *name, const struct slots_caller *caller);
	int (*unlink)(void *tree, uint64_t parent, const char *name, const struct slots_caller *caller);
	int (*rename)(void *tree, uint64_t parent, const char *name, uint64_t new_parent, const char *new_name,
		      unsigned flags, const struct slots_caller *caller);

	int (*getxattr)(void *tree, uint64_t node, const char *name, const struct slots_caller *caller,
			struct buf *ret);
	int (*listxattr)(void *tree, uint64_t node, const struct slots_caller *caller, struct buf *ret);
	/* NULL: none can be set. -EOPNOTSUPP: not this one, here. */
	int (*setxattr)(void *tree, uint64_t node, const char *name, const void *value, size_t len);
	int (*statfs)(void *tree, struct statvfs *ret);

	/* NULL, all of them: there are no streams. */
	bool (*is_stream)(uint64_t node);
	bool (*is_ready)(struct tree_handle *stream); /* a read would not say -EAGAIN */
	void (*set_waker)(void *tree, const struct tree_waker *waker);
	void (*end_streams)(void *tree); /* whoever reads one now is at its end */

	/* Of a daemon that took over, once it serves (slots_take_over). NULL: nothing to do. */
	void (*take_over)(void *tree);
	/* Before close, of a daemon that leaves the connection to another one (slots_hand_over). */
	void (*hand_over)(void *tree);
	/* Drops staging whose time is over; returns milliseconds until the next is due, UINT64_MAX: none. */
	uint64_t (*sweep)(void *tree);
	/* Ends all streams, refuses new uploads (ESHUTDOWN), then waits until none is being decided. */
	void (*drain)(void *tree);
	/* SIGHUP, `vouchfs reload`: all or nothing; -EINVAL with a line an error. */
	int (*reload)(void *tree, struct buf *ret_errors);
	/* What is served, in a few words, for `systemctl status`. NULL: nothing to say. */
	int (*summarize)(void *tree, struct buf *ret);
	void (*close)(void *tree);
};

/* What a directory held when it was opened; all-zero is empty. Of attributes only node and mode are kept: the kernel
 * asks for the others one by one. */
struct tree_list {
	struct tree_list_entry *entries;
	size_t count;
	struct buf names; /* one behind the other, each with its NUL */
};
/* 0 or -ENOMEM. A name has at most LIMIT_NAME_BYTES. */
int tree_list_add(struct tree_list *list, const char *name, const struct slots_attr *attr);
const char *tree_list_name(const struct tree_list *list, size_t index);
int tree_list_get(const struct tree_list *list, uint64_t offset, struct slots_dirent *ret); /* as readdir */
void tree_list_done(struct tree_list *list);

extern const struct tree_ops deploy_tree_ops; /* on struct slots */

#endif
