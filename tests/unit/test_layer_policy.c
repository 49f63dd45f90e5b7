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

#define ACCOUNT	     "444455556666"
#define OTHER	     "777788889999"
#define ORGANIZATION "o-abcdefghij"

static int add(struct layer_policy *policy, const char *id, const char *principal, const char *organization)
{
	struct layer_statement s = {0};
	(void)snprintf(s.id, sizeof(s.id), "%s", id);
	(void)snprintf(s.principal, sizeof(s.principal), "%s", principal);
	(void)snprintf(s.organization, sizeof(s.organization), "%s", organization);
	return layer_policy_add(policy, &s);
}

/* Every kind of user against every kind of statement; and none of them without a statement. */
static void only_who_is_named_is_permitted(void **state UNUSED)
{
	static const struct layer_user users[] = {
		{ACCOUNT, ""},		 {OTHER, ""}, {ACCOUNT, ORGANIZATION}, {OTHER, ORGANIZATION},
		{OTHER, "o-0000000000"}, {"", ""}, /* nobody knows who */
	};
	static const struct {
		const char *principal, *organization;
		bool permits[ARRAY_SIZE(users)];
	} rows[] = {
		{ACCOUNT, "", {true, false, true, false, false, false}},
		{OTHER, "", {false, true, false, true, true, false}},
		{"*", "", {true, true, true, true, true, true}},
		{"*", ORGANIZATION, {false, false, true, true, false, false}},
		{"*", "o-1111111111", {false, false, false, false, false, false}},
	};
	struct layer_policy policy;
	for (size_t u = 0; u < ARRAY_SIZE(users); u++) {
		policy.count = 0;
		assert_false(layer_policy_permits(&policy, &users[u]));
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			policy.count = 0;
			assert_int_equal(add(&policy, "s", rows[i].principal, rows[i].organization), 0);
			if (layer_policy_permits(&policy, &users[u]) != rows[i].permits[u])
				fail_msg("user %zu, statement %zu", u, i);
			assert_int_equal(add(&policy, "t", "000000000000", ""), 0); /* takes nothing away */
			assert_int_equal(layer_policy_permits(&policy, &users[u]), rows[i].permits[u]);
			assert_int_equal(layer_policy_remove(&policy, "s"), 0);
			assert_int_equal(layer_policy_remove(&policy, "s"), -ENOENT);
			assert_false(layer_policy_permits(&policy, &users[u]));
		}
	}
}

static void a_revision_is_of_the_content(void **state UNUSED)
{
	struct layer_policy policy = {.count = 0};
	char none[LAYER_REVISION_SIZE], one[LAYER_REVISION_SIZE], found[LAYER_REVISION_SIZE];
	assert_int_equal(layer_policy_revision(&policy, "base", 1, none), 0);
	assert_true(arn_is_uuid(none, strlen(none)));
	assert_int_equal(none[14], '8');
	assert_int_equal(add(&policy, "a", ACCOUNT, ""), 0);
	assert_int_equal(layer_policy_revision(&policy, "base", 1, one), 0);
	assert_string_not_equal(none, one);
	assert_int_equal(layer_policy_revision(&policy, "base", 2, found), 0);
	assert_string_not_equal(found, one);
	assert_int_equal(layer_policy_revision(&policy, "tools", 1, found), 0);
	assert_string_not_equal(found, one);
	assert_int_equal(layer_policy_remove(&policy, "a"), 0);
	assert_int_equal(add(&policy, "a", "*", ""), 0);
	assert_int_equal(layer_policy_revision(&policy, "base", 1, found), 0);
	assert_string_not_equal(found, one);
	assert_int_equal(layer_policy_remove(&policy, "a"), 0);
	assert_int_equal(layer_policy_revision(&policy, "base", 1, found), 0);
	assert_string_equal(found, none);
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
		cmocka_unit_test(a_revision_is_of_the_content),
		cmocka_unit_test(refuses_what_is_no_statement),
		cmocka_unit_test_setup_teardown(comes_back_from_the_store, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_damaged_one_is_none, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests_name("layer_policy", tests, fixture_group_setup, fixture_group_teardown);
}
