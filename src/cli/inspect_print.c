/* The report of `inspect`, for people and as JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/aws.h"
#include "cli/words.h"
#include "crypto/timestamp.h"
#include "inspect.h"

/* "2038-02-21T17:27:12Z (in 134 months)" */
static void print_time(const char *label, int64_t at_s, int64_t now_s)
{
	char utc[CLOCK_UTC_SIZE], words[CLI_WORDS_SIZE];
	clock_format_utc(at_s, utc);
	(void)printf("%-12s %s (%s)\n", label, utc, cli_time_words(at_s, now_s, words));
}

static void print_hex(const char *label, const uint8_t *bytes, size_t len)
{
	char hex[CRYPTO_SHA384_HEX_SIZE];
	ASSERT(2 * len < sizeof(hex));
	text_hex(bytes, len, hex);
	(void)printf("%-12s %s\n", label, hex);
}

static void print_statement(const struct inspection *in)
{
	const struct statement *s = &in->statement;
	char arn[ARN_TEXT_SIZE];
	arn_print_profile(&s->profile_version, arn);
	(void)printf("%-12s %s\n", "profile", arn);
	arn_print_job(&s->job, arn);
	(void)printf("%-12s %s\n", "job", arn);
	(void)printf("%-12s %s\n", "platform", STATEMENT_PLATFORM);
	print_time("signed at", s->signed_at_s, in->now_s);
	print_time(in->now_s >= s->expires_at_s ? "expired at" : "expires at", s->expires_at_s, in->now_s);
	(void)printf("%-12s %" PRIu64 " bytes\n", "length", s->length_bytes);
	print_hex("sha384", s->sha384, sizeof(s->sha384));
	print_hex("tree-sha256", s->tree_sha256, sizeof(s->tree_sha256));
}

/* The stamp's own word: whether it holds depends on whom a host believes. */
static void print_timestamp(const struct inspection *in)
{
	int64_t at_s;
	if (!in->cms || !crypto_cms_has_timestamp(in->cms))
		return;
	if (crypto_timestamp_claim(in->cms, &at_s) == 0)
		print_time("time stamp", at_s, in->now_s);
	else
		(void)printf("%-12s cannot be read\n", "time stamp");
}

static void print_certificate(const struct inspection *in, size_t index)
{
	const struct crypto_cert *cert = crypto_cms_cert(in->cms, index);
	struct buf subject = {0}, uri = {0};
	uint8_t digest[CRYPTO_SHA256_BYTES];
	char escaped[512], from[CLOCK_UTC_SIZE], to[CLOCK_UTC_SIZE], words[CLI_WORDS_SIZE];

	(void)printf("\ncertificate %zu\n", index + 1);
	if (crypto_cert_subject(cert, &subject) == 0)
		(void)printf("%-12s %s\n", "  subject", subject.data);
	if (crypto_cert_san_uri(cert, &uri) == 0)
		(void)printf("%-12s %s\n", "  speaks for",
			     text_escape_print(escaped, sizeof(escaped), uri.data, uri.len));
	clock_format_utc(crypto_cert_not_before_s(cert), from);
	clock_format_utc(crypto_cert_not_after_s(cert), to);
	(void)printf("%-12s %s to %s (ends %s)\n", "  valid", from, to,
		     cli_time_words(crypto_cert_not_after_s(cert), in->now_s, words));
	if (crypto_cert_digest(cert, digest) == 0)
		print_hex("  sha256", digest, sizeof(digest));
	buf_done(&subject);
	buf_done(&uri);
}

void inspect_print_text(const struct inspection *in)
{
	char path[512];
	(void)printf("%-12s %s (%" PRIu64 " bytes)\n", "file",
		     text_escape_print(path, sizeof(path), in->path, strlen(in->path)), in->size_bytes);
	if (!in->claims_signature) {
		(void)printf("%-12s no%s\n", "signed",
			     in->tail.comment_len > 0 ? " (the ZIP's comment is an ordinary one)" : "");
		return;
	}
	(void)printf("%-12s yes\n", "signed");
	if (in->integrity)
		(void)printf("%-12s good: these are the bytes that were signed\n", "integrity");
	else
		(void)printf("%-12s BROKEN: %s\n", "integrity", in->integrity_why.text);
	if (in->has_statement)
		print_statement(in);
	print_timestamp(in);
	for (size_t i = 0; in->cms && i < crypto_cms_cert_count(in->cms); i++)
		print_certificate(in, i);
	(void)printf("\nWhether this signer is trusted is not judged here; `vouchfs verify` does that.\n");
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

static void json_certificate(struct json *j, const struct crypto_cert *cert)
{
	struct buf subject = {0}, uri = {0};
	uint8_t digest[CRYPTO_SHA256_BYTES];
	json_object(j, NULL);
	if (crypto_cert_subject(cert, &subject) == 0)
		json_text(j, "subject", subject.data);
	if (crypto_cert_san_uri(cert, &uri) == 0)
		json_text_n(j, "uri", uri.data, uri.len);
	json_time(j, "notBefore", crypto_cert_not_before_s(cert));
	json_time(j, "notAfter", crypto_cert_not_after_s(cert));
	if (crypto_cert_digest(cert, digest) == 0)
		json_hex(j, "sha256", digest, sizeof(digest));
	json_close(j);
	buf_done(&subject);
	buf_done(&uri);
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
		json_text(&j, "integrity", in->integrity ? "good" : "broken");
		if (!in->integrity)
			json_text(&j, "integrityReason", in->integrity_why.text);
		if (in->has_statement)
			json_statement(&j, in);
		int64_t at_s;
		if (in->cms && crypto_cms_has_timestamp(in->cms) && crypto_timestamp_claim(in->cms, &at_s) == 0)
			json_time(&j, "timestampedAt", at_s);
		json_array(&j, "certificates");
		for (size_t i = 0; in->cms && i < crypto_cms_cert_count(in->cms); i++)
			json_certificate(&j, crypto_cms_cert(in->cms, i));
		json_close(&j);
	}
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}
