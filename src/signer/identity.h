/*
 * identity.h - a key with its certificate: the account's CA, a profile version, the signer of a revocation list.
 * Private to this module.
 */
#ifndef SIGNER_IDENTITY_H
#define SIGNER_IDENTITY_H

#include "crypto/cert.h"
#include "home.h"

struct identity {
	struct crypto_key *key;
	struct crypto_cert *cert;
};
void identity_done(struct identity *identity);

/* key_reference: the key pair is in a token (crypto_key_from_reference); NULL: a new one is made. */
int identity_make_ca(const char *account, const char *key_reference, int64_t now_s, struct identity *ret,
		     struct explain *ret_why);
/* A leaf that speaks for san_uri from now until not_after_s, or until the CA ends. */
int identity_make_leaf(const struct identity *ca, const char *key_reference, const char *common_name,
		       const char *san_uri, int64_t now_s, int64_t not_after_s, struct identity *ret,
		       struct explain *ret_why);

/*
 * Can this key be had, by itself? A token that another key has opened takes any PIN, and the wrong one would be found
 * out only when something is to be signed.
 */
int identity_try_key(const char *key_reference, struct explain *ret_why);

int identity_write(const struct signer *signer, const char *key_name, const char *cert_name,
		   const struct identity *identity, struct explain *ret_why);
int identity_read(const struct signer *signer, const char *key_name, const char *cert_name, struct identity *ret,
		  struct explain *ret_why);

/* The account's CA as hosts know it; crypto_trust_unref. */
int identity_read_trust(const struct signer *signer, struct crypto_trust **ret, struct explain *ret_why);

#endif
