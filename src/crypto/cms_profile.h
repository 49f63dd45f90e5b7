/*
 * cms_profile.h - the profile of crypto/cms.h as an ASN.1 grammar for OpenSSL's decoder.
 *
 * It is RFC 5652's ContentInfo cut down to what we allow: no CRLs, no attribute certificates, no subjectKeyIdentifier,
 * no detached content. What is not in it does not decode. The type names are without `struct` because OpenSSL's macros
 * paste them.
 */
#ifndef CRYPTO_CMS_PROFILE_H
#define CRYPTO_CMS_PROFILE_H

#include <openssl/asn1t.h>
#include <openssl/x509v3.h>

typedef struct {
	X509_NAME *issuer;
	ASN1_INTEGER *serial;
} PROFILE_SIGNER_ID;

typedef struct {
	ASN1_INTEGER *version;
	PROFILE_SIGNER_ID *signer_id;
	X509_ALGOR *digest;
	STACK_OF(X509_ATTRIBUTE) * signed_attributes;
	X509_ALGOR *algorithm;
	ASN1_OCTET_STRING *signature;
	STACK_OF(X509_ATTRIBUTE) * unsigned_attributes; /* NULL: none */
} PROFILE_SIGNER;

typedef struct {
	ASN1_OBJECT *type;
	ASN1_OCTET_STRING *bytes;
} PROFILE_CONTENT;

typedef struct {
	ASN1_INTEGER *version;
	STACK_OF(X509_ALGOR) * digests;
	PROFILE_CONTENT *content;
	STACK_OF(X509) * certs;
	STACK_OF(PROFILE_SIGNER) * signers;
} PROFILE_SIGNED_DATA;

typedef struct {
	ASN1_OBJECT *type;
	PROFILE_SIGNED_DATA *signed_data;
} PROFILE_MESSAGE;

/* RFC 5035 ESSCertIDv2 with its hash algorithm written out (left out it would be SHA-256, which we do not take). */
typedef struct {
	GENERAL_NAMES *issuer;
	ASN1_INTEGER *serial;
} PROFILE_ISSUER_SERIAL;

typedef struct {
	X509_ALGOR *hash_algorithm;
	ASN1_OCTET_STRING *hash;
	PROFILE_ISSUER_SERIAL *issuer_serial; /* NULL: none */
} PROFILE_CERT_ID;

typedef struct {
	STACK_OF(PROFILE_CERT_ID) * certs; /* no policies */
} PROFILE_SIGNING_CERT;

/* RFC 3161 TimeStampResp. OpenSSL's own type holds the token as a PKCS7, which would write it anew. */
typedef struct {
	ASN1_INTEGER *status;
	STACK_OF(ASN1_UTF8STRING) * texts;
	ASN1_BIT_STRING *failure;
} PROFILE_STATUS;

typedef struct {
	PROFILE_STATUS *status;
	ASN1_TYPE *token; /* NULL: none */
} PROFILE_REPLY;

DEFINE_STACK_OF(PROFILE_SIGNER)
DEFINE_STACK_OF(PROFILE_CERT_ID)

DECLARE_ASN1_ITEM(PROFILE_MESSAGE)
DECLARE_ASN1_ITEM(PROFILE_SIGNED_ATTRIBUTES) /* a stack of X509_ATTRIBUTE as a SET OF with its own tag */
DECLARE_ASN1_ITEM(PROFILE_SIGNING_CERT)
DECLARE_ASN1_ITEM(PROFILE_REPLY)

/* Decodes der, which must be DER and hold one value of this kind and nothing else; NULL when not. */
void *cms_profile_decode(const ASN1_ITEM *kind, const uint8_t *der, size_t len);

#endif
