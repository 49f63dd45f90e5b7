#include "certificates.h"

#include "base/clock.h"
#include "base/text.h"
#include "cli/words.h"

#define URI_SHOWN_SIZE 512

/* What a certificate says, as text; empty where it says nothing. */
struct words {
	struct buf subject, issuer, serial, uri;
	uint8_t sha256[CRYPTO_SHA256_BYTES];
	bool has_sha256;
};

static void words_read(const struct crypto_cert *cert, struct words *ret)
{
	*ret = (struct words){0};
	(void)crypto_cert_subject(cert, &ret->subject);
	(void)crypto_cert_issuer(cert, &ret->issuer);
	(void)crypto_cert_serial(cert, &ret->serial);
	(void)crypto_cert_san_uri(cert, &ret->uri);
	ret->has_sha256 = crypto_cert_digest(cert, ret->sha256) == 0;
}

static void words_done(struct words *words)
{
	buf_done(&words->subject);
	buf_done(&words->issuer);
	buf_done(&words->serial);
	buf_done(&words->uri);
}

static const char *shown(const struct buf *text)
{
	return text->data ? text->data : "";
}

/* Times that nobody can read, and those before 1970, make no words. */
static void put_validity(struct sheet *sheet, const struct crypto_cert *cert, int64_t now_s)
{
	int64_t from_s = crypto_cert_not_before_s(cert), to_s = crypto_cert_not_after_s(cert);
	char from[CLOCK_UTC_SIZE], to[CLOCK_UTC_SIZE], words[CLI_WORDS_SIZE];
	clock_format_utc(from_s, from);
	clock_format_utc(to_s, to);
	if (to_s < from_s || to_s < 0)
		sheet_row(sheet, "  valid", "never (%s to %s)", from, to);
	else
		sheet_row(sheet, "  valid", "%s to %s (%s %s)", from, to, to_s < now_s ? "ended" : "ends",
			  cli_time_words(to_s, now_s, words));
}

void certificate_put(struct sheet *sheet, const char *title, const struct crypto_cert *cert, int64_t now_s)
{
	char uri[URI_SHOWN_SIZE];
	struct words w;
	words_read(cert, &w);
	sheet_row(sheet, title, "%s", shown(&w.subject));
	if (w.uri.len > 0)
		sheet_row(sheet, "  speaks for", "%s", text_escape_print(uri, sizeof(uri), w.uri.data, w.uri.len));
	sheet_row(sheet, "  issued by", "%s", shown(&w.issuer));
	sheet_row(sheet, "  serial", "%s", shown(&w.serial));
	if (w.has_sha256)
		sheet_digest(sheet, "  sha256", w.sha256, sizeof(w.sha256));
	put_validity(sheet, cert, now_s);
	words_done(&w);
}

static void put_time(struct json *j, const char *key, int64_t at_s)
{
	char utc[CLOCK_UTC_SIZE];
	clock_format_utc(at_s, utc);
	json_text(j, key, utc);
}

void certificate_put_json(struct json *j, const char *key, const struct crypto_cert *cert)
{
	char hex[CRYPTO_SHA256_HEX_SIZE];
	struct words w;
	words_read(cert, &w);
	json_object(j, key);
	json_text(j, "subject", w.subject.data);
	if (w.uri.data)
		json_text_n(j, "uri", w.uri.data, w.uri.len);
	json_text(j, "issuer", w.issuer.data);
	json_text(j, "serial", w.serial.data);
	put_time(j, "notBefore", crypto_cert_not_before_s(cert));
	put_time(j, "notAfter", crypto_cert_not_after_s(cert));
	text_hex(w.sha256, sizeof(w.sha256), hex);
	json_text(j, "sha256", w.has_sha256 ? hex : NULL);
	json_close(j);
	words_done(&w);
}

void certificates_put_json(struct json *j, const struct crypto_cms *cms)
{
	json_array(j, "certificates");
	for (size_t i = 0; cms && i < crypto_cms_cert_count(cms); i++)
		certificate_put_json(j, NULL, crypto_cms_cert(cms, i));
	json_close(j);
}
