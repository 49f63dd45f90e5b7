/* What good configurations mean: every key, the defaults, the look-ups, the canonical texts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/config/keys.h"
#include "base/io.h"
#include "base/limits.h"
#include "config_files.h"

#define EVERY_KEY "tests/data/config/good-every-key.conf"
#define SAMPLE	  "conf/vouchfs.conf"
#define MANUAL	  "conf/man/vouchfs.conf.5"

static const struct config *load_copy(struct config_files *files, const char *path)
{
	struct buf bytes = {0};
	assert_int_equal(io_read_path(path, 65536, &bytes), 0);
	config_files_write(files, "vouchfs.conf", bytes.data, bytes.len);
	buf_done(&bytes);
	int r = config_files_load(files);
	if (r != 0)
		fail_msg("%s: %d\n%s", path, r, files->errors.data ? files->errors.data : "");
	assert_int_equal(files->errors.len, 0);
	return files->config;
}

static void takes_every_key_of_the_host(void **state)
{
	struct config_files *files = *state;
	const struct config *config = load_copy(files, EVERY_KEY);
	char store[256], anchor[256], authority[256];
	(void)snprintf(store, sizeof(store), "%s/store", files->dir);
	(void)snprintf(anchor, sizeof(anchor), "%s/store-anchor", files->dir);

	assert_string_equal(config->path, files->main_path);
	assert_string_equal(config->account, "111122223333");
	assert_string_equal(config->region, "eu-central-1");
	assert_string_equal(config->store, store);
	assert_string_equal(config->anchor, anchor);
	assert_int_equal(config->keep_releases, 1000);
	assert_true(config->max_artifact_bytes == 4294967295);
	assert_true(config->max_unpacked_bytes == 1);
	assert_true(config->staging_ttl_s == 90 * 60);
	assert_string_equal(config->user, "no-such-user");
	assert_true(config->inflate_cache_bytes == 0);
	assert_int_equal(config->errno_style, CONFIG_ERRNO_PERMISSION);
	assert_false(config->durable);
	(void)snprintf(authority, sizeof(authority), "%s/trust/tsa.pem", files->dir);
	assert_string_equal(config->timestamp_authority, authority);
	assert_int_equal(config->log, LOG_TO_JSON);
	(void)snprintf(authority, sizeof(authority), "%s/hooks", files->dir);
	assert_string_equal(config->hooks, authority);
	assert_true(config->has_hooks_user);
	assert_int_equal(config->hooks_user, 65534);
	assert_int_equal(config->hooks_timeout_s, 60);
	assert_string_equal(config->metrics_textfile, "/srv/metrics/vouchfs.prom");
	assert_true(config->metrics_interval_s == 15);
}

static void takes_every_key_of_trust(void **state)
{
	struct config_files *files = *state;
	const struct config *config = load_copy(files, EVERY_KEY);
	char certificate[256];
	(void)snprintf(certificate, sizeof(certificate), "%s/trust/a.pem", files->dir);

	const struct config_account *account = config_find_account(config, "111122223333");
	assert_string_equal(account->certificate, certificate);
	assert_string_equal(account->revocations, "/srv/a.revocations");
	assert_false(account->revocations_required);
	assert_null(config_find_account(config, "222233334444")->revocations);
	assert_null(config_find_account(config, "333344445555"));

	const struct config_code_signing *approved = config_find_code_signing(config, "approved");
	assert_string_equal(approved->description, "a; b = c: [d]");
	assert_int_equal(approved->publisher_count, 2);
	assert_string_equal(approved->publishers[0].scope.account, "222233334444");
	assert_string_equal(approved->publishers[0].version, "");
	assert_string_equal(approved->publishers[1].version, "a1B2c3D4e5");
	assert_int_equal(approved->deployment, CONFIG_ENFORCE);
	assert_int_equal(approved->on_load, CONFIG_IGNORE);
	assert_int_equal(approved->mismatch, CONFIG_WARN);
	assert_int_equal(approved->expiry, CONFIG_WARN);
	assert_int_equal(approved->revocation, CONFIG_WARN);
	assert_true(approved->timestamp_required);
	assert_false(config_find_code_signing(config, "defaults")->timestamp_required);
	assert_null(config_find_code_signing(config, "approve"));
}

static void takes_every_key_of_slots_and_principals(void **state)
{
	const struct config *config = load_copy(*state, EVERY_KEY);

	const struct config_slot *slot = config_find_function(config, "main");
	assert_ptr_equal(slot->code_signing, config_find_code_signing(config, "approved"));
	assert_true(slot->has_owner && slot->has_group && !slot->is_pattern);
	assert_int_equal(slot->owner, 0);
	assert_int_equal(slot->group, 12345);
	assert_int_equal(slot->mode, 0750);

	const struct config_slot *pattern = config_find_function(config, "main-x");
	assert_null(pattern->code_signing);
	assert_true(pattern->is_pattern && !pattern->has_owner && !pattern->has_group);
	assert_int_equal(pattern->mode, 0775);

	const struct config_slot *layer = config_find_layer(config, "base");
	assert_true(layer->has_owner && layer->has_group);
	assert_true(layer->owner == 4294967294U);
	assert_int_equal(layer->group, 0);
	assert_int_equal(layer->mode, 0700);
	assert_string_equal(config_find_layer(config, "other")->name, "*");

	assert_int_equal(config->principal_count, 1);
	assert_string_equal(config->principals[0].account, "555555555555");
	assert_int_equal(config->principals[0].user_count, 2);
	assert_int_equal(config->principals[0].group_count, 1);
	assert_string_equal(config->principals[0].organization, "o-a1b2c3d4e5");
}

static void fills_in_the_defaults(void **state)
{
	struct config_files *files = *state;
	config_files_good(files, "");
	assert_int_equal(config_files_load(files), 0);
	const struct config *config = files->config;

	assert_string_equal(config->region, "local");
	assert_string_equal(config->store, "/var/lib/vouchfs");
	assert_null(config->anchor);
	assert_null(config->user);
	assert_null(config->timestamp_authority);
	assert_int_equal(config->keep_releases, 3);
	assert_true(config->max_artifact_bytes == LIMIT_ARTIFACT_BYTES_DEFAULT);
	assert_true(config->max_unpacked_bytes == LIMIT_UNPACKED_BYTES_DEFAULT);
	assert_true(config->staging_ttl_s == 24 * 60 * 60);
	assert_true(config->inflate_cache_bytes == 67108864);
	assert_int_equal(config->errno_style, CONFIG_ERRNO_KEY);
	assert_true(config->durable);
	assert_int_equal(config->log, LOG_TO_AUTO);
	assert_null(config->hooks);
	assert_false(config->has_hooks_user);
	assert_int_equal(config->hooks_timeout_s, 10);
	assert_null(config->metrics_textfile);
	assert_true(config->metrics_interval_s == 60);

	const struct config_code_signing *approved = &config->code_signing[0];
	assert_string_equal(approved->description, "");
	assert_int_equal(approved->deployment, CONFIG_WARN);
	assert_int_equal(approved->mismatch, CONFIG_WARN);
	assert_int_equal(approved->expiry, CONFIG_WARN);
	assert_int_equal(approved->revocation, CONFIG_WARN);
	assert_int_equal(approved->on_load, CONFIG_WARN);
}

static void demands_revocation_lists_by_default(void **state)
{
	struct config_files *files = *state;
	config_files_good(files, "[account 222233334444]\ncertificate = b.pem\nrevocations = b.revocations\n");
	assert_int_equal(config_files_load(files), 0);
	assert_true(config_find_account(files->config, "222233334444")->revocations_required);
	assert_false(config_find_account(files->config, "111122223333")->revocations_required);
}

static void sets_one_check_by_itself(void **state)
{
	const struct config *config = load_copy(*state, EVERY_KEY);
	const struct config_code_signing *one = config_find_code_signing(config, "one-by-itself");
	assert_int_equal(one->deployment, CONFIG_ENFORCE);
	assert_int_equal(one->mismatch, CONFIG_ENFORCE);
	assert_int_equal(one->expiry, CONFIG_WARN);
	assert_int_equal(one->revocation, CONFIG_ENFORCE);
}

/* The host's account signs nothing here, so it needs no section. */
static void needs_no_section_for_an_account_that_does_not_publish(void **state)
{
	struct config_files *files = *state;
	config_files_puts(files, "vouchfs.conf", "[vouchfs]\naccount = 999999999999\n");
	assert_int_equal(config_files_load(files), 0);
	assert_int_equal(files->config->account_count, 0);
}

static void takes_a_line_of_the_longest_length(void **state)
{
	struct config_files *files = *state;
	char description[LIMIT_CONFIG_LINE_BYTES - 14 + 1], more[512];
	memset(description, 'x', sizeof(description) - 1);
	description[sizeof(description) - 1] = '\0';
	(void)snprintf(more, sizeof(more), "[code-signing-config approved]\ndescription = %s\n[layer x]", description);
	config_files_good(files, more); /* and the last line ends without LF */
	assert_int_equal(config_files_load(files), 0);
	assert_string_equal(files->config->code_signing[0].description, description);
	assert_int_equal(files->config->layer_count, 1);
}

static void takes_a_section_name_of_the_longest_length(void **state)
{
	struct config_files *files = *state;
	config_files_good(files, "[function aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd]\ncode_signing_config = none\n");
	assert_int_equal(config_files_load(files), 0);
	assert_non_null(config_find_function(files->config, "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd"));
}

static void finds_the_most_specific_function(void **state)
{
	static const struct {
		const char *name, *section;
	} cases[] = {
		{"team-a-x", "team-a-x"},
		{"team-a-y", "team-a-*"},
		{"team-a-", "team-a-*"},
		{"team-b-y", "team-*"},
		{"team-a-x-worker", "team-a-*"},
		{"team-b-worker", "*-worker"},
		{"ab-worker", "*-worker"},
		{"other", "*"},
		{"a1b2c", "a*b*c"},
		{"abc", "a*b*c"},
		{"abbbc", "a*b*c"},
		{"ab", "*"},
		{"", NULL},
		{"team/a", NULL},
		{"team-a-*", NULL},
	};
	struct config_files *files = *state;
	config_files_good(files, "[function *]\ncode_signing_config = none\n"
				 "[function team-*]\ncode_signing_config = none\n"
				 "[function *-worker]\ncode_signing_config = none\n"
				 "[function team-a-*]\ncode_signing_config = none\n"
				 "[function team-a-x]\ncode_signing_config = none\n"
				 "[function a*b*c]\ncode_signing_config = none\n");
	assert_int_equal(config_files_load(files), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct config_slot *slot = config_find_function(files->config, cases[i].name);
		const char *found = slot ? slot->name : "none", *expected = cases[i].section;
		if (strcmp(found, expected ? expected : "none") != 0)
			fail_msg("%s: expected [function %s], found %s", cases[i].name, expected, found);
	}
}

static void breaks_ties_between_patterns(void **state)
{
	struct config_files *files = *state;
	config_files_good(files, "[function x*y*]\ncode_signing_config = none\n"
				 "[function *xxy]\ncode_signing_config = none\n"
				 "[function xxy*]\ncode_signing_config = none\n");
	assert_int_equal(config_files_load(files), 0);
	assert_string_equal(config_find_function(files->config, "xxy")->name, "xxy*");
	assert_string_equal(config_find_function(files->config, "axxy")->name, "*xxy");
	assert_string_equal(config_find_function(files->config, "xzy")->name, "x*y*");
}

/* The rule as config.h says it, without an index: every section is looked at. */
static bool matches(const char *pattern, const char *name)
{
	if (*pattern == '*')
		return matches(pattern + 1, name) || (*name && matches(pattern, name + 1));
	return *pattern ? *pattern == *name && matches(pattern + 1, name + 1) : !*name;
}

static bool goes_before(const struct config_slot *a, const struct config_slot *b)
{
	if (!b || a->is_pattern != b->is_pattern)
		return !b || !a->is_pattern;
	const size_t longer[] = {strlen(a->name), strlen(b->name)};
	size_t stars[2] = {0};
	for (size_t i = 0; a->name[i]; i++)
		stars[0] += a->name[i] == '*';
	for (size_t i = 0; b->name[i]; i++)
		stars[1] += b->name[i] == '*';
	if (longer[0] != longer[1])
		return longer[0] > longer[1];
	if (stars[0] != stars[1])
		return stars[0] < stars[1];
	if (strcspn(a->name, "*") != strcspn(b->name, "*"))
		return strcspn(a->name, "*") > strcspn(b->name, "*");
	return strcmp(a->name, b->name) < 0;
}

static const struct config_slot *search_all(const struct config *config, const char *name)
{
	const struct config_slot *best = NULL;
	for (size_t i = 0; i < config->function_count; i++)
		if (matches(config->functions[i].name, name) && goes_before(&config->functions[i], best))
			best = &config->functions[i];
	return best;
}

/* Short names of few letters, so that many sections match. A linear congruence: the same ones in every run. */
static void make_name(uint32_t *seed, const char *letters, char ret[8])
{
	size_t len = 0;
	for (unsigned wanted = 1 + (*seed >> 16) % 6; len < wanted; len++) {
		*seed = *seed * 1664525U + 1013904223U;
		ret[len] = letters[(*seed >> 16) % strlen(letters)];
		len -= len > 0 && ret[len] == '*' && ret[len - 1] == '*'; /* no two stars side by side */
	}
	ret[len] = '\0';
}

static void finds_what_a_search_of_all_sections_finds(void **state)
{
	struct config_files *files = *state;
	struct buf text = {0};
	uint32_t seed = 1;
	char name[8];
	size_t found = 0, by_pattern = 0;
	for (unsigned i = 0; i < 200; i++) {
		char header[32];
		make_name(&seed, "abc*", name);
		(void)snprintf(header, sizeof(header), "[function %s]\n", name);
		if (!text.data || !strstr(text.data, header))
			assert_int_equal(buf_printf(&text, "%scode_signing_config = none\n", header), 0);
	}
	config_files_good(files, "");
	config_files_put_conf_d(files, "many.conf", text.data);
	assert_int_equal(config_files_load(files), 0);
	for (unsigned i = 0; i < 5000; i++) {
		make_name(&seed, "abcd", name);
		const struct config_slot *expected = search_all(files->config, name);
		assert_ptr_equal(config_find_function(files->config, name), expected);
		found += expected != NULL;
		by_pattern += expected && expected->is_pattern;
	}
	assert_in_range(by_pattern, 100, found - 100);
	buf_done(&text);
}

static bool is_group(void *ctx, gid_t group)
{
	return group == *(const gid_t *)ctx;
}

static void finds_the_principal_by_user_then_by_group(void **state)
{
	static const gid_t groups[] = {7, 2002, 2001};
	struct config_files *files = *state;
	config_files_good(files, "[principal 555555555555]\nuser = 1001\ngroup = 2001\n"
				 "[principal 666666666666]\ngroup = 2002\nuser = 1002\n");
	assert_int_equal(config_files_load(files), 0);
	const struct config *config = files->config;
	assert_string_equal(config_find_principal(config, 1001, groups, 3)->account, "555555555555");
	assert_string_equal(config_find_principal(config, 1003, groups, 3)->account, "666666666666");
	assert_null(config_find_principal(config, 1003, groups, 1));
	assert_null(config_find_principal(config, 2001, NULL, 0));
	gid_t group = 2002;
	assert_string_equal(config_identify(config, 1001, is_group, &group)->account, "555555555555");
	assert_string_equal(config_identify(config, 1003, is_group, &group)->account, "666666666666");
	assert_null(config_identify(config, 1003, NULL, NULL));
	group = 7;
	assert_null(config_identify(config, 1003, is_group, &group));
}

static void tells_names_from_other_texts(void **state UNUSED)
{
	char longest[LIMIT_FUNCTION_NAME_BYTES + 2];
	memset(longest, 'a', sizeof(longest));
	longest[LIMIT_FUNCTION_NAME_BYTES] = '\0';
	assert_true(config_is_function_name("A-z_09"));
	assert_true(config_is_function_name(longest));
	longest[LIMIT_FUNCTION_NAME_BYTES] = 'a';
	longest[LIMIT_FUNCTION_NAME_BYTES + 1] = '\0';
	assert_false(config_is_function_name(longest));
	assert_false(config_is_function_name(""));
	assert_false(config_is_function_name("a.b"));
	assert_false(config_is_function_name("a*"));
	assert_true(config_is_code_signing_name("aaaaaaaaaabbbbbbbbbbccccccccc"));
	assert_false(config_is_code_signing_name("aaaaaaaaaabbbbbbbbbbcccccccccc"));
	assert_false(config_is_code_signing_name("none"));
}

/* The canonical text of a configuration made of a fixed part and these sections; free it. */
static char *canonical_of(struct config_files *files, const char *more)
{
	config_files_good(files, more);
	assert_int_equal(config_files_load(files), 0);
	return strdup(files->config->canonical);
}

static void canonical_text_forgets_the_order(void **state)
{
	char *a = canonical_of(*state, "[layer a]\nmode = 0700\ngroup = 5\n[layer b]\n"
				       "[principal 555555555555]\nuser = 1\nuser = 2\n");
	char *b = canonical_of(*state, "; comment\n[principal 555555555555]\nuser = 2\nuser = 1\n"
				       "[layer b]\n\n[layer a]\ngroup = 5\nmode=700\n");
	assert_string_equal(a, b);
	free(a);
	free(b);
}

static void canonical_text_changes_with_every_value(void **state)
{
	static const char *const variants[] = {
		"",
		"mode = 0770\n",
		"group = 0\n",
		"owner = 0\n",
		"[function x]\ncode_signing_config = none\n",
		"[layer x]\n",
		"[layer x]\nmode = 0770\n",
		"[principal 555555555555]\nuser = 1\n",
		"[principal 555555555555]\ngroup = 1\n",
		"[principal 555555555555]\ngroup = 1\norganization = o-a1b2c3d4e5\n",
		"[vouchfs]\nregion = x\n",
		"[vouchfs]\nstore = /x\n",
		"[vouchfs]\nanchor = /x\n",
		"[vouchfs]\nuser = x\n",
		"[vouchfs]\nkeep_releases = 4\n",
		"[vouchfs]\nmax_artifact_size = 4\n",
		"[vouchfs]\nmax_unpacked_size = 4\n",
		"[vouchfs]\nstaging_ttl = 4\n",
		"[vouchfs]\ninflate_cache = 4\n",
		"[vouchfs]\nerrno_style = permission\n",
		"[vouchfs]\ndurability = none\n",
		"[vouchfs]\nlog = json\n",
		"[vouchfs]\nhooks = /x\n",
		"[vouchfs]\nhooks_user = 0\n",
		"[vouchfs]\nhooks_timeout = 4\n",
		"[vouchfs]\nmetrics_textfile = /x.prom\n",
		"[vouchfs]\nmetrics_interval = 4\n",
		"[account 111122223333]\nrevocations = x\n",
		"[account 222233334444]\ncertificate = x\nrevocations = x\n",
		"[account 222233334444]\ncertificate = x\nrevocations = x\nrevocations_required = no\n",
		"[code-signing-config approved]\ndescription = x\n",
		"[code-signing-config approved]\nuntrusted_artifact_on_load = Enforce\n",
		"[code-signing-config approved]\nuntrusted_artifact_on_deployment = Enforce\n",
		"[code-signing-config approved]\nmismatch = Enforce\n",
		"[code-signing-config approved]\nexpiry = Enforce\n",
		"[code-signing-config approved]\nrevocation = Enforce\n",
	};
	char *texts[ARRAY_SIZE(variants)];
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++)
		texts[i] = canonical_of(*state, variants[i]);
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(texts[i], texts[k]) == 0)
				fail_msg("the same text for\n%sand\n%s", variants[i], variants[k]);
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++)
		free(texts[i]);
}

static void canonical_text_of_a_config_is_how_it_judges(void **state)
{
#define PUBLISHER "allowed_publisher = arn:vouchfs:signer:local:111122223333:/signing-profiles/"
	struct config_files *files = *state;
	config_files_good(files, "[code-signing-config a]\n" PUBLISHER "one\n" PUBLISHER "two\n"
				 "untrusted_artifact_on_deployment = Enforce\n"
				 "[code-signing-config b]\n" PUBLISHER "two\n" PUBLISHER "one\ndescription = b\n"
				 "mismatch = Enforce\nexpiry = Enforce\nrevocation = Enforce\n"
				 "[code-signing-config c]\n" PUBLISHER "two\n" PUBLISHER "one\n");
	assert_int_equal(config_files_load(files), 0);
	const char *a = config_find_code_signing(files->config, "a")->canonical;
	assert_string_equal(a, config_find_code_signing(files->config, "b")->canonical);
	assert_string_not_equal(a, config_find_code_signing(files->config, "c")->canonical);
}

static void sample_loads(void **state)
{
	const struct config *config = load_copy(*state, SAMPLE);
	assert_int_equal(config->code_signing[0].publisher_count, 2);
	assert_int_equal(config->code_signing[0].revocation, CONFIG_ENFORCE);
	assert_int_equal(config->code_signing[0].expiry, CONFIG_WARN);
}

/* A key is in the table, in the sample and in the manual page, or it is in none of them. */
static void sample_and_manual_name_every_key(void **state UNUSED)
{
	struct buf sample = {0}, manual = {0};
	assert_int_equal(io_read_path(SAMPLE, 65536, &sample), 0);
	assert_int_equal(io_read_path(MANUAL, 65536, &manual), 0);
	for (size_t i = 0; i < KIND_COUNT; i++) {
		for (const struct key *key = kinds[i].keys; key->name; key++) {
			if (!strstr(sample.data, key->name))
				fail_msg("%s does not name %s", SAMPLE, key->name);
			if (!strstr(manual.data, key->name))
				fail_msg("%s does not name %s", MANUAL, key->name);
		}
	}
	buf_done(&sample);
	buf_done(&manual);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, config_files_setup, config_files_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(takes_every_key_of_the_host),
		TEST(takes_every_key_of_trust),
		TEST(takes_every_key_of_slots_and_principals),
		TEST(fills_in_the_defaults),
		TEST(demands_revocation_lists_by_default),
		TEST(sets_one_check_by_itself),
		TEST(needs_no_section_for_an_account_that_does_not_publish),
		TEST(takes_a_line_of_the_longest_length),
		TEST(takes_a_section_name_of_the_longest_length),
		TEST(finds_the_most_specific_function),
		TEST(breaks_ties_between_patterns),
		TEST(finds_what_a_search_of_all_sections_finds),
		TEST(finds_the_principal_by_user_then_by_group),
		cmocka_unit_test(tells_names_from_other_texts),
		TEST(canonical_text_forgets_the_order),
		TEST(canonical_text_changes_with_every_value),
		TEST(canonical_text_of_a_config_is_how_it_judges),
		TEST(sample_loads),
		cmocka_unit_test(sample_and_manual_name_every_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
