/* Keys in tokens by OpenSSL's pkcs11 engine (libp11). This file alone uses the ENGINE interface. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/engine.h>
#include <openssl/err.h>

#include "key_reference.h"

#ifdef OPENSSL_NO_ENGINE

int key_engine_load(const struct key_reference *reference UNUSED, EVP_PKEY **ret UNUSED, void **ret_engine UNUSED,
		    struct explain *ret_why)
{
	return crypto_refuse(ret_why, -EINVAL,
			     "OpenSSL cannot reach PKCS#11 tokens: its provider is not installed; install the package "
			     "pkcs11-provider");
}

void key_engine_release(void *engine UNUSED)
{
}

#else

/* The engine keeps one module and one PIN; both are told before each key, the module counts when it is the first. */
static bool set_up(ENGINE *engine, const struct key_reference *reference)
{
	(void)ENGINE_ctrl_cmd_string(engine, "QUIET", NULL, 1);
	return (reference->module_path[0] == '\0' ||
		ENGINE_ctrl_cmd_string(engine, "MODULE_PATH", reference->module_path, 0) == 1) &&
	       ENGINE_ctrl_cmd_string(engine, "PIN", reference->pin, 0) == 1;
}

/* The first error is the nearest to the token. */
static int refuse(const struct key_reference *reference, struct explain *ret_why)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());
	char said[160];
	(void)snprintf(said, sizeof(said), "%s", reason ? reason : "not found"); /* emptying the queue may free it */
	if (strstr(said, "PIN"))
		return key_reference_refused_pin(reference, said, ret_why);
	if (strstr(said, "module"))
		return crypto_refuse(ret_why, -EINVAL,
				     "%s cannot be reached: %s; module-path= names the PKCS#11 module that came with "
				     "the token",
				     reference->object, said);
	return key_reference_not_found(reference, said, ret_why);
}

int key_engine_load(const struct key_reference *reference, EVP_PKEY **ret, void **ret_engine, struct explain *ret_why)
{
	ENGINE *engine = ENGINE_by_id("pkcs11");
	if (!engine)
		return crypto_refuse(ret_why, -EINVAL,
				     "OpenSSL cannot reach PKCS#11 tokens: neither its provider nor its engine for "
				     "them is installed; install the package libengine-pkcs11-openssl or "
				     "pkcs11-provider");
	int r = 0;
	EVP_PKEY *pkey = NULL;
	bool initialized = ENGINE_init(engine) == 1;
	if (initialized && set_up(engine, reference))
		pkey = ENGINE_load_private_key(engine, reference->object, NULL, NULL);
	if (!pkey)
		r = refuse(reference, ret_why);
	if (r == 0) {
		*ret = pkey;
		*ret_engine = engine;
	} else if (initialized) {
		ENGINE_finish(engine);
	}
	ENGINE_free(engine); /* what ENGINE_init took stays */
	return r;
}

void key_engine_release(void *engine)
{
	if (engine)
		ENGINE_finish(engine);
}

#endif
