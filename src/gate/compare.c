/* What of a trust is not as it should be, account by account. */
#include "gate/compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#define SHORT_DIGEST_BYTES 8
#define SHOWN_SIZE	   200

static const struct signature_account *find_account(const struct trust *trust, const char *id)
{
	for (size_t i = 0; i < trust->account_count; i++)
		if (strcmp(trust->accounts[i].id, id) == 0)
			return &trust->accounts[i];
	return NULL;
}

/* ---- certificates ---- */

/* "CA 1f0c... until 2036-11-21T00:00:00Z": of several the one that is valid longest. */
static void print_ca(const struct crypto_trust *trust, char ret[COMPARE_WORDS_SIZE])
{
	const struct crypto_cert *ca = crypto_trust_longest(trust);
	uint8_t digest[CRYPTO_SHA256_BYTES];
	char hex[2 * SHORT_DIGEST_BYTES + 1] = "?", until[CLOCK_UTC_SIZE];
	if (crypto_cert_digest(ca, digest) == 0)
		text_hex(digest, SHORT_DIGEST_BYTES, hex);
	clock_format_utc(crypto_cert_not_after_s(ca), until);
	(void)snprintf(ret, COMPARE_WORDS_SIZE, "CA certificate with SHA-256 %s..., valid until %s", hex, until);
}

void trust_compare_certificates(const struct trust *expected, const struct trust *found, trust_differ *tell, void *ctx)
{
	for (size_t i = 0; i < expected->account_count; i++) {
		const struct signature_account *wanted = &expected->accounts[i];
		const struct signature_account *there = find_account(found, wanted->id);
		char wanted_words[COMPARE_WORDS_SIZE], there_words[COMPARE_WORDS_SIZE];
		if (!there || crypto_trust_equal(wanted->trust, there->trust))
			continue;
		print_ca(wanted->trust, wanted_words);
		print_ca(there->trust, there_words);
		tell(ctx,
		     &(struct trust_difference){.account = wanted->id, .expected = wanted_words, .found = there_words});
	}
}

/* ---- revocation lists ---- */

/* An account that the bundle has, with a list: in the bundle, or in a file of the host's. */
static bool has_governed_list(const struct config_account *account)
{
	return account->certificate_text && account->revocations;
}

static bool is_stale(const struct signature_account *account, int64_t now_s)
{
	return account->list_state == SIGNATURE_LIST_READ && now_s > account->list->next_update_s;
}

static void say_stale(const struct config_account *config, const struct signature_account *account,
		      char ret[COMPARE_WORDS_SIZE])
{
	char next[CLOCK_UTC_SIZE];
	clock_format_utc(account->list->next_update_s, next);
	(void)snprintf(ret, COMPARE_WORDS_SIZE, "list %" PRIu64 ", whose next update was due at %s%s",
		       account->list->sequence, next,
		       config->revocations_text ? "; it comes with the next bundle" : "");
}

void trust_compare_lists(const struct trust *trust, int64_t now_s, trust_differ *tell, void *ctx)
{
	for (size_t i = 0; i < trust->account_count; i++) {
		const struct config_account *config = &trust->config->accounts[i];
		const struct signature_account *account = &trust->accounts[i];
		char shown[SHOWN_SIZE], expected[COMPARE_WORDS_SIZE], found[COMPARE_WORDS_SIZE];
		bool stale = is_stale(account, now_s);
		if (!has_governed_list(config) || (account->list_state == SIGNATURE_LIST_READ && !stale))
			continue;
		text_escape_print(shown, sizeof(shown), config->revocations, strlen(config->revocations));
		(void)snprintf(expected, sizeof(expected), "a current list of that account in %s%s", shown,
			       config->revocations_text ? " of the bundle" : "");
		if (stale)
			say_stale(config, account, found);
		else
			(void)snprintf(found, sizeof(found), "%.*s", COMPARE_WORDS_SIZE - 1, account->list_why.text);
		tell(ctx, &(struct trust_difference){.account = account->id, .expected = expected, .found = found});
	}
}

int64_t trust_lists_end_s(const struct trust *trust, int64_t now_s)
{
	int64_t end_s = INT64_MAX;
	for (size_t i = 0; i < trust->account_count; i++) {
		const struct signature_account *account = &trust->accounts[i];
		if (!has_governed_list(&trust->config->accounts[i]) || account->list_state != SIGNATURE_LIST_READ)
			continue;
		if (account->list->next_update_s >= now_s && account->list->next_update_s < end_s)
			end_s = account->list->next_update_s;
	}
	return end_s == INT64_MAX ? end_s : end_s + 1;
}
