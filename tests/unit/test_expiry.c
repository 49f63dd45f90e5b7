/* What ends by itself, in order, and what comes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "overview/expiry.h"
#include "overview_fixture.h"

#define set   overview_fixture_set
#define DAY_S 86400

static void test_order(void **state UNUSED)
{
	struct overview *overview = overview_fixture_new();
	struct overview_expiry *all;
	char subject[OVERVIEW_SUBJECT_SIZE];
	size_t count;
	overview_fixture_add_function(overview, "b")->expires_at_s = overview->now_s + 2 * DAY_S;
	overview_fixture_add_function(overview, "a")->expires_at_s = overview->now_s + 2 * DAY_S;
	overview_fixture_add_layer(overview, "a")->expires_at_s = overview->now_s - 1;
	overview_fixture_add_function(overview, "unsigned")->expires_at_s = 0;
	overview_fixture_add_function(overview, "gone")->release = 0;
	static const char *const expected[] = {"layers/a", "functions/a", "functions/b", "account 111122223333",
					       "account 111122223333"};
	assert_int_equal(overview_list_expiries(overview, &all, &count), 0);
	assert_int_equal(count, ARRAY_SIZE(expected));
	for (size_t i = 0; i < count; i++)
		assert_string_equal(overview_expiry_subject(&all[i], subject), expected[i]);
	assert_string_equal(overview_expiry_kind_name(all[3].kind), "revocation list");
	assert_string_equal(overview_expiry_kind_name(all[4].kind), "certificate");
	free(all);
	overview_free(overview);
}

static void test_bundle(void **state UNUSED)
{
	struct overview *overview = overview_fixture_new();
	struct overview_expiry *all;
	char subject[OVERVIEW_SUBJECT_SIZE];
	size_t count;
	overview_fixture_govern(overview);
	assert_int_equal(overview_list_expiries(overview, &all, &count), 0);
	assert_int_equal(count, 3);
	assert_string_equal(overview_expiry_kind_name(all[1].kind), "policy signature");
	assert_string_equal(overview_expiry_subject(&all[1], subject), "bundle 7");
	assert_int_equal(all[1].at_s, overview->policy.expires_at_s);
	assert_non_null(strstr(overview_expiry_effect(overview, &all[1]), "stays in force with an alarm"));
	assert_non_null(strstr(overview_expiry_remedy(&all[1]), "higher sequence"));
	free(all);
	set(&overview->policy.state, OVERVIEW_POLICY_LOST);
	assert_int_equal(overview_list_expiries(overview, &all, &count), 0);
	assert_int_equal(count, 2);
	free(all);
	overview_free(overview);
}

static const char *effect(const struct overview *overview)
{
	const struct overview_expiry expiry = {.kind = OVERVIEW_SIGNATURE, .slot = &overview->slots[0]};
	return overview_expiry_effect(overview, &expiry);
}

/* By the config's modes on deployment and on load. */
static void test_effect(void **state UNUSED)
{
	struct overview *overview = overview_fixture_new();
	struct overview_config *config = &overview->configs[0];
	struct overview_slot *slot = overview_fixture_add_function(overview, "main");
	assert_string_equal(effect(overview), "it is served on, but refused when it is deployed again");
	set(&config->on_load, "Enforce");
	assert_string_equal(effect(overview), "it is blocked from then on");
	set(&config->expiry, "Warn");
	assert_string_equal(effect(overview), "it is served on, with a warning");
	set(&slot->config, NULL);
	assert_string_equal(effect(overview), "nothing: nobody checks its signature");
	slot->is_layer = true;
	assert_string_equal(effect(overview), "functions that have it follow their own config");
	overview_free(overview);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_bundle),
					   cmocka_unit_test(test_effect)};
	return cmocka_run_group_tests_name("expiry", tests, NULL, NULL);
}
