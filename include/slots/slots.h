/*
 * slots.h - the namespace of a mount: slots, releases, what is served. No FUSE types.
 *
 * Two sides share it: the deploy side (deploy.h) takes artifacts in, the run side (run.h) serves releases. Every
 * function here and there is thread-safe. Failures are negative errno, refusals among them (the verdict's errno by
 * policy/reason.h): what is returned is what the kernel is to be told.
 *
 * Locks, in order: upload -> slot -> release -> tree -> (store) -> (audit). The tree lock is held for moments, never
 * across I/O; the slot's lock is its commit lock and is held across fsync, so whoever only looks does without it.
 */
#ifndef SLOTS_SLOTS_H
#define SLOTS_SLOTS_H

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "audit/audit.h"
#include "base/base.h"
#include "base/buf.h"
#include "config/config.h"
#include "overview/overview.h"
#include "slots/tree_memory.h"

struct slots;

/* What a switch makes stale in the kernel, on the run side's connection. Called without any lock; settle returns when
 * all of it is done. */
struct slots_notify {
	void *ctx;
	void (*entry)(void *ctx, uint64_t parent, const char *name);
	void (*inode)(void *ctx, uint64_t node);
	void (*inodes)(void *ctx, uint64_t first, uint64_t count); /* those of them that it knows, pages too */
	void (*settle)(void *ctx);
};

/* Whom to tell that something waits for slots_sweep that no create and no mkdir has announced. Called without any lock.
 */
struct slots_sweeper {
	void *ctx;
	void (*poke)(void *ctx);
};

/*
 * Who does for the namespace what puts drift right, since it may write no configuration file itself. Called by
 * slots_follow, on its thread, without any lock; each only asks, and returns.
 */
struct slots_remedy {
	void *ctx;
	/* For conf.d/<name> to get another name: slots_take_remedied follows. A negative errno: nobody can be asked. */
	int (*set_aside)(void *ctx, const char *name);
	/* For slots_reload, and slots_follow after it. */
	void (*reload)(void *ctx);
};

/* Of a reload, and of a daemon that takes over. */
#define SLOTS_OTHER_STORE "store: cannot change while mounted; unmount and mount again"

struct slots_options {
	const char *config_path; /* absolute */
	const char *store;	 /* what the configuration has to name; NULL: whatever it names */
	const char *run_target;	 /* NULL: MNT/run is a directory to mount on; else the target of the symlink MNT/run */
	audit_tell *tell;	 /* of every record, from the start on (audit_listen); NULL: nobody */
	void *tell_ctx;
	uid_t administrator;	   /* who has mounted it: may relax a function for a while, as root may */
	const char *unconfined;	   /* why this process is not confined as it should be; NULL: it is */
	bool allow_other;	   /* how it is mounted: others than he get in */
	uid_t fetcher;		   /* who fetches policy bundles where [policy] names nobody */
	struct tree_memory memory; /* what a daemon before has left, and for the next one */
};

/* Who asks. in_group knows the supplementary groups, where they can be read; else it says no. */
struct slots_caller {
	struct audit_who who;
	bool (*in_group)(void *ctx, gid_t group);
	bool (*knows_groups)(void *ctx); /* they can be read; NULL: yes */
	void *ctx;
	/* The kernel sends the request a second time, and a daemon before may have done it, but not answered: what is
	 * there already as it is asked for is a success. */
	bool is_resent;
};

/*
 * Asks for groups on a caller's behalf, as config_identify does. is_unknown: that he is not in one of them is not
 * known, since his groups cannot be read.
 */
struct slots_asking {
	const struct slots_caller *caller;
	bool is_unknown;
};
bool slots_ask_group(void *asking, gid_t group);

struct slots_attr {
	uint64_t node; /* also the inode number */
	mode_t mode;   /* with the file type */
	uint32_t nlink;
	uid_t uid;
	gid_t gid;
	uint64_t size_bytes;
	struct timespec mtime;
};

/* One directory entry. next_offset continues behind it. */
struct slots_dirent {
	char name[256];
	uint64_t next_offset;
	struct slots_attr attr;
};

/*
 * Reads the configuration, opens and recovers the store and the audit log. -EINVAL: ret_errors holds configuration
 * errors, a line each (exit 78); other failures put one line there.
 */
int slots_open(const struct slots_options *options, struct slots **ret, struct buf *ret_errors);
/* Records the stop. Nothing may be in flight. */
void slots_close(struct slots *slots);

/* NULL: nobody is told any more, and nobody is being told when it returns. */
void slots_set_notify(struct slots *slots, const struct slots_notify *notify);
void slots_set_sweeper(struct slots *slots, const struct slots_sweeper *sweeper);

/*
 * For a daemon that took over a connection, once it serves: has the kernel forget what the one before did, and had not
 * told it of (switches, removals), and what may not be served any more. Returns at once; a thread does it.
 */
void slots_take_over(struct slots *slots);
/* For a daemon that ends by itself and leaves the connection to another one, once nothing is in flight, before
 * slots_close: that one did not come because this one died, and what the kernel has of old releases stays. */
void slots_hand_over(struct slots *slots);

/* Ends whoever reads events, refuses new uploads (ESHUTDOWN), then waits until no verdict is being made. */
void slots_drain(struct slots *slots);

/*
 * Reads configuration, certificates and revocation lists again and swaps them at once; on failure all stays as it was,
 * with a line for each error. What it did is in the log, and in .vouchfs/reload.
 */
int slots_reload(struct slots *slots, struct buf *ret_errors);
/* What it would do, as .vouchfs/reload-dry-run shows it: nothing is swapped. *ret: free(). */
struct effects;
int slots_preview_reload(struct slots *slots, struct effects **ret, struct buf *ret_errors);

/*
 * What is served follows the revocation lists and the time: lists whose files changed are read again, and what is
 * current or known to the kernel is judged where that can come out otherwise; what is blocked then is pushed. To be
 * called when a list may have changed, when slots_due_fd is readable (a verdict can change by the time alone, or the
 * clock was set), and again after the milliseconds it returns (a list seems to be in the middle of being written;
 * UINT64_MAX: none is). Of one thread.
 */
uint64_t slots_follow(struct slots *slots);
int slots_due_fd(const struct slots *slots);
/* Another number once slots_each_list and slots_each_file may name other paths: a reload, or a policy bundle. */
uint64_t slots_paths_generation(struct slots *slots);
/* The path of every revocation list in the configuration. */
void slots_each_list(struct slots *slots, void (*tell)(void *ctx, const char *path), void *ctx);

/*
 * How this host differs from its policy bundle is found by slots_follow, too. Files of its configuration may have
 * changed: it looks at them when they have settled.
 */
void slots_note_change(struct slots *slots);
/* Those files, where a policy bundle governs the host; of a directory whatever is in it. */
void slots_each_file(struct slots *slots, void (*tell)(void *ctx, const char *path, bool is_directory), void *ctx);
/* On the thread of slots_follow, as the answers. */
void slots_set_remedy(struct slots *slots, const struct slots_remedy *remedy);
/* In lines: the name; what it is called now, or nothing and then why not. */
void slots_take_remedied(struct slots *slots, const char *answer);

/* Drops staging files, and releases that fell out of keep_releases, whose time is over; returns milliseconds until it
 * is to be called again, UINT64_MAX when nothing waits. */
uint64_t slots_sweep(struct slots *slots);

/* What operators see of it. Everything current is judged where that is due, as if it were asked for. */
int slots_overview(struct slots *slots, struct overview **ret);

/* What the fetcher of policy bundles says of its last attempt: "ok", or "error <text>", and perhaps a newline. -EINVAL:
 * it is neither. */
int slots_note_fetch(struct slots *slots, const char *line, size_t len);

int slots_statfs(struct slots *slots, struct statvfs *ret);

/* "3 functions, 1 layer, configuration generation 2" */
int slots_summarize(struct slots *slots, struct buf *ret);

#endif
