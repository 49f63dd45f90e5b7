/* policy.conf of a bundle: every key, what is refused (tests/data/policy), and whom a bundle is for. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/io.h"
#include "config/policy.h"
#include "config_expect.h"

#define DATA	  "tests/data/policy"
#define FILES_MIN 30

static void read_data(const char *name, struct buf *ret)
{
	char path[512];
	(void)snprintf(path, sizeof(path), DATA "/%s", name);
	assert_int_equal(io_read_path(path, 65536, ret), 0);
}

static struct config_terms *parse_good(const char *name)
{
	struct buf bytes = {0}, errors = {0};
	struct config_terms *terms = NULL;
	read_data(name, &bytes);
	int r = config_terms_parse(bytes.data, bytes.len, &terms, &errors);
	if (r != 0 || errors.len > 0)
		fail_msg("%s: %d\n%s", name, r, errors.data ? errors.data : "");
	buf_done(&bytes);
	buf_done(&errors);
	return terms;
}

static void takes_every_key(void **state UNUSED)
{
	static const struct config_unit_option unit[] = {
		{"AllowOther", "no"},	    {"LimitCORE", "0"}, {"LimitNOFILE", "65536"},
		{"NoNewPrivileges", "yes"}, {"UMask", "0077"},	{"User", "vouchfs"},
	};
	static const char *const hosts[] = {"web-*", "db-1", "mail.example.org"};
	static const char *const labels[] = {"eu", "staging", "us"};
	struct config_terms *terms = parse_good("good-every-key.conf");
	assert_true(terms->sequence == 9007199254740991);
	assert_string_equal(terms->description, "the whole of it");
	assert_int_equal(terms->local, CONFIG_LOCAL_REPORT);
	assert_true(terms->remediate);
	assert_int_equal(terms->host_count, ARRAY_SIZE(hosts));
	assert_int_equal(terms->label_count, ARRAY_SIZE(labels));
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		assert_string_equal(terms->hosts[i], hosts[i]);
		assert_string_equal(terms->labels[i], labels[i]);
	}
	assert_int_equal(terms->unit_count, ARRAY_SIZE(unit));
	for (size_t i = 0; i < ARRAY_SIZE(unit); i++) {
		assert_string_equal(terms->unit[i].name, unit[i].name);
		assert_string_equal(terms->unit[i].value, unit[i].value);
	}
	config_terms_free(terms);
}

static void has_defaults(void **state UNUSED)
{
	struct config_terms *terms = parse_good("good-least.conf");
	assert_true(terms->sequence == 1);
	assert_string_equal(terms->description, "");
	assert_int_equal(terms->local, CONFIG_LOCAL_REFUSE);
	assert_false(terms->remediate);
	assert_int_equal(terms->host_count + terms->label_count + terms->unit_count, 0);
	config_terms_free(terms);
	config_terms_free(NULL);
}

static void check_file(void *ctx UNUSED, const char *name, const struct buf *bytes)
{
	struct buf errors = {0};
	struct config_terms *terms = NULL;
	int r = config_terms_parse(bytes->data, bytes->len, &terms, &errors);
	if (r != -EINVAL || terms)
		fail_msg("%s: expected -EINVAL, found %d", name, r);
	config_expect_errors(name, bytes->data, "policy.conf", errors.data);
	buf_done(&errors);
}

static void refuses_with_the_expected_errors(void **state UNUSED)
{
	config_expect_each(DATA, FILES_MIN, check_file, NULL);
}

static void is_for_hosts_by_name_or_label(void **state UNUSED)
{
	static const struct {
		const char *hosts, *labels; /* of the bundle, one each, or NULL */
		const char *host, *label;   /* of the host */
		bool is_for;
	} cases[] = {
		{NULL, NULL, "web-1", NULL, true},	{NULL, NULL, "web-1", "eu", true},
		{"web-1", NULL, "web-1", NULL, true},	{"web-1", NULL, "web-2", NULL, false},
		{"web-1", NULL, "web-10", NULL, false}, {"web-*", NULL, "web-", NULL, true},
		{"web-*", NULL, "web", NULL, false},	{"*", NULL, "web", NULL, true},
		{"*.eu", NULL, "web.eu", NULL, true},	{"*.eu", NULL, "web.eu.us", NULL, false},
		{"WEB", NULL, "web", NULL, false},	{NULL, "eu", "web-1", NULL, false},
		{NULL, "eu", "web-1", "eu", true},	{NULL, "eu", "eu", NULL, false},
		{NULL, "eu", "web-1", "us", false},	{"web-1", "eu", "web-1", "us", true},
		{"web-1", "eu", "db-1", "eu", true},	{"web-1", "eu", "db-1", "us", false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *hosts[] = {(char *)cases[i].hosts}, *labels[] = {(char *)cases[i].labels};
		char *label[] = {(char *)cases[i].label};
		const struct config_terms terms = {.hosts = hosts,
						   .host_count = cases[i].hosts != NULL,
						   .labels = labels,
						   .label_count = cases[i].labels != NULL};
		if (config_terms_are_for(&terms, cases[i].host, label, cases[i].label != NULL) != cases[i].is_for)
			fail_msg("case %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_every_key),
		cmocka_unit_test(has_defaults),
		cmocka_unit_test(refuses_with_the_expected_errors),
		cmocka_unit_test(is_for_hosts_by_name_or_label),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
