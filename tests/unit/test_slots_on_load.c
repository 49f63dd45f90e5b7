/* Policy on load: what is served is judged again when the configuration, a list or the time changes. */
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

#include "slots_fixture.h"

#define MARKER ".releases/main/1/task/marker"

/* Function main under a config that allows this publisher, with this mode on load. */
static void write_rules(struct slots_fixture *f, const char *publisher, const char *on_load)
{
	char rest[1024];
	(void)snprintf(rest, sizeof(rest),
		       "[code-signing-config approved]\nallowed_publisher = %s\n"
		       "untrusted_artifact_on_deployment = Enforce\nuntrusted_artifact_on_load = %s\n"
		       "[function main]\ncode_signing_config = approved\n",
		       publisher, on_load);
	slots_fixture_configure(f, "", rest);
}

static void reload(struct slots_fixture *f)
{
	struct buf errors = {0};
	buf_reset(&f->pushed);
	if (slots_reload(f->slots, &errors) != 0)
		fail_msg("%s", errors.data);
	buf_done(&errors);
}

static void assert_served(struct slots_fixture *f)
{
	int error;
	assert_string_equal(slots_fixture_marker(f, MARKER, &error), "one");
	assert_int_equal(error, 0);
}

static void assert_blocked(struct slots_fixture *f)
{
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/1"), -EACCES);
	assert_int_equal(slots_fixture_run_has(f, "main"), 0); /* the link is no code */
}

static const char other[] = "arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT ":/signing-profiles/other";

static void a_publisher_that_is_not_allowed_any_more(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr task, marker;
	struct run_data data;
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(slots_fixture_run_path(f, ".releases/main/1/task", &task), 0);
	assert_int_equal(run_lookup(f->slots, task.node, "marker", &marker), 0);

	write_rules(f, other, "Enforce");
	reload(f);
	gate_fixture_assert_says(&f->pushed, " 1\n"); /* before anybody has asked */
	struct buf status = {0};
	slots_fixture_read(f, ".vouchfs/status", &status);
	gate_fixture_assert_says(&status, "! main                 Enforce      1");
	gate_fixture_assert_says(&status, "    BLOCKED: its files answer \"Permission denied\": VF2002");
	buf_done(&status);
	assert_int_equal(slots_fixture_count_records(f, "release-blocked"), 1);
	assert_blocked(f);
	assert_int_equal(run_lookup(f->slots, task.node, "marker", &marker), -EACCES);
	assert_int_equal(run_lookup(f->slots, task.node, "missing", &marker), -EACCES); /* not known to be absent */
	assert_int_equal(run_read(f->slots, marker.node, 10, 0, &data), -EACCES);
	assert_int_equal(run_getattr(f->slots, marker.node, &marker), -EACCES);

	reload(f);
	assert_null(f->pushed.data && f->pushed.len > 0 ? f->pushed.data : NULL); /* nothing new */
	assert_int_equal(slots_fixture_count_records(f, "release-blocked"), 1);

	write_rules(f, GATE_FIXTURE_ARN, "Enforce");
	reload(f);
	assert_served(f);
	assert_int_equal(slots_fixture_count_records(f, "release-unblocked"), 1);
	run_forget(f->slots, task.node, 1);
	run_forget(f->slots, marker.node, 1);
}

static void warn_records_and_serves(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	write_rules(f, other, "Warn");
	reload(f);
	assert_served(f);
	assert_int_equal(slots_fixture_count_records(f, "release-warned"), 1);
	reload(f);
	assert_served(f);
	assert_int_equal(slots_fixture_count_records(f, "release-warned"), 1);
	assert_int_equal(slots_fixture_count_records(f, "release-blocked"), 0);
}

static void ignore_serves(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	write_rules(f, other, "Ignore");
	reload(f);
	assert_served(f);
	assert_int_equal(slots_fixture_count_records(f, "\"event\":\"release-"), 0);
}

/* What was let in with a warning is no news when it is loaded. */
static void a_warning_is_not_told_twice(void **state)
{
	struct slots_fixture *f = *state;
	int error;
	struct buf zip = gate_fixture_zip();
	assert_int_equal(slots_fixture_put(f, "functions/relaxed", "a.zip", &zip), 0);
	(void)slots_fixture_marker(f, ".releases/relaxed/1/task/app.py", &error);
	assert_int_equal(error, 0);
	slots_fixture_restart(f);
	(void)slots_fixture_marker(f, ".releases/relaxed/1/task/app.py", &error);
	assert_int_equal(error, 0);
	assert_int_equal(slots_fixture_count_records(f, "release-warned"), 0);
	buf_done(&zip);
}

static void expiry_while_it_is_mounted_and_over_a_restart(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	assert_served(f);
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S + TRUST_FIXTURE_YEAR_S);
	assert_blocked(f);
	slots_fixture_restart(f);
	assert_blocked(f);
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S);
	slots_fixture_restart(f);
	assert_served(f);
}

static void a_list_that_is_past_its_next_update(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S + 30 * TRUST_FIXTURE_DAY_S);
	assert_served(f);
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S + 30 * TRUST_FIXTURE_DAY_S + 1);
	assert_blocked(f);
}

static void a_profile_version_that_was_revoked(void **state)
{
	struct slots_fixture *f = *state;
	struct revocation entry = {.kind = REVOCATION_PROFILE_VERSION,
				   .profile_version = f->host->alice.profile_version,
				   .effective_s = TRUST_FIXTURE_NOW_S - TRUST_FIXTURE_DAY_S,
				   .revoked_at_s = TRUST_FIXTURE_NOW_S,
				   .reason = "leaked"};
	slots_fixture_deploy(f, "main", "one");
	gate_fixture_put_list(f->host, 43, &entry);
	reload(f);
	assert_blocked(f);
	assert_int_equal(slots_fixture_count_records(f, "VF2004"), 1);
}

static void a_function_that_is_not_configured_any_more_is_served(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	slots_fixture_configure(f, "",
				"[code-signing-config approved]\nallowed_publisher = " GATE_FIXTURE_ARN
				"\n[function another]\ncode_signing_config = approved\n");
	reload(f);
	assert_served(f);
	assert_int_equal(slots_fixture_deploy_has(f, "functions/main"), -ENOENT);
}

/* A reload that is refused changes nothing of it. */
static void a_refused_reload_blocks_nothing(void **state)
{
	struct slots_fixture *f = *state;
	struct buf errors = {0};
	slots_fixture_deploy(f, "main", "one");
	write_rules(f, "no-arn", "Enforce");
	assert_int_equal(slots_reload(f->slots, &errors), -EINVAL);
	assert_served(f);
	buf_done(&errors);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, slots_fixture_setup, slots_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_publisher_that_is_not_allowed_any_more),
		TEST(warn_records_and_serves),
		TEST(ignore_serves),
		TEST(a_warning_is_not_told_twice),
		TEST(expiry_while_it_is_mounted_and_over_a_restart),
		TEST(a_list_that_is_past_its_next_update),
		TEST(a_profile_version_that_was_revoked),
		TEST(a_function_that_is_not_configured_any_more_is_served),
		TEST(a_refused_reload_blocks_nothing),
	};
	return cmocka_run_group_tests_name("slots_on_load", tests, NULL, NULL);
}
