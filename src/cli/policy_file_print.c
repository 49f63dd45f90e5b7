/* What a policy bundle says, for people and as JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "config/policy.h"
#include "crypto/digest.h"
#include "policy_file.h"

#define VALUE_SIZE 1024

/* ---- for people ---- */

/* Words behind one another, as long as they fit; what does not is counted. */
struct words {
	char text[VALUE_SIZE];
	size_t len;
	size_t left_out;
};

static void add_word(struct words *words, const char *separator, const char *word)
{
	char shown[256];
	text_escape_print(shown, sizeof(shown), word, strlen(word));
	const char *before = words->len > 0 ? separator : "";
	if (words->len + strlen(before) + strlen(shown) >= 160) {
		words->left_out++;
		return;
	}
	words->len += (size_t)snprintf(words->text + words->len, sizeof(words->text) - words->len, "%s%s", before,
				       shown);
}

static const char *end_words(struct words *words)
{
	if (words->left_out > 0)
		(void)snprintf(words->text + words->len, sizeof(words->text) - words->len, ", and %zu more",
			       words->left_out);
	return words->text;
}

static void put_names(struct sheet *sheet, const char *label, size_t count, struct words *names)
{
	if (count > 0)
		sheet_row(sheet, label, "%zu: %s", count, end_words(names));
}

static void put_audience(struct sheet *sheet, const struct config_terms *terms)
{
	struct words hosts = {0}, labels = {0};
	for (size_t i = 0; i < terms->host_count; i++)
		add_word(&hosts, " ", terms->hosts[i]);
	for (size_t i = 0; i < terms->label_count; i++)
		add_word(&labels, " ", terms->labels[i]);
	if (terms->host_count + terms->label_count == 0)
		sheet_row(sheet, "for", "every host");
	if (terms->host_count > 0)
		sheet_row(sheet, "for hosts", "%s", end_words(&hosts));
	if (terms->label_count > 0)
		sheet_row(sheet, terms->host_count > 0 ? "or labels" : "for labels", "%s", end_words(&labels));
}

static void put_terms(struct sheet *sheet, const struct config_terms *terms)
{
	char description[512];
	struct words unit = {0};
	sheet_row(sheet, "sequence", "%" PRIu64, terms->sequence);
	if (terms->description[0])
		sheet_row(sheet, "description", "%s",
			  text_escape_print(description, sizeof(description), terms->description,
					    strlen(terms->description)));
	put_audience(sheet, terms);
	sheet_row(sheet, "local files", "%s",
		  terms->local == CONFIG_LOCAL_REFUSE ? "refused where they say anything about what is governed"
						      : "reported, and not in force, where they say anything about "
							"what is governed");
	sheet_row(sheet, "drift", "%s", terms->remediate ? "the host puts it right" : "is reported");
	for (size_t i = 0; i < terms->unit_count; i++) {
		char option[320];
		(void)snprintf(option, sizeof(option), "%s=%s", terms->unit[i].name, terms->unit[i].value);
		add_word(&unit, " ", option);
	}
	if (terms->unit_count > 0)
		sheet_row(sheet, "unit", "%s", end_words(&unit));
}

static void put_slots(struct sheet *sheet, const char *label, const struct config_slot *slots, size_t count)
{
	struct words names = {0};
	for (size_t i = 0; i < count; i++)
		add_word(&names, ", ", slots[i].name);
	put_names(sheet, label, count, &names);
}

void policy_file_put(struct sheet *sheet, const struct policy_file *file, int64_t now_s)
{
	const struct config *config = file->config;
	struct words configs = {0}, principals = {0};
	put_terms(sheet, config->terms);
	for (size_t i = 0; i < config->code_signing_count; i++)
		add_word(&configs, ", ", config->code_signing[i].name);
	put_names(sheet, "configs", config->code_signing_count, &configs);
	put_slots(sheet, "functions", config->functions, config->function_count);
	put_slots(sheet, "layers", config->layers, config->layer_count);
	for (size_t i = 0; i < config->principal_count; i++)
		add_word(&principals, ", ", config->principals[i].account);
	put_names(sheet, "principals", config->principal_count, &principals);
	policy_file_put_accounts(sheet, file, now_s);
}

void policy_file_put_accounts(struct sheet *sheet, const struct policy_file *file, int64_t now_s)
{
	for (size_t i = 0; i < file->account_count; i++) {
		const struct policy_account *account = &file->accounts[i];
		const struct revocation_list *list = account->list;
		sheet_row(sheet, "account", "%s", account->section->id);
		if (account->trust)
			sheet_time(sheet, "  CA until", crypto_cert_not_after_s(crypto_trust_longest(account->trust)),
				   now_s);
		if (list) {
			sheet_row(sheet, "  list", "%" PRIu64 ", revokes %zu", list->sequence, list->entry_count);
			sheet_time(sheet, "  next update", list->next_update_s, now_s);
		} else if (account->section->revocations) {
			char path[512];
			sheet_row(sheet, "  list", "of each host: %s",
				  text_escape_print(path, sizeof(path), account->section->revocations,
						    strlen(account->section->revocations)));
		} else {
			sheet_row(sheet, "  list", "none");
		}
	}
}

/* ---- for programs ---- */

static void json_time(struct json *j, const char *key, int64_t at_s)
{
	char utc[CLOCK_UTC_SIZE];
	clock_format_utc(at_s, utc);
	json_text(j, key, utc);
}

static void json_words(struct json *j, const char *key, char *const *words, size_t count)
{
	json_array(j, key);
	for (size_t i = 0; i < count; i++)
		json_text(j, NULL, words[i]);
	json_close(j);
}

static void json_terms(struct json *j, const struct config_terms *terms)
{
	json_u64(j, "sequence", terms->sequence);
	json_text(j, "description", terms->description);
	json_words(j, "hosts", terms->hosts, terms->host_count);
	json_words(j, "labels", terms->labels, terms->label_count);
	json_text(j, "local", terms->local == CONFIG_LOCAL_REFUSE ? "refuse" : "report");
	json_bool(j, "remediate", terms->remediate);
	json_object(j, "unit");
	for (size_t i = 0; i < terms->unit_count; i++)
		json_text(j, terms->unit[i].name, terms->unit[i].value);
	json_close(j);
}

static void json_slots(struct json *j, const char *key, const struct config_slot *slots, size_t count)
{
	json_array(j, key);
	for (size_t i = 0; i < count; i++)
		json_text(j, NULL, slots[i].name);
	json_close(j);
}

static void json_account(struct json *j, const struct policy_account *account)
{
	const struct revocation_list *list = account->list;
	json_object(j, NULL);
	json_text(j, "accountId", account->section->id);
	json_text(j, "certificate", account->section->certificate);
	if (account->trust)
		json_time(j, "caExpiresAt", crypto_cert_not_after_s(crypto_trust_longest(account->trust)));
	json_text(j, "revocations", account->section->revocations);
	if (list) {
		json_u64(j, "listSequence", list->sequence);
		json_u64(j, "listRevokes", list->entry_count);
		json_time(j, "listIssuedAt", list->issued_at_s);
		json_time(j, "listNextUpdate", list->next_update_s);
	}
	json_close(j);
}

static void json_files(struct json *j, const struct config_members *members)
{
	json_array(j, "files");
	for (size_t i = 0; i < members->count; i++) {
		uint8_t sha256[CRYPTO_SHA256_BYTES];
		char hex[CRYPTO_SHA256_HEX_SIZE];
		json_object(j, NULL);
		json_text(j, "name", members->all[i].name);
		json_u64(j, "size", members->all[i].len);
		if (crypto_sha256(members->all[i].bytes, members->all[i].len, sha256) == 0) {
			text_hex(sha256, sizeof(sha256), hex);
			json_text(j, "sha256", hex);
		}
		json_close(j);
	}
	json_close(j);
}

void policy_file_put_json(struct json *j, const struct policy_file *file)
{
	const struct config *config = file->config;
	json_terms(j, config->terms);
	json_array(j, "codeSigningConfigs");
	for (size_t i = 0; i < config->code_signing_count; i++)
		json_text(j, NULL, config->code_signing[i].name);
	json_close(j);
	json_slots(j, "functions", config->functions, config->function_count);
	json_slots(j, "layers", config->layers, config->layer_count);
	json_array(j, "principals");
	for (size_t i = 0; i < config->principal_count; i++)
		json_text(j, NULL, config->principals[i].account);
	json_close(j);
	json_array(j, "accounts");
	for (size_t i = 0; i < file->account_count; i++)
		json_account(j, &file->accounts[i]);
	json_close(j);
	json_files(j, bundle_members(file->bundle));
}
