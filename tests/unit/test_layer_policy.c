/* Statements about a layer version: what may stand in one, what it permits, and that it comes back from the store. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gate/layer_policy.h"
#include "store_fixture.h"

#define ACCOUNT "444455556666"
#define OTHER	"777788889999"

static int add(struct layer_policy *policy, const char *id, const char *principal, const char *organization)
{
	struct layer_statement s = {0};
	(void)snprintf(s.id, sizeof(s.id), "%s", id);
	(void)snprintf(s.principal, sizeof(s.principal), "%s", principal);
	(void)snprintf(s.organization, sizeof(s.organization), "%s", organization);
	return layer_policy_add(policy, &s);
}

static void only_who_is_named_is_permitted(void **state UNUSED)
{
	struct layer_policy policy = {.count = 0};
	assert_false(layer_policy_permits(&policy, ACCOUNT));
	assert_int_equal(add(&policy, "organization", "*", "o-abcdefghij"), 0);
	assert_false(layer_policy_permits(&policy, ACCOUNT));
	assert_int_equal(add(&policy, "one", ACCOUNT, ""), 0);
	assert_true(layer_policy_permits(&policy, ACCOUNT));
	assert_false(layer_policy_permits(&policy, OTHER));
	assert_int_equal(add(&policy, "all", "*", ""), 0);
	assert_true(layer_policy_permits(&policy, OTHER));
	assert_int_equal(layer_policy_remove(&policy, "all"), 0);
	assert_int_equal(layer_policy_remove(&policy, "all"), -ENOENT);
	assert_false(layer_policy_permits(&policy, OTHER));
	assert_true(layer_policy_permits(&policy, ACCOUNT));
}

static void refuses_what_is_no_statement(void **state UNUSED)
{
	static const char *const bad[][3] = {
		{"", ACCOUNT, ""},	    {"a b", ACCOUNT, ""}, {"a\n", ACCOUNT, ""},		  {"a", "", ""},
		{"a", "44445555666", ""},   {"a", "root", ""},	  {"a", ACCOUNT, "o-abcdefghij"}, {"a", "*", "o-short"},
		{"a", "*", "O-abcdefghij"},
	};
	struct layer_policy policy = {.count = 0};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(add(&policy, bad[i][0], bad[i][1], bad[i][2]), -EINVAL);
	assert_int_equal(add(&policy, "a", ACCOUNT, ""), 0);
	assert_int_equal(add(&policy, "a", OTHER, ""), -EEXIST);
	for (unsigned n = 1; n < LIMIT_LAYER_STATEMENTS; n++) {
		char id[16];
		(void)snprintf(id, sizeof(id), "n%u", n);
		assert_int_equal(add(&policy, id, OTHER, ""), 0);
	}
	assert_int_equal(add(&policy, "more", OTHER, ""), -E2BIG);
}

static void comes_back_from_the_store(void **state)
{
	struct fixture *f = *state;
	struct layer_policy policy, found;
	assert_int_equal(fixture_deploy(f->store, "layer:base", 1, 1, 100), 0);
	assert_int_equal(layer_policy_load(f->store, "base", 1, &policy), 0);
	assert_int_equal(policy.count, 0);
	assert_int_equal(add(&policy, "one", ACCOUNT, ""), 0);
	assert_int_equal(add(&policy, "organization", "*", "o-abcdefghij"), 0);
	assert_int_equal(layer_policy_save(f->store, "base", 1, &policy), 0);
	fixture_reopen(f);
	assert_int_equal(layer_policy_load(f->store, "base", 1, &found), 0);
	assert_int_equal(found.count, 2);
	assert_memory_equal(&found.statements[0], &policy.statements[0], sizeof(found.statements[0]));
	assert_memory_equal(&found.statements[1], &policy.statements[1], sizeof(found.statements[1]));
	assert_int_equal(layer_policy_load(f->store, "base", 2, &found), 0); /* another version's is another's */
	assert_int_equal(found.count, 0);
}

static void a_damaged_one_is_none(void **state)
{
	static const char *const texts[] = {
		"",
		"vouchfs-layer-policy: 2\n",
		"vouchfs-layer-policy: 1\nstatement: a\nprincipal: " ACCOUNT "\n",
		"vouchfs-layer-policy: 1\nstatement: a\nprincipal: everyone\norganization: -\n",
		"vouchfs-layer-policy: 1\nprincipal: " ACCOUNT "\nstatement: a\norganization: -\n",
	};
	struct fixture *f = *state;
	struct layer_policy found = {.count = 7};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(store_put_slot_file(f->store, "layer:base", "policy.1", texts[i], strlen(texts[i])),
				 0);
		assert_int_equal(layer_policy_load(f->store, "base", 1, &found), -EBADMSG);
		assert_int_equal(found.count, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_who_is_named_is_permitted),
		cmocka_unit_test(refuses_what_is_no_statement),
		cmocka_unit_test_setup_teardown(comes_back_from_the_store, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_damaged_one_is_none, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests_name("layer_policy", tests, fixture_group_setup, fixture_group_teardown);
}
