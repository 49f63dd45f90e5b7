/* The renderings of one decision say the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "gate_fixture.h"

#define SIGNER "\"profileVersionArn\": \"" GATE_FIXTURE_ARN "\""

static const struct audit_who who = {.uid = 1001, .gid = 1002, .pid = 3121, .command = "rs\x1b[ync"};
static const struct gate_deployment deployment = {.function = "billing", .artifact_name = "b\ni.zip", .who = &who};

static struct gate_decision decide(struct gate_fixture *f, const char *rules, bool sign)
{
	struct buf zip = sign ? gate_fixture_signed_zip(f) : gate_fixture_zip();
	struct gate_decision d = gate_fixture_judge(f, rules, &zip, false);
	buf_done(&zip);
	return d;
}

/* Nothing from outside reaches the terminal as it is. */
static void assert_printable(const struct buf *text)
{
	for (size_t i = 0; i < text->len; i++)
		assert_true(text->data[i] == '\n' || (text->data[i] >= ' ' && text->data[i] < 0x7f));
}

static void render_json(const char *path, const struct gate_decision *decision, struct buf *ret)
{
	struct json j = {.out = ret, .pretty = true};
	json_object(&j, NULL);
	gate_put_json(&j, path, decision);
	json_close(&j);
	assert_int_equal(json_end(&j), 0);
}

static void why_of_a_refusal(void **state)
{
	struct gate_decision d = decide(*state, "other", true);
	d.verdict.outcome = POLICY_REFUSED;
	struct buf text = {0};
	assert_int_equal(gate_render_why(&deployment, &d, 6, &text), 0);
	gate_fixture_assert_says(&text, "VF2002 refused  slot=functions/billing  artifact=b\\x0ai.zip  config=other\n");
	gate_fixture_assert_says(&text, "  check integrity   ok      ");
	gate_fixture_assert_says(&text, "  check source      FAILED  signed by " GATE_FIXTURE_ARN "  (Warn)\n");
	gate_fixture_assert_says(&text, "expected: arn:vouchfs:signer:local:111122223333:/signing-profiles/other\n");
	gate_fixture_assert_says(&text, "  remedy            sign it with an allowed profile: vouchfs sign --profile");
	gate_fixture_assert_says(&text, "  kept              release 6 is still served\n");
	gate_fixture_assert_says(&text, "uid 1001 gid 1002 pid 3121 rs\\x1b[ync  at " TRUST_FIXTURE_NOW "\n");
	assert_printable(&text);
	buf_done(&text);
}

static void why_of_a_layer(void **state)
{
	const struct gate_deployment to = {.function = "layer:base", .artifact_name = "a.zip", .who = &who};
	struct buf zip = gate_fixture_zip(), text = {0};
	struct gate_decision d = gate_fixture_judge_layer(*state, &zip);
	assert_int_equal(gate_render_why(&to, &d, 0, &text), 0);
	gate_fixture_assert_says(&text,
				 "accepted (who signed it is judged when a function attaches it)  slot=layers/base"
				 "  artifact=a.zip\n");
	gate_fixture_assert_says(&text, "  check source      n/a     judged when a function attaches it\n");
	buf_reset(&text);
	d.verdict.outcome = POLICY_REFUSED;
	assert_int_equal(gate_render_why(&to, &d, 4, &text), 0);
	gate_fixture_assert_says(&text, "  kept              what is published, up to version 4\n");
	buf_done(&text);
	buf_done(&zip);
}

static void why_of_an_acceptance_objects_to_nothing(void **state)
{
	struct gate_decision d = decide(*state, "approved", true);
	struct buf text = {0};
	assert_int_equal(gate_render_why(&deployment, &d, 7, &text), 0);
	assert_true(strncmp(text.data, "accepted  slot=", 15) == 0);
	assert_null(strstr(text.data, "remedy"));
	assert_null(strstr(text.data, "kept"));
	buf_done(&text);
}

static void unchecked_is_said_everywhere(void **state)
{
	struct gate_decision d = decide(*state, NULL, false);
	struct buf text = {0};
	assert_int_equal(gate_render_why(&deployment, &d, 0, &text), 0);
	gate_fixture_assert_says(&text, "accepted (signatures are not checked here)  slot=");
	buf_reset(&text);
	render_json("a.zip", &d, &text);
	gate_fixture_assert_says(&text, "\"unchecked\": true");
	gate_fixture_assert_says(&text, "\"signature\": null");
	buf_reset(&text);
	assert_int_equal(gate_render_record(&deployment, &d, &text), 0);
	gate_fixture_assert_says(&text, "unchecked: yes\n");
	buf_done(&text);
}

static void json_of_a_warning(void **state)
{
	struct gate_decision d = decide(*state, "watched", false);
	struct buf text = {0};
	render_json("a\"b.zip", &d, &text);
	gate_fixture_assert_says(&text,
				 "{\n    \"schema\": 1,\n    \"file\": \"a\\\"b.zip\",\n    \"outcome\": \"warned\","
				 "\n    \"reason\": \"VF2001\",");
	gate_fixture_assert_says(&text, "\"exitCode\": 0");
	gate_fixture_assert_says(&text, "\"contentsChecked\": true");
	buf_done(&text);
}

static void json_of_an_acceptance(void **state)
{
	struct gate_decision d = decide(*state, "approved", true);
	struct buf text = {0};
	render_json("a.zip", &d, &text);
	gate_fixture_assert_says(&text, "\"reason\": null");
	gate_fixture_assert_says(&text, SIGNER);
	gate_fixture_assert_says(&text, "\"daysLeft\": 365,\n");
	gate_fixture_assert_says(&text, "\"sequence\": 42,\n");
	gate_fixture_assert_says(&text, "\"daysLeft\": 30\n");
	gate_fixture_assert_says(&text, "\"decidedAt\": \"" TRUST_FIXTURE_NOW "\"");
	buf_done(&text);
}

static struct buf release_json(struct gate_fixture *f, const char *rules, bool sign)
{
	struct gate_decision d = decide(f, rules, sign);
	struct buf record = {0}, text = {0};
	assert_int_equal(gate_render_record(&deployment, &d, &record), 0);
	assert_printable(&record);
	struct store_release release = {.number = 7,
					.artifact_name = (char[]){"b.zip"},
					.length_bytes = d.length_bytes,
					.uid = 1001,
					.created_at_s = TRUST_FIXTURE_NOW_S + 1,
					.decision = record.data};
	memcpy(release.digest, d.tree_sha256, sizeof(release.digest));
	assert_int_equal(gate_render_release_json("billing", &release, &text), 0);
	buf_done(&record);
	return text;
}

static void release_json_tells_what_the_record_says(void **state)
{
	struct buf text = release_json(*state, "approved", true);
	gate_fixture_assert_says(&text, "\"function\": \"billing\",\n    \"release\": 7,");
	gate_fixture_assert_says(&text, "\"outcome\": \"accepted\",\n    \"unchecked\": false,");
	gate_fixture_assert_says(&text, "\"integrity\": \"ok\"");
	gate_fixture_assert_says(&text, SIGNER);
	gate_fixture_assert_says(&text, "\"releasedAt\": \"2026-11-21T17:27:13Z\"");
	buf_done(&text);

	text = release_json(*state, "watched", false);
	gate_fixture_assert_says(&text, "\"outcome\": \"warned\",\n    \"reason\": \"VF2001\"");
	gate_fixture_assert_says(&text, "\"source\": \"failed\"");
	gate_fixture_assert_says(&text, "\"signature\": null");
	buf_done(&text);
}

/* A record that was lost or comes from elsewhere must not look like a release that was checked. */
static void release_json_without_a_record_claims_nothing(void **state UNUSED)
{
	struct store_release release = {.number = 7, .artifact_name = (char[]){"b.zip"}};
	struct buf text = {0};
	assert_int_equal(gate_render_release_json("billing", &release, &text), 0);
	gate_fixture_assert_says(&text, "\"unchecked\": true");
	assert_null(strstr(text.data, "accepted"));
	buf_done(&text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, gate_fixture_setup, gate_fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(why_of_a_refusal),
		TEST(why_of_an_acceptance_objects_to_nothing),
		TEST(why_of_a_layer),
		TEST(unchecked_is_said_everywhere),
		TEST(json_of_a_warning),
		TEST(json_of_an_acceptance),
		TEST(release_json_tells_what_the_record_says),
		TEST(release_json_without_a_record_claims_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
