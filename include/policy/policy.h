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
enum policy_moment { POLICY_ON_DEPLOYMENT = 0, POLICY_ON_LOAD, POLICY_ON_PUBLICATION };

/* What was found out about the ZIP itself. */
enum policy_zip { POLICY_ZIP_UNKNOWN = 0, POLICY_ZIP_BROKEN, POLICY_ZIP_ADMISSIBLE };

struct policy_facts {
	bool too_large;	     /* the artifact is over max_artifact_size: VF4002 */
	uint64_t size_bytes; /* for the text of that */
	uint64_t max_bytes;
	enum policy_zip tail;			 /* R2, R4: is there an end record that fits at all */
	enum policy_zip zip;			 /* all other rules */
	const char *zip_why;			 /* the refusal's text when BROKEN, the failure when UNKNOWN */
	const char *zip_remedy;			 /* may be NULL or "" */
	const struct signature_facts *signature; /* NULL: not examined */
};

#define POLICY_DETAIL_SIZE 640
#define POLICY_REMEDY_SIZE 384

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
	enum policy_reason layer_reason; /* when that is VF2005_LAYER: the layer's own */
	enum policy_check deciding; /* POLICY_CHECK_COUNT: accepted, or refused before any check (VF4001, VF4002). Of a
				       layer: its own */
	bool unchecked;		    /* no rules: who signed it, if anybody, was not asked for */
	struct policy_check_result checks[POLICY_CHECK_COUNT];
	char detail[POLICY_DETAIL_SIZE]; /* one sentence: what failed, expected against found */
	char remedy[POLICY_REMEDY_SIZE]; /* what to do */
};

/*
 * What each moment asks: on deployment each of source, expiry and revocation has the mode that the config gives it; on
 * load all three have on_load, but one that the config relaxes by itself (Warn beside Enforce) stays relaxed. Ignore
 * still evaluates and reports, and decides nothing. When a layer version is published nobody has rules yet (NULL): who
 * signed it is judged where it is attached.
 *
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

/*
 * Weighs in the verdict on a layer version ("tools:3") that goes with an artifact, by the same rules. The artifact's
 * own refusal stands, else the first layer that is refused makes it VF2005, else the first that is warned about. The
 * checks in *verdict stay the artifact's.
 */
void policy_add_layer(const char *name, const struct policy_verdict *layer, struct policy_verdict *verdict);

/* Code and layers together may have max_bytes unpacked (VF4002); a refusal there is already stands. */
void policy_limit_unpacked(uint64_t unpacked_bytes, uint64_t max_bytes, struct policy_verdict *verdict);

/* The layers have more folders together than can be served (VF4002); a refusal that is there already stands. */
void policy_refuse_folders(uint32_t folders_max, struct policy_verdict *verdict);

/* Whether something was found for which these rules refuse, whatever the rules that the verdict was made by. */
bool policy_would_refuse(const struct policy_verdict *verdict, const struct config_code_signing *rules,
			 enum policy_moment moment);

/* The errno, positive, that a verdict is answered with: of a layer that fails, that of its own reason. 0: accepted. */
int policy_verdict_errno(const struct policy_verdict *verdict, enum config_errno_style style);

/*
 * Rules for a look without a code-signing config: any profile of any trusted account, everything else enforced. Known
 * by its address, so that no config that merely lacks publishers can be mistaken for it (zero publishers allow none).
 * Never for admission.
 */
extern const struct config_code_signing policy_any_account;

/*
 * A valid signature of an allowed profile, neither expired nor revoked? Its signer has checked the ZIP's contents
 * already (R7).
 */
bool policy_signer_is_trusted(const struct policy_verdict *verdict);

const char *policy_check_name(enum policy_check check); /* "integrity", "zip-rules", "source", "expiry", "revocation" */
const char *
policy_state_name(enum policy_state state); /* "ok", "FAILED", "could not be checked", "not reached", "n/a" */
/* The same for programs: "ok", "failed", "undecided", "not reached", "not applicable" */
const char *policy_state_word(enum policy_state state);
const char *policy_outcome_name(enum policy_outcome outcome); /* "refused", "warned", "accepted" */

#endif
