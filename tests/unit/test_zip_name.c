/* R10: each name by itself. R11: names beside each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#include <cmocka.h>

#include "archive/zip_rules.h"
#include "zip_probe.h"

#define E_ACUTE "\xc3\xa9"

/*
 * Which characters are assigned, and what they fold to, comes from libutf8proc's tables: 15.0 in Debian 12, 15.1 and
 * 16.0 in what follows. A new version may admit names that were refused before (newly assigned characters), never the
 * other way round (Unicode's stability policy). Look at the change, then add it here.
 */
static void test_unicode_version_is_known(void **state UNUSED)
{
	static const char *const known[] = {"15.0.0", "15.1.0", "16.0.0"};
	bool found = false;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		found |= strcmp(utf8proc_unicode_version(), known[i]) == 0;
	assert_true(found);
}

static unsigned probe_name(const char *name, size_t len)
{
	struct zip_builder z = {0};
	struct zip_builder_entry *entry = len > 0 && name[len - 1] == '/' ? zip_builder_add_dir(&z, name)
									  : zip_builder_add(&z, name, "");
	zip_builder_set_name(entry, name, len);
	return zip_probe_builder(&z, NULL);
}

static void test_names(void **state UNUSED)
{
	static const struct {
		unsigned rule;
		const char *name;
	} cases[] = {
		{0, "a"},
		{0, "a/b/c.txt"},
		{0, "a/"},
		{0, ".hidden"},
		{0, "..."},
		{0, "a b"},
		{0, "ab:c"},
		{0, "caf" E_ACUTE},
		{0, "\xe6\x97\xa5\xe6\x9c\xac/\xf0\x9f\x98\x80.txt"},
		{10, "/"},
		{10, "/etc/passwd"},
		{10, "//a"},
		{10, "../a"},
		{10, "a/../b"},
		{10, "a/.."},
		{10, "./a"},
		{10, "a/./b"},
		{10, "a/."},
		{10, "a//b"},
		{10, "a//"},
		{10, "a\\b"},
		{10, "C:/a"},
		{10, "c:a"},
		{10, "a\nb"},
		{10, "a\x7f"},
		{10, "a;1"},
		{10, "a/b;"},
		{0, "a;1/b"},
		{0, "a;x"},
		{10, "a\xff"},		   /* no UTF-8 */
		{10, "a\xc0\xaf"},	   /* overlong slash */
		{10, "a\xed\xa0\x80"},	   /* surrogate */
		{10, "a\xf4\x90\x80\x80"}, /* above U+10FFFF */
		{10, "a\xc3"},		   /* cut off */
		{10, "a\xc2\x85"},	   /* U+0085, control */
		{10, "a\xe2\x80\xae"
		     "b"},	       /* U+202E, turns the direction */
		{10, "a\xe2\x80\x8b"}, /* U+200B, zero width */
		{10, "\xef\xbb\xbf"
		     "a"},	       /* U+FEFF */
		{10, "a\xe2\x80\xa8"}, /* U+2028, line separator */
		{10, "a\xee\x80\x80"}, /* U+E000, private */
		{10, "a\xef\xb7\x90"}, /* U+FDD0, never assigned */
		{10, "a\xcd\xb8"},     /* U+0378, not assigned */
		{10, "e\xcc\x81"},     /* e and U+0301: NFC is U+00E9 */
		{10, "\xe2\x84\xab"},  /* U+212B: NFC is U+00C5 */
	};
	bool failed = false;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned rule = probe_name(cases[i].name, strlen(cases[i].name));
		if (rule != cases[i].rule) {
			print_error("name %zu \"%s\": expected rule %u, got %u\n", i, cases[i].name, cases[i].rule,
				    rule);
			failed = true;
		}
	}
	assert_false(failed);
	assert_int_equal(probe_name("a\0b", 3), 10);
	assert_int_equal(probe_name("", 0), 10);
}

static void test_not_ascii_needs_flag(void **state UNUSED)
{
	struct zip_builder z = {0};
	zip_builder_set_flags(zip_builder_add(&z, "caf" E_ACUTE, ""), 0);
	struct zip_refusal refusal;
	assert_int_equal(zip_probe_builder(&z, &refusal), 10);
	assert_non_null(strstr(refusal.remedy.text, "python3"));
}

/* Hosts for which unzip reads a DOS code page: FAT, HPFS, and NTFS in one version. */
static void test_not_ascii_made_for_dos(void **state UNUSED)
{
	static const struct {
		unsigned rule;
		const char *name;
		uint16_t made_by;
	} cases[] = {
		{10, "caf" E_ACUTE, 0x0014}, {10, "caf" E_ACUTE, 0x0614}, {10, "caf" E_ACUTE, 0x0b32},
		{0, "caf" E_ACUTE, 0x0b14},  {0, "caf" E_ACUTE, 0x0314},  {0, "cafe", 0x0014},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct zip_builder z = {0};
		zip_builder_add(&z, cases[i].name, "")->made_by = cases[i].made_by;
		assert_int_equal(zip_probe_builder(&z, NULL), cases[i].rule);
	}
}

/* Writes `count` components of `each` bytes, with slashes between them. */
static size_t make_path(char *path, size_t count, size_t each)
{
	size_t len = 0;
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			path[len++] = '/';
		memset(path + len, 'n', each);
		len += each;
	}
	path[len] = '\0';
	return len;
}

static void test_lengths(void **state UNUSED)
{
	char path[2048];
	assert_int_equal(probe_name(path, make_path(path, 1, 255)), 0);
	assert_int_equal(probe_name(path, make_path(path, 1, 256)), 10);
	assert_int_equal(probe_name(path, make_path(path, 64, 1)), 0);
	assert_int_equal(probe_name(path, make_path(path, 65, 1)), 10);

	size_t len = make_path(path, 4, 255); /* 1,023 */
	memcpy(path + len, "/", 2);
	assert_int_equal(probe_name(path, len + 1), 0);
	len = make_path(path, 5, 204); /* 1,024 */
	assert_int_equal(probe_name(path, len), 0);
	memcpy(path + len, "/", 2);
	assert_int_equal(probe_name(path, len + 1), 0);
	memcpy(path + len, "n", 2);
	assert_int_equal(probe_name(path, len + 1), 10);
}

static void test_names_beside_each_other(void **state UNUSED)
{
	static const struct {
		unsigned rule;
		const char *names[3];
	} cases[] = {
		{0, {"a", "b", "c/d"}},
		{0, {"a/", "a/b", "a/c"}},
		{0, {"a/b", "a/c", "a/"}},
		{0, {"a/b", "b/b", "b/a"}},
		{0, {"a/b/", "a/b/c", "ab"}},
		{11, {"a", "a"}},
		{11, {"a/", "a/"}},
		{11, {"a", "a/"}},
		{11, {"a", "a/b"}},
		{11, {"a/b", "a"}},
		{11, {"a/b/c", "a/b"}},
		{11, {"a", "x", "a/b/c"}},
		{11, {"readme", "README"}},
		{11, {"a/b", "A/c"}}, /* implied folders */
		{11, {"a/", "A/c"}},
		{11, {"a", "A/c"}},
		{11,
		 {"stra\xc3\x9f"
		  "e",
		  "STRASSE"}},			   /* full folding */
		{11, {"\xce\xa3", "\xcf\x82"}},	   /* sigma and final sigma */
		{11, {"\xef\xac\x81le", "file"}},  /* ligature */
		{11, {"x/a/c", "x/\xe2\x84\x80"}}, /* U+2100 becomes a/c */
		{11, {"x/a", "x/\xe2\x84\x80"}},   /* and a folder a */
		{0, {"x/\xe2\x84\x80", "x/b"}},
		{11, {"caf" E_ACUTE, "CAF\xc3\x89"}},
		{0, {"caf" E_ACUTE, "cafe"}},
	};
	bool failed = false;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct zip_builder z = {0};
		for (size_t k = 0; k < 3 && cases[i].names[k]; k++) {
			const char *name = cases[i].names[k];
			if (name[strlen(name) - 1] == '/')
				zip_builder_add_dir(&z, name);
			else
				zip_builder_add(&z, name, "");
		}
		unsigned rule = zip_probe_builder(&z, NULL);
		if (rule != cases[i].rule) {
			print_error("names %zu \"%s\": expected rule %u, got %u\n", i, cases[i].names[0], cases[i].rule,
				    rule);
			failed = true;
		}
	}
	assert_false(failed);
}

/* Names that expand most under folding: U+FDFA becomes 18 characters. */
static void test_longest_folding(void **state UNUSED)
{
	char name[256] = "";
	for (size_t i = 0; i < 85; i++)
		memcpy(name + 3 * i, "\xef\xb7\xba", 4);
	assert_int_equal(probe_name(name, 255), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unicode_version_is_known),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_not_ascii_needs_flag),
		cmocka_unit_test(test_not_ascii_made_for_dos),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_names_beside_each_other),
		cmocka_unit_test(test_longest_folding),
	};
	return cmocka_run_group_tests_name("zip_name", tests, NULL, NULL);
}
