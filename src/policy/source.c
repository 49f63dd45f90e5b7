/*
 * source.c - source mismatch: is the signer one of the publishers that the config allows, and is the key its own?
 */
#include <string.h>

#include "base/clock.h"
#include "internal.h"

static bool is_allowed(const struct config_code_signing *rules, const struct arn_profile *signer)
{
	if (rules == &policy_any_account)
		return true;
	for (size_t i = 0; i < rules->publisher_count; i++)
		if (arn_profile_matches(&rules->publishers[i], signer))
			return true;
	return false;
}

/* "<arn>, <arn>, ... and 3 more", as many as fit. */
static void say_allowed(const struct config_code_signing *rules, char *dst, size_t dst_size)
{
	if (rules == &policy_any_account) {
		policy_say(dst, dst_size, "any profile of a trusted account");
		return;
	}
	size_t used = 0;
	dst[0] = '\0';
	for (size_t i = 0; i < rules->publisher_count; i++) {
		char arn[ARN_TEXT_SIZE];
		arn_print_profile(&rules->publishers[i], arn);
		size_t more = rules->publisher_count - i;
		if (used + strlen(arn) + sizeof(", and 20 more") > dst_size) {
			policy_say(dst + used, dst_size - used, " and %zu more", more);
			return;
		}
		policy_say(dst + used, dst_size - used, "%s%s", i > 0 ? ", " : "", arn);
		used += strlen(dst + used);
	}
	if (rules->publisher_count == 0)
		policy_say(dst, dst_size, "nobody");
}

static void unsigned_artifact(const struct policy_case *c, struct policy_finding *ret)
{
	policy_find_failed(ret, POLICY_VF2001_UNSIGNED);
	SAY(ret->result.found, "no signature");
	SAY(ret->detail, "the artifact is not signed, allowed: %s", ret->result.expected);
	if (c->rules == &policy_any_account)
		SAY(ret->remedy, "sign it: vouchfs sign --profile NAME FILE");
	else
		SAY(ret->remedy,
		    "sign it with a profile that code-signing config %s allows: vouchfs sign --profile "
		    "NAME FILE",
		    c->rules_name);
}

static void not_allowed(const struct policy_case *c, const char *signer, struct policy_finding *ret)
{
	policy_find_failed(ret, POLICY_VF2002_SOURCE);
	SAY(ret->detail, "signed by %s, allowed: %s", signer, ret->result.expected);
	SAY(ret->remedy,
	    "sign it with an allowed profile: vouchfs sign --profile NAME FILE, or ask the owner of code-signing "
	    "config %s to allow this profile version",
	    c->rules_name);
}

static void account_unknown(const struct arn_profile *profile, const char *signer, struct policy_finding *ret)
{
	policy_find_failed(ret, POLICY_VF2002_SOURCE);
	SAY(ret->result.found, "signed by %s, whose account is not trusted", signer);
	SAY(ret->detail, "signed by %s, but account %s is not trusted: the configuration has no [account %s]", signer,
	    profile->scope.account, profile->scope.account);
	SAY(ret->remedy,
	    "sign it with a profile of a trusted account, or ask the host's owner to trust account %s (vouchfs signer "
	    "export-trust writes what is needed)",
	    profile->scope.account);
}

static void chain_broken(const struct signature_facts *s, const char *signer, struct policy_finding *ret)
{
	const char *why = s->chain_why.text[0] ? s->chain_why.text : "the chain is not valid";
	policy_find_failed(ret, POLICY_VF2002_SOURCE);
	SAY(ret->result.found, "claims to be signed by %s: %s", signer, why);
	SAY(ret->detail, "claims to be signed by %s, but the certificate does not prove it: %s", signer, why);
	SAY(ret->remedy,
	    "sign it on the signing host of account %s; if that account's CA has changed, ask the host's owner to "
	    "install the new one (vouchfs signer export-trust)",
	    s->statement.profile_version.scope.account);
}

static void undecided(const char *signer, const char *why, struct policy_finding *ret)
{
	policy_find_undecided(ret);
	SAY(ret->result.found, "claims to be signed by %s: %s", signer, why);
	SAY(ret->detail, "whether %s has signed this could not be checked: %s", signer, why);
	SAY(ret->remedy, "deploy the artifact again; if it goes on, see the log of the host");
}

/* Without a stamp the time of signing is the signer's word, and this config does not take it. */
static void not_stamped(const struct policy_case *c, const char *signer, struct policy_finding *ret)
{
	policy_find_undecided(ret);
	SAY(ret->result.expected, "a time stamp (timestamp = required)");
	SAY(ret->result.found, "signed by %s; no time stamp", signer);
	SAY(ret->detail, "signed by %s, but code-signing config %s demands a time stamp, and the signature has none",
	    signer, c->rules_name);
	SAY(ret->remedy, "have the signature stamped: vouchfs timestamp --timestamp-url URL FILE");
}

void policy_check_source(const struct policy_case *c, struct policy_finding *ret)
{
	if (policy_settle_without_statement(c, ret))
		return;
	say_allowed(c->rules, ret->result.expected, sizeof(ret->result.expected));
	if (!policy_statement_holds(c)) {
		unsigned_artifact(c, ret);
		return;
	}

	const struct signature_facts *s = c->facts->signature;
	char signer[ARN_TEXT_SIZE];
	arn_print_profile(&s->statement.profile_version, signer);
	SAY(ret->result.found, "signed by %s", signer);
	if (s->timestamp == SIGNATURE_GOOD) {
		char at[CLOCK_UTC_SIZE];
		clock_format_utc(s->timestamp_s, at);
		SAY(ret->result.found, "signed by %s; time stamp %s", signer, at);
	}

	/* What is certainly wrong comes before what is not certain. */
	if (!is_allowed(c->rules, &s->statement.profile_version))
		not_allowed(c, signer, ret);
	else if (s->account_known == SIGNATURE_BAD)
		account_unknown(&s->statement.profile_version, signer, ret);
	else if (s->chain == SIGNATURE_BAD)
		chain_broken(s, signer, ret);
	else if (c->rules->timestamp_required && s->timestamp != SIGNATURE_GOOD)
		not_stamped(c, signer, ret);
	else if (s->account_known == SIGNATURE_GOOD && s->chain == SIGNATURE_GOOD)
		ret->result.state = POLICY_OK;
	else
		undecided(signer, s->chain_why.text[0] ? s->chain_why.text : "the chain could not be examined", ret);
}
