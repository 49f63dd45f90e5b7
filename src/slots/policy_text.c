/* What .vouchfs shows of the policy bundle in force, and of where bundles come from: lines. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
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
	static const char *const states[] = {[GOVERNED_LOST] = OVERVIEW_POLICY_LOST,
					     [GOVERNED_NONE] = OVERVIEW_POLICY_NONE,
					     [GOVERNED_IN_FORCE] = OVERVIEW_POLICY_IN_FORCE};
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
