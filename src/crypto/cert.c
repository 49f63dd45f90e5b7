/* Certificates as values: read, print, ask. What they are worth is chain.c's business. */
#include "crypto/cert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/limits.h"
#include "internal.h"

static bool time_in_seconds(const ASN1_TIME *time, int64_t *ret_s)
{
	struct tm tm;
	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return false;
	*ret_s = clock_from_tm(&tm);
	return true;
}

/* OpenSSL reads both when they are first asked for, and keeps what came of it, also when memory ran out meanwhile. */
static bool has_read_all(X509 *x509)
{
	(void)X509_check_purpose(x509, -1, 0);
	(void)X509_get0_pubkey(x509);
	return !crypto_openssl_drain();
}

int crypto_cert_wrap(X509 *x509, struct crypto_cert **ret)
{
	struct crypto_cert *cert = calloc(1, sizeof(*cert));
	if (!cert)
		return -ENOMEM;
	if (X509_up_ref(x509) != 1) {
		free(cert);
		return crypto_openssl_failure();
	}
	cert->x509 = x509;
	if (!time_in_seconds(X509_get0_notBefore(x509), &cert->not_before_s) ||
	    !time_in_seconds(X509_get0_notAfter(x509), &cert->not_after_s)) {
		cert->not_before_s = INT64_MAX;
		cert->not_after_s = INT64_MIN;
	}
	if (!has_read_all(x509)) {
		crypto_cert_free(cert);
		return -ENOMEM;
	}
	*ret = cert;
	return 0;
}

void crypto_cert_free(struct crypto_cert *cert)
{
	if (!cert)
		return;
	X509_free(cert->x509);
	free(cert);
}

static int read_pem_block(const char *block, size_t len, struct crypto_cert **ret, struct explain *ret_why)
{
	int r;
	X509 *x509 = NULL;
	BIO *bio = BIO_new_mem_buf(block, (int)len);
	if (!bio) {
		r = crypto_openssl_failure();
		goto out;
	}
	x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	if (!x509) {
		r = crypto_openssl_drain() ? -ENOMEM : -EINVAL;
		explain_set(ret_why, "a PEM block says that it is a certificate, but cannot be read as one");
		goto out;
	}
	r = crypto_cert_wrap(x509, ret);
out:
	X509_free(x509);
	BIO_free(bio);
	return r;
}

int crypto_cert_next_pem(const char **cursor, const char *end, struct crypto_cert **ret, struct explain *ret_why)
{
	static const char begin_line[] = "-----BEGIN CERTIFICATE-----";
	static const char end_line[] = "-----END CERTIFICATE-----";

	const char *at = *cursor;
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
		at++;
	if (at == end)
		return -ENODATA;

	size_t left = (size_t)(end - at);
	const char *last = memmem(at, left, end_line, sizeof(end_line) - 1);
	if (!last || left < sizeof(begin_line) || memcmp(at, begin_line, sizeof(begin_line) - 1) != 0) {
		explain_set(ret_why, "expected nothing but certificates in PEM form (%s ... %s)", begin_line, end_line);
		return -EINVAL;
	}
	last += sizeof(end_line) - 1;
	int r = read_pem_block(at, (size_t)(last - at), ret, ret_why);
	if (r == 0)
		*cursor = last;
	return r;
}

int crypto_cert_from_pem(const char *pem, size_t len, struct crypto_cert **ret, struct explain *ret_why)
{
	struct crypto_cert *cert = NULL, *second = NULL;
	const char *cursor = pem;
	if (len > LIMIT_PEM_FILE_BYTES) {
		explain_set(ret_why, "larger than %u bytes", LIMIT_PEM_FILE_BYTES);
		return -EINVAL;
	}
	int r = crypto_cert_next_pem(&cursor, pem + len, &cert, ret_why);
	if (r == -ENODATA) {
		r = -EINVAL;
		explain_set(ret_why, "no certificate in it");
	}
	if (r < 0)
		goto out;
	r = crypto_cert_next_pem(&cursor, pem + len, &second, ret_why);
	if (r == 0) {
		r = -EINVAL;
		explain_set(ret_why, "more than one certificate in it");
	}
	if (r != -ENODATA)
		goto out;
	r = 0;
	*ret = cert;
	cert = NULL;
out:
	crypto_cert_free(cert);
	crypto_cert_free(second);
	return r;
}

int crypto_cert_to_pem(const struct crypto_cert *cert, struct buf *ret)
{
	int r;
	BIO *bio = BIO_new(BIO_s_mem());
	if (!bio || PEM_write_bio_X509(bio, cert->x509) != 1) {
		r = crypto_openssl_failure();
		goto out;
	}
	r = crypto_bio_append(bio, ret);
out:
	BIO_free(bio);
	return r;
}

int crypto_cert_digest(const struct crypto_cert *cert, uint8_t ret[CRYPTO_SHA256_BYTES])
{
	if (crypto_md_sha256() && X509_digest(cert->x509, crypto_md_sha256(), ret, NULL) == 1)
		return 0;
	return crypto_openssl_failure();
}

int64_t crypto_cert_not_before_s(const struct crypto_cert *cert)
{
	return cert->not_before_s;
}

int64_t crypto_cert_not_after_s(const struct crypto_cert *cert)
{
	return cert->not_after_s;
}

bool crypto_cert_is_self_issued(const struct crypto_cert *cert)
{
	return X509_NAME_cmp(X509_get_subject_name(cert->x509), X509_get_issuer_name(cert->x509)) == 0;
}

int crypto_cert_san_uri(const struct crypto_cert *cert, struct buf *ret)
{
	int r = -ENODATA;
	const ASN1_IA5STRING *uri = NULL;
	int uri_count = 0;
	GENERAL_NAMES *names = X509_get_ext_d2i(cert->x509, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type != GEN_URI)
			continue;
		uri = name->d.uniformResourceIdentifier;
		uri_count++;
	}
	if (uri_count == 1)
		r = buf_append(ret, ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri));
	GENERAL_NAMES_free(names);
	return crypto_openssl_drain() ? -ENOMEM : r;
}

static int append_name(const X509_NAME *name, struct buf *ret)
{
	int r;
	char *text = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	if (!bio || X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) < 0) {
		r = crypto_openssl_failure();
		goto out;
	}
	/* RFC 2253 escapes whatever is not printable ASCII; nothing else may get out. */
	long len = BIO_get_mem_data(bio, &text);
	for (long i = 0; i < len; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			text[i] = '?';
	r = crypto_bio_append(bio, ret);
out:
	BIO_free(bio);
	return r;
}

int crypto_cert_subject(const struct crypto_cert *cert, struct buf *ret)
{
	return append_name(X509_get_subject_name(cert->x509), ret);
}

int crypto_cert_issuer(const struct crypto_cert *cert, struct buf *ret)
{
	return append_name(X509_get_issuer_name(cert->x509), ret);
}

int crypto_cert_serial(const struct crypto_cert *cert, struct buf *ret)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert->x509);
	const uint8_t *bytes = ASN1_STRING_get0_data(serial);
	int r = ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER ? buf_putc(ret, '-') : 0;
	for (int i = 0; r == 0 && i < ASN1_STRING_length(serial); i++)
		r = buf_printf(ret, "%02x", bytes[i]);
	return r;
}
