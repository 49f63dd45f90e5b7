/* A record whole. Of a decision a decision is made again, so that it reads as `.vouchfs/why` does: by the same code. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "gate/gate.h"
#include "overview/event.h"

static void copy(char *ret, size_t size, const char *text)
{
	(void)snprintf(ret, size, "%s", text ? text : "");
}

static bool is(const char *text, const char *word)
{
	return text && strcmp(text, word) == 0;
}

/* ---- back to what was recorded ---- */

/* Several reasons share a code; their titles differ. */
static enum policy_reason reason_of(const struct event *event)
{
	size_t count;
	const struct policy_reason_info *reasons = policy_reasons(&count);
	enum policy_reason found = POLICY_REASON_NONE;
	for (size_t i = 0; event->reason && i < count; i++) {
		if (strcmp(reasons[i].code, event->reason) != 0)
			continue;
		if (found == POLICY_REASON_NONE || is(event->title, reasons[i].title))
			found = reasons[i].reason;
	}
	return found;
}

static enum policy_outcome outcome_of(const struct event *event)
{
	if (is(event->outcome, policy_outcome_name(POLICY_ACCEPTED)))
		return POLICY_ACCEPTED;
	return is(event->outcome, policy_outcome_name(POLICY_WARNED)) ? POLICY_WARNED : POLICY_REFUSED;
}

static enum policy_state state_of(const struct event_check *check)
{
	for (enum policy_state state = POLICY_NOT_REACHED; state <= POLICY_NOT_APPLICABLE; state++)
		if (is(check->state, policy_state_word(state)))
			return state;
	return POLICY_NOT_REACHED;
}

static enum config_mode mode_of(const struct event_check *check)
{
	static const enum config_mode modes[] = {CONFIG_IGNORE, CONFIG_WARN};
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (is(check->mode, config_mode_name(modes[i])))
			return modes[i];
	return CONFIG_ENFORCE;
}

static void take_verdict(const struct event *event, struct policy_verdict *ret)
{
	ret->outcome = outcome_of(event);
	ret->reason = reason_of(event);
	ret->unchecked = event->unchecked;
	copy(ret->detail, sizeof(ret->detail), event->detail);
	copy(ret->remedy, sizeof(ret->remedy), event->remedy);
	for (size_t i = 0; i < POLICY_CHECK_COUNT; i++) {
		struct policy_check_result *check = &ret->checks[i];
		check->state = state_of(&event->checks[i]);
		check->mode = mode_of(&event->checks[i]);
		copy(check->expected, sizeof(check->expected), event->checks[i].expected);
		copy(check->found, sizeof(check->found), event->checks[i].found);
	}
}

static void take_statement(const struct event *event, struct signature_facts *ret)
{
	const char *profile = event->profile_version_arn, *job = event->job_arn;
	if (!profile || !arn_parse_profile_version(profile, strlen(profile), &ret->statement.profile_version) || !job ||
	    !arn_parse_job(job, strlen(job), &ret->statement.job))
		return;
	ret->form = SIGNATURE_NATIVE;
	ret->integrity = SIGNATURE_GOOD;
	ret->statement.signed_at_s = event->signed_at_s;
	ret->statement.expires_at_s = event->expires_at_s;
	ret->timestamp_s = event->timestamped_at_s;
	ret->timestamp = event->timestamped_at_s > 0 ? SIGNATURE_GOOD : SIGNATURE_UNKNOWN;
}

static void take_decision(const struct event *event, struct gate_decision *ret)
{
	take_verdict(event, &ret->verdict);
	take_statement(event, &ret->facts);
	const char *digest = event->tree_sha256;
	if (digest && text_unhex(digest, strlen(digest), ret->tree_sha256, sizeof(ret->tree_sha256)))
		ret->length_bytes = 1; /* there was one */
	ret->decided_at_s = event->at_s;
	ret->event = event->seq;
	copy(ret->config_name, sizeof(ret->config_name), event->config);
}

/* As the store names it. */
static void take_slot(const struct event *event, char ret[STORE_SLOT_PATH_SIZE])
{
	static const char functions[] = "functions/", layers[] = "layers/";
	const char *slot = event->slot ? event->slot : "";
	if (strcmp(slot, "policy") == 0)
		copy(ret, STORE_SLOT_PATH_SIZE, STORE_POLICY_SLOT);
	else if (text_starts_with(slot, layers))
		(void)snprintf(ret, STORE_SLOT_PATH_SIZE, STORE_LAYER_PREFIX "%s", slot + strlen(layers));
	else
		copy(ret, STORE_SLOT_PATH_SIZE, text_starts_with(slot, functions) ? slot + strlen(functions) : slot);
}

static void take_who(const struct event *event, struct audit_who *ret)
{
	*ret = (struct audit_who){.uid = event->uid, .gid = event->gid, .pid = (pid_t)event->pid};
	copy(ret->command, sizeof(ret->command), event->command);
}

/* ---- rows ---- */

/* The first line of it; nothing of nothing. */
static int put_row(struct buf *ret, const char *label, const char *text)
{
	return text ? buf_printf(ret, "  %-16s  %.*s\n", label, (int)strcspn(text, "\n"), text) : 0;
}

static int put_decision(const struct event *event, struct buf *ret)
{
	char slot[STORE_SLOT_PATH_SIZE];
	struct audit_who who;
	struct gate_decision *decision = calloc(1, sizeof(*decision));
	if (!decision)
		return -ENOMEM;
	take_decision(event, decision);
	take_slot(event, slot);
	take_who(event, &who);
	const struct gate_deployment deployment = {
		.function = slot,
		.artifact_name = event->artifact,
		.who = event->has_who ? &who : NULL,
		.rollback_to = event->rollback_to,
	};
	int r = gate_render_why(&deployment, decision, event->kept_release, ret);
	free(decision);
	return r == 0 ? put_row(ret, "layers", event->layers) : r;
}

static int put_head(const struct event *event, struct buf *ret)
{
	const struct {
		const char *key;
		const char *text;
	} words[] = {{"slot", event->slot}, {"artifact", event->artifact}, {"config", event->config}};
	int r = buf_printf(ret, "%s%s%s", event->kind, event->reason ? " " : "", event->reason ? event->reason : "");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(words); i++) {
		char shown[4 * LIMIT_NAME_BYTES + 1];
		if (words[i].text)
			r = buf_printf(ret, "  %s=%s", words[i].key,
				       text_escape_print(shown, sizeof(shown), words[i].text, strlen(words[i].text)));
	}
	if (r == 0 && event->release > 0)
		r = buf_printf(ret, "  release=%" PRIu64, event->release);
	return r == 0 ? buf_putc(ret, '\n') : r;
}

static int put_checks(const struct event *event, struct buf *ret)
{
	struct policy_verdict *verdict = calloc(1, sizeof(*verdict));
	if (!verdict)
		return -ENOMEM;
	take_verdict(event, verdict);
	int r = gate_render_checks(verdict, ret);
	free(verdict);
	return r;
}

static int put_by(const struct event *event, struct buf *ret)
{
	char at[CLOCK_UTC_SIZE], by[256];
	clock_format_utc(event->at_s, at);
	if (!event->has_who)
		return put_row(ret, "at", at);
	(void)snprintf(by, sizeof(by), "uid %" PRIu32 " gid %" PRIu32 " pid %" PRId64 " %s  at %s", event->uid,
		       event->gid, event->pid, event->command ? event->command : "", at);
	return put_row(ret, "by", by);
}

/* Everything that is no deployment. */
static int put_other(const struct event *event, struct buf *ret)
{
	int r = put_head(event, ret);
	if (r == 0 && event->title)
		r = buf_printf(ret, "  %s\n", event->title);
	if (r == 0 && event->has_checks)
		r = put_checks(event, ret);
	if (r == 0)
		r = put_row(ret, "layers", event->layers);
	if (r == 0)
		r = put_row(ret, "detail", event->detail);
	if (r == 0)
		r = put_row(ret, "remedy", event->remedy);
	if (r == 0)
		r = put_row(ret, "errno", event->errno_name);
	if (r == 0)
		r = put_by(event, ret);
	return r == 0 ? buf_printf(ret, "  %-16s  %" PRIu64 "\n", "event", event->seq) : r;
}

/* Nobody knows who wrote what a log says: no byte of it moves a cursor. */
static int put_printable(const struct buf *text, struct buf *ret)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < text->len; i++) {
		unsigned char c = (unsigned char)text->data[i];
		r = (c >= ' ' && c <= '~') || c == '\n' ? buf_putc(ret, (char)c) : buf_printf(ret, "\\x%02x", c);
	}
	return r;
}

int event_print_why(const struct event *event, struct buf *ret)
{
	struct buf text = {0};
	bool is_decision = is(event->kind, audit_event_name(AUDIT_DEPLOYMENT)) ||
			   is(event->kind, audit_event_name(AUDIT_PUBLICATION));
	int r = is_decision && event->outcome ? put_decision(event, &text) : put_other(event, &text);
	if (r == 0)
		r = put_printable(&text, ret);
	buf_done(&text);
	return r;
}
