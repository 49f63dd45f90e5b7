/*
 * Judging RFC 3161 tokens: form, signature, what is stamped, whose key it is, in this order. Nothing that a token says
 * is used before all of it holds.
 *
 * A token without signed attributes could be forged from a genuine one, as any CMS message (cms_attributes.c), so they
 * are demanded here too.
 */
#include "timestamp.h"

#include <errno.h>
#include <string.h>

#include <openssl/ess.h>
#include <openssl/x509v3.h>

#include "base/clock.h"

#define TOKEN_CHAIN_DEPTH 4 /* intermediates between the authority and its CA */
#define TST_INFO_VERSION  1

static const int digest_nids[] = {NID_sha256, NID_sha384, NID_sha512};

static bool is_good_digest(const X509_ALGOR *algorithm)
{
	for (size_t i = 0; algorithm && i < ARRAY_SIZE(digest_nids); i++)
		if (cms_algorithm_is(algorithm, digest_nids[i], true))
			return true;
	return false;
}

void token_done(struct token *token)
{
	CMS_ContentInfo_free(token->cms);
	TS_TST_INFO_free(token->info);
	sk_X509_pop_free(token->certs, X509_free);
	*token = (struct token){0};
}

/* GeneralizedTime in UTC; parts of a second are dropped. */
static bool read_time(const ASN1_GENERALIZEDTIME *time, int64_t *ret_s)
{
	struct tm tm;
	int len = time ? ASN1_STRING_length(time) : 0;
	if (len == 0 || ASN1_STRING_get0_data(time)[len - 1] != 'Z' || ASN1_TIME_to_tm(time, &tm) != 1)
		return false;
	*ret_s = clock_from_tm(&tm);
	return *ret_s >= 0;
}

static bool read_info(struct token *token)
{
	ASN1_OCTET_STRING **content = CMS_get0_content(token->cms);
	if (!content || !*content)
		return false;
	const uint8_t *start = ASN1_STRING_get0_data(*content), *at = start;
	long len = ASN1_STRING_length(*content);
	token->info = d2i_TS_TST_INFO(NULL, &at, len);
	return token->info && at == start + len && TS_TST_INFO_get_version(token->info) == TST_INFO_VERSION &&
	       TS_TST_INFO_get_ext_by_critical(token->info, 1, -1) < 0 &&
	       read_time(TS_TST_INFO_get_time(token->info), &token->at_s);
}

int token_read(const uint8_t *der, size_t len, struct token *ret, struct explain *ret_why)
{
	int r = 0;
	struct token token = {0};
	const uint8_t *at = der;
	token.cms = len <= CRYPTO_TIMESTAMP_REPLY_MAX_BYTES ? d2i_CMS_ContentInfo(NULL, &at, (long)len) : NULL;
	if (!token.cms || at != der + len || OBJ_obj2nid(CMS_get0_type(token.cms)) != NID_pkcs7_signed ||
	    OBJ_obj2nid(CMS_get0_eContentType(token.cms)) != NID_id_smime_ct_TSTInfo || !read_info(&token)) {
		r = crypto_refuse(ret_why, -EBADMSG,
				  "not an RFC 3161 token (SignedData over a TSTInfo of version %d without critical "
				  "extensions)",
				  TST_INFO_VERSION);
		goto out;
	}
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(token.cms);
	if (sk_CMS_SignerInfo_num(signers) != 1) {
		r = crypto_refuse(ret_why, -EBADMSG, "%d signers, exactly one expected",
				  sk_CMS_SignerInfo_num(signers));
		goto out;
	}
	token.signer = sk_CMS_SignerInfo_value(signers, 0);
	*ret = token;
	token = (struct token){0};
out:
	token_done(&token);
	return r;
}

static int check_imprint(const struct token *token, const struct crypto_cms *cms, struct explain *ret_why)
{
	const PROFILE_SIGNER *stamped = sk_PROFILE_SIGNER_value(cms->message->signed_data->signers, 0);
	TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(token->info);
	const X509_ALGOR *algorithm = TS_MSG_IMPRINT_get_algo(imprint);
	const ASN1_OCTET_STRING *stated = TS_MSG_IMPRINT_get_msg(imprint);
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t len;
	if (!is_good_digest(algorithm))
		return crypto_refuse(ret_why, -EBADMSG, "its imprint is not by SHA-256, SHA-384 or SHA-512");
	if (EVP_Q_digest(NULL, OBJ_nid2sn(OBJ_obj2nid(algorithm->algorithm)), NULL,
			 ASN1_STRING_get0_data(stamped->signature), (size_t)ASN1_STRING_length(stamped->signature),
			 digest, &len) != 1)
		return crypto_openssl_failure();
	if (ASN1_STRING_length(stated) != (int)len || memcmp(ASN1_STRING_get0_data(stated), digest, len) != 0)
		return crypto_refuse(ret_why, -EBADMSG, "it stamps something else than this signature");
	return 0;
}

static const void *signed_attribute(const struct token *token, int nid, int type)
{
	return CMS_signed_get0_data_by_OBJ(token->signer, OBJ_nid2obj(nid), -3 /* once, with one value */, type);
}

static int check_attributes(const struct token *token, struct explain *ret_why)
{
	const ASN1_OBJECT *type = signed_attribute(token, NID_pkcs9_contentType, V_ASN1_OBJECT);
	X509_ALGOR *digest;
	CMS_SignerInfo_get0_algs(token->signer, NULL, NULL, &digest, NULL);
	if (CMS_signed_get_attr_count(token->signer) < 0 || !type || OBJ_obj2nid(type) != NID_id_smime_ct_TSTInfo)
		return crypto_refuse(ret_why, -EBADMSG, "its signed attributes do not say that it is a TSTInfo");
	if (!is_good_digest(digest))
		return crypto_refuse(ret_why, -EBADMSG, "it is not signed with SHA-256, SHA-384 or SHA-512");
	return 0;
}

static int verify_signature(struct token *token, struct explain *ret_why)
{
	token->certs = CMS_get1_certs(token->cms);
	if (!token->certs || CMS_set1_signers_certs(token->cms, NULL, 0) != 1)
		return crypto_refuse(ret_why, -EBADMSG,
				     "it does not carry its signer's certificate (openssl ts -query asks for it with "
				     "-cert)");
	if (CMS_verify(token->cms, NULL, NULL, NULL, NULL, CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY) != 1)
		return crypto_refuse(ret_why, -EBADMSG, "its own signature does not hold");
	CMS_SignerInfo_get0_algs(token->signer, NULL, &token->signer_cert, NULL, NULL);
	return 0;
}

/* Critical, and alone: OpenSSL's purpose overlooks usages that it does not know. */
static int check_usage(X509 *x509, struct explain *ret_why)
{
	int critical = -1;
	EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(x509, NID_ext_key_usage, &critical, NULL);
	bool ok = usage && critical == 1 && sk_ASN1_OBJECT_num(usage) == 1 &&
		  OBJ_obj2nid(sk_ASN1_OBJECT_value(usage, 0)) == NID_time_stamp;
	EXTENDED_KEY_USAGE_free(usage);
	if (!ok)
		return crypto_refuse(ret_why, -EBADMSG,
				     "its certificate is not for time stamps alone (extended key usage: critical, "
				     "timeStamping)");
	return 0;
}

int token_verify(struct token *token, const struct crypto_cms *cms, struct explain *ret_why)
{
	int r = check_attributes(token, ret_why);
	if (r == 0)
		r = verify_signature(token, ret_why);
	if (r == 0)
		r = check_imprint(token, cms, ret_why);
	if (r == 0)
		r = check_usage(token->signer_cert, ret_why);
	return r;
}

/* The certificate that the signed attributes name is the one that heads the chain. */
static int check_ess(const struct token *token, const STACK_OF(X509) * chain, struct explain *ret_why)
{
	const ASN1_STRING *old = signed_attribute(token, NID_id_smime_aa_signingCertificate, V_ASN1_SEQUENCE);
	const ASN1_STRING *new = signed_attribute(token, NID_id_smime_aa_signingCertificateV2, V_ASN1_SEQUENCE);
	const uint8_t *old_at = old ? ASN1_STRING_get0_data(old) : NULL;
	const uint8_t *new_at = new ? ASN1_STRING_get0_data(new) : NULL;
	ESS_SIGNING_CERT *v1 = old ? d2i_ESS_SIGNING_CERT(NULL, &old_at, ASN1_STRING_length(old)) : NULL;
	ESS_SIGNING_CERT_V2 *v2 = new ? d2i_ESS_SIGNING_CERT_V2(NULL, &new_at, ASN1_STRING_length(new)) : NULL;
	bool ok = !old == !v1 && !new == !v2 &&OSSL_ESS_check_signing_certs(v1, v2, chain, 1) == 1;
	ESS_SIGNING_CERT_free(v1);
	ESS_SIGNING_CERT_V2_free(v2);
	if (!ok)
		return crypto_refuse(ret_why, -EBADMSG, "its signed attributes do not name its signer's certificate");
	return 0;
}

static int check_built(const struct token *token, const STACK_OF(X509) * chain, struct explain *ret_why)
{
	int r = 0;
	for (int i = 0; r == 0 && i < sk_X509_num(chain); i++) {
		struct crypto_cert *cert = NULL;
		r = crypto_cert_wrap(sk_X509_value(chain, i), &cert);
		if (r == 0)
			r = crypto_chain_check_any(cert, i == 0 ? "its certificate" : "a CA certificate above it",
						   token->at_s, ret_why);
		crypto_cert_free(cert);
	}
	if (r == 0)
		r = check_ess(token, chain, ret_why);
	return r == -EKEYREJECTED ? -EBADMSG : r;
}

static int check_up_to(const struct crypto_ca *ca, const struct token *token, struct explain *ret_why)
{
	int r = 0;
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	if (!ctx || X509_STORE_CTX_init(ctx, ca->store, token->signer_cert, token->certs) != 1 ||
	    X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_TIMESTAMP_SIGN) != 1) {
		r = crypto_openssl_failure();
		goto out;
	}
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME); /* check_built does, at the stamp's time */
	X509_STORE_CTX_set_depth(ctx, TOKEN_CHAIN_DEPTH);
	if (X509_verify_cert(ctx) != 1)
		r = crypto_refuse(ret_why, -EBADMSG,
				  "its certificates make no chain to a CA that timestamp_authority names: %s",
				  X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	else
		r = check_built(token, X509_STORE_CTX_get0_chain(ctx), ret_why);
out:
	X509_STORE_CTX_free(ctx);
	return crypto_openssl_drain() ? -ENOMEM : r;
}

int crypto_timestamp_check(const struct crypto_cms *cms, const struct crypto_trust *authority, int64_t *ret_at_s,
			   struct explain *ret_why)
{
	ASSERT(cms->token);
	struct token token = {0};
	(void)crypto_openssl_drain(); /* what failed before is not about this */
	int r = token_read(ASN1_STRING_get0_data(cms->token), (size_t)ASN1_STRING_length(cms->token), &token, ret_why);
	if (r == 0)
		r = token_verify(&token, cms, ret_why);
	if (r == 0) {
		r = -EBADMSG; /* until one CA is found; a trust has at least one */
		for (size_t i = 0; i < authority->count && r == -EBADMSG; i++)
			r = check_up_to(&authority->cas[i], &token, ret_why);
	}
	if (r == 0)
		*ret_at_s = token.at_s;
	else
		explain_prefix(ret_why, "the time stamp");
	token_done(&token);
	return r;
}

int crypto_timestamp_claim(const struct crypto_cms *cms, int64_t *ret_at_s)
{
	ASSERT(cms->token);
	struct token token = {0};
	int r = token_read(ASN1_STRING_get0_data(cms->token), (size_t)ASN1_STRING_length(cms->token), &token, NULL);
	if (r == 0)
		*ret_at_s = token.at_s;
	token_done(&token);
	return r;
}
