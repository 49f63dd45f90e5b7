#include "proven.h"

#include <stdlib.h>
#include <string.h>

#include "base/lock.h"

struct proven *proven_new(void)
{
	struct proven *proven = calloc(1, sizeof(*proven));
	if (proven)
		lock_init(&proven->lock);
	return proven;
}

void proven_free(struct proven *proven)
{
	if (!proven)
		return;
	lock_done(&proven->lock);
	free(proven);
}

int proven_key(const struct crypto_cms *cms, uint8_t ret[CRYPTO_SHA256_BYTES])
{
	uint8_t digests[CRYPTO_CMS_CERTS_MAX][CRYPTO_SHA256_BYTES];
	for (size_t i = 0; i < cms->cert_count; i++) {
		int r = crypto_cert_digest(cms->certs[i], digests[i]);
		if (r < 0)
			return r;
	}
	return crypto_sha256(digests, cms->cert_count * sizeof(digests[0]), ret);
}

static bool has_locked(const struct proven *proven, const uint8_t *key)
{
	for (size_t i = 0; i < proven->count; i++)
		if (memcmp(proven->keys[i], key, sizeof(proven->keys[i])) == 0)
			return true;
	return false;
}

bool proven_has(struct proven *proven, const uint8_t key[CRYPTO_SHA256_BYTES])
{
	lock_take(&proven->lock);
	bool has = has_locked(proven, key);
	lock_drop(&proven->lock);
	return has;
}

void proven_add(struct proven *proven, const uint8_t key[CRYPTO_SHA256_BYTES])
{
	lock_take(&proven->lock);
	if (!has_locked(proven, key)) {
		memcpy(proven->keys[proven->next], key, sizeof(proven->keys[0]));
		proven->next = (proven->next + 1) % PROVEN_MAX;
		proven->count += proven->count < PROVEN_MAX;
	}
	lock_drop(&proven->lock);
}
