/* A host's own files under a policy bundle: what is in force, what is left out, and whose word that is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "config_files.h"
#include "members_fixture.h"

#define PUBLISHER "arn:vouchfs:signer:local:111122223333:/signing-profiles/policy"
#define APP	  "arn:vouchfs:signer:local:222233334444:/signing-profiles/app"
#define LOCAL_APP "arn:vouchfs:signer:local:111122223333:/signing-profiles/local"

/* Of a host that says nothing about what is governed. */
static const char host[] = "[vouchfs]\n"
			   "account = 111122223333\n"
			   "[policy]\n"
			   "publisher = " PUBLISHER "\n"
			   "host = web-1\n"
			   "label = eu\n"
			   "[account 111122223333]\n"
			   "certificate = publisher.pem\n";

static const char terms_refuse[] = "[policy]\nsequence = 7\n";
static const char terms_report[] = "[policy]\nsequence = 7\nlocal = report\n";

static const char account[] = "[account 222233334444]\n"
			      "certificate = trust/a.pem\nrevocations = trust/a.revocations\n";
static const char config_section[] = "[code-signing-config approved]\nallowed_publisher = " APP "\n";

static int load(struct config_files *files, const struct members_fixture *bundle)
{
	return config_files_load_governed(files, bundle ? &bundle->members : NULL);
}

static const struct config *load_good(struct config_files *files, const struct members_fixture *bundle)
{
	int r = load(files, bundle);
	if (r != 0)
		fail_msg("%d\n%s", r, files->errors.data ? files->errors.data : "");
	assert_int_equal(files->errors.len, 0);
	return files->config;
}

static void expect_error(struct config_files *files, const struct members_fixture *bundle, const char *text)
{
	assert_int_equal(load(files, bundle), -EINVAL);
	config_files_assert_error(files, text);
}

/* A bundle with trust for one account, one config and one function under it. */
static void fill_whole(struct members_fixture *bundle, const char *terms)
{
	members_none(bundle);
	members_add(bundle, "policy.conf", terms);
	members_add(bundle, "conf.d/10-trust.conf", account);
	members_add(bundle, "conf.d/20-web.conf",
		    "[code-signing-config approved]\nallowed_publisher = " APP "\n"
		    "[function web]\ncode_signing_config = approved\nmode = 0755\n"
		    "[vouchfs]\nkeep_releases = 9\n");
	members_add(bundle, "trust/a.pem", "A CERTIFICATE\n");
	members_add(bundle, "trust/a.revocations", "A LIST\n");
}

/* ---- what is in force ---- */

static void takes_what_the_bundle_says(void **state)
{
	struct config_files *files = *state;
	struct members_fixture bundle;
	fill_whole(&bundle, terms_refuse);
	config_files_puts(files, "vouchfs.conf", host);
	const struct config *config = load_good(files, &bundle);

	assert_true(config->terms->sequence == 7);
	assert_int_equal(config->keep_releases, 9);
	assert_int_equal(config->override_count, 0);
	assert_int_equal(config->function_count, 1);
	const struct config_slot *web = config_find_function(config, "web");
	assert_string_equal(web->code_signing->name, "approved");
	assert_int_equal(web->mode, 0755);
	assert_true(web->origin.in_bundle);
	assert_false(web->origin.in_conf_d);
	assert_string_equal(web->origin.file, "policy.zip:conf.d/20-web.conf");
	assert_int_equal(web->origin.line, 3);

	const struct config_account *a = config_find_account(config, "222233334444");
	assert_true(a->in_bundle);
	assert_string_equal(a->certificate, "trust/a.pem");
	assert_string_equal(a->certificate_text, "A CERTIFICATE\n");
	assert_string_equal(a->revocations, "trust/a.revocations");
	assert_string_equal(a->revocations_text, "A LIST\n");
	assert_true(a->revocations_required);
}

static void keeps_what_the_host_says_of_itself(void **state)
{
	struct config_files *files = *state;
	struct members_fixture bundle;
	fill_whole(&bundle, terms_refuse);
	config_files_puts(files, "vouchfs.conf", host);
	const struct config *config = load_good(files, &bundle);

	assert_string_equal(config->account, "111122223333");
	assert_string_equal(config->policy.host, "web-1");
	assert_int_equal(config->policy.publisher_count, 1);
	const struct config_account *own = config_find_account(config, "111122223333");
	assert_false(own->in_bundle);
	assert_true(text_ends_with(own->certificate, "/publisher.pem"));
	assert_null(own->certificate_text);
	assert_null(own->revocations);
	assert_true(own->revocations_required);
}

static void a_bundles_account_stands_in_the_hosts_place(void **state)
{
	struct config_files *files = *state;
	struct members_fixture bundle;
	fill_whole(&bundle, terms_refuse);
	members_add(&bundle, "conf.d/30-own.conf",
		    "[account 111122223333]\ncertificate = trust/a.pem\nrevocations = /srv/own.revocations\n");
	config_files_puts(files, "vouchfs.conf", host);
	const struct config *config = load_good(files, &bundle);

	assert_int_equal(config->account_count, 2);
	const struct config_account *own = config_find_account(config, "111122223333");
	assert_true(own->in_bundle);
	assert_string_equal(own->certificate_text, "A CERTIFICATE\n");
	assert_string_equal(own->revocations, "/srv/own.revocations");
	assert_null(own->revocations_text);
	assert_int_equal(config->override_count, 0);
}

static void takes_time_stamps_of_the_bundles_authority(void **state)
{
	struct config_files *files = *state;
	struct members_fixture bundle;
	members_none(&bundle);
	members_add(&bundle, "policy.conf", terms_refuse);
	members_add(&bundle, "conf.d/a.conf", "[vouchfs]\ntimestamp_authority = trust/tsa.pem\n");
	members_add(&bundle, "trust/tsa.pem", "A ROOT\n");
	config_files_puts(files, "vouchfs.conf", host);
	assert_string_equal(load_good(files, &bundle)->timestamp_authority_text, "A ROOT\n");
}

static void canonical_text_has_what_the_bundle_says(void **state)
{
	struct config_files *files = *state;
	struct members_fixture bundle;
	fill_whole(&bundle, terms_refuse);
	config_files_puts(files, "vouchfs.conf", host);
	char *before = strdup(load_good(files, &bundle)->canonical);
	assert_non_null(before);
	assert_non_null(strstr(before, "\nsequence: 7\n"));
	assert_non_null(strstr(before, "\ncertificate-text: A CERTIFICATE\\x0a\n"));
	assert_non_null(strstr(before, "\nhost: web-1\n"));
	assert_string_equal(load_good(files, &bundle)->canonical, before);

	bundle.all[4].bytes = "B LIST\n";
	assert_string_not_equal(load_good(files, &bundle)->canonical, before);
	free(before);
}

/* ---- what is left out: each kind of section, declared here, there, in both, under both rules ---- */

static const struct kind_case {
	const char *name;
	const char *in_bundle, *on_host;
	const char *override; /* what is said of it */
} kinds[] = {
	{"code-signing configs", "[code-signing-config approved]\nallowed_publisher = " APP "\n",
	 "[code-signing-config own]\nallowed_publisher = " LOCAL_APP "\n", "code-signing-config own"},
	{"functions", "[function web]\ncode_signing_config = approved\n",
	 "[function mine]\ncode_signing_config = approved\n", "function mine"},
	{"layers", "[layer web]\nmode = 0755\n", "[layer mine]\nmode = 0700\n", "layer mine"},
	{"principals", "[principal 555555555555]\nuser = 0\n", "[principal 666666666666]\nuser = 1\n",
	 "principal 666666666666"},
};

/* The config that functions of both sides are bound to is the bundle's in any case but its own. */
static void fill_case(const struct kind_case *c, const char *terms, bool in_bundle, struct members_fixture *bundle)
{
	members_none(bundle);
	members_add(bundle, "policy.conf", terms);
	members_add(bundle, "conf.d/10-trust.conf", account);
	if (c != &kinds[0])
		members_add(bundle, "conf.d/20-config.conf", config_section);
	if (in_bundle)
		members_add(bundle, "conf.d/30-case.conf", c->in_bundle);
	members_add(bundle, "trust/a.pem", "A CERTIFICATE\n");
	members_add(bundle, "trust/a.revocations", "A LIST\n");
}

static size_t count_kind(const struct config *config, const struct kind_case *c)
{
	const size_t counts[] = {config->code_signing_count, config->function_count, config->layer_count,
				 config->principal_count};
	return counts[c - kinds];
}

static void check_case(struct config_files *files, const struct kind_case *c, bool in_bundle, bool on_host,
		       bool refuses)
{
	struct members_fixture bundle;
	char said[200];
	fill_case(c, refuses ? terms_refuse : terms_report, in_bundle, &bundle);
	config_files_put_conf_d(files, "case.conf", on_host ? c->on_host : "");

	if (in_bundle && on_host && refuses) {
		(void)snprintf(said, sizeof(said),
			       "/conf.d/case.conf:1: [%s] is governed by policy bundle 7 (local = refuse)",
			       c->override);
		expect_error(files, &bundle, said);
		return;
	}
	const struct config *config = load_good(files, &bundle);
	assert_int_equal(count_kind(config, c), in_bundle || on_host ? 1 : 0);
	assert_int_equal(config->override_count, in_bundle && on_host ? 1 : 0);
	if (config->override_count == 0)
		return;
	const struct config_override *o = &config->overrides[0];
	(void)snprintf(said, sizeof(said), "[%s] is not in force: this host's %s come from policy bundle 7",
		       c->override, c->name);
	assert_string_equal(o->text, said);
	assert_string_equal(o->section, c->override);
	assert_null(o->key);
	assert_true(o->in_conf_d);
	assert_int_equal(o->line, 1);
	assert_true(text_ends_with(o->path, "/conf.d/case.conf"));
	assert_int_equal(o->path[0], '/');
}

static void each_kind_is_the_bundles_or_the_hosts(void **state)
{
	config_files_puts(*state, "vouchfs.conf", host);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		for (unsigned bits = 0; bits < 8; bits++)
			check_case(*state, &kinds[i], bits & 1, bits & 2, bits & 4);
}

/* Without a bundle none of them is in force, and nobody minds what they say. */
static void before_a_bundle_nothing_is_in_force(void **state)
{
	struct config_files *files = *state;
	config_files_puts(files, "vouchfs.conf", host);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char said[200];
		config_files_put_conf_d(files, "case.conf", kinds[i].on_host);
		const struct config *config = load_good(files, NULL);
		assert_int_equal(count_kind(config, &kinds[i]), 0);
		assert_int_equal(config->override_count, 1);
		(void)snprintf(said, sizeof(said), "[%s] is not in force: no policy bundle has come yet",
			       kinds[i].override);
		assert_string_equal(config->overrides[0].text, said);
		assert_null(config->terms);
	}
	config_files_put_conf_d(files, "case.conf",
				"[function f]\ncode_signing_config = of-no-bundle\ngroup = no-such-group\n");
	assert_int_equal(load_good(files, NULL)->override_count, 1);
	config_files_put_conf_d(files, "case.conf", "[fnction f]\ncode_signing_config = x\n");
	expect_error(files, NULL, "unknown section [fnction f]");
}

static void without_a_publisher_all_is_the_hosts(void **state)
{
	struct config_files *files = *state;
	struct members_fixture bundle;
	config_files_good(files, "[policy]\nhost = web-1\n");
	const struct config *config = load_good(files, NULL);
	assert_int_equal(config->function_count, 1);
	assert_int_equal(config->override_count, 0);

	fill_whole(&bundle, terms_report);
	expect_error(files, &bundle, "/vouchfs.conf: there is a policy bundle, and [policy] names no \"publisher\"");
}

/* ---- functions that nobody checks ---- */

static void an_unchecked_function_is_not_the_hosts_to_have(void **state)
{
	struct config_files *files = *state;
	struct members_fixture bundle;
	config_files_puts(files, "vouchfs.conf", host);
	config_files_put_conf_d(files, "f.conf", "[function mine]\ncode_signing_config = none\n");
	fill_case(&kinds[1], terms_report, false, &bundle);
	const struct config *config = load_good(files, &bundle);
	assert_int_equal(config->function_count, 0);
	assert_int_equal(config->override_count, 1);
	assert_non_null(strstr(config->overrides[0].text, "needs a code-signing config other than \"none\""));

	fill_case(&kinds[1], terms_refuse, false, &bundle);
	expect_error(files, &bundle, "/conf.d/f.conf:1: [function mine] has code_signing_config = none");
}

static void an_unchecked_function_is_the_bundles_to_have(void **state)
{
	struct config_files *files = *state;
	struct members_fixture bundle;
	config_files_puts(files, "vouchfs.conf", host);
	fill_case(&kinds[1], terms_refuse, false, &bundle);
	members_add(&bundle, "conf.d/40.conf", "[function open]\ncode_signing_config = none\n");
	assert_null(config_find_function(load_good(files, &bundle), "open")->code_signing);
}

/* ---- keys, and sections in pieces ---- */

static void a_key_of_the_bundle_is_not_the_hosts(void **state)
{
	struct config_files *files = *state;
	struct members_fixture bundle;
	char main_text[1024];
	(void)snprintf(main_text, sizeof(main_text), "%s[vouchfs]\nkeep_releases = 2\nstaging_ttl = 1h\n", host);
	config_files_puts(files, "vouchfs.conf", main_text);
	fill_whole(&bundle, terms_report);
	const struct config *config = load_good(files, &bundle);
	assert_int_equal(config->keep_releases, 9);
	assert_true(config->staging_ttl_s == 3600);
	assert_int_equal(config->override_count, 1);
	const struct config_override *o = &config->overrides[0];
	assert_string_equal(o->section, "vouchfs");
	assert_string_equal(o->key, "keep_releases");
	assert_string_equal(o->text, "keep_releases of [vouchfs] is not in force: policy bundle 7 says what it is");
	assert_false(o->in_conf_d);
	assert_int_equal(o->line, 10);
	assert_string_equal(o->path, files->main_path);

	fill_whole(&bundle, terms_refuse);
	expect_error(files, &bundle, "vouchfs.conf:10: keep_releases of [vouchfs] is governed by policy bundle 7");
}

/* Each file that says something has to go, and they are told of in their order. */
static void a_section_in_pieces_is_told_of_in_each_file(void **state)
{
	struct config_files *files = *state;
	struct members_fixture bundle;
	char main_text[1024];
	(void)snprintf(main_text, sizeof(main_text), "%s[layer z]\nmode = 0700\n", host);
	config_files_puts(files, "vouchfs.conf", main_text);
	config_files_put_conf_d(files, "10.conf", "[function mine]\ncode_signing_config = approved\nmode = 0700\n");
	config_files_put_conf_d(files, "20.conf",
				"; more\n[function mine]\ngroup = 0\n[function also]\ncode_signing_config = x\n");
	fill_whole(&bundle, terms_report);
	members_add(&bundle, "conf.d/40.conf", "[layer web]\n");
	const struct config *config = load_good(files, &bundle);

	static const struct {
		const char *file, *section;
		unsigned line;
	} expected[] = {
		{"/vouchfs.conf", "layer z", 9},
		{"/conf.d/10.conf", "function mine", 1},
		{"/conf.d/20.conf", "function mine", 3},
		{"/conf.d/20.conf", "function also", 4},
	};
	assert_int_equal(config->override_count, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		const struct config_override *o = &config->overrides[i];
		assert_true(text_ends_with(o->path, expected[i].file));
		assert_true(text_ends_with(o->file, expected[i].file));
		assert_string_equal(o->section, expected[i].section);
		assert_int_equal(o->line, expected[i].line);
	}
}

/* ---- whom a bundle is for ---- */

static void a_bundle_for_others_is_refused_in_one_line(void **state)
{
	static const struct {
		const char *terms;
		bool is_ours;
	} cases[] = {
		{"hosts = web-*\n", true},
		{"hosts = db-1 web-1\n", true},
		{"hosts = db-*\n", false},
		{"hosts = web-10 w\n", false},
		{"labels = eu\n", true},
		{"labels = us\nlabels = eu\n", true},
		{"labels = us\n", false},
		{"hosts = db-1\nlabels = eu\n", true},
		{"hosts = web-1\nlabels = us\n", true},
		{"hosts = db-1\nlabels = e\n", false},
	};
	struct config_files *files = *state;
	config_files_puts(files, "vouchfs.conf", host);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct members_fixture bundle;
		char terms[200];
		(void)snprintf(terms, sizeof(terms), "%s%s", terms_refuse, cases[i].terms);
		fill_whole(&bundle, terms);
		members_add(&bundle, "conf.d/99.conf", "[layer x]\ngroup = no-such-group-here\n");
		assert_int_equal(load(files, &bundle), -EINVAL);
		const char *expected = cases[i].is_ours ? "there is no such group" : "this host is called \"web-1\"";
		if (!strstr(files->errors.data, expected))
			fail_msg("%s: %s", cases[i].terms, files->errors.data);
		assert_ptr_equal(strchr(files->errors.data, '\n'), files->errors.data + files->errors.len - 1);
	}
}

static void says_for_whom_a_bundle_is(void **state)
{
	struct members_fixture bundle;
	config_files_puts(*state, "vouchfs.conf", host);
	fill_whole(&bundle, "[policy]\nsequence = 7\nhosts = db-* mail\nlabels = us\n");
	expect_error(*state, &bundle,
		     "/vouchfs.conf:3: policy bundle 7 is not for this host, but for the hosts db-* mail and those "
		     "with one of the labels us; this "
		     "host is called \"web-1\" and has the labels eu: [policy] \"host\" and \"label\" say so");
}

/* ---- a bundle stands on its own ---- */

static void a_bundle_needs_nothing_of_the_host(void **state)
{
	struct config_files *files = *state;
	struct members_fixture bundle;
	char main_text[1024];
	(void)snprintf(main_text, sizeof(main_text),
		       "%s[code-signing-config own]\nallowed_publisher = " LOCAL_APP "\n"
		       "[account 999999999999]\ncertificate = x.pem\nrevocations_required = no\n"
		       "[vouchfs]\ntimestamp_authority = tsa.pem\n",
		       host);
	config_files_puts(files, "vouchfs.conf", main_text);

	members_none(&bundle);
	members_add(&bundle, "policy.conf", terms_report);
	members_add(&bundle, "conf.d/a.conf", "[function web]\ncode_signing_config = own\n");
	expect_error(files, &bundle,
		     "policy.zip:conf.d/a.conf:2: there is no [code-signing-config \"own\"] in the bundle");

	bundle.all[1].bytes = "[code-signing-config c]\n"
			      "allowed_publisher = arn:vouchfs:signer:local:999999999999:/signing-profiles/other\n";
	bundle.all[1].len = strlen(bundle.all[1].bytes);
	expect_error(files, &bundle,
		     "policy.zip:conf.d/a.conf:2: the publisher's account 999999999999 is not trusted: "
		     "there is no [account 999999999999] in the bundle");

	fill_whole(&bundle, terms_report);
	members_add(&bundle, "conf.d/a.conf",
		    "[code-signing-config c]\nallowed_publisher = " APP "\ntimestamp = required\n");
	expect_error(files, &bundle, "policy.zip:conf.d/a.conf:3: timestamp = required");
}

static void a_bundles_groups_have_to_be_on_the_host(void **state)
{
	struct members_fixture bundle;
	config_files_puts(*state, "vouchfs.conf", host);
	fill_whole(&bundle, terms_report);
	members_add(&bundle, "conf.d/a.conf", "[layer x]\ngroup = no-such-group-here\n");
	expect_error(*state, &bundle,
		     "policy.zip:conf.d/a.conf:2: group = \"no-such-group-here\": there is no such group");
}

/* ---- a file that is about to change ---- */

static void a_change_that_is_governed_is_an_override(void **state)
{
	struct config_files *files = *state;
	struct members_fixture bundle;
	static const char text[] = "[function mine]\ncode_signing_config = approved\n";
	const struct config_change change = {.name = "mine.conf", .text = text, .len = sizeof(text) - 1};
	config_files_puts(files, "vouchfs.conf", host);
	fill_whole(&bundle, terms_refuse);
	assert_int_equal(
		config_load_changed(files->main_path, &change, &bundle.members, &files->config, &files->errors), 0);
	assert_int_equal(files->config->override_count, 1);
	assert_string_equal(files->config->overrides[0].section, "function mine");
	assert_null(config_find_function(files->config, "mine"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, config_files_setup, config_files_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(takes_what_the_bundle_says),
		TEST(keeps_what_the_host_says_of_itself),
		TEST(a_bundles_account_stands_in_the_hosts_place),
		TEST(takes_time_stamps_of_the_bundles_authority),
		TEST(canonical_text_has_what_the_bundle_says),
		TEST(each_kind_is_the_bundles_or_the_hosts),
		TEST(before_a_bundle_nothing_is_in_force),
		TEST(without_a_publisher_all_is_the_hosts),
		TEST(an_unchecked_function_is_not_the_hosts_to_have),
		TEST(an_unchecked_function_is_the_bundles_to_have),
		TEST(a_key_of_the_bundle_is_not_the_hosts),
		TEST(a_section_in_pieces_is_told_of_in_each_file),
		TEST(a_bundle_for_others_is_refused_in_one_line),
		TEST(says_for_whom_a_bundle_is),
		TEST(a_bundle_needs_nothing_of_the_host),
		TEST(a_bundles_groups_have_to_be_on_the_host),
		TEST(a_change_that_is_governed_is_an_override),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
