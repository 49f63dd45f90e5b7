/* The file layers of a function: what may stand in it, what it does, who may use what, and what becomes of releases. */
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
#include "gate/layer_policy.h"
#include "slots_fixture.h"
#include "zip_builder.h"

#define MAIN	"functions/main"
#define RELAXED "functions/relaxed"
#define OTHER	"444455556666"
#define GUEST	4242

static const char head[] = "keep_releases = 2\n";
static const char layers[] = "[layer *]\n[principal " OTHER "]\nuser = 4242\n";

static void configure(struct slots_fixture *f, const char *vouchfs_lines, const char *rest)
{
	char text[4096];
	(void)snprintf(text, sizeof(text), "%s%s", rest, layers);
	slots_fixture_configure(f, vouchfs_lines, text);
}

static void reload(struct slots_fixture *f)
{
	struct buf errors = {0};
	if (slots_reload(f->slots, &errors) != 0)
		fail_msg("%s", errors.data);
	buf_done(&errors);
}

/* A layer with one file, named and filled as it is itself; signed by alice, by nobody, or broken after that. */
enum kind { SIGNED, UNSIGNED };

static void publish(struct slots_fixture *f, const char *layer, const char *file, const char *content, enum kind kind)
{
	char directory[96];
	struct zip_builder z = {0};
	(void)zip_builder_add(&z, file, content);
	struct buf zip = zip_builder_finish(&z), signed_zip = {0};
	trust_fixture_sign_zip(&f->host->alice, zip.data, zip.len, &signed_zip);
	(void)snprintf(directory, sizeof(directory), "layers/%s", layer);
	if (slots_fixture_deploy_has(f, directory) < 0)
		assert_int_equal(slots_fixture_mkdir(f, "layers", layer), 0);
	assert_int_equal(slots_fixture_put(f, directory, "new.zip", kind == SIGNED ? &signed_zip : &zip), 0);
	buf_done(&zip);
	buf_done(&signed_zip);
}

static int setup(void **state)
{
	int r = slots_fixture_setup(state);
	if (r < 0)
		return r;
	struct slots_fixture *f = *state;
	configure(f, head, slots_fixture_rest);
	reload(f);
	publish(f, "base", "which", "base 1", SIGNED);
	publish(f, "tools", "tool", "tools 1", SIGNED);
	publish(f, "plain", "plain", "plain 1", UNSIGNED);
	return 0;
}

static int attach(struct slots_fixture *f, const char *directory, const char *text)
{
	const struct buf bytes = {.data = (char *)(uintptr_t)text, .len = strlen(text)};
	return slots_fixture_put(f, directory, "layers", &bytes);
}

static void assert_why(struct slots_fixture *f, const char *function, const char *part)
{
	char path[96];
	struct buf why = {0};
	(void)snprintf(path, sizeof(path), ".vouchfs/why/functions/%s", function);
	slots_fixture_read(f, path, &why);
	gate_fixture_assert_says(&why, part);
	buf_done(&why);
}

static void assert_list(struct slots_fixture *f, const char *directory, const char *expected)
{
	char path[96];
	struct buf text = {0};
	(void)snprintf(path, sizeof(path), "%s/layers", directory);
	slots_fixture_read(f, path, &text);
	assert_string_equal(text.data, expected);
	assert_true(slots_fixture_lists(f, directory, "layers"));
	buf_done(&text);
}

static void assert_no_list(struct slots_fixture *f, const char *directory)
{
	char path[96];
	(void)snprintf(path, sizeof(path), "%s/layers", directory);
	assert_int_equal(slots_fixture_deploy_has(f, path), -ENOENT);
	assert_false(slots_fixture_lists(f, directory, "layers"));
}

static void assert_served(struct slots_fixture *f, const char *path, const char *expected)
{
	int error;
	const char *found = slots_fixture_marker(f, path, &error);
	if (error != 0)
		fail_msg("%s: %s", path, strerror(-error));
	assert_string_equal(found, expected);
}

static uint64_t release_of(struct slots_fixture *f, const char *function)
{
	struct slot *slot;
	assert_int_equal(slot_find(f->slots, function, &slot), 0);
	struct release *current = slot_current(slot);
	uint64_t number = current ? current->record->number : 0;
	release_put(current);
	return number;
}

/* ---- attaching ---- */

static void a_list_makes_a_release_of_the_same_artifact(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	assert_no_list(f, MAIN);
	assert_int_equal(attach(f, MAIN, "base:1\narn:vouchfs:lambda:local:" GATE_FIXTURE_ACCOUNT ":layer:tools:1\n"),
			 0);
	assert_int_equal(release_of(f, "main"), 2);
	assert_served(f, ".releases/main/2/task/marker", "one");
	assert_served(f, ".releases/main/2/opt/which", "base 1");
	assert_served(f, ".releases/main/2/opt/tool", "tools 1");
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/1/opt/which"), -ENOENT);
	assert_list(f, MAIN, "base:1\narn:vouchfs:lambda:local:" GATE_FIXTURE_ACCOUNT ":layer:tools:1\n");
	assert_true(slots_fixture_lists(f, MAIN, "a.zip"));
	assert_why(f, "main", "accepted  slot=functions/main  artifact=layers");
	assert_why(f, "main", "  layer base:1      ok  " GATE_FIXTURE_ARN "\n");
	assert_int_equal(slots_fixture_count_records(f, "\"layers\":\"base:1 accepted, tools:1 accepted\""), 1);

	int error;
	struct slots_attr attr;
	struct run_data data;
	assert_int_equal(slots_fixture_run_path(f, ".releases/main/2/release.json", &attr), 0);
	error = run_read(f->slots, attr.node, 65536, 0, &data);
	assert_int_equal(error, 0);
	assert_non_null(memmem(data.bytes, data.len, "\"layer\": \"base\"", 15));
	assert_non_null(memmem(data.bytes, data.len, "\"artifact\": \"a.zip\"", 19));
	run_data_done(&data);
	run_forget(f->slots, attr.node, 1);
}

static void an_artifact_keeps_the_layers(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(attach(f, MAIN, "base:1\n"), 0);
	slots_fixture_deploy(f, "main", "two");
	assert_served(f, ".releases/main/3/task/marker", "two");
	assert_served(f, ".releases/main/3/opt/which", "base 1");
	assert_list(f, MAIN, "base:1\n");
	assert_why(f, "main", "  layer base:1      ok");

	slots_fixture_restart(f);
	assert_list(f, MAIN, "base:1\n");
	assert_served(f, ".releases/main/3/opt/which", "base 1");
	assert_int_equal(attach(f, MAIN, "tools:1"), 0); /* the last line may lack its end */
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/4/opt/which"), -ENOENT);
	assert_served(f, ".releases/main/4/opt/tool", "tools 1");
}

/* A version that is removed stays with those that have it, also over a restart. */
static void a_version_that_is_removed_stays_attached(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(attach(f, MAIN, "base:1\n"), 0);
	assert_int_equal(slots_fixture_unlink(f, "layers/base", "1.zip"), 0);
	assert_served(f, ".releases/main/2/opt/which", "base 1");
	slots_fixture_restart(f);
	assert_served(f, ".releases/main/2/opt/which", "base 1");
	slots_fixture_deploy(f, "main", "two");
	assert_served(f, ".releases/main/3/opt/which", "base 1");
	assert_int_equal(attach(f, MAIN, "base:1\n"), -ENOENT);
	assert_why(f, "main", "VF4001 refused");
	assert_why(f, "main", "line 1 of layers: there is no layer version base:1");
}

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
	assert_int_equal(attach(f, RELAXED, "tools:1\n"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (attach(f, RELAXED, cases[i].text) != cases[i].error)
			fail_msg("%s", cases[i].text);
		assert_why(f, "relaxed", cases[i].why);
		assert_why(f, "relaxed", "release 2 is still served");
	}
	assert_int_equal(release_of(f, "relaxed"), 2);
	assert_list(f, RELAXED, "tools:1\n");
}

static void at_most_five(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	publish(f, "l3", "3", "3", SIGNED);
	publish(f, "l4", "4", "4", SIGNED);
	publish(f, "l5", "5", "5", SIGNED);
	publish(f, "l6", "6", "6", SIGNED);
	assert_int_equal(attach(f, MAIN, "base:1\ntools:1\nl3:1\nl4:1\nl5:1\nl6:1\n"), -E2BIG);
	assert_why(f, "main", "VF4002 refused");
	assert_why(f, "main", "line 6 of layers: a function has at most 5 layers");
	assert_int_equal(attach(f, MAIN, "base:1\ntools:1\nl3:1\nl4:1\nl5:1\n"), 0);
	char *long_list = calloc(1, LIMIT_LAYER_LIST_BYTES + 2);
	assert_non_null(long_list);
	memset(long_list, 'a', LIMIT_LAYER_LIST_BYTES + 1);
	assert_int_equal(attach(f, MAIN, long_list), -E2BIG);
	free(long_list);
}

static void code_and_layers_have_a_limit_together(void **state)
{
	struct slots_fixture *f = *state;
	char content[4096];
	memset(content, 'x', sizeof(content) - 1);
	content[sizeof(content) - 1] = '\0';
	publish(f, "big", "big", content, SIGNED);
	configure(f, "keep_releases = 2\nmax_unpacked_size = 4098\n", slots_fixture_rest);
	reload(f);
	slots_fixture_deploy(f, "main", "one"); /* 3 + 4095 bytes are exactly as many */
	assert_int_equal(attach(f, MAIN, "big:1\n"), 0);
	struct buf zip = slots_fixture_zip(f, "four");
	assert_int_equal(slots_fixture_put(f, MAIN, "a.zip", &zip), -E2BIG);
	assert_why(f, "main", "code and layers together have 4099 bytes unpacked, at most 4098 are allowed");
	assert_int_equal(slots_fixture_unlink(f, MAIN, "layers"), 0);
	assert_int_equal(slots_fixture_put(f, MAIN, "a.zip", &zip), 0);
	assert_int_equal(attach(f, MAIN, "big:1\n"), -E2BIG);
	assert_why(f, "main", "VF4002 refused");
	buf_done(&zip);
}

static void an_artifact_comes_first(void **state)
{
	struct slots_fixture *f = *state;
	assert_int_equal(attach(f, MAIN, "base:1\n"), -ENOENT);
	assert_why(f, "main", "the function has no artifact yet");
	assert_no_list(f, MAIN);
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
	assert_int_equal(release_of(f, "main"), 1);

	assert_int_equal(slots_fixture_open(f, MAIN, "layers", &file), 0);
	assert_int_equal(deploy_write(file, "base:1\n", 7, 0), 0);
	assert_int_equal(release_of(f, "main"), 1); /* the publication waits */
	assert_int_equal(deploy_write(file, "tools:1\n", 8, 7), 0);
	assert_int_equal(deploy_flush(file), 0);
	assert_int_equal(deploy_flush(file), 0);
	deploy_release(file);
	assert_int_equal(release_of(f, "main"), 2);
	assert_list(f, MAIN, "base:1\ntools:1\n");
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
	assert_int_equal(release_of(f, "main"), 1);
	assert_int_equal(slots_fixture_deploy_path(f, MAIN "/layers", &attr), 0);
	assert_int_equal(deploy_setattr(f->slots, attr.node, file, &truncation, &attr), 0); /* begins anew */
	deploy_forget(f->slots, attr.node, 1);
	assert_int_equal(deploy_write(file, "base:1\n", 7, 0), 0);
	assert_int_equal(deploy_flush(file), 0);
	deploy_release(file);
	assert_list(f, MAIN, "base:1\n");
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
	assert_list(f, MAIN, "base:1\n");
	assert_int_equal(slots_fixture_rename(f, MAIN, "layers", "layers~"), 0); /* an editor's backup */
	assert_int_equal(release_of(f, "main"), 2);
	assert_list(f, MAIN, "base:1\n");
	assert_int_equal(slots_fixture_rename(f, MAIN, "a.zip", "layers"), -EINVAL);
	assert_int_equal(rename_in(f, ""), 0); /* rsync of an empty file */
	assert_no_list(f, MAIN);
	assert_int_equal(release_of(f, "main"), 3);
}

/* `echo tools:1 >> layers` */
static void appending_begins_with_what_is_there(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr attr;
	struct tree_handle *file;
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(attach(f, MAIN, "base:1\n"), 0);
	assert_int_equal(slots_fixture_deploy_path(f, MAIN "/layers", &attr), 0);
	assert_int_equal(attr.size_bytes, 7);
	assert_int_equal(deploy_open(f->slots, attr.node, O_WRONLY, &slots_fixture_caller, &file), 0);
	assert_int_equal(deploy_write(file, "tools:1\n", 8, 7), 0);
	assert_int_equal(deploy_flush(file), 0);
	deploy_release(file);
	deploy_forget(f->slots, attr.node, 1);
	assert_list(f, MAIN, "base:1\ntools:1\n");
}

static void a_list_has_times_of_its_own(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr attr;
	const struct timespec mtime = {.tv_sec = 77, .tv_nsec = 5};
	const struct tree_change change = {.mtime = &mtime};
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(attach(f, MAIN, "base:1\n"), 0);
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
	assert_int_equal(attach(f, MAIN, "base:1\n"), 0);
	assert_int_equal(slots_fixture_unlink(f, MAIN, "layers"), 0);
	assert_no_list(f, MAIN);
	assert_int_equal(release_of(f, "main"), 3);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/3/opt/which"), -ENOENT);
	assert_served(f, ".releases/main/3/task/marker", "one");
}

/* rm -r of a slot that was made: the artifact's name does not come back when the layers go. */
static void a_removed_name_stays_removed(void **state)
{
	struct slots_fixture *f = *state;
	assert_int_equal(slots_fixture_mkdir(f, "functions", "team-a"), 0);
	slots_fixture_deploy(f, "team-a", "one");
	assert_int_equal(attach(f, "functions/team-a", "base:1\n"), 0);
	assert_int_equal(slots_fixture_unlink(f, "functions/team-a", "a.zip"), 0);
	assert_int_equal(slots_fixture_rmdir(f, "functions", "team-a"), -ENOTEMPTY);
	assert_int_equal(slots_fixture_unlink(f, "functions/team-a", "layers"), 0);
	assert_int_equal(slots_fixture_deploy_has(f, "functions/team-a/a.zip"), -ENOENT);
	assert_int_equal(slots_fixture_rmdir(f, "functions", "team-a"), 0);
	assert_int_equal(attach(f, MAIN, "base:1\n"), -ENOENT);
}

/* ---- the verdict ---- */

static void each_layer_is_judged_by_the_function_s_config(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	slots_fixture_deploy(f, "relaxed", "one");
	assert_int_equal(attach(f, MAIN, "base:1\nplain:1\n"), -ENOKEY);
	assert_why(f, "main", "VF2005 refused");
	assert_why(f, "main", "  layer base:1      ok");
	assert_why(f, "main", "  layer plain:1     FAILED");
	assert_why(f, "main", "layer plain:1: VF2001 source mismatch: no signature");
	assert_int_equal(slots_fixture_count_records(f, "base:1 accepted, plain:1 refused VF2001"), 1);
	assert_no_list(f, MAIN);
	assert_int_equal(attach(f, RELAXED, "base:1\nplain:1\n"), 0);
	assert_why(f, "relaxed", "VF2005 warned");
	assert_served(f, ".releases/relaxed/2/opt/plain", "plain 1");
}

static void a_damaged_layer_is_not_attached(void **state)
{
	struct slots_fixture *f = *state;
	struct slot *slot;
	char path[256], hex[CRYPTO_SHA256_HEX_SIZE];
	slots_fixture_deploy(f, "relaxed", "one");
	assert_int_equal(slot_find_layer(f->slots, "base", &slot), 0);
	text_hex(slot->listed[0]->record->digest, CRYPTO_SHA256_BYTES, hex);
	slots_fixture_stop(f);
	(void)snprintf(path, sizeof(path), "store/objects/%.2s/%s/payload", hex, hex);
	assert_int_equal(io_write_file(f->host->dirfd, path, "x", 1, 0400, false), 0);
	slots_fixture_start(f);
	assert_int_equal(attach(f, RELAXED, "base:1\n"), -EBADMSG);
	assert_why(f, "relaxed", "layer base:1: VF1002");
}

/* ---- whose layers ---- */

static bool in_no_group(void *ctx UNUSED, gid_t group UNUSED)
{
	return false;
}

static int attach_as(struct slots_fixture *f, uid_t uid, const char *text)
{
	const struct slots_caller caller = {.who = {.uid = uid, .command = "cp"}, .in_group = in_no_group};
	struct slots_attr directory, attr;
	struct tree_handle *file;
	assert_int_equal(slots_fixture_deploy_path(f, MAIN, &directory), 0);
	assert_int_equal(
		deploy_create(f->slots, directory.node, "layers", O_WRONLY | O_CREAT | O_TRUNC, &caller, &attr, &file),
		0);
	int r = deploy_write(file, text, strlen(text), 0);
	if (r == 0)
		r = deploy_flush(file);
	deploy_release(file);
	deploy_forget(f->slots, attr.node, 1);
	deploy_forget(f->slots, directory.node, 1);
	return r;
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
	assert_why(f, "main", "VF2005 refused");
	assert_why(f, "main", "account " OTHER " is not permitted lambda:GetLayerVersion on layer version base:1");
	assert_why(f, "main",
		   "vouchfs lambda add-layer-version-permission --layer-name base --version-number 1 --statement-id "
		   "use-by-" OTHER " --action lambda:GetLayerVersion --principal " OTHER);
	assert_int_equal(attach_as(f, GUEST, "nosuch:1\n"), -EACCES); /* learns nothing */

	permit(f, "base", &(struct layer_statement){.id = "org", .principal = "*", .organization = "o-abcdefghij"});
	assert_int_equal(attach_as(f, GUEST, "base:1\n"), -EACCES);
	permit(f, "base", &(struct layer_statement){.id = "other", .principal = OTHER});
	assert_int_equal(attach_as(f, GUEST, "base:1\n"), 0);
	assert_int_equal(attach_as(f, GUEST, "base:1\ntools:1\n"), -EACCES);
	permit(f, "tools", &(struct layer_statement){.id = "all", .principal = "*"});
	assert_int_equal(attach_as(f, GUEST, "base:1\ntools:1\n"), 0);
	assert_int_equal(attach_as(f, GUEST + 1, "plain:1\n"), -ENOKEY); /* the host's own account */
}

/* ---- while it is served ---- */

static void revoke_layer(struct slots_fixture *f, const char *layer)
{
	struct slot *slot;
	char *decision, *job;
	assert_int_equal(slot_find_layer(f->slots, layer, &slot), 0);
	decision = slot->listed[0]->record->decision;
	job = text_record_get(decision, strlen(decision), "job-arn");
	assert_non_null(job);
	struct revocation entry = {.kind = REVOCATION_JOB, .revoked_at_s = TRUST_FIXTURE_NOW_S, .reason = "key lost"};
	assert_true(arn_parse_job(job, strlen(job), &entry.job));
	free(job);
	gate_fixture_put_list(f->host, 43, &entry);
	(void)slots_follow(f->slots);
}

static void enforce_on_load(struct slots_fixture *f, const char *mode)
{
	char rest[1024];
	(void)snprintf(rest, sizeof(rest),
		       "[code-signing-config approved]\nallowed_publisher = %s\n"
		       "untrusted_artifact_on_deployment = Enforce\nuntrusted_artifact_on_load = %s\n"
		       "[function main]\ncode_signing_config = approved\n",
		       GATE_FIXTURE_ARN, mode);
	configure(f, head, rest);
	reload(f);
}

static void a_revoked_layer_blocks_what_has_it(void **state)
{
	struct slots_fixture *f = *state;
	enforce_on_load(f, "Enforce");
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(attach(f, MAIN, "base:1\n"), 0);
	assert_served(f, ".releases/main/2/opt/which", "base 1");
	revoke_layer(f, "base");
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/2/task"), -EACCES);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/2/opt"), -EACCES);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/1/task"), 0); /* has no layers */
	assert_int_equal(slots_fixture_count_records(f, "layer base:1: VF2004"), 1);
	assert_int_equal(attach(f, MAIN, "base:1\n"), -EKEYREVOKED);
	struct buf zip = slots_fixture_zip(f, "two");
	assert_int_equal(slots_fixture_put(f, MAIN, "a.zip", &zip), -EKEYREVOKED); /* judged together */
	assert_why(f, "main", "layer base:1: VF2004");
	buf_done(&zip);

	slots_fixture_restart(f);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/2/task"), -EACCES);
	assert_int_equal(slots_fixture_unlink(f, MAIN, "layers"), 0); /* the way out */
	assert_served(f, ".releases/main/3/task/marker", "one");
	enforce_on_load(f, "Warn"); /* the cause goes */
	assert_served(f, ".releases/main/2/opt/which", "base 1");
}

static void it_is_judged_again_when_a_layer_expires(void **state)
{
	struct slots_fixture *f = *state;
	enforce_on_load(f, "Enforce");
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(attach(f, MAIN, "base:1\n"), 0);
	assert_served(f, ".releases/main/2/opt/which", "base 1");
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S + TRUST_FIXTURE_YEAR_S);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/2/task"), -EACCES);
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S);
	assert_served(f, ".releases/main/2/opt/which", "base 1");
}

/* ---- several at once ---- */

static void a_list_finds_another_artifact_than_it_was_judged_with(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(slots_fixture_open(f, MAIN, "layers", &file), 0);
	assert_int_equal(deploy_write(file, "base:1\n", 7, 0), 0);
	for (unsigned i = 0; i < 3; i++) /* and the one before is not even kept */
		slots_fixture_deploy(f, "main", "two");
	assert_int_equal(deploy_flush(file), 0);
	deploy_release(file);
	assert_served(f, ".releases/main/5/task/marker", "two");
	assert_served(f, ".releases/main/5/opt/which", "base 1");
}

static void an_artifact_finds_other_layers(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	struct buf zip = slots_fixture_zip(f, "two");
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(attach(f, MAIN, "base:1\n"), 0);
	assert_int_equal(slots_fixture_open(f, MAIN, "a.zip", &file), 0);
	assert_int_equal(deploy_write(file, zip.data, zip.len, 0), 0);
	assert_int_equal(attach(f, MAIN, "tools:1\n"), 0);
	assert_int_equal(attach(f, MAIN, "tools:1\n"), 0);
	assert_int_equal(deploy_flush(file), 0);
	deploy_release(file);
	assert_served(f, ".releases/main/5/task/marker", "two");
	assert_served(f, ".releases/main/5/opt/tool", "tools 1");
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/5/opt/which"), -ENOENT);
	buf_done(&zip);
}

static void a_config_that_changed_in_between_judges_again(void **state)
{
	static const char nobody[] = "[code-signing-config approved]\n"
				     "allowed_publisher = arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT
				     ":/signing-profiles/other\n"
				     "untrusted_artifact_on_deployment = Enforce\n"
				     "[function main]\ncode_signing_config = approved\n";
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(slots_fixture_open(f, MAIN, "layers", &file), 0);
	assert_int_equal(deploy_write(file, "base:1\n", 7, 0), 0);
	configure(f, head, nobody);
	reload(f);
	assert_int_equal(deploy_flush(file), -EKEYREJECTED);
	deploy_release(file);
	assert_int_equal(release_of(f, "main"), 1);
	assert_why(f, "main", "VF2002 refused"); /* the artifact's own verdict comes first */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, slots_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_list_makes_a_release_of_the_same_artifact),
		TEST(an_artifact_keeps_the_layers),
		TEST(a_version_that_is_removed_stays_attached),
		TEST(lists_that_say_nothing),
		TEST(at_most_five),
		TEST(code_and_layers_have_a_limit_together),
		TEST(an_artifact_comes_first),
		TEST(the_completing_write_hears_it),
		TEST(what_follows_a_refused_line_is_refused),
		TEST(rename_is_a_verdict),
		TEST(appending_begins_with_what_is_there),
		TEST(a_list_has_times_of_its_own),
		TEST(unlink_removes_the_layers),
		TEST(a_removed_name_stays_removed),
		TEST(each_layer_is_judged_by_the_function_s_config),
		TEST(a_damaged_layer_is_not_attached),
		TEST(another_account_needs_a_statement),
		TEST(a_revoked_layer_blocks_what_has_it),
		TEST(it_is_judged_again_when_a_layer_expires),
		TEST(a_list_finds_another_artifact_than_it_was_judged_with),
		TEST(an_artifact_finds_other_layers),
		TEST(a_config_that_changed_in_between_judges_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
