/*
 * Keys that stay in a PKCS#11 token: the reference, and OpenSSL's two ways to such a key. Where the pkcs11 provider is
 * installed it is a store like any other (OSSL_STORE), else the engine is asked (key_engine.c).
 *
 * PINs are read here and handed over apart from the rest of the reference, so that no library decides to ask for one on
 * a terminal, to run a command for it, or to print it. A reference without PIN is refused before the token is touched:
 * tokens lock themselves after a few wrong ones.
 */
#include "key_reference.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/ui.h>

#include "base/io.h"
#include "base/lock.h"
#include "base/text.h"

#define SCHEME "pkcs11:"

bool crypto_key_is_reference(const char *text, size_t len)
{
	return len >= strlen(SCHEME) && memcmp(text, SCHEME, strlen(SCHEME)) == 0;
}

bool crypto_key_reference_shows_pin(const char *uri)
{
	return strstr(uri, "pin-value=") != NULL;
}

/* "%2F" and the like; what is decoded must be text. */
static int decode(const char *from, size_t len, char *ret, size_t ret_size)
{
	size_t used = 0;
	for (size_t i = 0; i < len; i++) {
		uint8_t byte = (uint8_t)from[i];
		if (byte == '%') {
			char hex[2] = {0};
			for (size_t j = 0; j < 2 && i + 1 < len; j++, i++)
				hex[j] = from[i + 1] >= 'A' && from[i + 1] <= 'F' ? (char)(from[i + 1] + 32)
										  : from[i + 1];
			if (!text_unhex(hex, 2, &byte, 1) || byte == '\0')
				return -EINVAL;
		}
		if (used + 1 >= ret_size)
			return -EINVAL;
		ret[used++] = (char)byte;
	}
	ret[used] = '\0';
	return 0;
}

static int read_pin_file(const char *path, char ret[KEY_PIN_MAX_BYTES + 1], struct explain *ret_why)
{
	struct stat st;
	struct buf content = {0};
	char escaped[256];
	(void)text_escape_print(escaped, sizeof(escaped), path, strlen(path));
	if (path[0] != '/') {
		explain_set(ret_why, "pin-source=%s: expected file: and an absolute path", escaped);
		return -EINVAL;
	}
	int r = stat(path, &st) < 0 ? -errno : 0;
	if (r == 0 && (st.st_mode & 077)) {
		explain_set(ret_why, "the PIN file %s is open to others; close it with: chmod 600", escaped);
		return -EINVAL;
	}
	if (r == 0)
		r = io_read_path(path, KEY_PIN_MAX_BYTES, &content);
	if (r < 0) {
		explain_set(ret_why, "the PIN file %s cannot be read: %s", escaped, strerror(-r));
		r = r == -ENOMEM ? r : -EINVAL;
		goto out;
	}
	const char *pin = content.data ? content.data : "";
	size_t len = strcspn(pin, "\r\n");
	if (len == 0) {
		explain_set(ret_why, "the PIN file %s has no PIN in its first line", escaped);
		r = -EINVAL;
		goto out;
	}
	memcpy(ret, pin, len);
	ret[len] = '\0';
out:
	crypto_wipe(&content);
	return r;
}

/* One of module-path, pin-source, pin-value. */
static int take_attribute(const char *name, size_t name_len, const char *value, size_t value_len,
			  struct key_reference *reference, struct explain *ret_why)
{
	char path[KEY_REFERENCE_MAX_BYTES + 1] = "";
	int r = -EINVAL;
	if (text_equal(name, name_len, "module-path")) {
		r = decode(value, value_len, reference->module_path, sizeof(reference->module_path));
	} else if (text_equal(name, name_len, "pin-value")) {
		r = decode(value, value_len, reference->pin, sizeof(reference->pin));
	} else if (text_equal(name, name_len, "pin-source")) {
		r = decode(value, value_len, path, sizeof(path));
		if (r == 0)
			return read_pin_file(text_starts_with(path, "file:") ? path + strlen("file:") : path,
					     reference->pin, ret_why);
	} else {
		explain_set(ret_why,
			    "a pkcs11: reference takes pin-source, pin-value and module-path behind the \"?\"");
		return r;
	}
	if (r < 0)
		explain_set(ret_why, "the value of %.*s in the pkcs11: reference cannot be read", (int)name_len, name);
	return r;
}

static int take_query(const char *query, struct key_reference *reference, struct explain *ret_why)
{
	while (*query) {
		size_t len = strcspn(query, "&");
		size_t name_len = strcspn(query, "=&");
		size_t value_at = name_len < len ? name_len + 1 : len;
		int r = take_attribute(query, name_len, query + value_at, len - value_at, reference, ret_why);
		if (r < 0)
			return r;
		query += len + (query[len] == '&');
	}
	return 0;
}

/* The URI names one token and one key, or it would be the library that chooses. */
static bool has_attribute(const char *object, const char *name)
{
	const char *at = object + strlen(SCHEME);
	size_t len = strlen(name);
	while (strncmp(at, name, len) != 0 || at[len] != '=') {
		at += strcspn(at, ";");
		if (*at++ == '\0')
			return false;
	}
	return true;
}

static int check_reference(const struct key_reference *reference, struct explain *ret_why)
{
	char escaped[256];
	const char *module = reference->module_path;
	if (strstr(reference->object, "pin-")) { /* not shown: it may be the PIN */
		explain_set(ret_why, "pin-source and pin-value belong behind the \"?\" of a pkcs11: reference");
		return -EINVAL;
	}
	if (!(has_attribute(reference->object, "token") || has_attribute(reference->object, "serial")) ||
	    !(has_attribute(reference->object, "object") || has_attribute(reference->object, "id"))) {
		explain_set(ret_why,
			    "%s does not name one key; expected pkcs11:token=LABEL;object=LABEL (or serial=, "
			    "id=)",
			    reference->object);
		return -EINVAL;
	}
	if (reference->pin[0] == '\0') {
		explain_set(ret_why,
			    "%s comes without the token's PIN; add ?pin-source=file:/PATH, a file of mode 0600",
			    reference->object);
		return -EINVAL;
	}
	if (module[0] && access(module, R_OK) < 0) {
		explain_set(ret_why,
			    "the PKCS#11 module %s cannot be read: %s; is the token's package installed (softhsm2, "
			    "opensc-pkcs11, or the maker's)?",
			    text_escape_print(escaped, sizeof(escaped), module, strlen(module)), strerror(errno));
		return -EINVAL;
	}
	return 0;
}

int key_reference_parse(const char *uri, size_t len, struct key_reference *ret, struct explain *ret_why)
{
	char text[KEY_REFERENCE_MAX_BYTES + 1];
	if (len >= sizeof(text) || !crypto_key_is_reference(uri, len)) {
		explain_set(ret_why, "expected a reference to a key in a token, pkcs11:..., of at most %u bytes",
			    KEY_REFERENCE_MAX_BYTES);
		return -EINVAL;
	}
	for (size_t i = 0; i < len; i++)
		if (uri[i] <= ' ' || uri[i] > '~') {
			explain_set(ret_why, "a pkcs11: reference is one line of printable ASCII without blanks (a "
					     "blank is %%20)");
			return -EINVAL;
		}

	memcpy(text, uri, len);
	text[len] = '\0';
	struct key_reference reference = {0};
	size_t object_len = strcspn(text, "?");
	memcpy(reference.object, text, object_len);
	int r = 0;
	if (text[object_len] == '?')
		r = take_query(text + object_len + 1, &reference, ret_why);
	if (r == 0)
		r = check_reference(&reference, ret_why);
	if (r == 0)
		*ret = reference;
	OPENSSL_cleanse(text, sizeof(text));
	OPENSSL_cleanse(&reference, sizeof(reference));
	return r;
}

int key_reference_refused_pin(const struct key_reference *reference, const char *said, struct explain *ret_why)
{
	return crypto_refuse(ret_why, -EINVAL,
			     "the token refuses the PIN of %s%s%s (most tokens lock after a few wrong ones)",
			     reference->object, said ? ": " : "", said ? said : "");
}

int key_reference_not_found(const struct key_reference *reference, const char *said, struct explain *ret_why)
{
	return crypto_refuse(ret_why, -EINVAL,
			     "no private key %s%s%s; is the token plugged in, are its label and the key's right? "
			     "pkcs11-tool --list-token-slots and --login --list-objects show them",
			     reference->object, said ? ": " : "", said ? said : "");
}

static int no_answer(UI *ui UNUSED, UI_STRING *string UNUSED)
{
	return -1;
}

/*
 * Both ways ask OpenSSL's default for a PIN when they want one more: for another try, or before a signature. That is
 * the terminal; nobody answers here, and no answer is no try.
 */
static void mute_terminal(void)
{
	UI_METHOD *mute = UI_create_method("no questions");
	if (mute && UI_method_set_reader(mute, no_answer) == 0)
		UI_set_default_method(mute); /* stays until exit */
}

static pthread_once_t mute_once = PTHREAD_ONCE_INIT;

static pthread_mutex_t tokens = PTHREAD_MUTEX_INITIALIZER;

void crypto_key_lock(const struct crypto_key *key)
{
	if (key->reference)
		lock_take(&tokens);
}

void crypto_key_unlock(const struct crypto_key *key)
{
	if (key->reference)
		lock_drop(&tokens);
}

static int load(const struct key_reference *reference, struct crypto_key **ret, struct explain *ret_why)
{
	EVP_PKEY *pkey = NULL;
	struct key_module *module = NULL;
	void *engine = NULL;
	struct crypto_key *key = NULL;
	int r = key_provider_load(reference, &pkey, &module, ret_why);
	if (r == -ENOSYS)
		r = key_engine_load(reference, &pkey, &engine, ret_why);
	if (r == 0)
		r = crypto_key_take(pkey, reference->object, &key, ret_why);
	if (r != 0) {
		key_engine_release(engine);
		key_provider_release(module);
		return r;
	}
	key->engine = engine;
	key->module = module;
	*ret = key;
	return 0;
}

int crypto_key_from_reference(const char *uri, size_t len, struct crypto_key **ret, struct explain *ret_why)
{
	struct key_reference reference;
	int r = key_reference_parse(uri, len, &reference, ret_why);
	if (r < 0)
		return r;

	ASSERT(pthread_once(&mute_once, mute_terminal) == 0);
	struct crypto_key *key = NULL;
	char *text = strndup(uri, len);
	lock_take(&tokens);
	r = text ? load(&reference, &key, ret_why) : -ENOMEM;
	lock_drop(&tokens);
	if (r == 0) {
		key->reference = text;
		text = NULL;
		*ret = key;
	}
	if (text)
		OPENSSL_cleanse(text, len);
	free(text);
	OPENSSL_cleanse(&reference, sizeof(reference));
	crypto_openssl_drain();
	return r;
}
