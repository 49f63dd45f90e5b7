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

/* Why a key could not be loaded, and what OpenSSL said about it (or NULL); empties its queue of errors. -EINVAL. */
int key_reference_refused_pin(const struct key_reference *reference, const char *said, struct explain *ret_why);
int key_reference_not_found(const struct key_reference *reference, const char *said, struct explain *ret_why);

/*
 * The two ways to a token; callers hold the lock of crypto_key_lock.
 *
 * Where OpenSSL has a provider for tokens. -ENOSYS: it is not installed. *ret_module is released after the key.
 */
struct key_module;
int key_provider_load(const struct key_reference *reference, EVP_PKEY **ret, struct key_module **ret_module,
		      struct explain *ret_why);
void key_provider_release(struct key_module *module);

/*
 * Before there was one: an ENGINE, which is deprecated, so that nothing else may know of it. -EINVAL with why.
 * *ret_engine is released after the key.
 */
int key_engine_load(const struct key_reference *reference, EVP_PKEY **ret, void **ret_engine, struct explain *ret_why);
void key_engine_release(void *engine);

#endif
