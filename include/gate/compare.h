/*
 * compare.h - what of a trust is not as its policy bundle, or the trust in force, has it: told in words, for drift.
 */
#ifndef GATE_COMPARE_H
#define GATE_COMPARE_H

#include "gate/trust.h"

#define COMPARE_WORDS_SIZE 320

struct trust_difference {
	const char *account;
	const char *expected; /* printable, as found */
	const char *found;
};
typedef void trust_differ(void *ctx, const struct trust_difference *difference);

/* Of every account that both have, and whose CA certificates are not the same in both. */
void trust_compare_certificates(const struct trust *expected, const struct trust *found, trust_differ *tell, void *ctx);

/*
 * Of every account of the policy bundle that has no list that counts now, although one is named: it is missing,
 * refused, older than one seen before, or its next update has passed.
 */
void trust_compare_lists(const struct trust *trust, int64_t now_s, trust_differ *tell, void *ctx);

/* When the next of these lists will be too old; INT64_MAX: none. */
int64_t trust_lists_end_s(const struct trust *trust, int64_t now_s);

#endif
