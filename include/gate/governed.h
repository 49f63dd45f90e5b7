/*
 * governed.h - the policy bundle that is in force on a host: found in the store, proved again whenever a trust is made
 * of it, and what may take its place.
 *
 * The slot STORE_POLICY_SLOT of the store keeps bundles as releases, so that they are durable before they are visible,
 * switched in one step, and kept (keep_releases, at least GOVERNED_KEPT) for history and rollback. Its slot file
 * "sequence" has the highest sequence that was ever in force; with an anchor, that stands there as well.
 *
 * Judged by the accounts of the host's own files: integrity, ZIP rules, source and revocation with no mode that could
 * relax them, expiry when it comes in. A bundle in force that expires, or whose signature is revoked, stays in force
 * with an alarm, because what it would fall back to is weaker; one that is not what was accepted is LOST, and then
 * nothing that is governed is in force (config/policy.h) until it comes again.
 *
 * The revocation list of the publisher's account is the newest genuine one of the host's file, the bundle in force and
 * the bundle that comes in.
 */
#ifndef GATE_GOVERNED_H
#define GATE_GOVERNED_H

#include "bundle/bundle.h"
#include "gate/gate.h"

#define GOVERNED_KEPT 10

enum governed_state {
	GOVERNED_LOST = 0, /* one was in force, and cannot be relied on: why */
	GOVERNED_NONE,	   /* none has come yet */
	GOVERNED_IN_FORCE,
};

/* Belongs to a trust (trust->governed; NULL: the host has no [policy] publisher), as immutable as that. */
struct governed {
	enum governed_state state;
	struct explain why;	   /* LOST */
	uint64_t highest_sequence; /* 0: none has come yet */
	/* IN_FORCE: */
	struct bundle *bundle;
	struct signature_facts facts;
	uint64_t sequence;
	uint64_t release;
	uint8_t tree_sha256[CRYPTO_SHA256_BYTES];
	char artifact_name[256];
	struct arn_profile profile_version;
	struct arn_job job;
	int64_t signed_at_s;
	int64_t expires_at_s;
	int64_t applied_at_s;
	uint32_t applied_by_uid;
	enum policy_reason alarm; /* NONE, VF2003, VF2004 or VF3001: kept in force, and somebody has to act */
	struct explain alarm_why;
	bool is_rolled_back; /* by an administrator, to a lower sequence than the highest */
	char rollback_reason[LIMIT_REASON_BYTES + 1];
	uint32_t rollback_by_uid;
};

/* By which rules bundles are judged: by those whom the host's own files name as publishers, everything enforced. */
struct config_code_signing governed_rules(const struct config *own);

/*
 * Judges a file that is to become the bundle in force, all enforced: first as an artifact is judged (with the content
 * type of bundles), then by its content: VF5001 where it is none, is for other hosts, or the host's configuration with
 * it would be refused (detail has the first error); VF5002 where its sequence is not higher than the highest, unless it
 * is the bundle with that sequence, or the one in force. An administrator's rollback stands until a higher sequence
 * comes, or he goes forward himself: the bundle with the highest sequence is VF5002 then, too. 0 and *ret;
 * *ret_candidate, when not NULL, is then the trust that it would make (or NULL when refused). Nothing is remembered of
 * its lists.
 */
int gate_judge_bundle(const struct trust *trust, const char *config_path, struct store *store,
		      const struct gate_artifact *artifact, struct gate_decision *ret, struct trust **ret_candidate);
/*
 * The same for a bundle that an administrator takes up again (gate_deployment's rollback_told): no sequence is a
 * reason to refuse it.
 */
int gate_judge_rollback(const struct trust *trust, const char *config_path, struct store *store,
			const struct gate_artifact *artifact, struct gate_decision *ret, struct trust **ret_candidate);

/*
 * What the release's record has to say of a candidate, as lines for gate_deployment's about: its sequence, and when it
 * is taken up again (rollback_reason, else NULL) why, and below which sequence. Appends.
 */
int governed_about(const struct trust *candidate, const char *rollback_reason, struct buf *ret);
/* And what it says: the sequence, 0: none; why it was taken up again, escaped, free(), NULL: it was not. */
uint64_t governed_sequence_of(const struct store_release *release);
char *governed_reason_of(const struct store_release *release);

/*
 * After the candidate's commit, before anybody else has it: what the release's record says of it is in
 * candidate->governed then, and the store remembers its sequence and its lists. A failure to remember is only logged:
 * the next load does it again.
 */
void governed_take_up(struct trust *candidate, struct store *store, const struct store_release *release);

/* Whether the store has the bundle in force, whole, as current: it is read and proved again, as at a start. */
bool governed_is_stored(const struct trust *trust, struct store *store);

/*
 * trust_load for commands that look beside the daemon: the store of the configuration is opened read-only (NULL is
 * given where there is none yet, or where it may not be read and the host has no publisher). Of a host that has one
 * -EACCES or -EPERM says that this user may not read the store: the host's own files alone are not what is in force;
 * ret_errors says what helps. On success it may have a line that begins with "warning: ".
 */
int governed_trust_load(const char *path, struct trust **ret, struct buf *ret_errors);
/* Its configuration alone; of a host without publisher that is config_load, and no store is opened. */
int governed_config_load(const char *path, struct config **ret, struct buf *ret_errors);

#endif
