/* timestamp.h - a token taken apart, for those who judge it and those who make it part of a message. */
#ifndef CRYPTO_TIMESTAMP_PRIVATE_H
#define CRYPTO_TIMESTAMP_PRIVATE_H

#include <openssl/pem.h> /* before cms.h */

#include <openssl/cms.h>
#include <openssl/ts.h>

#include "cms_internal.h"
#include "crypto/timestamp.h"

struct token {
	CMS_ContentInfo *cms;
	TS_TST_INFO *info;
	int64_t at_s;
	CMS_SignerInfo *signer; /* in cms */
	X509 *signer_cert;	/* in certs, once the signature is verified */
	STACK_OF(X509) * certs; /* that are carried */
};

/* Form alone. -EBADMSG with why. */
int token_read(const uint8_t *der, size_t len, struct token *ret, struct explain *ret_why);
void token_done(struct token *token);

/* Its signature, by the certificate that it carries; and that it stamps this message. -EBADMSG with why. */
int token_verify(struct token *token, const struct crypto_cms *cms, struct explain *ret_why);

#endif
