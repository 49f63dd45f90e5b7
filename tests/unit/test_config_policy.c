/* [policy] of a host: its keys, its defaults, and where it may stand. Refused values: tests/data/config. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/policy.h"
#include "config_files.h"

#define PUBLISHER "publisher = arn:vouchfs:signer:local:111122223333:/signing-profiles/policy\n"

static const struct config *load_good(struct config_files *files, const char *policy)
{
	config_files_good(files, policy);
	int r = config_files_load(files);
	if (r != 0)
		fail_msg("%d\n%s", r, files->errors.data ? files->errors.data : "");
	return files->config;
}

static void takes_every_key(void **state)
{
	struct config_files *files = *state;
	char ca[256];
	const struct config_policy *policy =
		&load_good(files,
			   "[policy]\n" PUBLISHER
			   "publisher = arn:vouchfs:signer:local:111122223333:/signing-profiles/other/a1B2c3D4e5\n"
			   "source = https://policy.example.org:8443/p.zip?x=1\n"
			   "source_ca = ca.pem\nsource_user = 65534\npoll_interval = 1d\n"
			   "host = web-1.example.org\nlabel = eu\nlabel = tier_1\n"
			   "owner = 65533\ngroup = 65532\nmode = 0750\n")
			 ->policy;
	(void)snprintf(ca, sizeof(ca), "%s/ca.pem", files->dir);
	assert_int_equal(policy->publisher_count, 2);
	assert_string_equal(policy->publishers[0].name, "policy");
	assert_string_equal(policy->source, "https://policy.example.org:8443/p.zip?x=1");
	assert_string_equal(policy->source_ca, ca);
	assert_true(policy->has_source_user);
	assert_int_equal(policy->source_user, 65534);
	assert_true(policy->poll_interval_s == 86400);
	assert_string_equal(policy->host, "web-1.example.org");
	assert_int_equal(policy->label_count, 2);
	assert_string_equal(policy->labels[1], "tier_1");
	assert_true(policy->slot.has_owner && policy->slot.has_group);
	assert_int_equal(policy->slot.owner, 65533);
	assert_int_equal(policy->slot.group, 65532);
	assert_int_equal(policy->slot.mode, 0750);
}

static void has_defaults(void **state)
{
	char host[256] = "";
	const struct config_policy *policy = &load_good(*state, "")->policy;
	assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
	assert_int_equal(policy->publisher_count, 0);
	assert_null(policy->source);
	assert_null(policy->source_ca);
	assert_false(policy->has_source_user);
	assert_true(policy->poll_interval_s == CONFIG_POLL_INTERVAL_DEFAULT_S);
	assert_string_equal(policy->host, host);
	assert_int_equal(policy->label_count, 0);
	assert_false(policy->slot.has_owner || policy->slot.has_group);
	assert_int_equal(policy->slot.mode, 0775);
	assert_string_equal(policy->slot.name, "policy");
}

static void takes_a_file_as_source(void **state)
{
	assert_string_equal(
		load_good(*state, "[policy]\n" PUBLISHER "source = file:///srv/policy.zip\n")->policy.source,
		"file:///srv/policy.zip");
}

static void stands_in_the_main_file_alone(void **state)
{
	struct config_files *files = *state;
	config_files_good(files, "[policy]\nhost = web-1\n");

	config_files_put_conf_d(files, "a.conf", "[policy]\n" PUBLISHER);
	config_files_expect_error(files, "/conf.d/a.conf:2: [policy] stands in the main file alone");
	config_files_put_conf_d(files, "a.conf", "[policy]\nlabel = eu\n");
	config_files_expect_error(files, "/conf.d/a.conf:2: [policy] stands in the main file alone");
	config_files_good(files, "");
	config_files_put_conf_d(files, "a.conf", "\n[policy]\n");
	config_files_expect_error(files, "/conf.d/a.conf:2: [policy] stands in the main file alone");
}

/* Nor by another certificate for the publisher, nor by doing without a list. Other accounts may stand there. */
static void a_publishers_account_stands_in_the_main_file_alone(void **state)
{
	static const char main_text[] = "[vouchfs]\naccount = 111122223333\n[policy]\n" PUBLISHER;
	static const char account[] = "[account 111122223333]\ncertificate = a.pem\n";
	static const char expected[] = "the account of a [policy] publisher stands in the main file alone";
	struct config_files *files = *state;
	char path[256], text[512];
	(void)snprintf(path, sizeof(path), "%s/conf.d", files->dir);
	assert_int_equal(mkdir(path, 0755), 0);
	config_files_puts(files, "vouchfs.conf", main_text);
	config_files_puts(files, "conf.d/a.conf", account);
	config_files_expect_error(files, expected);
	(void)snprintf(text, sizeof(text), "%s%s", main_text, account);
	config_files_puts(files, "vouchfs.conf", text);
	config_files_puts(files, "conf.d/a.conf", "[account 111122223333]\nrevocations_required = no\n");
	config_files_expect_error(files, expected);
	config_files_puts(files, "conf.d/a.conf",
			  "[account 444455556666]\ncertificate = a.pem\nrevocations = a.list\n");
	assert_int_equal(config_files_load(files), 0);
	assert_int_equal(files->config->account_count, 2);
}

/* Its list comes in its bundles; everybody else's has to be named, and without a publisher its too. */
static void a_publishers_account_needs_no_list(void **state)
{
	static const char main_text[] = "[vouchfs]\naccount = 111122223333\n"
					"[account 111122223333]\ncertificate = a.pem\n";
	struct config_files *files = *state;
	char text[512];
	(void)snprintf(text, sizeof(text), "%s[policy]\n" PUBLISHER, main_text);
	config_files_puts(files, "vouchfs.conf", text);
	assert_int_equal(config_files_load(files), 0);
	assert_null(files->config->accounts[0].revocations);
	assert_true(files->config->accounts[0].revocations_required);

	config_files_puts(files, "vouchfs.conf", main_text);
	config_files_expect_error(files, "[account 111122223333] has no \"revocations\"");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, config_files_setup, config_files_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(takes_every_key),
		TEST(has_defaults),
		TEST(takes_a_file_as_source),
		TEST(stands_in_the_main_file_alone),
		TEST(a_publishers_account_stands_in_the_main_file_alone),
		TEST(a_publishers_account_needs_no_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
