/* Which function has which code-signing config: a change is in the audit log before it is in force. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/slots/internal.h"
#include "slots_fixture.h"

#define APPROVED                                                                                                       \
	"[code-signing-config approved]\nallowed_publisher = " GATE_FIXTURE_ARN                                        \
	"\nuntrusted_artifact_on_deployment = Enforce\n"
#define OTHER			"[code-signing-config other]\nallowed_publisher = " GATE_FIXTURE_ARN "\n"
#define BOUND(function, config) "[function " function "]\ncode_signing_config = " config "\n"

static int reload(struct slots_fixture *f, const char *rest, struct buf *ret_errors)
{
	slots_fixture_configure(f, "", rest);
	return slots_reload(f->slots, ret_errors);
}

static void reloads(struct slots_fixture *f, const char *rest)
{
	struct buf errors = {0};
	if (reload(f, rest, &errors) != 0)
		fail_msg("%s", errors.data);
	buf_done(&errors);
}

#define RECORDS "\"event\":\"binding-changed\""
static unsigned records(struct slots_fixture *f)
{
	return slots_fixture_count_records(f, RECORDS);
}

static void a_function_that_is_detached_is_a_record(void **state)
{
	struct slots_fixture *f = *state;
	reloads(f, APPROVED BOUND("main", "approved"));
	slots_fixture_deploy(f, "main", "one");
	unsigned before = records(f);
	reloads(f, APPROVED BOUND("main", "none"));
	assert_int_equal(records(f), before + 1);
	char part[256];
	(void)snprintf(part, sizeof(part), RECORDS ",\"slot\":\"functions/main\",\"config\":\"none\",\"detail\":\"%s",
		       "approved -> none, by [function main] at ");
	assert_int_equal(slots_fixture_count_records(f, part), 1);
	(void)snprintf(part, sizeof(part), ", a file of uid %u written 20", (unsigned)geteuid());
	assert_int_equal(slots_fixture_count_records(f, part), before + 1);
}

static void another_config_a_section_that_is_gone_and_one_that_is_back(void **state)
{
	struct slots_fixture *f = *state;
	reloads(f, APPROVED OTHER BOUND("main", "approved"));
	slots_fixture_deploy(f, "main", "one");
	unsigned before = records(f);
	reloads(f, APPROVED OTHER BOUND("main", "other"));
	assert_int_equal(slots_fixture_count_records(f, "\"detail\":\"approved -> other, by [function main]"), 1);
	reloads(f, APPROVED OTHER);
	assert_int_equal(slots_fixture_count_records(
				 f, "\"config\":\"none\",\"detail\":\"other -> no section, as there is no more "
				    "[function main] of "),
			 1);
	reloads(f, APPROVED OTHER BOUND("main", "none"));
	assert_int_equal(slots_fixture_count_records(f, "\"detail\":\"no section -> none, by [function main]"), 1);
	assert_int_equal(records(f), before + 3);
}

static void what_stays_and_what_is_new_is_none(void **state)
{
	struct slots_fixture *f = *state;
	reloads(f, APPROVED BOUND("main", "approved"));
	slots_fixture_deploy(f, "main", "one");
	unsigned before = records(f);
	reloads(f, APPROVED BOUND("main", "approved"));
	reloads(f, APPROVED OTHER BOUND("main", "approved") "mode = 0700\n" BOUND("new", "none") BOUND("x-*", "none"));
	assert_int_equal(records(f), before);
}

/* A section of its own for one function of a pattern, and the same the other way round. */
static void a_function_leaves_its_pattern(void **state)
{
	struct slots_fixture *f = *state;
	reloads(f, APPROVED BOUND("ma*", "approved"));
	assert_int_equal(slots_fixture_mkdir(f, "functions", "main"), 0);
	slots_fixture_deploy(f, "main", "one");
	unsigned before = records(f);
	reloads(f, APPROVED BOUND("ma*", "approved") BOUND("main", "none"));
	assert_int_equal(slots_fixture_count_records(f, "\"detail\":\"approved -> none, by [function main]"), 1);
	assert_int_equal(records(f), before + 1);
	reloads(f, APPROVED BOUND("ma*", "approved"));
	assert_int_equal(slots_fixture_count_records(f, "\"detail\":\"none -> approved, by [function ma*]"), 1);
	/* a narrower pattern, which is new, and changes what goes by it */
	reloads(f, APPROVED BOUND("ma*", "approved") BOUND("main*", "none"));
	assert_int_equal(slots_fixture_count_records(f, "no section -> none, by [function main*]"), 1);
	assert_int_equal(slots_fixture_count_records(f, "\"detail\":\"approved -> none, by [function main*]"), 1);
}

static void make_many(struct slots_fixture *f, unsigned count)
{
	char name[32];
	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "x-%u", i);
		assert_int_equal(slots_fixture_mkdir(f, "functions", name), 0);
	}
}

static void a_pattern_is_one_record_and_some_of_its_functions(void **state)
{
	struct slots_fixture *f = *state;
	reloads(f, APPROVED BOUND("x-*", "approved") BOUND("main", "approved"));
	unsigned before = records(f);
	reloads(f, APPROVED BOUND("x-*", "none") BOUND("main", "approved")); /* nothing goes by it yet */
	assert_int_equal(slots_fixture_count_records(f, "approved -> none, by [function x-*] at "), 1);
	assert_int_equal(records(f), before + 1);
	assert_int_equal(slots_fixture_count_records(f, "; 28 functions of that pattern"), 0);
	make_many(f, LIMIT_BINDING_ROWS + 3);
	reloads(f, APPROVED BOUND("x-*", "approved") BOUND("main", "none"));
	assert_int_equal(slots_fixture_count_records(f, "; 28 functions of that pattern changed with it"), 1);
	assert_int_equal(records(f), before + 1 + 1 + LIMIT_BINDING_ROWS + 1); /* main is never one too many */
	reloads(f, APPROVED BOUND("main", "none"));
	assert_int_equal(slots_fixture_count_records(f, "approved -> no section, as there is no more [function x-*]"),
			 1 + LIMIT_BINDING_ROWS);
}

static void a_config_that_judges_by_other_rules_is_a_record(void **state)
{
	struct slots_fixture *f = *state;
	reloads(f, APPROVED BOUND("main", "approved"));
	unsigned before = records(f);
	reloads(f, "[code-signing-config approved]\nallowed_publisher = " GATE_FIXTURE_ARN
		   "\nuntrusted_artifact_on_deployment = Enforce\ndescription = new\n" BOUND("main", "approved"));
	assert_int_equal(records(f), before);
	reloads(f, "[code-signing-config approved]\nallowed_publisher = arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT
		   ":/signing-profiles/mallory\nuntrusted_artifact_on_deployment = Enforce\n"
		   "untrusted_artifact_on_load = Ignore\n" BOUND("main", "approved"));
	assert_int_equal(slots_fixture_count_records(f, "[code-signing-config approved] judges by other rules: "
							"allowed-publisher on-load; its sha256 was "),
			 1);
	assert_int_equal(records(f), before + 1);
}

/* A dry run and a faulty file change nothing, so there is nothing to record. */
static void what_is_not_in_force_is_no_record(void **state)
{
	struct slots_fixture *f = *state;
	struct effects *effects = NULL;
	struct buf errors = {0};
	reloads(f, APPROVED BOUND("main", "approved"));
	unsigned before = records(f);
	slots_fixture_configure(f, "", APPROVED BOUND("main", "none"));
	assert_int_equal(slots_preview_reload(f->slots, &effects, &errors), 0);
	assert_int_not_equal(reload(f, APPROVED BOUND("main", "none") "mod = 1\n", &errors), 0);
	assert_int_equal(records(f), before);
	free(effects);
	buf_done(&errors);
}

/* Nobody looks while nothing is mounted, and the next start tells. */
static void what_changes_while_nothing_is_mounted_is_a_record_at_the_start(void **state)
{
	struct slots_fixture *f = *state;
	reloads(f, APPROVED BOUND("main", "approved") BOUND("x-*", "approved"));
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(slots_fixture_mkdir(f, "functions", "x-one"), 0);
	slots_fixture_deploy(f, "x-one", "one");
	unsigned before = records(f);
	slots_fixture_restart(f);
	assert_int_equal(records(f), before);
	slots_fixture_stop(f);
	slots_fixture_configure(f, "", APPROVED BOUND("main", "none") BOUND("x-*", "none") BOUND("new", "none"));
	slots_fixture_start(f);
	assert_int_equal(slots_fixture_count_records(f, "\"slot\":\"functions/main\",\"config\":\"none\",\"detail\":\""
							"approved -> none, by [function main] at "),
			 1);
	assert_int_equal(slots_fixture_count_records(f, "approved -> none, by [function x-*] at "), 1);
	assert_int_equal(slots_fixture_count_records(f, ", while nothing was mounted\""), 2);
	slots_fixture_restart(f); /* once */
	assert_int_equal(records(f), before + 2);
	slots_fixture_stop(f);
	slots_fixture_configure(f, "",
				"[code-signing-config approved]\nallowed_publisher = " GATE_FIXTURE_ARN
				"\n" BOUND("x-one", "none"));
	slots_fixture_start(f);
	assert_int_equal(slots_fixture_count_records(f, "none -> no section, as there is no more [function main], "),
			 1);
	assert_int_equal(slots_fixture_count_records(f, "[code-signing-config approved] judges by other rules; "), 1);
	assert_int_equal(slots_fixture_count_records(f, "another section -> none, by [function x-one], which is new"),
			 1);
}

/* Each with the longest names. */
static void as_many_sections_are_remembered_as_there_may_be(void **state)
{
	struct slots_fixture *f = *state;
	struct buf text = {0}, found = {0};
	for (unsigned i = 0; i < LIMIT_CONFIG_SECTIONS; i++)
		assert_int_equal(buf_printf(&text, "function: %0*u %0*u\n", (int)LIMIT_FUNCTION_NAME_BYTES, i,
					    CONFIG_CODE_SIGNING_NAME_MAX, i),
				 0);
	assert_int_equal(store_put_bindings(f->slots->store, text.data, text.len), 0);
	assert_int_equal(store_get_bindings(f->slots->store, &found), 0);
	assert_int_equal(found.len, text.len);
	assert_memory_equal(found.data, text.data, text.len);
	buf_done(&text);
	buf_done(&found);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, slots_fixture_setup, slots_fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_function_that_is_detached_is_a_record),
		TEST(another_config_a_section_that_is_gone_and_one_that_is_back),
		TEST(what_stays_and_what_is_new_is_none),
		TEST(a_function_leaves_its_pattern),
		TEST(a_pattern_is_one_record_and_some_of_its_functions),
		TEST(a_config_that_judges_by_other_rules_is_a_record),
		TEST(what_is_not_in_force_is_no_record),
		TEST(what_changes_while_nothing_is_mounted_is_a_record_at_the_start),
		TEST(as_many_sections_are_remembered_as_there_may_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
