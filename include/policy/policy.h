/*
 * policy.h - the checks. Pure: facts + rules + now -> verdict; no clock, no file, no lock.
 *
 * Order: limits and tail, integrity, ZIP rules, source mismatch, expiry, revocation. The first failure that is not
 * merely recorded decides; integrity, the ZIP rules and limits are never merely recorded. Whatever is still decidable
 * after the deciding failure is decided and reported, too. Unknown facts are undecided, and undecided is not passed
 * (I4).
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "base/base.h"
#include "config/config.h"
#include "policy/reason.h"
#include "signature/signature.h"

enum policy_check {
	POLICY_INTEGRITY,
	POLICY_ZIP_RULES,
	POLICY_SOURCE,
	POLICY_EXPIRY,
	POLICY_REVOCATION,
	POLICY_CHECK_COUNT,
};

enum policy_state {
	POLICY_NOT_REACHED = 0,
	POLICY_OK,
	POLICY_FAILED,
	POLICY_UNDECIDED, /* could not be checked */
	POLICY_NOT_APPLICABLE,
};

enum policy_outcome { POLICY_REFUSED = 0, POLICY_WARNED, POLICY_ACCEPTED };

/* Which of a config's policies counts. */
enum policy_moment { POLICY_ON_DEPLOYMENT = 0, POLICY_ON_LOAD };

/* What was found out about the ZIP itself. */
enum policy_zip { POLICY_ZIP_UNKNOWN = 0, POLICY_ZIP_BROKEN, POLICY_ZIP_ADMISSIBLE };

struct policy_facts {
	bool too_large;				 /* the artifact is over max_artifact_size: VF4002 */
	enum policy_zip tail;			 /* R2, R4: is there an end record that fits at all */
	enum policy_zip zip;			 /* all other rules */
	const char *zip_why;			 /* the refusal's text when BROKEN, the failure when UNKNOWN */
	const char *zip_remedy;			 /* may be "" */
	const struct signature_facts *signature; /* NULL: not examined */
};

struct policy_check_result {
	enum policy_state state;
	enum policy_reason reason; /* when failed or undecided */
	enum config_mode mode;	   /* what a failure means here */
	char expected[320];
	char found[320];
};

struct policy_verdict {
	enum policy_outcome outcome;
	enum policy_reason reason; /* of the deciding check; of the first failed one when warned; NONE when accepted */
	enum policy_check deciding;
	bool unchecked; /* code_signing_config = none: signatures were not asked for */
	struct policy_check_result checks[POLICY_CHECK_COUNT];
	char detail[640]; /* one sentence: what failed, expected against found */
	char remedy[384]; /* what to do */
};

/*
 * rules NULL stands for code_signing_config = none: the ZIP rules, and the integrity of a signature that is there,
 * still hold. rules_name is for the texts. Never fails.
 */
void policy_judge(const struct policy_facts *facts, const struct config_code_signing *rules, const char *rules_name,
		  enum policy_moment moment, int64_t now_s, struct policy_verdict *ret);

/*
 * Two verdicts of the same artifact apart in time may not be mixed; this one belongs to no artifact: no such slot, or
 * too many bytes before anything could be looked at.
 */
void policy_refuse(enum policy_reason reason, const char *detail, const char *remedy, struct policy_verdict *ret);

const char *policy_check_name(enum policy_check check); /* "integrity", "zip-rules", "source", "expiry", "revocation" */
const char *
policy_state_name(enum policy_state state); /* "ok", "FAILED", "could not be checked", "not reached", "n/a" */
const char *policy_outcome_name(enum policy_outcome outcome); /* "refused", "warned", "accepted" */

#endif
