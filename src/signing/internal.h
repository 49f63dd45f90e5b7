/*
 * internal.h - the structures behind signing.h. Which lock guards what stands beside each member; the order is
 * handin -> slot -> tree. The tree lock is held for moments, never across I/O.
 *
 * In the home:
 *
 *     service/lock, service/staging/                     files that are being handed in (store_open_staging)
 *     service/notes/<profile>.<account>                  the last attempt: head lines, an empty line, the text of why
 *     service/results/<profile>/<account>/<id>           what was handed in under a name, and by which job it was
 * signed service/results/<profile>/<account>/<id>.zip       the result; what was handed in are its first bytes
 *
 * A result is durable before its record, and its record before it is visible. A result without a record is of a job
 * that was cut off and goes at the next start; the job's own record stays with the signer, so it can be revoked.
 */
#ifndef SIGNING_INTERNAL_H
#define SIGNING_INTERNAL_H

#include "archive/zip.h"
#include "base/lock.h"
#include "signer/access.h"
#include "signing/signing.h"
#include "slots/end_scan.h"
#include "store/store.h"

#define SIGNING_STAGING_TTL_S (24ULL * 3600ULL)
#define SIGNING_NODE_BUCKETS  1024U
#define SIGNING_PATH_SIZE     192

/* ---- nodes ---- */

/* For good, as the parts of a slot: the kernel keeps them across an upgrade. */
enum signing_fixed { SIGNING_ROOT = TREE_ROOT, SIGNING_CONTROL, SIGNING_WHY, SIGNING_FIXED_END };

/* What every slot has: the node is SIGNING_SLOT_BIT | index << 8 | part. Names below have the numbers of their daemon
 * (slots/tree_memory.h). */
enum signing_part { PART_SLOT, PART_SIGNED, PART_JOBS, PART_REVOKE, PART_PROFILE, PART_WHY, PART_END };

#define SIGNING_SLOT_BIT  (1ULL << 62)
#define SIGNING_SOME_NODE (1ULL << 32) /* of a name in a listing that the kernel has not looked up; nobody's */

enum signing_kind {
	KIND_HANDED_IN = 1, /* <name>.zip */
	KIND_STAGING,
	KIND_STAGING_DIRECTORY,
	KIND_RESULT,  /* signed/<name>.zip */
	KIND_ACCOUNT, /* signed/<account>/, for the owner */
	KIND_JOB,     /* jobs/<job id>.json */
	KIND_REVOKE,  /* revoke/<job id> */
};

struct handin;
struct signing_slot;

/* A name below a slot that the kernel or an open file knows, or a staging name. Guarded by the tree lock. */
struct signing_node {
	struct signing_node *next_by_id;
	struct signing_node *next; /* in the slot's list, while it has its name */
	uint64_t id;
	enum signing_kind kind;
	struct signing_slot *slot;
	struct signing_node *directory; /* a staging directory, or NULL */
	char account[ARN_ACCOUNT_SIZE]; /* whose name it is; "" where a name is the same for all */
	char name[LIMIT_NAME_BYTES + 1];
	bool named;
	bool is_unlinked; /* what is still written to it is for nobody */
	uint64_t lookups;
	unsigned handles;
	uid_t uid;
	struct timespec mtime;
	uint64_t touched_ms;
	struct handin *handin; /* staging: its content; else the newest that is open; holds a reference */
};

/* ---- results ---- */

struct result {
	struct result *next; /* in the slot's list */
	char account[ARN_ACCOUNT_SIZE];
	char name[LIMIT_NAME_BYTES + 1];
	char id[ARN_JOB_ID_SIZE];	/* of the files */
	char replaces[ARN_JOB_ID_SIZE]; /* the one before under this name, or "" */
	char job_id[ARN_JOB_ID_SIZE];
	uint64_t length_bytes; /* what result and handed-in file have in common */
	uint64_t signed_bytes;
	struct buf tail; /* what came behind: the length of a comment and the comment */
	uid_t uid;
	int64_t signed_at_s;
	/* slot lock and tree lock to change */
	struct timespec mtime; /* of what was handed in */
	bool is_handed_in;     /* neither unlinked yet */
	bool is_signed;
};

/* What an account's hand-ins take; each has limits of its own, or one could keep the others out. Tree lock. */
struct signing_share {
	struct signing_share *next;
	char account[ARN_ACCOUNT_SIZE];
	unsigned handin_count;
	uint64_t staged_bytes;
};

struct signing_slot {
	struct signing *signing;
	uint64_t index;
	char name[ARN_PROFILE_NAME_SIZE];
	pthread_mutex_t lock; /* records of results are written under it */
	/* tree lock */
	struct signing_node *nodes;
	struct result *results;
	struct signing_share *shares; /* of every account that was here */
	/* Who came by last: its directories show him as their owner, so that rsync -a may set their times and modes
	   (the kernel asks who owns them), which changes nothing. */
	uid_t visitor;
};

struct signing {
	struct signer *signer;
	struct store *staging;
	int results_fd, notes_fd;
	struct timespec started;
	unsigned handin_max, reader_max;

	pthread_mutex_t lock; /* the tree lock: all below */
	pthread_cond_t idle;
	bool draining;
	unsigned busy; /* checks and jobs under way */
	bool principals_failed;
	struct tree_names *names; /* of the slots, for a daemon that takes over */
	uint64_t first_index;	  /* of slots[0]; never changes */
	struct signing_slot **slots;
	size_t slot_count;
	struct signing_node *nodes[SIGNING_NODE_BUCKETS];
	uint64_t next_node;
	unsigned handin_count, reader_count;
};

/* A directory of the home, made where it is missing. A descriptor. */
int signing_open_directory(int parent, const char *name);

/* Brackets a check or a job, for drain. -ESHUTDOWN once draining. */
int signing_begin(struct signing *signing);
void signing_end(struct signing *signing);
bool signing_is_draining(struct signing *signing);

/* ---- slots and callers (place.c) ---- */

/* -EACCES: `principals` is not well formed, so nobody but the owner is let in. Logged when it begins. */
int signing_identify(struct signing *signing, const struct slots_caller *caller, struct signer_caller *ret);
/* The slot of a profile that the caller may see; -ENOENT. */
int signing_find_slot(struct signing *signing, const char *profile, const struct signer_caller *caller,
		      struct signing_slot **ret);
void signing_visit(struct signing_slot *slot, const struct slots_caller *caller);
/* In the table from now on. Tree lock held. */
void signing_free_slot(struct signing_slot *slot);
int signing_add_slot_locked(struct signing *signing, const char *profile, struct signing_slot **ret);
struct signing_slot *signing_slot_of(struct signing *signing, uint64_t node); /* NULL: not a slot's */
struct signing_slot *signing_slot_at(struct signing *signing, size_t n);      /* NULL: there are no more */
static inline uint64_t signing_part_node(const struct signing_slot *slot, enum signing_part part)
{
	return SIGNING_SLOT_BIT | slot->index << 8 | part;
}
static inline enum signing_part signing_part_of(uint64_t node)
{
	return (enum signing_part)(node & 0xff);
}

/* A directory below a slot, and who asks. */
struct signing_place {
	struct signing_slot *slot;
	enum signing_part part;
	struct signing_node *directory; /* a staging directory, with a reference (handles), or NULL */
	struct signer_caller caller;
	char account[ARN_ACCOUNT_SIZE]; /* whose names are meant */
};
/* -ENOENT: not visible, or gone; -ENOTDIR; -EROFS: outside of slots. */
int signing_place(struct signing *signing, uint64_t parent, const struct slots_caller *caller,
		  struct signing_place *ret);
void signing_place_done(struct signing_place *place);

/* ---- the node table (node.c); the tree lock is held ---- */

void signing_free_nodes(struct signing *signing); /* nobody knows them any more */
struct signing_node *signing_node_find_locked(struct signing *signing, uint64_t id);
/* A name below a slot, and not one that this daemon knows. */
bool signing_is_stale(struct signing *signing, uint64_t id);
/* Names of staging and of what is handed in share one space, others have their own. */
struct signing_node *signing_node_named_locked(const struct signing_place *place, enum signing_kind kind,
					       const char *name);
struct signing_node *signing_node_add_locked(const struct signing_place *place, enum signing_kind kind,
					     const char *name, uid_t uid);
void signing_node_unname_locked(struct signing_node *node);
/* Puts an unnamed node under a name. */
void signing_node_name_locked(struct signing_node *node, const struct signing_place *place, const char *name);
/* Frees the node when nobody knows it any more. Returns a hand-in to put after unlocking, or NULL. */
struct handin *signing_node_settle_locked(struct signing_node *node);
void signing_node_attr_locked(const struct signing_node *node, struct slots_attr *ret);
/* No more staging names of this account. */
bool signing_is_full_locked(const struct signing_place *place);

/* ---- results (result.c, result_record.c) ---- */

/* The one of this account that is listed as handed in, or as signed. Slot lock or tree lock held. */
struct result *result_find_locked(const struct signing_slot *slot, const char *account, const char *name,
				  enum signing_kind kind);
uint64_t result_handed_in_bytes(const struct result *result);
/* A copy to work on without a lock; result_done. -ENOMEM */
int result_copy_locked(const struct result *result, struct result *ret);
void result_done(struct result *result);
void result_free(struct result *result);
/* Opens the directory of an account's results, made where it is missing. A descriptor. */
int result_open_directory(struct signing_slot *slot, const char *account);
/* A descriptor; -ESTALE: replaced meanwhile; -EIO: it has another size than is on record (logged). */
int result_open_file(struct signing_slot *slot, const struct result *result);
/* A new one in the place of what the name stood for. Takes over result in any case. */
int result_add(struct signing_slot *slot, struct result *result);
/* Unlinked on one side; files go with the second. -ENOENT: another one by now. */
int result_hide(struct signing_slot *slot, const char *account, const char *name, enum signing_kind kind);
int result_set_mtime(struct signing_slot *slot, const char *account, const char *name, const struct timespec *mtime);
int result_load_all(struct signing *signing);
/* Drops what was kept long enough. */
uint64_t result_sweep(struct signing *signing);

int result_write(int directory, const struct result *result);
/* -EBADMSG: damaged. id and account are set before. */
int result_read(int directory, struct result *result);

/* ---- the last attempt (note.c) ---- */

/* What an attempt came to. */
struct finding {
	const char *outcome; /* "signed", "revoked", "refused", "failed" */
	const char *check;   /* which check refused it */
	char reason[16];     /* the rule ("ZIP-R05"), or the errno's name */
	struct explain found, expected, remedy;
	char job_id[ARN_JOB_ID_SIZE];
};
struct attempt {
	struct signing_slot *slot;
	const char *account;
	const char *name;
	const struct audit_who *who;
};
void signing_note(const struct attempt *attempt, const struct finding *finding);
bool signing_has_note(struct signing_slot *slot, const char *account);
int signing_read_why(struct signing_slot *slot, const char *account, struct buf *ret);
int signing_get_note(struct signing_slot *slot, const char *account, const char *name, struct buf *ret);
int signing_list_note(struct signing_slot *slot, const char *account, struct buf *ret);

/* ---- permissions and checks (check.c): 0, or the errno that is answered, with what was found ---- */

/* Whether who was identified before still acts for that account. */
int signing_check_caller(struct signing_slot *slot, const struct signer_caller *caller, uid_t uid, struct finding *ret);
/* version: NULL for the current one. */
int signing_check_permission(struct signing_slot *slot, const struct signer_caller *caller, enum signer_action action,
			     const char *version, struct finding *ret);
/* Whether anything may be signed with the profile by the caller. */
int signing_check_profile(struct signing_slot *slot, const struct signer_caller *caller, struct finding *ret);
int signing_check_artifact(const struct io_reader *file, struct finding *ret);
int signing_check_size(uint64_t size_bytes, struct finding *ret);

/* ---- a hand-in: the private copy behind an open file or a staging name (handin.c, handin_sign.c) ---- */

struct handin_identity {
	struct signer_caller caller;
	struct audit_who who;
	bool is_final;
	char name[LIMIT_NAME_BYTES + 1];
};

struct handin {
	struct signing_slot *slot;
	struct signing_share *share; /* NULL: not counted */
	unsigned refs;		     /* tree lock, as all up to is_signed */
	unsigned handles;
	uint64_t size_bytes, staged_bytes;
	struct timespec mtime;
	uid_t uid;
	bool is_signed; /* the bytes as they are are a result */

	pthread_mutex_t lock; /* all below */
	struct store_stage *stage;
	struct handin_identity identity;
	struct end_scan scan;
	bool in_order;
	bool dirty;	 /* written since the last verdict */
	int write_error; /* the copy has a hole */
	bool admissible; /* checked, the bytes as they are */
	int result;	 /* what the last verdict was answered with */
};

int handin_new(struct signing_slot *slot, const struct handin_identity *identity, struct handin **ret);
/* Starts as a copy of what was handed in before. */
int handin_copy(struct handin *handin, int fd, const struct result *origin);
struct handin *handin_ref_locked(struct handin *handin);
void handin_put(struct handin *handin);
int handin_write(struct handin *handin, const void *buf, size_t len, uint64_t offset);
int handin_truncate(struct handin *handin, uint64_t size_bytes);
ssize_t handin_read(struct handin *handin, void *buf, size_t len, uint64_t offset);
/* The verdict at FLUSH; signs. */
int handin_finish(struct handin *handin);
/* Gives it a final name and signs it for whoever renames; on failure it is what it was. */
int handin_finish_as(struct handin *handin, const struct handin_identity *identity);
void handin_make_staging(struct handin *handin, const char *name);
/* Checks the bytes as they are. The hand-in's lock is held, as below. */
int handin_check_locked(struct handin *handin);
int handin_finish_locked(struct handin *handin);
/* Notes a refusal and returns its errno. */
int handin_refuse_locked(struct handin *handin, int error, const struct finding *finding);

/* ---- open files (file.c, open.c, text.c, revoke.c) ---- */

struct revoking;

struct tree_handle {
	struct signing *signing;
	uint64_t node;
	struct signing_node *file; /* counted in handles; NULL for what every slot has, and directories */
	struct handin *handin;	   /* NULL: reads a result or text */
	struct revoking *revoking; /* writes a reason */
	bool writable;
	bool is_reader; /* counted as one */
	int fd;		/* the first fd_bytes come from it, then text */
	uint64_t fd_bytes;
	struct buf text;
	struct tree_list list; /* directories */
};
struct tree_handle *signing_new_handle(struct signing *signing, uint64_t node);
void signing_release(struct tree_handle *handle);

/* The kind of a name below the slot, for a file; a bad name is noted. -EINVAL, -ENAMETOOLONG */
int signing_check_name(const struct signing_place *place, const char *name, const struct slots_caller *caller,
		       enum signing_kind *ret);

int signing_render_profile(struct signing_slot *slot, struct buf *ret);
bool signing_job_id(const char *name, char ret[ARN_JOB_ID_SIZE]); /* of "<job id>.json" */
bool signing_may_see_job(const struct signing_place *place, const struct signer_job *job);
/* The job, where it is of this slot and the caller may see it, else -ENOENT. */
int signing_find_job(const struct signing_place *place, const char *job_id, struct signer_job *ret);
int signing_open_job(const struct signing_place *place, const char *name, struct buf *ret);
int signing_open_reason(const struct signing_place *place, const char *job_id, struct buf *ret);
/* Size and time of a KIND_JOB or KIND_REVOKE. */
int signing_measure_job(struct signing *signing, enum signing_kind kind, const char *name, struct slots_attr *attr);
/* profile.json and why. */
int signing_open_text(struct signing *signing, uint64_t node, const struct slots_caller *caller, struct buf *ret);

/* revoke/<job id>: open for writing, permission checked, a refusal noted. */
int revoking_new(const struct signing_place *place, const char *job_id, const struct audit_who *who,
		 struct revoking **ret);
void revoking_free(struct revoking *revoking);
int revoking_write(struct revoking *revoking, const void *buf, size_t len, uint64_t offset);
int revoking_truncate(struct revoking *revoking, uint64_t size_bytes);
int revoking_finish(struct revoking *revoking);

const char *signing_part_name(enum signing_part part); /* below the slot */

/* ---- the operations, as in slots/tree.h ---- */

int signing_lookup(void *tree, uint64_t parent, const char *name, const struct slots_caller *caller,
		   struct slots_attr *ret);
int signing_getattr(void *tree, uint64_t node, struct slots_attr *ret);
int signing_opendir(void *tree, uint64_t node, const struct slots_caller *caller, struct tree_handle **ret_handle);
int signing_readdir(struct tree_handle *dir, uint64_t offset, struct slots_dirent *ret);
int signing_create(void *tree, uint64_t parent, const char *name, int open_flags, const struct slots_caller *caller,
		   struct slots_attr *ret, struct tree_handle **ret_handle);
int signing_open_node(void *tree, uint64_t node, int open_flags, const struct slots_caller *caller,
		      struct tree_handle **ret_handle);
ssize_t signing_read(struct tree_handle *handle, void *buf, size_t len, uint64_t offset);
int signing_write(struct tree_handle *handle, const void *buf, size_t len, uint64_t offset);
int signing_flush(struct tree_handle *handle);
int signing_setattr(void *tree, uint64_t node, struct tree_handle *handle, const struct tree_change *change,
		    struct slots_attr *ret);
int signing_mkdir(void *tree, uint64_t parent, const char *name, const struct slots_caller *caller,
		  struct slots_attr *ret);
int signing_rmdir(void *tree, uint64_t parent, const char *name, const struct slots_caller *caller);
int signing_unlink(void *tree, uint64_t parent, const char *name, const struct slots_caller *caller);
int signing_rename(void *tree, uint64_t parent, const char *name, uint64_t new_parent, const char *new_name,
		   unsigned flags, const struct slots_caller *caller);
int signing_getxattr(void *tree, uint64_t node, const char *name, const struct slots_caller *caller, struct buf *ret);
int signing_listxattr(void *tree, uint64_t node, const struct slots_caller *caller, struct buf *ret);
uint64_t signing_sweep_staging(struct signing *signing);

#endif
