/*
 * render_record.c - a decision as it is kept with a release: "key: value" lines, and release.json made of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "gate/gate.h"

/* A line of a record, unless its value is empty; keeps the first failure. */
static void put(struct buf *out, int *error, const char *key, const char *value)
{
	if (value[0] == '\0' || *error < 0)
		return;
	*error = buf_printf(out, "%s: %s\n", key, value);
}

static void put_number(struct buf *out, int *error, const char *key, uint64_t value)
{
	if (*error == 0)
		*error = buf_printf(out, "%s: %llu\n", key, (unsigned long long)value);
}

static void put_time(struct buf *out, int *error, const char *key, int64_t at_s)
{
	char at[CLOCK_UTC_SIZE];
	clock_format_utc(at_s, at);
	put(out, error, key, at);
}

static void put_statement(struct buf *out, int *error, const struct signature_facts *s)
{
	char text[ARN_TEXT_SIZE];
	if (s->form != SIGNATURE_NATIVE || s->integrity != SIGNATURE_GOOD)
		return;
	arn_print_profile(&s->statement.profile_version, text);
	put(out, error, "profile-version-arn", text);
	arn_print_job(&s->statement.job, text);
	put(out, error, "job-arn", text);
	text_hex(s->statement.sha384, sizeof(s->statement.sha384), text);
	put(out, error, "sha384", text);
	put_time(out, error, "signed-at", s->statement.signed_at_s);
	put_time(out, error, "expires-at", s->statement.expires_at_s);
	if (s->timestamp == SIGNATURE_GOOD)
		put_time(out, error, "timestamped-at", s->timestamp_s);
}

static void put_checks(struct buf *out, int *error, const struct policy_verdict *verdict)
{
	for (enum policy_check check = POLICY_INTEGRITY; check < POLICY_CHECK_COUNT; check++) {
		char key[32];
		(void)snprintf(key, sizeof(key), "check-%s", policy_check_name(check));
		put(out, error, key, policy_state_word(verdict->checks[check].state));
	}
}

/* "layer-1: tools:3" and what follows; 1 is the lowest. */
static void put_layer_line(struct buf *out, int *error, size_t number, const char *key, const char *value)
{
	char name[64];
	(void)snprintf(name, sizeof(name), "layer-%zu%s", number, key);
	put(out, error, name, value);
}

static void put_layers(struct buf *out, int *error, const struct gate_decision *decision)
{
	for (size_t i = 0; i < decision->layer_count; i++) {
		const struct gate_layer *layer = &decision->layers[i];
		const struct signature_facts *s = &layer->facts;
		char name[GATE_LAYER_NAME_SIZE], hex[CRYPTO_SHA256_HEX_SIZE], arn[ARN_TEXT_SIZE];
		gate_print_layer(layer->name, layer->version, name);
		put_layer_line(out, error, i + 1, "", name);
		put_layer_line(out, error, i + 1, "-outcome", policy_outcome_name(layer->verdict.outcome));
		if (layer->verdict.reason != POLICY_REASON_NONE)
			put_layer_line(out, error, i + 1, "-reason", policy_reason_info(layer->verdict.reason)->code);
		put_layer_line(out, error, i + 1, "-detail", layer->verdict.detail);
		text_hex(layer->tree_sha256, sizeof(layer->tree_sha256), hex);
		put_layer_line(out, error, i + 1, "-tree-sha256", hex);
		if (s->form != SIGNATURE_NATIVE || s->integrity != SIGNATURE_GOOD)
			continue;
		arn_print_profile(&s->statement.profile_version, arn);
		put_layer_line(out, error, i + 1, "-profile-version-arn", arn);
		arn_print_job(&s->statement.job, arn);
		put_layer_line(out, error, i + 1, "-job-arn", arn);
	}
}

static void put_who(struct buf *out, int *error, const struct audit_who *who)
{
	char command[4 * sizeof(who->command) + 1];
	if (!who)
		return;
	text_escape_print(command, sizeof(command), who->command, strnlen(who->command, sizeof(who->command)));
	put_number(out, error, "by-uid", who->uid);
	put_number(out, error, "by-gid", who->gid);
	put_number(out, error, "by-pid", (uint64_t)who->pid);
	put(out, error, "by-command", command);
}

static void put_break_glass(struct buf *out, int *error, const struct gate_break_glass *glass)
{
	char reason[2 * sizeof(glass->reason)]; /* printable, so at most each is a backslash */
	if (glass->seq == 0)
		return;
	put_number(out, error, "break-glass", glass->seq);
	put_time(out, error, "break-glass-until", glass->until_s);
	put_number(out, error, "break-glass-uid", glass->uid);
	text_escape_print(reason, sizeof(reason), glass->reason, strlen(glass->reason));
	put(out, error, "break-glass-reason", reason);
}

int gate_render_record(const struct gate_deployment *deployment, const struct gate_decision *decision, struct buf *ret)
{
	const struct policy_verdict *verdict = &decision->verdict;
	const char *name = deployment->artifact_name ? deployment->artifact_name : "";
	char hex[CRYPTO_SHA256_HEX_SIZE], artifact[4 * LIMIT_NAME_BYTES + 1];
	text_hex(decision->tree_sha256, sizeof(decision->tree_sha256), hex);
	text_escape_print(artifact, sizeof(artifact), name, strlen(name));

	int error = 0;
	put(ret, &error, "outcome", policy_outcome_name(verdict->outcome));
	if (verdict->reason != POLICY_REASON_NONE)
		put(ret, &error, "reason", policy_reason_info(verdict->reason)->code);
	put(ret, &error, "unchecked", verdict->unchecked ? "yes" : "no");
	put(ret, &error, "detail", verdict->detail);
	put(ret, &error, "remedy", verdict->remedy);
	put_checks(ret, &error, verdict);
	put(ret, &error, "config", decision->config_name);
	put(ret, &error, "config-sha256", decision->config_sha256);
	put(ret, &error, "artifact", artifact);
	if (deployment->rollback_to > 0)
		put_number(ret, &error, "rollback-to", deployment->rollback_to);
	put_number(ret, &error, "size", decision->size_bytes);
	put_number(ret, &error, "length", decision->length_bytes);
	put(ret, &error, "tree-sha256", decision->length_bytes > 0 ? hex : "");
	put_statement(ret, &error, &decision->facts);
	put_layers(ret, &error, decision);
	put_break_glass(ret, &error, &decision->break_glass);
	put_time(ret, &error, "decided-at", decision->decided_at_s);
	put_who(ret, &error, deployment->who);
	if (error == 0 && deployment->about)
		error = buf_puts(ret, deployment->about);
	return error;
}

/* ---- release.json ---- */

/* What a release record says under a key, as a member of the JSON; absent values are left out. */
static void copy_text(struct json *j, const char *json_key, const char *record, const char *key)
{
	char *value = text_record_get(record, strlen(record), key);
	if (value)
		json_text(j, json_key, value);
	free(value);
}

/* A "yes" or "no"; what is neither counts as no check at all. */
static void copy_flag(struct json *j, const char *json_key, const char *record, const char *key)
{
	char *value = text_record_get(record, strlen(record), key);
	json_bool(j, json_key, !value || strcmp(value, "no") != 0);
	free(value);
}

static void copy_number(struct json *j, const char *json_key, const char *record, const char *key)
{
	uint64_t value;
	if (text_record_get_u64(record, strlen(record), key, &value))
		json_u64(j, json_key, value);
}

static void copy_checks(struct json *j, const char *record)
{
	json_object(j, "checks");
	for (enum policy_check check = POLICY_INTEGRITY; check < POLICY_CHECK_COUNT; check++) {
		char key[32];
		(void)snprintf(key, sizeof(key), "check-%s", policy_check_name(check));
		copy_text(j, policy_check_name(check), record, key);
	}
	json_close(j);
}

static void copy_signature(struct json *j, const char *record)
{
	static const char *const members[][2] = {
		{"profileVersionArn", "profile-version-arn"},
		{"jobArn", "job-arn"},
		{"sha384", "sha384"},
		{"signedAt", "signed-at"},
		{"expiresAt", "expires-at"},
		{"timestampedAt", "timestamped-at"},
	};
	char *signer = text_record_get(record, strlen(record), "profile-version-arn");
	if (!signer) {
		json_text(j, "signature", NULL);
		return;
	}
	free(signer);
	json_object(j, "signature");
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		copy_text(j, members[i][0], record, members[i][1]);
	json_close(j);
}

/* null of what passed without one. */
static void copy_break_glass(struct json *j, const char *record)
{
	char *reason = text_record_get(record, strlen(record), "break-glass-reason");
	size_t len = reason ? strlen(reason) : 0;
	if (!reason) {
		json_text(j, "breakGlass", NULL);
		return;
	}
	json_object(j, "breakGlass");
	copy_number(j, "event", record, "break-glass");
	copy_text(j, "until", record, "break-glass-until");
	copy_number(j, "uid", record, "break-glass-uid");
	if (text_unescape_print(reason, len, reason, len + 1, &len))
		json_text_n(j, "reason", reason, len);
	json_close(j);
	free(reason);
}

static void copy_layer(struct json *j, const struct store_layer *layer, size_t number, const char *record)
{
	static const char *const members[][2] = {
		{"outcome", "outcome"}, {"reason", "reason"},
		{"detail", "detail"},	{"profileVersionArn", "profile-version-arn"},
		{"jobArn", "job-arn"},
	};
	char hex[CRYPTO_SHA256_HEX_SIZE], key[64];
	text_hex(layer->digest, sizeof(layer->digest), hex);
	json_object(j, NULL);
	json_text(j, "layer", layer->layer);
	json_u64(j, "version", layer->version);
	json_u64(j, "length", layer->length_bytes);
	json_text(j, "treeSha256", hex);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		(void)snprintf(key, sizeof(key), "layer-%zu-%s", number, members[i][1]);
		copy_text(j, members[i][0], record, key);
	}
	json_close(j);
}

static void copy_layers(struct json *j, const struct store_release *release, const char *record)
{
	json_array(j, "layers");
	for (size_t i = 0; i < release->layer_count; i++)
		copy_layer(j, &release->layers[i], i + 1, record);
	json_close(j);
}

int gate_render_release_json(const char *function, const struct store_release *release, struct buf *ret)
{
	struct json j = {.out = ret, .pretty = true};
	const char *record = release->decision ? release->decision : "";
	char hex[CRYPTO_SHA256_HEX_SIZE], at[CLOCK_UTC_SIZE];
	uint64_t by_uid = release->uid;
	(void)text_record_get_u64(record, strlen(record), "by-uid", &by_uid);
	text_hex(release->digest, sizeof(release->digest), hex);
	clock_format_utc(release->created_at_s, at);

	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	json_text(&j, "function", function);
	json_u64(&j, "release", release->number);
	json_text(&j, "artifact", release->artifact_name);
	json_u64(&j, "length", release->length_bytes);
	json_text(&j, "treeSha256", hex);
	json_text(&j, "releasedAt", at);
	copy_number(&j, "rollbackTo", record, "rollback-to");
	copy_text(&j, "outcome", record, "outcome");
	copy_text(&j, "reason", record, "reason");
	copy_flag(&j, "unchecked", record, "unchecked");
	copy_text(&j, "detail", record, "detail");
	copy_text(&j, "config", record, "config");
	copy_text(&j, "configSha256", record, "config-sha256");
	copy_checks(&j, record);
	copy_signature(&j, record);
	copy_layers(&j, release, record);
	copy_break_glass(&j, record);
	copy_text(&j, "decidedAt", record, "decided-at");
	json_object(&j, "by");
	json_u64(&j, "uid", by_uid);
	copy_text(&j, "command", record, "by-command");
	json_close(&j);
	json_close(&j);
	int r = json_end(&j);
	return r < 0 ? r : buf_putc(ret, '\n');
}
