/* publisher.h - one that a code-signing config allows, with all that is known of it. Private to src/overview. */
#ifndef OVERVIEW_PUBLISHER_PRIVATE_H
#define OVERVIEW_PUBLISHER_PRIVATE_H

#include "arn/arn.h"
#include "overview/views.h"

struct publisher {
	const char *arn;
	bool is_parsed; /* else the rest is empty */
	struct arn_profile profile;
	const struct overview_account *account;	  /* NULL: this host does not trust it */
	const struct overview_profile *at_signer; /* NULL: not seen */
	const struct overview_revoked *revoked;	  /* of a profile version; NULL: not, as far as is known */
};

/* Who serves what it signed. */
struct publisher_use {
	size_t count;
	const struct overview_slot *first; /* NULL: nobody */
};

struct publisher publisher_find(const struct overview_trust *trust, const char *arn);
/* Among the slots that have the config (NULL: all), or the one that was asked for. */
struct publisher_use publisher_find_use(const struct overview_trust *trust, const struct overview_config *config,
					const char *arn);

/* Whether what a slot serves was signed by this one. */
bool publisher_signed(const char *publisher_arn, const struct overview_slot *slot);

/* Whether a statement is about this publisher: of its version, or of every one. */
bool publisher_has_statement(const struct publisher *publisher, const struct overview_statement *statement);
bool publisher_is_foreign(const struct publisher *publisher, const struct overview_statement *statement);

#endif
