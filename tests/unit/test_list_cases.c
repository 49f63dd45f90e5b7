/*
 * Revocation lists that must not count, each forged in one way, under an artifact with which nothing is wrong: under
 * Enforce it is refused as not to be checked, for that reason alone, and Warn warns of it. Between them lists that are
 * made on the same ways with nothing wrong, and count.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "signature_scene.h"

#define REVOKED_AT   " revoked-at=2026-11-21T17:27:12Z reason="
#define OTHER_JOB    "arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT ":/signing-jobs/00000000-a128-42db-bc30-bd65cc54e187"
#define DIGEST	     "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define REVOKES(job) "job: " job REVOKED_AT "leaked\n"
#define TEN	     "0123456789"
#define HUNDRED	     TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void other_content_type(struct signature_scene *s)
{
	s->list_message.content_type = STATEMENT_CONTENT_TYPE;
}
static void by_profile_leaf(struct signature_scene *s)
{
	s->list_message.signer = &s->leaf;
}
static void by_ca(struct signature_scene *s)
{
	s->list_message.signer = &s->ca;
}
static void for_other_account(struct signature_scene *s)
{
	s->list_spec.san = "URI:arn:vouchfs:signer:local:" SCENE_OTHER_ACCOUNT ":/revocations";
}
static void leaf_expired(struct signature_scene *s)
{
	s->list_spec.not_after_s = FORGE_AT_S - 1;
}
static void leaf_without_eku(struct signature_scene *s)
{
	s->list_spec.ext_key_usage = NULL;
}
static void leaf_self_signed(struct signature_scene *s)
{
	s->list_spec.self_signed = true;
}
static void no_attributes(struct signature_scene *s)
{
	s->list_message.no_attributes = true;
}
static void sha256(struct signature_scene *s)
{
	s->list_message.md = EVP_sha256();
}
static void two_signers(struct signature_scene *s)
{
	s->list_message.second_signer = &s->stranger;
}
static void root_carried(struct signature_scene *s)
{
	s->list_message.carried[0] = &s->ca;
}
static void signed_a_second_later(struct signature_scene *s)
{
	s->list_message.signing_time_s++;
}
static void oversized(struct signature_scene *s)
{
	char line[640];
	for (unsigned i = 0; s->list_text.len <= LIMIT_REVOCATION_LIST_BYTES; i++) {
		(void)snprintf(line, sizeof(line),
			       "certificate: %064x" REVOKED_AT HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED "\n", i);
		scene_append(&s->list_text, line);
	}
}
static void indefinite_length(struct signature_scene *s)
{
	assert_memory_equal(s->list_der.data, "\x30\x82", 2);
	s->list_der.data[1] = (char)0x80;
	memmove(s->list_der.data + 2, s->list_der.data + 4, s->list_der.len - 4);
	s->list_der.len -= 2;
	scene_insert(&s->list_der, s->list_der.len, "\0", 2);
}
static void entry_changed(struct signature_scene *s)
{
	char *found = memmem(s->list_der.data, s->list_der.len, "reason=leaked", 13);
	assert_non_null(found);
	found[12] = 'k';
}
static void nothing(struct signature_scene *s UNUSED)
{
}
static void text_behind(struct signature_scene *s)
{
	scene_append(&s->list_pem, "see https://example.org\n");
}
static void twice(struct signature_scene *s)
{
	struct buf again = {0};
	scene_append(&again, s->list_pem.data);
	scene_append(&s->list_pem, again.data);
	buf_done(&again);
}
static void empty(struct signature_scene *s)
{
	s->list_pem.len = 0;
}
static void crlf(struct signature_scene *s)
{
	for (size_t i = 0; i < s->list_pem.len; i++)
		if (s->list_pem.data[i] == '\n')
			scene_insert(&s->list_pem, i++, "\r", 1);
}

static const struct signature_case cases[] = {
	{"should-pass-list", PASSES, .list_pem = nothing},
	{"should-pass-list-of-other-things", PASSES,
	 .revoke = REVOKES(OTHER_JOB) "certificate: " DIGEST REVOKED_AT HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED "\n"},
	{"should-fail-sequence-lower", UNDECIDED, "list 41 of account " GATE_FIXTURE_ACCOUNT " is older than list 42",
	 .list_replace = {"sequence: 43", "sequence: 41"}},
	{"should-fail-sequence-equal-other-content", UNDECIDED, "list 42 of account " GATE_FIXTURE_ACCOUNT " has other",
	 .list_replace = {"sequence: 43", "sequence: 42"}, .revoke = REVOKES(OTHER_JOB)},
	{"should-fail-sequence-negative", UNDECIDED, "expected a number",
	 .list_replace = {"sequence: ", "sequence: -"}},
	{"should-fail-sequence-with-leading-zero", UNDECIDED, "expected a number",
	 .list_replace = {"sequence: ", "sequence: 0"}},
	{"should-fail-sequence-missing", UNDECIDED, "\"sequence: ...\"", .list_replace = {"sequence: 43\n", ""}},
	{"should-fail-list-version-2", UNDECIDED, "expected 1", .list_replace = {"revocations: 1", "revocations: 2"}},
	{"should-fail-content-type-of-signatures", UNDECIDED, "not of type " REVOCATIONS_CONTENT_TYPE,
	 .list_message = other_content_type},
	{"should-fail-signed-by-a-profile", UNDECIDED, "does not speak for the revocations",
	 .list_message = by_profile_leaf},
	{"should-fail-signed-by-the-ca", UNDECIDED, "does not speak for the revocations", .list_message = by_ca},
	{"should-fail-leaf-for-another-account", UNDECIDED, "does not speak for the revocations",
	 .plan = for_other_account},
	{"should-fail-list-of-another-account", UNDECIDED, "the list is account " SCENE_OTHER_ACCOUNT "'s",
	 .list_replace = {"account: " GATE_FIXTURE_ACCOUNT, "account: " SCENE_OTHER_ACCOUNT}},
	{"should-fail-list-leaf-expired", UNDECIDED, "signer's certificate is valid from", .plan = leaf_expired},
	{"should-fail-list-leaf-without-eku", UNDECIDED, "codeSigning", .plan = leaf_without_eku},
	{"should-fail-list-leaf-self-signed", UNDECIDED, "signed by itself", .plan = leaf_self_signed},
	{"should-fail-list-without-attributes", UNDECIDED, "form expected", .list_message = no_attributes},
	{"should-fail-list-by-sha-256", UNDECIDED, "SHA-384 alone", .list_message = sha256},
	{"should-fail-list-of-two-signers", UNDECIDED, "2 signers", .list_message = two_signers},
	{"should-fail-list-with-root", UNDECIDED, "root certificate", .list_message = root_carried},
	{"should-fail-issued-at-is-not-signing-time", UNDECIDED, "issued-at is not the signingTime",
	 .list_message = signed_a_second_later},
	{"should-fail-next-update-before-issued-at", UNDECIDED, "next-update is not later than issued-at",
	 .list_replace = {"next-update: 2026-12", "next-update: 2026-10"}},
	{"should-fail-next-update-when-issued", UNDECIDED, "next-update is not later than issued-at",
	 .list_replace = {"next-update: 2026-12", "next-update: 2026-11"}},
	{"should-fail-next-update-with-offset", UNDECIDED, "a UTC time",
	 .list_replace = {"next-update: 2026-12-21T17:27:12Z", "next-update: 2026-12-21T17:27:12+00:00"}},
	{"should-fail-entry-twice", UNDECIDED, "two entries revoke the same",
	 .revoke = REVOKES(OTHER_JOB) REVOKES(OTHER_JOB)},
	{"should-fail-entry-twice-for-other-reasons", UNDECIDED, "two entries revoke the same",
	 .revoke = REVOKES(OTHER_JOB) "job: " OTHER_JOB REVOKED_AT "superseded\n"},
	{"should-fail-entry-of-another-account", UNDECIDED, "the list's own account",
	 .revoke = "job: arn:vouchfs:signer:local:" SCENE_OTHER_ACCOUNT ":/signing-jobs/" SCENE_JOB_ID REVOKED_AT
		   "leaked\n"},
	{"should-fail-entry-of-unknown-kind", UNDECIDED, "the key job, profile-version or certificate",
	 .revoke = "person: alice" REVOKED_AT "left\n"},
	{"should-fail-version-without-effective-time", UNDECIDED, "effective=<UTC>",
	 .revoke = "profile-version: " GATE_FIXTURE_ARN REVOKED_AT "leaked\n"},
	{"should-fail-certificate-digest-cut", UNDECIDED, "<SHA-256>",
	 .revoke = "certificate: 00112233" REVOKED_AT "leaked\n"},
	{"should-fail-reason-empty", UNDECIDED, "1 to 500", .revoke = "job: " OTHER_JOB REVOKED_AT "\n"},
	{"should-fail-reason-too-long", UNDECIDED, "1 to 500",
	 .revoke = "job: " OTHER_JOB REVOKED_AT HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED "x\n"},
	{"should-fail-reason-with-control-character", UNDECIDED, "1 to 500",
	 .revoke = "job: " OTHER_JOB REVOKED_AT "\x1b[2Jleaked\n"},
	{"should-fail-empty-line-between-entries", UNDECIDED, "one form", .revoke = REVOKES(OTHER_JOB) "\n"},
	{"should-fail-oversized", UNDECIDED, "larger than", .list_text = oversized},
	{"should-fail-list-in-ber", UNDECIDED, "in DER", .list_der = indefinite_length},
	{"should-fail-list-changed-when-signed", UNDECIDED, "messageDigest", .revoke = REVOKES(OTHER_JOB),
	 .list_der = entry_changed},
	{"should-fail-text-behind-list", UNDECIDED, "one PEM block", .list_pem = text_behind},
	{"should-fail-two-lists", UNDECIDED, "one PEM block", .list_pem = twice},
	{"should-fail-list-with-crlf", UNDECIDED, "one PEM block", .list_pem = crlf},
	{"should-fail-list-empty", UNDECIDED, "one PEM block", .list_pem = empty},
};

int main(void)
{
	static const struct signature_cases lists = {cases, ARRAY_SIZE(cases)};
	static const struct signature_cases *const tables[] = {&lists};
	return signature_cases_run("list cases", tables, ARRAY_SIZE(tables));
}
