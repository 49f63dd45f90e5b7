/*
 * The whole truth table of policy_judge: every combination of facts, modes and moments, against tables that were
 * written from the rules and not from the code. Letters stand for values: E Enforce, W Warn, I Ignore; states are
 * o ok, F failed, U could not be checked, - not reached, n not applicable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

#define NOW	 1800000000
#define PROFILES "arn:vouchfs:signer:local:111122223333:/signing-profiles"

/* One combination, a letter a dimension. */
struct combination {
	char tail;	/* A admissible, B broken, ? unknown */
	char zip;	/* the same */
	char signature; /* 0 no facts, ? form unknown, n none, u b g native with integrity unknown, bad, good */
	char allowed;	/* y n */
	char account;	/* u b g */
	char chain;	/* u b g */
	char expired;	/* n y */
	char future;	/* n: signed in the past; y: more than five minutes ahead */
	char list;	/* see list_letters */
	char stamp;	/* see stamp_letters */
	char moment;	/* D L */
	char policy;	/* E W: untrusted_artifact_on_deployment */
	char own[3];	/* E W: source, expiry, revocation */
	char on_load;	/* E W I */
	char rules;	/* y n */
};

/*
 * u unknown, M missing and required, m missing and excused, b bad, o older, G good, R good and it revokes, S stale,
 * s stale and it revokes, f from the future
 */
static const char list_letters[] = "uMmboGRSsf";

/* n no time stamp, none demanded; r demanded and none; s demanded and it holds; N it holds and is from the future */
static const char stamp_letters[] = "nrsN";

/* ---- the oracle ---- */

static bool fits(const char *pattern, const char *values)
{
	for (; *pattern; pattern++, values++)
		if (*pattern != '*' && *pattern != *values)
			return false;
	return true;
}

struct row {
	const char *pattern;
	const char *result;
};

/* The first row that fits; a table has a row for everything. */
static const char *look_up(const struct row *rows, const char *values)
{
	while (!fits(rows->pattern, values))
		rows++;
	return rows->result;
}

/* tail, signature, zip -> integrity, zip rules, and what the rest can rely on: S statement, U unsigned, - nothing */
static const struct row front[] = {
	{"B**", "-F-"}, {"?*B", "-F-"}, {"?**", "-U-"},			/* no archive, no signature to look at */
	{"AgA", "ooS"}, {"AgB", "oFS"}, {"Ag?", "oUS"},			/* signed bytes */
	{"AnA", "noU"}, {"AnB", "nFU"}, {"An?", "nUU"},			/* unsigned */
	{"AbA", "Fo-"}, {"AbB", "FF-"}, {"Ab?", "F--"},			/* changed */
	{"A*A", "Uo-"}, {"A*B", "UF-"}, {"A*?", "U--"}, {"***", "???"}, /* nothing known */
};

/* allowed, account, chain, stamp -> source */
static const struct row source[] = {
	{"n***", "F"}, {"yb**", "F"}, {"y*b*", "F"}, {"yggr", "U"}, {"ygg*", "o"}, {"****", "U"},
};

/* account, signed in the future, stamp, list -> revocation */
static const struct row revocation[] = {
	{"g**R", "F"}, {"g**s", "F"}, {"*y**", "U"}, {"**N*", "U"}, {"gn*G", "o"}, {"gn*m", "n"}, {"****", "U"},
};

/* policy on deployment, the check's own mode, on_load -> mode on load */
static const struct row load_mode[] = {
	{"**I", "I"}, {"**W", "W"}, {"EWE", "W"}, {"EEE", "E"}, {"WEE", "E"}, {"WWE", "E"}, {"***", "?"},
};

static void expected_states(const struct combination *c, char ret[POLICY_CHECK_COUNT + 1])
{
	const char *f = look_up(front, (char[]){c->tail, c->signature, c->zip, 0});
	memcpy(ret, f, 2);
	if (c->rules == 'n')
		memcpy(ret + 2, "nnn", 4);
	else if (f[2] == '-')
		memcpy(ret + 2, "---", 4);
	else if (f[2] == 'U')
		memcpy(ret + 2, "Fnn", 4);
	else
		(void)sprintf(ret + 2, "%s%c%s",
			      look_up(source, (char[]){c->allowed, c->account, c->chain, c->stamp, 0}),
			      c->expired == 'y' ? 'F' : 'o',
			      look_up(revocation, (char[]){c->account, c->future, c->stamp, c->list, 0}));
}

static void expected_modes(const struct combination *c, char ret[POLICY_CHECK_COUNT + 1])
{
	(void)strcpy(ret, "EEIII");
	for (int i = 0; i < 3 && c->rules == 'y'; i++)
		ret[2 + i] = c->moment == 'D' ? c->own[i]
					      : *look_up(load_mode, (char[]){c->policy, c->own[i], c->on_load, 0});
}

static int expected_reason(const struct combination *c, char state, size_t check)
{
	const int failed[] = {1002, 1001, c->signature == 'n' ? 2001 : 2002, 2003, 2004};
	return state == 'U' ? 3001 : failed[check];
}

struct expectation {
	char states[POLICY_CHECK_COUNT + 1];
	char modes[POLICY_CHECK_COUNT + 1];
	char outcome; /* A W R */
	int reason;
};

static struct expectation expect(const struct combination *c)
{
	struct expectation e = {.outcome = 'A'};
	expected_states(c, e.states);
	expected_modes(c, e.modes);
	/* From the last check to the first, so that the first one stands; a refusal beats what is only warned about. */
	for (const char *mode = "WE"; *mode; mode++)
		for (size_t i = POLICY_CHECK_COUNT; i-- > 0;)
			if (strchr("FU", e.states[i]) && e.modes[i] == *mode) {
				e.outcome = *mode == 'W' ? 'W' : 'R';
				e.reason = expected_reason(c, e.states[i], i);
			}
	return e;
}

/* ---- the same combination in the terms of policy.h ---- */

static enum policy_zip zip_of(char letter)
{
	return letter == 'A' ? POLICY_ZIP_ADMISSIBLE : letter == 'B' ? POLICY_ZIP_BROKEN : POLICY_ZIP_UNKNOWN;
}

static enum signature_fact fact_of(char letter)
{
	return letter == 'g' ? SIGNATURE_GOOD : letter == 'b' ? SIGNATURE_BAD : SIGNATURE_UNKNOWN;
}

static enum config_mode mode_of(char letter)
{
	return letter == 'E' ? CONFIG_ENFORCE : letter == 'W' ? CONFIG_WARN : CONFIG_IGNORE;
}

static void fill_list(char letter, struct signature_facts *s)
{
	static const enum signature_list_state unusable[] = {
		['u'] = SIGNATURE_LIST_UNKNOWN, ['M'] = SIGNATURE_LIST_MISSING, ['m'] = SIGNATURE_LIST_MISSING,
		['b'] = SIGNATURE_LIST_BAD,	['o'] = SIGNATURE_LIST_OLDER,
	};
	bool is_read = strchr("GRSsf", letter) != NULL;
	s->list_state = is_read ? SIGNATURE_LIST_READ : unusable[(size_t)letter];
	s->revocations_required = letter != 'm';
	s->list_issued_at_s = letter == 'f' ? NOW + 1 : NOW;
	s->list_next_update_s = strchr("Ss", letter) ? NOW - 1 : NOW;
	s->revoked = strchr("Rs", letter) != NULL;
	s->revocation.kind = REVOCATION_JOB;
}

static void fill_signature(const struct combination *c, struct signature_facts *s)
{
	s->form = c->signature == '?'	? SIGNATURE_FORM_UNKNOWN
		  : c->signature == 'n' ? SIGNATURE_NONE
					: SIGNATURE_NATIVE;
	s->integrity = fact_of(c->signature);
	const char *signer = c->allowed == 'y' ? PROFILES "/good/a1B2c3D4e5" : PROFILES "/evil/a1B2c3D4e5";
	assert_true(arn_parse_profile_version(signer, strlen(signer), &s->statement.profile_version));
	s->statement.expires_at_s = c->expired == 'y' ? NOW : NOW + 1;
	s->statement.signed_at_s = NOW + LIMIT_CLOCK_AHEAD_S + (c->future == 'y' ? 1 : 0);
	s->account_known = fact_of(c->account);
	s->chain = fact_of(c->chain);
	fill_list(c->list, s);
	s->has_timestamp = strchr("sN", c->stamp) != NULL;
	s->timestamp = s->has_timestamp ? SIGNATURE_GOOD : SIGNATURE_UNKNOWN;
	s->timestamp_s = NOW + LIMIT_CLOCK_AHEAD_S + (c->stamp == 'N' ? 1 : 0);
}

static void fill_rules(const struct combination *c, struct config_code_signing *rules)
{
	*rules = (struct config_code_signing){
		.publisher_count = 1,
		.deployment = mode_of(c->policy),
		.mismatch = mode_of(c->own[0]),
		.expiry = mode_of(c->own[1]),
		.revocation = mode_of(c->own[2]),
		.on_load = mode_of(c->on_load),
		.timestamp_required = strchr("rs", c->stamp) != NULL,
	};
	const char *publisher = PROFILES "/good";
	assert_true(arn_parse_profile(publisher, strlen(publisher), &rules->publishers[0]));
}

static struct expectation outcome_of(const struct policy_verdict *v)
{
	struct expectation e = {.outcome = "RWA"[v->outcome], .reason = (int)v->reason};
	for (size_t i = 0; i < POLICY_CHECK_COUNT; i++) {
		e.states[i] = "-oFUn"[v->checks[i].state];
		e.modes[i] = "EWI"[v->checks[i].mode];
	}
	return e;
}

static size_t judged;

static void compare(const struct combination *c)
{
	struct signature_facts s = {0};
	struct config_code_signing rules;
	fill_signature(c, &s);
	fill_rules(c, &rules);
	struct policy_facts facts = {
		.tail = zip_of(c->tail),
		.zip = zip_of(c->zip),
		.signature = c->signature == '0' ? NULL : &s,
	};
	struct policy_verdict v;
	policy_judge(&facts, c->rules == 'y' ? &rules : NULL, "prod",
		     c->moment == 'D' ? POLICY_ON_DEPLOYMENT : POLICY_ON_LOAD, NOW, &v);

	struct expectation got = outcome_of(&v), want = expect(c);
	judged++;
	if (got.outcome != want.outcome || got.reason != want.reason || strcmp(got.states, want.states) != 0 ||
	    strcmp(got.modes, want.modes) != 0)
		fail_msg("%.17s: want %c %d %s %s, got %c %d %s %s", (const char *)c, want.outcome, want.reason,
			 want.states, want.modes, got.outcome, got.reason, got.states, got.modes);
	assert_int_equal(v.unchecked, c->rules == 'n');
	bool explained = v.detail[0] != '\0' && v.remedy[0] != '\0';
	assert_int_equal(explained, v.outcome != POLICY_ACCEPTED);
}

/* ---- enumeration ---- */

#define EACH(member, letters)                                                                                          \
	for (const char *member##_ = letters; *member##_; member##_++)                                                 \
		if ((c.member = *member##_) != 0)

static void all_modes(struct combination c)
{
	c.rules = 'n';
	EACH(moment, "DL")
	compare(&c);
	c.rules = 'y';
	EACH(moment, "DL") EACH(policy, "EW") EACH(on_load, "EWI") for (unsigned bits = 0; bits < 8; bits++)
	{
		for (unsigned i = 0; i < 3; i++)
			c.own[i] = "EW"[bits >> i & 1];
		compare(&c);
	}
}

static void all_statements(struct combination c)
{
	EACH(allowed, "yn")
	EACH(account, "ubg")
	EACH(chain, "ubg")
	EACH(expired, "ny") EACH(future, "ny") EACH(list, list_letters) EACH(stamp, stamp_letters) all_modes(c);
}

static void signed_artifacts(void **state UNUSED)
{
	struct combination c = {.tail = 'A', .signature = 'g', .own = "EEE"};
	judged = 0;
	EACH(zip, "AB?")
	all_statements(c);
	assert_int_equal(judged, 3 * 2 * 3 * 3 * 2 * 2 * 10 * 4 * (2 + 2 * 2 * 3 * 8));
}

/* Where there is no statement to believe, what it would say must not matter: tried with the best and the worst. */
static void all_other_artifacts(void **state UNUSED)
{
	struct combination c = {.own = "EEE"};
	judged = 0;
	EACH(tail, "AB?") EACH(zip, "AB?") EACH(signature, "0?nubg")
	{
		if (c.tail == 'A' && c.signature == 'g')
			continue;
		for (int best = 0; best < 2; best++) {
			c.allowed = best ? 'y' : 'n';
			c.account = c.chain = best ? 'g' : 'b';
			c.expired = c.future = best ? 'n' : 'y';
			c.list = best ? 'G' : 'R';
			c.stamp = best ? 's' : 'r';
			all_modes(c);
		}
	}
	assert_int_equal(judged, (54 - 3) * 2 * (2 + 2 * 2 * 3 * 8));
}

/* Too large is decided before everything, whatever else is known. */
static void too_large_comes_first(void **state UNUSED)
{
	struct combination c = {
		.allowed = 'y', .account = 'g', .chain = 'g', .expired = 'n', .future = 'n', .list = 'G', .stamp = 's'};
	EACH(tail, "AB?") EACH(zip, "AB?") EACH(signature, "nbg") EACH(rules, "yn") EACH(on_load, "EWI")
	{
		struct signature_facts s = {0};
		struct config_code_signing config;
		memcpy(c.own, "WWW", 3);
		fill_signature(&c, &s);
		fill_rules(&c, &config);
		struct policy_facts facts = {.too_large = true,
					     .size_bytes = 11,
					     .max_bytes = 10,
					     .tail = zip_of(c.tail),
					     .zip = zip_of(c.zip),
					     .signature = &s};
		struct policy_verdict v;
		policy_judge(&facts, c.rules == 'y' ? &config : NULL, "prod", POLICY_ON_LOAD, NOW, &v);
		assert_int_equal(v.outcome, POLICY_REFUSED);
		assert_int_equal(v.reason, POLICY_VF4002_TOO_LARGE);
		assert_int_equal(v.deciding, POLICY_CHECK_COUNT);
		assert_string_equal(outcome_of(&v).states, "-----");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signed_artifacts),
		cmocka_unit_test(all_other_artifacts),
		cmocka_unit_test(too_large_comes_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
