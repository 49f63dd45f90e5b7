/*
 * drift.h - where a host differs from what its policy bundle says: plain data, found by the daemon, read from
 * .vouchfs/policy/drift by the command.
 */
#ifndef SLOTS_DRIFT_H
#define SLOTS_DRIFT_H

#include "base/base.h"
#include "base/buf.h"
#include "base/limits.h"

enum drift_kind {
	DRIFT_BUNDLE = 0,  /* lost, rolled back, expired or revoked */
	DRIFT_LOCAL,	   /* the host's own files say something about what is governed */
	DRIFT_CONFIG,	   /* what lies on the disk is not what is in force, or would be refused */
	DRIFT_TRUST,	   /* a certificate of the host's own files is another one than the bundle's of that account */
	DRIFT_REVOCATIONS, /* a list that the bundle wants is missing, refused, stale, or older than the bundle's */
	DRIFT_SLOT,	   /* owner, group or mode of a slot as callers see it, or a name that means another id now */
	DRIFT_UNIT,	   /* the process that serves, or its mount */
	DRIFT_KIND_COUNT,
};
const char *drift_kind_name(enum drift_kind kind); /* "bundle", "local", ... for good */

#define DRIFT_SUBJECT_SIZE 256
#define DRIFT_WORDS_SIZE   320

struct drift_item {
	enum drift_kind kind;
	char subject[DRIFT_SUBJECT_SIZE]; /* "conf.d/local.conf:3", "functions/web", "NoNewPrivileges" */
	char expected[DRIFT_WORDS_SIZE];  /* printable */
	char found[DRIFT_WORDS_SIZE];
	bool is_remediable; /* the daemon can put it right */
};

struct drift {
	int64_t checked_at_s;
	uint64_t sequence; /* of the bundle that was compared with; 0: none */
	bool remediates;
	struct drift_item items[LIMIT_DRIFT_ITEMS]; /* by kind, then subject */
	size_t count; /* of all that were found; those beyond the limit are counted alone */
};

/* What is to be added: texts of any length from anywhere, escaped and cut by drift_add. */
struct drift_finding {
	enum drift_kind kind;
	const char *subject;
	const char *expected;
	const char *found;
	bool is_remediable;
};
/* In its place; beyond LIMIT_DRIFT_ITEMS the last ones are dropped, and counted all the same. */
void drift_add(struct drift *drift, const struct drift_finding *finding);
/* Whether two checks have found the same. */
bool drift_equal(const struct drift *a, const struct drift *b);
/* Of the items that there are. */
size_t drift_item_count(const struct drift *drift);

/* As "key: value" lines, and read from them. Appends. -EBADMSG: they are none. */
int drift_render(const struct drift *drift, struct buf *ret);
int drift_parse(const char *text, size_t len, struct drift *ret);

#endif
