/*
 * internal.h - the structures behind slots.h, deploy.h and run.h. Which lock guards what stands beside each member; the
 * order is upload -> slot -> tree.
 */
#ifndef SLOTS_INTERNAL_H
#define SLOTS_INTERNAL_H

#include <stdatomic.h>

#include "archive/zip.h"
#include "archive/zip_headers.h"
#include "base/lock.h"
#include "break_glass.h"
#include "drift_check.h"
#include "due.h"
#include "events.h"
#include "gate/gate.h"
#include "gate/governed.h"
#include "gate/layer_policy.h"
#include "inflate_cache.h"
#include "inherit.h"
#include "opt.h"
#include "overview/overview.h"
#include "policy.h"
#include "read_ahead.h"
#include "slot_note.h"
#include "slot_version.h"
#include "slots/deploy.h"
#include "slots/effects.h"
#include "slots/end_scan.h"
#include "slots/run.h"
#include "slots/slots.h"
#include "store/store.h"
#include "table.h"
#include "view.h"

struct drift;
struct enforced;
struct slot;

/* ---- a release in memory ---- */

enum release_view { RELEASE_VIEW_NONE = 0, RELEASE_VIEW_READY, RELEASE_VIEW_BAD };

struct release {
	UT_hash_handle hh;
	struct slots *slots;
	struct slot *slot;
	uint64_t slot_id;		      /* a slot that is removed and made again is another one */
	struct store_release *record;	      /* immutable but for its times (tree lock) */
	struct release *layers[LIMIT_LAYERS]; /* a function's, lowest first; immutable, with references. Shared: one for
						 each layer version in memory, by its id */
	size_t layer_count;
	unsigned refs;		       /* tree lock: listed, handles, calls in flight, and one while lookups > 0 */
	uint64_t lookups;	       /* tree lock: what the kernel knows */
	struct release *next_in_grace; /* tree lock */
	bool is_inherited;    /* tree lock: one of lookups is for what the kernel may know from before (inherit.h) */
	uint64_t replaced_ms; /* tree lock: when another one became current (clock_steady_ms) */
	bool listed;	      /* tree lock: among the last keep_releases */
	bool removed;	      /* tree lock: its record goes with the last reference */
	bool is_wanted;	      /* tree lock: a layer's, while layers_follow_blocks looks for who has it */

	pthread_mutex_t lock; /* loading: view, object, judgement */
	struct view *view;
	struct opt *opt; /* its layers merged; NULL: not yet */
	struct store_object *object;
	enum release_view view_state;
	bool opt_is_bad;	/* too large to be merged */
	atomic_bool is_damaged; /* stored bytes failed a check */
	atomic_uint damage_count;
	atomic_uint_least64_t damage_recorded_ms;
	struct large *large;	       /* files too large for the inflate cache whose content is as stated (R7) */
	uint64_t judged_generation;    /* of the trust; 0: not judged */
	uint64_t judged_break_glass;   /* that the slot had then, or 0 */
	struct signature_facts *facts; /* what was found then, of the artifact and of each layer; NULL: not kept */
	uint64_t facts_family;	       /* of the trust that they hold under */
	int64_t holds_from_s;	       /* until the trust changes the verdict is this one, from here */
	int64_t holds_until_s;	       /* to here, exclusive */
	struct enforced *enforced;     /* what it would be under Enforce (enforced.c); NULL: nobody has asked */
	atomic_int blocked;	       /* 0, -EACCES (policy), -EIO (not genuine); a layer's: no release that has it is
					  served (layer_admit.c) */
	int told_block;		       /* the same, as the audit log has it */
	bool warned;		       /* does not pass, and is served */
	bool to_be_pushed;	       /* blocked, and the kernel may remember the way into it */
};

/*
 * Takes over record on success, and finds its layers. The new release has one reference, the caller's. Where one with
 * this id is in memory already, it is that one.
 */
int release_new(struct slot *slot, uint64_t slot_id, struct store_release *record, struct release **ret);
struct release *release_ref_locked(struct release *release); /* tree lock held */
/* The version of a layer that a release has; with a reference. */
int release_of_layer(struct slots *slots, const struct store_layer *layer, struct release **ret);
/* Fills layers, with those that the record names. */
int release_find_layers(struct release *release, const struct store_release *of);
/*
 * The same in two steps, around a commit: what can fail does before it, so that nobody is told of a failure of what is
 * current. layers_of: NULL, or what has the layers that the record will have. Slot lock held.
 */
int release_prepare(struct slot *slot, const struct store_release *layers_of, struct release **ret);
void release_unprepare(struct release *prepared);
/* Both arguments are used up. After it slot_switch_locked and version_add_locked cannot fail. Where it does, not even
 * one table could be made: the slot, of which nothing is in memory, is to be loaded again. */
int release_take_up(struct release *prepared, struct store_release *record, struct release **ret);
struct layers_size {
	uint64_t unpacked_bytes;
	bool has_too_many_folders; /* merged, they have more than can be served */
};
/* The layers of a record, all together. -EIO: *ret_bad, one of them, is damaged. */
int layers_measure(struct slots *slots, const struct store_release *of, struct layers_size *ret,
		   const struct store_layer **ret_bad);
/* Reads them, every block. Fails as layers_measure does. */
int layers_read_whole(struct slots *slots, const struct store_release *of, const struct store_layer **ret_bad);
/*
 * Judges an artifact that is to be deployed into a function's slot with the layers of a release (NULL: none). What is
 * stored of a layer and is not what was published refuses it. The slot has a section.
 */
int layers_judge_artifact(struct slot *slot, const struct trust *trust, const struct slot_rules *rules,
			  const struct gate_artifact *artifact, const struct store_release *of,
			  struct gate_decision *ret);
void layers_refuse_damaged(const struct store_layer *layer, struct gate_decision *decision);
struct timespec release_mtime_locked(const struct release *release);
struct release *release_ref(struct release *release);
void release_put(struct release *release); /* NULL is fine; takes the slot lock when it was the last reference */
struct release *release_get(struct slots *slots, uint64_t id); /* by id, with a reference; NULL: gone */

/* Judges the release under today's trust where that is due. 0 or -EACCES, -EIO, -ENOMEM. */
int release_admit(struct release *release);
/*
 * What would be said of it today with everything set to Enforce, into its row. Found out once for each judgement, so
 * that a look at thousands of slots stays quick.
 */
int release_fill_enforced(struct release *release, const struct trust *trust, struct overview_slot *ret);
void enforced_free(struct enforced *enforced);
/*
 * What the release's slot says of it on load under a trust, which need not be today's; nothing comes of it. keep: what
 * is found out of its signature is remembered for that trust. Release lock held.
 */
int release_judge_locked(struct release *release, const struct trust *trust, bool keep, struct slot_rules *rules,
			 struct gate_decision *decision);
/* Judges all that are in service, and has the kernel forget what it knows of those that are blocked now. No lock held.
 */
void slots_judge_served(struct slots *slots);
/* Opens the object and builds the tree; 0, -EIO (recorded) or -ENOMEM. */
int release_load_view(struct release *release);
/* Loads the views of its layers and merges them; 0, -EIO (recorded for the layer) or -ENOMEM. */
int release_load_opt(struct release *release);
/* A layer's file: 0, or -EACCES when no release that has the layer is served. */
int layer_admit(struct release *layer);
/* Tree lock held, or the release referenced: its layers never change. */
bool release_has_layer(const struct release *release, const struct release *layer);
/* After releases were blocked: the layers that nothing in service has any more are blocked with them. No lock held. */
void layers_follow_blocks(struct release *const *blocked, size_t count);
/* Has the kernel forget the release's name in its slot's directory. No lock held. */
void release_push_entry(const struct release *release);
/* Has the kernel forget attributes and pages of every node of the release. No lock held. */
void release_push_nodes(struct release *release);
/* The artifact as it was deployed: payload, comment length, comment. release_load_view comes first. */
uint64_t release_file_size(const struct release *release);
int release_file_pread(struct release *release, void *buf, size_t len, uint64_t offset);
/* As read(2) wants it: short at the end of the file, damage recorded and -EIO. Loads the view. */
ssize_t release_read(struct release *release, void *buf, size_t len, uint64_t offset);
struct io_reader release_file_reader(struct release *release);
void release_set_damaged(struct release *release, bool is_damaged);
/* Whether the CRC of a stored entry was right when the artifact was written, as far as the store remembers that. */
bool release_entry_was_checked(struct release *release, const struct zip_entry *entry);
/* Whether its stored bytes were found to be others than those that were verified, or gone. */
bool release_is_damaged(struct release *release);
/* The store has these bytes anew: all releases and versions of them are whole again. No lock but upload's and slot's.
 */
void releases_heal(struct slots *slots, const uint8_t digest[CRYPTO_SHA256_BYTES]);
/* Whether a file's content goes through the inflate cache: what is deflated and fits, and what is stored and small, so
 * that it is read once for its CRC and for its bytes. */
bool run_reads_whole(const struct slots *slots, const struct zip_entry *entry);
/* Reads a part of any other file. -EBADMSG: its content is not as stated. */
int large_read(struct release *release, uint32_t view_node, void *buf, size_t len, uint64_t offset);
/* For one that is in memory: makes it readable in parts, and gives the memory back. */
void large_mark(struct release *release, uint32_t view_node);
void large_free(struct large *large); /* the list */
/* A failed check of stored bytes goes into the audit log and comes out as -EIO. */
int release_report_damage(struct release *release, const char *what, int error);

/* ---- a slot: a function's or a layer's ---- */

/* What is durable of a slot beside its releases. */
struct slot_facts {
	uint64_t id; /* 0 until the first release */
	bool made;   /* by mkdir, under a pattern */
	uid_t maker;
	uint64_t hidden_release; /* the number of the one whose artifact was unlinked; 0: none */
};

struct slot {
	UT_hash_handle hh;    /* by name */
	UT_hash_handle hh_id; /* by id, once it has one */
	struct slots *slots;
	char *name;			 /* as the store has it: a layer's begins with STORE_LAYER_PREFIX */
	const char *label;		 /* without the prefix; inside name */
	char path[STORE_SLOT_PATH_SIZE]; /* "functions/<f>" or "layers/<l>" */
	bool is_layer;
	bool is_policy;	  /* slots->policy: as a function's, without layers and without a run side */
	uint64_t index;	  /* in slots->list, behind slots->first_index, or SLOT_POLICY_INDEX; never changes */
	bool was_touched; /* by a daemon before this one (inherit.h); never changes once the mount is open */

	pthread_mutex_t lock; /* the commit lock */
	atomic_bool loaded;   /* once and for all, under the slot lock */
	atomic_bool peeked;   /* or before that, facts.made and facts.maker alone */

	/* changed under both the slot lock and the tree lock, read under either */
	struct slot_facts facts;
	struct release *current;
	struct release **listed; /* ascending; the last is not always current (rollback). A layer's: every version */
	size_t listed_count, listed_capacity;
	uint64_t last_version;	    /* of a layer: the highest number that was given */
	struct release *grace;	    /* fell out of listed, and are found by their names for a while; the oldest first */
	struct slot *next_in_grace; /* tree lock, as is_in_grace: in slots->in_grace */
	unsigned grace_count;
	bool is_in_grace;
	bool is_unloadable; /* and that was recorded; under lock */
	bool damaged;	    /* a function's current release or a layer's newest version; an older one may stand in */
	bool is_removing;   /* its objects may be gone already */
	struct slot_note *note;
	struct release *waiting_list;	 /* of layers, for the first artifact: no release, only the text; NULL: none */
	struct break_glass *glass;	 /* in force, or just over; NULL: none */
	atomic_uint_least64_t glass_seq; /* its number, for who asks often */
	struct slot *next_with_glass;	 /* tree lock, as is_with_glass: in slots->with_glass */
	bool is_with_glass;

	/* tree lock */
	bool is_touched;   /* a daemon that takes over has to look at it (inherit.h) */
	bool was_renaming; /* a daemon before this one has not answered a rename into it (deploy_resent.c) */
	struct deploy_node *files;
	unsigned upload_count;
	uint64_t staged_bytes; /* of the uploads' copies */
};

/* Where a slot's section of the configuration is: NULL, "no such slot" for deployers, when there is none. */
const struct config_slot *slot_section(const struct trust *trust, const struct slot *slot);

/* Whose a slot's directory is: as configured, else the daemon's own. */
uid_t slot_owner(const struct config_slot *section);
gid_t slot_group(const struct config_slot *section);

/*
 * The slot for policy bundles, STORE_POLICY_SLOT, is in no list and has no name in the table, so that whoever goes
 * through functions and layers does not meet it: slots->policy, from the start on, and this index. It has a section
 * where the configuration names a publisher.
 */
#define SLOT_POLICY_INDEX ((uint64_t)UINT32_MAX) /* as far as the nodes have room (deploy.h) */
int slot_new(struct slots *slots, const char *name, uint64_t index, struct slot **ret);
/* How many releases are kept of it. */
unsigned slot_keeps(const struct slot *slot);

/* Inserts a name into the table; the slot is not loaded. Tree lock held. */
int slot_add(struct slots *slots, const char *name, struct slot **ret);
/* A function; -ENOENT when no configuration and no store knows it. Loaded. */
int slot_find(struct slots *slots, const char *name, struct slot **ret);
/* The same for a layer; name is without prefix. */
int slot_find_layer(struct slots *slots, const char *name, struct slot **ret);
/* The n-th one, counted from 0, for who goes through them all; NULL: there are no more. */
struct slot *slot_at(struct slots *slots, size_t n);
struct slot *slot_by_index(struct slots *slots, uint64_t index);
struct slot *slot_by_index_locked(struct slots *slots, uint64_t index); /* tree lock held */
/* The same, but for the slot of policy bundles. */
struct slot *slot_listed_at_locked(struct slots *slots, uint64_t index);
struct slot *slot_by_id(struct slots *slots, uint64_t id);
/* Whether the deploy side shows it under its section (NULL: none): named there, or made by mkdir. */
bool slot_is_present(const struct slot *slot, const struct config_slot *section);
int slot_load(struct slot *slot);
/* Only whether it was made, which is what a listing shows of it: one small file, and nothing is kept of its releases.
 * Where that file cannot be read, all is loaded. */
void slot_peek(struct slot *slot);
/* Whether the current artifact is listed, that is not unlinked; of a layer, whether it has a version. Slot lock or tree
 * lock held. */
bool slot_shows_artifact(const struct slot *slot);
/* Of a function: the name of its list of layers. */
bool slot_is_list_name(const struct slot *slot, const char *name);
/* Whether the current release has layers, or a list waits. Slot lock or tree lock held. */
bool slot_shows_list(const struct slot *slot);
/* Slot lock and tree lock held. */
int slot_set_facts_locked(struct slot *slot, const struct slot_facts *facts);
/* Makes sure that there is an id and writes the facts. Slot lock held. */
int slot_save_locked(struct slot *slot);
/* Other facts, durable, or those before. Slot lock held. */
int slot_change_locked(struct slot *slot, const struct slot_facts *facts);
int slot_make(struct slot *slot, uid_t maker); /* mkdir; -EEXIST */
/* rmdir; -ENOTEMPTY while it shows an artifact */
int slot_remove(struct slot *slot, const struct audit_who *who);

/* What a switch has to tell the kernel once no lock of the tree's is held. */
struct slot_switch {
	uint64_t slot_id;
	uint64_t number; /* of the new release; 0: none */
	struct release *dropped;
	bool is_first; /* the slot appears in, or goes from, the directories */
};
/* A release is current now. Takes over the reference. Slot lock held; what fell out of the list is put into ret_dropped
 * (or NULL). */
int slot_switch_locked(struct slot *slot, struct release *release, struct release **ret_dropped);
void slot_notify_switch(struct slot *slot, const struct slot_switch *what);

/*
 * The release of *number (0: the newest before the current one; set to its number) becomes current again, as a new one,
 * if it passes what a deployment has to pass. -ENOENT: it is not kept; -EEXIST: it is the current one; -EIO: its stored
 * bytes are damaged; a refusal comes back as its errno.
 */
int slot_roll_back(struct slot *slot, uint64_t *number, const struct audit_who *who, uint64_t *ret_number);

/* Puts a release at the end of the list; takes over the reference on success. Both locks held. */
int slot_list_locked(struct slot *slot, struct release *release);
/* Room for one more, so that the next does not fail. Both locks held. */
int slot_reserve_locked(struct slot *slot);
struct release *slot_current(struct slot *slot); /* with a reference, or NULL */
bool slot_is_damaged(struct slot *slot);	 /* has releases, none of which can be served */
void slot_free(struct slot *slot);

/* ---- an upload: the private copy behind an open file or a staging name ---- */

/* What a publisher says of a layer version: description, runtimes, architectures, license (version_about.c). */
#define VERSION_ABOUT_COUNT 4

/* What a decision on it is recorded with. */
struct upload_identity {
	struct audit_who who;
	bool is_final; /* has a final name: is judged */
	char name[LIMIT_NAME_BYTES + 1];
};

struct upload {
	struct slots *slots;
	struct slot *slot;
	unsigned refs;	 /* tree lock */
	bool is_counted; /* in the slot's upload_count */

	/* tree lock: open files, and what stat shows */
	unsigned handles;
	uint64_t size_bytes;
	uint64_t staged_bytes; /* what the copy counts in its slot */
	struct timespec mtime;
	uid_t uid;
	bool is_published;	 /* the bytes as they are are a release */
	struct release *version; /* of a layer: the one that they are then; with a reference */

	pthread_mutex_t lock;	    /* all below */
	struct store_stage *stage;  /* NULL: a write makes one, as a copy of origin or empty */
	struct release *origin;	    /* what was opened without O_TRUNC, or published from here */
	bool origin_is_list;	    /* not its artifact, but the list of its layers */
	struct release *beside;	    /* what was there when it was judged: an artifact is judged with the layers of
				       that, a list with its artifact */
	struct release *past;	    /* of the verdict before that one */
	struct store_release *list; /* the layers of a list that was judged, or waited for this artifact */
	struct layer_user user;	    /* of a list: whom its writer acts for */
	struct release *outdated;   /* fell out of the list by it; goes with the upload, when the tool has its answer */
	uint64_t judged_break_glass; /* that was in force at the last verdict, or 0 */
	struct upload_identity identity;
	bool dirty; /* written since the last verdict */
	bool in_order;
	struct end_scan scan;
	struct zip_headers headers; /* counts while in_order */
	int write_error;	    /* of a failed write: the copy has a hole */
	int list_error; /* a list that was refused while it was written: shells write a line a time, and go on */
	bool judged;	/* decision is about the bytes as they are */
	int result;	/* what the last verdict was answered with */
	struct gate_decision *decision;
	char *about[VERSION_ABOUT_COUNT]; /* NULL: not said */
};

int upload_new(struct slots *slots, struct slot *slot, const char *name, bool is_final, const struct audit_who *who,
	       struct release *origin, struct upload **ret);
struct upload *upload_ref(struct upload *upload);
struct upload *upload_ref_locked(struct upload *upload);
void upload_put(struct upload *upload);
int upload_write(struct upload *upload, const void *buf, size_t len, uint64_t offset);
int upload_truncate(struct upload *upload, uint64_t size_bytes);
ssize_t upload_read(struct upload *upload, void *buf, size_t len, uint64_t offset);
/* The verdict at FLUSH; publishes. */
int upload_finish(struct upload *upload);
/* Gives an upload its final name, judges and publishes it for whoever renames; on failure it is what it was. */
int upload_finish_as(struct upload *upload, const char *name, const struct audit_who *who);
/* Notes for whom the writer of what may become a list acts. */
void upload_set_user(struct upload *upload, const struct slots_caller *caller);
/* Removes a function's layers: a new release without them. */
int layers_remove(struct slot *slot, const struct slots_caller *caller);
/* It does not count in its slot any more; nothing is written to it any more. Tree lock held. */
void upload_uncount_locked(struct upload *upload);
/* An attribute of the layer version that it is to become; len 0: not said. -EOPNOTSUPP: there is none of this name;
 * -EPERM: it is published, and says otherwise. */
int upload_set_about(struct upload *upload, const char *name, const void *value, size_t len);
/* The same of a version: 0 where it says so already. */
int version_set_about(const struct release *version, const char *name, const void *value, size_t len);
/* Gives it a staging name: no close is a verdict any more. */
void upload_make_staging(struct upload *upload, const char *name);

/* ---- nodes of the deploy side ---- */

enum deploy_kind { DEPLOY_FILE = 1, DEPLOY_STAGING_FILE, DEPLOY_STAGING_DIR };

/* A name below a slot that the kernel or an open file knows, or a staging name. Guarded by the tree lock. */
struct deploy_node {
	UT_hash_handle hh;
	struct deploy_node *next; /* in the slot's list, while it has its name */
	uint64_t id;
	enum deploy_kind kind;
	struct slot *slot;
	struct deploy_node *dir; /* staging directory, or NULL: the slot itself */
	char name[LIMIT_NAME_BYTES + 1];
	bool named;	  /* in the list */
	bool is_unlinked; /* what is still written to it is for nobody */
	uint64_t lookups;
	unsigned handles;
	uid_t uid;
	struct timespec mtime;
	uint64_t touched_ms;
	struct upload *upload; /* staging: its content; else the newest open upload; holds a reference */
};

struct slots {
	struct store *store;
	struct audit *audit;
	struct events *events;
	char *config_path;
	char *run_target;
	char *unconfined; /* why this process is not confined as it should be; NULL: it is. Never changes */
	uid_t administrator;
	uid_t fetcher;
	struct inflate_cache *cache;
	struct read_ahead *ahead;
	struct slots_metrics *metrics; /* metrics.h */
	struct slots_notify notify;
	struct slots_sweeper sweeper;
	struct timespec started;
	unsigned keep_releases;
	uint32_t opt_folders_max;     /* OPT_FOLDERS_MAX; tests lower it */
	uint64_t staging_max;	      /* staging files of all slots: half the descriptors that there can be */
	uint64_t upload_max;	      /* all uploads: three quarters of them, or what objects and we leave */
	pthread_mutex_t refresh_lock; /* before the tree lock: one reads trust files at a time */
	struct trust *followed;	      /* the thread of slots_follow: whose lists it has told of last */
	uint64_t list_lost_at_ms;     /* refresh_lock: since when a list is not there, or not whole; 0: none */
	bool lists_unread;	      /* refresh_lock: the last look at the lists failed, in whole or in part */
	struct due due;
	struct drift_keeper keeper; /* drift_check.h */
	struct inheritance inherited;
	atomic_size_t damaged_count; /* releases in memory that are */

	pthread_mutex_t lock; /* the tree lock: all below */
	pthread_cond_t idle;
	struct trust *trust;
	bool draining;
	unsigned judging; /* verdicts and commits in progress */
	struct slot *by_name;
	struct slot *by_id;
	struct slot *in_grace;	  /* those that have releases in grace, and perhaps had */
	struct slot *with_glass;  /* those that have a break glass, and perhaps had */
	bool is_handed_over;	  /* another daemon serves the connection next */
	struct tree_names *names; /* of the slots, for a daemon that takes over */
	uint64_t first_index;	  /* of list[0]; never changes */
	struct slot **list;
	size_t slot_count;
	size_t slot_capacity;
	struct slot *policy; /* never changes */
	struct release *releases;
	struct deploy_node *nodes;
	uint64_t next_node;
	uint64_t staging_files; /* nodes of that kind */
	uint64_t upload_count;
	uint64_t staged_bytes;	    /* of all slots */
	uint64_t config_generation; /* 1, and one more with each good reload */
	uint64_t config_failures;   /* reloads refused since the last good one */
	char *config_error;	    /* first line of the last one of those */
	struct effects *reloaded;   /* what the last good one did; NULL: there was none */
	struct drift *drift;	    /* what the last check found (drift_check.h); NULL: there was none yet */
	int64_t config_loaded_at_s;
	struct policy_told policy_told; /* of which alarm the log knows */
	uint64_t fetch_attempts;	/* that were told of */
	int64_t fetched_at_s;		/* slots_note_fetch: when the source of bundles has answered last; 0: never */
	char fetch_error[512];		/* of the last attempt; "": it went well */
};

/* The slots that a configuration names are there. Tree lock held. */
int slots_add_declared_locked(struct slots *slots, const struct config *config);
/* Today's trust, with a reference. */
struct trust *slots_trust(struct slots *slots);
/* For what happens whether or not it can be recorded: a log that cannot be written is only logged. Its number, or 0. */
uint64_t slots_record(struct slots *slots, const struct audit_record *record);
/* The same for a verdict: revocation lists that changed are read again first. NULL when out of memory. */
struct trust *slots_fresh_trust(struct slots *slots);
/* refresh_lock held: whoever makes a trust of the one in force, or of the files, is alone. Tells of the lists. */
void slots_replace_trust(struct slots *slots, struct trust *after);
void slots_tell_lists(struct slots *slots, const struct trust *before, const struct trust *after);
/* For which account a caller acts. False, with nobody in *ret: that depends on groups that cannot be read. */
bool slots_identify(const struct config *config, const struct slots_caller *caller, struct layer_user *ret);
/* Brackets a verdict, for slots_drain. -ESHUTDOWN once draining. */
int slots_begin_verdict(struct slots *slots);
void slots_end_verdict(struct slots *slots);

/* ---- what .vouchfs shows ---- */

int control_render_status(struct slots *slots, struct buf *ret);
int control_render_status_json(struct slots *slots, struct buf *ret);
int control_render_health(struct slots *slots, struct buf *ret);
/* The releases of a slot that are kept, the newest first. */
int control_render_history(struct slot *slot, bool json, struct buf *ret);

/* user.vouchfs.* of a release (artifact, run side) and of a slot's directory; name without "user.vouchfs." is the
 * record's key. */
int attr_get_release(const struct release *release, const char *name, struct buf *ret);
int attr_list_release(const struct release *release, struct buf *ret);
int attr_get_slot(struct slot *slot, const char *name, struct buf *ret);
int attr_list_slot(struct slot *slot, struct buf *ret);

#endif
