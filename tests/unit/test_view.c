/* The tree of an archive: implied folders, order, lookup. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/slots/view.h"
#include "zip_builder.h"

static struct view *view_of(struct buf *zip)
{
	const struct io_memory memory = {.bytes = zip->data, .len = zip->len};
	struct io_reader file = io_reader_memory(&memory);
	const struct zip_limits limits = {.max_unpacked_bytes = 1 << 20};
	struct zip_archive *archive = NULL;
	struct zip_refusal refusal = {0};
	struct view *view = NULL;

	int r = zip_open_archive(&file, &limits, &archive, &refusal);
	if (r < 0)
		print_error("%s\n", refusal.text.text);
	assert_int_equal(r, 0);
	assert_int_equal(view_new(archive, &view), 0);
	return view;
}

/* Follows a path from the root; UINT32_MAX when a part of it is not there. */
static uint32_t walk(const struct view *view, const char *path)
{
	uint32_t at = 0;
	char copy[256], *rest = copy, *part;
	(void)snprintf(copy, sizeof(copy), "%s", path);
	while ((part = strsep(&rest, "/")) != NULL)
		if (!view_find(view, at, part, &at))
			return UINT32_MAX;
	return at;
}

static void finds_entries_and_implied_folders(void **state UNUSED)
{
	struct zip_builder z = {0};
	zip_builder_add(&z, "pkg/deep/a.py", "a");
	zip_builder_add(&z, "b.py", "b");
	zip_builder_add_dir(&z, "empty/");
	zip_builder_add(&z, "pkg/c.py", "c");
	struct buf zip = zip_builder_finish(&z);
	struct view *view = view_of(&zip);

	assert_int_equal(view->node_count, 7); /* root, b.py, empty, pkg, pkg/c.py, pkg/deep, a.py */
	uint32_t file = walk(view, "pkg/deep/a.py");
	assert_int_not_equal(file, UINT32_MAX);
	assert_false(view->nodes[file].is_directory);
	assert_int_equal(view->nodes[file].entry->size_bytes, 1);

	uint32_t implied = walk(view, "pkg/deep");
	assert_true(view->nodes[implied].is_directory);
	assert_null(view->nodes[implied].entry);
	uint32_t explicit = walk(view, "empty");
	assert_true(view->nodes[explicit].is_directory);
	assert_int_equal(view->nodes[explicit].child_count, 0);

	assert_int_equal(walk(view, "pkg/deep/b.py"), UINT32_MAX);
	assert_int_equal(walk(view, "pk"), UINT32_MAX);
	assert_int_equal(walk(view, "pkg/dee"), UINT32_MAX);
	view_free(view);
	buf_done(&zip);
}

/* '-' and '.' sort below '/', so a plain byte order would tear folders apart. */
static void keeps_folders_together(void **state UNUSED)
{
	struct zip_builder z = {0};
	zip_builder_add(&z, "a/1", "1");
	zip_builder_add(&z, "a-b/2", "2");
	zip_builder_add(&z, "a.c", "3");
	zip_builder_add(&z, "a/4", "4");
	struct buf zip = zip_builder_finish(&z);
	struct view *view = view_of(&zip);

	assert_int_equal(view->nodes[walk(view, "a")].child_count, 2);
	assert_int_not_equal(walk(view, "a/1"), UINT32_MAX);
	assert_int_not_equal(walk(view, "a/4"), UINT32_MAX);
	assert_int_not_equal(walk(view, "a-b/2"), UINT32_MAX);
	assert_int_equal(view->nodes[0].child_count, 3);
	view_free(view);
	buf_done(&zip);
}

static void numbers_do_not_depend_on_the_archives_order(void **state UNUSED)
{
	static const char *const names[] = {"m/x", "k", "m/a", "z/y/x"};
	uint32_t first[ARRAY_SIZE(names)];
	for (unsigned turn = 0; turn < 2; turn++) {
		struct zip_builder z = {0};
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			zip_builder_add(&z, names[turn ? ARRAY_SIZE(names) - 1 - i : i], "x");
		struct buf zip = zip_builder_finish(&z);
		struct view *view = view_of(&zip);
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			if (turn == 0)
				first[i] = walk(view, names[i]);
			assert_int_equal(walk(view, names[i]), first[i]);
		}
		view_free(view);
		buf_done(&zip);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_entries_and_implied_folders),
		cmocka_unit_test(keeps_folders_together),
		cmocka_unit_test(numbers_do_not_depend_on_the_archives_order),
	};
	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
