/* How strong a public key is. Unknown kinds are weak. */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>

#include "internal.h"

#define RSA_BITS_MIN 3072

static const struct {
	const char *name;
	bool is_p384;
} curves[] = {{"prime256v1", false}, {"secp384r1", true}, {"secp521r1", false}};

/* The curve must be named in the key: one that is spelled out may be somebody's own. */
static bool is_on_named_curve(const EVP_PKEY *pkey, bool only_p384)
{
	int spelled_out = 1;
	char name[64];
	size_t len;
	bool on_curve = false;
	if (EVP_PKEY_is_a(pkey, "EC") &&
	    EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &spelled_out) == 1 &&
	    spelled_out == 0 && EVP_PKEY_get_group_name(pkey, name, sizeof(name), &len) == 1)
		for (size_t i = 0; i < ARRAY_SIZE(curves); i++)
			on_curve |= strcmp(name, curves[i].name) == 0 && (curves[i].is_p384 || !only_p384);
	crypto_openssl_clear_errors();
	return on_curve;
}

/* By way of its encoding, so that nothing is left of where it came from. */
EVP_PKEY *crypto_pkey_public_half(const EVP_PKEY *pkey)
{
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(pkey, &der);
	const uint8_t *at = der;
	EVP_PKEY *half = len > 0 ? d2i_PUBKEY(NULL, &at, len) : NULL;
	OPENSSL_free(der);
	return half;
}

bool crypto_pkey_is_p384(const EVP_PKEY *pkey)
{
	return is_on_named_curve(pkey, true);
}

bool crypto_pkey_is_strong(const EVP_PKEY *pkey)
{
	if (EVP_PKEY_is_a(pkey, "RSA"))
		return EVP_PKEY_get_bits(pkey) >= RSA_BITS_MIN;
	return is_on_named_curve(pkey, false);
}
