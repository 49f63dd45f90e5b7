/*
 * expiry.h - what ends by itself: signatures of what is served and of the policy bundle, certificates, revocation
 * lists.
 */
#ifndef OVERVIEW_EXPIRY_H
#define OVERVIEW_EXPIRY_H

#include "base/json.h"
#include "overview/overview.h"

enum overview_expiry_kind { OVERVIEW_SIGNATURE = 1, OVERVIEW_CERTIFICATE, OVERVIEW_LIST, OVERVIEW_BUNDLE };

struct overview_expiry {
	enum overview_expiry_kind kind;
	int64_t at_s;
	const struct overview_slot *slot;	/* whose signature; else NULL */
	const struct overview_account *account; /* whose certificate or list; else NULL */
	uint64_t bundle;			/* whose signature, by its sequence; else 0 */
};

/* All there are, the first to end first; free(). What has ended already is among them. 0 or -ENOMEM. */
int overview_list_expiries(const struct overview *overview, struct overview_expiry **ret, size_t *ret_count);

/* "signature", "certificate", "revocation list", "policy signature" */
const char *overview_expiry_kind_name(enum overview_expiry_kind kind);
/* "functions/hello", "account 111122223333", "bundle 7" */
#define OVERVIEW_SUBJECT_SIZE 80
const char *overview_expiry_subject(const struct overview_expiry *expiry, char ret[OVERVIEW_SUBJECT_SIZE]);
/* What it means when the time has come, and what to do before, as a sentence without full stop. */
const char *overview_expiry_effect(const struct overview *overview, const struct overview_expiry *expiry);
const char *overview_expiry_remedy(const struct overview_expiry *expiry);

/* An object with what is above. */
void overview_put_expiry(struct json *j, const struct overview *overview, const struct overview_expiry *expiry);

#endif
