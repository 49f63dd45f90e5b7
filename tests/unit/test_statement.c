/* The statement: one text, one meaning. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "signature/statement.h"

#define SHA384	 "a01871fc2d6158f60bfdf8abe6428ed7d155b02f9ac1c45d8deadeee7bc0775ee81de83ba27f99596d402e9ace6038e1"
#define TREE	 "aac56bbaffbe95fd50646ccf0490350423c33a05fa62e3caad4985b02dac2707"
#define HEAD	 "arn:vouchfs:signer:local:111122223333:"
#define UUID	 "/signing-jobs/170fec94-3809-4d40-925c-3ef7b0f1a5e8"
#define L_FORMAT "vouchfs-signature: 1\n"
#define L_PLAT	 "platform: AWSLambda-SHA384-ECDSA\n"
#define L_LENGTH "length: 9739\n"
#define L_SHA384 "sha384: " SHA384 "\n"
#define L_TREE	 "tree-sha256: " TREE "\n"
#define L_PROF	 "profile-version-arn: " HEAD "/signing-profiles/profile_for_application_ABC/a1B2c3D4e5\n"
#define L_JOB	 "job-arn: " HEAD UUID "\n"
#define L_SIGNED "signed-at: 2026-11-11T19:05:30Z\n"
#define L_EXP	 "expires-at: 2037-10-24T19:05:30Z\n"
#define GOOD	 L_FORMAT L_PLAT L_LENGTH L_SHA384 L_TREE L_PROF L_JOB L_SIGNED L_EXP

static void test_good(void **state)
{
	(void)state;
	struct statement statement;
	struct buf printed = {0};
	assert_int_equal(statement_parse(GOOD, strlen(GOOD), &statement, NULL), 0);
	assert_int_equal(statement.length_bytes, 9739);
	assert_int_equal(statement.sha384[0], 0xa0);
	assert_int_equal(statement.tree_sha256[31], 0x07);
	assert_string_equal(statement.profile_version.version, "a1B2c3D4e5");
	assert_string_equal(statement.job.id, "170fec94-3809-4d40-925c-3ef7b0f1a5e8");
	assert_int_equal(statement.signed_at_s, 1794423930);
	assert_int_equal(statement.expires_at_s, 2140023930);
	assert_int_equal(statement_print(&statement, &printed), 0);
	assert_string_equal(printed.data, GOOD);
	buf_done(&printed);
}

static const struct {
	const char *name;
	const char *text;
} bad[] = {
	{"empty", ""},
	{"no end of line",
	 L_FORMAT L_PLAT L_LENGTH L_SHA384 L_TREE L_PROF L_JOB L_SIGNED "expires-at: 2037-10-24T19:05:30Z"},
	{"a line more", GOOD "note: x\n"},
	{"an empty line more", GOOD "\n"},
	{"something more", GOOD "x"},
	{"twice", GOOD GOOD},
	{"a line twice", L_FORMAT L_PLAT L_LENGTH L_LENGTH L_SHA384 L_TREE L_PROF L_JOB L_SIGNED L_EXP},
	{"a line missing", L_FORMAT L_PLAT L_LENGTH L_SHA384 L_TREE L_PROF L_JOB L_SIGNED},
	{"another order", L_FORMAT L_LENGTH L_PLAT L_SHA384 L_TREE L_PROF L_JOB L_SIGNED L_EXP},
	{"a blank before", " " GOOD},
	{"CRLF", "vouchfs-signature: 1\r\n" L_PLAT L_LENGTH L_SHA384 L_TREE L_PROF L_JOB L_SIGNED L_EXP},
	{"two blanks", "vouchfs-signature:  1\n" L_PLAT L_LENGTH L_SHA384 L_TREE L_PROF L_JOB L_SIGNED L_EXP},
	{"no blank", "vouchfs-signature:1\n" L_PLAT L_LENGTH L_SHA384 L_TREE L_PROF L_JOB L_SIGNED L_EXP},
	{"a blank behind", L_FORMAT L_PLAT "length: 9739 \n" L_SHA384 L_TREE L_PROF L_JOB L_SIGNED L_EXP},
	{"another key", "Vouchfs-signature: 1\n" L_PLAT L_LENGTH L_SHA384 L_TREE L_PROF L_JOB L_SIGNED L_EXP},
	{"version 2", "vouchfs-signature: 2\n" L_PLAT L_LENGTH L_SHA384 L_TREE L_PROF L_JOB L_SIGNED L_EXP},
	{"version 01", "vouchfs-signature: 01\n" L_PLAT L_LENGTH L_SHA384 L_TREE L_PROF L_JOB L_SIGNED L_EXP},
	{"another platform",
	 L_FORMAT "platform: Notation-OCI-SHA384-ECDSA\n" L_LENGTH L_SHA384 L_TREE L_PROF L_JOB L_SIGNED L_EXP},
	{"length 09739", L_FORMAT L_PLAT "length: 09739\n" L_SHA384 L_TREE L_PROF L_JOB L_SIGNED L_EXP},
	{"length +9739", L_FORMAT L_PLAT "length: +9739\n" L_SHA384 L_TREE L_PROF L_JOB L_SIGNED L_EXP},
	{"length 2^64", L_FORMAT L_PLAT "length: 18446744073709551616\n" L_SHA384 L_TREE L_PROF L_JOB L_SIGNED L_EXP},
	{"no length", L_FORMAT L_PLAT "length: \n" L_SHA384 L_TREE L_PROF L_JOB L_SIGNED L_EXP},
	{"upper-case hex", L_FORMAT L_PLAT L_LENGTH
	 "sha384: "
	 "A01871fc2d6158f60bfdf8abe6428ed7d155b02f9ac1c45d8deadeee7bc0775ee81de83ba27f99596d402e9ace6038e1\n" L_TREE
		 L_PROF L_JOB L_SIGNED L_EXP},
	{"short digest", L_FORMAT L_PLAT L_LENGTH L_SHA384 "tree-sha256: aac5\n" L_PROF L_JOB L_SIGNED L_EXP},
	{"profile without version", L_FORMAT L_PLAT L_LENGTH L_SHA384 L_TREE
	 "profile-version-arn: " HEAD "/signing-profiles/profile_for_application_ABC\n" L_JOB L_SIGNED L_EXP},
	{"malformed ARN", L_FORMAT L_PLAT L_LENGTH L_SHA384 L_TREE "profile-version-arn: x\n" L_JOB L_SIGNED L_EXP},
	{"a job for a profile",
	 L_FORMAT L_PLAT L_LENGTH L_SHA384 L_TREE "profile-version-arn: " HEAD UUID "\n" L_JOB L_SIGNED L_EXP},
	{"job of another account", L_FORMAT L_PLAT L_LENGTH L_SHA384 L_TREE L_PROF
	 "job-arn: arn:vouchfs:signer:local:111122223334:" UUID "\n" L_SIGNED L_EXP},
	{"job of another region", L_FORMAT L_PLAT L_LENGTH L_SHA384 L_TREE L_PROF
	 "job-arn: arn:vouchfs:signer:other:111122223333:" UUID "\n" L_SIGNED L_EXP},
	{"job of another partition", L_FORMAT L_PLAT L_LENGTH L_SHA384 L_TREE L_PROF
	 "job-arn: arn:aws:signer:local:111122223333:" UUID "\n" L_SIGNED L_EXP},
	{"upper-case job", L_FORMAT L_PLAT L_LENGTH L_SHA384 L_TREE L_PROF
	 "job-arn: " HEAD "/signing-jobs/170FEC94-3809-4d40-925c-3ef7b0f1a5e8\n" L_SIGNED L_EXP},
	{"expires when signed",
	 L_FORMAT L_PLAT L_LENGTH L_SHA384 L_TREE L_PROF L_JOB L_SIGNED "expires-at: 2026-11-11T19:05:30Z\n"},
	{"expires before signed",
	 L_FORMAT L_PLAT L_LENGTH L_SHA384 L_TREE L_PROF L_JOB L_SIGNED "expires-at: 2026-11-11T19:05:29Z\n"},
	{"a day that is none",
	 L_FORMAT L_PLAT L_LENGTH L_SHA384 L_TREE L_PROF L_JOB L_SIGNED "expires-at: 2037-02-29T19:05:30Z\n"},
	{"time with offset",
	 L_FORMAT L_PLAT L_LENGTH L_SHA384 L_TREE L_PROF L_JOB "signed-at: 2026-11-11T19:05:30+00:00\n" L_EXP},
	{"time with fraction",
	 L_FORMAT L_PLAT L_LENGTH L_SHA384 L_TREE L_PROF L_JOB "signed-at: 2026-11-11T19:05:30.0Z\n" L_EXP},
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct statement statement = {.length_bytes = 42};
		struct explain why = {0};
		int r = statement_parse(bad[i].text, strlen(bad[i].text), &statement, &why);
		if (r != -EBADMSG || why.text[0] == '\0' || statement.length_bytes != 42)
			fail_msg("%s: %d \"%s\"", bad[i].name, r, why.text);
	}
}

static void test_later_is_enough(void **state)
{
	(void)state;
	static const char text[] = L_FORMAT L_PLAT L_LENGTH L_SHA384 L_TREE L_PROF L_JOB L_SIGNED
		"expires-at: 2026-11-11T19:05:31Z\n";
	struct statement statement;
	assert_int_equal(statement_parse(text, strlen(text), &statement, NULL), 0);
}

static void test_too_large(void **state)
{
	(void)state;
	struct statement statement;
	struct explain why = {0};
	char *text = malloc(LIMIT_STATEMENT_BYTES + 1);
	assert_non_null(text);
	memset(text, '\n', LIMIT_STATEMENT_BYTES + 1);
	assert_int_equal(statement_parse(text, LIMIT_STATEMENT_BYTES + 1, &statement, &why), -EBADMSG);
	assert_non_null(strstr(why.text, "larger"));
	assert_int_equal(statement_parse(text, LIMIT_STATEMENT_BYTES, &statement, &why), -EBADMSG);
	assert_null(strstr(why.text, "larger"));
	free(text);
}

/* What is quoted from the text cannot do harm on a terminal. */
static void test_reason_is_printable(void **state)
{
	(void)state;
	static const char text[] = L_FORMAT "platform: \x1b[31mred\n";
	struct statement statement;
	struct explain why = {0};
	assert_int_equal(statement_parse(text, strlen(text), &statement, &why), -EBADMSG);
	assert_non_null(strstr(why.text, "\\x1b[31mred"));
}

/* Any changed byte gives no statement, or another one. */
static void test_every_changed_byte(void **state)
{
	(void)state;
	struct buf text = {0}, printed = {0};
	assert_int_equal(buf_puts(&text, GOOD), 0);
	for (size_t i = 0; i < text.len; i++) {
		struct statement statement;
		text.data[i] ^= 1;
		if (statement_parse(text.data, text.len, &statement, NULL) == 0) {
			buf_reset(&printed);
			assert_int_equal(statement_print(&statement, &printed), 0);
			assert_string_equal(printed.data, text.data);
		}
		text.data[i] ^= 1;
	}
	buf_done(&text);
	buf_done(&printed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_later_is_enough),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_reason_is_printable),
		cmocka_unit_test(test_every_changed_byte),
	};
	return cmocka_run_group_tests_name("statement", tests, NULL, NULL);
}
