/*
 * Keys in tokens by OpenSSL's pkcs11 provider, to which a token is a store like any other (OSSL_STORE).
 *
 * The provider gets a library context of its own. So nothing that is verified is ever asked of a token, and what a
 * token needs is taken down with its last key: a provider of the default context stays until exit, where the token's
 * module is gone before it.
 *
 * A PKCS#11 module is initialized and finalized for the whole process. So the keys of one module share what is open,
 * and it is counted; that list is the process's, as modules are.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/conf.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>

#include "base/text.h"
#include "key_reference.h"

#define MODULE_IN_ENV	"PKCS11_PROVIDER_MODULE" /* how the provider is told of a module; goes over openssl.cnf */
#define PROVIDER	"pkcs11"
#define OF_PROVIDER	"provider=pkcs11"
#define OF_PRIVATE_KEYS ";type=private"

struct key_module {
	struct key_module *next;
	unsigned keys;
	OSSL_LIB_CTX *libctx;
	OSSL_PROVIDER *provider;
	char path[]; /* "": p11-kit's choice */
};

static struct key_module *first_module; /* of a list; under crypto_key_lock */

static void close_module(struct key_module *module)
{
	if (!module)
		return;
	if (module->provider)
		OSSL_PROVIDER_unload(module->provider);
	OSSL_LIB_CTX_free(module->libctx);
	free(module);
}

/*
 * PINs are kept while it is loaded, for keys that want them before every signature. Keys are not copied into the
 * session, as is its default: who looks for the same key meanwhile finds the copy, which goes with the first.
 */
static OSSL_PROVIDER *load_with_settings(OSSL_LIB_CTX *libctx)
{
#if OPENSSL_VERSION_NUMBER >= 0x30200000L
	char yes[] = "cache", no[] = "false";
	OSSL_PARAM settings[] = {OSSL_PARAM_utf8_string("pkcs11-module-cache-pins", yes, sizeof(yes) - 1),
				 OSSL_PARAM_utf8_string("pkcs11-module-cache-keys", no, sizeof(no) - 1),
				 OSSL_PARAM_END};
	return OSSL_PROVIDER_try_load_ex(libctx, PROVIDER, settings, 1);
#else
	return OSSL_PROVIDER_try_load(libctx, PROVIDER, 1);
#endif
}

/* What openssl.cnf says about the provider goes first, since some tokens need their quirks told. */
static OSSL_PROVIDER *load_provider(OSSL_LIB_CTX *libctx)
{
	(void)CONF_modules_load_file_ex(libctx, NULL, NULL,
					CONF_MFLAGS_IGNORE_ERRORS | CONF_MFLAGS_IGNORE_RETURN_CODES |
						CONF_MFLAGS_IGNORE_MISSING_FILE | CONF_MFLAGS_SILENT);
	return load_with_settings(libctx);
}

/* The provider reads its environment once, when it is loaded; what was there is for the next one. */
static int load_provider_for(struct key_module *module)
{
	const char *set = getenv(MODULE_IN_ENV);
	char *before = set ? strdup(set) : NULL;
	if (set && !before)
		return -ENOMEM;
	int r = module->path[0] && setenv(MODULE_IN_ENV, module->path, 1) < 0 ? -errno : 0;
	if (r == 0 && !(module->provider = load_provider(module->libctx)))
		r = crypto_openssl_drain() ? -ENOMEM : -ENOSYS;
	if (module->path[0] && before)
		(void)setenv(MODULE_IN_ENV, before, 1);
	else if (module->path[0])
		(void)unsetenv(MODULE_IN_ENV);
	free(before);
	return r;
}

static int open_module(const char *path, struct key_module **ret)
{
	size_t path_size = strlen(path) + 1;
	struct key_module *module = calloc(1, sizeof(*module) + path_size);
	if (!module)
		return -ENOMEM;
	memcpy(module->path, path, path_size);
	module->libctx = OSSL_LIB_CTX_new();
	int r = module->libctx ? load_provider_for(module) : crypto_openssl_failure();
	if (r == 0) {
		*ret = module;
		module = NULL;
	}
	close_module(module);
	crypto_openssl_drain();
	return r;
}

static int take_module(const char *path, struct key_module **ret)
{
	int r = 0;
	struct key_module *module = first_module;
	while (module && strcmp(module->path, path) != 0)
		module = module->next;
	if (!module && (r = open_module(path, &module)) == 0) {
		module->next = first_module;
		first_module = module;
	}
	if (r == 0) {
		module->keys++;
		*ret = module;
	}
	return r;
}

void key_provider_release(struct key_module *module)
{
	if (!module || --module->keys > 0)
		return;
	struct key_module **at = &first_module;
	while (*at != module)
		at = &(*at)->next;
	*at = module->next;
	close_module(module);
}

struct search {
	const char *pin; /* NULL: the token gets none */
	unsigned asked;	 /* for the PIN */
	bool opened;
	bool several;
	EVP_PKEY *pkey;
};

/* Hands out the PIN once: a token that asks again has refused it. */
static int give_pin(char *buf, int size, int writing UNUSED, void *ctx)
{
	struct search *search = ctx;
	size_t len = search->pin ? strlen(search->pin) : 0;
	if (search->asked++ > 0 || !search->pin || (size_t)size < len)
		return -1;
	memcpy(buf, search->pin, len);
	return (int)len;
}

/* By what is in memory: the provider compares where keys are, too. */
static bool is_same_key(const EVP_PKEY *a, const EVP_PKEY *b)
{
	EVP_PKEY *half_a = crypto_pkey_public_half(a), *half_b = crypto_pkey_public_half(b);
	bool same = half_a && half_b && EVP_PKEY_eq(half_a, half_b) == 1;
	EVP_PKEY_free(half_a);
	EVP_PKEY_free(half_b);
	return same;
}

/* The same key twice is one: there are modules that show a token in two slots. */
static void take_private_key(struct search *search, const OSSL_STORE_INFO *info)
{
	EVP_PKEY *pkey = OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY ? OSSL_STORE_INFO_get1_PKEY(info)
										: NULL;
	if (pkey && search->pkey) {
		search->several |= !is_same_key(search->pkey, pkey);
		EVP_PKEY_free(pkey);
	} else if (pkey) {
		search->pkey = pkey;
	}
}

static void search_token(const struct key_module *module, const char *object, struct search *search)
{
	char uri[KEY_REFERENCE_MAX_BYTES + sizeof(OF_PRIVATE_KEYS)];
	(void)snprintf(uri, sizeof(uri), "%s%s", object, OF_PRIVATE_KEYS);
	UI_METHOD *ui = UI_UTIL_wrap_read_pem_callback(give_pin, 0);
	/* Of the provider alone: else a file that has the reference for its name would be taken for the key. */
	OSSL_STORE_CTX *store = ui ? OSSL_STORE_open_ex(uri, module->libctx, OF_PROVIDER, ui, search, NULL, NULL, NULL)
				   : NULL;
	search->opened = store;
	bool more = store && OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY) == 1;
	while (more && !OSSL_STORE_eof(store)) {
		OSSL_STORE_INFO *info = OSSL_STORE_load(store);
		if (info)
			take_private_key(search, info);
		more = info;
		OSSL_STORE_INFO_free(info);
	}
	OSSL_STORE_close(store);
	UI_destroy_method(ui);
}

static int refuse_module(const struct key_reference *reference, struct explain *ret_why)
{
	char escaped[256];
	if (reference->module_path[0] == '\0')
		return crypto_refuse(
			ret_why, -EINVAL,
			"%s cannot be reached: OpenSSL's pkcs11 provider has no PKCS#11 module that works; "
			"install the package p11-kit-modules, or name the module that came with the token: "
			"module-path=",
			reference->object);
	return crypto_refuse(
		ret_why, -EINVAL,
		"%s cannot be reached: the PKCS#11 module %s cannot be loaded or does not start; "
		"module-path= names the one that came with the token",
		reference->object,
		text_escape_print(escaped, sizeof(escaped), reference->module_path, strlen(reference->module_path)));
}

/*
 * The provider keeps its reasons to itself. But a token that was logged in to asks for no PIN, so asking it once more,
 * without giving it one, tells whether it was the PIN.
 */
static int refuse(const struct key_module *module, const struct key_reference *reference, const struct search *search,
		  struct explain *ret_why)
{
	if (!search->opened)
		return refuse_module(reference, ret_why);
	if (search->several)
		return crypto_refuse(
			ret_why, -EINVAL,
			"%s is the name of more than one private key; say which with id=", reference->object);
	struct search again = {0};
	if (search->asked > 0)
		search_token(module, reference->object, &again);
	EVP_PKEY_free(again.pkey);
	return again.asked > 0 ? key_reference_refused_pin(reference, NULL, ret_why)
			       : key_reference_not_found(reference, NULL, ret_why);
}

int key_provider_load(const struct key_reference *reference, EVP_PKEY **ret, struct key_module **ret_module,
		      struct explain *ret_why)
{
	struct key_module *module = NULL;
	struct search search = {.pin = reference->pin};
	int r = take_module(reference->module_path, &module);
	if (r != 0)
		return r;
	search_token(module, reference->object, &search);
	if (search.pkey && !search.several) {
		*ret = search.pkey;
		*ret_module = module;
		search.pkey = NULL;
		module = NULL;
	} else {
		r = refuse(module, reference, &search, ret_why);
	}
	EVP_PKEY_free(search.pkey);
	key_provider_release(module);
	return r;
}
