/* Which files are read, in which order, and whose. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/io.h"
#include "base/limits.h"
#include "config_files.h"

#define NOBODY 65534

static const char *path_of(const struct config_files *files, const char *name)
{
	static char path[512];
	(void)snprintf(path, sizeof(path), "%s/%s", files->dir, name);
	return path;
}

static void make_conf_d(struct config_files *files)
{
	assert_int_equal(mkdir(path_of(files, "conf.d"), 0755), 0);
	assert_int_equal(chmod(path_of(files, "conf.d"), 0755), 0);
}

static void refuses_what_others_may_write(void **state)
{
	struct config_files *files = *state;
	static const mode_t good[] = {0400, 0600, 0640, 0644}, bad[] = {0664, 0646, 0666, 0620, 0602};
	config_files_good(files, "");
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(chmod(files->main_path, good[i]), 0);
		assert_int_equal(config_files_load(files), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(chmod(files->main_path, bad[i]), 0);
		config_files_expect_error(files, "others than its owner may write it");
	}
}

static void refuses_the_file_of_another_user(void **state)
{
	struct config_files *files = *state;
	if (geteuid() != 0)
		skip(); /* only root can make one */
	config_files_good(files, "");
	assert_int_equal(chown(files->main_path, NOBODY, (gid_t)-1), 0);
	config_files_expect_error(
		files,
		"the file belongs to user nobody (uid 65534), who could change what is trusted; expected root or "
		"the caller, user root (uid 0): `chown 0 ");
}

static void refuses_what_is_not_a_regular_file(void **state)
{
	struct config_files *files = *state;
	assert_int_equal(mkdir(files->main_path, 0755), 0);
	config_files_expect_error(files, "not a regular file");
	assert_int_equal(rmdir(files->main_path), 0);
	assert_int_equal(mkfifo(files->main_path, 0644), 0);
	config_files_expect_error(files, "not a regular file");
}

static void refuses_a_file_over_the_limit(void **state)
{
	struct config_files *files = *state;
	config_files_good(files, "");
	assert_int_equal(truncate(files->main_path, LIMIT_CONFIG_FILE_BYTES + 1), 0);
	config_files_expect_error(files, "larger than 1048576 bytes");
}

static void tells_why_the_main_file_cannot_be_read(void **state)
{
	struct config_files *files = *state;
	assert_int_equal(config_files_load(files), -ENOENT);
	assert_non_null(
		strstr(files->errors.data,
		       "vouchfs.conf: cannot be opened: No such file or directory; `vouchfs init` writes a first one"));
	assert_int_equal(symlink("vouchfs.conf", files->main_path), 0);
	assert_int_equal(config_files_load(files), -ELOOP);
}

static void follows_a_symlink_and_starts_paths_beside_it(void **state)
{
	struct config_files *files = *state;
	char expected[256];
	(void)snprintf(expected, sizeof(expected), "%s/a.pem", files->dir);
	assert_int_equal(mkdir(path_of(files, "elsewhere"), 0755), 0);
	config_files_good(files, "");
	assert_int_equal(rename(files->main_path, path_of(files, "elsewhere/real.conf")), 0);
	assert_int_equal(symlink("elsewhere/real.conf", files->main_path), 0);
	assert_int_equal(config_files_load(files), 0);
	assert_string_equal(files->config->accounts[0].certificate, expected);
}

static void takes_a_relative_path_of_the_main_file(void **state)
{
	struct config_files *files = *state;
	config_files_good(files, "");
	char *before = getcwd(NULL, 0);
	assert_int_equal(chdir(files->dir), 0);
	struct config *config = NULL;
	int r = config_load("vouchfs.conf", &config, &files->errors);
	assert_int_equal(chdir(before), 0);
	free(before);
	assert_int_equal(r, 0);
	assert_string_equal(config->path, files->main_path);
	assert_string_equal(config->accounts[0].certificate, path_of(files, "a.pem"));
	config_free(config);
}

static void merges_drop_ins(void **state)
{
	struct config_files *files = *state;
	make_conf_d(files);
	config_files_good(files, "");
	config_files_puts(files, "conf.d/b.conf",
			  "[code-signing-config approved]\ndescription = from b\n"
			  "allowed_publisher = arn:vouchfs:signer:local:222233334444:/signing-profiles/second\n"
			  "[account 222233334444]\ncertificate = b.pem\nrevocations_required = no\n");
	config_files_puts(files, "conf.d/a.conf",
			  "[code-signing-config approved]\n"
			  "allowed_publisher = arn:vouchfs:signer:local:222233334444:/signing-profiles/first\n");
	config_files_puts(files, "conf.d/.hidden.conf", "nonsense\n");
	config_files_puts(files, "conf.d/a.conf.bak", "nonsense\n");

	assert_int_equal(config_files_load(files), 0);
	const struct config_code_signing *approved = config_find_code_signing(files->config, "approved");
	assert_string_equal(approved->description, "from b");
	assert_int_equal(approved->publisher_count, 3);
	assert_string_equal(approved->publishers[0].name, "app");
	assert_string_equal(approved->publishers[1].name, "first");
	assert_string_equal(approved->publishers[2].name, "second");
	assert_string_equal(config_find_account(files->config, "222233334444")->certificate,
			    path_of(files, "conf.d/b.pem"));
}

static void names_both_places_of_a_repeated_key(void **state)
{
	struct config_files *files = *state;
	char first[256];
	(void)snprintf(first, sizeof(first), "first at %s:4", files->main_path);
	make_conf_d(files);
	config_files_good(files, "");
	config_files_puts(files, "conf.d/a.conf", "# comment\n[account 111122223333]\ncertificate = b.pem\n");
	config_files_expect_error(files, first);
	assert_non_null(strstr(files->errors.data, "/conf.d/a.conf:3: "));
}

static void prints_errors_in_the_order_of_the_files(void **state)
{
	struct config_files *files = *state;
	make_conf_d(files);
	config_files_good(files, "mode = 9\n");
	config_files_puts(files, "conf.d/a.conf", "\n[layer x]\nmode = 9\n");
	config_files_puts(files, "conf.d/b.conf", "nonsense\n");
	assert_int_equal(config_files_load(files), -EINVAL);
	const char *main_at = strstr(files->errors.data, "vouchfs.conf:10: ");
	const char *a_at = strstr(files->errors.data, "conf.d/a.conf:3: ");
	const char *b_at = strstr(files->errors.data, "conf.d/b.conf:1: ");
	assert_true(main_at && a_at && b_at);
	assert_true(main_at < a_at && a_at < b_at);
}

static void judges_drop_ins_and_their_directory(void **state)
{
	struct config_files *files = *state;
	make_conf_d(files);
	config_files_good(files, "");
	config_files_puts(files, "conf.d/a.conf", "[layer x]\n");
	assert_int_equal(chmod(path_of(files, "conf.d/a.conf"), 0664), 0);
	config_files_expect_error(files, "/conf.d/a.conf: the file has mode 0664");

	assert_int_equal(chmod(path_of(files, "conf.d/a.conf"), 0644), 0);
	assert_int_equal(chmod(path_of(files, "conf.d"), 0777), 0);
	config_files_expect_error(files, "/conf.d: the directory has mode 0777");

	assert_int_equal(chmod(path_of(files, "conf.d"), 0755), 0);
	assert_int_equal(mkdir(path_of(files, "conf.d/b.conf"), 0755), 0);
	config_files_expect_error(files, "/conf.d/b.conf: not a regular file");

	assert_int_equal(rmdir(path_of(files, "conf.d/b.conf")), 0);
	assert_int_equal(symlink("nowhere", path_of(files, "conf.d/b.conf")), 0);
	config_files_expect_error(files, "/conf.d/b.conf: cannot be opened");
}

static int load_principals(struct config_files *files)
{
	int directory = io_open_dir(files->dir);
	assert_true(directory >= 0);
	config_free(files->config);
	files->config = NULL;
	buf_reset(&files->errors);
	int r = config_load_principals(directory, "principals", &files->config, &files->errors);
	io_close(&directory);
	return r;
}

/* Nothing but the file itself: no drop-ins, no [vouchfs] section. */
static void reads_principals_alone(void **state)
{
	struct config_files *files = *state;
	assert_int_equal(load_principals(files), -ENOENT);
	make_conf_d(files);
	config_files_puts(files, "conf.d/a.conf", "[principal 666666666666]\nuser = 4002\n");
	config_files_puts(files, "principals", "[principal 555555555555]\nuser = 4001\n");
	assert_int_equal(load_principals(files), 0);
	assert_int_equal(files->config->principal_count, 1);
	assert_string_equal(config_find_principal(files->config, 4001, NULL, 0)->account, "555555555555");
	assert_null(config_find_principal(files->config, 4002, NULL, 0));

	config_files_puts(files, "principals", "[principal 555555555555]\nuser = 4001\n[layer x]\n");
	assert_int_equal(load_principals(files), -EINVAL);
	assert_string_equal(files->errors.data,
			    "principals:3: [layer x] does not belong here; expected [principal ACCOUNT] alone\n");
	config_files_puts(files, "principals", "[principal 555555555555]\nuser = 4001\norganization = o-a1b2c3d4e5\n");
	assert_int_equal(load_principals(files), -EINVAL);
	assert_non_null(strstr(files->errors.data, "principals:3: \"organization\" does not belong here"));
	config_files_puts(files, "principals", "[principal 555555555555]\nuser = 4001\n\tx = y\n");
	assert_int_equal(load_principals(files), -EINVAL);
}

/* What a load says with a file of conf.d changed in memory. */
static int load_changed(struct config_files *files, const char *name, const char *text)
{
	const struct config_change change = {.name = name, .text = text, .len = text ? strlen(text) : 0};
	config_free(files->config);
	files->config = NULL;
	buf_reset(&files->errors);
	return config_load_changed(files->main_path, &change, NULL, &files->config, &files->errors);
}

static void takes_a_changed_file_as_it_would_be(void **state)
{
	struct config_files *files = *state;
	config_files_good(files, "");
	assert_int_equal(load_changed(files, "new.conf", "[layer new]\n"), 0); /* without conf.d */
	assert_non_null(config_find_layer(files->config, "new"));
	assert_int_equal(load_changed(files, "new.conf", NULL), 0);
	assert_null(config_find_layer(files->config, "new"));

	make_conf_d(files);
	config_files_puts(files, "conf.d/b.conf", "[layer b]\n");
	config_files_puts(files, "conf.d/d.conf", "[layer d]\nmod = 1\n");
	assert_int_equal(load_changed(files, "d.conf", "[layer e]\n"), 0);
	assert_non_null(config_find_layer(files->config, "b"));
	assert_non_null(config_find_layer(files->config, "e"));
	assert_null(config_find_layer(files->config, "d"));
	assert_int_equal(load_changed(files, "d.conf", NULL), 0);
	assert_null(config_find_layer(files->config, "d"));
	static const char *const names[] = {"a.conf", "c.conf", "e.conf"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(load_changed(files, names[i], "[layer x]\nmod = 2\n"), -EINVAL);
		const char *of_d = strstr(files->errors.data, "/conf.d/d.conf:2: ");
		const char *of_x = strstr(files->errors.data, names[i]);
		assert_true(of_d && of_x && (of_x < of_d) == (names[i][0] < 'd'));
	}
	assert_int_equal(config_files_load(files), -EINVAL); /* nothing was written */
}

static void tells_where_sections_stand(void **state)
{
	struct config_files *files = *state;
	make_conf_d(files);
	config_files_good(files, "[function split]\nmode = 0755\n");
	config_files_puts(
		files, "conf.d/a.conf",
		"[function split]\ncode_signing_config = none\n\n[function own]\ncode_signing_config = none\n");
	assert_int_equal(config_files_load(files), 0);
	const struct config_origin *main_at = &config_find_function(files->config, "main")->origin;
	const struct config_origin *split_at = &config_find_function(files->config, "split")->origin;
	const struct config_origin *own_at = &config_find_function(files->config, "own")->origin;
	assert_string_equal(main_at->file, files->main_path);
	assert_false(main_at->in_conf_d || main_at->is_split);
	assert_true(split_at->is_split);
	assert_true(own_at->in_conf_d && !own_at->is_split);
	assert_int_equal(own_at->line, 4);
	assert_non_null(strstr(own_at->file, "/conf.d/a.conf"));
	assert_true(own_at->mtime_s > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, config_files_setup, config_files_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reads_principals_alone),
		TEST(refuses_what_others_may_write),
		TEST(refuses_the_file_of_another_user),
		TEST(refuses_what_is_not_a_regular_file),
		TEST(refuses_a_file_over_the_limit),
		TEST(tells_why_the_main_file_cannot_be_read),
		TEST(follows_a_symlink_and_starts_paths_beside_it),
		TEST(takes_a_relative_path_of_the_main_file),
		TEST(merges_drop_ins),
		TEST(names_both_places_of_a_repeated_key),
		TEST(prints_errors_in_the_order_of_the_files),
		TEST(judges_drop_ins_and_their_directory),
		TEST(takes_a_changed_file_as_it_would_be),
		TEST(tells_where_sections_stand),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
