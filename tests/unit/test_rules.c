/*
 * The truth table of a break glass: mode of each check x mode on load x what fails x in force or not x moment, judged
 * by policy_judge, against what the words of break_glass.h say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/slots/break_glass.h"

#define NOW	 1800000000
#define PROFILES "arn:vouchfs:signer:local:111122223333:/signing-profiles"

enum fault {
	FAULT_NONE,
	FAULT_SOURCE,
	FAULT_EXPIRY,
	FAULT_REVOKED,
	FAULT_NO_LIST,
	FAULT_INTEGRITY,
	FAULT_ZIP,
	FAULT_COUNT
};

/* Which check finds it. */
static const enum policy_check found_by[FAULT_COUNT] = {
	[FAULT_NONE] = POLICY_CHECK_COUNT,   [FAULT_SOURCE] = POLICY_SOURCE,	  [FAULT_EXPIRY] = POLICY_EXPIRY,
	[FAULT_REVOKED] = POLICY_REVOCATION, [FAULT_NO_LIST] = POLICY_REVOCATION, [FAULT_INTEGRITY] = POLICY_INTEGRITY,
	[FAULT_ZIP] = POLICY_ZIP_RULES,
};

struct combination {
	enum fault fault;
	enum config_mode mismatch;
	enum config_mode expiry;
	enum config_mode revocation;
	enum config_mode deployment;
	enum config_mode on_load;
	enum policy_moment moment;
};

static struct signature_facts make_signature(enum fault fault)
{
	struct signature_facts s = {
		.form = SIGNATURE_NATIVE,
		.integrity = fault == FAULT_INTEGRITY ? SIGNATURE_BAD : SIGNATURE_GOOD,
		.account_known = SIGNATURE_GOOD,
		.chain = SIGNATURE_GOOD,
		.list_state = fault == FAULT_NO_LIST ? SIGNATURE_LIST_MISSING : SIGNATURE_LIST_READ,
		.revocations_required = true,
		.list_issued_at_s = NOW - 10,
		.list_next_update_s = NOW + 1000,
		.revoked = fault == FAULT_REVOKED,
		.revocation = {.kind = REVOCATION_JOB},
	};
	const char *arn = fault == FAULT_SOURCE ? PROFILES "/other/a1B2c3D4e5" : PROFILES "/release/a1B2c3D4e5";
	assert_true(arn_parse_profile_version(arn, strlen(arn), &s.statement.profile_version));
	s.statement.signed_at_s = NOW - 1000;
	s.statement.expires_at_s = fault == FAULT_EXPIRY ? NOW - 1 : NOW + 1000;
	return s;
}

static struct config_code_signing make_rules(const struct combination *c)
{
	static char name[] = "prod";
	struct config_code_signing rules = {
		.name = name,
		.publisher_count = 1,
		.mismatch = c->mismatch,
		.expiry = c->expiry,
		.revocation = c->revocation,
		.deployment = c->deployment,
		.on_load = c->on_load,
	};
	const char *arn = PROFILES "/release/a1B2c3D4e5";
	assert_true(arn_parse_profile_version(arn, strlen(arn), &rules.publishers[0]));
	return rules;
}

static struct policy_verdict judge(const struct combination *c, const struct config_code_signing *rules)
{
	const struct signature_facts signature = make_signature(c->fault);
	const struct policy_facts facts = {
		.tail = POLICY_ZIP_ADMISSIBLE,
		.zip = c->fault == FAULT_ZIP ? POLICY_ZIP_BROKEN : POLICY_ZIP_ADMISSIBLE,
		.signature = &signature,
	};
	struct policy_verdict verdict;
	policy_judge(&facts, rules, rules->name, c->moment, NOW, &verdict);
	return verdict;
}

/* What is not about who signed it, its expiry or its revocation is never relaxed. */
static bool is_never_relaxed(enum fault fault)
{
	return fault == FAULT_INTEGRITY || fault == FAULT_ZIP;
}

static void check(const struct combination *c)
{
	const struct config_code_signing rules = make_rules(c);
	struct config_code_signing relaxed;
	rules_relax(&rules, &relaxed);
	const struct policy_verdict strict = judge(c, &rules), lax = judge(c, &relaxed);

	enum policy_outcome expected = strict.outcome;
	if (strict.outcome == POLICY_REFUSED && !is_never_relaxed(c->fault))
		expected = POLICY_WARNED;
	bool had_to = strict.outcome == POLICY_REFUSED;
	if (lax.outcome != expected || lax.reason != strict.reason ||
	    policy_would_refuse(&lax, &rules, c->moment) != had_to)
		fail_msg("fault %d, modes %d %d %d, deployment %d, on load %d, moment %d: %s became %s", c->fault,
			 c->mismatch, c->expiry, c->revocation, c->deployment, c->on_load, c->moment,
			 policy_outcome_name(strict.outcome), policy_outcome_name(lax.outcome));
	if (c->fault != FAULT_NONE)
		assert_true(lax.checks[found_by[c->fault]].state == POLICY_FAILED ||
			    lax.checks[found_by[c->fault]].state == POLICY_UNDECIDED); /* it is still said */
}

static void every_mode_check_and_moment(void **state)
{
	static const enum config_mode modes[] = {CONFIG_ENFORCE, CONFIG_WARN},
				      all[] = {CONFIG_ENFORCE, CONFIG_WARN, CONFIG_IGNORE};
	(void)state;
	unsigned count = 0;
	for (unsigned n = 0; n < FAULT_COUNT * 16 * 3 * 2; n++) {
		unsigned rest = n;
		struct combination c = {.fault = rest % FAULT_COUNT};
		rest /= FAULT_COUNT;
		c.mismatch = modes[rest & 1];
		c.expiry = modes[rest >> 1 & 1];
		c.revocation = modes[rest >> 2 & 1];
		c.deployment = modes[rest >> 3 & 1];
		rest /= 16;
		c.on_load = all[rest % 3];
		c.moment = rest / 3 ? POLICY_ON_LOAD : POLICY_ON_DEPLOYMENT;
		check(&c);
		count++;
	}
	assert_int_equal(count, 672);
}

/* A row of the table read aloud, so that the loop above cannot agree with itself about nothing. */
static void rows_that_must_be_so(void **state)
{
	static const struct {
		enum fault fault;
		enum config_mode on_load;
		enum policy_moment moment;
		enum policy_outcome strict;
		enum policy_outcome lax;
	} rows[] = {
		{FAULT_NONE, CONFIG_ENFORCE, POLICY_ON_DEPLOYMENT, POLICY_ACCEPTED, POLICY_ACCEPTED},
		{FAULT_SOURCE, CONFIG_ENFORCE, POLICY_ON_DEPLOYMENT, POLICY_REFUSED, POLICY_WARNED},
		{FAULT_EXPIRY, CONFIG_ENFORCE, POLICY_ON_DEPLOYMENT, POLICY_REFUSED, POLICY_WARNED},
		{FAULT_REVOKED, CONFIG_ENFORCE, POLICY_ON_DEPLOYMENT, POLICY_REFUSED, POLICY_WARNED},
		{FAULT_NO_LIST, CONFIG_ENFORCE, POLICY_ON_DEPLOYMENT, POLICY_REFUSED, POLICY_WARNED},
		{FAULT_INTEGRITY, CONFIG_ENFORCE, POLICY_ON_DEPLOYMENT, POLICY_REFUSED, POLICY_REFUSED},
		{FAULT_ZIP, CONFIG_ENFORCE, POLICY_ON_DEPLOYMENT, POLICY_REFUSED, POLICY_REFUSED},
		{FAULT_REVOKED, CONFIG_ENFORCE, POLICY_ON_LOAD, POLICY_REFUSED, POLICY_WARNED},
		{FAULT_REVOKED, CONFIG_WARN, POLICY_ON_LOAD, POLICY_WARNED, POLICY_WARNED},
		{FAULT_REVOKED, CONFIG_IGNORE, POLICY_ON_LOAD, POLICY_ACCEPTED, POLICY_ACCEPTED},
		{FAULT_INTEGRITY, CONFIG_IGNORE, POLICY_ON_LOAD, POLICY_REFUSED, POLICY_REFUSED},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct combination c = {
			.fault = rows[i].fault, .on_load = rows[i].on_load, .moment = rows[i].moment};
		const struct config_code_signing rules = make_rules(&c);
		struct config_code_signing relaxed;
		rules_relax(&rules, &relaxed);
		const struct policy_verdict strict = judge(&c, &rules), lax = judge(&c, &relaxed);
		if (strict.outcome != rows[i].strict || lax.outcome != rows[i].lax)
			fail_msg("row %zu", i);
	}
}

static void whichever_clock_comes_first_ends_it(void **state)
{
	const struct break_glass glass = {
		.what = {.seq = 1, .until_s = 1000 + 600}, .began_at_s = 1000, .began_boot_s = 50};
	const struct {
		int64_t at_s;
		int64_t boot_s;
		int64_t left_s;
	} rows[] = {
		{1000, 50, 600}, {1001, 51, 599}, {1599, 60, 1},  {1600, 60, 0},
		{9999, 60, 0},	 {1300, 649, 1},  {1300, 650, 0}, /* the wall clock was set back */
		{999, 60, 0},					  /* behind its beginning */
		{1300, 10, 300},				  /* another boot */
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct break_glass_now now = {.at_s = rows[i].at_s, .boot_s = rows[i].boot_s};
		if (break_glass_left_s(&glass, &now) != rows[i].left_s)
			fail_msg("row %zu: %ld", i, (long)break_glass_left_s(&glass, &now));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mode_check_and_moment),
		cmocka_unit_test(rows_that_must_be_so),
		cmocka_unit_test(whichever_clock_comes_first_ends_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
