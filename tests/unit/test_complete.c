/* What rows say of each other: who uses a layer, how many functions have a config; and the order they come in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "overview/fill.h"
#include "overview_fixture.h"

static const struct overview_slot *find(const struct overview *overview, const char *name)
{
	for (size_t i = 0; i < overview->slot_count; i++)
		if (strcmp(overview->slots[i].name, name) == 0)
			return &overview->slots[i];
	fail_msg("no slot %s", name);
	return NULL;
}

static void a_layer_names_who_uses_it(void **state)
{
	(void)state;
	struct overview *overview = overview_fixture_new();
	overview_fixture_set(&overview_fixture_add_function(overview, "z")->layers, "tools:3 base:1");
	overview_fixture_set(&overview_fixture_add_function(overview, "a")->layers, "tools:1");
	overview_fixture_set(&overview_fixture_add_function(overview, "b")->layers, "toolsmith:1 too:2");
	overview_fixture_add_function(overview, "none");
	static const char *const layers[] = {"tools", "base", "toolsmith", "too", "tool"};
	for (size_t i = 0; i < ARRAY_SIZE(layers); i++)
		overview_fixture_add_layer(overview, layers[i]);
	assert_int_equal(overview_complete(overview), 0);
	assert_string_equal(find(overview, "tools")->layers, "a z");
	assert_string_equal(find(overview, "base")->layers, "z");
	assert_string_equal(find(overview, "toolsmith")->layers, "b");
	assert_string_equal(find(overview, "too")->layers, "b");
	assert_null(find(overview, "tool")->layers);
	overview_free(overview);
}

static void functions_of_a_config_are_counted(void **state)
{
	(void)state;
	struct overview *overview = overview_fixture_new();
	overview_fixture_add_function(overview, "a");
	overview_fixture_add_function(overview, "b");
	overview_fixture_set(&overview_fixture_add_function(overview, "c")->config, NULL);
	overview_fixture_set(&overview_fixture_add_function(overview, "d")->config, "gone");
	assert_int_equal(overview_complete(overview), 0);
	assert_int_equal(overview->configs[0].function_count, 2);
	overview_free(overview);
}

static void what_asks_for_most_attention_comes_first(void **state)
{
	(void)state;
	static const char *const order[] = {
		"a-function-whose-name-is-as-long-as-names-of-functions-may-be-64",
		"nightly",
		"base",
		"invoices",
		"billing",
		"archive",
		"experiment",
		"main",
		"report",
		"tools",
		"newcomer",
	};
	struct overview *overview = overview_fixture_new_troubled();
	assert_int_equal(overview->slot_count, ARRAY_SIZE(order));
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		assert_string_equal(overview->slots[i].name, order[i]);
	overview_free(overview);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_layer_names_who_uses_it),
		cmocka_unit_test(functions_of_a_config_are_counted),
		cmocka_unit_test(what_asks_for_most_attention_comes_first),
	};
	return cmocka_run_group_tests_name("complete", tests, NULL, NULL);
}
