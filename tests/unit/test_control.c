/* What operators see of a mount, and that the same comes of its store when it is not mounted. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "layers_fixture.h"
#include "overview/overview.h"

static struct overview *look(struct slots_fixture *f)
{
	struct overview *overview = NULL;
	assert_int_equal(slots_overview(f->slots, &overview), 0);
	return overview;
}

static struct overview *look_at_store(struct slots_fixture *f)
{
	struct overview *overview = NULL;
	struct explain why = {0};
	assert_int_equal(gate_fixture_load(f->host), 0);
	if (overview_of_store(f->host->trust, &overview, &why) != 0)
		fail_msg("%s", why.text);
	return overview;
}

static const struct overview_slot *find(const struct overview *overview, const char *name)
{
	for (size_t i = 0; i < overview->slot_count; i++)
		if (strcmp(overview->slots[i].name, name) == 0)
			return &overview->slots[i];
	fail_msg("no slot %s", name);
	return NULL;
}

static int put_unsigned(struct slots_fixture *f, const char *directory)
{
	struct buf zip = gate_fixture_zip();
	int r = slots_fixture_put(f, directory, "a.zip", &zip);
	buf_done(&zip);
	return r;
}

/* Something of every kind: accepted with layers, refused, warned, empty, made under a pattern, without a section. */
static void deploy_all(struct slots_fixture *f)
{
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1\ntools:1\n"), 0);
	assert_int_equal(put_unsigned(f, MAIN), -ENOKEY);
	assert_int_equal(put_unsigned(f, RELAXED), 0);
	assert_int_equal(slots_fixture_mkdir(f, "functions", "team-empty"), 0);
	assert_int_equal(slots_fixture_mkdir(f, "functions", "team-x"), 0);
	slots_fixture_deploy(f, "team-x", "one");
}

/* ---- what is shown ---- */

static void a_row_says_what_is_served_and_what_came_last(void **state)
{
	struct slots_fixture *f = *state;
	deploy_all(f);
	struct overview *overview = look(f);
	const struct overview_slot *main_slot = find(overview, "main");
	assert_int_equal(main_slot->rank, OVERVIEW_REFUSED);
	assert_string_equal(main_slot->mode, "Enforce");
	assert_string_equal(main_slot->config, "approved");
	assert_int_equal(main_slot->release, 2);
	assert_int_equal(main_slot->kept_count, 2);
	assert_int_equal(main_slot->since_s, TRUST_FIXTURE_NOW_S);
	assert_string_equal(main_slot->by_command, "rsync");
	assert_string_equal(main_slot->outcome, "accepted");
	assert_string_equal(main_slot->profile_version_arn, GATE_FIXTURE_ARN);
	assert_int_equal(main_slot->signed_at_s, TRUST_FIXTURE_NOW_S);
	assert_int_equal(main_slot->expires_at_s, TRUST_FIXTURE_NOW_S + TRUST_FIXTURE_YEAR_S);
	assert_string_equal(main_slot->layers, "base:1 tools:1");
	assert_string_equal(main_slot->enforce_outcome, "accepted");
	assert_null(main_slot->enforce_reason);
	assert_string_equal(main_slot->last.outcome, "refused");
	assert_string_equal(main_slot->last.reason, "VF2001");
	assert_string_equal(main_slot->last.command, "rsync");
	assert_int_equal(main_slot->last.at_s, TRUST_FIXTURE_NOW_S);
	assert_non_null(strstr(main_slot->last.detail, "not signed"));

	const struct overview_slot *relaxed = find(overview, "relaxed");
	assert_int_equal(relaxed->rank, OVERVIEW_WARNED);
	assert_string_equal(relaxed->outcome, "warned");
	assert_string_equal(relaxed->reason, "VF2001");
	assert_null(relaxed->profile_version_arn);
	assert_string_equal(relaxed->enforce_outcome, "refused");
	assert_string_equal(relaxed->enforce_reason, "VF2001");

	assert_int_equal(find(overview, "team-empty")->rank, OVERVIEW_EMPTY);
	assert_null(find(overview, "team-empty")->outcome);
	assert_string_equal(find(overview, "base")->layers, "main");
	assert_int_equal(find(overview, "base")->kept_count, 1);
	assert_null(find(overview, "plain")->layers);
	overview_free(overview);
}

static void the_head_says_how_the_host_is(void **state)
{
	struct slots_fixture *f = *state;
	struct overview *overview = look(f);
	assert_true(overview->is_mounted);
	assert_true(overview->audit_writable);
	assert_true(overview->audit_seq > 0);
	assert_int_equal(overview->pid, getpid());
	assert_string_equal(overview->account, GATE_FIXTURE_ACCOUNT);
	assert_int_equal(overview->now_s, TRUST_FIXTURE_NOW_S);
	assert_int_equal(overview->started_at_s, TRUST_FIXTURE_NOW_S);
	assert_int_equal(overview->account_count, 1);
	assert_string_equal(overview->accounts[0].list_state, "good");
	assert_int_equal(overview->accounts[0].list_sequence, 42);
	assert_int_equal(overview->accounts[0].certificate_expires_at_s,
			 TRUST_FIXTURE_NOW_S + 10 * TRUST_FIXTURE_YEAR_S);
	assert_int_equal(overview->config_count, 2);
	assert_string_equal(overview->configs[0].name, "approved");
	assert_string_equal(overview->configs[0].on_load, "Enforce");
	assert_string_equal(overview->configs[0].publishers[0], GATE_FIXTURE_ARN);
	assert_int_equal(overview->configs[0].function_count, 1);
	assert_string_equal(overview->configs[1].mismatch, "Warn");
	overview_free(overview);
}

static void a_reload_that_failed_is_known_until_one_succeeds(void **state)
{
	struct slots_fixture *f = *state;
	struct buf errors = {0};
	layers_fixture_configure(f, layers_fixture_head, slots_fixture_rest);
	struct overview *before = look(f);
	slots_fixture_configure(f, "", "[function main]\ncode_signing_config = absent\n");
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S + 60);
	assert_int_equal(slots_reload(f->slots, &errors), -EINVAL);
	assert_int_equal(slots_reload(f->slots, &errors), -EINVAL);
	struct overview *overview = look(f);
	assert_int_equal(overview->config_failures, 2);
	assert_non_null(strstr(overview->config_error, "absent"));
	assert_null(strchr(overview->config_error, '\n'));
	assert_int_equal(overview->config_loaded_at_s, before->config_loaded_at_s);
	overview_free(overview);
	layers_fixture_configure(f, layers_fixture_head, slots_fixture_rest);
	overview = look(f);
	assert_int_equal(overview->config_failures, 0);
	assert_null(overview->config_error);
	assert_int_equal(overview->config_generation, before->config_generation + 1);
	assert_int_equal(overview->config_loaded_at_s, TRUST_FIXTURE_NOW_S + 60);
	overview_free(overview);
	overview_free(before);
	buf_done(&errors);
}

/* ---- under Enforce ---- */

static void assert_enforced(struct slots_fixture *f, const char *function, const char *reason)
{
	for (int i = 0; i < 2; i++) { /* found out, and remembered */
		struct overview *overview = look(f);
		const struct overview_slot *slot = find(overview, function);
		assert_string_equal(slot->enforce_outcome, reason ? "refused" : "accepted");
		assert_string_equal(slot->enforce_reason ? slot->enforce_reason : "none", reason ? reason : "none");
		overview_free(overview);
	}
}

/* It is remembered with the judgement, and goes with it. */
static void what_enforce_would_say_follows_time_lists_and_rules(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "relaxed", "one");
	assert_enforced(f, "relaxed", NULL);
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S + TRUST_FIXTURE_YEAR_S);
	assert_enforced(f, "relaxed", "VF2003");
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S);
	assert_enforced(f, "relaxed", NULL);

	const struct revocation entry = {.kind = REVOCATION_PROFILE_VERSION,
					 .profile_version = f->host->alice.profile_version,
					 .effective_s = TRUST_FIXTURE_NOW_S - TRUST_FIXTURE_DAY_S,
					 .revoked_at_s = TRUST_FIXTURE_NOW_S,
					 .reason = "leaked"};
	gate_fixture_put_list(f->host, 43, &entry);
	(void)slots_follow(f->slots);
	assert_enforced(f, "relaxed", "VF2004");
	assert_int_equal(slots_fixture_run_has(f, ".releases/relaxed/1/task/marker"), 0); /* nothing is blocked by it */
}

static void other_rules_judge_otherwise(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "relaxed", "one");
	assert_enforced(f, "relaxed", NULL);
	layers_fixture_configure(f, layers_fixture_head,
				 "[code-signing-config watched]\n"
				 "allowed_publisher = arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT
				 ":/signing-profiles/other\n"
				 "untrusted_artifact_on_deployment = Warn\n"
				 "[function relaxed]\ncode_signing_config = watched\n");
	assert_enforced(f, "relaxed", "VF2002");
}

/* ---- the store by itself ---- */

static struct buf print_slots(struct overview *overview)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	overview_put_json(&j, overview);
	json_close(&j);
	assert_int_equal(json_end(&j), 0);
	const char *slots = strstr(text.data, "\"slots\"");
	assert_non_null(slots);
	struct buf ret = {0};
	assert_int_equal(buf_puts(&ret, slots), 0);
	buf_done(&text);
	overview_free(overview);
	return ret;
}

static void assert_store_says_the_same(struct slots_fixture *f)
{
	struct buf mounted = print_slots(look(f));
	slots_fixture_stop(f);
	struct overview *stored = look_at_store(f);
	assert_false(stored->is_mounted);
	assert_int_equal(stored->pid, 0);
	struct buf text = print_slots(stored);
	assert_string_equal(text.data, mounted.data);
	buf_done(&text);
	buf_done(&mounted);
	slots_fixture_start(f);
}

static void the_store_says_the_same_as_the_mount(void **state)
{
	struct slots_fixture *f = *state;
	deploy_all(f);
	assert_store_says_the_same(f);
}

/* Sections go: what is served is shown, what is only made is not. A list revokes: what enforces on load is blocked. */
static void the_store_says_the_same_when_much_has_changed(void **state)
{
	struct slots_fixture *f = *state;
	deploy_all(f);
	layers_fixture_configure(f, layers_fixture_head,
				 "[code-signing-config strict]\n"
				 "allowed_publisher = arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT
				 ":/signing-profiles/other\n"
				 "untrusted_artifact_on_deployment = Enforce\n"
				 "untrusted_artifact_on_load = Enforce\n"
				 "[function main]\ncode_signing_config = strict\n"
				 "[function new]\ncode_signing_config = none\n");
	struct overview *overview = look(f);
	assert_true(find(overview, "main")->is_blocked);
	assert_string_equal(find(overview, "main")->enforce_reason, "VF2002");
	assert_string_equal(find(overview, "team-x")->mode, OVERVIEW_NO_CONFIG);
	assert_int_equal(find(overview, "team-x")->rank, OVERVIEW_WARNED);
	overview_free(overview);
	assert_store_says_the_same(f);
}

static void damage(struct slots_fixture *f, const char *path)
{
	char whole[256];
	(void)snprintf(whole, sizeof(whole), "%s/%s", f->host->dir, path);
	assert_int_equal(truncate(whole, 3), 0);
}

static void damage_is_seen_in_the_store(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	slots_fixture_deploy(f, "main", "two");
	slots_fixture_stop(f);
	damage(f, "store/functions/main/releases/2");
	struct overview *overview = look_at_store(f);
	assert_true(find(overview, "main")->is_damaged);
	assert_int_equal(find(overview, "main")->release, 1); /* stands in */
	assert_false(find(overview, "relaxed")->is_damaged);
	overview_free(overview);
	damage(f, "store/functions/main/releases/1");
	overview = look_at_store(f);
	assert_true(find(overview, "main")->is_damaged);
	assert_int_equal(find(overview, "main")->release, 0);
	assert_int_equal(find(overview, "main")->rank, OVERVIEW_NOT_SERVED);
	overview_free(overview);
	slots_fixture_start(f);
}

static void a_store_that_is_not_there_is_told(void **state)
{
	struct slots_fixture *f = *state;
	struct overview *overview = NULL;
	struct explain why = {0};
	char from[128], to[128];
	slots_fixture_stop(f);
	assert_int_equal(gate_fixture_load(f->host), 0);
	(void)snprintf(from, sizeof(from), "%s/store", f->host->dir);
	(void)snprintf(to, sizeof(to), "%s/away", f->host->dir);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(overview_of_store(f->host->trust, &overview, &why), -ENOENT);
	assert_null(overview);
	assert_non_null(strstr(why.text, "cannot be opened: No such file or directory"));
	assert_int_equal(rename(to, from), 0);
	slots_fixture_start(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, layers_fixture_setup, slots_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_row_says_what_is_served_and_what_came_last),
		TEST(the_head_says_how_the_host_is),
		TEST(a_reload_that_failed_is_known_until_one_succeeds),
		TEST(what_enforce_would_say_follows_time_lists_and_rules),
		TEST(other_rules_judge_otherwise),
		TEST(the_store_says_the_same_as_the_mount),
		TEST(the_store_says_the_same_when_much_has_changed),
		TEST(damage_is_seen_in_the_store),
		TEST(a_store_that_is_not_there_is_told),
	};
	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
