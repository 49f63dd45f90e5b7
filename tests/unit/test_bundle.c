/* Which files make a policy bundle, from a ZIP and from a directory, and that it is written the same each time. */
#include "bundle/bundle.h"

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

#include "base/limits.h"
#include "config_files.h"
#include "zip_builder.h"

#define TERMS "[policy]\nsequence = 7\n"

static int read_zip(struct buf *zip, struct bundle **ret, struct explain *ret_why)
{
	struct io_memory memory = {zip->data, zip->len};
	struct io_reader file = io_reader_memory(&memory);
	int r = bundle_read(&file, ret, ret_why);
	buf_done(zip);
	return r;
}

static void assert_refused(struct zip_builder *z, const char *says)
{
	struct buf zip = zip_builder_finish(z);
	struct bundle *bundle = NULL;
	struct explain why = {0};
	assert_int_equal(read_zip(&zip, &bundle, &why), -EBADMSG);
	assert_null(bundle);
	if (!strstr(why.text, says))
		fail_msg("\"%s\" does not say \"%s\"", why.text, says);
}

static void assert_member(const struct bundle *bundle, size_t i, const char *name, const char *text)
{
	const struct config_members *members = bundle_members(bundle);
	assert_true(i < members->count);
	assert_string_equal(members->all[i].name, name);
	assert_string_equal(members->all[i].bytes, text);
	assert_int_equal(members->all[i].len, strlen(text));
}

/* ---- from a ZIP ---- */

static void test_members_have_an_order(void **state UNUSED)
{
	struct zip_builder z = {0};
	struct bundle *bundle = NULL;
	zip_builder_add(&z, "trust/111122223333.pem", "certificate");
	zip_builder_add(&z, "conf.d/b.conf", "");
	zip_builder_add(&z, "policy.conf", TERMS);
	zip_builder_add_dir(&z, "conf.d/");
	zip_builder_add_file(&z, "conf.d/a.conf", "# caf\xc3\xa9\n", 8, ZIP_BUILDER_DEFLATED, 0600);
	struct buf zip = zip_builder_finish(&z);
	assert_int_equal(read_zip(&zip, &bundle, NULL), 0);
	assert_int_equal(bundle_members(bundle)->count, 4);
	assert_member(bundle, 0, "policy.conf", TERMS);
	assert_member(bundle, 1, "conf.d/a.conf", "# caf\xc3\xa9\n");
	assert_member(bundle, 2, "conf.d/b.conf", "");
	assert_member(bundle, 3, "trust/111122223333.pem", "certificate");
	bundle_unref(bundle_ref(bundle));
	bundle_unref(bundle);
	bundle_unref(NULL);
}

static void test_names(void **state UNUSED)
{
	static const struct {
		const char *name, *says;
	} cases[] = {
		{"README.md", "does not belong here: a policy bundle has policy.conf"},
		{"vouchfs.conf", "vouchfs.conf: does not belong here"},
		{"policy.conf~", "backup of an editor's"},
		{"conf.d/a.conf~", "backup of an editor's"},
		{"conf.d/.a.conf.swp", "backup of an editor's"},
		{"conf.d/a", "\".conf\" at the end"},
		{"conf.d/.conf", "no name for a file there"},
		{"conf.d/.a.conf", "no name for a file there"},
		{"conf.d/-a.conf", "no name for a file there"},
		{"conf.d/a b.conf", "no name for a file there"},
		{"conf.d/sub/a.conf", "no folder below"},
		{"trust/a/b.pem", "no folder below"},
		{"trust/\xc3\xa9.pem", "trust/\\xc3\\xa9.pem: no name"},
		{"Policy.conf.d/a.conf", "does not belong here"},
		{"trust", "trust: does not belong here"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct zip_builder z = {0};
		zip_builder_add(&z, "policy.conf", TERMS);
		zip_builder_add(&z, cases[i].name, "");
		assert_refused(&z, cases[i].says);
	}
}

static void test_other_folders(void **state UNUSED)
{
	struct zip_builder z = {0};
	zip_builder_add(&z, "policy.conf", TERMS);
	zip_builder_add_dir(&z, "hooks.d/");
	assert_refused(&z, "hooks.d: does not belong here");
}

static void test_without_terms(void **state UNUSED)
{
	struct zip_builder z = {0};
	zip_builder_add(&z, "conf.d/a.conf", "");
	assert_refused(&z, "policy.conf: is missing");
}

static void test_executable(void **state UNUSED)
{
	struct zip_builder z = {0};
	zip_builder_add_file(&z, "policy.conf", TERMS, strlen(TERMS), ZIP_BUILDER_STORED, 0755);
	assert_refused(&z, "policy.conf: is executable");
}

static void test_text(void **state UNUSED)
{
	static const struct {
		const char bytes[8];
		size_t len;
	} cases[] = {{"a\n\xff\n", 4}, {"a\nb\0c", 5}, {"\n\xc3", 2}, {"#\n\xed\xa0\x80", 5}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct zip_builder z = {0};
		zip_builder_add(&z, "policy.conf", TERMS);
		zip_builder_add_file(&z, "conf.d/a.conf", cases[i].bytes, cases[i].len, ZIP_BUILDER_STORED, 0644);
		assert_refused(&z, "conf.d/a.conf:2: not text");
	}
}

/* bundle_read asks the rules of ZIPs again, whoever has asked before. */
static void test_zip_rules(void **state UNUSED)
{
	struct zip_builder z = {0};
	zip_builder_add(&z, "policy.conf", TERMS);
	zip_builder_add(&z, "policy.conf", TERMS);
	assert_refused(&z, "ZIP-R11");
	zip_builder_set_mode(zip_builder_add(&z, "policy.conf", "/etc/passwd"), 0120777);
	assert_refused(&z, "ZIP-R13");
	zip_builder_add(&z, "policy.conf", TERMS)->record.crc32++;
	assert_refused(&z, "ZIP-R05");
	struct zip_builder_entry *entry = zip_builder_add(&z, "policy.conf", TERMS);
	entry->record.crc32++;
	entry->local.crc32++;
	assert_refused(&z, "policy.conf: its content is not what the archive states");
	struct buf zip = {0};
	struct bundle *bundle = NULL;
	assert_int_equal(buf_puts(&zip, "no ZIP"), 0);
	assert_int_equal(read_zip(&zip, &bundle, NULL), -EBADMSG);
}

static void add_many(struct zip_builder *z, size_t count)
{
	zip_builder_add(z, "policy.conf", TERMS);
	for (size_t i = 1; i < count; i++) {
		char name[64];
		(void)snprintf(name, sizeof(name), "conf.d/%04zu.conf", i);
		zip_builder_add(z, name, "");
	}
}

static void test_number_of_files(void **state UNUSED)
{
	struct zip_builder z = {0};
	struct bundle *bundle = NULL;
	add_many(&z, LIMIT_BUNDLE_FILES);
	struct buf zip = zip_builder_finish(&z);
	assert_int_equal(read_zip(&zip, &bundle, NULL), 0);
	bundle_unref(bundle);
	add_many(&z, LIMIT_BUNDLE_FILES + 1);
	assert_refused(&z, "at most 256 files");
}

static void test_bytes(void **state UNUSED)
{
	char *half = calloc(1, LIMIT_BUNDLE_BYTES / 2);
	struct zip_builder z = {0};
	struct bundle *bundle = NULL;
	assert_non_null(half);
	memset(half, 'a', LIMIT_BUNDLE_BYTES / 2);
	for (size_t more = 0; more < 2; more++) {
		size_t len = LIMIT_BUNDLE_BYTES / 2 - strlen(TERMS) + more;
		zip_builder_add(&z, "policy.conf", TERMS);
		zip_builder_add_file(&z, "trust/a", half, LIMIT_BUNDLE_BYTES / 2, ZIP_BUILDER_STORED, 0644);
		zip_builder_add_file(&z, "trust/b", half, len, ZIP_BUILDER_STORED, 0644);
		if (more)
			break;
		struct buf zip = zip_builder_finish(&z);
		assert_int_equal(read_zip(&zip, &bundle, NULL), 0);
		bundle_unref(bundle);
	}
	assert_refused(&z, "ZIP-R14");
	zip_builder_add(&z, "policy.conf", TERMS);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(buf_append(&z.before_directory, half, LIMIT_BUNDLE_BYTES / 2), 0);
	assert_refused(&z, "a policy bundle has at most 8388608");
	free(half);
}

/* ---- from a directory ---- */

static void make(struct config_files *files)
{
	char path[256];
	static const char *const folders[] = {"", "conf.d", "trust"};
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", files->dir, folders[i]);
		assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
		assert_int_equal(chmod(path, 0755), 0);
	}
	config_files_puts(files, "policy.conf", TERMS);
	config_files_puts(files, "conf.d/web.conf", "[function web]\n");
	config_files_puts(files, "trust/111122223333.pem", "certificate");
}

static void assert_directory_refused(struct config_files *files, const char *says)
{
	struct bundle *bundle = NULL;
	buf_reset(&files->errors);
	assert_int_equal(bundle_read_directory(files->dir, &bundle, &files->errors), -EINVAL);
	assert_null(bundle);
	assert_non_null(files->errors.data);
	if (!strstr(files->errors.data, says))
		fail_msg("\"%s\" does not say \"%s\"", files->errors.data, says);
	assert_true(strncmp(files->errors.data, files->dir, strlen(files->dir)) == 0);
}

static struct buf write_to_memory(struct config_files *files, const struct bundle *bundle)
{
	struct buf zip = {0};
	char path[256];
	(void)snprintf(path, sizeof(path), "%s.zip", files->dir);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(bundle_write(bundle, fd, NULL), 0);
	assert_int_equal(io_read_path(path, LIMIT_BUNDLE_BYTES, &zip), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(close(fd), 0);
	return zip;
}

static void test_round_trip(void **state)
{
	struct config_files *files = *state;
	struct bundle *bundle = NULL, *again = NULL;
	make(files);
	config_files_puts(files, "trust/-----BEGIN", "");
	assert_directory_refused(files, "trust/-----BEGIN: no name");
	char path[256];
	(void)snprintf(path, sizeof(path), "%s/trust/-----BEGIN", files->dir);
	assert_int_equal(unlink(path), 0);

	assert_int_equal(bundle_read_directory(files->dir, &bundle, &files->errors), 0);
	struct buf zip = write_to_memory(files, bundle), second = write_to_memory(files, bundle);
	assert_int_equal(zip.len, second.len);
	assert_memory_equal(zip.data, second.data, zip.len);
	buf_done(&second);
	assert_int_equal(read_zip(&zip, &again, NULL), 0);
	assert_int_equal(bundle_members(again)->count, 3);
	assert_member(again, 0, "policy.conf", TERMS);
	assert_member(again, 1, "conf.d/web.conf", "[function web]\n");
	assert_member(again, 2, "trust/111122223333.pem", "certificate");
	bundle_unref(again);
	bundle_unref(bundle);
}

/* Times, modes and the order in which files were made leave no trace. */
static void test_same_files_same_bytes(void **state)
{
	struct config_files *files = *state;
	struct bundle *bundle = NULL;
	char path[256];
	make(files);
	assert_int_equal(bundle_read_directory(files->dir, &bundle, &files->errors), 0);
	struct buf before = write_to_memory(files, bundle);
	bundle_unref(bundle);

	(void)snprintf(path, sizeof(path), "%s/policy.conf", files->dir);
	assert_int_equal(unlink(path), 0);
	config_files_puts(files, "policy.conf", TERMS);
	assert_int_equal(chmod(path, 0750), 0);
	assert_int_equal(utimensat(AT_FDCWD, path, (const struct timespec[]){{1, 0}, {2, 0}}, 0), 0);
	assert_int_equal(bundle_read_directory(files->dir, &bundle, &files->errors), 0);
	struct buf after = write_to_memory(files, bundle);
	bundle_unref(bundle);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, before.len);
	buf_done(&before);
	buf_done(&after);
}

static void test_what_is_no_part(void **state)
{
	struct config_files *files = *state;
	static const struct {
		const char *name, *says;
	} cases[] = {
		{"README.md", "/README.md: does not belong here"},
		{"policy.conf~", "/policy.conf~: looks like a backup"},
		{"conf.d/web.conf~", "/conf.d/web.conf~: looks like a backup"},
		{"conf.d/web", "/conf.d/web: no name"},
		{"trust/.hidden", "/trust/.hidden: no name"},
		{".git", "/.git: does not belong here: keep what is packed in a folder of the repository"},
		{"es\x1b[1m", "/es\\x1b[1m: does not belong here"},
	};
	make(files);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char path[256];
		config_files_puts(files, cases[i].name, "");
		assert_directory_refused(files, cases[i].says);
		(void)snprintf(path, sizeof(path), "%s/%s", files->dir, cases[i].name);
		assert_int_equal(unlink(path), 0);
	}
	/* all of them at once, each with its line */
	config_files_puts(files, "a", "");
	config_files_puts(files, "b", "");
	assert_directory_refused(files, "/a: does not");
	assert_non_null(strstr(files->errors.data, "/b: does not"));
}

static void test_links_and_kinds(void **state)
{
	struct config_files *files = *state;
	char path[256];
	make(files);
	(void)snprintf(path, sizeof(path), "%s/trust/link.pem", files->dir);
	assert_int_equal(symlink("111122223333.pem", path), 0);
	assert_directory_refused(files, "trust/link.pem: is a symbolic link");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_directory_refused(files, "trust/link.pem: is no regular file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_directory_refused(files, "trust/link.pem: is no regular file");
}

static void test_folders_of_another_kind(void **state)
{
	struct config_files *files = *state;
	struct bundle *bundle = NULL;
	config_files_puts(files, "policy.conf", TERMS);
	config_files_puts(files, "trust", "");
	assert_directory_refused(files, "/trust: is no directory");
	char path[256];
	(void)snprintf(path, sizeof(path), "%s/trust", files->dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc", path), 0);
	assert_directory_refused(files, "/trust: is no directory (a link to one is none)");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(bundle_read_directory(files->dir, &bundle, &files->errors), 0); /* both may be absent */
	bundle_unref(bundle);
}

static void test_writers(void **state)
{
	static const char *const names[] = {"policy.conf", "conf.d/web.conf", "trust", "."};
	struct config_files *files = *state;
	make(files);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[256], says[128];
		(void)snprintf(path, sizeof(path), "%s/%s", files->dir, names[i]);
		assert_int_equal(chmod(path, i < 2 ? 0664 : 0777), 0);
		(void)snprintf(says, sizeof(says), "/%s: has mode 0%s: others than its owner", names[i],
			       i < 2 ? "664" : "777");
		assert_directory_refused(files, says);
		assert_int_equal(chmod(path, i < 2 ? 0644 : 0755), 0);
		if (geteuid() != 0)
			continue;
		assert_int_equal(chown(path, 4711, (gid_t)-1), 0);
		(void)snprintf(says, sizeof(says), "/%s: belongs to uid 4711", names[i]);
		assert_directory_refused(files, says);
		assert_int_equal(chown(path, 0, (gid_t)-1), 0);
	}
}

static void test_no_directory(void **state)
{
	struct config_files *files = *state;
	assert_directory_refused(files, "/policy.conf: is missing");
	struct bundle *bundle = NULL;
	buf_reset(&files->errors);
	assert_int_equal(bundle_read_directory("/nowhere/at/all", &bundle, &files->errors), -EINVAL);
	assert_non_null(strstr(files->errors.data, "/nowhere/at/all: No such file or directory"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members_have_an_order),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_other_folders),
		cmocka_unit_test(test_without_terms),
		cmocka_unit_test(test_executable),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_zip_rules),
		cmocka_unit_test(test_number_of_files),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test_setup_teardown(test_round_trip, config_files_setup, config_files_teardown),
		cmocka_unit_test_setup_teardown(test_same_files_same_bytes, config_files_setup, config_files_teardown),
		cmocka_unit_test_setup_teardown(test_what_is_no_part, config_files_setup, config_files_teardown),
		cmocka_unit_test_setup_teardown(test_links_and_kinds, config_files_setup, config_files_teardown),
		cmocka_unit_test_setup_teardown(test_folders_of_another_kind, config_files_setup,
						config_files_teardown),
		cmocka_unit_test_setup_teardown(test_writers, config_files_setup, config_files_teardown),
		cmocka_unit_test_setup_teardown(test_no_directory, config_files_setup, config_files_teardown),
	};
	return cmocka_run_group_tests_name("bundle", tests, NULL, NULL);
}
