/*
 * revocation.c - has the account's list taken back the job, the profile version or a certificate? A list that cannot be
 * relied on leaves the question open, and open is not passed. What a genuine list revokes is revoked whatever its age:
 * revocation is irreversible.
 */
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "internal.h"

static void revoked(const struct signature_facts *s, struct policy_finding *ret)
{
	const struct revocation *r = &s->revocation;
	char what[ARN_TEXT_SIZE + 96], arn[ARN_TEXT_SIZE], at[CLOCK_UTC_SIZE], effective[CLOCK_UTC_SIZE];
	char reason[LIMIT_REASON_BYTES / 2];
	char digest[CRYPTO_SHA256_HEX_SIZE];

	clock_format_utc(r->revoked_at_s, at);
	switch (r->kind) {
	case REVOCATION_JOB:
		arn_print_job(&r->job, arn);
		SAY(what, "signing job %s", arn);
		break;
	case REVOCATION_PROFILE_VERSION:
		arn_print_profile(&r->profile_version, arn);
		clock_format_utc(r->effective_s, effective);
		SAY(what, "profile version %s (signatures from %s on)", arn, effective);
		break;
	case REVOCATION_CERTIFICATE:
		text_hex(r->certificate, sizeof(r->certificate), digest);
		SAY(what, "certificate %s", digest);
		break;
	default:
		SAY(what, "the signature");
		break;
	}
	text_escape_print(reason, sizeof(reason), r->reason, strnlen(r->reason, sizeof(r->reason)));
	policy_find_failed(ret, POLICY_VF2004_REVOKED);
	SAY(ret->result.found, "revoked at %s: %s", at, what);
	SAY(ret->detail, "%s was revoked at %s: %s", what, at, reason);
	SAY(ret->remedy, "build from a source that is trusted and sign anew; the reason of the revocation says why");
}

static void undecided(struct policy_finding *ret, const char *why, const char *remedy)
{
	policy_find_undecided(ret);
	SAY(ret->result.found, "%s", why);
	SAY(ret->detail, "revocation could not be checked: %s", why);
	SAY(ret->remedy, "%s", remedy);
}

/* Neither the signer's clock nor the authority's may run ahead of ours. */
static int64_t latest_time_s(const struct signature_facts *s)
{
	int64_t proven_s = signature_time_s(s);
	return proven_s > s->statement.signed_at_s ? proven_s : s->statement.signed_at_s;
}

static void signed_in_future(const struct policy_case *c, struct policy_finding *ret)
{
	char signed_at[CLOCK_UTC_SIZE], now[CLOCK_UTC_SIZE], why[160];
	clock_format_utc(latest_time_s(c->facts->signature), signed_at);
	clock_format_utc(c->now_s, now);
	SAY(why, "signed at %s, and it is %s here", signed_at, now);
	undecided(ret, why, "set the clocks of the signing host and of this host right");
}

/* A genuine list, judged by its times: ok, or undecided. */
static void judge_list_times(const struct policy_case *c, struct policy_finding *ret)
{
	const struct signature_facts *s = c->facts->signature;
	char issued[CLOCK_UTC_SIZE], next[CLOCK_UTC_SIZE], now[CLOCK_UTC_SIZE], why[256];
	clock_format_utc(s->list_issued_at_s, issued);
	clock_format_utc(s->list_next_update_s, next);
	clock_format_utc(c->now_s, now);

	if (c->now_s < s->list_issued_at_s) {
		SAY(why, "list %llu was issued at %s, and it is %s here", (unsigned long long)s->list_sequence, issued,
		    now);
		undecided(ret, why, "set the clocks of the signing host and of this host right");
	} else if (c->now_s > s->list_next_update_s) {
		SAY(why, "list %llu is past its next-update %s", (unsigned long long)s->list_sequence, next);
		undecided(ret, why,
			  "bring a fresh list to this host: vouchfs signer refresh-revocations, then export-trust");
	} else {
		ret->result.state = POLICY_OK;
		SAY(ret->result.found, "list %llu, issued at %s", (unsigned long long)s->list_sequence, issued);
	}
}

static void list_unusable(const struct signature_facts *s, struct policy_finding *ret)
{
	static const char *const fallback[] = {
		[SIGNATURE_LIST_UNKNOWN] = "the account's revocation list could not be read",
		[SIGNATURE_LIST_MISSING] = "there is no revocation list of the account",
		[SIGNATURE_LIST_BAD] = "the account's revocation list is not genuine",
		[SIGNATURE_LIST_OLDER] = "the account's revocation list is older than one seen before",
	};
	bool named = s->list_state < SIGNATURE_LIST_READ;
	const char *why = s->list_why.text[0] ? s->list_why.text
					      : fallback[named ? s->list_state : SIGNATURE_LIST_UNKNOWN];
	undecided(ret, why, "bring the account's current list to this host: vouchfs signer export-trust writes it");
}

void policy_check_revocation(const struct policy_case *c, struct policy_finding *ret)
{
	if (policy_settle_without_statement(c, ret))
		return;
	if (!policy_statement_holds(c)) {
		ret->result.state = POLICY_NOT_APPLICABLE;
		SAY(ret->result.found, "no signature");
		return;
	}

	const struct signature_facts *s = c->facts->signature;
	bool known = s->account_known == SIGNATURE_GOOD;
	SAY(ret->result.expected, "not revoked by a current list of account %s",
	    s->statement.profile_version.scope.account);

	if (known && s->list_state == SIGNATURE_LIST_READ && s->revoked) {
		revoked(s, ret);
	} else if (latest_time_s(s) > c->now_s + LIMIT_CLOCK_AHEAD_S) {
		signed_in_future(c, ret);
	} else if (!known) {
		undecided(ret, "no list is known for an account that is not trusted",
			  "sign it with a profile of a trusted account");
	} else if (s->list_state == SIGNATURE_LIST_READ) {
		judge_list_times(c, ret);
	} else if (s->list_state == SIGNATURE_LIST_MISSING && !s->revocations_required) {
		ret->result.state = POLICY_NOT_APPLICABLE;
		SAY(ret->result.found, "no list (revocations_required = no)");
	} else {
		list_unusable(s, ret);
	}
}
