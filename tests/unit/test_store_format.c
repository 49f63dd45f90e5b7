/* The file "format": what this program makes, what it takes, and what it refuses without touching anything. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/io.h"
#include "store_fixture.h"

static void put_format(struct fixture *f, const char *text)
{
	fixture_close(f);
	fixture_write(fixture_path(f, "format"), text, strlen(text));
}

static void assert_format(struct fixture *f, const char *expected)
{
	struct buf text = {0};
	assert_int_equal(io_read_path(fixture_path(f, "format"), 4096, &text), 0);
	assert_string_equal(text.data ? text.data : "", expected);
	buf_done(&text);
}

/* The store is refused, for looking as well, with these words, and its format stays as it is. */
static void refused(struct fixture *f, const char *text, int expected, const char *const *says)
{
	put_format(f, text);
	for (int read_only = 0; read_only < 2; read_only++) {
		struct store_options options = fixture_options(f);
		struct store *store = NULL;
		struct explain why = {0};
		options.read_only = read_only;
		assert_int_equal(store_open(&options, &store, &why), expected);
		assert_null(store);
		for (size_t i = 0; says[i]; i++)
			if (!strstr(why.text, says[i]))
				fail_msg("\"%s\" does not say \"%s\"", why.text, says[i]);
		assert_format(f, text);
	}
}

static void a_new_store_says_who_made_it(void **state)
{
	struct fixture *f = *state;
	assert_format(f, "vouchfs-store: 1\nmade-by: vouchfs " VOUCHFS_VERSION "\n");
}

static void the_first_stores_did_not_say_who_made_them(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_deploy(f->store, "main", 1, 1, 5000), 0);
	put_format(f, "vouchfs-store: 1\n");
	fixture_reopen(f);
	assert_format(f, "vouchfs-store: 1\n");
	assert_true(fixture_is_whole(f));
}

static void another_version_with_this_format_is_fine(void **state)
{
	struct fixture *f = *state;
	put_format(f, "vouchfs-store: 1\nmade-by: vouchfs 7.0.0\nanother-line: of the future\n");
	fixture_reopen(f);
}

static void a_newer_format_is_refused_by_name(void **state)
{
	static const char *const says[] = {"has format 2, as vouchfs 9.1.0\\x1b[31m made it",
					   "this is vouchfs " VOUCHFS_VERSION ", which knows format 1",
					   "install that version or a later one",
					   "or name another store",
					   "nothing was changed",
					   NULL};
	refused(*state, "vouchfs-store: 2\nmade-by: vouchfs 9.1.0\x1b[31m\n", -EPROTONOSUPPORT, says);
	static const char *const anonymous[] = {"has format 18446744073709551615, as a newer vouchfs made it", NULL};
	refused(*state, "vouchfs-store: 18446744073709551615\n", -EPROTONOSUPPORT, anonymous);
}

static void what_is_no_format_is_refused(void **state)
{
	static const char *const rows[] = {
		"vouchfs-store: 0\n",  "vouchfs-store: -1\n",	"vouchfs-store: 1",    "vouchfs-store: 1 \n",
		"vouchfs-store: 01\n", "vouchfs-store:\n",	"vouchfs-stores: 1\n", "\nvouchfs-store: 1\n",
		"vouchfs-store: x\n",  "#!/bin/sh\x07 rm -r\n",
	};
	static const char *const says[] = {"begins with \"", "where \"vouchfs-store: 1\" is expected", "backup", NULL};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		refused(*state, rows[i], -EBADMSG, says);
	static const char *const escaped[] = {"begins with \"#!/bin/sh\\x07 rm -r\"", NULL};
	refused(*state, "#!/bin/sh\x07 rm -r\n", -EBADMSG, escaped);
	static const char *const empty[] = {"its file \"format\" is empty", "backup", "nothing was changed", NULL};
	refused(*state, "", -EBADMSG, empty);
}

static void what_cannot_be_read_is_damage(void **state)
{
	static const char *const says[] = {"its file \"format\" cannot be read", NULL};
	char text[1024];
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	refused(*state, text, -EBADMSG, says);
}

#define FORMAT_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FORMAT_TEST(a_new_store_says_who_made_it),
		FORMAT_TEST(the_first_stores_did_not_say_who_made_them),
		FORMAT_TEST(another_version_with_this_format_is_fine),
		FORMAT_TEST(a_newer_format_is_refused_by_name),
		FORMAT_TEST(what_is_no_format_is_refused),
		FORMAT_TEST(what_cannot_be_read_is_damage),
	};
	return cmocka_run_group_tests_name("store_format", tests, fixture_group_setup, fixture_group_teardown);
}
