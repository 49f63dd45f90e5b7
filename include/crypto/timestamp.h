/*
 * timestamp.h - RFC 3161 time stamps on messages of crypto/cms.h: an authority's word that the signature was there at a
 * time. The token stands in the unsigned attributes, so a message can be stamped after it was signed.
 *
 * A token holds when it is a CMS SignedData with one signer over a TSTInfo of version 1 and no critical extension; its
 * imprint is the SHA-256, SHA-384 or SHA-512 of the message's signature value; it is signed, with one of those digests,
 * over signed attributes that name its type and its signer's certificate (ESS); that certificate is carried and has a
 * critical extended key usage timeStamping, nothing beside it; its chain, over what is carried, ends in one of the
 * authority's CAs; and every certificate of the chain is valid at the stamp's time and as strong as those of
 * crypto/cms.h.
 */
#ifndef CRYPTO_TIMESTAMP_H
#define CRYPTO_TIMESTAMP_H

#include "crypto/cms.h"

#define CRYPTO_TIMESTAMP_QUERY_MAX_BYTES 4096U
#define CRYPTO_TIMESTAMP_REPLY_MAX_BYTES 65536U
#define CRYPTO_TIMESTAMP_TIMEOUT_S	 30

/* 0 and the stamp's time; -EBADMSG: the token does not hold, with why; other negative errno: undecided. It has one. */
int crypto_timestamp_check(const struct crypto_cms *cms, const struct crypto_trust *authority, int64_t *ret_at_s,
			   struct explain *ret_why);

/* The time that the token claims, whoever made it; for display. -EBADMSG: it cannot be read. */
int crypto_timestamp_claim(const struct crypto_cms *cms, int64_t *ret_at_s);

/* ---- the signing host's side ---- */

/* A request (DER) for a stamp on the message: SHA-384, a random nonce, with the authority's certificates. */
int crypto_timestamp_query(const struct crypto_cms *cms, struct buf *ret_query);

/*
 * The message with the token in it, in PEM, if the reply (a TimeStampResp, or the bare token; DER) grants and answers
 * the query, and holds but for the CA, which is the verifier's to know. -EBADMSG with why: it does not.
 */
int crypto_timestamp_attach(const struct crypto_cms *cms, const struct buf *query, const struct buf *reply,
			    struct buf *ret_pem, struct explain *ret_why);

/* Asks the authority at http://host[:port]/path. -EINVAL: no such URL; -EIO, with why: no answer that can be used. */
int crypto_timestamp_fetch(const char *url, const struct buf *query, struct buf *ret_reply, struct explain *ret_why);

#endif
