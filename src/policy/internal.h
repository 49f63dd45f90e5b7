/*
 * internal.h - the five checks, each by itself. A check fills its result: the state always, reason, detail and remedy
 * when it failed or could not be decided. It knows nothing of modes; policy.c weighs the findings.
 */
#ifndef POLICY_INTERNAL_H
#define POLICY_INTERNAL_H

#include "policy/policy.h"

struct policy_finding {
	struct policy_check_result result;
	char detail[POLICY_DETAIL_SIZE];
	char remedy[POLICY_REMEDY_SIZE];
};

struct policy_case {
	const struct policy_facts *facts;
	const struct config_code_signing *rules; /* NULL: none */
	const char *rules_name;
	enum policy_moment moment;
	int64_t now_s;
};

void policy_check_integrity(const struct policy_case *c, struct policy_finding *ret);
void policy_check_zip_rules(const struct policy_case *c, struct policy_finding *ret);
void policy_check_source(const struct policy_case *c, struct policy_finding *ret);
void policy_check_expiry(const struct policy_case *c, struct policy_finding *ret);
void policy_check_revocation(const struct policy_case *c, struct policy_finding *ret);

/* True when there is a statement that the artifact's signer has truly made about these bytes. */
bool policy_statement_holds(const struct policy_case *c);

/*
 * What the three signature checks have in common: n/a without rules, not reached without a statement that can be
 * believed. True when the result is settled by that; an unsigned artifact is left to the check.
 */
bool policy_settle_without_statement(const struct policy_case *c, struct policy_finding *ret);

/* Prints into a text of fixed size; what does not fit is cut and ends in "...". */
void policy_say(char *dst, size_t dst_size, const char *format, ...) PRINTF_LIKE(3, 4);
#define SAY(array, ...) policy_say(array, sizeof(array), __VA_ARGS__)

void policy_find_failed(struct policy_finding *finding, enum policy_reason reason);
void policy_find_undecided(struct policy_finding *finding);

#endif
