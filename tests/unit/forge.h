/*
 * forge.h - certificates and CMS messages of every kind, also those that our own signer does not make. Straight on
 * OpenSSL. What cannot be made fails the running test.
 */
#ifndef FORGE_H
#define FORGE_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <openssl/cms.h>

#include "base/buf.h"
#include "crypto/cert.h"

struct forge_cert_spec {
	const char *common_name;
	const char *curve;   /* or rsa_bits */
	bool explicit_curve; /* its parameters are spelled out */
	unsigned rsa_bits;
	const EVP_MD *md; /* NULL: SHA-384 */
	int64_t not_before_s;
	int64_t not_after_s;
	/* as in openssl.cnf; NULL: without */
	const char *basic_constraints;
	const char *key_usage;
	const char *ext_key_usage;
	const char *san;
	const char *unknown; /* an extension nobody knows */
	bool self_signed;    /* whatever the issuer */
};

#define FORGE_AT_S   1795282032 /* 2026-11-21T17:27:12Z */
#define FORGE_FROM_S (FORGE_AT_S - 86400)
#define FORGE_TO_S   (FORGE_AT_S + 86400)
#define FORGE_ARN    "arn:vouchfs:signer:local:111122223333:/signing-profiles/p1/0123456789"

/* A good CA ("root") and a good leaf ("leaf") for FORGE_ARN, valid from FORGE_FROM_S to FORGE_TO_S. */
extern const struct forge_cert_spec forge_ca_spec, forge_leaf_spec;

struct forge_cert {
	X509 *x509;
	EVP_PKEY *key;
};

/* issuer NULL: self-signed. */
void forge_cert(const struct forge_cert_spec *spec, const struct forge_cert *issuer, struct forge_cert *ret);
void forge_cert_done(struct forge_cert *cert);
void forge_cert_pem(const struct forge_cert *cert, struct buf *ret); /* appended */

struct forge_message_spec {
	const struct forge_cert *signer;
	const struct forge_cert *second_signer;
	const struct forge_cert *carried[8]; /* beside the signer's */
	const char *content_type;
	const char *content_type_after; /* put in its place when all is signed */
	const char *content;
	size_t content_len; /* 0: up to its NUL */
	const EVP_MD *md;   /* NULL: SHA-384 */
	int64_t signing_time_s;
	bool no_signer_cert;
	bool no_attributes;
	bool key_identifier;		     /* in place of issuer and serial */
	bool no_ess;			     /* no signingCertificateV2 */
	const struct forge_cert *ess;	     /* signingCertificateV2 names this one instead */
	const EVP_MD *ess_md;		     /* with this digest */
	const struct forge_cert *ess_second; /* and names this one beside it */
	bool ess_without_serial;
	bool extra_attribute;
	bool null_parameter;   /* the SignerInfo's digest algorithm has a NULL parameter */
	int signing_time_type; /* 0: as it should be */
	bool with_crl;
	bool other_s; /* the other one of ECDSA's two values s */
	bool with_timestamp, bad_timestamp, other_unsigned;
};

void forge_message(const struct forge_message_spec *spec, struct buf *ret_der);
/* Changes what is signed already: decoded, edited, encoded again. */
void forge_edit(struct buf *der, void (*edit)(CMS_ContentInfo *cms));
CMS_SignerInfo *forge_first_signer(CMS_ContentInfo *cms);
/*
 * The forgery that messages without signed attributes allow: the content is what a genuine message's signature was made
 * over, its attributes, and the signature is that one. spec as it would be without the forgery.
 */
void forge_attributes_as_content(const struct forge_message_spec *spec, struct buf *ret_der);
void forge_pem(const struct buf *der, struct buf *ret_pem);

#endif
