/* What .vouchfs shows of policy bundles: the one in force as lines, those that are kept as a table and as JSON. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "config/policy.h"
#include "internal.h"

/* ---- lines ---- */

/* They keep the first failure; what is empty, and times and numbers that are 0, are left out. */
struct lines {
	struct buf *out;
	int error;
};

static void put(struct lines *lines, const char *key, const char *value)
{
	if (lines->error == 0 && value && value[0])
		lines->error = buf_printf(lines->out, "%s: %s\n", key, value);
}

/* Text from outside. */
static void put_escaped(struct lines *lines, const char *key, const char *value)
{
	char shown[2048];
	if (!value)
		return;
	text_escape_print(shown, sizeof(shown), value, strlen(value));
	put(lines, key, shown);
}

static void put_number(struct lines *lines, const char *key, uint64_t value)
{
	if (lines->error == 0 && value > 0)
		lines->error = buf_printf(lines->out, "%s: %" PRIu64 "\n", key, value);
}

static void put_uid(struct lines *lines, const char *key, uint32_t uid)
{
	if (lines->error == 0)
		lines->error = buf_printf(lines->out, "%s: %" PRIu32 "\n", key, uid);
}

static void put_time(struct lines *lines, const char *key, int64_t at_s)
{
	char at[CLOCK_UTC_SIZE];
	if (at_s == 0)
		return;
	clock_format_utc(at_s, at);
	put(lines, key, at);
}

static void put_words(struct lines *lines, const char *key, char *const *words, size_t count)
{
	struct buf all = {0};
	int r = 0;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = buf_printf(&all, "%s%s", i > 0 ? " " : "", words[i]);
	if (r < 0)
		lines->error = lines->error < 0 ? lines->error : r;
	else if (count > 0)
		put_escaped(lines, key, all.data);
	buf_done(&all);
}

/* ---- where bundles come from ---- */

static void put_source(struct lines *lines, struct slots *slots, const struct config_policy *policy)
{
	char error[sizeof(slots->fetch_error)];
	lock_take(&slots->lock);
	int64_t fetched_at_s = slots->fetched_at_s;
	uint64_t attempts = slots->fetch_attempts;
	memcpy(error, slots->fetch_error, sizeof(error));
	lock_drop(&slots->lock);
	put_escaped(lines, "source", policy->source);
	if (policy->source)
		put_number(lines, "poll-interval-s", policy->poll_interval_s);
	if (policy->source)
		put_number(lines, "fetch-attempts", attempts);
	put_time(lines, "fetched-at", fetched_at_s);
	put(lines, "fetch-error", error);
}

int policy_render_source(struct slots *slots, struct buf *ret)
{
	struct lines lines = {.out = ret};
	struct trust *trust = slots_trust(slots);
	put_source(&lines, slots, &trust->config->policy);
	trust_unref(trust);
	return lines.error;
}

/* ---- the host and its bundle ---- */

static void put_host(struct lines *lines, const struct config_policy *policy)
{
	char arn[ARN_TEXT_SIZE];
	struct buf all = {0};
	int r = 0;
	for (size_t i = 0; r == 0 && i < policy->publisher_count; i++) {
		arn_print_profile(&policy->publishers[i], arn);
		r = buf_printf(&all, "%s%s", i > 0 ? " " : "", arn);
	}
	put_escaped(lines, "host", policy->host);
	put_words(lines, "labels", policy->labels, policy->label_count);
	put(lines, "publishers", all.data);
	if (lines->error == 0)
		lines->error = r;
	buf_done(&all);
}

static void put_terms(struct lines *lines, const struct config_terms *terms)
{
	put_escaped(lines, "description", terms->description);
	put_words(lines, "for-hosts", terms->hosts, terms->host_count);
	put_words(lines, "for-labels", terms->labels, terms->label_count);
	put(lines, "local", terms->local == CONFIG_LOCAL_REPORT ? "report" : "refuse");
	put(lines, "remediate", terms->remediate ? "yes" : "no");
}

static void put_alarm(struct lines *lines, const struct governed *g)
{
	if (g->alarm == POLICY_REASON_NONE)
		return;
	put(lines, "alarm", policy_reason_info(g->alarm)->code);
	put(lines, "alarm-detail", g->alarm_why.text);
}

static void put_bundle(struct lines *lines, const struct governed *g)
{
	char text[ARN_TEXT_SIZE];
	put_number(lines, "release", g->release);
	put_escaped(lines, "artifact", g->artifact_name);
	text_hex(g->tree_sha256, sizeof(g->tree_sha256), text);
	put(lines, "tree-sha256", text);
	arn_print_profile(&g->profile_version, text);
	put(lines, "profile-version-arn", text);
	arn_print_job(&g->job, text);
	put(lines, "job-arn", text);
	put_time(lines, "signed-at", g->signed_at_s);
	put_time(lines, "expires-at", g->expires_at_s);
	put_time(lines, "applied-at", g->applied_at_s);
	put_uid(lines, "applied-by-uid", g->applied_by_uid);
	put_alarm(lines, g);
	if (!g->is_rolled_back)
		return;
	put_escaped(lines, "rollback-reason", g->rollback_reason);
	put_uid(lines, "rollback-by-uid", g->rollback_by_uid);
}

static void put_sections(struct lines *lines, const struct config *config)
{
	put_number(lines, "functions", config->function_count);
	put_number(lines, "layers", config->layer_count);
	put_number(lines, "code-signing-configs", config->code_signing_count);
	put_number(lines, "accounts", config->account_count);
	put_number(lines, "principals", config->principal_count);
	put_number(lines, "overrides", config->override_count);
}

int policy_render_status(struct slots *slots, struct buf *ret)
{
	static const char *const states[] = {
		[GOVERNED_LOST] = "lost", [GOVERNED_NONE] = "none", [GOVERNED_IN_FORCE] = "in force"};
	struct lines lines = {.out = ret};
	struct trust *trust = slots_trust(slots);
	const struct governed *g = trust->governed;
	enum governed_state state = g ? g->state : GOVERNED_NONE;
	put(&lines, "state", states[state]);
	if (state == GOVERNED_LOST)
		put(&lines, "detail", g->why.text);
	put_number(&lines, "sequence", state == GOVERNED_IN_FORCE ? g->sequence : 0);
	put_number(&lines, "highest-sequence", g ? g->highest_sequence : 0);
	if (state == GOVERNED_IN_FORCE && trust->config->terms)
		put_terms(&lines, trust->config->terms);
	if (state == GOVERNED_IN_FORCE)
		put_bundle(&lines, g);
	put_sections(&lines, trust->config);
	put_host(&lines, &trust->config->policy);
	put_source(&lines, slots, &trust->config->policy);
	trust_unref(trust);
	return lines.error;
}

/* ---- history ---- */

/* One that is kept; what its record says, NULL where it does not. */
struct row {
	const struct store_release *release;
	bool is_current;
	uint64_t sequence;
	uint64_t uid;
	char since[CLOCK_UTC_SIZE];
	char *profile;
	char *job;
	char *signed_at;
	char *expires_at;
	char *command;
	char *rollback_reason;
};

static void row_done(struct row *row)
{
	free(row->profile);
	free(row->job);
	free(row->signed_at);
	free(row->expires_at);
	free(row->command);
	free(row->rollback_reason);
}

static void read_row(const struct release *release, bool is_current, struct row *ret)
{
	const char *record = release->record->decision ? release->record->decision : "";
	size_t len = strlen(record);
	*ret = (struct row){
		.release = release->record,
		.is_current = is_current,
		.uid = release->record->uid,
		.profile = text_record_get(record, len, "profile-version-arn"),
		.job = text_record_get(record, len, "job-arn"),
		.signed_at = text_record_get(record, len, "signed-at"),
		.expires_at = text_record_get(record, len, "expires-at"),
		.command = text_record_get(record, len, "by-command"),
		.rollback_reason = text_record_get(record, len, POLICY_RECORD_ROLLBACK_REASON),
	};
	(void)text_record_get_u64(record, len, POLICY_RECORD_SEQUENCE, &ret->sequence);
	(void)text_record_get_u64(record, len, "by-uid", &ret->uid);
	clock_format_utc(release->record->created_at_s, ret->since);
}

static int put_row(const struct row *row, struct buf *ret)
{
	char artifact[4 * LIMIT_NAME_BYTES + 1];
	const char *tail = row->profile ? strstr(row->profile, ":/signing-profiles/") : NULL;
	text_escape_print(artifact, sizeof(artifact), row->release->artifact_name, strlen(row->release->artifact_name));
	int r = buf_printf(ret, "%c %7" PRIu64 "  %s  %-15s  %s, signed until %s  uid %" PRIu64 " (%s)\n",
			   row->is_current ? '*' : ' ', row->sequence, row->since, artifact,
			   tail ? tail + strlen(":/signing-profiles/") : "-", row->expires_at ? row->expires_at : "-",
			   row->uid, row->command ? row->command : "-");
	if (r == 0 && row->rollback_reason)
		r = buf_printf(ret, "  %7s  rolled back to: %s\n", "", row->rollback_reason);
	return r;
}

static void put_row_json(struct json *j, const struct row *row)
{
	char hex[CRYPTO_SHA256_HEX_SIZE];
	text_hex(row->release->digest, sizeof(row->release->digest), hex);
	json_object(j, NULL);
	json_u64(j, "sequence", row->sequence);
	json_u64(j, "release", row->release->number);
	json_text(j, "since", row->since);
	json_bool(j, "current", row->is_current);
	json_text(j, "artifact", row->release->artifact_name);
	json_text(j, "treeSha256", hex);
	json_text(j, "profileVersionArn", row->profile);
	json_text(j, "jobArn", row->job);
	json_text(j, "signedAt", row->signed_at);
	json_text(j, "expiresAt", row->expires_at);
	json_object(j, "by");
	json_u64(j, "uid", row->uid);
	json_text(j, "command", row->command);
	json_close(j);
	json_bool(j, "rolledBack", row->rollback_reason != NULL);
	json_text(j, "rollbackReason", row->rollback_reason);
	json_close(j);
}

/* Releases that are listed, with references, the oldest first. */
struct kept {
	struct release **all;
	size_t count;
	const struct release *current; /* only compared */
};

static int collect(struct slots *slots, struct kept *ret)
{
	const struct slot *slot = slots->policy;
	lock_take(&slots->lock);
	*ret = (struct kept){.count = slot->listed_count, .current = slot->current};
	ret->all = calloc(ret->count + 1, sizeof(struct release *));
	for (size_t i = 0; ret->all && i < ret->count; i++)
		ret->all[i] = release_ref_locked(slot->listed[i]);
	lock_drop(&slots->lock);
	return ret->all ? 0 : -ENOMEM;
}

static void kept_done(struct kept *kept)
{
	for (size_t i = 0; kept->all && i < kept->count; i++)
		release_put(kept->all[i]);
	free(kept->all);
}

static int render_text(const struct kept *kept, uint64_t sequence, struct buf *ret)
{
	int r = kept->count == 0 ? buf_puts(ret, "policy: no bundle has come yet\n")
				 : buf_printf(ret, "policy: %zu bundle%s kept, sequence %" PRIu64 " is in force\n",
					      kept->count, kept->count == 1 ? " is" : "s are", sequence);
	for (size_t i = kept->count; r == 0 && i-- > 0;) {
		struct row row;
		read_row(kept->all[i], kept->all[i] == kept->current, &row);
		r = put_row(&row, ret);
		row_done(&row);
	}
	return r;
}

static int render_json(const struct kept *kept, uint64_t sequence, struct buf *ret)
{
	struct json j = {.out = ret, .pretty = true};
	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	if (sequence > 0)
		json_u64(&j, "current", sequence);
	else
		json_text(&j, "current", NULL);
	json_array(&j, "bundles");
	for (size_t i = kept->count; i-- > 0;) {
		struct row row;
		read_row(kept->all[i], kept->all[i] == kept->current, &row);
		put_row_json(&j, &row);
		row_done(&row);
	}
	json_close(&j);
	json_close(&j);
	int r = json_end(&j);
	return r == 0 ? buf_putc(ret, '\n') : r;
}

int policy_render_history(struct slots *slots, bool json, struct buf *ret)
{
	struct kept kept;
	struct trust *trust = slots_trust(slots);
	const struct governed *g = trust->governed;
	uint64_t sequence = g && g->state == GOVERNED_IN_FORCE ? g->sequence : 0;
	int r = collect(slots, &kept);
	if (r == 0)
		r = json ? render_json(&kept, sequence, ret) : render_text(&kept, sequence, ret);
	kept_done(&kept);
	trust_unref(trust);
	return r;
}
