/* status.json, written and read back; and what is none. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/limits.h"
#include "overview_fixture.h"

static struct buf print(const struct overview *overview)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	overview_put_json(&j, overview);
	json_close(&j);
	assert_int_equal(json_end(&j), 0);
	return text;
}

static void assert_reads_back(const struct overview *overview)
{
	struct overview *again = NULL;
	struct buf first = print(overview);
	assert_int_equal(overview_parse(first.data, first.len, &again), 0);
	struct buf second = print(again);
	assert_string_equal(first.data, second.data);
	buf_done(&first);
	buf_done(&second);
	overview_free(again);
}

static void what_is_printed_is_read_back(void **state)
{
	(void)state;
	struct overview *overview = overview_fixture_new_troubled();
	assert_reads_back(overview);
	overview_free(overview);
	overview = overview_new();
	assert_non_null(overview);
	assert_reads_back(overview);
	overview_free(overview);
}

/* Each member, as the struct has it: equal texts could come of a member that neither side knows. */
static void every_member_comes_back(void **state)
{
	(void)state;
	struct overview *overview = overview_fixture_new_troubled(), *again = NULL;
	struct buf text = print(overview);
	assert_int_equal(overview_parse(text.data, text.len, &again), 0);
	assert_string_equal(again->config_error, overview->config_error);
	assert_int_equal(again->audit_seq, 118);
	assert_false(again->audit_writable);
	assert_true(again->is_mounted);
	assert_int_equal(again->started_at_s, overview->started_at_s);
	assert_int_equal(again->slot_count, overview->slot_count);
	for (size_t i = 0; i < again->slot_count; i++) {
		const struct overview_slot *x = &overview->slots[i], *y = &again->slots[i];
		assert_string_equal(x->name, y->name);
		assert_int_equal(x->rank, y->rank);
		assert_int_equal(x->is_layer, y->is_layer);
		assert_int_equal(x->release, y->release);
		assert_int_equal(x->kept_count, y->kept_count);
		assert_int_equal(x->since_s, y->since_s);
		assert_int_equal(x->signed_at_s, y->signed_at_s);
		assert_int_equal(x->expires_at_s, y->expires_at_s);
		assert_int_equal(x->break_glass.until_s, y->break_glass.until_s);
		assert_int_equal(x->last.event, y->last.event);
		assert_int_equal(x->last.uid, y->last.uid);
		assert_string_equal(x->layers ? x->layers : "-", y->layers ? y->layers : "-");
		assert_string_equal(x->enforce_detail ? x->enforce_detail : "-",
				    y->enforce_detail ? y->enforce_detail : "-");
		assert_string_equal(x->break_glass.reason ? x->break_glass.reason : "-",
				    y->break_glass.reason ? y->break_glass.reason : "-");
	}
	assert_int_equal(again->config_count, 1);
	assert_int_equal(again->configs[0].publisher_count, 1);
	assert_string_equal(again->configs[0].publishers[0], OVERVIEW_FIXTURE_PUBLISHER);
	assert_int_equal(again->account_count, 1);
	assert_int_equal(again->accounts[0].list_sequence, 41);
	assert_int_equal(again->accounts[0].list_next_update_s, overview->accounts[0].list_next_update_s);
	buf_done(&text);
	overview_free(overview);
	overview_free(again);
}

static struct overview *new_governed(void)
{
	struct overview *overview = overview_fixture_new();
	struct overview_policy *policy = overview_fixture_govern(overview);
	policy->highest_sequence = 9;
	overview_fixture_set(&policy->detail, "a \"detail\"\n");
	overview_fixture_set(&policy->alarm, "VF2003");
	overview_fixture_set(&policy->alarm_detail, "it expired");
	overview_fixture_set(&policy->rollback_reason, "9 was wrong");
	overview_fixture_set(&policy->fetch_error, "no route to host");
	policy->rollback_by_uid = 4294967295U;
	policy->applied_by_uid = 1001;
	overview_fixture_set(&policy->last.outcome, "refused");
	overview_fixture_set(&policy->last.reason, "VF5002");
	policy->last.at_s = overview->now_s;
	policy->last.event = 77;
	overview_fixture_add_drift(policy, OVERVIEW_DRIFT_LOCAL, "conf.d/x.conf:3: it says, \x1b");
	overview_fixture_add_drift(policy, OVERVIEW_DRIFT_UNIT, "UMask: 0022");
	return overview;
}

static void a_policy_comes_back(void **state)
{
	(void)state;
	struct overview *overview = new_governed(), *again = NULL;
	assert_reads_back(overview);
	struct buf text = print(overview);
	assert_int_equal(overview_parse(text.data, text.len, &again), 0);
	const struct overview_policy *x = &overview->policy, *y = &again->policy;
	assert_string_equal(again->host, "host.example");
	assert_string_equal(y->state, OVERVIEW_POLICY_IN_FORCE);
	assert_string_equal(y->detail, x->detail);
	assert_int_equal(y->sequence, 7);
	assert_int_equal(y->highest_sequence, 9);
	assert_string_equal(y->description, x->description);
	assert_string_equal(y->tree_sha256, x->tree_sha256);
	assert_string_equal(y->profile_version_arn, x->profile_version_arn);
	assert_int_equal(y->signed_at_s, x->signed_at_s);
	assert_int_equal(y->expires_at_s, x->expires_at_s);
	assert_int_equal(y->applied_at_s, x->applied_at_s);
	assert_int_equal(y->applied_by_uid, 1001);
	assert_string_equal(y->alarm, "VF2003");
	assert_string_equal(y->alarm_detail, "it expired");
	assert_string_equal(y->rollback_reason, "9 was wrong");
	assert_int_equal(y->rollback_by_uid, 4294967295U);
	assert_int_equal(y->drift_checked_at_s, x->drift_checked_at_s);
	assert_int_equal(y->drift_count, 2);
	assert_int_equal(y->drift_by_kind[OVERVIEW_DRIFT_LOCAL], 1);
	assert_int_equal(y->drift_by_kind[OVERVIEW_DRIFT_UNIT], 1);
	assert_int_equal(y->drift_shown, 2);
	assert_string_equal(y->drift[0], x->drift[0]);
	assert_string_equal(y->source, x->source);
	assert_int_equal(y->poll_interval_s, 300);
	assert_int_equal(y->fetched_at_s, x->fetched_at_s);
	assert_string_equal(y->fetch_error, "no route to host");
	assert_string_equal(y->last.outcome, "refused");
	assert_string_equal(y->last.reason, "VF5002");
	assert_int_equal(y->last.at_s, x->last.at_s);
	assert_int_equal(y->last.event, 77);
	buf_done(&text);
	overview_free(overview);
	overview_free(again);
}

/* What a daemon writes that knows nothing of bundles, and one whose host has no publisher. */
static void a_host_that_is_not_governed_has_no_policy(void **state)
{
	(void)state;
	static const char *const texts[] = {"{\"schema\": 1}", "{\"schema\": 1, \"host\": null, \"policy\": null}"};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct overview *overview = NULL;
		assert_int_equal(overview_parse(texts[i], strlen(texts[i]), &overview), 0);
		assert_null(overview->policy.state);
		assert_null(overview->host);
		overview_free(overview);
	}
}

static int parse(const char *text)
{
	struct overview *overview = NULL;
	int r = overview_parse(text, strlen(text), &overview);
	assert_true(r == 0 || !overview);
	overview_free(overview);
	return r;
}

static void what_is_not_known_is_passed_over(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"schema\": 1}"), 0);
	assert_int_equal(parse("{\"schema\": 1, \"news\": {\"a\": [1.5]}, \"slots\": [{\"slot\": \"f\", \"x\": {}}]}"),
			 0);
	assert_int_equal(parse("{\"schema\": 1, \"slots\": [{\"slot\": \"f\", \"since\": null, \"mode\": null}]}"), 0);
}

static void what_is_none_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",
		"[]",
		"{}",
		"{\"schema\": 1",
		"{\"schema\": 2}",
		"{\"schema\": \"1\"}",
		"{\"schema\": 1} {}",
		"{\"schema\": 1, \"schema\": 1}",
		"{\"schema\": 1, \"pid\": \"7\"}",
		"{\"schema\": 1, \"pid\": -7}",
		"{\"schema\": 1, \"pid\": 7.5}",
		"{\"schema\": 1, \"version\": 7}",
		"{\"schema\": 1, \"mounted\": 1}",
		"{\"schema\": 1, \"now\": \"yesterday\"}",
		"{\"schema\": 1, \"now\": 1795291200}",
		"{\"schema\": 1, \"slots\": {}}",
		"{\"schema\": 1, \"slots\": [7]}",
		"{\"schema\": 1, \"slots\": [{}]}",
		"{\"schema\": 1, \"slots\": [{\"slot\": null}]}",
		"{\"schema\": 1, \"slots\": [{\"slot\": \"f\", \"layers\": \"tools:3\"}]}",
		"{\"schema\": 1, \"slots\": [{\"slot\": \"f\", \"layers\": [3]}]}",
		"{\"schema\": 1, \"slots\": [{\"slot\": \"f\", \"lastUid\": 4294967296}]}",
		"{\"schema\": 1, \"layers\": [{\"slot\": \"f\"}]}",
		"{\"schema\": 1, \"codeSigningConfigs\": [{}]}",
		"{\"schema\": 1, \"codeSigningConfigs\": [{\"name\": \"c\", \"allowedPublishers\": [null]}]}",
		"{\"schema\": 1, \"codeSigningConfigs\": [{\"name\": \"c\", \"allowedPublishers\": \"x\"}]}",
		"{\"schema\": 1, \"accounts\": [{\"listSequence\": 1}]}",
		"{\"schema\": 1, \"host\": 7}",
		"{\"schema\": 1, \"policy\": \"in force\"}",
		"{\"schema\": 1, \"policy\": []}",
		"{\"schema\": 1, \"policy\": {}}",
		"{\"schema\": 1, \"policy\": {\"state\": null, \"sequence\": 7}}",
		"{\"schema\": 1, \"policy\": {\"state\": \"none\", \"sequence\": -1}}",
		"{\"schema\": 1, \"policy\": {\"state\": \"none\", \"sequence\": 1e3}}",
		"{\"schema\": 1, \"policy\": {\"state\": \"none\", \"drift\": \"none\"}}",
		"{\"schema\": 1, \"policy\": {\"state\": \"none\", \"drift\": [\"local x\", null]}}",
		"{\"schema\": 1, \"policy\": {\"state\": \"none\", \"driftByKind\": 3}}",
		"{\"schema\": 1, \"policy\": {\"state\": \"none\", \"driftByKind\": {\"unit\": \"3\"}}}",
	};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (parse(texts[i]) != -EBADMSG)
			fail_msg("not refused: %s", texts[i]);
}

static void what_is_too_large_or_too_deep_is_refused(void **state)
{
	(void)state;
	struct overview *overview = NULL;
	assert_int_equal(overview_parse("{", LIMIT_STATUS_BYTES + 1ULL, &overview), -EBADMSG);
	struct buf deep = {0};
	for (size_t i = 0; i < 100000; i++)
		assert_int_equal(buf_puts(&deep, "["), 0);
	assert_int_equal(parse(deep.data), -EBADMSG);
	buf_done(&deep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_printed_is_read_back),
		cmocka_unit_test(every_member_comes_back),
		cmocka_unit_test(a_policy_comes_back),
		cmocka_unit_test(a_host_that_is_not_governed_has_no_policy),
		cmocka_unit_test(what_is_not_known_is_passed_over),
		cmocka_unit_test(what_is_none_is_refused),
		cmocka_unit_test(what_is_too_large_or_too_deep_is_refused),
	};
	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
