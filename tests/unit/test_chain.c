/* Whose key it is: every certificate that can make a chain, and each reason why one cannot. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/cms.h"
#include "forge.h"

#define TYPE	   "2.25.42"
#define INTERS_MAX 3

/* What a case may change before everything is made: the certificates' contents and who is used where. */
struct plan {
	struct forge_cert_spec root, inter[INTERS_MAX], leaf;
	unsigned inters; /* between root and leaf */
	unsigned inters_carried;
	bool root_signs;  /* the CA itself is the signer */
	bool other_root;  /* trusted is another CA of the same name */
	bool both_roots;  /* trusted are that one and the right one */
	bool wrong_inter; /* carried in place of the last: same name, other key */
	int64_t at_s;
	const char *san;
};

static struct plan plain_plan(void)
{
	static const char *const names[] = {"first", "second", "third"};
	struct plan plan = {.root = forge_ca_spec, .leaf = forge_leaf_spec, .at_s = FORGE_AT_S, .san = FORGE_ARN};
	for (size_t i = 0; i < INTERS_MAX; i++) {
		plan.inter[i] = forge_ca_spec;
		plan.inter[i].common_name = names[i];
	}
	return plan;
}

static struct crypto_trust *make_trust(const struct plan *plan, const struct forge_cert *root,
				       const struct forge_cert *other)
{
	struct buf pem = {0};
	struct crypto_trust *trust = NULL;
	struct explain why = {0};
	if (plan->other_root || plan->both_roots)
		forge_cert_pem(other, &pem);
	if (!plan->other_root)
		forge_cert_pem(root, &pem);
	if (crypto_trust_from_pem(pem.data, pem.len, &trust, &why) < 0)
		fail_msg("trust: %s", why.text);
	buf_done(&pem);
	return trust;
}

static struct crypto_cms *make_message(const struct plan *plan, const struct forge_cert *inters,
				       const struct forge_cert *wrong, const struct forge_cert *signer)
{
	struct forge_message_spec spec = {
		.signer = signer, .content_type = TYPE, .content = "x", .signing_time_s = plan->at_s};
	struct buf der = {0}, pem = {0};
	struct crypto_cms *cms = NULL;
	struct explain why = {0};
	for (unsigned i = 0; i < plan->inters_carried; i++)
		spec.carried[i] = &inters[plan->inters - 1 - i];
	if (plan->wrong_inter)
		spec.carried[0] = wrong;
	forge_message(&spec, &der);
	forge_pem(&der, &pem);
	int r = crypto_cms_parse(pem.data, pem.len, TYPE, &cms, &why);
	if (r < 0)
		fail_msg("parse: %d %s", r, why.text);
	buf_done(&der);
	buf_done(&pem);
	return cms;
}

/* Makes what is planned and judges it. The message always parses: what is wrong here is not its form. */
static int judge(const struct plan *plan, struct explain *ret_why)
{
	struct forge_cert root, other, wrong = {0}, leaf, inter[INTERS_MAX] = {0};
	struct crypto_trust *trust;
	uint8_t ca_sha256[CRYPTO_SHA256_BYTES] = {0};

	forge_cert(&plan->root, NULL, &root);
	forge_cert(&plan->root, NULL, &other);
	const struct forge_cert *issuer = &root;
	for (unsigned i = 0; i < plan->inters; i++) {
		forge_cert(&plan->inter[i], issuer, &inter[i]);
		issuer = &inter[i];
	}
	if (plan->wrong_inter)
		forge_cert(&plan->inter[plan->inters - 1], &root, &wrong);
	forge_cert(&plan->leaf, issuer, &leaf);

	trust = make_trust(plan, &root, &other);
	struct crypto_cms *cms = make_message(plan, inter, &wrong, plan->root_signs ? &root : &leaf);
	int r = crypto_cms_check_chain(cms, trust, plan->san, plan->at_s, ret_why);
	/* once more: what is remembered of the first time must not make a difference */
	assert_int_equal(crypto_cms_check_chain_to(cms, trust, plan->san, plan->at_s, ca_sha256, NULL), r);
	if (r == 0) {
		uint8_t expected[CRYPTO_SHA256_BYTES];
		assert_int_equal(X509_digest(root.x509, EVP_sha256(), expected, NULL), 1);
		assert_memory_equal(ca_sha256, expected, sizeof(expected));
	}

	crypto_cms_free(cms);
	crypto_trust_unref(trust);
	forge_cert_done(&leaf);
	forge_cert_done(&wrong);
	for (size_t i = 0; i < INTERS_MAX; i++)
		forge_cert_done(&inter[i]);
	forge_cert_done(&other);
	forge_cert_done(&root);
	return r;
}

static void intermediates(struct plan *plan, unsigned count)
{
	plan->inters = plan->inters_carried = count;
}

static void plain(struct plan *plan)
{
	(void)plan;
}
static void one_intermediate(struct plan *plan)
{
	intermediates(plan, 1);
}
static void two_intermediates(struct plan *plan)
{
	intermediates(plan, 2);
}
static void three_intermediates(struct plan *plan)
{
	intermediates(plan, 3);
}
static void missing_intermediate(struct plan *plan)
{
	plan->inters = 1;
}
static void missing_upper_intermediate(struct plan *plan)
{
	plan->inters = 2;
	plan->inters_carried = 1;
}
static void wrong_intermediate(struct plan *plan)
{
	intermediates(plan, 1);
	plan->wrong_inter = true;
}
static void other_ca(struct plan *plan)
{
	plan->other_root = true;
}
static void two_cas(struct plan *plan)
{
	plan->both_roots = true;
}
static void at_not_before(struct plan *plan)
{
	plan->at_s = FORGE_FROM_S;
}
static void before_not_before(struct plan *plan)
{
	plan->at_s = FORGE_FROM_S - 1;
}
static void at_not_after(struct plan *plan)
{
	plan->at_s = FORGE_TO_S;
}
static void after_not_after(struct plan *plan)
{
	plan->at_s = FORGE_TO_S + 1;
}
static void ca_expired(struct plan *plan)
{
	plan->root.not_after_s = FORGE_AT_S - 1;
}
static void ca_at_not_after(struct plan *plan)
{
	plan->root.not_after_s = FORGE_AT_S;
}
static void intermediate_expired(struct plan *plan)
{
	intermediates(plan, 1);
	plan->inter[0].not_after_s = FORGE_AT_S - 1;
}
static void leaf_p256(struct plan *plan)
{
	plan->leaf.curve = "P-256";
}
static void leaf_explicit_curve(struct plan *plan)
{
	plan->leaf.explicit_curve = true;
}
static void leaf_p521(struct plan *plan)
{
	plan->leaf.curve = "P-521";
}
static void leaf_no_eku(struct plan *plan)
{
	plan->leaf.ext_key_usage = NULL;
}
static void leaf_only_any_eku(struct plan *plan)
{
	plan->leaf.ext_key_usage = "anyExtendedKeyUsage";
}
static void leaf_other_eku(struct plan *plan)
{
	plan->leaf.ext_key_usage = "serverAuth,emailProtection";
}
static void leaf_more_ekus(struct plan *plan)
{
	plan->leaf.ext_key_usage = "critical,serverAuth,codeSigning,anyExtendedKeyUsage";
}
static void leaf_no_ku(struct plan *plan)
{
	plan->leaf.key_usage = NULL;
}
static void leaf_other_ku(struct plan *plan)
{
	plan->leaf.key_usage = "critical,nonRepudiation,keyAgreement";
}
static void leaf_more_kus(struct plan *plan)
{
	plan->leaf.key_usage = "critical,digitalSignature,nonRepudiation";
}
static void leaf_no_san(struct plan *plan)
{
	plan->leaf.san = NULL;
}
static void leaf_other_san(struct plan *plan)
{
	plan->leaf.san = "URI:" FORGE_ARN "x";
}
static void leaf_san_prefix(struct plan *plan)
{
	plan->san = FORGE_ARN "x";
}
static void leaf_two_sans(struct plan *plan)
{
	plan->leaf.san = "URI:" FORGE_ARN ",URI:arn:x";
}
static void leaf_same_san_twice(struct plan *plan)
{
	plan->leaf.san = "URI:" FORGE_ARN ",URI:" FORGE_ARN;
}
static void leaf_dns_san_only(struct plan *plan)
{
	plan->leaf.san = "DNS:example.org";
}
static void leaf_dns_san_too(struct plan *plan)
{
	plan->leaf.san = "DNS:example.org,URI:" FORGE_ARN;
}
static void leaf_is_ca(struct plan *plan)
{
	plan->leaf.basic_constraints = "critical,CA:TRUE";
}
static void leaf_without_constraints(struct plan *plan)
{
	plan->leaf.basic_constraints = NULL;
}
static void leaf_self_signed(struct plan *plan)
{
	plan->leaf.self_signed = true;
}
static void leaf_self_signed_as_root(struct plan *plan)
{
	plan->leaf.self_signed = true;
	plan->leaf.common_name = plan->root.common_name;
}
static void ca_signs(struct plan *plan)
{
	plan->root_signs = true;
}
static void ca_signs_all_but_leaf(struct plan *plan)
{
	plan->root_signs = true;
	plan->root.key_usage = "critical,keyCertSign,digitalSignature";
	plan->root.ext_key_usage = "codeSigning";
	plan->root.san = "URI:" FORGE_ARN;
}
static void leaf_unknown_critical(struct plan *plan)
{
	plan->leaf.unknown = "critical";
}
static void leaf_unknown(struct plan *plan)
{
	plan->leaf.unknown = "not critical";
}
static void intermediate_unknown_critical(struct plan *plan)
{
	intermediates(plan, 1);
	plan->inter[0].unknown = "critical";
}
static void leaf_by_sha1(struct plan *plan)
{
	plan->leaf.md = EVP_sha1();
}
static void leaf_by_sha224(struct plan *plan)
{
	plan->leaf.md = EVP_sha224();
}
static void leaf_by_sha256(struct plan *plan)
{
	plan->leaf.md = EVP_sha256();
}
static void ca_p224(struct plan *plan)
{
	plan->root.curve = "P-224";
}
static void ca_p256(struct plan *plan)
{
	plan->root.curve = "P-256";
}
static void ca_secp256k1(struct plan *plan)
{
	plan->root.curve = "secp256k1";
}
static void ca_rsa_2048(struct plan *plan)
{
	plan->root.rsa_bits = 2048;
}
static void ca_rsa_3072(struct plan *plan)
{
	plan->root.rsa_bits = 3072;
}
static void intermediate_p224(struct plan *plan)
{
	intermediates(plan, 1);
	plan->inter[0].curve = "P-224";
}
static void intermediate_no_ca(struct plan *plan)
{
	intermediates(plan, 1);
	plan->inter[0].basic_constraints = "critical,CA:FALSE";
}
static void intermediate_no_cert_sign(struct plan *plan)
{
	intermediates(plan, 1);
	plan->inter[0].key_usage = "critical,digitalSignature";
}
static void path_too_long(struct plan *plan)
{
	intermediates(plan, 1);
	plan->root.basic_constraints = "critical,CA:TRUE,pathlen:0";
}
static void intermediate_for_servers(struct plan *plan)
{
	intermediates(plan, 1);
	plan->inter[0].ext_key_usage = "serverAuth";
}
static void intermediate_for_code(struct plan *plan)
{
	intermediates(plan, 1);
	plan->inter[0].ext_key_usage = "codeSigning";
}

static const struct {
	const char *name;
	void (*change)(struct plan *plan);
	const char *reason; /* NULL: a valid chain */
} cases[] = {
	{"leaf under the CA", plain, NULL},
	{"one intermediate", one_intermediate, NULL},
	{"two intermediates", two_intermediates, NULL},
	{"three intermediates", three_intermediates, "3 intermediate"},
	{"missing intermediate", missing_intermediate, "none of the account's CAs"},
	{"missing upper intermediate", missing_upper_intermediate, "none of the account's CAs"},
	{"another key's intermediate", wrong_intermediate, "no chain"},
	{"another CA of the same name", other_ca, "no chain"},
	{"rollover", two_cas, NULL},
	{"at notBefore", at_not_before, NULL},
	{"before notBefore", before_not_before, "valid from"},
	{"at notAfter", at_not_after, NULL},
	{"after notAfter", after_not_after, "valid from"},
	{"CA expired before", ca_expired, "CA certificate is valid from"},
	{"CA at its notAfter", ca_at_not_after, NULL},
	{"intermediate expired before", intermediate_expired, "intermediate certificate is valid from"},
	{"leaf on P-256", leaf_p256, "not on P-384"},
	{"leaf on P-521", leaf_p521, "not on P-384"},
	{"leaf on a curve that is spelled out", leaf_explicit_curve, "weaker"},
	{"no extended key usage", leaf_no_eku, "codeSigning"},
	{"only anyExtendedKeyUsage", leaf_only_any_eku, "codeSigning"},
	{"other extended key usages", leaf_other_eku, "codeSigning"},
	{"more extended key usages", leaf_more_ekus, NULL},
	{"no key usage", leaf_no_ku, "digitalSignature"},
	{"other key usage", leaf_other_ku, "digitalSignature"},
	{"more key usages", leaf_more_kus, NULL},
	{"no SAN", leaf_no_san, "not exactly one URI"},
	{"another SAN", leaf_other_san, "speaks for"},
	{"a SAN that is a prefix", leaf_san_prefix, "speaks for"},
	{"two URI SANs", leaf_two_sans, "not exactly one URI"},
	{"the same URI SAN twice", leaf_same_san_twice, "not exactly one URI"},
	{"a DNS SAN only", leaf_dns_san_only, "not exactly one URI"},
	{"a DNS SAN beside", leaf_dns_san_too, NULL},
	{"CA:TRUE leaf", leaf_is_ca, "is a CA's"},
	{"leaf without basic constraints", leaf_without_constraints, NULL},
	{"self-signed leaf", leaf_self_signed, "signed by itself"},
	{"self-signed leaf named as the CA", leaf_self_signed_as_root, "signed by itself"},
	{"the CA signs", ca_signs, "is a CA's"},
	{"the CA signs, with all a leaf has", ca_signs_all_but_leaf, "is a CA's"},
	{"unknown critical extension", leaf_unknown_critical, "critical"},
	{"unknown extension", leaf_unknown, NULL},
	{"unknown critical extension of an intermediate", intermediate_unknown_critical, "critical"},
	{"SHA-1", leaf_by_sha1, "not signed with"},
	{"SHA-224", leaf_by_sha224, "not signed with"},
	{"SHA-256", leaf_by_sha256, NULL},
	{"CA on P-224", ca_p224, "weaker"},
	{"CA on P-256", ca_p256, NULL},
	{"CA on another curve", ca_secp256k1, "weaker"},
	{"CA of RSA 2048", ca_rsa_2048, "weaker"},
	{"CA of RSA 3072", ca_rsa_3072, NULL},
	{"intermediate on P-224", intermediate_p224, "weaker"},
	{"intermediate that is no CA", intermediate_no_ca, "no chain"},
	{"intermediate without keyCertSign", intermediate_no_cert_sign, "no chain"},
	{"path length", path_too_long, "no chain"},
	{"intermediate for servers", intermediate_for_servers, "not for code signing"},
	{"intermediate for code", intermediate_for_code, NULL},
};

/* A chain that is remembered as proven speaks for itself only: not for another one, another time or another name. */
static void test_remembered(void **state UNUSED)
{
	struct plan plan = plain_plan();
	struct forge_cert root, other, leaf, forged;
	forge_cert(&plan.root, NULL, &root);
	forge_cert(&plan.root, NULL, &other);
	forge_cert(&plan.leaf, &root, &leaf);
	forge_cert(&plan.leaf, &other, &forged);
	struct crypto_trust *trust = make_trust(&plan, &root, NULL);
	struct crypto_cms *good = make_message(&plan, NULL, NULL, &leaf);
	struct crypto_cms *bad = make_message(&plan, NULL, NULL, &forged);

	for (int i = 0; i < 2; i++) {
		assert_int_equal(crypto_cms_check_chain(good, trust, plan.san, plan.at_s, NULL), 0);
		assert_int_equal(crypto_cms_check_chain(bad, trust, plan.san, plan.at_s, NULL), -EKEYREJECTED);
		assert_int_equal(crypto_cms_check_chain(good, trust, plan.san, FORGE_TO_S + 1, NULL), -EKEYREJECTED);
		assert_int_equal(crypto_cms_check_chain(good, trust, "arn:x", plan.at_s, NULL), -EKEYREJECTED);
	}

	crypto_cms_free(bad);
	crypto_cms_free(good);
	crypto_trust_unref(trust);
	forge_cert_done(&forged);
	forge_cert_done(&leaf);
	forge_cert_done(&other);
	forge_cert_done(&root);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct plan plan = plain_plan();
		struct explain why = {0};
		cases[i].change(&plan);
		int r = judge(&plan, &why);
		if (!cases[i].reason && r != 0)
			fail_msg("%s: %d %s", cases[i].name, r, why.text);
		if (cases[i].reason && (r != -EKEYREJECTED || !strstr(why.text, cases[i].reason)))
			fail_msg("%s: \"%s\" expected, found %d \"%s\"", cases[i].name, cases[i].reason, r, why.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_remembered),
	};
	return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
