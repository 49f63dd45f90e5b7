/* The file layers of a function: what may stand in it, how tools write it, who may use what. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/slots/internal.h"
#include "base/text.h"
#include "layers_fixture.h"
#include "zip_builder.h"

/* ---- what may stand in it ---- */

static void lists_that_say_nothing(void **state)
{
	static const struct {
		const char *text;
		int error;
		const char *why;
	} cases[] = {
		{"base\n", -EINVAL,
		 "line 1 of layers: expected a layer version, NAME:VERSION or its ARN, and found \"base\""},
		{"base:0\n", -EINVAL, "found \"base:0\""},
		{"base:01\n", -EINVAL, "found \"base:01\""},
		{"base:1 \n", -EINVAL, "found \"base:1 \""},
		{"base:1\r\n", -EINVAL, "which ends in a carriage return"},
		{"base:1\n\n", -EINVAL,
		 "line 2 of layers: expected a layer version, NAME:VERSION or its ARN, and found an empty line"},
		{"\n", -EINVAL, "to remove all layers, remove the file"},
		{"# base\nbase:1\n", -EINVAL, "line 1 of layers"},
		{"base:1:2\n", -EINVAL, "line 1 of layers"},
		{"../x:1\n", -EINVAL, "line 1 of layers"},
		{"base:1\n\x1b[31m\n", -EINVAL, "found \"\\x1b[31m\""},
		{"base:1\nbase:1\n", -EINVAL, "line 2 of layers: layer base is named already, in version 1"},
		{"arn:vouchfs:lambda:local:" OTHER ":layer:base:1\n", -EINVAL, "is not of this host"},
		{"arn:vouchfs:lambda:local:" GATE_FIXTURE_ACCOUNT ":layer:base\n", -EINVAL, "line 1 of layers"},
		{"base:2\n", -ENOENT, "there is no layer version base:2"},
		{"base:18446744073709551615\n", -ENOENT, "there is no layer version"},
		{"nosuch:1\n", -ENOENT, "there is no layer version nosuch:1"},
	};
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "relaxed", "one"); /* Warn waives none of this */
	assert_int_equal(layers_fixture_attach(f, RELAXED, "tools:1\n"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (layers_fixture_attach(f, RELAXED, cases[i].text) != cases[i].error)
			fail_msg("%s", cases[i].text);
		layers_fixture_assert_why(f, "relaxed", cases[i].why);
		layers_fixture_assert_why(f, "relaxed", "release 2 is still served");
	}
	assert_int_equal(layers_fixture_release(f, "relaxed"), 2);
	layers_fixture_assert_list(f, RELAXED, "tools:1\n");
}

static void at_most_five(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	layers_fixture_publish(f, "l3", "3", "3", true);
	layers_fixture_publish(f, "l4", "4", "4", true);
	layers_fixture_publish(f, "l5", "5", "5", true);
	layers_fixture_publish(f, "l6", "6", "6", true);
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1\ntools:1\nl3:1\nl4:1\nl5:1\nl6:1\n"), -E2BIG);
	layers_fixture_assert_why(f, "main", "VF4002 refused");
	layers_fixture_assert_why(f, "main", "line 6 of layers: a function has at most 5 layers");
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1\ntools:1\nl3:1\nl4:1\nl5:1\n"), 0);
	char *long_list = calloc(1, LIMIT_LAYER_LIST_BYTES + 2);
	assert_non_null(long_list);
	memset(long_list, 'a', LIMIT_LAYER_LIST_BYTES + 1);
	assert_int_equal(layers_fixture_attach(f, MAIN, long_list), -E2BIG);
	free(long_list);
}

static void code_and_layers_have_a_limit_together(void **state)
{
	struct slots_fixture *f = *state;
	char content[4096];
	memset(content, 'x', sizeof(content) - 1);
	content[sizeof(content) - 1] = '\0';
	layers_fixture_publish(f, "big", "big", content, true);
	layers_fixture_configure(f, "keep_releases = 2\nmax_unpacked_size = 4098\n", slots_fixture_rest);
	slots_fixture_deploy(f, "main", "one"); /* 3 + 4095 bytes are exactly as many */
	assert_int_equal(layers_fixture_attach(f, MAIN, "big:1\n"), 0);
	struct buf zip = slots_fixture_zip(f, "four");
	assert_int_equal(slots_fixture_put(f, MAIN, "a.zip", &zip), -E2BIG);
	layers_fixture_assert_why(f, "main",
				  "code and layers together have 4099 bytes unpacked, at most 4098 are allowed");
	assert_int_equal(slots_fixture_unlink(f, MAIN, "layers"), 0);
	assert_int_equal(slots_fixture_put(f, MAIN, "a.zip", &zip), 0);
	assert_int_equal(layers_fixture_attach(f, MAIN, "big:1\n"), -E2BIG);
	layers_fixture_assert_why(f, "main", "VF4002 refused");
	buf_done(&zip);
}

/* ---- how tools write ---- */

static void the_completing_write_hears_it(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(slots_fixture_open(f, MAIN, "layers", &file), 0);
	assert_int_equal(deploy_flush(file), 0); /* the shell's early close */
	assert_int_equal(deploy_write(file, "plain:1", 7, 0), 0);
	assert_int_equal(deploy_write(file, "\n", 1, 7), -ENOKEY);
	assert_int_equal(deploy_flush(file), -ENOKEY);
	deploy_release(file);
	assert_int_equal(layers_fixture_release(f, "main"), 1);

	assert_int_equal(slots_fixture_open(f, MAIN, "layers", &file), 0);
	assert_int_equal(deploy_write(file, "base:1\n", 7, 0), 0);
	assert_int_equal(layers_fixture_release(f, "main"), 1); /* the publication waits */
	assert_int_equal(deploy_write(file, "tools:1\n", 8, 7), 0);
	assert_int_equal(deploy_flush(file), 0);
	assert_int_equal(deploy_flush(file), 0);
	deploy_release(file);
	assert_int_equal(layers_fixture_release(f, "main"), 2);
	layers_fixture_assert_list(f, MAIN, "base:1\ntools:1\n");
}

/* Shells write a line at a time and go on where one has failed: the rest of a list is not another list. */
static void what_follows_a_refused_line_is_refused(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	const uint64_t empty = 0;
	struct slots_attr attr;
	const struct tree_change truncation = {.size_bytes = &empty};
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(slots_fixture_open(f, MAIN, "layers", &file), 0);
	assert_int_equal(deploy_write(file, "base:1\n", 7, 0), 0);
	assert_int_equal(deploy_write(file, "plain:1\n", 8, 7), -ENOKEY);
	assert_int_equal(deploy_write(file, "tools:1\n", 8, 7), -ENOKEY);
	assert_int_equal(deploy_flush(file), -ENOKEY);
	assert_int_equal(layers_fixture_release(f, "main"), 1);
	assert_int_equal(slots_fixture_deploy_path(f, MAIN "/layers", &attr), 0);
	assert_int_equal(deploy_setattr(f->slots, attr.node, file, &truncation, &attr), 0); /* begins anew */
	deploy_forget(f->slots, attr.node, 1);
	assert_int_equal(deploy_write(file, "base:1\n", 7, 0), 0);
	assert_int_equal(deploy_flush(file), 0);
	deploy_release(file);
	layers_fixture_assert_list(f, MAIN, "base:1\n");
}

static int rename_in(struct slots_fixture *f, const char *text)
{
	const struct buf bytes = {.data = (char *)(uintptr_t)text, .len = strlen(text)};
	assert_int_equal(slots_fixture_put(f, MAIN, ".layers.Ab3xYz", &bytes), 0);
	return slots_fixture_rename(f, MAIN, ".layers.Ab3xYz", "layers");
}

static void rename_is_a_verdict(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(rename_in(f, "plain:1\n"), -ENOKEY);
	assert_int_equal(slots_fixture_deploy_has(f, MAIN "/.layers.Ab3xYz"), 0); /* the tool's to remove */
	assert_int_equal(slots_fixture_unlink(f, MAIN, ".layers.Ab3xYz"), 0);
	assert_int_equal(rename_in(f, "base:1\n"), 0);
	layers_fixture_assert_list(f, MAIN, "base:1\n");
	assert_int_equal(slots_fixture_rename(f, MAIN, "layers", "layers~"), 0); /* an editor's backup */
	assert_int_equal(layers_fixture_release(f, "main"), 2);
	layers_fixture_assert_list(f, MAIN, "base:1\n");
	assert_int_equal(slots_fixture_rename(f, MAIN, "a.zip", "layers"), -EINVAL);
	assert_int_equal(rename_in(f, ""), 0); /* rsync of an empty file */
	layers_fixture_assert_no_list(f, MAIN);
	assert_int_equal(layers_fixture_release(f, "main"), 3);
}

/* `echo tools:1 >> layers` */
static void appending_begins_with_what_is_there(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr attr;
	struct tree_handle *file;
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1\n"), 0);
	assert_int_equal(slots_fixture_deploy_path(f, MAIN "/layers", &attr), 0);
	assert_int_equal(attr.size_bytes, 7);
	assert_int_equal(deploy_open(f->slots, attr.node, O_WRONLY, &slots_fixture_caller, &file), 0);
	assert_int_equal(deploy_write(file, "tools:1\n", 8, 7), 0);
	assert_int_equal(deploy_flush(file), 0);
	deploy_release(file);
	deploy_forget(f->slots, attr.node, 1);
	layers_fixture_assert_list(f, MAIN, "base:1\ntools:1\n");
}

static void a_list_has_times_of_its_own(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr attr;
	const struct timespec mtime = {.tv_sec = 77, .tv_nsec = 5};
	const struct tree_change change = {.mtime = &mtime};
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1\n"), 0);
	assert_int_equal(slots_fixture_deploy_path(f, MAIN "/layers", &attr), 0);
	assert_int_equal(deploy_setattr(f->slots, attr.node, NULL, &change, &attr), 0);
	deploy_forget(f->slots, attr.node, 1);
	slots_fixture_restart(f);
	assert_int_equal(slots_fixture_deploy_path(f, MAIN "/layers", &attr), 0);
	assert_true(attr.mtime.tv_sec == 77 && attr.mtime.tv_nsec == 5);
	deploy_forget(f->slots, attr.node, 1);
	assert_int_equal(slots_fixture_deploy_path(f, MAIN "/a.zip", &attr), 0);
	assert_true(attr.mtime.tv_sec != 77);
	deploy_forget(f->slots, attr.node, 1);
}

static void unlink_removes_the_layers(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(slots_fixture_unlink(f, MAIN, "layers"), -ENOENT);
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1\n"), 0);
	assert_int_equal(slots_fixture_unlink(f, MAIN, "layers"), 0);
	layers_fixture_assert_no_list(f, MAIN);
	assert_int_equal(layers_fixture_release(f, "main"), 3);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/3/opt/which"), -ENOENT);
	layers_fixture_assert_served(f, ".releases/main/3/task/marker", "one");
}

/* rm -r of a slot that was made: the artifact's name does not come back when the layers go. */
static void a_removed_name_stays_removed(void **state)
{
	struct slots_fixture *f = *state;
	assert_int_equal(slots_fixture_mkdir(f, "functions", "team-a"), 0);
	slots_fixture_deploy(f, "team-a", "one");
	assert_int_equal(layers_fixture_attach(f, "functions/team-a", "base:1\n"), 0);
	assert_int_equal(slots_fixture_unlink(f, "functions/team-a", "a.zip"), 0);
	assert_int_equal(slots_fixture_rmdir(f, "functions", "team-a"), -ENOTEMPTY);
	assert_int_equal(slots_fixture_unlink(f, "functions/team-a", "layers"), 0);
	assert_int_equal(slots_fixture_deploy_has(f, "functions/team-a/a.zip"), -ENOENT);
	assert_int_equal(slots_fixture_rmdir(f, "functions", "team-a"), 0);
}

/* ---- whose layers ---- */

static bool in_no_group(void *ctx UNUSED, gid_t group UNUSED)
{
	return false;
}

static bool has_secret_groups(void *ctx UNUSED)
{
	return false;
}

static int attach_by(struct slots_fixture *f, const struct slots_caller *caller, const char *text)
{
	struct slots_attr directory, attr;
	struct tree_handle *file;
	assert_int_equal(slots_fixture_deploy_path(f, MAIN, &directory), 0);
	assert_int_equal(
		deploy_create(f->slots, directory.node, "layers", O_WRONLY | O_CREAT | O_TRUNC, caller, &attr, &file),
		0);
	int r = deploy_write(file, text, strlen(text), 0);
	if (r == 0)
		r = deploy_flush(file);
	deploy_release(file);
	deploy_forget(f->slots, attr.node, 1);
	deploy_forget(f->slots, directory.node, 1);
	return r;
}

static int attach_as(struct slots_fixture *f, uid_t uid, const char *text)
{
	const struct slots_caller caller = {.who = {.uid = uid, .command = "cp"}, .in_group = in_no_group};
	return attach_by(f, &caller, text);
}

static void permit(struct slots_fixture *f, const char *layer, const struct layer_statement *statement)
{
	struct layer_policy policy;
	assert_int_equal(layer_policy_load(f->slots->store, layer, 1, &policy), 0);
	assert_int_equal(layer_policy_add(&policy, statement), 0);
	assert_int_equal(layer_policy_save(f->slots->store, layer, 1, &policy), 0);
}

static void another_account_needs_a_statement(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(attach_as(f, GUEST, "base:1\n"), -EACCES);
	layers_fixture_assert_why(f, "main", "VF2005 refused");
	layers_fixture_assert_why(f, "main",
				  "account " OTHER " is not permitted lambda:GetLayerVersion on layer version base:1");
	layers_fixture_assert_why(
		f, "main",
		"vouchfs lambda add-layer-version-permission --layer-name base --version-number 1 --statement-id "
		"use-by-" OTHER " --action lambda:GetLayerVersion --principal " OTHER);
	assert_int_equal(attach_as(f, GUEST, "nosuch:1\n"), -EACCES); /* learns nothing */

	permit(f, "base", &(struct layer_statement){.id = "org", .principal = "*", .organization = ORGANIZATION});
	assert_int_equal(attach_as(f, GUEST, "base:1\n"), -EACCES);
	permit(f, "base", &(struct layer_statement){.id = "other", .principal = OTHER});
	assert_int_equal(attach_as(f, GUEST, "base:1\n"), 0);
	assert_int_equal(attach_as(f, GUEST, "base:1\ntools:1\n"), -EACCES);
	permit(f, "tools", &(struct layer_statement){.id = "all", .principal = "*"});
	assert_int_equal(attach_as(f, GUEST, "base:1\ntools:1\n"), 0);
	assert_int_equal(attach_as(f, GUEST + 1, "plain:1\n"), -ENOKEY); /* the host's own account */
}

static void an_organization_is_its_accounts(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	permit(f, "base", &(struct layer_statement){.id = "a", .principal = "*", .organization = "o-0000000000"});
	assert_int_equal(attach_as(f, MEMBER, "base:1\n"), -EACCES);
	permit(f, "base", &(struct layer_statement){.id = "b", .principal = "*", .organization = ORGANIZATION});
	assert_int_equal(attach_as(f, MEMBER, "base:1\n"), 0);
	assert_int_equal(attach_as(f, GUEST, "base:1\n"), -EACCES);
}

/* Who may be in a group that has an account is not taken for somebody of the host's own. */
static void whose_groups_are_hidden_is_nobody(void **state)
{
	static const char by_group[] = "[principal 888899990000]\ngroup = 4712\n";
	struct slots_caller caller = {.who = {.uid = 4300, .command = "cp"}, .in_group = in_no_group};
	struct slots_fixture *f = *state;
	char rest[2048];
	slots_fixture_deploy(f, "main", "one");
	caller.knows_groups = has_secret_groups;
	assert_int_equal(attach_by(f, &caller, "base:1\n"), 0); /* no section asks for groups */

	(void)snprintf(rest, sizeof(rest), "%s%s", slots_fixture_rest, by_group);
	layers_fixture_configure(f, layers_fixture_head, rest);
	assert_int_equal(attach_by(f, &caller, "base:1\n"), -EACCES);
	layers_fixture_assert_why(f, "main", "it cannot be told for which account the caller acts");
	caller.knows_groups = NULL;
	assert_int_equal(attach_by(f, &caller, "base:1\n"), 0);
	caller.knows_groups = has_secret_groups;
	permit(f, "tools", &(struct layer_statement){.id = "all", .principal = "*"});
	assert_int_equal(attach_by(f, &caller, "tools:1\n"), 0);
	caller.who.uid = MEMBER; /* a user is known by his number */
	assert_int_equal(attach_by(f, &caller, "base:1\n"), -EACCES);
	layers_fixture_assert_why(f, "main", "account " MEMBER_ACCOUNT " is not permitted");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, layers_fixture_setup, slots_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lists_that_say_nothing),
		TEST(at_most_five),
		TEST(code_and_layers_have_a_limit_together),
		TEST(the_completing_write_hears_it),
		TEST(what_follows_a_refused_line_is_refused),
		TEST(rename_is_a_verdict),
		TEST(appending_begins_with_what_is_there),
		TEST(a_list_has_times_of_its_own),
		TEST(unlink_removes_the_layers),
		TEST(a_removed_name_stays_removed),
		TEST(another_account_needs_a_statement),
		TEST(an_organization_is_its_accounts),
		TEST(whose_groups_are_hidden_is_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
