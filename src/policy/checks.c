/*
 * checks.c - integrity, ZIP rules and expiry; what is common to the checks on a statement. Source and revocation have
 * files of their own.
 */
#include "base/clock.h"
#include "internal.h"

bool policy_statement_holds(const struct policy_case *c)
{
	const struct signature_facts *s = c->facts->signature;
	return c->facts->tail == POLICY_ZIP_ADMISSIBLE && s && s->form == SIGNATURE_NATIVE &&
	       s->integrity == SIGNATURE_GOOD;
}

static bool is_unsigned(const struct policy_case *c)
{
	const struct signature_facts *s = c->facts->signature;
	return c->facts->tail == POLICY_ZIP_ADMISSIBLE && s && s->form == SIGNATURE_NONE;
}

bool policy_settle_without_statement(const struct policy_case *c, struct policy_finding *ret)
{
	if (!c->rules) {
		ret->result.state = POLICY_NOT_APPLICABLE;
		SAY(ret->result.found, "%s",
		    c->moment == POLICY_ON_PUBLICATION ? "judged when a function attaches it"
						       : "not asked for: code_signing_config = none");
		return true;
	}
	ret->result.state = POLICY_NOT_REACHED;
	return !policy_statement_holds(c) && !is_unsigned(c);
}

static void integrity_undecided(const struct signature_facts *s, struct policy_finding *ret)
{
	const char *why = s && s->integrity_why.text[0] ? s->integrity_why.text : "the signature could not be examined";
	policy_find_undecided(ret);
	SAY(ret->result.found, "%s", why);
	SAY(ret->detail, "integrity could not be checked: %s", why);
	SAY(ret->remedy, "deploy the artifact again; if it goes on, see the log of the host");
}

/* Nothing is wrong with it but the place where it is. */
static void is_something_else(const struct signature_facts *s, struct policy_finding *ret)
{
	policy_find_failed(ret, POLICY_VF1002_INTEGRITY);
	SAY(ret->result.found, "%s", s->integrity_why.text);
	SAY(ret->detail, "%s", s->integrity_why.text);
	if (s->other_content == SIGNATURE_OF_BUNDLE)
		SAY(ret->remedy, "a policy bundle is for the host, not for a function: vouchfs policy apply FILE");
	else
		SAY(ret->remedy, "a policy bundle is made and signed by vouchfs policy pack; an artifact goes into the "
				 "slot of its function");
}

static void integrity_failed(const struct signature_facts *s, struct policy_finding *ret)
{
	const char *why = s->integrity_why.text[0] ? s->integrity_why.text : "the signature does not hold";
	policy_find_failed(ret, POLICY_VF1002_INTEGRITY);
	SAY(ret->result.found, "%s", why);
	SAY(ret->detail, "the content is not what was signed, or the signature is malformed: %s", why);
	SAY(ret->remedy, "copy the signed artifact again from where it was signed; if it was changed after that, sign "
			 "the changed one: vouchfs sign --profile NAME FILE");
}

void policy_check_integrity(const struct policy_case *c, struct policy_finding *ret)
{
	const struct signature_facts *s = c->facts->signature;

	SAY(ret->result.expected, "the bytes that were signed");
	if (c->facts->tail != POLICY_ZIP_ADMISSIBLE) {
		ret->result.state = POLICY_NOT_REACHED;
	} else if (is_unsigned(c)) {
		ret->result.state = POLICY_NOT_APPLICABLE;
		SAY(ret->result.found, "no signature");
	} else if (policy_statement_holds(c)) {
		ret->result.state = POLICY_OK;
		SAY(ret->result.found, "%llu bytes as signed", (unsigned long long)s->statement.length_bytes);
	} else if (s && s->integrity == SIGNATURE_BAD && s->other_content != SIGNATURE_OF_NOTHING) {
		is_something_else(s, ret);
	} else if (s && s->form == SIGNATURE_NATIVE && s->integrity == SIGNATURE_BAD) {
		integrity_failed(s, ret);
	} else {
		integrity_undecided(s, ret);
	}
}

static void zip_broken(const struct policy_facts *facts, struct policy_finding *ret)
{
	const char *why = facts->zip_why ? facts->zip_why : "a rule for ZIPs is broken";
	policy_find_failed(ret, POLICY_VF1001_ZIP);
	SAY(ret->result.found, "%s", why);
	SAY(ret->detail, "not an admissible ZIP: %s", why);
	if (facts->zip_remedy && facts->zip_remedy[0])
		SAY(ret->remedy, "%s", facts->zip_remedy);
	else
		SAY(ret->remedy, "make the archive anew from its files: zip -r f.zip .");
}

static void zip_undecided(const struct policy_facts *facts, struct policy_finding *ret)
{
	const char *why = facts->zip_why ? facts->zip_why : "the archive could not be examined";
	policy_find_undecided(ret);
	SAY(ret->result.found, "%s", why);
	SAY(ret->detail, "the ZIP rules could not be checked: %s", why);
	SAY(ret->remedy, "deploy the artifact again; if it goes on, see the log of the host");
}

void policy_check_zip_rules(const struct policy_case *c, struct policy_finding *ret)
{
	const struct policy_facts *facts = c->facts;

	SAY(ret->result.expected, "an archive with one meaning (ZIP-R01 to R15)");
	bool kept_back = facts->tail == POLICY_ZIP_ADMISSIBLE && !policy_statement_holds(c) && !is_unsigned(c);
	if (facts->tail == POLICY_ZIP_BROKEN || facts->zip == POLICY_ZIP_BROKEN)
		zip_broken(facts, ret);
	else if (facts->tail == POLICY_ZIP_ADMISSIBLE && facts->zip == POLICY_ZIP_ADMISSIBLE)
		ret->result.state = POLICY_OK;
	else if (kept_back)
		ret->result.state = POLICY_NOT_REACHED; /* R17: bytes that are not as signed are not parsed */
	else
		zip_undecided(facts, ret);
}

void policy_check_expiry(const struct policy_case *c, struct policy_finding *ret)
{
	if (policy_settle_without_statement(c, ret))
		return;
	if (!policy_statement_holds(c)) {
		ret->result.state = POLICY_NOT_APPLICABLE;
		SAY(ret->result.found, "no signature");
		return;
	}

	char expires[CLOCK_UTC_SIZE], now[CLOCK_UTC_SIZE];
	clock_format_utc(c->facts->signature->statement.expires_at_s, expires);
	clock_format_utc(c->now_s, now);
	SAY(ret->result.expected, "a time before %s", expires);
	SAY(ret->result.found, "valid until %s", expires);
	if (c->now_s < c->facts->signature->statement.expires_at_s) {
		ret->result.state = POLICY_OK;
		return;
	}
	policy_find_failed(ret, POLICY_VF2003_EXPIRED);
	SAY(ret->result.found, "expired at %s; it is %s now", expires, now);
	SAY(ret->detail, "the signature expired at %s; it is %s now", expires, now);
	SAY(ret->remedy, "build and sign the artifact anew: vouchfs sign --profile NAME FILE");
}
