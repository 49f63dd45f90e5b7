/*
 * audit.h - the log of decisions and events: JSON Lines, each record carrying the SHA-256 of the one before.
 *
 * A record is at most LIMIT_AUDIT_RECORD_BYTES, ASCII, keys in a fixed order: schema, seq, time (UTC, microseconds),
 * boot, event, who, slot, artifact, ..., prev. prev is the SHA-256 (hex) of the previous line without its newline; the
 * first record of a log has 64 zeros. Files are audit-<first seq, 20 digits>.jsonl, begun anew at AUDIT_SEGMENT_BYTES.
 *
 * The chain proves nothing against truncation unless its head was exported.
 */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include <sys/types.h>
#include <time.h>

#include "base/base.h"
#include "base/explain.h"
#include "policy/policy.h"

#define AUDIT_SEGMENT_BYTES 16777216U

struct audit;

struct audit_who {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	char command[32]; /* as the kernel names the thread; for display, never for a decision */
};

enum audit_event {
	AUDIT_START = 1,
	AUDIT_STOP,
	AUDIT_RECOVERY,
	AUDIT_DEPLOYMENT, /* accepted, warned or refused: the verdict says */
	AUDIT_SWITCH,	  /* a release is current now */
	AUDIT_UNDEPLOY,
	AUDIT_BLOCKED,
	AUDIT_UNBLOCKED,
	AUDIT_CONFIG_RELOADED,
	AUDIT_CONFIG_REFUSED,
	AUDIT_REVOCATIONS,	 /* a list was taken or refused */
	AUDIT_PAGE_CHECK,	 /* stored bytes were not what was put there */
	AUDIT_DEPLOYMENT_FAILED, /* accepted, then not committed: disk full and the like */
	AUDIT_RELEASE_WARNED,	 /* what is served would not pass any more, and the config only warns */
	AUDIT_PUBLICATION,	 /* of a layer version, accepted or refused: the verdict says */
	AUDIT_VERSION_REMOVED,	 /* of a layer */
	AUDIT_PERMISSION_ADDED,	 /* to use a layer version; with an errno: but it was not */
	AUDIT_PERMISSION_REMOVED,
	AUDIT_BREAK_GLASS_BEGUN,   /* an administrator relaxes a function for a while; replaces one before */
	AUDIT_BREAK_GLASS_ENDED,   /* before its time, by somebody, or because it could not be relied on */
	AUDIT_BREAK_GLASS_EXPIRED, /* at its time */
	AUDIT_BINDING, /* a function's code-signing config is another one, or is gone: detail says from, to */
	AUDIT_POLICY_ROLLED_BACK, /* an administrator takes up a bundle with a lower sequence: detail has his reason */
	AUDIT_POLICY_ALARM,	  /* the bundle in force is lost, expired or revoked: detail */
	AUDIT_POLICY_DRIFT,	  /* the host differs from its bundle: detail has how many, and the first */
	AUDIT_POLICY_DRIFT_ENDED,
	AUDIT_POLICY_REMEDIED, /* something was put right: detail says what, and where what was there is kept */
};

/* NULL and 0 leave a member out. */
struct audit_record {
	enum audit_event event;
	const struct audit_who *who;
	const char *slot;     /* "functions/<f>", "layers/<l>" */
	const char *artifact; /* its name */
	uint64_t release;
	uint64_t rollback_to;  /* of a deployment: the earlier release that this one is again */
	uint64_t kept_release; /* of a refusal: what is still served; of a layer its newest version */
	uint64_t size_bytes;
	uint64_t verified_us;	 /* how long the verdict took */
	const char *tree_sha256; /* hex */
	const char *layers;	 /* that go with it, each with its outcome */
	const char *config;	 /* name of the code-signing config, or "none" */
	const char *config_sha256;
	const struct policy_verdict *verdict;
	const struct statement *statement; /* ARNs and times */
	int64_t timestamp_s;		   /* when it was signed, by a time stamp that is believed */
	bool is_refused;		   /* a revocation list: it was not taken */
	int64_t until_s;		   /* of a break glass */
	uint64_t break_glass;		   /* seq of the record that began the one that let this pass, or that ends */
	int errno_given;		   /* positive */
	const char *detail;		   /* a sentence */
};

/*
 * Opens the log in a directory (module store hands out the descriptor; it is duplicated), finds its end. A torn last
 * line (crash while it was written) is cut off and that is recorded. -EBADMSG: the last segment is not a log.
 */
int audit_open(int dirfd, bool durable, struct audit **ret, struct explain *ret_why);
void audit_close(struct audit *audit);

/*
 * Appends and, when durable, syncs before it returns (I3). Fields that would not fit are cut, never the record dropped.
 * ret_seq, when not NULL, gets the record's number. A failed write leaves the log as it was or refuses all later
 * appends (-EIO): no record may follow a gap.
 */
int audit_append(struct audit *audit, const struct audit_record *record, uint64_t *ret_seq);

/* A record that is in the log now. */
struct audit_news {
	uint64_t seq;
	struct timespec at;
	const struct audit_record *record;
	const char *line; /* as it was written, without newline */
	size_t len;
	const char *head_sha256; /* hex: of this line, so of the whole log up to here */
};

/*
 * Told of each record, in order, on the thread that appended it and under the log's lock: must return at once, and call
 * nothing of the log. Listeners are added before others append; at most AUDIT_LISTENERS_MAX (-ENOSPC).
 */
#define AUDIT_LISTENERS_MAX 8
typedef void audit_tell(void *ctx, const struct audit_news *news);
int audit_listen(struct audit *audit, audit_tell *tell, void *ctx);

/* Whether the last append went well. */
bool audit_is_writable(struct audit *audit);

/* Sequence and hash of the last record. */
void audit_head(struct audit *audit, uint64_t *ret_seq, char ret_sha256_hex[65]);

const char *audit_event_name(enum audit_event event);

#endif
