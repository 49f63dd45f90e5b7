/*
 * deploy.h - the deploy side: a read-write tree in which writing a ZIP deploys it.
 *
 *     /functions/<function>/<any name>.zip     the artifact; at most one is listed
 *     /functions/<function>/layers             the list of its layers (layer_list.h says what may stand in it);
 *                                              removing it removes them, a backup's rename leaves it there
 *     /functions/<function>/.<temp>, *~, *.tmp, *.part, *.filepart, .<dir>/...   staging: never judged, never listed
 *     /layers/<layer>/<n>.zip                  published versions; writing any other *.zip publishes the next one
 *     /policy/<any name>.zip                   the policy bundle, where the configuration names a publisher: a slot as
 *                                              a function's, whose artifact cannot be removed
 *     /.vouchfs/{status,status.json,health,metrics}, why/functions/<f>, why/layers/<l>    made at open, not listed
 *     /.vouchfs/recent                         the last records of the audit log, a line each
 *     /.vouchfs/events                         a stream of those that come (tree.h)
 *     /.vouchfs/history/functions/{<f>,<f>.json}    the releases that are kept
 *     /.vouchfs/rollback/functions/<f>         owner, group and write bits of the slot; who writes the
 *                                              number of a release makes it current again, as a new one
 *     /.vouchfs/permissions/layers/<l>:<n>     who may use a layer version; mode without execution, owner and group as
 *                                              the slot's; who writes a line gives or takes a permission
 *     /.vouchfs/{why/policy,history/policy{,.json},rollback/policy}    of that slot; who has mounted writes "<sequence>
 *                                              <reason>" to the last one
 *     /.vouchfs/policy/{status,drift,source}   the bundle in force; where the host differs from it; what its fetcher
 *                                              says
 *     /run                                     directory to mount the run side on, or a symlink
 *
 * The state of one upload, the private copy behind an open file or a staging name:
 *
 *         create / open(O_TRUNC)             open without O_TRUNC
 *              |                                   | copy of the artifact
 *              v             write, truncate       v
 *            EMPTY ------------------------->  WRITTEN <-------------------------+
 *                                               |   ^                            |
 *           completing write, flush, rename     |   | write, truncate            | write: a copy of the release
 *                                               v   |                            |
 *                              +------------ JUDGED: refused (errno; recorded)   |
 *                              |                or  accepted, warned             |
 *                              v                        |  flush, rename         |
 *                           released                    v                        |
 *                        (nothing is left)          PUBLISHED -------------------+
 *
 * An open file whose name is unlinked before the close is published nowhere; one whose name becomes a staging name is
 * not judged by its close any more. Renamed over, it still is: of two writers the last one stands.
 *
 * In a layer's directory PUBLISHED is a version: immutable (-EEXIST when it is opened for writing, -EPERM when
 * renamed), gone when it is unlinked, and its number is not given again. A name that is a number has to be that of the
 * next version, or of the one that the content equals (else -EEXIST, -EINVAL); any other name is not listed afterwards,
 * and is found for a while by the tool that wrote it. Content that is published already publishes nothing and succeeds.
 *
 * A list of layers goes the same way: its completing write is one that ends in a newline, what is judged is the
 * artifact that is there with those layers, what is published is that artifact as a new release. A list that a write
 * was refused for takes no more writes until it is truncated. An artifact is judged with the layers that are there;
 * when they, or a list's artifact, are others by the time of the commit, it is judged again. A list that the release
 * has already is no new release. Before there is an artifact a list is kept, and waits: the first one is judged with
 * it.
 *
 * In policy/ PUBLISHED is a bundle that is in force: its configuration has taken the place of the one before, in the
 * same step for whoever else reloads (src/slots/policy_change.h), and what is served has been judged by it when the
 * close returns. The bundle that is in force already publishes nothing and succeeds; its other name is found for a
 * while, as a layer's is.
 *
 * As a tree (deploy_tree_ops) it is what fs serves; the functions beside it are the same, by name.
 *
 * Node ids live as long as the kernel knows them (deploy_forget); 1 is the root. Attributes and entries are not to be
 * cached below /functions and /layers; writers are to be opened with direct I/O.
 */
#ifndef SLOTS_DEPLOY_H
#define SLOTS_DEPLOY_H

#include "slots/tree.h"

#define DEPLOY_ROOT TREE_ROOT

/* A successful lookup, create or mkdir counts one reference that deploy_forget gives back. -ENOENT means truly absent.
 */
int deploy_lookup(struct slots *slots, uint64_t parent, const char *name, struct slots_attr *ret);
void deploy_forget(struct slots *slots, uint64_t node, uint64_t count);
int deploy_getattr(struct slots *slots, uint64_t node, struct slots_attr *ret);

/* How long the kernel may keep an entry or its attributes: true for the fixed directories. */
bool deploy_is_fixed(uint64_t node);

/* handle may be NULL. */
int deploy_setattr(struct slots *slots, uint64_t node, struct tree_handle *handle, const struct tree_change *change,
		   struct slots_attr *ret);

int deploy_create(struct slots *slots, uint64_t parent, const char *name, int open_flags,
		  const struct slots_caller *caller, struct slots_attr *ret, struct tree_handle **ret_handle);
/* -ESTALE: what the kernel has looked up has lost its name since; it looks the name up again then. */
int deploy_open(struct slots *slots, uint64_t node, int open_flags, const struct slots_caller *caller,
		struct tree_handle **ret_handle);
ssize_t deploy_read(struct tree_handle *handle, void *buf, size_t len, uint64_t offset);
/* All of it or a negative errno; the verdict of the completing write among them. */
int deploy_write(struct tree_handle *handle, const void *buf, size_t len, uint64_t offset);
/* The verdict; publishes. Also for handles that only read: 0. */
int deploy_flush(struct tree_handle *handle);
int deploy_fsync(struct tree_handle *handle);
void deploy_release(struct tree_handle *handle);

int deploy_opendir(struct slots *slots, uint64_t node, struct tree_handle **ret_handle);
/* 1 and *ret, 0 at the end, or a negative errno. Includes "." and "..". No references are counted. */
int deploy_readdir(struct tree_handle *dir, uint64_t offset, struct slots_dirent *ret);

int deploy_mkdir(struct slots *slots, uint64_t parent, const char *name, const struct slots_caller *caller,
		 struct slots_attr *ret);
int deploy_rmdir(struct slots *slots, uint64_t parent, const char *name, const struct slots_caller *caller);
int deploy_unlink(struct slots *slots, uint64_t parent, const char *name, const struct slots_caller *caller);
/* flags: 0 or RENAME_NOREPLACE; others -EINVAL. */
int deploy_rename(struct slots *slots, uint64_t parent, const char *name, uint64_t new_parent, const char *new_name,
		  unsigned flags, const struct slots_caller *caller);
int deploy_readlink(struct slots *slots, uint64_t node, struct buf *ret);

/* -ENODATA when there is no such attribute. List: names, each with its NUL. */
int deploy_getxattr(struct slots *slots, uint64_t node, const char *name, struct buf *ret);
int deploy_listxattr(struct slots *slots, uint64_t node, struct buf *ret);
/*
 * What the publisher says of a layer version (version_about.c), until it is published: with -EPERM from then on, unless
 * it says so already. -E2BIG: too long; -EOPNOTSUPP: every other attribute, and other files.
 */
int deploy_setxattr(struct slots *slots, uint64_t node, const char *name, const void *value, size_t len);

#endif
