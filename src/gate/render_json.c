/*
 * render_json.c - a decision for programs: `verify --json`.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "gate/gate.h"

#define DAY_S 86400

static void put_check(struct json *j, enum policy_check check, const struct policy_check_result *result)
{
	bool failed = result->state == POLICY_FAILED || result->state == POLICY_UNDECIDED;
	json_object(j, NULL);
	json_text(j, "check", policy_check_name(check));
	json_text(j, "state", policy_state_word(result->state));
	json_text(j, "mode", config_mode_name(result->mode));
	if (failed)
		json_text(j, "reason", policy_reason_info(result->reason)->code);
	json_text(j, "expected", result->expected);
	json_text(j, "found", result->found);
	json_close(j);
}

static void put_time(struct json *j, const char *key, int64_t at_s)
{
	char at[CLOCK_UTC_SIZE];
	clock_format_utc(at_s, at);
	json_text(j, key, at);
}

/* Whole days until then; negative when it is over. */
static void put_days_left(struct json *j, int64_t at_s, int64_t now_s)
{
	int64_t left_s = at_s - now_s;
	json_i64(j, "daysLeft", left_s / DAY_S - (left_s % DAY_S < 0));
}

/* The revocation list that the verdict rests on. */
static void put_list(struct json *j, const struct gate_decision *decision)
{
	const struct signature_facts *s = &decision->facts;
	if (s->list_state != SIGNATURE_LIST_READ) {
		json_text(j, "revocationList", NULL);
		return;
	}
	json_object(j, "revocationList");
	json_text(j, "account", s->statement.profile_version.scope.account);
	json_u64(j, "sequence", s->list_sequence);
	put_time(j, "issuedAt", s->list_issued_at_s);
	put_time(j, "nextUpdate", s->list_next_update_s);
	put_days_left(j, s->list_next_update_s, decision->decided_at_s);
	json_close(j);
}

static void put_signature(struct json *j, const struct gate_decision *decision)
{
	const struct signature_facts *s = &decision->facts;
	if (s->form != SIGNATURE_NATIVE || s->integrity != SIGNATURE_GOOD) {
		json_text(j, "signature", NULL);
		return;
	}
	char arn[ARN_TEXT_SIZE], hex[CRYPTO_SHA384_HEX_SIZE];
	json_object(j, "signature");
	arn_print_profile(&s->statement.profile_version, arn);
	json_text(j, "profileVersionArn", arn);
	arn_print_job(&s->statement.job, arn);
	json_text(j, "jobArn", arn);
	put_time(j, "signedAt", s->statement.signed_at_s);
	put_time(j, "expiresAt", s->statement.expires_at_s);
	put_days_left(j, s->statement.expires_at_s, decision->decided_at_s);
	if (s->timestamp == SIGNATURE_GOOD)
		put_time(j, "timestampedAt", s->timestamp_s);
	else
		json_text(j, "timestampedAt", NULL);
	text_hex(s->statement.sha384, sizeof(s->statement.sha384), hex);
	json_text(j, "sha384", hex);
	json_text(j, "certificateSubject", s->signer_subject);
	json_close(j);
}

static void put_verdict(struct json *j, const struct policy_verdict *verdict)
{
	const struct policy_reason_info *info = policy_reason_info(verdict->reason);
	bool objected = verdict->reason != POLICY_REASON_NONE;
	json_text(j, "outcome", policy_outcome_name(verdict->outcome));
	json_text(j, "reason", objected ? info->code : NULL);
	json_text(j, "title", objected ? info->title : NULL);
	json_i64(j, "exitCode", verdict->outcome == POLICY_REFUSED ? info->exit_code : 0);
	json_text(j, "detail", objected ? verdict->detail : NULL);
	json_text(j, "remedy", objected ? verdict->remedy : NULL);
	json_bool(j, "unchecked", verdict->unchecked);
	json_array(j, "checks");
	for (enum policy_check check = POLICY_INTEGRITY; check < POLICY_CHECK_COUNT; check++)
		put_check(j, check, &verdict->checks[check]);
	json_close(j);
}

void gate_put_json(struct json *j, const char *path, const struct gate_decision *decision)
{
	char hex[CRYPTO_SHA256_HEX_SIZE];
	text_hex(decision->tree_sha256, sizeof(decision->tree_sha256), hex);

	json_u64(j, "schema", 1);
	json_text(j, "file", path);
	put_verdict(j, &decision->verdict);
	json_text(j, "config", decision->config_name);
	json_text(j, "configSha256", decision->config_sha256[0] ? decision->config_sha256 : NULL);
	json_u64(j, "size", decision->size_bytes);
	json_u64(j, "length", decision->length_bytes);
	json_text(j, "treeSha256", decision->length_bytes > 0 ? hex : NULL);
	json_bool(j, "contentsChecked", decision->contents_checked);
	put_signature(j, decision);
	put_list(j, decision);
	put_time(j, "decidedAt", decision->decided_at_s);
}
