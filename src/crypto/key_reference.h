/* key_reference.h - references to keys in tokens, taken apart, and the two ways of OpenSSL to get there. */
#ifndef CRYPTO_KEY_REFERENCE_H
#define CRYPTO_KEY_REFERENCE_H

#include "internal.h"

#define KEY_REFERENCE_MAX_BYTES 1024U
#define KEY_PIN_MAX_BYTES	128U

struct key_reference {
	char object[KEY_REFERENCE_MAX_BYTES + 1];      /* "pkcs11:token=...;object=...", without PIN: may be shown */
	char module_path[KEY_REFERENCE_MAX_BYTES + 1]; /* "": p11-kit's choice */
	char pin[KEY_PIN_MAX_BYTES + 1];
};

/* Wipe it with OPENSSL_cleanse. -EINVAL with why. */
int key_reference_parse(const char *uri, size_t len, struct key_reference *ret, struct explain *ret_why);

/* Says what OpenSSL's queue of errors tells about a key that could not be loaded, and empties it. */
int key_reference_failed(const struct key_reference *reference, struct explain *ret_why);

/*
 * The way for OpenSSL 3 before it had a PKCS#11 provider: an ENGINE, which is deprecated, so that nothing else may know
 * of it. -EINVAL with why. *ret_engine is released after the key.
 */
int key_engine_load(const struct key_reference *reference, EVP_PKEY **ret, void **ret_engine, struct explain *ret_why);
void key_engine_release(void *engine);

#endif
