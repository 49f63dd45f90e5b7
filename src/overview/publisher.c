#include "publisher.h"

#include <string.h>

#include "common.h"

/* ARNs have one spelling: a profile's is where its versions' begin. */
bool publisher_signed(const char *publisher_arn, const struct overview_slot *slot)
{
	const char *arn = slot->release > 0 ? slot->profile_version_arn : NULL;
	size_t len = strlen(publisher_arn);
	return arn && strncmp(arn, publisher_arn, len) == 0 && (arn[len] == '\0' || arn[len] == '/');
}

static bool is_asked_for(const struct overview_trust *trust, const struct overview_config *config,
			 const struct overview_slot *slot)
{
	if (trust->slot)
		return slot == trust->slot;
	return !config || view_is(slot->config, config->name);
}

struct publisher publisher_find(const struct overview_trust *trust, const char *arn)
{
	struct publisher publisher = {.arn = arn};
	publisher.is_parsed = arn_parse_profile(arn, strlen(arn), &publisher.profile);
	if (!publisher.is_parsed)
		return publisher;
	const char *account = publisher.profile.scope.account;
	publisher.account = view_find_account(trust->overview, account);
	publisher.at_signer = overview_find_profile(trust->signers, account, publisher.profile.name);
	publisher.revoked = overview_find_revoked(trust->signers, arn);
	return publisher;
}

struct publisher_use publisher_find_use(const struct overview_trust *trust, const struct overview_config *config,
					const char *arn)
{
	struct publisher_use use = {0};
	for (size_t i = 0; i < trust->overview->slot_count; i++) {
		const struct overview_slot *slot = &trust->overview->slots[i];
		if (!is_asked_for(trust, config, slot) || !publisher_signed(arn, slot))
			continue;
		if (use.count++ == 0)
			use.first = slot;
	}
	return use;
}

bool publisher_has_statement(const struct publisher *publisher, const struct overview_statement *statement)
{
	const char *version = publisher->profile.version;
	return !statement->version || !version[0] || strcmp(statement->version, version) == 0;
}

bool publisher_is_foreign(const struct publisher *publisher, const struct overview_statement *statement)
{
	return strcmp(statement->principal, publisher->profile.scope.account) != 0;
}
