/*
 * One decision, for people and as JSON: the verdict, the checks, who signed, the chain, the times, the revocation list;
 * what is wrong and what to do come last, where they are still on the screen.
 */
#include "verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"
#include "certificates.h"
#include "cli/aws.h"

#define FILE_SHOWN_SIZE 1024

/* What a decision alone does not hold: the certificates. */
struct chain {
	struct crypto_cms *cms;	      /* NULL: the file carries none that can be read */
	const struct crypto_cert *ca; /* that it leads to; NULL when it leads to none that is trusted */
};

static void find_ca(const struct trust *trust, const struct signature_facts *s, struct chain *chain)
{
	char arn[ARN_TEXT_SIZE];
	uint8_t sha256[CRYPTO_SHA256_BYTES];
	arn_print_profile(&s->statement.profile_version, arn);
	for (size_t i = 0; i < trust->account_count; i++) {
		const struct signature_account *account = &trust->accounts[i];
		if (strcmp(account->id, s->statement.profile_version.scope.account) == 0 &&
		    crypto_cms_check_chain_to(chain->cms, account->trust, arn, signature_time_s(s), sha256, NULL) == 0)
			chain->ca = crypto_trust_find(account->trust, sha256);
	}
}

static void read_chain(const struct trust *trust, const struct verify_file *file, const struct gate_decision *decision,
		       struct chain *ret)
{
	const struct signature_facts *s = &decision->facts;
	int fd = file->copy_fd;
	struct io_reader reader = io_reader_fd(&fd, file->size_bytes);
	*ret = (struct chain){0};
	if (s->form != SIGNATURE_NATIVE || !decision->tail_known)
		return;
	char *comment = malloc(decision->tail.comment_len + 1U);
	if (comment &&
	    io_reader_pread(&reader, comment, decision->tail.comment_len, decision->tail.comment_offset) == 0)
		(void)signature_parse(file->content, comment, decision->tail.comment_len, &ret->cms, NULL);
	free(comment);
	if (ret->cms && s->chain == SIGNATURE_GOOD)
		find_ca(trust, s, ret);
}

/* ---- for people ---- */

static enum sheet_colour colour_of_outcome(enum policy_outcome outcome)
{
	return outcome == POLICY_ACCEPTED ? SHEET_GOOD : outcome == POLICY_WARNED ? SHEET_WARNING : SHEET_BAD;
}

static bool has_failed(const struct policy_check_result *result)
{
	return result->state == POLICY_FAILED || result->state == POLICY_UNDECIDED;
}

static enum sheet_colour colour_of_check(const struct policy_check_result *result)
{
	if (has_failed(result))
		return result->mode == CONFIG_ENFORCE ? SHEET_BAD : SHEET_WARNING;
	return result->state == POLICY_OK ? SHEET_GOOD : SHEET_PLAIN;
}

static void put_head(struct sheet *sheet, const char *path, const struct gate_decision *decision)
{
	const struct policy_verdict *verdict = &decision->verdict;
	char file[FILE_SHOWN_SIZE];
	if (verdict->reason != POLICY_REASON_NONE)
		sheet_put(sheet, "%s ", policy_reason_info(verdict->reason)->code);
	sheet_paint(sheet, colour_of_outcome(verdict->outcome), 0, policy_outcome_name(verdict->outcome));
	sheet_put(sheet, "%s  file=%s%s%s\n", verdict->unchecked ? " (signatures are not checked here)" : "",
		  text_escape_print(file, sizeof(file), path, strlen(path)),
		  decision->config_name[0] ? "  config=" : "", decision->config_name);
	if (verdict->reason != POLICY_REASON_NONE)
		sheet_put(sheet, "  %s\n", policy_reason_info(verdict->reason)->title);
}

/* The ZIP rules alone have nothing of their own to show when they hold. */
static const char *found_of(enum policy_check check, const struct gate_decision *decision)
{
	const struct policy_check_result *result = &decision->verdict.checks[check];
	if (check != POLICY_ZIP_RULES || result->state != POLICY_OK)
		return result->found;
	return decision->contents_checked ? "the archive has one meaning; every entry was unpacked"
					  : "the archive has one meaning; its signer has unpacked every entry";
}

static int width_of_states(const struct policy_verdict *verdict)
{
	size_t width = strlen("state");
	for (enum policy_check check = POLICY_INTEGRITY; check < POLICY_CHECK_COUNT; check++) {
		size_t len = strlen(policy_state_name(verdict->checks[check].state));
		width = len > width ? len : width;
	}
	return (int)width;
}

static void put_checks(struct sheet *sheet, const struct gate_decision *decision)
{
	const struct policy_verdict *verdict = &decision->verdict;
	int width = width_of_states(verdict);
	sheet_put(sheet, "\n  %-13s  %-*s  %s\n", "check", width, "state", "found");
	for (enum policy_check check = POLICY_INTEGRITY; check < POLICY_CHECK_COUNT; check++) {
		const struct policy_check_result *result = &verdict->checks[check];
		const char *found = found_of(check, decision);
		sheet_put(sheet, "  %-13s  ", policy_check_name(check));
		sheet_paint(sheet, colour_of_check(result), found[0] ? width : 0, policy_state_name(result->state));
		sheet_put(sheet, "%s%s", found[0] ? "  " : "", found);
		if (has_failed(result))
			sheet_put(sheet, "  (%s)\n  %-13s  %-*s  expected: %s", config_mode_name(result->mode), "",
				  width, "", result->expected);
		sheet_put(sheet, "\n");
	}
}

static void put_list(struct sheet *sheet, const struct signature_facts *s, int64_t now_s)
{
	if (s->list_state != SIGNATURE_LIST_READ) {
		if (s->account_known == SIGNATURE_GOOD)
			sheet_row(sheet, "revocations", "no list that counts%s%s", s->list_why.text[0] ? ": " : "",
				  s->list_why.text);
		return;
	}
	sheet_row(sheet, "revocations", "list %" PRIu64 " of account %s", s->list_sequence,
		  s->statement.profile_version.scope.account);
	sheet_time(sheet, "  issued at", s->list_issued_at_s, now_s);
	sheet_time(sheet, "  next update", s->list_next_update_s, now_s);
}

static void put_statement(struct sheet *sheet, const struct gate_decision *decision)
{
	const struct signature_facts *s = &decision->facts;
	char arn[ARN_TEXT_SIZE];
	if (s->form != SIGNATURE_NATIVE || s->integrity != SIGNATURE_GOOD)
		return;
	arn_print_profile(&s->statement.profile_version, arn);
	sheet_row(sheet, "signer", "%s", arn);
	arn_print_job(&s->statement.job, arn);
	sheet_row(sheet, "job", "%s", arn);
	sheet_time(sheet, "signed at", s->statement.signed_at_s, decision->decided_at_s);
	bool over = decision->decided_at_s >= s->statement.expires_at_s;
	sheet_time(sheet, over ? "expired at" : "expires at", s->statement.expires_at_s, decision->decided_at_s);
	if (s->timestamp == SIGNATURE_GOOD)
		sheet_time(sheet, "time stamp", s->timestamp_s, decision->decided_at_s);
	else if (s->has_timestamp)
		sheet_row(sheet, "time stamp", "not looked at: the configuration names no timestamp_authority");
	put_list(sheet, s, decision->decided_at_s);
}

static void put_chain(struct sheet *sheet, const struct chain *chain, int64_t now_s)
{
	for (size_t i = 0; chain->cms && i < crypto_cms_cert_count(chain->cms); i++)
		certificate_put(sheet, i == 0 ? "certificate" : "intermediate", crypto_cms_cert(chain->cms, i), now_s);
	if (chain->ca)
		certificate_put(sheet, "trusted CA", chain->ca, now_s);
}

static void put_conclusion(struct sheet *sheet, const struct gate_decision *decision)
{
	const struct policy_verdict *verdict = &decision->verdict;
	char at[CLOCK_UTC_SIZE];
	clock_format_utc(decision->decided_at_s, at);
	if (decision->length_bytes > 0)
		sheet_digest(sheet, "tree-sha256", decision->tree_sha256, sizeof(decision->tree_sha256));
	sheet_row(sheet, "judged at", "%s", at);
	if (verdict->reason == POLICY_REASON_NONE)
		return;
	sheet_put(sheet, "\n");
	sheet_row(sheet, "problem", "%s", verdict->detail);
	sheet_row(sheet, "remedy", "%s", verdict->remedy);
}

/* Nothing was looked at when the verdict belongs to no artifact (VF4001, VF4002). */
static void put_report(struct sheet *sheet, const char *path, const struct gate_decision *decision,
		       const struct chain *chain)
{
	bool looked_at = decision->verdict.reason == POLICY_REASON_NONE ||
			 decision->verdict.deciding != POLICY_CHECK_COUNT;
	put_head(sheet, path, decision);
	if (looked_at)
		put_checks(sheet, decision);
	sheet_put(sheet, "\n");
	put_statement(sheet, decision);
	put_chain(sheet, chain, decision->decided_at_s);
	put_conclusion(sheet, decision);
}

/* ---- for programs ---- */

static int print_json(const char *path, const struct gate_decision *decision, const struct chain *chain)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	gate_put_json(&j, path, decision);
	certificates_put_json(&j, chain->cms);
	if (chain->ca)
		certificate_put_json(&j, "trustedCa", chain->ca);
	else
		json_text(&j, "trustedCa", NULL);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

int verify_print(const struct trust *trust, const struct verify_file *file, const struct gate_decision *decision,
		 bool json)
{
	struct chain chain;
	int code;
	read_chain(trust, file, decision, &chain);
	if (json) {
		code = print_json(file->path, decision, &chain);
		code = code == 0 ? verify_exit_code(&decision->verdict) : code;
	} else {
		struct sheet sheet = sheet_begin();
		put_report(&sheet, file->path, decision, &chain);
		code = sheet_print(&sheet, verify_exit_code(&decision->verdict));
	}
	crypto_cms_free(chain.cms);
	return code;
}
