/* The tables of members.h. Keys are for good: programs of other people read them. */
#include "members.h"

#define OF(type, key, kind, member)                                                                                    \
	{                                                                                                              \
		key, kind, offsetof(struct type, member)                                                               \
	}

const struct member overview_members[] = {
	OF(overview, "host", MEMBER_TEXT, host),
	OF(overview, "version", MEMBER_TEXT, version),
	OF(overview, "mounted", MEMBER_BOOL, is_mounted),
	OF(overview, "pid", MEMBER_U64, pid),
	OF(overview, "config", MEMBER_TEXT, config_path),
	OF(overview, "store", MEMBER_TEXT, store),
	OF(overview, "account", MEMBER_TEXT, account),
	OF(overview, "region", MEMBER_TEXT, region),
	OF(overview, "now", MEMBER_TIME, now_s),
	OF(overview, "startedAt", MEMBER_TIME, started_at_s),
	OF(overview, "daemonRestarts", MEMBER_U64, restarts),
	OF(overview, "daemonDeaths", MEMBER_U64, deaths),
	OF(overview, "daemonDiedAt", MEMBER_TIME, last_death_at_s),
	OF(overview, "configGeneration", MEMBER_U64, config_generation),
	OF(overview, "configLoadedAt", MEMBER_TIME, config_loaded_at_s),
	OF(overview, "configFailures", MEMBER_U64, config_failures),
	OF(overview, "configError", MEMBER_TEXT, config_error),
	OF(overview, "auditSequence", MEMBER_U64, audit_seq),
	OF(overview, "auditWritable", MEMBER_BOOL, audit_writable),
	OF(overview, "unconfined", MEMBER_TEXT, unconfined),
	{0},
};

#define ATTEMPT_MEMBERS(type)                                                                                          \
	OF(type, "lastOutcome", MEMBER_TEXT, last.outcome), OF(type, "lastReason", MEMBER_TEXT, last.reason),          \
		OF(type, "lastDetail", MEMBER_TEXT, last.detail), OF(type, "lastAt", MEMBER_TIME, last.at_s),          \
		OF(type, "lastUid", MEMBER_U32, last.uid), OF(type, "lastCommand", MEMBER_TEXT, last.command),         \
		OF(type, "lastEvent", MEMBER_U64, last.event)

/* What the rows of functions and of layers have in common, at the end of each. */
#define SLOT_MEMBERS                                                                                                   \
	OF(overview_slot, "damaged", MEMBER_BOOL, is_damaged), OF(overview_slot, "outcome", MEMBER_TEXT, outcome),     \
		OF(overview_slot, "reason", MEMBER_TEXT, reason),                                                      \
		OF(overview_slot, "profileVersionArn", MEMBER_TEXT, profile_version_arn),                              \
		OF(overview_slot, "signedAt", MEMBER_TIME, signed_at_s),                                               \
		OF(overview_slot, "expiresAt", MEMBER_TIME, expires_at_s), ATTEMPT_MEMBERS(overview_slot)

const struct member overview_function_members[] = {
	OF(overview_slot, "slot", MEMBER_TEXT, name),
	OF(overview_slot, "mode", MEMBER_TEXT, mode),
	OF(overview_slot, "codeSigningConfig", MEMBER_TEXT, config),
	OF(overview_slot, "release", MEMBER_U64, release),
	OF(overview_slot, "keptReleases", MEMBER_U64, kept_count),
	OF(overview_slot, "since", MEMBER_TIME, since_s),
	OF(overview_slot, "deployedByUid", MEMBER_U32, by_uid),
	OF(overview_slot, "deployedByCommand", MEMBER_TEXT, by_command),
	OF(overview_slot, "layers", MEMBER_WORDS, layers),
	OF(overview_slot, "blocked", MEMBER_BOOL, is_blocked),
	OF(overview_slot, "enforceOutcome", MEMBER_TEXT, enforce_outcome),
	OF(overview_slot, "enforceReason", MEMBER_TEXT, enforce_reason),
	OF(overview_slot, "enforceDetail", MEMBER_TEXT, enforce_detail),
	OF(overview_slot, "breakGlassUntil", MEMBER_TIME, break_glass.until_s),
	OF(overview_slot, "breakGlassReason", MEMBER_TEXT, break_glass.reason),
	OF(overview_slot, "breakGlassUid", MEMBER_U32, break_glass.uid),
	SLOT_MEMBERS,
	{0},
};

const struct member overview_layer_members[] = {
	OF(overview_slot, "layer", MEMBER_TEXT, name),
	OF(overview_slot, "versions", MEMBER_U64, kept_count),
	OF(overview_slot, "newestVersion", MEMBER_U64, release),
	OF(overview_slot, "publishedAt", MEMBER_TIME, since_s),
	OF(overview_slot, "publishedByUid", MEMBER_U32, by_uid),
	OF(overview_slot, "publishedByCommand", MEMBER_TEXT, by_command),
	OF(overview_slot, "usedBy", MEMBER_WORDS, layers),
	SLOT_MEMBERS,
	{0},
};

const struct member overview_config_members[] = {
	OF(overview_config, "name", MEMBER_TEXT, name),
	OF(overview_config, "description", MEMBER_TEXT, description),
	OF(overview_config, "mismatch", MEMBER_TEXT, mismatch),
	OF(overview_config, "expiry", MEMBER_TEXT, expiry),
	OF(overview_config, "revocation", MEMBER_TEXT, revocation),
	OF(overview_config, "onLoad", MEMBER_TEXT, on_load),
	OF(overview_config, "functionCount", MEMBER_U64, function_count),
	{0},
};

const struct member overview_account_members[] = {
	OF(overview_account, "account", MEMBER_TEXT, id),
	OF(overview_account, "certificateSubject", MEMBER_TEXT, certificate_subject),
	OF(overview_account, "certificateExpiresAt", MEMBER_TIME, certificate_expires_at_s),
	OF(overview_account, "revocationsRequired", MEMBER_BOOL, list_required),
	OF(overview_account, "listState", MEMBER_TEXT, list_state),
	OF(overview_account, "listDetail", MEMBER_TEXT, list_detail),
	OF(overview_account, "listSequence", MEMBER_U64, list_sequence),
	OF(overview_account, "listIssuedAt", MEMBER_TIME, list_issued_at_s),
	OF(overview_account, "listNextUpdate", MEMBER_TIME, list_next_update_s),
	{0},
};

const struct member overview_policy_members[] = {
	OF(overview_policy, "state", MEMBER_TEXT, state),
	OF(overview_policy, "detail", MEMBER_TEXT, detail),
	OF(overview_policy, "sequence", MEMBER_U64, sequence),
	OF(overview_policy, "highestSequence", MEMBER_U64, highest_sequence),
	OF(overview_policy, "description", MEMBER_TEXT, description),
	OF(overview_policy, "treeSha256", MEMBER_TEXT, tree_sha256),
	OF(overview_policy, "profileVersionArn", MEMBER_TEXT, profile_version_arn),
	OF(overview_policy, "signedAt", MEMBER_TIME, signed_at_s),
	OF(overview_policy, "expiresAt", MEMBER_TIME, expires_at_s),
	OF(overview_policy, "appliedAt", MEMBER_TIME, applied_at_s),
	OF(overview_policy, "appliedByUid", MEMBER_U32, applied_by_uid),
	OF(overview_policy, "alarm", MEMBER_TEXT, alarm),
	OF(overview_policy, "alarmDetail", MEMBER_TEXT, alarm_detail),
	OF(overview_policy, "rollbackReason", MEMBER_TEXT, rollback_reason),
	OF(overview_policy, "rollbackUid", MEMBER_U32, rollback_by_uid),
	OF(overview_policy, "driftCheckedAt", MEMBER_TIME, drift_checked_at_s),
	OF(overview_policy, "driftCount", MEMBER_U64, drift_count),
	OF(overview_policy, "source", MEMBER_TEXT, source),
	OF(overview_policy, "pollIntervalSeconds", MEMBER_U64, poll_interval_s),
	OF(overview_policy, "fetchedAt", MEMBER_TIME, fetched_at_s),
	OF(overview_policy, "fetchError", MEMBER_TEXT, fetch_error),
	ATTEMPT_MEMBERS(overview_policy),
	{0},
};

const struct member overview_drift_members[] = {
	OF(overview_policy, "bundle", MEMBER_U64, drift_by_kind[OVERVIEW_DRIFT_BUNDLE]),
	OF(overview_policy, "local", MEMBER_U64, drift_by_kind[OVERVIEW_DRIFT_LOCAL]),
	OF(overview_policy, "config", MEMBER_U64, drift_by_kind[OVERVIEW_DRIFT_CONFIG]),
	OF(overview_policy, "trust", MEMBER_U64, drift_by_kind[OVERVIEW_DRIFT_TRUST]),
	OF(overview_policy, "revocations", MEMBER_U64, drift_by_kind[OVERVIEW_DRIFT_REVOCATIONS]),
	OF(overview_policy, "slot", MEMBER_U64, drift_by_kind[OVERVIEW_DRIFT_SLOT]),
	OF(overview_policy, "unit", MEMBER_U64, drift_by_kind[OVERVIEW_DRIFT_UNIT]),
	{0},
};

const char *overview_drift_name(enum overview_drift kind)
{
	ASSERT((size_t)kind < OVERVIEW_DRIFT_KINDS);
	return overview_drift_members[kind].key;
}
