/* What has become of the accounts' revocation lists from one trust to the next, and of their certificates with time. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "gate/trust.h"

#define SENTENCE_SIZE 768

static const struct signature_account *find_account(const struct trust *trust, const char *id)
{
	for (size_t i = 0; trust && i < trust->account_count; i++)
		if (strcmp(trust->accounts[i].id, id) == 0)
			return &trust->accounts[i];
	return NULL;
}

static bool is_configured(const struct trust *trust, size_t i)
{
	return trust->config->accounts[i].revocations != NULL;
}

static bool is_excused(const struct signature_account *account)
{
	return account->list_state == SIGNATURE_LIST_MISSING && !account->revocations_required;
}

static bool is_relied_on(const struct signature_account *account)
{
	return account->list_state == SIGNATURE_LIST_READ || is_excused(account);
}

static bool is_same(const struct signature_account *a, const struct signature_account *b)
{
	if (a->list_state != b->list_state)
		return false;
	if (a->list_state == SIGNATURE_LIST_READ)
		return memcmp(a->list->digest, b->list->digest, sizeof(a->list->digest)) == 0;
	return strcmp(a->list_why.text, b->list_why.text) == 0;
}

static void say(const struct signature_account *account, char ret[SENTENCE_SIZE])
{
	if (account->list_state == SIGNATURE_LIST_READ) {
		char issued[CLOCK_UTC_SIZE], next[CLOCK_UTC_SIZE];
		clock_format_utc(account->list->issued_at_s, issued);
		clock_format_utc(account->list->next_update_s, next);
		(void)snprintf(ret, SENTENCE_SIZE,
			       "account %s: list %" PRIu64 " is in force, issued at %s, next update %s, %zu revoked",
			       account->id, account->list->sequence, issued, next, account->list->entry_count);
	} else {
		(void)snprintf(ret, SENTENCE_SIZE, "account %s: %s%s", account->id,
			       is_excused(account) ? "no list is needed: " : "refused: ", account->list_why.text);
	}
}

void trust_tell_lists(const struct trust_change *change, trust_tell *tell, void *ctx)
{
	for (size_t i = 0; i < change->after->account_count; i++) {
		const struct signature_account *now = &change->after->accounts[i];
		const struct signature_account *before = find_account(change->before, now->id);
		bool is_news = before ? !is_same(before, now) : !is_relied_on(now);
		if (!is_news || !is_configured(change->after, i))
			continue;
		char sentence[SENTENCE_SIZE];
		say(now, sentence);
		tell(ctx, sentence, !is_relied_on(now));
	}
}

void trust_tell_ended(const struct trust *trust, trust_tell *tell, void *ctx)
{
	for (size_t i = 0; i < trust->account_count; i++) {
		const struct signature_account *account = &trust->accounts[i];
		int64_t end_s = crypto_cert_not_after_s(crypto_trust_longest(account->trust));
		char ended[CLOCK_UTC_SIZE], sentence[SENTENCE_SIZE];
		if (end_s >= clock_now_s())
			continue;
		clock_format_utc(end_s, ended);
		(void)snprintf(
			sentence, sizeof(sentence),
			"account %s: its CA certificate ended at %s; what was signed before counts, what is signed "
			"since is refused; a new one comes from its signing host (vouchfs signer export-trust)",
			account->id, ended);
		tell(ctx, sentence, true);
	}
}

bool trust_has_lost_list(const struct trust_change *change)
{
	for (size_t i = 0; i < change->after->account_count; i++) {
		const struct signature_account *now = &change->after->accounts[i];
		const struct signature_account *before = find_account(change->before, now->id);
		if (before && is_relied_on(before) && !is_relied_on(now) && now->list_state != SIGNATURE_LIST_OLDER)
			return true;
	}
	return false;
}
