/*
 * cms_internal.h - the steps of reading a CMS message. Each returns 0, or -EBADMSG with why, or another negative errno.
 */
#ifndef CRYPTO_CMS_INTERNAL_H
#define CRYPTO_CMS_INTERNAL_H

#include <openssl/cms.h>

#include "cms_profile.h"
#include "crypto/cms.h"
#include "internal.h"

struct crypto_cms {
	PROFILE_MESSAGE *message;
	int64_t signing_time_s;
	const ASN1_STRING *token; /* RFC 3161, DER, in message; NULL: none */
	size_t cert_count;
	struct crypto_cert *certs[CRYPTO_CMS_CERTS_MAX]; /* leaf, then each one's issuer */
};

/* True when algorithm is nid, with parameters absent (or NULL, where that is tolerated). */
bool cms_algorithm_is(const X509_ALGOR *algorithm, int nid, bool null_tolerated);

/* Puts the message's certificates in order into cms->certs. */
int cms_order_certs(struct crypto_cms *cms, const PROFILE_SIGNED_DATA *data, const PROFILE_SIGNER *signer,
		    struct explain *ret_why);

int cms_write_pem(const CMS_ContentInfo *cms, struct buf *ret);

/* The four signed attributes against content and leaf, and the unsigned ones. Fills in the signing time. */
int cms_check_attributes(struct crypto_cms *cms, const PROFILE_CONTENT *content, const PROFILE_SIGNER *signer,
			 struct explain *ret_why);

#endif
