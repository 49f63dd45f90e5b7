/* Which URLs a bundle may be fetched from. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/fetch/address.h"

static void test_what_is_taken(void **state UNUSED)
{
	static const struct {
		const char *url, *text, *shown;
		bool is_file;
	} rows[] = {
		{"https://policy.example/bundles/policy.zip", "https://policy.example/bundles/policy.zip",
		 "https://policy.example/bundles/policy.zip", false},
		{"https://10.1.2.3:8443/policy.zip?token=abc#x", "https://10.1.2.3:8443/policy.zip?token=abc",
		 "https://10.1.2.3:8443/policy.zip", false},
		{"https://[::1]:8443/p", "https://[::1]:8443/p", "https://[::1]:8443/p", false},
		{"https://policy.example", "https://policy.example/", "https://policy.example/", false},
		{"file:///srv/policy.zip", "/srv/policy.zip", "file:///srv/policy.zip", true},
		{"file:///srv/a%20b%3f.zip", "/srv/a b?.zip", "file:///srv/a%20b%3f.zip", true},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct address address;
		struct explain why = {{0}};
		assert_int_equal(address_parse(rows[i].url, &address, &why), 0);
		assert_string_equal(address.text, rows[i].text);
		assert_string_equal(address.shown, rows[i].shown);
		assert_int_equal(address.is_file, rows[i].is_file);
	}
}

static void test_what_is_refused(void **state UNUSED)
{
	static const struct {
		const char *url, *why;
	} rows[] = {
		{"http://policy.example/policy.zip", "neither https nor file"},
		{"ftp://policy.example/policy.zip", "neither https nor file"},
		{"https://user@policy.example/policy.zip", "leave it out"},
		{"https://user:password@policy.example/policy.zip", "leave it out"},
		{"https://:password@policy.example/policy.zip", "leave it out"},
		{"https://", "no URL"},
		{"https://a b/", "no URL"},
		{"https://a/\x01", "no URL"},
		{"file:///srv/policy.zip?x", "no \"?\""},
		{"file:///srv/policy.zip#x", "no \"?\""},
		{"file:///srv/a%00b", "no absolute path"},
		{"file://other.example/srv/policy.zip", "no URL"},
		{"/srv/policy.zip", "no URL"},
		{"", "no URL"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct address address;
		struct explain why = {{0}};
		assert_int_equal(address_parse(rows[i].url, &address, &why), -EINVAL);
		if (!strstr(why.text, rows[i].why))
			fail_msg("%s: %s", rows[i].url, why.text);
	}
}

static void test_what_is_too_long(void **state UNUSED)
{
	char url[ADDRESS_SIZE + 16];
	struct address address;
	struct explain why = {{0}};
	memset(url, 'a', sizeof(url));
	memcpy(url, "https://a/", 10);
	url[ADDRESS_SIZE - 1] = '\0';
	assert_int_equal(address_parse(url, &address, &why), 0);
	url[ADDRESS_SIZE - 1] = 'a';
	url[ADDRESS_SIZE] = '\0';
	assert_int_equal(address_parse(url, &address, &why), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_taken),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_what_is_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
