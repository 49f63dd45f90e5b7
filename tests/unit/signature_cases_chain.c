/* Genuine signatures of keys that the certificates do not make the publisher's. */
#include "signature_scene.h"

static void intermediates(struct signature_scene *s, unsigned count)
{
	s->inters = count;
}
static void two_intermediates(struct signature_scene *s)
{
	intermediates(s, 2);
}
static void three_intermediates(struct signature_scene *s)
{
	intermediates(s, 3);
}
static void one_intermediate(struct signature_scene *s)
{
	intermediates(s, 1);
}
static void carried_none(struct signature_scene *s)
{
	s->message.carried[0] = NULL;
}
static void another_ca(struct signature_scene *s)
{
	s->trusts_another_ca = true;
}
static void leaf_expired(struct signature_scene *s)
{
	s->leaf_spec.not_after_s = FORGE_AT_S - 1;
}
static void leaf_at_its_end(struct signature_scene *s)
{
	s->leaf_spec.not_after_s = FORGE_AT_S;
}
static void leaf_not_yet(struct signature_scene *s)
{
	s->leaf_spec.not_before_s = FORGE_AT_S + 1;
}
static void leaf_from_now(struct signature_scene *s)
{
	s->leaf_spec.not_before_s = FORGE_AT_S;
}
static void leaf_over_since(struct signature_scene *s)
{
	s->leaf_spec.not_after_s = FORGE_AT_S + 60;
	s->now_s = FORGE_AT_S + 3600;
}
static void ca_expired(struct signature_scene *s)
{
	s->ca_spec.not_after_s = FORGE_AT_S - 1;
}
static void ca_not_yet(struct signature_scene *s)
{
	s->ca_spec.not_before_s = FORGE_AT_S + 1;
}
static void ca_over_since(struct signature_scene *s)
{
	s->ca_spec.not_after_s = FORGE_AT_S + 60;
	s->now_s = FORGE_AT_S + 3600;
}
static void intermediate_expired(struct signature_scene *s)
{
	intermediates(s, 1);
	s->inter_spec[0].not_after_s = FORGE_AT_S - 1;
}
static void eku_none(struct signature_scene *s)
{
	s->leaf_spec.ext_key_usage = NULL;
}
static void eku_any(struct signature_scene *s)
{
	s->leaf_spec.ext_key_usage = "anyExtendedKeyUsage";
}
static void eku_others(struct signature_scene *s)
{
	s->leaf_spec.ext_key_usage = "serverAuth,clientAuth,emailProtection,timeStamping";
}
static void eku_more(struct signature_scene *s)
{
	s->leaf_spec.ext_key_usage = "codeSigning,emailProtection";
}
static void ku_none(struct signature_scene *s)
{
	s->leaf_spec.key_usage = NULL;
}
static void ku_others(struct signature_scene *s)
{
	s->leaf_spec.key_usage = "critical,nonRepudiation,keyEncipherment";
}
static void san_none(struct signature_scene *s)
{
	s->leaf_spec.san = NULL;
}
static void san_of_another_profile(struct signature_scene *s)
{
	s->leaf_spec.san = "URI:arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT ":/signing-profiles/another/a1B2c3D4e5";
}
static void san_of_another_version(struct signature_scene *s)
{
	s->leaf_spec.san = "URI:arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT
			   ":/signing-profiles/" GATE_FIXTURE_PROFILE "/0000000000";
}
static void san_without_version(struct signature_scene *s)
{
	s->leaf_spec.san = "URI:arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT
			   ":/signing-profiles/" GATE_FIXTURE_PROFILE;
}
static void san_of_another_account(struct signature_scene *s)
{
	s->leaf_spec.san = "URI:arn:vouchfs:signer:local:" SCENE_OTHER_ACCOUNT
			   ":/signing-profiles/" GATE_FIXTURE_PROFILE "/" GATE_FIXTURE_VERSION;
}
static void san_of_revocations(struct signature_scene *s)
{
	s->leaf_spec.san = "URI:" SCENE_LIST_ARN;
}
static void san_twice(struct signature_scene *s)
{
	s->leaf_spec.san = "URI:" GATE_FIXTURE_ARN ",URI:" GATE_FIXTURE_ARN;
}
static void san_and_another(struct signature_scene *s)
{
	s->leaf_spec.san = "URI:" GATE_FIXTURE_ARN ",URI:" SCENE_OTHER_PROFILE "/0123456789";
}
static void san_longer(struct signature_scene *s)
{
	s->leaf_spec.san = "URI:" GATE_FIXTURE_ARN "x";
}
static void san_as_dns(struct signature_scene *s)
{
	s->leaf_spec.san = "DNS:example.org";
}
static void san_dns_beside(struct signature_scene *s)
{
	s->leaf_spec.san = "DNS:example.org,URI:" GATE_FIXTURE_ARN;
}
static void leaf_p256(struct signature_scene *s)
{
	s->leaf_spec.curve = "P-256";
}
static void leaf_p521(struct signature_scene *s)
{
	s->leaf_spec.curve = "P-521";
}
static void leaf_secp256k1(struct signature_scene *s)
{
	s->leaf_spec.curve = "secp256k1";
}
static void leaf_brainpool(struct signature_scene *s)
{
	s->leaf_spec.curve = "brainpoolP384r1";
}
static void leaf_explicit_curve(struct signature_scene *s)
{
	s->leaf_spec.explicit_curve = true;
}
static void leaf_by_sha1(struct signature_scene *s)
{
	s->leaf_spec.md = EVP_sha1();
}
static void leaf_is_ca(struct signature_scene *s)
{
	s->leaf_spec.basic_constraints = "critical,CA:TRUE";
}
static void leaf_self_signed(struct signature_scene *s)
{
	s->leaf_spec.self_signed = true;
}
static void leaf_self_signed_as_the_ca(struct signature_scene *s)
{
	s->leaf_spec.self_signed = true;
	s->leaf_spec.common_name = s->ca_spec.common_name;
}
static void leaf_unknown_critical(struct signature_scene *s)
{
	s->leaf_spec.unknown = "critical";
}
static void leaf_unknown(struct signature_scene *s)
{
	s->leaf_spec.unknown = "not critical";
}
static void ca_speaks_for_the_profile(struct signature_scene *s)
{
	s->ca_spec.curve = "P-384";
	s->ca_spec.key_usage = "critical,keyCertSign,digitalSignature";
	s->ca_spec.ext_key_usage = "codeSigning";
	s->ca_spec.san = "URI:" GATE_FIXTURE_ARN;
}
static void ca_signs(struct signature_scene *s)
{
	s->message.signer = &s->ca;
}
static void stranger_signs(struct signature_scene *s)
{
	s->message.signer = &s->stranger;
}
static void list_leaf_signs(struct signature_scene *s)
{
	s->message.signer = &s->list_leaf;
}
static void ca_p224(struct signature_scene *s)
{
	s->ca_spec.curve = "P-224";
}
static void ca_p384(struct signature_scene *s)
{
	s->ca_spec.curve = "P-384";
}
static void ca_rsa_2048(struct signature_scene *s)
{
	s->ca_spec.rsa_bits = 2048;
}
static void ca_rsa_3072(struct signature_scene *s)
{
	s->ca_spec.rsa_bits = 3072;
}
static void intermediate_is_no_ca(struct signature_scene *s)
{
	intermediates(s, 1);
	s->inter_spec[0].basic_constraints = "critical,CA:FALSE";
}
static void intermediate_for_servers(struct signature_scene *s)
{
	intermediates(s, 1);
	s->inter_spec[0].ext_key_usage = "serverAuth";
}
static void path_too_long(struct signature_scene *s)
{
	intermediates(s, 1);
	s->ca_spec.basic_constraints = "critical,CA:TRUE,pathlen:0";
}

/* A profile of the second account, claimed by a key under the first one's CA: the rule that binds keys to accounts. */
static void claims_another_account(struct signature_scene *s)
{
	static const char arn[] = SCENE_OTHER_PROFILE "/0123456789";
	ASSERT(arn_parse_profile_version(arn, sizeof(arn) - 1, &s->statement.profile_version));
	s->statement.job.scope = s->statement.profile_version.scope;
	s->leaf_spec.san = "URI:" SCENE_OTHER_PROFILE "/0123456789";
}

static void claims_unknown_account(struct signature_scene *s)
{
	for (char *at = s->statement.profile_version.scope.account; *at; at++)
		*at = '9';
	s->statement.job.scope = s->statement.profile_version.scope;
}

static const struct signature_case cases[] = {
	{"should-pass-two-intermediates", PASSES, .plan = two_intermediates},
	{"should-fail-three-intermediates", SOURCE, "3 intermediate certificates", .plan = three_intermediates},
	{"should-fail-intermediate-missing", SOURCE, "none of the account's CAs", .plan = one_intermediate,
	 .message = carried_none},
	{"should-fail-ca-of-another", SOURCE, "none of the account's CAs", .plan = another_ca},
	{"should-fail-leaf-expired", SOURCE, "signer's certificate is valid from", .plan = leaf_expired},
	{"should-pass-leaf-at-its-last-second", PASSES, .plan = leaf_at_its_end},
	{"should-fail-leaf-not-yet-valid", SOURCE, "signer's certificate is valid from", .plan = leaf_not_yet},
	{"should-pass-leaf-at-its-first-second", PASSES, .plan = leaf_from_now},
	{"should-pass-leaf-expired-since", PASSES, .plan = leaf_over_since},
	{"should-fail-ca-expired", SOURCE, "CA certificate is valid from", .plan = ca_expired},
	{"should-fail-ca-not-yet-valid", SOURCE, "CA certificate is valid from", .plan = ca_not_yet},
	{"should-pass-ca-expired-since", PASSES, .plan = ca_over_since},
	{"should-fail-intermediate-expired", SOURCE, "intermediate certificate is valid from",
	 .plan = intermediate_expired},
	{"should-fail-eku-missing", SOURCE, "codeSigning", .plan = eku_none},
	{"should-fail-eku-any", SOURCE, "codeSigning", .plan = eku_any},
	{"should-fail-eku-others", SOURCE, "codeSigning", .plan = eku_others},
	{"should-pass-eku-more", PASSES, .plan = eku_more},
	{"should-fail-key-usage-missing", SOURCE, "digitalSignature", .plan = ku_none},
	{"should-fail-key-usage-others", SOURCE, "digitalSignature", .plan = ku_others},
	{"should-fail-san-missing", SOURCE, "not exactly one URI", .plan = san_none},
	{"should-fail-san-of-another-profile", SOURCE, "speaks for", .plan = san_of_another_profile},
	{"should-fail-san-of-another-version", SOURCE, "/0000000000, not for", .plan = san_of_another_version},
	{"should-fail-san-without-version", SOURCE, "speaks for", .plan = san_without_version},
	{"should-fail-san-of-another-account", SOURCE, "speaks for", .plan = san_of_another_account},
	{"should-fail-san-of-revocations", SOURCE, "speaks for " SCENE_LIST_ARN, .plan = san_of_revocations},
	{"should-fail-san-twice", SOURCE, "not exactly one URI", .plan = san_twice},
	{"should-fail-san-and-another", SOURCE, "not exactly one URI", .plan = san_and_another},
	{"should-fail-san-longer", SOURCE, "speaks for", .plan = san_longer},
	{"should-fail-san-as-dns", SOURCE, "not exactly one URI", .plan = san_as_dns},
	{"should-pass-san-dns-beside", PASSES, .plan = san_dns_beside},
	{"should-fail-leaf-on-p-256", SOURCE, "not on P-384", .plan = leaf_p256},
	{"should-fail-leaf-on-p-521", SOURCE, "not on P-384", .plan = leaf_p521},
	{"should-fail-leaf-on-secp256k1", SOURCE, "weaker than P-256", .plan = leaf_secp256k1},
	{"should-fail-leaf-on-brainpool", SOURCE, "weaker than P-256", .plan = leaf_brainpool},
	{"should-fail-leaf-on-a-curve-spelled-out", SOURCE, "weaker than P-256", .plan = leaf_explicit_curve},
	{"should-fail-leaf-signed-with-sha-1", SOURCE, "not signed with", .plan = leaf_by_sha1},
	{"should-fail-leaf-is-a-ca", SOURCE, "is a CA's", .plan = leaf_is_ca},
	{"should-fail-leaf-self-signed", SOURCE, "signed by itself", .plan = leaf_self_signed},
	{"should-fail-leaf-self-signed-as-the-ca", SOURCE, "signed by itself", .plan = leaf_self_signed_as_the_ca},
	{"should-fail-leaf-with-unknown-critical-extension", SOURCE, "critical", .plan = leaf_unknown_critical},
	{"should-pass-leaf-with-unknown-extension", PASSES, .plan = leaf_unknown},
	{"should-fail-ca-as-signer", SOURCE, "is a CA's", .plan = ca_speaks_for_the_profile, .message = ca_signs},
	{"should-fail-other-profile-as-signer", SOURCE, "speaks for " SCENE_OTHER_PROFILE, .message = stranger_signs},
	{"should-fail-revocations-leaf-as-signer", SOURCE, "speaks for " SCENE_LIST_ARN, .message = list_leaf_signs},
	{"should-fail-ca-on-p-224", SOURCE, "weaker than P-256", .plan = ca_p224},
	{"should-pass-ca-on-p-384", PASSES, .plan = ca_p384},
	{"should-fail-ca-of-rsa-2048", SOURCE, "weaker than P-256", .plan = ca_rsa_2048},
	{"should-pass-ca-of-rsa-3072", PASSES, .plan = ca_rsa_3072},
	{"should-fail-intermediate-is-no-ca", SOURCE, "no chain", .plan = intermediate_is_no_ca},
	{"should-fail-intermediate-for-servers", SOURCE, "not for code signing", .plan = intermediate_for_servers},
	{"should-fail-path-too-long", SOURCE, "no chain", .plan = path_too_long},
	{"should-fail-profile-of-another-account", SOURCE, "none of the account's CAs", .plan = claims_another_account},
	{"should-fail-account-unknown", SOURCE,
	 "signed by arn:vouchfs:signer:local:999999999999:", .plan = claims_unknown_account},
};

const struct signature_cases signature_cases_chain = {cases, ARRAY_SIZE(cases)};
