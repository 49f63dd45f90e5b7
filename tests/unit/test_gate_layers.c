/* An artifact judged together with its layers: policy_add_layer by itself, and the gate on what was truly signed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gate_fixture.h"
#include "zip_builder.h"

/* ---- the rule, over all outcomes ---- */

static struct policy_verdict verdict_of(enum policy_outcome outcome, enum policy_reason reason)
{
	return (struct policy_verdict){
		.outcome = outcome,
		.reason = outcome == POLICY_ACCEPTED ? POLICY_REASON_NONE : reason,
		.deciding = outcome == POLICY_ACCEPTED ? POLICY_CHECK_COUNT : POLICY_EXPIRY,
		.detail = "why",
	};
}

/* What the artifact's own outcome becomes with a layer's: A accepted, W warned, R refused; own or layer's reason. */
static void every_outcome_beside_every_other(void **state UNUSED)
{
	static const struct {
		enum policy_outcome own, layer, expected;
		bool is_layers;
	} rows[] = {
		{POLICY_ACCEPTED, POLICY_ACCEPTED, POLICY_ACCEPTED, false},
		{POLICY_ACCEPTED, POLICY_WARNED, POLICY_WARNED, true},
		{POLICY_ACCEPTED, POLICY_REFUSED, POLICY_REFUSED, true},
		{POLICY_WARNED, POLICY_ACCEPTED, POLICY_WARNED, false},
		{POLICY_WARNED, POLICY_WARNED, POLICY_WARNED, false},
		{POLICY_WARNED, POLICY_REFUSED, POLICY_REFUSED, true},
		{POLICY_REFUSED, POLICY_ACCEPTED, POLICY_REFUSED, false},
		{POLICY_REFUSED, POLICY_WARNED, POLICY_REFUSED, false},
		{POLICY_REFUSED, POLICY_REFUSED, POLICY_REFUSED, false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy_verdict v = verdict_of(rows[i].own, POLICY_VF2001_UNSIGNED);
		const struct policy_verdict layer = verdict_of(rows[i].layer, POLICY_VF2003_EXPIRED);
		policy_add_layer("tools:3", &layer, &v);
		assert_int_equal(v.outcome, rows[i].expected);
		enum policy_reason own = rows[i].own == POLICY_ACCEPTED ? POLICY_REASON_NONE : POLICY_VF2001_UNSIGNED;
		assert_int_equal(v.reason, rows[i].is_layers ? POLICY_VF2005_LAYER : own);
		if (!rows[i].is_layers)
			continue;
		assert_int_equal(v.layer_reason, POLICY_VF2003_EXPIRED);
		assert_int_equal(v.deciding, POLICY_EXPIRY);
		assert_string_equal(v.detail, "layer tools:3: VF2003 signature expired: why");
		assert_int_equal(policy_verdict_errno(&v, CONFIG_ERRNO_KEY), EKEYEXPIRED);
		assert_int_equal(policy_verdict_errno(&v, CONFIG_ERRNO_PERMISSION), EACCES);
	}
}

static void the_first_layer_that_fails_decides(void **state UNUSED)
{
	struct policy_verdict v = verdict_of(POLICY_ACCEPTED, POLICY_REASON_NONE);
	const struct policy_verdict warned = verdict_of(POLICY_WARNED, POLICY_VF2003_EXPIRED),
				    first = verdict_of(POLICY_REFUSED, POLICY_VF2004_REVOKED),
				    second = verdict_of(POLICY_REFUSED, POLICY_VF1002_INTEGRITY);
	policy_add_layer("a:1", &warned, &v);
	policy_add_layer("b:1", &first, &v);
	policy_add_layer("c:1", &second, &v);
	assert_int_equal(v.outcome, POLICY_REFUSED);
	assert_int_equal(policy_verdict_errno(&v, CONFIG_ERRNO_KEY), EKEYREVOKED);
	assert_ptr_equal(strstr(v.detail, "layer b:1: "), v.detail);
}

static void the_unpacked_total_has_a_limit(void **state UNUSED)
{
	struct policy_verdict v = verdict_of(POLICY_ACCEPTED, POLICY_REASON_NONE);
	policy_limit_unpacked(100, 100, &v);
	assert_int_equal(v.outcome, POLICY_ACCEPTED);
	policy_limit_unpacked(101, 100, &v);
	assert_int_equal(v.reason, POLICY_VF4002_TOO_MANY);
	assert_int_equal(policy_verdict_errno(&v, CONFIG_ERRNO_KEY), E2BIG);
	v = verdict_of(POLICY_REFUSED, POLICY_VF2001_UNSIGNED);
	policy_limit_unpacked(101, 100, &v);
	assert_int_equal(v.reason, POLICY_VF2001_UNSIGNED);
}

/* ---- on what was signed ---- */

enum artifact { GOOD, PLAIN, TAMPERED };
#define ARTIFACTS 3

/* The bytes of an artifact. */
static struct buf make(struct gate_fixture *f, enum artifact kind)
{
	struct buf zip = kind == PLAIN ? gate_fixture_zip() : gate_fixture_signed_zip(f);
	return zip;
}

/* What stands in a release of it, of its kind: the comment of another content's signature where it is tampered with. */
static void describe(struct gate_fixture *f, enum artifact kind, struct store_layer *ret)
{
	struct buf zip = make(f, kind);
	struct io_memory memory = {.bytes = zip.data, .len = zip.len};
	const struct io_reader file = io_reader_memory(&memory);
	struct zip_tail tail;
	struct merkle_tree *tree;
	assert_int_equal(zip_read_tail(&file, &tail, NULL), 0);
	assert_int_equal(merkle_tree_of(&file, tail.signed_length, &tree), 0);
	*ret = (struct store_layer){
		.layer = (char *)(uintptr_t) "tools",
		.version = 3,
		.id = 9,
		.length_bytes = tail.signed_length,
		.comment = malloc(tail.comment_len + 1U),
		.comment_len = tail.comment_len,
	};
	assert_non_null(ret->comment);
	memcpy(ret->comment, zip.data + tail.comment_offset, tail.comment_len);
	memcpy(ret->digest, tree->digest, sizeof(ret->digest));
	if (kind == TAMPERED)
		ret->digest[0] ^= 1;
	merkle_tree_free(tree);
	buf_done(&zip);
}

/* The oracle: what the rules say of artifact, layer and mode, where r is the reason of each by itself. */
static void expect(enum artifact own, enum artifact layer, bool enforce, enum policy_outcome *ret_outcome,
		   enum policy_reason *ret_reason, int *ret_errno)
{
	static const enum policy_reason reasons[] = {POLICY_REASON_NONE, POLICY_VF2001_UNSIGNED,
						     POLICY_VF1002_INTEGRITY};
	static const int errnos[] = {0, ENOKEY, EBADMSG};
	static const enum policy_outcome enforced[] = {POLICY_ACCEPTED, POLICY_REFUSED, POLICY_REFUSED};
	static const enum policy_outcome watched[] = {POLICY_ACCEPTED, POLICY_WARNED, POLICY_REFUSED};
	enum policy_outcome own_outcome = enforce ? enforced[own] : watched[own];
	enum policy_outcome layer_outcome = enforce ? enforced[layer] : watched[layer];
	bool is_layers = layer_outcome < own_outcome; /* refused is the least */
	*ret_outcome = is_layers ? layer_outcome : own_outcome;
	*ret_reason = is_layers ? POLICY_VF2005_LAYER : reasons[own];
	*ret_errno = is_layers ? errnos[layer] : errnos[own];
}

static void assert_as_expected(const struct gate_decision *d, enum artifact own, enum artifact layer, bool enforce)
{
	enum policy_outcome outcome;
	enum policy_reason reason;
	int error;
	expect(own, layer, enforce, &outcome, &reason, &error);
	if (d->verdict.outcome != outcome || d->verdict.reason != reason ||
	    policy_verdict_errno(&d->verdict, CONFIG_ERRNO_KEY) != error)
		fail_msg("artifact %d, layer %d, enforce %d: %s %d: %s", own, layer, enforce,
			 policy_outcome_name(d->verdict.outcome), d->verdict.reason, d->verdict.detail);
	assert_int_equal(d->layer_count, 1);
}

static void artifact_and_layer_by_both_policies(void **state)
{
	struct gate_fixture *f = *state;
	for (enum artifact own = GOOD; own < ARTIFACTS; own++) {
		for (enum artifact layer = GOOD; layer < ARTIFACTS; layer++) {
			struct store_layer artifact, attached;
			describe(f, own, &artifact);
			describe(f, layer, &attached);
			struct store_release release = {
				.length_bytes = artifact.length_bytes,
				.comment = artifact.comment,
				.comment_len = artifact.comment_len,
				.layers = {attached},
				.layer_count = 1,
			};
			memcpy(release.digest, artifact.digest, sizeof(release.digest));
			for (int enforce = 0; enforce < 2; enforce++) {
				struct gate_decision d;
				assert_int_equal(
					gate_judge_release(f->trust,
							   gate_fixture_rules(f, enforce ? "approved" : "watched"),
							   POLICY_ON_DEPLOYMENT, &release, &d),
					0);
				assert_as_expected(&d, own, layer, enforce);
			}
			free(artifact.comment);
			free(attached.comment);
		}
	}
}

/* The same of an artifact that arrives. */
static void an_artifact_that_arrives(void **state)
{
	struct gate_fixture *f = *state;
	for (enum artifact own = GOOD; own < TAMPERED; own++) {
		struct buf zip = make(f, own);
		struct io_memory memory = {.bytes = zip.data, .len = zip.len};
		for (enum artifact layer = GOOD; layer < ARTIFACTS; layer++) {
			struct store_layer attached;
			describe(f, layer, &attached);
			const struct gate_artifact artifact = {.content = SIGNATURE_OF_ARTIFACT,
							       .file = io_reader_memory(&memory),
							       .layers = &attached,
							       .layer_count = 1};
			for (int enforce = 0; enforce < 2; enforce++) {
				struct gate_decision d;
				assert_int_equal(gate_judge(f->trust,
							    gate_fixture_rules(f, enforce ? "approved" : "watched"),
							    POLICY_ON_DEPLOYMENT, &artifact, false, &d),
						 0);
				assert_as_expected(&d, own, layer, enforce);
			}
			free(attached.comment);
		}
		buf_done(&zip);
	}
}

static void a_new_list_judges_layers_again_without_verifying(void **state)
{
	struct gate_fixture *f = *state;
	struct store_layer artifact, attached;
	struct gate_decision d, again;
	describe(f, GOOD, &artifact);
	describe(f, GOOD, &attached);
	struct store_release release = {
		.length_bytes = artifact.length_bytes,
		.comment = artifact.comment,
		.comment_len = artifact.comment_len,
		.layers = {attached},
		.layer_count = 1,
	};
	memcpy(release.digest, artifact.digest, sizeof(release.digest));
	const struct config_code_signing *rules = gate_fixture_rules(f, "approved");
	assert_int_equal(gate_judge_release(f->trust, rules, POLICY_ON_DEPLOYMENT, &release, &d), 0);
	assert_int_equal(d.verdict.outcome, POLICY_ACCEPTED);

	const struct revocation entry = {.kind = REVOCATION_JOB,
					 .job = d.layers[0].facts.statement.job,
					 .revoked_at_s = TRUST_FIXTURE_NOW_S,
					 .reason = "lost"};
	gate_fixture_put_list(f, 43, &entry);
	assert_int_equal(gate_fixture_load(f), 0);
	rules = gate_fixture_rules(f, "approved");
	const struct signature_facts known[] = {d.facts, d.layers[0].facts};
	assert_int_equal(gate_judge_release_again(f->trust, rules, POLICY_ON_DEPLOYMENT, &release, known, &again), 0);
	assert_int_equal(again.verdict.reason, POLICY_VF2005_LAYER);
	assert_int_equal(again.verdict.layer_reason, POLICY_VF2004_REVOKED);
	assert_int_equal(again.layers[0].verdict.reason, POLICY_VF2004_REVOKED);
	free(artifact.comment);
	free(attached.comment);
}

/* ---- what is shown ---- */

static void the_record_and_the_texts_name_each_layer(void **state)
{
	struct gate_fixture *f = *state;
	struct store_layer attached;
	struct buf zip = gate_fixture_signed_zip(f), text = {0};
	struct io_memory memory = {.bytes = zip.data, .len = zip.len};
	struct gate_decision d;
	char shown[GATE_LAYERS_TEXT_SIZE];
	describe(f, PLAIN, &attached);
	const struct gate_artifact artifact = {.content = SIGNATURE_OF_ARTIFACT,
					       .file = io_reader_memory(&memory),
					       .layers = &attached,
					       .layer_count = 1};
	assert_int_equal(
		gate_judge(f->trust, gate_fixture_rules(f, "approved"), POLICY_ON_DEPLOYMENT, &artifact, false, &d), 0);
	gate_print_layers(&d, shown);
	assert_string_equal(shown, "tools:3 refused VF2001");
	const struct gate_deployment deployment = {.function = "main", .artifact_name = "a.zip"};
	assert_int_equal(gate_render_why(&deployment, &d, 0, &text), 0);
	gate_fixture_assert_says(&text, "VF2005 refused");
	gate_fixture_assert_says(&text, "  layer tools:3     FAILED  no signature that holds\n");
	buf_reset(&text);
	assert_int_equal(gate_render_record(&deployment, &d, &text), 0);
	gate_fixture_assert_says(&text, "layer-1: tools:3\nlayer-1-outcome: refused\nlayer-1-reason: VF2001\n");

	struct store_release release = {
		.artifact_name = (char[]){"a.zip"}, .decision = text.data, .layers = {attached}, .layer_count = 1};
	struct buf json = {0};
	assert_int_equal(gate_render_release_json("main", &release, &json), 0);
	gate_fixture_assert_says(&json, "\"layer\": \"tools\"");
	gate_fixture_assert_says(&json, "\"version\": 3");
	gate_fixture_assert_says(&json, "\"reason\": \"VF2001\"");
	buf_done(&json);
	buf_done(&text);
	buf_done(&zip);
	free(attached.comment);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, gate_fixture_setup, gate_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_outcome_beside_every_other),
		cmocka_unit_test(the_first_layer_that_fails_decides),
		cmocka_unit_test(the_unpacked_total_has_a_limit),
		TEST(artifact_and_layer_by_both_policies),
		TEST(an_artifact_that_arrives),
		TEST(a_new_list_judges_layers_again_without_verifying),
		TEST(the_record_and_the_texts_name_each_layer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
