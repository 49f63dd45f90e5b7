/* What a store takes on the disk: as much as du says, part by part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_fixture.h"

/* In bytes, without the directory itself. */
static uint64_t du(const struct fixture *f, const char *part)
{
	char command[512];
	unsigned long long all = 0;
	(void)snprintf(command, sizeof(command), "du -s -B1 '%s'", fixture_path(f, "%s", part));
	FILE *out = popen(command, "r");
	assert_non_null(out);
	assert_int_equal(fscanf(out, "%llu", &all), 1);
	assert_int_equal(pclose(out), 0);
	struct stat st;
	assert_int_equal(stat(fixture_path(f, "%s", part), &st), 0);
	return all - (uint64_t)st.st_blocks * 512;
}

static void assert_measured(const struct fixture *f)
{
	struct store_usage usage;
	assert_int_equal(store_measure(f->store, &usage), 0);
	assert_int_equal(usage.object_bytes, du(f, "objects"));
	assert_int_equal(usage.record_bytes, du(f, "functions") + du(f, "layers"));
	assert_int_equal(usage.audit_bytes, du(f, "audit"));
}

static void each_part_is_what_du_says(void **state)
{
	struct fixture *f = *state;
	assert_measured(f);
	assert_int_equal(fixture_deploy(f->store, "f", 1, 1, 100000), 0);
	assert_int_equal(fixture_deploy(f->store, "f", 2, 2, 5000), 0);
	assert_int_equal(fixture_deploy(f->store, "layer:l", 1, 3, 300000), 0);
	fixture_write(fixture_path(f, "audit/audit-1.jsonl"), f, sizeof(*f));
	assert_measured(f);

	struct store_usage usage;
	assert_int_equal(store_measure(f->store, &usage), 0);
	assert_true(usage.object_bytes >= 405000);
	assert_true(usage.record_bytes > 0 && usage.audit_bytes > 0);
}

static void what_is_removed_is_not_counted(void **state)
{
	struct fixture *f = *state;
	struct store_usage before, after;
	assert_int_equal(fixture_deploy(f->store, "f", 1, 1, 100000), 0);
	assert_int_equal(fixture_deploy(f->store, "f", 2, 2, 5000), 0);
	assert_int_equal(store_measure(f->store, &before), 0);
	assert_int_equal(store_remove_release(f->store, "f", 1), 0);
	assert_int_equal(store_measure(f->store, &after), 0);
	assert_true(after.object_bytes + 100000 <= before.object_bytes);
	assert_true(after.record_bytes < before.record_bytes);
	assert_measured(f);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(each_part_is_what_du_says),
		STORE_TEST(what_is_removed_is_not_counted),
	};
	return cmocka_run_group_tests_name("store_usage", tests, fixture_group_setup, fixture_group_teardown);
}
