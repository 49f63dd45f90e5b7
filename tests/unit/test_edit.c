/* Changes of conf.d: checked first, atomic, taken back; what was written by hand stays. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/io.h"
#include "config/edit.h"
#include "config_files.h"
#include "members_fixture.h"

#define SECTION "function f"
#define FILE_F	"conf.d/function-f.conf"

static struct config_edit *open_edit(struct config_files *files)
{
	struct config_edit *edit = NULL;
	struct explain why = {0};
	assert_int_equal(config_edit_open(files->main_path, NULL, &edit, &files->errors, &why), 0);
	return edit;
}

/* The file's text, "" where there is none; freed with the buffer. */
static const char *content(struct config_files *files, struct buf *ret)
{
	char path[256];
	(void)snprintf(path, sizeof(path), "%s/" FILE_F, files->dir);
	buf_reset(ret);
	int r = io_read_path(path, 4096, ret);
	assert_true(r == 0 || r == -ENOENT);
	return r == 0 ? ret->data : "";
}

static int put(struct config_files *files, struct config_edit *edit, const char *key, const char *value)
{
	const struct config_line line = {key, value};
	const struct config_section_text text = {
		.section = SECTION, .command = "verb", .lines = &line, .line_count = 1};
	struct explain why = {0};
	buf_reset(&files->errors);
	int r = config_edit_put(edit, &text, &files->errors, &why);
	assert_true(r == 0 || why.text[0] != '\0');
	return r;
}

static bool is_ours(const struct config_edit *edit)
{
	const struct config_slot *slot = config_find_function(config_edit_config(edit), "f");
	return slot && config_edit_is_ours(edit, SECTION, &slot->origin);
}

static void puts_removes_and_takes_back(void **state)
{
	struct config_files *files = *state;
	struct explain why = {0};
	struct buf text = {0};
	char kept[256];
	config_files_good(files, "");
	struct config_edit *edit = open_edit(files);
	assert_int_equal(put(files, edit, "code_signing_config", "none"), 0);
	assert_true(is_ours(edit));
	assert_int_equal(config_edit_undo(edit, &why), 0);
	assert_string_equal(content(files, &text), "");
	assert_int_equal(put(files, edit, "code_signing_config", "none"), 0);
	config_edit_close(edit);
	(void)snprintf(kept, sizeof(kept), "%s", content(files, &text));
	assert_string_equal(kept, CONFIG_EDIT_MARK "verb\n[function f]\ncode_signing_config = none\n");

	edit = open_edit(files);
	assert_int_equal(put(files, edit, "mode", "0755"), 0);
	assert_int_equal(config_find_function(config_edit_config(edit), "f")->mode, 0755);
	assert_int_equal(config_edit_undo(edit, &why), 0);
	assert_string_equal(content(files, &text), kept);
	assert_int_equal(config_edit_remove(edit, SECTION, &files->errors, &why), 0);
	assert_null(config_find_function(config_edit_config(edit), "f"));
	assert_string_equal(content(files, &text), "");
	assert_int_equal(config_edit_undo(edit, &why), 0);
	assert_string_equal(content(files, &text), kept);
	config_edit_close(edit);
	buf_done(&text);
}

static void writes_nothing_that_would_be_faulty(void **state)
{
	struct config_files *files = *state;
	struct buf text = {0};
	config_files_good(files, "");
	struct config_edit *edit = open_edit(files);
	assert_int_equal(put(files, edit, "code_signing_config", "absent"), -EINVAL);
	assert_int_equal(put(files, edit, "code_signing_config", "none\nmode = 0700"), -EINVAL);
	assert_string_equal(content(files, &text), "");
	assert_int_equal(put(files, edit, "code_signing_config", "none"), 0);
	config_edit_close(edit);
	buf_done(&text);
}

static void leaves_what_was_written_by_hand(void **state)
{
	struct config_files *files = *state;
	struct buf text = {0};
	config_files_good(files, "[function f]\ncode_signing_config = none\n");
	struct config_edit *edit = open_edit(files);
	assert_false(is_ours(edit));
	config_edit_close(edit);

	config_files_good(files, "");
	config_files_puts(files, FILE_F, "[function f]\ncode_signing_config = none\n");
	edit = open_edit(files);
	assert_false(is_ours(edit));
	assert_int_equal(put(files, edit, "mode", "0755"), -EEXIST);
	assert_string_equal(content(files, &text), "[function f]\ncode_signing_config = none\n");
	config_edit_close(edit);

	config_files_good(files, "[function f]\nmode = 0755\n");
	config_files_puts(files, FILE_F, CONFIG_EDIT_MARK "verb\n[function f]\ncode_signing_config = none\n");
	edit = open_edit(files); /* the section stands in two files */
	assert_false(is_ours(edit));
	config_edit_close(edit);
	buf_done(&text);
}

#ifdef VOUCHFS_TEST_HOOKS
static void leaves_what_was_when_the_disk_fails(void **state)
{
	struct config_files *files = *state;
	struct buf text = {0};
	static const char *const faults[] = {"write:1:ENOSPC", "renameat:1:EIO", "fsync:1:EIO", "fsync:2:EIO"};
	config_files_good(files, "");
	io_fault_arm();
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		/* calls are counted over the whole process: a process of its own for each */
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			struct config_edit *edit = open_edit(files);
			assert_int_equal(setenv("VOUCHFS_TEST_FAULT", faults[i], 1), 0);
			int r = put(files, edit, "code_signing_config", "none");
			bool as_before = content(files, &text)[0] == '\0';
			_exit(r < 0 && as_before ? 0 : 1);
		}
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
	buf_done(&text);
}
#endif

static void makes_the_directory_for_others_to_read(void **state)
{
	struct config_files *files = *state;
	char path[256];
	struct stat st;
	config_files_good(files, "");
	mode_t mask = umask(077);
	struct config_edit *edit = open_edit(files);
	assert_int_equal(put(files, edit, "code_signing_config", "none"), 0);
	config_edit_close(edit);
	assert_int_equal(umask(mask), 077);
	(void)snprintf(path, sizeof(path), "%s/conf.d", files->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	(void)snprintf(path, sizeof(path), "%s/" FILE_F, files->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
}

static void opens_only_what_is_good(void **state)
{
	struct config_files *files = *state;
	struct config_edit *edit = NULL;
	struct explain why = {0};
	config_files_good(files, "mod = 1\n");
	assert_int_equal(config_edit_open(files->main_path, NULL, &edit, &files->errors, &why), -EINVAL);
	assert_non_null(strstr(files->errors.data, "unknown key"));
	assert_null(edit);
}

/* ---- on a host that a policy bundle governs ---- */

#define PROFILE "arn:vouchfs:signer:local:111122223333:/signing-profiles/app"

static const char governed[] = "[vouchfs]\naccount = 111122223333\n"
			       "[policy]\npublisher = " PROFILE "\n"
			       "[account 111122223333]\ncertificate = a.pem\n";
static const char given_config[] = "[account 111122223333]\ncertificate = trust/a.pem\nrevocations_required = no\n"
				   "[code-signing-config given]\nallowed_publisher = " PROFILE "\n";

/* The bundle has configs, and functions where it says so. */
static void fill_bundle(struct members_fixture *bundle, bool has_functions)
{
	members_none(bundle);
	members_add(bundle, "policy.conf", "[policy]\nsequence = 7\n");
	members_add(bundle, "conf.d/a.conf", given_config);
	if (has_functions)
		members_add(bundle, "conf.d/b.conf", "[function g]\ncode_signing_config = given\n");
	members_add(bundle, "trust/a.pem", "A\n");
}

/* Puts [function f] under a config: the errno, and why. */
static int put_governed(struct config_files *files, const struct members_fixture *bundle, const char *config_name,
			struct explain *ret_why)
{
	struct config_edit *edit = NULL;
	const struct config_line line = {"code_signing_config", config_name};
	const struct config_section_text text = {
		.section = SECTION, .command = "verb", .lines = &line, .line_count = 1};
	buf_reset(&files->errors);
	assert_int_equal(
		config_edit_open(files->main_path, bundle ? &bundle->members : NULL, &edit, &files->errors, ret_why),
		0);
	int r = config_edit_put(edit, &text, &files->errors, ret_why);
	if (r == 0)
		assert_string_equal(config_find_function(config_edit_config(edit), "f")->code_signing->name,
				    config_name);
	config_edit_close(edit);
	return r;
}

static void writes_nothing_that_a_bundle_governs(void **state)
{
	struct config_files *files = *state;
	struct members_fixture bundle;
	struct explain why = {0};
	struct buf text = {0};
	config_files_puts(files, "vouchfs.conf", governed);

	assert_int_equal(put_governed(files, NULL, "given", &why), -EPERM);
	assert_string_equal(why.text, "this host's functions come from policy bundles, and none has come yet");
	assert_string_equal(content(files, &text), "");

	fill_bundle(&bundle, true);
	assert_int_equal(put_governed(files, &bundle, "given", &why), -EPERM);
	assert_string_equal(why.text, "this host's functions come from policy bundle 7; change it there");
	assert_string_equal(content(files, &text), "");

	fill_bundle(&bundle, false);
	assert_int_equal(put_governed(files, &bundle, CONFIG_NONE, &why), -EPERM);
	assert_non_null(strstr(why.text, "a function needs a code-signing config other than \"none\""));
	assert_string_equal(content(files, &text), "");

	assert_int_equal(put_governed(files, &bundle, "given", &why), 0);
	assert_non_null(strstr(content(files, &text), "\ncode_signing_config = given\n"));
	buf_done(&text);
}

static void knows_what_is_governed(void **state)
{
	static const struct {
		const char *section;
		bool with_functions, without_functions;
	} cases[] = {
		{"code-signing-config x", true, true},	{"function x", true, false}, {"layer x", false, false},
		{"account 111122223333", false, false}, {"vouchfs", false, false},   {"nonsense x", false, false},
	};
	struct config_files *files = *state;
	config_files_puts(files, "vouchfs.conf", governed);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		struct members_fixture bundle;
		struct explain why = {0};
		struct config *config = NULL;
		bool has_functions = i % 2;
		fill_bundle(&bundle, has_functions);
		assert_int_equal(config_load_governed(files->main_path, &bundle.members, &config, &files->errors), 0);
		bool expected = has_functions ? cases[i / 2].with_functions : cases[i / 2].without_functions;
		assert_int_equal(config_is_governed(config, cases[i / 2].section, &why), expected);
		assert_int_equal(why.text[0] != '\0', expected);
		config_free(config);
	}
	struct explain why = {0};
	config_files_good(files, "");
	assert_int_equal(config_files_load(files), 0);
	assert_false(config_is_governed(files->config, "function x", &why));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, config_files_setup, config_files_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(puts_removes_and_takes_back),
		TEST(writes_nothing_that_would_be_faulty),
		TEST(leaves_what_was_written_by_hand),
#ifdef VOUCHFS_TEST_HOOKS
		TEST(leaves_what_was_when_the_disk_fails),
#endif
		TEST(makes_the_directory_for_others_to_read),
		TEST(opens_only_what_is_good),
		TEST(writes_nothing_that_a_bundle_governs),
		TEST(knows_what_is_governed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
