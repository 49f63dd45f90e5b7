/* The grammar itself, and decoding that accepts one encoding of a value only. */
#include "cms_profile.h"

#include <limits.h>
#include <string.h>

#include "internal.h"

/* clang-format off */
ASN1_SEQUENCE(PROFILE_SIGNER_ID) = {
	ASN1_SIMPLE(PROFILE_SIGNER_ID, issuer, X509_NAME),
	ASN1_SIMPLE(PROFILE_SIGNER_ID, serial, ASN1_INTEGER),
} static_ASN1_SEQUENCE_END(PROFILE_SIGNER_ID)

ASN1_SEQUENCE(PROFILE_SIGNER) = {
	ASN1_SIMPLE(PROFILE_SIGNER, version, ASN1_INTEGER),
	ASN1_SIMPLE(PROFILE_SIGNER, signer_id, PROFILE_SIGNER_ID),
	ASN1_SIMPLE(PROFILE_SIGNER, digest, X509_ALGOR),
	ASN1_IMP_SET_OF(PROFILE_SIGNER, signed_attributes, X509_ATTRIBUTE, 0),
	ASN1_SIMPLE(PROFILE_SIGNER, algorithm, X509_ALGOR),
	ASN1_SIMPLE(PROFILE_SIGNER, signature, ASN1_OCTET_STRING),
	ASN1_IMP_SET_OF_OPT(PROFILE_SIGNER, unsigned_attributes, X509_ATTRIBUTE, 1),
} static_ASN1_SEQUENCE_END(PROFILE_SIGNER)

ASN1_SEQUENCE(PROFILE_CONTENT) = {
	ASN1_SIMPLE(PROFILE_CONTENT, type, ASN1_OBJECT),
	ASN1_EXP(PROFILE_CONTENT, bytes, ASN1_OCTET_STRING, 0),
} static_ASN1_SEQUENCE_END(PROFILE_CONTENT)

ASN1_SEQUENCE(PROFILE_SIGNED_DATA) = {
	ASN1_SIMPLE(PROFILE_SIGNED_DATA, version, ASN1_INTEGER),
	ASN1_SET_OF(PROFILE_SIGNED_DATA, digests, X509_ALGOR),
	ASN1_SIMPLE(PROFILE_SIGNED_DATA, content, PROFILE_CONTENT),
	ASN1_IMP_SET_OF(PROFILE_SIGNED_DATA, certs, X509, 0),
	ASN1_SET_OF(PROFILE_SIGNED_DATA, signers, PROFILE_SIGNER),
} static_ASN1_SEQUENCE_END(PROFILE_SIGNED_DATA)

ASN1_SEQUENCE(PROFILE_MESSAGE) = {
	ASN1_SIMPLE(PROFILE_MESSAGE, type, ASN1_OBJECT),
	ASN1_EXP(PROFILE_MESSAGE, signed_data, PROFILE_SIGNED_DATA, 0),
} ASN1_SEQUENCE_END(PROFILE_MESSAGE)

ASN1_SEQUENCE(PROFILE_ISSUER_SERIAL) = {
	ASN1_SEQUENCE_OF(PROFILE_ISSUER_SERIAL, issuer, GENERAL_NAME),
	ASN1_SIMPLE(PROFILE_ISSUER_SERIAL, serial, ASN1_INTEGER),
} static_ASN1_SEQUENCE_END(PROFILE_ISSUER_SERIAL)

ASN1_SEQUENCE(PROFILE_CERT_ID) = {
	ASN1_SIMPLE(PROFILE_CERT_ID, hash_algorithm, X509_ALGOR),
	ASN1_SIMPLE(PROFILE_CERT_ID, hash, ASN1_OCTET_STRING),
	ASN1_OPT(PROFILE_CERT_ID, issuer_serial, PROFILE_ISSUER_SERIAL),
} static_ASN1_SEQUENCE_END(PROFILE_CERT_ID)

ASN1_SEQUENCE(PROFILE_SIGNING_CERT) = {
	ASN1_SEQUENCE_OF(PROFILE_SIGNING_CERT, certs, PROFILE_CERT_ID),
} ASN1_SEQUENCE_END(PROFILE_SIGNING_CERT)
															/* clang-format on */

															void *
															cms_profile_decode(
																const ASN1_ITEM
																	*kind,
																const uint8_t
																	*der,
																size_t len)
{
	if (len > LONG_MAX)
		return NULL;
	const uint8_t *at = der;
	uint8_t *again = NULL;
	void *value = (void *)ASN1_item_d2i(NULL, &at, (long)len, kind);
	int again_len = value ? ASN1_item_i2d(value, &again, kind) : -1;
	if (again_len < 0 || (size_t)again_len != len || memcmp(again, der, len) != 0) {
		ASN1_item_free(value, kind);
		value = NULL;
	}
	OPENSSL_free(again);
	return value;
}
