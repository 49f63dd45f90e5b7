/*
 * proven.h - remembers which chains were built up to a CA, so that the signatures of certificates that come again with
 * each artifact are not computed again. Only successes are remembered, under a digest of every certificate of the
 * chain; what does not depend on the certificates alone (time, the name they must speak for) is no part of it.
 */
#ifndef CRYPTO_PROVEN_H
#define CRYPTO_PROVEN_H

#include <pthread.h>

#include "cms_internal.h"

#define PROVEN_MAX 64 /* the oldest makes room */

struct proven {
	pthread_mutex_t lock;
	size_t count, next;
	uint8_t keys[PROVEN_MAX][CRYPTO_SHA256_BYTES];
};

struct proven *proven_new(void);
void proven_free(struct proven *proven);

/* The key of the carried certificates, in their order. */
int proven_key(const struct crypto_cms *cms, uint8_t ret[CRYPTO_SHA256_BYTES]);
bool proven_has(struct proven *proven, const uint8_t key[CRYPTO_SHA256_BYTES]);
void proven_add(struct proven *proven, const uint8_t key[CRYPTO_SHA256_BYTES]);

#endif
