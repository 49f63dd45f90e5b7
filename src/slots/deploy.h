/*
 * deploy.h - how the deploy side's nodes are numbered and found. Private to src/slots/deploy_*.c.
 *
 *     1 .. 28               the fixed tree
 *     1 << 62 | index       a slot's directory          1 << 61 | index    its file below .vouchfs/why
 *     1 << 60 | index       a slot's file below .vouchfs/break-glass/functions
 *     1 << 59 | index       a slot's file below .vouchfs/history/functions     1 << 58 | index    the same as JSON
 *     1 << 57 | index       its file below .vouchfs/rollback/functions
 *     1 << 56 | version << 32 | index    a layer version's file below .vouchfs/permissions/layers
 *     incarnation << 40 ... names below a slot, counted up (tree_memory.h)
 *
 * The slot for policy bundles has SLOT_POLICY_INDEX as its index, and its files stand beside those directories: policy,
 * .vouchfs/why/policy, history/policy, history/policy.json, rollback/policy.
 */
#ifndef SLOTS_DEPLOY_PRIVATE_H
#define SLOTS_DEPLOY_PRIVATE_H

#include "internal.h"
#include "layer_list.h"
#include "slots/names.h"

/* For good: the kernel keeps them across an upgrade. Another one is added at the end, and stands alone below. */
enum deploy_fixed {
	DEPLOY_NODE_ROOT = DEPLOY_ROOT,
	DEPLOY_NODE_FUNCTIONS,
	DEPLOY_NODE_LAYERS,
	DEPLOY_NODE_RUN,
	DEPLOY_NODE_CONTROL,
	DEPLOY_NODE_STATUS,
	DEPLOY_NODE_STATUS_JSON,
	DEPLOY_NODE_HEALTH,
	DEPLOY_NODE_METRICS,
	DEPLOY_NODE_WHY,
	DEPLOY_NODE_WHY_FUNCTIONS,
	DEPLOY_NODE_WHY_LAYERS,
	DEPLOY_NODE_HISTORY,
	DEPLOY_NODE_HISTORY_FUNCTIONS,
	DEPLOY_NODE_ROLLBACK,
	DEPLOY_NODE_ROLLBACK_FUNCTIONS,
	DEPLOY_NODE_PERMISSIONS,
	DEPLOY_NODE_PERMISSIONS_LAYERS,
	DEPLOY_NODE_RECENT,
	DEPLOY_NODE_EVENTS,
	DEPLOY_NODE_BREAK_GLASS,
	DEPLOY_NODE_BREAK_GLASS_FUNCTIONS,
	DEPLOY_NODE_RELOAD,
	DEPLOY_NODE_RELOAD_DRY_RUN,
	DEPLOY_NODE_POLICY, /* from here on: where the configuration names a publisher */
	DEPLOY_NODE_POLICY_STATUS,
	DEPLOY_NODE_POLICY_DRIFT,
	DEPLOY_NODE_POLICY_SOURCE,
	DEPLOY_NODE_FIXED_END,
};

#define DEPLOY_SLOT_BIT		(1ULL << 62)
#define DEPLOY_WHY_BIT		(1ULL << 61)
#define DEPLOY_BREAK_GLASS_BIT	(1ULL << 60)
#define DEPLOY_HISTORY_BIT	(1ULL << 59)
#define DEPLOY_HISTORY_JSON_BIT (1ULL << 58)
#define DEPLOY_ROLLBACK_BIT	(1ULL << 57)
#define DEPLOY_CONTROL_BITS	(DEPLOY_HISTORY_BIT | DEPLOY_HISTORY_JSON_BIT | DEPLOY_ROLLBACK_BIT)
#define DEPLOY_PERMISSION_BIT	(1ULL << 56)
#define DEPLOY_SOME_NODE	(1ULL << 40) /* of a name in a listing that the kernel has not looked up */

struct deploy_fixed_entry {
	uint64_t node;
	uint64_t parent;
	const char *name;
	bool is_directory;
	bool is_listed;
};
/* NULL when node is not in the fixed tree. */
const struct deploy_fixed_entry *deploy_fixed_entry(uint64_t node);
const struct deploy_fixed_entry *deploy_fixed_find(uint64_t parent, const char *name);

static inline uint64_t deploy_slot_node(const struct slot *slot)
{
	return DEPLOY_SLOT_BIT | slot->index;
}
/* The slot whose directory this is, loaded and present, or NULL. */
struct slot *deploy_slot(struct slots *slots, uint64_t node);

/* Loads the slot that a node is of, where a daemon before this one has given the node out. */
int deploy_wake(struct slots *slots, uint64_t node);

/* A slot's directory or a staging directory: where names below a slot are made. 0, -ENOENT, -ENOTDIR. */
struct deploy_place {
	struct slot *slot;
	struct deploy_node *dir; /* NULL: the slot itself; with a reference (handles) until deploy_place_done */
};
int deploy_place(struct slots *slots, uint64_t parent, struct deploy_place *ret);
void deploy_place_done(struct deploy_place *place);

/* ---- the node table; the functions ending in _locked want the tree lock ---- */

struct deploy_node *deploy_node_find_locked(struct slots *slots, uint64_t id);
struct deploy_node *deploy_node_named_locked(const struct deploy_place *place, const char *name);
/* Inserts with its name; NULL when out of memory. */
struct deploy_node *deploy_node_add_locked(const struct deploy_place *place, const char *name, enum deploy_kind kind,
					   uid_t uid);
/* From now on it is of that kind. */
void deploy_node_become_locked(struct deploy_node *node, enum deploy_kind kind);
/* Takes the name away; deploy_node_settle_locked comes next. */
void deploy_node_unname_locked(struct deploy_node *node);
/* Frees the node when nobody knows it any more. Returns an upload to put after unlocking, or NULL. */
struct upload *deploy_node_settle_locked(struct deploy_node *node);
/* Nobody writes to the upload that the node shows any more. Returns what is to be put after unlocking, or NULL. */
struct upload *deploy_hide_locked(struct deploy_node *node, struct upload *upload);
/* What stat shows. */
void deploy_node_attr_locked(const struct deploy_node *node, const struct trust *trust, struct slots_attr *ret);

/* No more staging names. */
bool deploy_is_full_locked(const struct slot *slot);

/* What a slot lists under this name, or NULL: its current artifact, or for the list of its layers the release that has
 * them; a layer's version. Slot lock or tree lock held. */
struct release *deploy_artifact_locked(const struct slot *slot, const char *name);
bool deploy_is_artifact_locked(const struct slot *slot, const char *name);
/*
 * Whether the node has the name under which a version was published, which is not the version's own: it is not listed,
 * and is found for a while (LIMIT_PUBLISHED_NAME_MS, or until the kernel forgets it), because tools that have just
 * written it go on with it.
 */
bool deploy_lingers_locked(const struct deploy_node *node);
/* The release that is behind a name, listed or lingering; NULL: none. */
struct release *deploy_shown_locked(const struct deploy_node *node);

/* What stat shows of a slot's directory; -ENOENT: it is not present. Tree lock held. */
int deploy_slot_attr_locked(const struct slot *slot, struct slots_attr *ret);

/* ---- requests that are sent again (deploy_resent.c): the result, where a daemon before has done it ---- */

/* Of unlink and rmdir. */
int deploy_removed(const struct slots_caller *caller, int result);
/* Of mkdir, that it has found its own. */
bool deploy_has_made(const struct slot *slot, const struct slots_caller *caller);
/* Of rename, that has found nothing. */
int deploy_renamed(const struct deploy_place *to, const char *name, const struct slots_caller *caller, int result);
/* Around a rename that publishes: what a daemon that takes over is to know of one that nobody has answered. */
void deploy_rename_begins(struct slot *slot, const char *name, const struct slots_caller *caller);
void deploy_rename_ends(struct slot *slot);

/* ---- a slot's control files: history and rollback (deploy_control.c) ---- */

/* The node of a name in one of their directories; 0: parent is none of these. */
uint64_t deploy_control_kind(uint64_t parent, const char *name, char ret_function[LIMIT_FUNCTION_NAME_BYTES + 1]);
int deploy_control_attr_locked(struct slots *slots, uint64_t node, struct slots_attr *ret);
/* -EACCES for whoever may not write the slot. */
int deploy_control_open(struct slots *slots, uint64_t node, int open_flags, const struct slots_caller *caller,
			struct tree_handle **ret_handle);
/* A number, or "previous", and perhaps a newline: rolls back, and returns the verdict's errno. */
int deploy_control_write(struct tree_handle *handle, const void *buf, size_t len, uint64_t offset);
/* The number of the release that was current when it was opened; after a write, of the new one and, behind a blank, of
 * the one that it is again. */
ssize_t deploy_control_read(struct tree_handle *handle, void *buf, size_t len, uint64_t offset);

/* Of a file whose text a write changes: as it was when it was opened, or after the last write. */
ssize_t deploy_text_read(struct tree_handle *handle, void *buf, size_t len, uint64_t offset);
/* Swaps: *text is the one before then. */
void deploy_text_replace(struct tree_handle *handle, struct buf *text);
/* The line that was written, without its newline. False: it has a NUL, or does not fit. */
bool deploy_take_line(const void *buf, size_t len, char *ret, size_t ret_size);

/* Owner, group and mode say that the caller may write; the kernel has asked them before. */
bool deploy_may_write(const struct slots_attr *attr, const struct slots_caller *caller);

/* ---- who may use a layer version (deploy_permission.c) ---- */

/* "<layer>:<version>" in their directory. */
int deploy_permission_lookup(struct slots *slots, const char *name, struct slots_attr *ret);
int deploy_permission_attr_locked(struct slots *slots, uint64_t node, struct slots_attr *ret);
/* One entry for each version of a layer. */
int deploy_permission_list_locked(struct tree_handle *dir, const struct slot *slot);
/* -EACCES for whoever may not write the slot, -EPERM for whoever acts for another account than the host's. */
int deploy_permission_open(struct slots *slots, uint64_t node, int open_flags, const struct slots_caller *caller,
			   struct tree_handle **ret_handle);
/*
 * "add <statement> <principal> [<organization>] [revision=<revision>]" or "remove <statement> [revision=<revision>]",
 * and a newline. -EINVAL: it is not that; -EEXIST, -ENOENT: there is, is no such statement, or the version is gone;
 * -E2BIG: there are enough; -ESTALE: the revision is another one; -EIO: what is stored is damaged.
 */
int deploy_permission_write(struct tree_handle *handle, const void *buf, size_t len);
/* What is read then (deploy_text_read): "revision: ..." and the policy as layer_policy.h has it. */

/* ---- .vouchfs/events (deploy_events.c) ---- */

int deploy_events_open(struct slots *slots, int open_flags, const struct slots_caller *caller,
		       struct tree_handle **ret_handle);
bool deploy_is_stream(uint64_t node);
bool deploy_is_ready(struct tree_handle *stream);
void deploy_set_waker(struct slots *slots, const struct tree_waker *waker);
void deploy_end_streams(struct slots *slots);

/* ---- what reloads do (deploy_reload.c) ---- */

/* -EACCES of a dry run: neither root nor whoever has mounted. */
int deploy_reload_open(struct slots *slots, uint64_t node, int open_flags, const struct slots_caller *caller,
		       struct tree_handle **ret_handle);

/* ---- the policy bundle (deploy_policy.c) ---- */

/* The node of a name that stands for the slot of bundles in this directory; 0: none does. */
uint64_t deploy_policy_find(uint64_t parent, const char *name);
/* Those names of a directory, where there is a publisher. */
int deploy_policy_list_locked(struct tree_handle *dir);
/* Of fixed nodes: whether this one is not there, because there is no publisher. */
bool deploy_policy_is_absent_locked(const struct slots *slots, uint64_t node);
/* Loads the slot where it is asked for in this directory. */
int deploy_policy_load(struct slots *slots, uint64_t parent);
/* Mode and owner of a file of .vouchfs/policy. */
void deploy_policy_attr_locked(const struct slots *slots, uint64_t node, struct slots_attr *ret);
/* Is it one of these files: status, drift, source; history, rollback? */
bool deploy_policy_is_file(uint64_t node);
/* -EACCES: of drift and for writing rollback, neither root nor whoever has mounted; for writing source, whoever may
 * not write the slot. */
int deploy_policy_open(struct slots *slots, uint64_t node, int open_flags, const struct slots_caller *caller,
		       struct tree_handle **ret_handle);
/*
 * To rollback: "<sequence> <reason>" or "previous <reason>", and perhaps a newline: policy_roll_back; what is read then
 * (deploy_text_read) is the sequence. To source: slots_note_fetch.
 */
int deploy_policy_write(struct tree_handle *handle, const void *buf, size_t len, uint64_t offset);

/* ---- what an administrator relaxes for a while (deploy_break_glass.c) ---- */

/* Root, or whoever has mounted. */
bool deploy_is_administrator(const struct slots *slots, const struct slots_caller *caller);

int deploy_break_glass_attr_locked(struct slots *slots, uint64_t node, struct slots_attr *ret);
/* Only where one is in force, though every function has the file. */
bool deploy_break_glass_is_listed_locked(const struct slot *slot);
/* -EACCES for writing: neither root nor whoever has mounted. */
int deploy_break_glass_open(struct slots *slots, uint64_t node, int open_flags, const struct slots_caller *caller,
			    struct tree_handle **ret_handle);
/* "begin <minutes> <reason>" or "end", and perhaps a newline: slot_break_glass, slot_end_break_glass. */
int deploy_break_glass_write(struct tree_handle *handle, const void *buf, size_t len);
/* What is read then (deploy_text_read): "key: value" lines, or nothing. */

struct tree_handle {
	struct slots *slots;
	uint64_t node;
	struct deploy_node *file; /* counted in handles; NULL for fixed files and directories */
	struct upload *upload;	  /* NULL: reads a release or text */
	bool writable;
	struct release *release;
	struct buf text;	      /* of .vouchfs files; of permission and break-glass files under the tree lock */
	struct events_reader *reader; /* of .vouchfs/events */
	/* a file that is written: */
	struct audit_who who;
	/* a rollback file: */
	atomic_uint_least64_t number;
	atomic_uint_least64_t rollback_to; /* 0: nothing was rolled back */
	struct tree_list list;		   /* directories */
};

#endif
