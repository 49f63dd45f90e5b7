/* What the configuration says, and what it trusts: the rows of code-signing configs and of accounts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "crypto/cert.h"
#include "gate/governed.h"
#include "overview/fill.h"

/* ---- code-signing configs ---- */

static int fill_publishers(const struct config_code_signing *rules, struct overview_config *config)
{
	config->publishers = calloc(rules->publisher_count + 1, sizeof(*config->publishers));
	if (!config->publishers)
		return -ENOMEM;
	for (size_t i = 0; i < rules->publisher_count; i++) {
		char arn[ARN_TEXT_SIZE];
		arn_print_profile(&rules->publishers[i], arn);
		if (view_copy(arn, &config->publishers[i]) < 0)
			return -ENOMEM;
		config->publisher_count = i + 1;
	}
	return 0;
}

static int fill_config(const struct config_code_signing *rules, struct overview *overview)
{
	struct overview_config *config = overview_add_config(overview);
	if (!config)
		return -ENOMEM;
	const struct {
		const char *text;
		char **to;
	} members[] = {
		{rules->name, &config->name},
		{rules->description, &config->description},
		{config_mode_name(rules->mismatch), &config->mismatch},
		{config_mode_name(rules->expiry), &config->expiry},
		{config_mode_name(rules->revocation), &config->revocation},
		{config_mode_name(rules->on_load), &config->on_load},
	};
	int r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(members); i++)
		r = view_copy(members[i].text, members[i].to);
	return r == 0 ? fill_publishers(rules, config) : r;
}

/* ---- accounts ---- */

/* Of several certificates (a rollover) the one that is valid longest. */
static int fill_certificate(const struct crypto_trust *trust, struct overview_account *account)
{
	const struct crypto_cert *cert = crypto_trust_longest(trust);
	struct buf subject = {0};
	int r = crypto_cert_subject(cert, &subject);
	account->certificate_expires_at_s = crypto_cert_not_after_s(cert);
	if (r == 0)
		account->certificate_subject = buf_steal(&subject);
	buf_done(&subject);
	return r == 0 && !account->certificate_subject ? -ENOMEM : r;
}

/* As policy judges it (policy/revocation.c): a genuine list by its times, all else by what the account needs. */
static const char *list_state(const struct config_account *section, const struct signature_account *known,
			      int64_t now_s)
{
	if (known->list_state == SIGNATURE_LIST_READ)
		return now_s > known->list->next_update_s ? "stale"
		       : now_s < known->list->issued_at_s ? "refused"
							  : "good";
	if (known->list_state != SIGNATURE_LIST_MISSING)
		return "refused";
	return section->revocations || section->revocations_required ? "missing" : "none";
}

static int fill_account(const struct config_account *section, const struct signature_account *known, int64_t now_s,
			struct overview *overview)
{
	struct overview_account *account = overview_add_account(overview);
	if (!account)
		return -ENOMEM;
	const char *state = list_state(section, known, now_s), *why = NULL;
	bool is_read = known->list_state == SIGNATURE_LIST_READ;
	if (is_read && strcmp(state, "refused") == 0)
		why = "issued later than it is here; set the clocks of the signing host and of this host right";
	else if (!is_read && known->list_why.text[0])
		why = known->list_why.text;
	int r = view_copy(section->id, &account->id);
	if (r == 0)
		r = view_copy(state, &account->list_state);
	if (r == 0 && strcmp(state, "none") != 0)
		r = view_copy(why, &account->list_detail);
	if (is_read) {
		account->list_sequence = known->list->sequence;
		account->list_issued_at_s = known->list->issued_at_s;
		account->list_next_update_s = known->list->next_update_s;
	}
	account->list_required = section->revocations_required;
	return r == 0 ? fill_certificate(known->trust, account) : r;
}

/* Where the host names none for it, the first bundle brings the list of the publisher's account. */
static void excuse_lists(const struct trust *trust, struct overview *overview)
{
	bool waits = trust->governed && trust->governed->state == GOVERNED_NONE;
	for (size_t i = 0; waits && i < trust->account_count; i++)
		if (!trust->config->accounts[i].revocations)
			overview->accounts[i].list_required = false;
}

int overview_fill_trust(const struct trust *trust, int64_t now_s, struct overview *overview)
{
	const struct config *config = trust->config;
	int r = view_copy(VOUCHFS_VERSION, &overview->version);
	if (r == 0)
		r = view_copy(config->path, &overview->config_path);
	if (r == 0)
		r = view_copy(config->store, &overview->store);
	if (r == 0)
		r = view_copy(config->account, &overview->account);
	if (r == 0)
		r = view_copy(config->region, &overview->region);
	for (size_t i = 0; r == 0 && i < config->code_signing_count; i++)
		r = fill_config(&config->code_signing[i], overview);
	for (size_t i = 0; r == 0 && i < trust->account_count; i++)
		r = fill_account(&config->accounts[i], &trust->accounts[i], now_s, overview);
	if (r == 0)
		excuse_lists(trust, overview);
	return r == 0 ? overview_fill_policy(trust, overview) : r;
}
