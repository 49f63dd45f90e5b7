/* From argv to the command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture.h"
#include "cli/cli.h"

#define RAN 42

static char ran[256]; /* the words that the command got */

static int record(int argc, char **argv)
{
	ran[0] = '\0';
	for (int i = 0; i < argc; i++)
		(void)snprintf(ran + strlen(ran), sizeof(ran) - strlen(ran), "%s%s", i ? " " : "", argv[i]);
	assert_null(argv[argc]);
	return RAN;
}

static const struct cli_command first[] = {
	{.name = "mount", .summary = "serve", .usage = "Examples: mount\n", .run = record},
	{.name = "sign", .summary = "sign it", .usage = "Examples: sign\n", .run = record},
	{.name = NULL},
};
static const struct cli_command second[] = {
	{.group = "signer", .name = "put-profile", .summary = "put it", .usage = "Examples: put\n", .run = record},
	{.group = "signer", .name = "tag-profile", .refuse = "use its name"},
	{.group = "audit", .name = "verify", .summary = "check it", .usage = "Examples: check\n", .run = record},
	{.name = NULL},
};
static const struct cli_command *const arrays[] = {first, second};
/* A command with the name of a group. */
static const struct cli_command third[] = {
	{.name = "audit", .summary = "look at it", .usage = "Examples: look\n", .run = record},
	{.name = NULL},
};
static const struct cli_command *const arrays_with_namesake[] = {first, second, third};
static size_t array_count = ARRAY_SIZE(arrays);
static const struct cli_command *const *in_use = arrays;

struct outcome {
	int exit_code;
	char out[1024], err[512];
};

static struct outcome dispatch(const char *line)
{
	static char words[256];
	char *argv[16];
	int argc = 0;
	(void)snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;

	struct outcome o = {0};
	struct capture capture;
	struct buf out, err;
	ran[0] = '\0';
	capture_begin(&capture);
	o.exit_code = cli_dispatch(in_use, array_count, argc, argv);
	capture_end(&capture, &out, &err);
	(void)snprintf(o.out, sizeof(o.out), "%s", out.data);
	(void)snprintf(o.err, sizeof(o.err), "%s", err.data);
	buf_done(&out);
	buf_done(&err);
	return o;
}

static void test_runs(void **state UNUSED)
{
	assert_int_equal(dispatch("vouchfs sign a -o b").exit_code, RAN);
	assert_string_equal(ran, "sign a -o b");
	assert_int_equal(dispatch("/usr/bin/vouchfs signer put-profile --x").exit_code, RAN);
	assert_string_equal(ran, "put-profile --x");
}

static void test_group_with_namesake(void **state UNUSED)
{
	static const struct {
		const char *line, *ran;
	} cases[] = {
		{"vouchfs audit verify --head x", "verify --head x"},
		{"vouchfs audit --as enforce", "audit --as enforce"},
		{"vouchfs audit", "audit"},
		{"vouchfs audit main", "audit main"},
		{"vouchfs sign a", "sign a"},
	};
	in_use = arrays_with_namesake;
	array_count = ARRAY_SIZE(arrays_with_namesake);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(dispatch(cases[i].line).exit_code, RAN);
		assert_string_equal(ran, cases[i].ran);
	}
	struct outcome o = dispatch("vouchfs audit --help");
	assert_int_equal(o.exit_code, 0);
	assert_non_null(strstr(o.out, "check it"));
	assert_non_null(strstr(o.out, "look at it"));
	assert_non_null(strstr(o.out, "Examples: look"));
	assert_int_equal(dispatch("vouchfs signer").exit_code, 252);
	in_use = arrays;
	array_count = ARRAY_SIZE(arrays);
	assert_int_equal(dispatch("vouchfs audit --as enforce").exit_code, 2);
	assert_int_equal(dispatch("vouchfs audit").exit_code, 2);
}

static void test_unknown(void **state UNUSED)
{
	static const struct {
		const char *line;
		int exit_code;
		const char *says;
	} cases[] = {
		{"vouchfs", 2, "which command?"},
		{"vouchfs sgin", 2, "there is no command \"sgin\", did you mean \"sign\"?"},
		{"vouchfs singer", 2, "did you mean \"signer\"?"},
		{"vouchfs zzzzzzzz", 2, "`vouchfs --help` lists them"},
		{"vouchfs put-profile", 2, "there is no command"}, /* only within its group */
		{"vouchfs signer", 252, "which command of \"signer\"?"},
		{"vouchfs signer putprofile", 252, "did you mean \"signer put-profile\"?"},
		{"vouchfs signer verify", 252, "there is no command"},
		{"vouchfs signer tag-profile --x", 252, "signer tag-profile is not for vouchfs: use its name"},
		{"vouchfs help signer tag-profile", 252, "is not for vouchfs: use its name"},
		{"vouchfs signer tag-profil", 252, "did you mean \"signer put-profile\"?"},
		{"vouchfs audit nothing", 2, "there is no command"},
		{"vouchfs help sgin", 2, "did you mean \"sign\"?"},
		{"vouchfs \033[2J", 2, "\\x1b[2J"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct outcome o = dispatch(cases[i].line);
		assert_int_equal(o.exit_code, cases[i].exit_code);
		if (!strstr(o.err, cases[i].says))
			fail_msg("%s: \"%s\" is not in \"%s\"", cases[i].line, cases[i].says, o.err);
		assert_string_equal(o.out, "");
		assert_string_equal(ran, "");
	}
}

static void test_help(void **state UNUSED)
{
	static const struct {
		const char *line, *says, *says_not;
	} cases[] = {
		{"vouchfs --help", "put-profile", "lambda"},
		{"vouchfs -h", "sign it", "lambda"},
		{"vouchfs help", "Commands:", "lambda"},
		{"vouchfs signer --help", "put it", "sign it"},
		{"vouchfs signer --help", "put it", "tag-profile"},
		{"vouchfs help signer", "put it", "check it"},
		{"vouchfs help sign", "Examples: sign", "put"},
		{"vouchfs help signer put-profile", "Examples: put", "check"},
		{"vouchfs signer help put-profile", "Examples: put", "check"},
		{"vouchfs --version", "vouchfs " VOUCHFS_VERSION "\nOpenSSL 3", "Commands"},
		{"vouchfs --version", ", libfuse 3.", "(null)"},
		{"vouchfs --version", "libzip 1.", "(null)"},
		{"vouchfs --version", "\nLinux ", "(null)"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct outcome o = dispatch(cases[i].line);
		assert_int_equal(o.exit_code, 0);
		if (!strstr(o.out, cases[i].says))
			fail_msg("%s: \"%s\" is not in \"%s\"", cases[i].line, cases[i].says, o.out);
		assert_null(strstr(o.out, cases[i].says_not));
		assert_string_equal(o.err, "");
	}
}

static void test_mount_helper(void **state UNUSED)
{
	static const struct {
		const char *line, *runs;
	} cases[] = {
		{"/sbin/mount.vouchfs /etc/v.conf /mnt", "mount -c /etc/v.conf -- /mnt"},
		{"mount.vouchfs /etc/v.conf /mnt -o rw,allow_other", "mount -c /etc/v.conf -o rw,allow_other -- /mnt"},
		{"mount.vouchfs -o ro none /mnt", "mount -o ro -- /mnt"},
		{"mount.vouchfs vouchfs /mnt -n -v", "mount -- /mnt"},
		{"mount.fuse.vouchfs /etc/v.conf /mnt -t fuse.vouchfs -o rw", "mount -c /etc/v.conf -o rw -- /mnt"},
		{"mount.vouchfs /etc/v.conf /mnt -sn -o rw,new", "mount -c /etc/v.conf -o sloppy,rw,new -- /mnt"},
		{"mount.vouchfs /etc/v.conf /mnt -weird -o rw", ""},
		{"mount.vouchfs /etc/v.conf -o rw", ""},
		{"mount.vouchfs /etc/v.conf /mnt /more", ""},
		{"mount.vouchfs /etc/v.conf /mnt -o", ""},
		{"mount.vouchfs /etc/v.conf /mnt -N /proc/1/ns/mnt", ""},
		{"mount.vouchfs /etc/v.conf /mnt -", ""},
		{"mount.vouchfs", ""},
		{"umount.vouchfs", ""},
		{"umount.fuse.vouchfs /mnt /more", ""},
		{"umount.vouchfs /mnt -x", ""},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct outcome o = dispatch(cases[i].line);
		assert_string_equal(ran, cases[i].runs);
		assert_int_equal(o.exit_code, *cases[i].runs ? RAN : CLI_EXIT_USAGE);
		assert_int_equal(strstr(o.err, "usage: ") != NULL, !*cases[i].runs);
	}
	assert_non_null(
		strstr(dispatch("mount.vouchfs a b -x\033").err, "mount.vouchfs: there is no option \"-x\\x1b\""));
	assert_non_null(strstr(dispatch("umount.vouchfs a b").err, "umount.vouchfs: one argument too many: \"b\""));
	assert_int_equal(dispatch("mount.vouchfs /etc/v.conf /mnt -f -o rw").exit_code, 0);
	assert_string_equal(ran, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs), cmocka_unit_test(test_group_with_namesake), cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_help), cmocka_unit_test(test_mount_helper),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
