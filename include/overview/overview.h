/*
 * overview.h - what operators see of a host: its slots, whose signatures count, what will expire, what failed. Plain
 * data, made in one of three ways, and rendered by functions that know nothing of where it came from:
 *
 *     the daemon fills it from what it serves        slots/control*.c
 *     status.json of a mount is read back            overview_parse
 *     a store that is not mounted is looked through  overview_of_store
 *
 *                  -> overview_print_status (screen), overview_put_json (status.json), overview_print_metrics,
 *                     overview_print_health, overview_print_html, overview_print_trust, overview_print_enforce
 *
 * All texts are as they were stored: renderers escape them for where they go. Times are seconds since 1970, 0 for
 * "none". Strings may be NULL for "none" where that is said, and are owned by the struct (overview_free).
 */
#ifndef OVERVIEW_OVERVIEW_H
#define OVERVIEW_OVERVIEW_H

#include "base/base.h"
#include "base/buf.h"
#include "base/explain.h"

struct json;

/* By how much it asks for attention; rows are sorted by it, then by name. */
enum overview_rank {
	OVERVIEW_NOT_SERVED = 0, /* damaged, or blocked by policy on load */
	OVERVIEW_REFUSED,	 /* served, and the last attempt was refused or failed */
	OVERVIEW_RELAXED,	 /* break glass is in force */
	OVERVIEW_WARNED, /* what is served was warned about, would be refused under Enforce today, or has no section any
			    more */
	OVERVIEW_OK,
	OVERVIEW_EMPTY, /* nothing was deployed yet */
};

#define OVERVIEW_NO_CONFIG "NO CONFIG" /* served from before the configuration lost its section */

/* The last attempt to deploy, or to publish. outcome NULL: there was none. */
struct overview_attempt {
	char *outcome; /* "accepted", "warned", "refused", "failed", "waiting" */
	char *reason;  /* "VF2001", or NULL */
	char *detail;  /* one sentence, or NULL */
	char *command; /* of the process, as the kernel names it; or NULL */
	uint32_t uid;
	int64_t at_s;
	uint64_t event; /* its sequence number in the audit log; 0: not known */
};

/* Until when the administrator has relaxed a slot. until_s 0: he has not. */
struct overview_break_glass {
	int64_t until_s;
	char *reason; /* his words */
	uint32_t uid;
};

struct overview_slot {
	bool is_layer;
	enum overview_rank rank;
	char *name;   /* without "functions/", "layers/" */
	char *mode;   /* "Enforce", "Warn", "UNCHECKED", OVERVIEW_NO_CONFIG; of a layer "-" */
	char *config; /* name of its code-signing config; NULL: none, or a layer */

	uint64_t release;	   /* that is served; of a layer its newest version; 0: none */
	uint64_t kept_count;	   /* releases that are kept, versions that are published */
	int64_t since_s;	   /* of that release */
	uint32_t by_uid;	   /* who deployed it */
	char *by_command;	   /* and with which tool; NULL: not known */
	char *outcome;		   /* when it was deployed: "accepted", "warned"; NULL: nothing is there */
	char *reason;		   /* of that, when warned */
	char *profile_version_arn; /* NULL: unsigned */
	int64_t signed_at_s;
	int64_t expires_at_s;
	char *layers; /* of a function: "tools:3 base:1", lowest first; of a layer: the functions that use it. Or NULL
		       */
	bool is_damaged;
	bool is_blocked;

	/* What today's checks would say were everything set to Enforce: "accepted" or "refused"; NULL: nothing there.
	 */
	char *enforce_outcome;
	char *enforce_reason; /* "VF2003", or NULL */
	char *enforce_detail; /* one sentence, or NULL */

	struct overview_break_glass break_glass;
	struct overview_attempt last;
};

/* A code-signing config. */
struct overview_config {
	char *name;
	char *description; /* "" when there is none */
	char *mismatch;	   /* "Enforce", "Warn"; and so on */
	char *expiry;
	char *revocation;
	char *on_load;	   /* "Ignore", too */
	char **publishers; /* ARNs of profile versions and profiles */
	size_t publisher_count;
	uint64_t function_count; /* slots that have it, as they stand in slots */
};

/* A publisher's account that is trusted. */
struct overview_account {
	char *id;
	char *certificate_subject;
	int64_t certificate_expires_at_s;
	bool list_required;
	char *list_state;	/* "good", "missing", "stale", "refused" (what went wrong is in list_detail), "none" */
	char *list_detail;	/* or NULL */
	uint64_t list_sequence; /* 0: no list */
	int64_t list_issued_at_s;
	int64_t list_next_update_s;
};

/* The kinds of differences, in the order of enum drift_kind (slots/drift.h), by which they are sorted. */
enum overview_drift {
	OVERVIEW_DRIFT_BUNDLE = 0,
	OVERVIEW_DRIFT_LOCAL,
	OVERVIEW_DRIFT_CONFIG,
	OVERVIEW_DRIFT_TRUST,
	OVERVIEW_DRIFT_REVOCATIONS,
	OVERVIEW_DRIFT_SLOT,
	OVERVIEW_DRIFT_UNIT,
	OVERVIEW_DRIFT_KINDS,
};
/* "bundle", "local", ...: as drift_kind_name has them */
const char *overview_drift_name(enum overview_drift kind);

#define OVERVIEW_POLICY_IN_FORCE "in force"
#define OVERVIEW_POLICY_LOST	 "lost"
#define OVERVIEW_POLICY_NONE	 "none" /* no bundle has come yet */

/* The policy bundle that governs the host. state NULL: no publisher is configured. */
struct overview_policy {
	char *state;	   /* one of the words above */
	char *detail;	   /* lost: why; or NULL */
	uint64_t sequence; /* of the bundle in force; 0: none */
	uint64_t highest_sequence;
	char *description; /* of its policy.conf; or NULL */
	char *tree_sha256; /* hex; or NULL */
	char *profile_version_arn;
	int64_t signed_at_s;
	int64_t expires_at_s;
	int64_t applied_at_s;
	uint32_t applied_by_uid;
	char *alarm; /* "VF2003", "VF2004", "VF3001": it stays in force, and somebody has to act; or NULL */
	char *alarm_detail;
	char *rollback_reason; /* an administrator took up a lower sequence; or NULL */
	uint32_t rollback_by_uid;
	int64_t drift_checked_at_s; /* 0: not yet */
	uint64_t drift_count;
	uint64_t drift_by_kind[OVERVIEW_DRIFT_KINDS]; /* together drift_count */
	char **drift;				      /* the first of them, "local conf.d/x.conf:3: ...", printable */
	size_t drift_shown;
	char *source; /* where bundles are fetched from; or NULL: they are brought */
	uint64_t poll_interval_s;
	int64_t fetched_at_s;	      /* when that was last asked and answered; 0: never */
	char *fetch_error;	      /* of the last attempt, or NULL */
	struct overview_attempt last; /* to bring a bundle here, by whoever */
};

struct overview {
	char *host;	   /* what the host is called: [policy] host, else its host name */
	char *version;	   /* of the program that made it */
	char *config_path; /* absolute */
	char *store;
	char *account; /* the host's own */
	char *region;
	bool is_mounted;
	uint64_t pid;
	int64_t now_s;		 /* when it was made */
	int64_t started_at_s;	 /* the daemon, which is not the mount's first where restarts > 0 */
	uint64_t restarts;	 /* daemons that took over the mount */
	uint64_t deaths;	 /* those of them that came because the one before had died */
	int64_t last_death_at_s; /* 0: none */
	uint64_t config_generation;
	int64_t config_loaded_at_s;
	uint64_t config_failures; /* reloads refused since the last good one */
	char *config_error;	  /* of the last one of those, first line; or NULL */
	uint64_t audit_seq;	  /* of the last record */
	bool audit_writable;
	char *unconfined; /* why the process that serves is not confined as it should be; or NULL */
	struct overview_policy policy;

	struct overview_slot *slots; /* functions and layers, by rank and name */
	size_t slot_count;
	struct overview_config *configs; /* by name */
	size_t config_count;
	struct overview_account *accounts; /* by id */
	size_t account_count;
};

struct overview *overview_new(void); /* NULL: out of memory */
void overview_free(struct overview *overview);
/* A new last element of an array, all zero; NULL: out of memory. */
struct overview_slot *overview_add_slot(struct overview *overview);
struct overview_config *overview_add_config(struct overview *overview);
struct overview_account *overview_add_account(struct overview *overview);
/* Ranks each slot by its other members, and sorts. */
void overview_rank(struct overview *overview);

/* status.json: the members put into an object that is open, and that text read back (-EBADMSG: it is none). */
void overview_put_json(struct json *j, const struct overview *overview);
int overview_parse(const char *text, size_t len, struct overview **ret);

/*
 * The same of the store that a configuration names, as it lies: by its owner or root, without its lock, also beside a
 * daemon. ret_why says what to do.
 */
struct trust;
int overview_of_store(const struct trust *trust, struct overview **ret, struct explain *ret_why);

/* ---- the screen: `vouchfs status`, and .vouchfs/status with 80 columns, plain ---- */

#define OVERVIEW_COLUMNS_MIN 80
#define OVERVIEW_EXPIRY_DAYS 30 /* what expires before that is marked */

struct overview_screen {
	unsigned columns; /* OVERVIEW_COLUMNS_MIN at least */
	bool has_colour;
	/* False: nobody is known by this number. NULL: users are shown as numbers, and nobody is asked. */
	bool (*name_user)(uint32_t uid, char *ret, size_t ret_size);
};

/* Appends. The overview is ranked. */
int overview_print_status(const struct overview *overview, const struct overview_screen *screen, struct buf *ret);

/* ---- health: should somebody be woken? ---- */

/*
 * Critical: files that are not served (damaged, blocked), an audit log that cannot be written (nothing can be
 * deployed), a revocation list that cannot be relied on where one is required (nothing of its account can be deployed).
 * Warning: what will become that, or what somebody has to look at by day. A refused attempt is one for
 * OVERVIEW_REFUSED_S only: the check did its work, and what was served is served.
 */
enum overview_health { OVERVIEW_HEALTHY = 0, OVERVIEW_WARNING, OVERVIEW_CRITICAL };
#define OVERVIEW_REFUSED_S 86400
#define OVERVIEW_DIED_S	   86400 /* as long it is a warning that a daemon has died, though another one took over */

struct overview_finding {
	enum overview_health level;
	const char *code; /* "damaged", "blocked", ...: for programs, for good */
	char text[512];	  /* printable */
};

/* At most one of each kind, or one of each account; the worst first. free(*ret). */
int overview_find_problems(const struct overview *overview, unsigned expiry_days, struct overview_finding **ret,
			   size_t *ret_count);
bool overview_died_lately(const struct overview *overview);   /* within OVERVIEW_DIED_S */
const char *overview_health_name(enum overview_health level); /* "ok", "warning", "critical" */
/* "ok", or a line for each finding; appends. */
int overview_print_health(const struct overview *overview, struct buf *ret);

#endif
