/* Histories that are read back from JSON. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "views_fixture.h"

static void test_read(void **state UNUSED)
{
	struct overview_histories *histories = views_fixture_histories();
	assert_int_equal(histories->count, 2);
	assert_int_equal(histories->release_count, 3);
	const struct overview_history *main_history = &histories->all[0];
	assert_string_equal(main_history->function, "main");
	assert_int_equal(main_history->count, 2);
	assert_int_equal(main_history->left_out, 1);

	const struct overview_release *release = &main_history->releases[0];
	assert_int_equal(release->number, 3);
	assert_int_equal(release->since_s, OVERVIEW_FIXTURE_NOW_S - 2 * 86400);
	assert_true(release->is_current && !release->is_blocked && !release->is_damaged);
	assert_string_equal(release->outcome, "accepted");
	assert_null(release->reason);
	assert_string_equal(release->layers, "tools:3 base:1");
	assert_string_equal(release->command, "rsync");
	assert_int_equal(release->uid, 1001);
	assert_int_equal(release->rollback_to, 1);

	release = &main_history->releases[1];
	assert_true(release->is_blocked && !release->is_current);
	assert_string_equal(release->artifact, "<script>alert(1)</script>\u202e.zip");
	assert_string_equal(release->layers, "");
	assert_null(release->profile_version_arn);
	assert_null(release->command);
	assert_int_equal(release->rollback_to, 0);
	overview_histories_free(histories);
}

static void test_refused(void **state UNUSED)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{}",
		"{\"function\": \"f\"}",
		"{\"function\": 1, \"releases\": []}",
		"{\"function\": \"f\", \"releases\": {}}",
		"{\"function\": \"f\", \"releases\": []} x",
		"{\"function\": \"f\", \"function\": \"g\", \"releases\": []}",
	};
	struct overview_histories *histories = overview_histories_new();
	assert_non_null(histories);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(overview_add_history(histories, texts[i], strlen(texts[i]), 10), -EBADMSG);
	assert_int_equal(histories->count, 0);
	overview_histories_free(histories);
}

/* Members of another type than expected leave their places empty. */
static void test_odd(void **state UNUSED)
{
	static const char text[] =
		"{\"function\": \"f\", \"releases\": [{\"release\": -1, \"releasedAt\": 3, \"current\": 1,"
		" \"by\": \"root\", \"layers\": [1]}, 7]}";
	struct overview_histories *histories = overview_histories_new();
	assert_non_null(histories);
	assert_int_equal(overview_add_history(histories, text, strlen(text), 10), 0);
	const struct overview_release *release = &histories->all[0].releases[0];
	assert_int_equal(release->number, 0);
	assert_int_equal(release->since_s, 0);
	assert_false(release->is_current);
	assert_string_equal(release->layers, "?");
	assert_int_equal(histories->all[0].count, 2);
	overview_histories_free(histories);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_odd),
	};
	return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
