/* A bundle as it is packed: what is known to be wrong without a host (tests/data/bundle_conf), and what is not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_expect.h"
#include "members_fixture.h"

#define DATA	  "tests/data/bundle_conf"
#define FILES_MIN 35

static const char terms[] = "[policy]\nsequence = 7\nhosts = of-another-name\n";

/* Names the files that the cases may or may not name. */
static const char trust[] = "[account 999999999999]\n"
			    "certificate = trust/a.pem\n"
			    "revocations = trust/a.revocations\n";

static const char good[] = "[account 222233334444]\n"
			   "certificate = trust/a.pem\n"
			   "revocations = /srv/on-the-hosts.revocations\n"
			   "[code-signing-config approved]\n"
			   "allowed_publisher = arn:vouchfs:signer:local:222233334444:/signing-profiles/app\n"
			   "untrusted_artifact_on_deployment = Enforce\n"
			   "[function web-*]\n"
			   "code_signing_config = approved\n"
			   "owner = no-such-user-anywhere\n"
			   "group = no-such-group-anywhere\n"
			   "[function open]\n"
			   "code_signing_config = none\n"
			   "[layer base]\n"
			   "group = 4294967295\n"
			   "[principal 555555555555]\n"
			   "user = no-such-user-anywhere\n"
			   "group = dev\n"
			   "[vouchfs]\n"
			   "keep_releases = 5\n"
			   "timestamp_authority = trust/tsa.pem\n";

static void fill(struct members_fixture *bundle, const char *text)
{
	members_none(bundle);
	members_add(bundle, "policy.conf", terms);
	members_add(bundle, "conf.d/00-trust.conf", trust);
	members_add(bundle, "conf.d/web.conf", text);
	members_add(bundle, "trust/a.pem", "A\n");
	members_add(bundle, "trust/a.revocations", "L\n");
}

static void expect_error(const struct members_fixture *bundle, const char *expected)
{
	struct buf errors = {0};
	struct config *config = NULL;
	assert_int_equal(config_load_bundle(&bundle->members, &config, &errors), -EINVAL);
	assert_null(config);
	assert_string_equal(errors.data, expected);
	buf_done(&errors);
}

static struct config *load_good(const struct members_fixture *bundle)
{
	struct buf errors = {0};
	struct config *config = NULL;
	int r = config_load_bundle(&bundle->members, &config, &errors);
	if (r != 0 || errors.len > 0)
		fail_msg("%d\n%s", r, errors.data ? errors.data : "");
	buf_done(&errors);
	return config;
}

static void takes_what_a_host_may_not_have(void **state UNUSED)
{
	struct members_fixture bundle;
	fill(&bundle, good);
	members_add(&bundle, "trust/tsa.pem", "T\n");
	struct config *config = load_good(&bundle);
	assert_true(config->terms->sequence == 7);
	assert_int_equal(config->function_count, 2);
	assert_string_equal(config_find_function(config, "web-1")->code_signing->name, "approved");
	assert_true(config_find_function(config, "web-1")->has_group);
	assert_string_equal(config_find_function(config, "web-1")->origin.file, "conf.d/web.conf");
	assert_int_equal(config->layer_count, 1);
	assert_int_equal(config->principal_count, 1);
	assert_int_equal(config->keep_releases, 5);
	assert_string_equal(config->timestamp_authority_text, "T\n");
	assert_string_equal(config_find_account(config, "222233334444")->revocations, "/srv/on-the-hosts.revocations");
	assert_int_equal(config->override_count, 0);
	config_free(config);
}

static void knows_of_no_host(void **state UNUSED)
{
	struct members_fixture bundle;
	fill(&bundle, "");
	struct config *config = load_good(&bundle);
	assert_null(config->path);
	assert_null(config->store);
	assert_string_equal(config->account, "");
	assert_string_equal(config->region, "");
	assert_string_equal(config->policy.host, "");
	config_free(config);
}

/* Who owns what is told apart by name. */
static void canonical_text_is_as_written(void **state UNUSED)
{
	struct members_fixture bundle;
	fill(&bundle, "[layer x]\ngroup = a\nmode = 0700\n");
	struct config *config = load_good(&bundle);
	assert_non_null(strstr(config->canonical, "\nsection: layer x\ngroup: a\nmode: 0700\n"));
	assert_non_null(strstr(config->canonical, "\nsequence: 7\n"));
	struct config *other = NULL;
	fill(&bundle, "; as above\n[layer x]\nmode = 0700\ngroup = a\n");
	other = load_good(&bundle);
	assert_string_equal(config->canonical, other->canonical);
	config_free(other);
	fill(&bundle, "[layer x]\nmode = 0700\ngroup = b\n");
	other = load_good(&bundle);
	assert_string_not_equal(config->canonical, other->canonical);
	config_free(other);
	config_free(config);
}

static void check_file(void *ctx UNUSED, const char *name, const struct buf *bytes)
{
	struct members_fixture bundle;
	struct buf errors = {0};
	struct config *config = NULL;
	fill(&bundle, bytes->data);
	int r = config_load_bundle(&bundle.members, &config, &errors);
	if (r != -EINVAL || config)
		fail_msg("%s: expected -EINVAL, found %d", name, r);
	config_expect_errors(name, bytes->data, "conf.d/web.conf", errors.data);
	buf_done(&errors);
}

static void refuses_with_the_expected_errors(void **state UNUSED)
{
	config_expect_each(DATA, FILES_MIN, check_file, NULL);
}

/* ---- what stands in no single file ---- */

static void refuses_a_file_that_nothing_names(void **state UNUSED)
{
	struct members_fixture bundle;
	fill(&bundle, "");
	members_add(&bundle, "trust/left-over.pem", "X\n");
	expect_error(&bundle,
		     "trust/left-over.pem: no section of the bundle names this file; name it, or take it out\n");
}

static void refuses_what_is_no_file_of_a_bundle(void **state UNUSED)
{
	static const char *const names[] = {"README", "conf.d/.hidden.conf", "conf.d/x.txt", "conf.d/a/b.conf",
					    "trust"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct members_fixture bundle;
		char expected[200];
		fill(&bundle, "");
		members_add(&bundle, names[i], "");
		(void)snprintf(expected, sizeof(expected),
			       "%s: not a file of a bundle; expected policy.conf, conf.d/<name>.conf or trust/<file>\n",
			       names[i]);
		expect_error(&bundle, expected);
	}
}

static void refuses_one_without_policy_conf(void **state UNUSED)
{
	struct members_fixture bundle;
	members_none(&bundle);
	expect_error(&bundle, "policy.conf: a bundle must have it: [policy] with at least a \"sequence\"\n");
}

static void refuses_text_with_a_nul(void **state UNUSED)
{
	struct members_fixture bundle;
	fill(&bundle, "");
	bundle.all[3].len = 3;
	bundle.all[3].bytes = "A\0B";
	expect_error(&bundle, "conf.d/00-trust.conf:2: certificate = \"trust/a.pem\": the file holds a NUL byte; "
			      "expected text\n");
}

/* Of a section that stands in two files, each key stands in one. */
static void refuses_a_key_in_two_files(void **state UNUSED)
{
	struct members_fixture bundle;
	fill(&bundle, "[account 999999999999]\nrevocations_required = yes\ncertificate = trust/a.pem\n");
	expect_error(&bundle, "conf.d/web.conf:3: \"certificate\" is set twice in [account 999999999999]; first at "
			      "conf.d/00-trust.conf:2\n");
}

static void tells_of_errors_in_the_order_of_files(void **state UNUSED)
{
	struct members_fixture bundle;
	fill(&bundle, "[layer x]\nmode = 9\n");
	bundle.all[0].bytes = "[policy]\nsequence = 0\n";
	bundle.all[0].len = strlen(bundle.all[0].bytes);
	members_add(&bundle, "conf.d/z.conf", "[layer y]\nmode = 9\n");
	struct buf errors = {0};
	struct config *config = NULL;
	assert_int_equal(config_load_bundle(&bundle.members, &config, &errors), -EINVAL);
	const char *first = strstr(errors.data, "policy.conf:2: "),
		   *second = strstr(errors.data, "conf.d/web.conf:2: "),
		   *third = strstr(errors.data, "conf.d/z.conf:2: ");
	assert_true(first && second && third && first < second && second < third);
	buf_done(&errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_a_host_may_not_have),
		cmocka_unit_test(knows_of_no_host),
		cmocka_unit_test(canonical_text_is_as_written),
		cmocka_unit_test(refuses_with_the_expected_errors),
		cmocka_unit_test(refuses_a_file_that_nothing_names),
		cmocka_unit_test(refuses_what_is_no_file_of_a_bundle),
		cmocka_unit_test(refuses_one_without_policy_conf),
		cmocka_unit_test(refuses_text_with_a_nul),
		cmocka_unit_test(refuses_a_key_in_two_files),
		cmocka_unit_test(tells_of_errors_in_the_order_of_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
