/* Which names are judged, which are staging, which are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "slots/names.h"

static void names_have_one_kind(void **state UNUSED)
{
	static const struct {
		const char *name;
		enum deploy_name kind;
	} cases[] = {
		{"main.zip", DEPLOY_NAME_FINAL},	{"x.y z.zip", DEPLOY_NAME_FINAL},
		{"layers", DEPLOY_NAME_LAYERS},		{".main.zip.AbCdEf", DEPLOY_NAME_STAGING},
		{".main.zip", DEPLOY_NAME_STAGING},	{".~tmp~", DEPLOY_NAME_STAGING},
		{"main.zip~", DEPLOY_NAME_STAGING},	{"main.zip.tmp", DEPLOY_NAME_STAGING},
		{"main.zip.part", DEPLOY_NAME_STAGING}, {"main.zip.filepart", DEPLOY_NAME_STAGING},
		{"main.jar", DEPLOY_NAME_INVALID},	{"zip", DEPLOY_NAME_INVALID},
		{"main.ZIP", DEPLOY_NAME_INVALID},	{"main.zip.part2", DEPLOY_NAME_INVALID},
		{"layers.txt", DEPLOY_NAME_INVALID},	{"sedUvPmL0", DEPLOY_NAME_STAGING},
		{"sedUvPmL", DEPLOY_NAME_INVALID},	{"sedUvPm-0", DEPLOY_NAME_INVALID},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (deploy_name_kind(cases[i].name) != cases[i].kind)
			fail_msg("%s", cases[i].name);
}

static void long_names_are_refused(void **state UNUSED)
{
	char name[300];
	memset(name, 'a', sizeof(name));
	memcpy(name + 251, ".zip", 5);
	assert_int_equal(deploy_name_kind(name), DEPLOY_NAME_FINAL);
	memset(name, 'a', sizeof(name));
	memcpy(name + 252, ".zip", 5);
	assert_int_equal(deploy_name_kind(name), DEPLOY_NAME_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_have_one_kind),
		cmocka_unit_test(long_names_are_refused),
	};
	return cmocka_run_group_tests_name("deploy_names", tests, NULL, NULL);
}
