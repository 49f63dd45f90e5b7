/*
 * Keys leave memory only for a file of mode 0600 in the home; every buffer that held one is wiped. The file of a key in
 * a token holds the reference, which may hold a PIN.
 */
#include "identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

void identity_done(struct identity *identity)
{
	crypto_key_free(identity->key);
	crypto_cert_free(identity->cert);
	*identity = (struct identity){0};
}

/* A new key, or the one in a token. */
static int make_key(const char *reference, struct crypto_key **ret, struct explain *ret_why)
{
	if (!reference)
		return crypto_key_generate(ret);
	struct crypto_key *key = NULL;
	int r = crypto_key_from_reference(reference, strlen(reference), &key, ret_why);
	if (r == 0)
		r = crypto_key_prove(key, ret_why);
	if (r == 0) {
		*ret = key;
		key = NULL;
	}
	crypto_key_free(key);
	return r;
}

int identity_try_key(const char *key_reference, struct explain *ret_why)
{
	struct crypto_key *key = NULL;
	int r = make_key(key_reference, &key, ret_why);
	crypto_key_free(key);
	return r;
}

/* Why was set where the key's reference is to blame. */
static int failed(const char *reference, int r, struct identity *half, struct explain *ret_why, const char *what)
{
	bool is_explained = reference && !half->key;
	identity_done(half);
	return is_explained ? r : home_failed(ret_why, r, "%s cannot be made", what);
}

int identity_make_ca(const char *account, const char *key_reference, int64_t now_s, struct identity *ret,
		     struct explain *ret_why)
{
	char name[64];
	(void)snprintf(name, sizeof(name), "vouchfs signing CA of account %s", account);

	struct identity ca = {0};
	int r = make_key(key_reference, &ca.key, ret_why);
	if (r == 0)
		r = crypto_cert_make_ca(ca.key, name, now_s - HOME_BACKDATING_S,
					clock_add_months(now_s, HOME_MONTHS_CA), &ca.cert);
	if (r < 0)
		return failed(key_reference, r, &ca, ret_why, "the account's CA");
	*ret = ca;
	return 0;
}

int identity_make_leaf(const struct identity *ca, const char *key_reference, const char *common_name,
		       const char *san_uri, int64_t now_s, int64_t not_after_s, struct identity *ret,
		       struct explain *ret_why)
{
	int64_t ca_not_after_s = crypto_cert_not_after_s(ca->cert);
	if (ca_not_after_s < now_s)
		return home_refuse(ret_why, -EINVAL,
				   "the account's CA certificate has ended; sign under a new account");

	struct identity leaf = {0};
	int r = make_key(key_reference, &leaf.key, ret_why);
	if (r == 0)
		r = crypto_cert_make_leaf(leaf.key, common_name, san_uri, now_s - HOME_BACKDATING_S,
					  not_after_s < ca_not_after_s ? not_after_s : ca_not_after_s, ca->key,
					  ca->cert, &leaf.cert);
	if (r < 0)
		return failed(key_reference, r, &leaf, ret_why, "the certificate of a signing key");
	*ret = leaf;
	return 0;
}

int identity_write(const struct signer *signer, const char *key_name, const char *cert_name,
		   const struct identity *identity, struct explain *ret_why)
{
	struct buf pem = {0};
	int r = crypto_key_write(identity->key, &pem);
	if (r == 0)
		r = home_write(signer, key_name, &pem, ret_why);
	crypto_wipe(&pem);
	if (r == 0)
		r = crypto_cert_to_pem(identity->cert, &pem);
	if (r == 0)
		r = home_write(signer, cert_name, &pem, ret_why);
	buf_done(&pem);
	return r;
}

static int read_key(const struct signer *signer, const char *name, struct crypto_key **ret, struct explain *ret_why)
{
	struct buf pem = {0};
	int r = home_read_secret(signer, name, &pem, ret_why);
	if (r == 0)
		r = crypto_key_read(pem.data ? pem.data : "", pem.len, ret, ret_why);
	crypto_wipe(&pem);
	return r;
}

/* The text of a certificate file; that it is missing is damage. */
static int read_pem(const struct signer *signer, const char *name, struct buf *ret, struct explain *ret_why)
{
	int r = home_read(signer, name, LIMIT_PEM_FILE_BYTES, ret, ret_why);
	return r == -ENOENT ? home_refuse(ret_why, -EIO, "%s is missing in the signer's home; restore it from a backup",
					  name)
			    : r;
}

int identity_read(const struct signer *signer, const char *key_name, const char *cert_name, struct identity *ret,
		  struct explain *ret_why)
{
	struct identity identity = {0};
	struct buf pem = {0};
	int r = read_key(signer, key_name, &identity.key, ret_why);
	if (r == 0)
		r = read_pem(signer, cert_name, &pem, ret_why);
	if (r == 0)
		r = crypto_cert_from_pem(pem.data, pem.len, &identity.cert, ret_why);
	if (r == 0) {
		*ret = identity;
		identity = (struct identity){0};
	}
	identity_done(&identity);
	buf_done(&pem);
	return r;
}

int identity_read_trust(const struct signer *signer, struct crypto_trust **ret, struct explain *ret_why)
{
	struct buf pem = {0};
	int r = read_pem(signer, HOME_CA_CERT, &pem, ret_why);
	if (r == 0)
		r = crypto_trust_from_pem(pem.data, pem.len, ret, ret_why);
	buf_done(&pem);
	return r;
}
