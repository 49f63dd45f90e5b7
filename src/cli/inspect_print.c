/* The report of `inspect`, for people and as JSON. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "certificates.h"
#include "cli/aws.h"
#include "crypto/timestamp.h"
#include "inspect.h"
#include "signature/signature.h"

static void put_statement(struct sheet *sheet, const struct inspection *in)
{
	const struct statement *s = &in->statement;
	char arn[ARN_TEXT_SIZE];
	arn_print_profile(&s->profile_version, arn);
	sheet_row(sheet, "profile", "%s", arn);
	arn_print_job(&s->job, arn);
	sheet_row(sheet, "job", "%s", arn);
	sheet_row(sheet, "platform", "%s", STATEMENT_PLATFORM);
	sheet_time(sheet, "signed at", s->signed_at_s, in->now_s);
	sheet_time(sheet, in->now_s >= s->expires_at_s ? "expired at" : "expires at", s->expires_at_s, in->now_s);
	sheet_row(sheet, "length", "%" PRIu64 " bytes", s->length_bytes);
	sheet_digest(sheet, "sha384", s->sha384, sizeof(s->sha384));
	sheet_digest(sheet, "tree-sha256", s->tree_sha256, sizeof(s->tree_sha256));
}

/* The stamp's own word: whether it holds depends on whom a host believes. */
static void put_timestamp(struct sheet *sheet, const struct inspection *in)
{
	int64_t at_s;
	if (!in->cms || !crypto_cms_has_timestamp(in->cms))
		return;
	if (crypto_timestamp_claim(in->cms, &at_s) == 0)
		sheet_time(sheet, "time stamp", at_s, in->now_s);
	else
		sheet_row(sheet, "time stamp", "cannot be read");
}

void inspect_put_integrity(struct sheet *sheet, const struct inspection *in)
{
	sheet_put(sheet, "  %-13s  ", "integrity");
	if (in->integrity)
		sheet_paint(sheet, SHEET_GOOD, 0, "good");
	else
		sheet_paint(sheet, SHEET_BAD, 0, "BROKEN");
	sheet_put(sheet, ": %s\n", in->integrity ? "these are the bytes that were signed" : in->integrity_why.text);
}

static void put_signature(struct sheet *sheet, const struct inspection *in)
{
	sheet_row(sheet, "signed", "yes%s%s", in->cms ? ", as a" : "",
		  !in->cms			       ? ""
		  : in->content == SIGNATURE_OF_BUNDLE ? " policy bundle: see vouchfs policy show FILE"
						       : "n artifact");
	inspect_put_integrity(sheet, in);
	if (in->has_statement)
		put_statement(sheet, in);
	put_timestamp(sheet, in);
	for (size_t i = 0; in->cms && i < crypto_cms_cert_count(in->cms); i++)
		certificate_put(sheet, i == 0 ? "certificate" : "intermediate", crypto_cms_cert(in->cms, i), in->now_s);
	sheet_put(sheet, "\nWhether this signer is trusted is not judged here; `vouchfs verify` does that.\n");
}

int inspect_print_text(const struct inspection *in)
{
	struct sheet sheet = sheet_begin();
	char path[512];
	sheet_put(&sheet, "%s  %" PRIu64 " bytes\n", text_escape_print(path, sizeof(path), in->path, strlen(in->path)),
		  in->size_bytes);
	if (in->claims_signature)
		put_signature(&sheet, in);
	else
		sheet_row(&sheet, "signed", "no%s",
			  in->tail.comment_len > 0 ? " (the ZIP's comment is an ordinary one)" : "");
	return sheet_print(&sheet, CLI_EXIT_OK);
}

static void json_time(struct json *j, const char *key, int64_t at_s)
{
	char utc[CLOCK_UTC_SIZE];
	clock_format_utc(at_s, utc);
	json_text(j, key, utc);
}

static void json_hex(struct json *j, const char *key, const uint8_t *bytes, size_t len)
{
	char hex[CRYPTO_SHA384_HEX_SIZE];
	ASSERT(2 * len < sizeof(hex));
	text_hex(bytes, len, hex);
	json_text(j, key, hex);
}

static void json_statement(struct json *j, const struct inspection *in)
{
	const struct statement *s = &in->statement;
	char arn[ARN_TEXT_SIZE];
	json_object(j, "statement");
	json_text(j, "platform", STATEMENT_PLATFORM);
	json_u64(j, "length", s->length_bytes);
	json_hex(j, "sha384", s->sha384, sizeof(s->sha384));
	json_hex(j, "treeSha256", s->tree_sha256, sizeof(s->tree_sha256));
	arn_print_profile(&s->profile_version, arn);
	json_text(j, "profileVersionArn", arn);
	arn_print_job(&s->job, arn);
	json_text(j, "jobArn", arn);
	json_time(j, "signedAt", s->signed_at_s);
	json_time(j, "expiresAt", s->expires_at_s);
	json_bool(j, "expired", in->now_s >= s->expires_at_s);
	json_close(j);
}

int inspect_print_json(const struct inspection *in)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	json_text(&j, "file", in->path);
	json_u64(&j, "size", in->size_bytes);
	json_bool(&j, "signed", in->claims_signature);
	if (in->claims_signature) {
		json_text(&j, "content", in->cms ? signature_content_name(in->content) : NULL);
		json_text(&j, "integrity", in->integrity ? "good" : "broken");
		if (!in->integrity)
			json_text(&j, "integrityReason", in->integrity_why.text);
		if (in->has_statement)
			json_statement(&j, in);
		int64_t at_s;
		if (in->cms && crypto_cms_has_timestamp(in->cms) && crypto_timestamp_claim(in->cms, &at_s) == 0)
			json_time(&j, "timestampedAt", at_s);
		certificates_put_json(&j, in->cms);
	}
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}
