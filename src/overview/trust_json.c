/* trust_json.c - the same as trust.c, for programs. */
#include <string.h>

#include "common.h"
#include "publisher.h"
#include "views_json.h"

static void put_statements(struct json *j, const struct publisher *publisher)
{
	const struct overview_profile *profile = publisher->at_signer;
	json_array(j, "permissions");
	for (size_t i = 0; i < profile->statement_count; i++) {
		const struct overview_statement *statement = &profile->statements[i];
		if (!publisher_has_statement(publisher, statement))
			continue;
		json_object(j, NULL);
		json_text(j, "action", statement->action);
		json_text(j, "principal", statement->principal);
		json_text(j, "statementId", statement->id);
		json_text(j, "profileVersion", statement->version);
		json_bool(j, "crossAccount", publisher_is_foreign(publisher, statement));
		json_close(j);
	}
	json_close(j);
}

static void put_profile(struct json *j, const struct publisher *publisher, const char *source)
{
	const struct overview_profile *profile = publisher->at_signer;
	if (!profile) {
		json_text(j, "profile", NULL);
		return;
	}
	json_object(j, "profile");
	json_text(j, "source", source);
	json_text(j, "owner", publisher->profile.scope.account);
	json_text(j, "status", profile->status);
	json_text(j, "currentVersion", profile->version);
	json_text(j, "hidden", profile->hidden);
	put_statements(j, publisher);
	json_close(j);
}

static void put_revoked(struct json *j, const struct overview_revoked *revoked)
{
	if (!revoked) {
		json_text(j, "revoked", NULL);
		return;
	}
	json_object(j, "revoked");
	view_put_time(j, "effectiveAt", revoked->effective_s);
	view_put_time(j, "revokedAt", revoked->revoked_at_s);
	json_text(j, "reason", revoked->reason);
	json_close(j);
}

static void put_served(struct json *j, const struct overview_trust *trust, const struct overview_config *config,
		       const char *arn)
{
	json_array(j, "signedWhatIsServedBy");
	for (size_t i = 0; i < trust->overview->slot_count; i++) {
		const struct overview_slot *slot = &trust->overview->slots[i];
		bool is_asked_for = trust->slot ? slot == trust->slot : view_is(slot->config, config->name);
		if (is_asked_for && publisher_signed(arn, slot))
			view_put_slot(j, NULL, slot);
	}
	json_close(j);
}

static void put_publisher(struct json *j, const struct overview_trust *trust, const struct overview_config *config,
			  const char *arn)
{
	const struct publisher publisher = publisher_find(trust, arn);
	json_object(j, NULL);
	json_text(j, "arn", arn);
	json_text(j, "account", publisher.is_parsed ? publisher.profile.scope.account : NULL);
	json_bool(j, "accountTrusted", publisher.account);
	json_bool(j, "anyVersion", publisher.is_parsed && !publisher.profile.version[0]);
	put_served(j, trust, config, arn);
	put_revoked(j, publisher.revoked);
	put_profile(j, &publisher, trust->signers ? trust->signers->source : NULL);
	json_close(j);
}

static void put_origin(struct json *j, const struct overview_origin *origin)
{
	if (!origin) {
		json_text(j, "origin", NULL);
		return;
	}
	json_object(j, "origin");
	json_text(j, "file", origin->file);
	json_u64(j, "line", origin->line);
	json_close(j);
}

static void put_config(struct json *j, const struct overview_trust *trust, const struct overview_config *config)
{
	json_object(j, NULL);
	json_text(j, "name", config->name);
	json_text(j, "description", config->description);
	put_origin(j, overview_find_origin(trust->signers, config->name));
	json_text(j, "mismatch", config->mismatch);
	json_text(j, "expiry", config->expiry);
	json_text(j, "revocation", config->revocation);
	json_text(j, "onLoad", config->on_load);
	json_u64(j, "functionCount", config->function_count);
	json_array(j, "publishers");
	for (size_t i = 0; i < config->publisher_count; i++)
		put_publisher(j, trust, config, config->publishers[i]);
	json_close(j);
	json_close(j);
}

static void put_account(struct json *j, const struct overview *overview, const struct overview_account *account)
{
	json_object(j, NULL);
	json_text(j, "account", account->id);
	json_bool(j, "own", view_is(overview->account, account->id));
	json_text(j, "certificateSubject", account->certificate_subject);
	view_put_time(j, "certificateExpiresAt", account->certificate_expires_at_s);
	json_text(j, "listState", account->list_state);
	json_text(j, "listDetail", account->list_detail);
	json_u64(j, "listSequence", account->list_sequence);
	view_put_time(j, "listIssuedAt", account->list_issued_at_s);
	view_put_time(j, "listNextUpdate", account->list_next_update_s);
	json_bool(j, "revocationsRequired", account->list_required);
	json_close(j);
}

static void put_slot(struct json *j, const struct overview_slot *slot)
{
	json_object(j, "slot");
	view_put_slot(j, "slot", slot);
	json_text(j, "mode", slot->mode);
	json_text(j, "codeSigningConfig", slot->config);
	json_u64(j, "release", slot->release);
	json_text(j, "outcome", slot->outcome);
	json_bool(j, "blocked", slot->is_blocked);
	json_bool(j, "damaged", slot->is_damaged);
	json_text(j, "profileVersionArn", slot->profile_version_arn);
	view_put_time(j, "expiresAt", slot->expires_at_s);
	json_close(j);
}

void view_put_configs(struct json *j, const struct overview_trust *trust)
{
	const struct overview *overview = trust->overview;
	json_array(j, "codeSigningConfigs");
	for (size_t i = 0; i < overview->config_count; i++)
		if (!trust->slot || view_is(trust->slot->config, overview->configs[i].name))
			put_config(j, trust, &overview->configs[i]);
	json_close(j);
	json_array(j, "accounts");
	for (size_t i = 0; i < overview->account_count; i++)
		put_account(j, overview, &overview->accounts[i]);
	json_close(j);
}

void overview_put_trust(struct json *j, const struct overview_trust *trust)
{
	view_put_time(j, "now", trust->overview->now_s);
	if (trust->slot)
		put_slot(j, trust->slot);
	else
		json_text(j, "slot", NULL);
	view_put_policy(j, &trust->overview->policy);
	view_put_configs(j, trust);
}
