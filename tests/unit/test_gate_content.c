/* An artifact never passes for a policy bundle, nor a bundle for an artifact, whoever has signed it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "gate_fixture.h"

#define AS_BUNDLE   "it is signed as a policy bundle, not as an artifact"
#define AS_ARTIFACT "it is signed as an artifact, not as a policy bundle"

static struct buf sign(struct gate_fixture *f, enum signature_content content)
{
	f->alice.content = content;
	return gate_fixture_signed_zip(f);
}

static struct gate_decision judge(struct gate_fixture *f, enum signature_content content, const char *rules,
				  const struct buf *zip)
{
	struct io_memory memory = {.bytes = zip->data, .len = zip->len};
	struct gate_artifact artifact = {.content = content, .file = io_reader_memory(&memory)};
	struct gate_decision d;
	assert_int_equal(gate_judge(f->trust, gate_fixture_rules(f, rules), POLICY_ON_DEPLOYMENT, &artifact, false, &d),
			 0);
	return d;
}

static void assert_refused(const struct gate_decision *d, const char *detail, const char *remedy)
{
	assert_int_equal(d->verdict.outcome, POLICY_REFUSED);
	assert_int_equal(d->verdict.reason, POLICY_VF1002_INTEGRITY);
	assert_string_equal(d->verdict.detail, detail);
	assert_non_null(strstr(d->verdict.remedy, remedy));
	assert_int_equal(d->facts.account_known, SIGNATURE_UNKNOWN); /* nothing it says is believed */
	assert_int_equal(d->verdict.checks[POLICY_ZIP_RULES].state, POLICY_NOT_REACHED);
}

/* Whatever the rules are. */
static void bundle_is_no_artifact(void **state)
{
	static const char *const rules[] = {"approved", "watched", "open"};
	struct gate_fixture *f = *state;
	struct buf zip = sign(f, SIGNATURE_OF_BUNDLE);
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		struct gate_decision d = judge(f, SIGNATURE_OF_ARTIFACT, rules[i], &zip);
		assert_refused(&d, AS_BUNDLE, "vouchfs policy apply");
	}
	struct gate_decision d = judge(f, SIGNATURE_OF_BUNDLE, "approved", &zip);
	assert_int_equal(d.verdict.outcome, POLICY_ACCEPTED);
	struct gate_decision layer = gate_fixture_judge_layer(f, &zip);
	assert_refused(&layer, AS_BUNDLE, "vouchfs policy apply");
	buf_done(&zip);
}

static void artifact_is_no_bundle(void **state)
{
	struct gate_fixture *f = *state;
	struct buf zip = sign(f, SIGNATURE_OF_ARTIFACT);
	struct gate_decision d = judge(f, SIGNATURE_OF_BUNDLE, "approved", &zip);
	assert_refused(&d, AS_ARTIFACT, "vouchfs policy pack");
	d = judge(f, SIGNATURE_OF_ARTIFACT, "approved", &zip);
	assert_int_equal(d.verdict.outcome, POLICY_ACCEPTED);
	buf_done(&zip);
}

/* A tampered one is told what is wrong with its bytes, not what it could have been. */
static void tampered_is_tampered(void **state)
{
	struct gate_fixture *f = *state;
	struct buf zip = sign(f, SIGNATURE_OF_BUNDLE);
	zip.data[40] ^= 1;
	struct gate_decision d = judge(f, SIGNATURE_OF_BUNDLE, "approved", &zip);
	assert_int_equal(d.verdict.reason, POLICY_VF1002_INTEGRITY);
	assert_non_null(strstr(d.verdict.detail, "the bytes changed after they were signed"));
	buf_done(&zip);
}

/* I4: where nobody said what it has to be, signed or not. */
static void zero_denies(void **state)
{
	static const char *const rules[] = {"approved", "watched", "open"};
	struct gate_fixture *f = *state;
	struct buf zips[] = {sign(f, SIGNATURE_OF_ARTIFACT), sign(f, SIGNATURE_OF_BUNDLE), gate_fixture_zip()};
	for (size_t i = 0; i < ARRAY_SIZE(zips); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(rules); k++) {
			struct gate_decision d = judge(f, SIGNATURE_OF_NOTHING, rules[k], &zips[i]);
			assert_int_equal(d.verdict.outcome, POLICY_REFUSED);
			assert_int_equal(d.facts.integrity, SIGNATURE_UNKNOWN);
		}
		buf_done(&zips[i]);
	}
}

static void release_of_the_other_kind_is_refused(void **state)
{
	static const enum signature_content kinds[] = {SIGNATURE_OF_ARTIFACT, SIGNATURE_OF_BUNDLE};
	struct gate_fixture *f = *state;
	const struct config_code_signing *rules = gate_fixture_rules(f, "approved");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct buf zip = sign(f, kinds[i]);
		struct gate_decision d = judge(f, kinds[i], "approved", &zip), artifact, bundle;
		struct store_release release = {.length_bytes = d.length_bytes,
						.comment = (uint8_t *)zip.data + d.tail.comment_offset,
						.comment_len = d.tail.comment_len};
		memcpy(release.digest, d.tree_sha256, sizeof(release.digest));
		assert_int_equal(gate_judge_release(f->trust, rules, POLICY_ON_LOAD, &release, &artifact), 0);
		assert_int_equal(gate_judge_bundle_release(f->trust, rules, POLICY_ON_LOAD, &release, NULL, &bundle),
				 0);
		bool is_bundle = kinds[i] == SIGNATURE_OF_BUNDLE;
		assert_int_equal(artifact.verdict.reason, is_bundle ? POLICY_VF1002_INTEGRITY : POLICY_REASON_NONE);
		assert_int_equal(bundle.verdict.reason, is_bundle ? POLICY_REASON_NONE : POLICY_VF1002_INTEGRITY);
		buf_done(&zip);
	}
}

static void nothing_is_signed_as_nothing(void **state)
{
	struct gate_fixture *f = *state;
	struct statement statement = trust_fixture_statement(&f->alice, "x", 1);
	const struct crypto_cert *chain[] = {f->alice.leaf};
	struct buf comment = {0};
	struct explain why = {0};
	assert_int_equal(signature_make(SIGNATURE_OF_NOTHING, &statement, f->alice.key, chain, 1, &comment, &why),
			 -EINVAL);
	assert_non_null(strstr(why.text, "nobody said"));
	assert_int_equal(comment.len, 0);
	assert_string_equal(signature_content_name(SIGNATURE_OF_NOTHING), "nothing");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, gate_fixture_setup, gate_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bundle_is_no_artifact),
		TEST(artifact_is_no_bundle),
		TEST(tampered_is_tampered),
		TEST(zero_denies),
		TEST(release_of_the_other_kind_is_refused),
		TEST(nothing_is_signed_as_nothing),
	};
	return cmocka_run_group_tests_name("gate_content", tests, NULL, NULL);
}
