/* Many hosts in one table: what it looks like, what needs attention, and what hostile or broken files do in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "overview/fleet.h"
#include "overview_fixture.h"

#define set	  overview_fixture_set
#define DAY_S	  86400
#define MAX_AGE_S DAY_S

static const struct overview_screen plain = {.columns = 80};

static struct fleet *new_fleet(void)
{
	struct fleet *fleet = fleet_new(OVERVIEW_FIXTURE_NOW_S, MAX_AGE_S);
	assert_non_null(fleet);
	return fleet;
}

/* A host on which all is well, with bundle 8, seen a minute ago. */
static struct overview *new_host(const char *name)
{
	struct overview *overview = overview_fixture_new();
	struct overview_policy *policy = overview_fixture_govern(overview);
	set(&overview->host, name);
	overview_fixture_add_function(overview, "main");
	policy->sequence = policy->highest_sequence = 8;
	overview->now_s -= 60;
	return overview;
}

/* Takes the overview over. */
static void add(struct fleet *fleet, const char *name, struct overview *overview)
{
	struct buf text = {0};
	struct json j = {.out = &text};
	json_object(&j, NULL);
	overview_put_json(&j, overview);
	json_close(&j);
	assert_int_equal(json_end(&j), 0);
	assert_int_equal(fleet_add(fleet, name, text.data, text.len), 0);
	buf_done(&text);
	overview_free(overview);
}

static void add_text(struct fleet *fleet, const char *name, const char *text)
{
	assert_int_equal(fleet_add(fleet, name, text, strlen(text)), 0);
}

static const struct fleet_host *find(const struct fleet *fleet, const char *name)
{
	for (size_t i = 0; i < fleet->count; i++)
		if (strcmp(fleet->hosts[i].name, name) == 0)
			return &fleet->hosts[i];
	fail_msg("no host %s", name);
	return NULL;
}

/* ---- five hosts ---- */

static struct overview *new_drifting(const char *name)
{
	struct overview *overview = new_host(name);
	overview_fixture_add_drift(&overview->policy, OVERVIEW_DRIFT_LOCAL,
				   "conf.d/x.conf:3: expected nothing, found [function main]");
	return overview;
}

static struct overview *new_late(const char *name)
{
	struct overview *overview = new_host(name);
	overview->policy.sequence = overview->policy.highest_sequence = 7;
	overview->now_s -= 2 * DAY_S;
	overview->policy.fetched_at_s -= 2 * DAY_S;
	return overview;
}

static struct overview *new_lost(const char *name)
{
	struct overview *overview = new_host(name);
	set(&overview->policy.state, OVERVIEW_POLICY_LOST);
	set(&overview->policy.detail, "its bytes in the store are not those that were accepted");
	overview->slots[0].is_damaged = true;
	overview_fixture_refuse(overview_fixture_add_function(overview, "invoices"));
	return overview;
}

static struct fleet *new_five(void)
{
	struct fleet *fleet = new_fleet();
	add(fleet, "web-3", new_drifting("web-3.example.org"));
	add(fleet, "web-1", new_host("web-1"));
	add(fleet, "web-2", new_late("web-2"));
	add(fleet, "a-host-with-a-name-that-is-much-longer-than-its-column", new_lost("db-1"));
	add_text(fleet, "web-4", "{\"schema\": 1, \"slots\": [");
	assert_int_equal(fleet_judge(fleet), 0);
	return fleet;
}

static void assert_prints(const struct fleet *fleet, const struct overview_screen *screen, const char *golden)
{
	struct buf text = {0};
	assert_int_equal(fleet_print(fleet, screen, &text), 0);
	overview_fixture_assert_golden(golden, &text);
	for (const char *line = text.data, *end; !screen->has_colour && line[0]; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		if (end - line > (ptrdiff_t)screen->columns)
			fail_msg("too wide: %.*s", (int)(end - line), line);
	}
	buf_done(&text);
}

static void five_hosts_in_different_states(void **state)
{
	(void)state;
	const struct overview_screen colour = {.columns = 120, .has_colour = true};
	struct fleet *fleet = new_five();
	assert_prints(fleet, &plain, "fleet-80.txt");
	assert_prints(fleet, &colour, "fleet-120-colour.txt");
	assert_int_equal(fleet_count_attention(fleet), 4);
	fleet_free(fleet);
}

static void five_hosts_for_programs(void **state)
{
	(void)state;
	struct fleet *fleet = new_five();
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	assert_int_equal(fleet_put_json(&j, fleet), 0);
	json_close(&j);
	assert_int_equal(json_end(&j), 0);
	overview_fixture_assert_golden("fleet.json", &text);
	buf_done(&text);
	fleet_free(fleet);
}

/* ---- one of two hosts ---- */

static enum fleet_level judge_beside_good(struct overview *overview)
{
	struct fleet *fleet = new_fleet();
	add(fleet, "good", new_host("good"));
	add(fleet, "other", overview);
	assert_int_equal(fleet_judge(fleet), 0);
	assert_int_equal(find(fleet, "good")->level, FLEET_OK);
	enum fleet_level level = find(fleet, "other")->level;
	fleet_free(fleet);
	return level;
}

static void what_is_well_and_what_is_nearly_not(void **state)
{
	(void)state;
	struct overview *host = new_host("other");
	assert_int_equal(judge_beside_good(host), FLEET_OK);
	host = new_host("other");
	host->policy.sequence = host->policy.highest_sequence = 7;
	assert_int_equal(judge_beside_good(host), FLEET_WARNING);
	host = new_host("other");
	set(&host->policy.alarm, "VF2003");
	assert_int_equal(judge_beside_good(host), FLEET_BAD);
	host = new_host("other");
	set(&host->policy.state, NULL);
	assert_int_equal(judge_beside_good(host), FLEET_BAD);
	host = new_host("other");
	set(&host->policy.state, OVERVIEW_POLICY_NONE);
	assert_int_equal(judge_beside_good(host), FLEET_WARNING);
	host = new_host("other");
	overview_fixture_refuse(&host->slots[0]);
	assert_int_equal(judge_beside_good(host), FLEET_WARNING);
}

static void who_is_late_and_who_is_early(void **state)
{
	(void)state;
	static const struct {
		int64_t age_s;
		bool is_stale;
	} cases[] = {
		{MAX_AGE_S, false}, {MAX_AGE_S + 1, true}, {-300, false}, {-301, true}, {OVERVIEW_FIXTURE_NOW_S, true}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fleet *fleet = new_fleet();
		struct overview *host = new_host("x");
		host->now_s = OVERVIEW_FIXTURE_NOW_S - cases[i].age_s;
		host->policy.fetched_at_s = host->now_s;
		add(fleet, "x", host);
		assert_int_equal(fleet_judge(fleet), 0);
		assert_int_equal(fleet->hosts[0].is_stale, cases[i].is_stale);
		assert_int_equal(fleet->hosts[0].level, cases[i].is_stale ? FLEET_BAD : FLEET_OK);
		fleet_free(fleet);
	}
}

/* ---- hosts compared ---- */

static void one_sequence_with_two_digests_is_an_alarm(void **state)
{
	(void)state;
	struct fleet *fleet = new_fleet();
	struct overview *host = new_host("c");
	set(&host->policy.tree_sha256, "0000000000000000000000000000000000000000000000000000000000000000");
	add(fleet, "a", new_host("a"));
	add(fleet, "b", new_host("b"));
	add(fleet, "c", host);
	host = new_host("d"); /* another sequence has another digest */
	host->policy.sequence = host->policy.highest_sequence = 7;
	set(&host->policy.tree_sha256, "1111111111111111111111111111111111111111111111111111111111111111");
	add(fleet, "d", host);
	assert_int_equal(fleet_judge(fleet), 0);
	assert_string_equal(find(fleet, "a")->differs,
			    "its bundle 8 is sha256 9f86d081884c..., that of c is sha256 000000000000...");
	assert_string_equal(find(fleet, "c")->differs,
			    "its bundle 8 is sha256 000000000000..., that of b is sha256 9f86d081884c...");
	assert_non_null(find(fleet, "b")->differs);
	assert_null(find(fleet, "d")->differs);
	assert_int_equal(find(fleet, "b")->level, FLEET_BAD);
	assert_prints(fleet, &plain, "fleet-differs-80.txt");
	fleet_free(fleet);
}

/* Sequences are a publisher's own; versions of its profile have them in common. */
static void publishers_are_not_compared_with_each_other(void **state)
{
	(void)state;
	struct fleet *fleet = new_fleet();
	struct overview *host = new_host("b");
	set(&host->policy.profile_version_arn,
	    "arn:vouchfs:signer:local:999988887777:/signing-profiles/policy/QwErTyUiOp");
	set(&host->policy.tree_sha256, "0000000000000000000000000000000000000000000000000000000000000000");
	add(fleet, "a", new_host("a"));
	add(fleet, "b", host);
	host = new_host("c");
	set(&host->policy.profile_version_arn,
	    "arn:vouchfs:signer:local:111122223333:/signing-profiles/policy/AnOtHeRoNe");
	host->policy.sequence = host->policy.highest_sequence = 9;
	add(fleet, "c", host);
	assert_int_equal(fleet_judge(fleet), 0);
	assert_true(find(fleet, "a")->is_behind);
	assert_false(find(fleet, "b")->is_behind);
	assert_null(find(fleet, "b")->differs);
	assert_false(find(fleet, "c")->is_behind);
	fleet_free(fleet);
}

/* Who was rolled back is behind himself, and shows that there is a newer one. */
static void what_was_in_force_once_counts(void **state)
{
	(void)state;
	struct fleet *fleet = new_fleet();
	struct overview *host = new_host("b");
	host->policy.highest_sequence = 9;
	set(&host->policy.rollback_reason, "9 was wrong");
	add(fleet, "a", new_host("a"));
	add(fleet, "b", host);
	assert_int_equal(fleet_judge(fleet), 0);
	assert_true(find(fleet, "a")->is_behind);
	assert_true(find(fleet, "b")->is_behind);
	assert_true(find(fleet, "b")->is_rolled_back);
	fleet_free(fleet);
}

static void two_that_call_themselves_the_same(void **state)
{
	(void)state;
	struct fleet *fleet = new_fleet();
	add(fleet, "a", new_host("web"));
	add(fleet, "b", new_host("web"));
	add(fleet, "10.0.0.5", new_host("db"));
	assert_int_equal(fleet_judge(fleet), 0);
	assert_int_equal(find(fleet, "a")->level, FLEET_WARNING);
	assert_int_equal(find(fleet, "b")->level, FLEET_WARNING);
	assert_int_equal(find(fleet, "10.0.0.5")->level, FLEET_OK);
	assert_prints(fleet, &plain, "fleet-claims-80.txt");
	fleet_free(fleet);
}

/* ---- files that are none ---- */

static void one_bad_file_hides_no_other(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",
		"[]",
		"{\"schema\": 2}",
		"not JSON at all",
		"{\"schema\": 1, \"policy\": {\"state\": \"in force\", \"sequence\": 18446744073709551615}}",
		"{\"schema\": 1, \"policy\": {\"state\": \"in force\", \"drift\": [1]}}",
	};
	struct fleet *fleet = new_fleet();
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "bad-%zu", i);
		add_text(fleet, name, texts[i]);
	}
	assert_int_equal(fleet_add_unreadable(fleet, "unread", "Permission denied"), 0);
	add(fleet, "good", new_host("good"));
	assert_int_equal(fleet_judge(fleet), 0);
	for (size_t i = 0; i < ARRAY_SIZE(texts) + 1; i++) {
		assert_non_null(fleet->hosts[i].error);
		assert_int_equal(fleet->hosts[i].level, FLEET_BAD);
	}
	assert_string_equal(fleet->hosts[fleet->count - 1].name, "good");
	assert_int_equal(fleet->hosts[fleet->count - 1].level, FLEET_OK);
	fleet_free(fleet);
}

/* Of a daemon that knows no bundles: it is governed by nothing. */
static void an_old_file_is_read(void **state)
{
	(void)state;
	struct fleet *fleet = new_fleet();
	add_text(fleet, "old",
		 "{\"schema\": 1, \"mounted\": true, \"now\": \"2026-11-21T19:59:00Z\", \"auditWritable\": true}");
	assert_int_equal(fleet_judge(fleet), 0);
	assert_null(fleet->hosts[0].error);
	assert_null(fleet->hosts[0].state);
	assert_int_equal(fleet->hosts[0].finding_count, 0);
	assert_int_equal(fleet->hosts[0].level, FLEET_BAD);
	fleet_free(fleet);
}

/* All that a host can choose: neither escapes, nor lines, nor the table's width are its to give. */
static void hostile_hosts(void **state)
{
	(void)state;
	static const char evil[] = "x\n! web-1  8  in force\033]0;owned\a\xc3\xa4\x7f";
	struct fleet *fleet = new_fleet();
	struct overview *host = new_host(evil);
	struct overview_policy *policy = &host->policy;
	policy->sequence = policy->highest_sequence = INT64_MAX;
	policy->drift_count = INT64_MAX;
	set(&policy->description, evil);
	set(&policy->tree_sha256, evil);
	set(&policy->profile_version_arn, evil);
	set(&policy->alarm, evil);
	set(&policy->rollback_reason, evil);
	set(&policy->source, evil);
	set(&policy->fetch_error, evil);
	set(&host->config_error, evil);
	host->config_failures = 1;
	set(&host->slots[0].name, evil);
	host->slots[0].is_damaged = true;
	add(fleet, evil, host);
	host = new_host("b");
	set(&host->policy.state, evil);
	set(&host->policy.detail, evil);
	add(fleet, "b", host);
	host = new_host("c"); /* the same sequence and publisher, another digest: its text names the hostile one */
	host->policy.sequence = INT64_MAX;
	set(&host->policy.profile_version_arn, evil);
	add(fleet, "c", host);
	add(fleet, "good", new_host("good"));
	assert_int_equal(fleet_judge(fleet), 0);
	assert_int_equal(find(fleet, "good")->level, FLEET_OK);
	assert_non_null(find(fleet, "c")->differs);
	struct buf text = {0};
	assert_int_equal(fleet_print(fleet, &plain, &text), 0);
	for (const char *c = text.data; *c; c++)
		assert_true((*c >= ' ' && *c <= '~') || *c == '\n');
	assert_null(strstr(text.data, "\n! web-1"));
	assert_non_null(strstr(text.data, "\n  good "));
	buf_done(&text);
	fleet_free(fleet);
}

static void no_hosts(void **state)
{
	(void)state;
	struct fleet *fleet = new_fleet();
	struct buf text = {0};
	assert_int_equal(fleet_judge(fleet), 0);
	assert_int_equal(fleet_print(fleet, &plain, &text), 0);
	assert_non_null(strstr(text.data, "\n0 hosts\n"));
	buf_done(&text);
	fleet_free(fleet);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(five_hosts_in_different_states),
		cmocka_unit_test(five_hosts_for_programs),
		cmocka_unit_test(what_is_well_and_what_is_nearly_not),
		cmocka_unit_test(who_is_late_and_who_is_early),
		cmocka_unit_test(one_sequence_with_two_digests_is_an_alarm),
		cmocka_unit_test(publishers_are_not_compared_with_each_other),
		cmocka_unit_test(what_was_in_force_once_counts),
		cmocka_unit_test(two_that_call_themselves_the_same),
		cmocka_unit_test(one_bad_file_hides_no_other),
		cmocka_unit_test(an_old_file_is_read),
		cmocka_unit_test(hostile_hosts),
		cmocka_unit_test(no_hosts),
	};
	return cmocka_run_group_tests_name("fleet", tests, NULL, NULL);
}
