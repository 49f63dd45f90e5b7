/*
 * signature_scene.h - one artifact, signed as a case wants it, judged by the real gate of a host of its own.
 *
 * A case is a row: what is changed on the way from keys to a signed ZIP (and to a revocation list), and what must come
 * of it. Everything that a row leaves out is as it should be, so a row fails for its own reason alone.
 *
 *     {"should-fail-two-signers", INTEGRITY, "2 signers", .message = two_signers},
 *
 * The host trusts two accounts. Its configs "approved" (Enforce) and "watched" (Warn) allow one profile version of the
 * first (GATE_FIXTURE_ARN) and any version of SCENE_OTHER_PROFILE of the second.
 */
#ifndef SIGNATURE_SCENE_H
#define SIGNATURE_SCENE_H

#include "forge.h"
#include "gate_fixture.h"

#define SCENE_OTHER_ACCOUNT "444455556666"
#define SCENE_OTHER_PROFILE "arn:vouchfs:signer:local:" SCENE_OTHER_ACCOUNT ":/signing-profiles/other"
#define SCENE_LIST_ARN	    "arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT ":/revocations"
#define SCENE_JOB_ID	    "621a6850-a128-42db-bc30-bd65cc54e187"
#define SCENE_JOB_ARN	    "arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT ":/signing-jobs/" SCENE_JOB_ID
#define SCENE_INTERS_MAX    3

struct signature_scene {
	struct gate_fixture *host;
	int64_t now_s;
	struct buf plain; /* the unsigned ZIP */

	/* what certificates are made of; for .plan */
	struct forge_cert_spec ca_spec, inter_spec[SCENE_INTERS_MAX], leaf_spec, list_spec;
	unsigned inters; /* between CA and leaf, all carried */
	bool trusts_another_ca;
	struct statement statement;

	/* stranger: a leaf of the same CA for SCENE_OTHER_PROFILE; other_ca: the second account's */
	struct forge_cert ca, inter[SCENE_INTERS_MAX], leaf, stranger, other_ca, list_leaf;

	/* from the statement to the artifact */
	struct buf text, der, pem, zip;
	struct forge_message_spec message;

	/* the same of the first account's revocation list */
	struct buf list_text, list_der, list_pem;
	struct forge_message_spec list_message;
	bool no_list;
};

struct signature_case {
	const char *name;
	enum policy_reason reason;	/* under Enforce; NONE: it passes */
	enum policy_outcome outcome;	/* under Enforce */
	enum policy_outcome under_warn; /* with the same reason */
	const char *says;		/* in the verdict's explanation */
	bool full;			/* judged as `verify --full` does */

	/* What is forged, in the order of making. replace: in the statement, before it is signed. */
	void (*plan)(struct signature_scene *s);
	struct {
		const char *find, *put;
	} replace;
	void (*text)(struct signature_scene *s);
	void (*message)(struct signature_scene *s);
	void (*der)(struct signature_scene *s);
	void (*pem)(struct signature_scene *s);
	void (*zip)(struct signature_scene *s);

	/* The same for the list; revoke: a line at its end. */
	const char *revoke;
	struct {
		const char *find, *put;
	} list_replace;
	void (*list_text)(struct signature_scene *s);
	void (*list_message)(struct signature_scene *s);
	void (*list_der)(struct signature_scene *s);
	void (*list_pem)(struct signature_scene *s);
};

/* The expectations of a row. Integrity, the ZIP rules and limits are never merely warned about. */
#define PASSES		     .reason = POLICY_REASON_NONE, .outcome = POLICY_ACCEPTED, .under_warn = POLICY_ACCEPTED
#define FAILS_ALWAYS(code)   .reason = (code), .outcome = POLICY_REFUSED, .under_warn = POLICY_REFUSED
#define FAILS_OR_WARNS(code) .reason = (code), .outcome = POLICY_REFUSED, .under_warn = POLICY_WARNED
#define INTEGRITY	     FAILS_ALWAYS(POLICY_VF1002_INTEGRITY)
#define ZIP_RULES	     FAILS_ALWAYS(POLICY_VF1001_ZIP)
#define UNSIGNED	     FAILS_OR_WARNS(POLICY_VF2001_UNSIGNED)
#define SOURCE		     FAILS_OR_WARNS(POLICY_VF2002_SOURCE)
#define EXPIRED		     FAILS_OR_WARNS(POLICY_VF2003_EXPIRED)
#define REVOKED		     FAILS_OR_WARNS(POLICY_VF2004_REVOKED)
#define UNDECIDED	     FAILS_OR_WARNS(POLICY_VF3001_UNDECIDED)

/* A table of cases, and its length. */
struct signature_cases {
	const struct signature_case *cases;
	size_t count;
};

extern const struct signature_cases signature_cases_statement, signature_cases_message, signature_cases_encoding,
	signature_cases_chain, signature_cases_policy;

/* Runs every case as a test of its name; main's exit code. */
int signature_cases_run(const char *group, const struct signature_cases *const *tables, size_t table_count);

/* ---- for cases ---- */

/* The first find becomes put; find has to be there. */
void scene_replace(struct buf *b, const char *find, const char *put);
void scene_insert(struct buf *b, size_t at, const void *bytes, size_t len);
void scene_append(struct buf *b, const char *text);
/* The message again, of what der or the message's specification has become. */
void scene_make_message(struct signature_scene *s);
void scene_make_pem(struct signature_scene *s);

#endif
