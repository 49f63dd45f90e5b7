/*
 * record.c - one record as a line of JSON. The longest texts are shortened until it fits: no record is dropped, and
 * none is cut in the middle of its JSON.
 */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "internal.h"

#define TEXT_MAX 1024 /* what a text may have when there is room */

const char *audit_event_name(enum audit_event event)
{
	static const char *const names[] = {
		[AUDIT_START] = "start",
		[AUDIT_STOP] = "stop",
		[AUDIT_RECOVERY] = "recovery",
		[AUDIT_DEPLOYMENT] = "deployment",
		[AUDIT_SWITCH] = "release-switched",
		[AUDIT_UNDEPLOY] = "undeployed",
		[AUDIT_BLOCKED] = "release-blocked",
		[AUDIT_UNBLOCKED] = "release-unblocked",
		[AUDIT_CONFIG_RELOADED] = "config-reloaded",
		[AUDIT_CONFIG_REFUSED] = "config-refused",
		[AUDIT_REVOCATIONS] = "revocation-list",
		[AUDIT_PAGE_CHECK] = "page-check-failed",
		[AUDIT_DEPLOYMENT_FAILED] = "deployment-failed",
		[AUDIT_RELEASE_WARNED] = "release-warned",
		[AUDIT_PUBLICATION] = "layer-publication",
		[AUDIT_VERSION_REMOVED] = "layer-version-removed",
		[AUDIT_PERMISSION_ADDED] = "layer-permission-added",
		[AUDIT_PERMISSION_REMOVED] = "layer-permission-removed",
		[AUDIT_BREAK_GLASS_BEGUN] = "break-glass-begun",
		[AUDIT_BREAK_GLASS_ENDED] = "break-glass-ended",
		[AUDIT_BREAK_GLASS_EXPIRED] = "break-glass-expired",
		[AUDIT_BINDING] = "binding-changed",
		[AUDIT_POLICY_ROLLED_BACK] = "policy-rolled-back",
		[AUDIT_POLICY_ALARM] = "policy-alarm",
		[AUDIT_POLICY_DRIFT] = "policy-drift",
		[AUDIT_POLICY_DRIFT_ENDED] = "policy-drift-ended",
		[AUDIT_POLICY_REMEDIED] = "policy-remedied",
	};
	ASSERT(event > 0 && (size_t)event < ARRAY_SIZE(names) && names[event]);
	return names[event];
}

/* A text of at most max bytes; a longer one ends in "...". NULL is left out. */
static void put_text(struct json *j, const char *key, const char *text, size_t max)
{
	if (!text)
		return;
	size_t len = strlen(text);
	if (len <= max) {
		json_text(j, key, text);
		return;
	}
	char cut[TEXT_MAX + sizeof("...")];
	while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--; /* not in the middle of a character */
	memcpy(cut, text, max);
	memcpy(cut + max, "...", sizeof("..."));
	json_text(j, key, cut);
}

static void put_number(struct json *j, const char *key, uint64_t value)
{
	if (value > 0)
		json_u64(j, key, value);
}

static void put_who(struct json *j, const struct audit_who *who, size_t max)
{
	if (!who)
		return;
	char command[sizeof(who->command) + 1] = "";
	memcpy(command, who->command, strnlen(who->command, sizeof(who->command)));
	json_object(j, "who");
	json_u64(j, "uid", who->uid);
	json_u64(j, "gid", who->gid);
	json_i64(j, "pid", who->pid);
	put_text(j, "command", command, max);
	json_close(j);
}

static void put_check(struct json *j, enum policy_check check, const struct policy_check_result *result, size_t max)
{
	bool failed = result->state == POLICY_FAILED || result->state == POLICY_UNDECIDED;
	json_object(j, NULL);
	json_text(j, "check", policy_check_name(check));
	json_text(j, "state", policy_state_word(result->state));
	if (failed) {
		json_text(j, "reason", policy_reason_info(result->reason)->code);
		json_text(j, "mode", config_mode_name(result->mode));
		put_text(j, "expected", result->expected, max);
	}
	if (result->found[0])
		put_text(j, "found", result->found, max);
	json_close(j);
}

static void put_verdict(struct json *j, const struct policy_verdict *verdict, size_t max)
{
	if (!verdict)
		return;
	json_text(j, "outcome", policy_outcome_name(verdict->outcome));
	if (verdict->unchecked)
		json_bool(j, "unchecked", true);
	if (verdict->reason != POLICY_REASON_NONE) {
		json_text(j, "reason", policy_reason_info(verdict->reason)->code);
		json_text(j, "title", policy_reason_info(verdict->reason)->title);
	}
	json_array(j, "checks");
	for (enum policy_check check = POLICY_INTEGRITY; check < POLICY_CHECK_COUNT; check++)
		put_check(j, check, &verdict->checks[check], max);
	json_close(j);
}

static void put_statement(struct json *j, const struct statement *statement, size_t max)
{
	if (!statement)
		return;
	char arn[ARN_TEXT_SIZE], at[CLOCK_UTC_SIZE];
	arn_print_profile(&statement->profile_version, arn);
	put_text(j, "profileVersionArn", arn, max);
	arn_print_job(&statement->job, arn);
	put_text(j, "jobArn", arn, max);
	clock_format_utc(statement->signed_at_s, at);
	json_text(j, "signedAt", at);
	clock_format_utc(statement->expires_at_s, at);
	json_text(j, "expiresAt", at);
}

static void put_time(struct json *j, const char *key, int64_t at_s)
{
	char at[CLOCK_UTC_SIZE];
	if (at_s <= 0)
		return;
	clock_format_utc(at_s, at);
	json_text(j, key, at);
}

static int render(const struct audit_stamp *stamp, const struct audit_record *record, size_t max, struct buf *ret)
{
	struct json j = {.out = ret};
	char at[CLOCK_UTC_US_SIZE];
	clock_format_utc_us(stamp->at, at);

	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	json_u64(&j, "seq", stamp->seq);
	json_text(&j, "time", at);
	json_text(&j, "boot", stamp->boot);
	json_text(&j, "event", audit_event_name(record->event));
	put_who(&j, record->who, max);
	put_text(&j, "slot", record->slot, max);
	put_text(&j, "artifact", record->artifact, max);
	put_number(&j, "release", record->release);
	put_number(&j, "rollbackTo", record->rollback_to);
	put_number(&j, "kept", record->kept_release);
	put_number(&j, "size", record->size_bytes);
	put_number(&j, "verifiedUs", record->verified_us);
	put_text(&j, "treeSha256", record->tree_sha256, CRYPTO_SHA256_HEX_SIZE);
	put_text(&j, "layers", record->layers, max);
	put_text(&j, "config", record->config, max);
	put_text(&j, "configSha256", record->config_sha256, CRYPTO_SHA256_HEX_SIZE);
	put_verdict(&j, record->verdict, max);
	if (record->is_refused)
		json_text(&j, "outcome", policy_outcome_name(POLICY_REFUSED));
	put_statement(&j, record->statement, max);
	put_time(&j, "timestampedAt", record->timestamp_s);
	put_time(&j, "until", record->until_s);
	put_number(&j, "breakGlass", record->break_glass);
	if (record->errno_given > 0)
		put_text(&j, "errno", strerrorname_np(record->errno_given), max);
	put_text(&j, "detail", record->detail, max);
	if (record->verdict && record->verdict->remedy[0])
		put_text(&j, "remedy", record->verdict->remedy, max);
	json_text(&j, "prev", stamp->prev);
	json_close(&j);
	return json_end(&j);
}

/* Renders with texts of at most max bytes into an emptied buffer; *ret_fits says whether the line may be written. */
static int try_render(const struct audit_stamp *stamp, const struct audit_record *record, size_t max, struct buf *ret,
		      bool *ret_fits)
{
	buf_reset(ret);
	int r = render(stamp, record, max, ret);
	if (r == 0)
		*ret_fits = ret->len <= LIMIT_AUDIT_RECORD_BYTES;
	return r;
}

int audit_render(const struct audit_stamp *stamp, const struct audit_record *record, struct buf *ret)
{
	size_t low = 0, high = TEXT_MAX; /* texts of low bytes fit, those of high bytes may not */
	bool fits = false;

	int r = try_render(stamp, record, high, ret, &fits);
	if (r < 0 || fits)
		return r;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		r = try_render(stamp, record, middle, ret, &fits);
		if (r < 0)
			return r;
		*(fits ? &low : &high) = middle;
	}
	r = try_render(stamp, record, low, ret, &fits);
	ASSERT(r < 0 || fits);
	return r;
}
