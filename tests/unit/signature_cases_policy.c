/* Signatures that are whole and whose key is its publisher's, and that are not to be relied on all the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/text.h"
#include "signature_scene.h"

#define REVOKED_AT " revoked-at=2026-11-21T17:27:12Z reason=leaked build host\n"

static void publish_as(struct signature_scene *s, const char *arn, const char *san)
{
	ASSERT(arn_parse_profile_version(arn, strlen(arn), &s->statement.profile_version));
	s->leaf_spec.san = san;
}
static void other_version(struct signature_scene *s)
{
	publish_as(s,
		   "arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT ":/signing-profiles/" GATE_FIXTURE_PROFILE
		   "/0000000000",
		   "URI:arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT ":/signing-profiles/" GATE_FIXTURE_PROFILE
		   "/0000000000");
}
static void other_profile(struct signature_scene *s)
{
	publish_as(s, "arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT ":/signing-profiles/p2/a1B2c3D4e5",
		   "URI:arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT ":/signing-profiles/p2/a1B2c3D4e5");
}
static void other_region(struct signature_scene *s)
{
	publish_as(s,
		   "arn:vouchfs:signer:elsewhere:" GATE_FIXTURE_ACCOUNT ":/signing-profiles/" GATE_FIXTURE_PROFILE
		   "/" GATE_FIXTURE_VERSION,
		   "URI:arn:vouchfs:signer:elsewhere:" GATE_FIXTURE_ACCOUNT ":/signing-profiles/" GATE_FIXTURE_PROFILE
		   "/" GATE_FIXTURE_VERSION);
	s->statement.job.scope = s->statement.profile_version.scope;
}
static void last_second(struct signature_scene *s)
{
	s->statement.expires_at_s = s->now_s + 1;
}
static void expires_now(struct signature_scene *s)
{
	s->statement.signed_at_s = s->now_s - 60;
	s->statement.expires_at_s = s->now_s;
}
static void signed_ahead(struct signature_scene *s)
{
	s->statement.signed_at_s = s->now_s + LIMIT_CLOCK_AHEAD_S + 1;
}
static void signed_as_far_ahead_as_may_be(struct signature_scene *s)
{
	s->statement.signed_at_s = s->now_s + LIMIT_CLOCK_AHEAD_S;
}
static void no_list(struct signature_scene *s)
{
	s->no_list = true;
}
static void list_from_the_future(struct signature_scene *s)
{
	s->now_s = FORGE_AT_S - 1;
}
static void list_at_its_next_update(struct signature_scene *s)
{
	s->now_s = FORGE_AT_S + 30 * 86400;
}
static void list_past_its_next_update(struct signature_scene *s)
{
	s->now_s = FORGE_AT_S + 30 * 86400 + 1;
}
static void one_intermediate(struct signature_scene *s)
{
	s->inters = 1;
}

static void revoke(struct signature_scene *s, const struct forge_cert *cert)
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	char hex[CRYPTO_SHA256_HEX_SIZE];
	assert_int_equal(X509_digest(cert->x509, EVP_sha256(), digest, NULL), 1);
	text_hex(digest, sizeof(digest), hex);
	assert_int_equal(buf_printf(&s->list_text, "certificate: %s" REVOKED_AT, hex), 0);
}
static void revoke_leaf(struct signature_scene *s)
{
	revoke(s, &s->leaf);
}
static void revoke_intermediate(struct signature_scene *s)
{
	revoke(s, &s->inter[0]);
}
static void revoke_ca(struct signature_scene *s)
{
	revoke(s, &s->ca);
}
static void revoke_stranger(struct signature_scene *s)
{
	revoke(s, &s->stranger);
}

#define VERSION_FROM(at) "profile-version: " GATE_FIXTURE_ARN " effective=" at REVOKED_AT

static const struct signature_case cases[] = {
	{"should-fail-other-version", SOURCE, "allowed: " GATE_FIXTURE_ARN, .plan = other_version},
	{"should-fail-other-profile", SOURCE, "allowed: " GATE_FIXTURE_ARN, .plan = other_profile},
	{"should-fail-other-region", SOURCE, "allowed: " GATE_FIXTURE_ARN, .plan = other_region},
	{"should-pass-last-second", PASSES, .plan = last_second},
	{"should-fail-expired", EXPIRED, "expired at 2026-11-21T17:27:12Z", .plan = expires_now},
	{"should-fail-job-revoked", REVOKED, "signing job " SCENE_JOB_ARN, .revoke = "job: " SCENE_JOB_ARN REVOKED_AT},
	{"should-pass-other-job-revoked", PASSES,
	 .revoke = "job: arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT
		   ":/signing-jobs/00000000-a128-42db-bc30-bd65cc54e187" REVOKED_AT},
	{"should-fail-version-revoked", REVOKED, "profile version " GATE_FIXTURE_ARN,
	 .revoke = VERSION_FROM("2026-11-01T00:00:00Z")},
	{"should-fail-version-revoked-from-then-on", REVOKED, "profile version " GATE_FIXTURE_ARN,
	 .revoke = VERSION_FROM("2026-11-21T17:27:12Z")},
	{"should-pass-version-revoked-later", PASSES, .revoke = VERSION_FROM("2026-11-21T17:27:13Z")},
	{"should-fail-leaf-revoked", REVOKED, "certificate ", .list_text = revoke_leaf},
	{"should-fail-intermediate-revoked", REVOKED, "certificate ", .plan = one_intermediate,
	 .list_text = revoke_intermediate},
	{"should-fail-ca-revoked", REVOKED, "certificate ", .list_text = revoke_ca},
	{"should-pass-other-certificate-revoked", PASSES, .list_text = revoke_stranger},
	{"should-fail-revoked-by-a-list-past-its-next-update", REVOKED, "signing job",
	 .plan = list_past_its_next_update, .revoke = "job: " SCENE_JOB_ARN REVOKED_AT},
	{"should-fail-signed-in-the-future", UNDECIDED, "signed at", .plan = signed_ahead},
	{"should-pass-signed-five-minutes-ahead", PASSES, .plan = signed_as_far_ahead_as_may_be},
	{"should-fail-list-missing", UNDECIDED, "there is no revocation list at", .plan = no_list},
	{"should-fail-list-from-the-future", UNDECIDED, "was issued at", .plan = list_from_the_future},
	{"should-pass-list-at-its-next-update", PASSES, .plan = list_at_its_next_update},
	{"should-fail-list-past-its-next-update", UNDECIDED, "past its next-update", .plan = list_past_its_next_update},
};

const struct signature_cases signature_cases_policy = {cases, ARRAY_SIZE(cases)};
