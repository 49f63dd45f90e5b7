/*
 * render_why.c - a decision for people: which check, expected against found, and what to do.
 *
 *     VF2002 refused  slot=functions/billing  artifact=billing.zip  config=prod
 *       check integrity   ok      307087 bytes as signed
 *       check source      FAILED  signed by arn:...  (Enforce)
 *                                 expected: arn:...
 *       layer tools:3     FAILED  arn:...
 *                                 VF2004 signature revoked: ...
 *       remedy            sign it with an allowed profile: ...
 *       event             1234
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "gate/gate.h"

/* Text that keeps the first failure. */
struct page {
	struct buf *out;
	int error;
};

static void put(struct page *page, const char *format, ...) PRINTF_LIKE(2, 3);
static void put(struct page *page, const char *format, ...)
{
	char text[2048];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	int r = buf_puts(page->out, text);
	if (page->error == 0)
		page->error = r;
}

static void put_row(struct page *page, const char *label, const char *value)
{
	if (value[0])
		put(page, "  %-16s  %s\n", label, value);
}

static void put_verdict(struct page *page, const struct policy_verdict *verdict, bool is_layer)
{
	if (verdict->reason == POLICY_REASON_NONE)
		put(page, "%s", policy_outcome_name(verdict->outcome));
	else
		put(page, "%s %s", policy_reason_info(verdict->reason)->code, policy_outcome_name(verdict->outcome));
	if (verdict->unchecked)
		put(page, is_layer ? " (who signed it is judged when a function attaches it)"
				   : " (signatures are not checked here)");
}

static void put_slot(struct page *page, const struct gate_deployment *deployment, const char *config)
{
	char slot[STORE_SLOT_PATH_SIZE], artifact[4 * LIMIT_NAME_BYTES + 1];
	const char *name = deployment->artifact_name ? deployment->artifact_name : "";
	text_escape_print(artifact, sizeof(artifact), name, strlen(name));
	put(page, "  slot=%s  artifact=%s", store_slot_path(deployment->function, slot), artifact);
	if (!store_is_layer(deployment->function))
		put(page, "  config=%s", config);
	put(page, "\n");
}

static void put_kept_bundle(struct page *page, unsigned long long kept)
{
	if (kept == 0)
		put_row(page, "kept", "no bundle was in force before");
	else
		put(page, "  %-16s  the bundle that was in force before (release %llu)\n", "kept", kept);
}

static void put_kept(struct page *page, const char *slot, unsigned long long kept)
{
	bool is_layer = store_is_layer(slot);
	if (store_is_policy(slot))
		put_kept_bundle(page, kept);
	else if (kept == 0)
		put_row(page, "kept", is_layer ? "nothing was published before" : "nothing was served before");
	else if (is_layer)
		put(page, "  %-16s  what is published, up to version %llu\n", "kept", kept);
	else
		put(page, "  %-16s  release %llu is still served\n", "kept", kept);
}

static void put_check(struct page *page, enum policy_check check, const struct policy_check_result *result)
{
	bool failed = result->state == POLICY_FAILED || result->state == POLICY_UNDECIDED;
	put(page, "  check %-10s  ", policy_check_name(check));
	if (result->found[0])
		put(page, "%-6s  %s", policy_state_name(result->state), result->found);
	else
		put(page, "%s", policy_state_name(result->state));
	if (failed)
		put(page, "  (%s)\n                            expected: %s", config_mode_name(result->mode),
		    result->expected);
	put(page, "\n");
}

static void put_layer(struct page *page, const struct gate_layer *layer)
{
	const struct policy_verdict *verdict = &layer->verdict;
	const struct signature_facts *s = &layer->facts;
	char name[GATE_LAYER_NAME_SIZE], signer[ARN_TEXT_SIZE] = "no signature that holds";
	gate_print_layer(layer->name, layer->version, name);
	if (s->form == SIGNATURE_NATIVE && s->integrity == SIGNATURE_GOOD)
		arn_print_profile(&s->statement.profile_version, signer);
	put(page, "  layer %-10s  %s", name, verdict->outcome == POLICY_REFUSED ? "FAILED" : "ok");
	if (verdict->outcome == POLICY_WARNED)
		put(page, "      warned");
	put(page, "  %s\n", signer);
	if (verdict->reason != POLICY_REASON_NONE)
		put(page, "                            %s %s: %s\n", policy_reason_info(verdict->reason)->code,
		    policy_reason_info(verdict->reason)->title, verdict->detail);
}

static void put_statement(struct page *page, const struct gate_decision *decision)
{
	const struct signature_facts *s = &decision->facts;
	char text[ARN_TEXT_SIZE], signed_at[CLOCK_UTC_SIZE], expires_at[CLOCK_UTC_SIZE];
	if (s->form != SIGNATURE_NATIVE || s->integrity != SIGNATURE_GOOD)
		return;
	clock_format_utc(s->statement.signed_at_s, signed_at);
	clock_format_utc(s->statement.expires_at_s, expires_at);
	arn_print_profile(&s->statement.profile_version, text);
	put_row(page, "signer", text);
	arn_print_job(&s->statement.job, text);
	put_row(page, "job", text);
	put(page, "  %-16s  %s, valid until %s\n", "signed at", signed_at, expires_at);
	if (s->timestamp == SIGNATURE_GOOD) {
		clock_format_utc(s->timestamp_s, signed_at);
		put_row(page, "time stamp", signed_at);
	} else if (s->has_timestamp) {
		put_row(page, "time stamp", "not looked at (the configuration names no timestamp_authority)");
	}
}

/* What was let pass by it alone is said before anything else. */
static void put_break_glass(struct page *page, const struct gate_break_glass *glass)
{
	char until[CLOCK_UTC_SIZE];
	if (glass->seq == 0)
		return;
	clock_format_utc(glass->until_s, until);
	put(page, "  %-16s  without it this is refused; by uid %u until %s\n", "BREAK GLASS", glass->uid, until);
	put_row(page, "its reason", glass->reason);
}

static void put_body(struct page *page, const struct gate_decision *decision)
{
	const struct policy_verdict *verdict = &decision->verdict;
	if (verdict->reason != POLICY_REASON_NONE)
		put(page, "  %s\n", policy_reason_info(verdict->reason)->title);
	put_break_glass(page, &decision->break_glass);
	if (decision->length_bytes > 0) {
		char hex[CRYPTO_SHA256_HEX_SIZE];
		text_hex(decision->tree_sha256, sizeof(decision->tree_sha256), hex);
		put_row(page, "tree-sha256", hex);
	}
	put_statement(page, decision);
	for (enum policy_check check = POLICY_INTEGRITY; check < POLICY_CHECK_COUNT; check++)
		put_check(page, check, &verdict->checks[check]);
	for (size_t i = 0; i < decision->layer_count; i++)
		put_layer(page, &decision->layers[i]);
	put_row(page, "detail", verdict->detail);
	put_row(page, "remedy", verdict->remedy);
}

static void put_by(struct page *page, const struct audit_who *who, int64_t at_s)
{
	char at[CLOCK_UTC_SIZE], command[4 * sizeof(who->command) + 1];
	clock_format_utc(at_s, at);
	if (!who) {
		put_row(page, "at", at);
		return;
	}
	text_escape_print(command, sizeof(command), who->command, strnlen(who->command, sizeof(who->command)));
	put(page, "  %-16s  uid %u gid %u pid %d %s  at %s\n", "by", who->uid, who->gid, who->pid, command, at);
}

int gate_render_checks(const struct policy_verdict *verdict, struct buf *ret)
{
	struct page page = {.out = ret};
	for (enum policy_check check = POLICY_INTEGRITY; check < POLICY_CHECK_COUNT; check++)
		put_check(&page, check, &verdict->checks[check]);
	return page.error;
}

int gate_render_why(const struct gate_deployment *deployment, const struct gate_decision *decision,
		    uint64_t kept_release, struct buf *ret)
{
	struct page page = {.out = ret};
	bool is_layer = store_is_layer(deployment->function);

	put_verdict(&page, &decision->verdict, is_layer);
	put_slot(&page, deployment, decision->config_name);
	if (deployment->rollback_to > 0)
		put(&page, "  %-16s  to release %llu, judged as a deployment is\n", "rollback",
		    (unsigned long long)deployment->rollback_to);
	put_body(&page, decision);
	if (decision->verdict.outcome == POLICY_REFUSED)
		put_kept(&page, deployment->function, kept_release);
	put_by(&page, deployment->who, decision->decided_at_s);
	if (decision->event > 0)
		put(&page, "  %-16s  %llu\n", "event", (unsigned long long)decision->event);
	return page.error;
}
