/*
 * The signing host's side of RFC 3161: the query, the reply to it, and the message with the token in it. A reply is
 * believed to answer a query when status, nonce and imprint say so; a bare token has no status and was granted.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include <openssl/rand.h>

#include "base/text.h"
#include "timestamp.h"

#define NONCE_BYTES 8

static bool set_imprint(TS_REQ *query, const struct crypto_cms *cms)
{
	const PROFILE_SIGNER *signer = sk_PROFILE_SIGNER_value(cms->message->signed_data->signers, 0);
	uint8_t digest[CRYPTO_SHA384_BYTES];
	X509_ALGOR *algorithm = X509_ALGOR_new();
	TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
	bool ok = algorithm && imprint && X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha384), V_ASN1_NULL, NULL) == 1 &&
		  crypto_sha384(ASN1_STRING_get0_data(signer->signature), (size_t)ASN1_STRING_length(signer->signature),
				digest) == 0 &&
		  TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1 &&
		  TS_MSG_IMPRINT_set_msg(imprint, digest, sizeof(digest)) == 1 &&
		  TS_REQ_set_msg_imprint(query, imprint) == 1;
	TS_MSG_IMPRINT_free(imprint);
	X509_ALGOR_free(algorithm);
	return ok;
}

static bool set_nonce(TS_REQ *query)
{
	uint64_t number;
	ASN1_INTEGER *nonce = ASN1_INTEGER_new();
	bool ok = nonce && RAND_bytes((uint8_t *)&number, NONCE_BYTES) == 1 &&
		  ASN1_INTEGER_set_uint64(nonce, number) == 1 && TS_REQ_set_nonce(query, nonce) == 1;
	ASN1_INTEGER_free(nonce);
	return ok;
}

int crypto_timestamp_query(const struct crypto_cms *cms, struct buf *ret_query)
{
	uint8_t *der = NULL;
	TS_REQ *query = TS_REQ_new();
	int len = -1;
	if (query && TS_REQ_set_version(query, 1) == 1 && set_imprint(query, cms) && set_nonce(query) &&
	    TS_REQ_set_cert_req(query, 1) == 1)
		len = i2d_TS_REQ(query, &der);
	int r = len > 0 ? buf_append(ret_query, der, (size_t)len) : crypto_openssl_failure();
	OPENSSL_free(der);
	TS_REQ_free(query);
	return r;
}

static int refused_by_authority(const PROFILE_STATUS *status, struct explain *ret_why)
{
	char said[160] = "";
	if (sk_ASN1_UTF8STRING_num(status->texts) > 0) {
		const ASN1_UTF8STRING *text = sk_ASN1_UTF8STRING_value(status->texts, 0);
		(void)text_escape_print(said, sizeof(said), (const char *)ASN1_STRING_get0_data(text),
					(size_t)ASN1_STRING_length(text));
	}
	return crypto_refuse(ret_why, -EBADMSG, "the time stamp authority has not granted a stamp (status %ld%s%s)",
			     ASN1_INTEGER_get(status->status), said[0] ? ": " : "", said);
}

/* The token of a reply, appended; a reply that is none is taken for a bare token. */
static int find_token(const struct buf *reply, struct buf *ret, struct explain *ret_why)
{
	const uint8_t *start = (const uint8_t *)reply->data, *at = start;
	PROFILE_REPLY *response = (PROFILE_REPLY *)ASN1_item_d2i(NULL, &at, (long)reply->len,
								 ASN1_ITEM_rptr(PROFILE_REPLY));
	int r;
	if (crypto_openssl_drain() && !response) {
		r = -ENOMEM;
	} else if (!response || at != start + reply->len) {
		r = buf_append(ret, reply->data, reply->len);
	} else {
		long status = ASN1_INTEGER_get(response->status->status);
		bool granted = status == TS_STATUS_GRANTED || status == TS_STATUS_GRANTED_WITH_MODS;
		if (!granted || !response->token || response->token->type != V_ASN1_SEQUENCE)
			r = refused_by_authority(response->status, ret_why);
		else
			r = buf_append(ret, ASN1_STRING_get0_data(response->token->value.sequence),
				       (size_t)ASN1_STRING_length(response->token->value.sequence));
	}
	ASN1_item_free((ASN1_VALUE *)response, ASN1_ITEM_rptr(PROFILE_REPLY));
	return r;
}

static int check_nonce(const struct token *token, const struct buf *query, struct explain *ret_why)
{
	const uint8_t *at = (const uint8_t *)query->data;
	TS_REQ *request = d2i_TS_REQ(NULL, &at, (long)query->len);
	const ASN1_INTEGER *asked = request ? TS_REQ_get_nonce(request) : NULL;
	const ASN1_INTEGER *answered = TS_TST_INFO_get_nonce(token->info);
	bool ok = request && (!asked || (answered && ASN1_INTEGER_cmp(asked, answered) == 0));
	TS_REQ_free(request);
	if (!ok)
		return crypto_refuse(ret_why, -EBADMSG, "it answers another query (its nonce differs)");
	return 0;
}

/* query NULL: whoever has kept none takes any nonce; the imprint tells what is stamped. */
static int check_answer(const struct crypto_cms *cms, const struct buf *query, const struct buf *der,
			struct explain *ret_why)
{
	struct token token = {0};
	int r = token_read((const uint8_t *)der->data, der->len, &token, ret_why);
	if (r == 0)
		r = token_verify(&token, cms, ret_why);
	if (r == 0 && query)
		r = check_nonce(&token, query, ret_why);
	if (r < 0)
		explain_prefix(ret_why, "the reply of the time stamp authority cannot be used");
	token_done(&token);
	return r;
}

/* The message as OpenSSL's own type, to be added to. */
static CMS_ContentInfo *copy_message(const struct crypto_cms *cms)
{
	uint8_t *der = NULL;
	int len = ASN1_item_i2d((const ASN1_VALUE *)cms->message, &der, ASN1_ITEM_rptr(PROFILE_MESSAGE));
	const uint8_t *at = der;
	CMS_ContentInfo *copy = len > 0 ? d2i_CMS_ContentInfo(NULL, &at, len) : NULL;
	OPENSSL_free(der);
	return copy;
}

static int put_token(const struct crypto_cms *cms, const struct buf *der, struct buf *ret_pem)
{
	int r;
	CMS_ContentInfo *copy = copy_message(cms);
	STACK_OF(CMS_SignerInfo) *signers = copy ? CMS_get0_SignerInfos(copy) : NULL;
	if (sk_CMS_SignerInfo_num(signers) != 1 || der->len > INT_MAX ||
	    CMS_unsigned_add1_attr_by_NID(sk_CMS_SignerInfo_value(signers, 0), NID_id_smime_aa_timeStampToken,
					  V_ASN1_SEQUENCE, der->data, (int)der->len) != 1)
		r = crypto_openssl_failure();
	else
		r = cms_write_pem(copy, ret_pem);
	CMS_ContentInfo_free(copy);
	return r;
}

int crypto_timestamp_attach(const struct crypto_cms *cms, const struct buf *query, const struct buf *reply,
			    struct buf *ret_pem, struct explain *ret_why)
{
	if (cms->token)
		return crypto_refuse(ret_why, -EBADMSG, "the signature has a time stamp already");
	if (reply->len == 0 || reply->len > CRYPTO_TIMESTAMP_REPLY_MAX_BYTES)
		return crypto_refuse(ret_why, -EBADMSG,
				     "the time stamp authority's reply has %zu bytes, 1 to %u expected", reply->len,
				     CRYPTO_TIMESTAMP_REPLY_MAX_BYTES);
	struct buf token = {0};
	int r = find_token(reply, &token, ret_why);
	if (r == 0)
		r = check_answer(cms, query, &token, ret_why);
	if (r == 0)
		r = put_token(cms, &token, ret_pem);
	buf_done(&token);
	return r;
}
