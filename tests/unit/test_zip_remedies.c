/*
 * Remedies work when they are followed: the commands that refusals recommend, word for word, in a folder of files as
 * people have them. Needs zip and python3; without them the tests are skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "zip_probe.h"

#define ZIP_MAX (8U * 1024U * 1024U)

static int make_folder(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *folder = NULL;
	if (asprintf(&folder, "%s/vouchfs-remedies-XXXXXX", tmp ? tmp : "/tmp") < 0 || !mkdtemp(folder))
		return -1;
	*state = folder;
	return 0;
}

static void run(const char *folder, const char *script)
{
	char *command = NULL;
	assert_true(asprintf(&command, "cd '%s' && (%s) >/dev/null 2>&1", folder, script) > 0);
	int status = system(command); /* NOLINT(cert-env33-c): the shell is what a user would have */
	if (status != 0)
		print_error("failed: %s\n", script);
	free(command);
	assert_int_equal(status, 0);
}

static int remove_folder(void **state)
{
	char *folder = *state;
	char *command = NULL;
	int r = asprintf(&command, "rm -rf '%s'", folder);
	r = r > 0 ? system(command) : -1; /* NOLINT(cert-env33-c) */
	free(command);
	free(folder);
	return r;
}

static bool have_tools(void)
{
	return system("command -v zip python3 >/dev/null 2>&1") == 0; /* NOLINT(cert-env33-c) */
}

static unsigned probe_new_zip(const char *folder, struct zip_refusal *ret_refusal)
{
	char *path = NULL;
	struct buf zip = {0};
	assert_true(asprintf(&path, "%s/new.zip", folder) > 0);
	assert_int_equal(io_read_path(path, ZIP_MAX, &zip), 0);
	unsigned rule = zip_probe(&zip, ret_refusal);
	buf_done(&zip);
	free(path);
	return rule;
}

/* The command at the end of the remedy, after the last ": ". */
static const char *command_of(const char *remedy)
{
	const char *command = remedy;
	for (const char *at = remedy; (at = strstr(at, ": ")); at += 2)
		command = at + 2;
	return command;
}

/* What goes wrong, by which rule, and whether its remedy mends it. Runs in a folder beside which new.zip lies. */
static const struct {
	unsigned rule;
	const char *wrong;
} cases[] = {
	{1, "python3 -m zipapp -m app:main -p /usr/bin/python3 -o ../new.zip ."},
	{2, "zip -r ../new.zip . && echo >> ../new.zip"},
	{4, "cat app.py | zip ../new.zip -"},
	{6, "zip -r - . | cat > ../new.zip"},
	{8, "zip -P secret -r ../new.zip ."},
	{10, "touch caf\xc3\xa9.txt && zip -r ../new.zip ."},
	{13, "ln -s app.py link && zip -y -r ../new.zip . "},
	{13, "chmod u+s run && zip -r ../new.zip ."},
	{14, "head -c 3000000 /dev/zero > zeros && zip -r ../new.zip ."},
};

static void test_remedies(void **state)
{
	const char *folder = *state;
	if (!have_tools())
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct zip_refusal refusal;
		run(folder, "rm -rf files new.zip && mkdir -p files/lib files/empty && cd files && "
			    "echo 'def main(): pass' > app.py && touch lib/__init__.py .hidden && "
			    "echo '#!/bin/sh' > run && chmod 755 run");
		char *script = NULL;
		assert_true(asprintf(&script, "cd files && %s", cases[i].wrong) > 0);
		run(folder, script);
		free(script);
		unsigned rule = probe_new_zip(folder, &refusal);
		if (rule != cases[i].rule)
			fail_msg("%s: got rule %u %s", cases[i].wrong, rule, refusal.text.text);

		/* What must be done to the files stands in the remedy as prose or in brackets. */
		if (strstr(refusal.remedy.text, "chmod -R u-s,g-s,-t ."))
			run(folder, "cd files && chmod -R u-s,g-s,-t .");
		assert_true(asprintf(&script, "rm -f new.zip && cd files && %s", command_of(refusal.remedy.text)) > 0);
		run(folder, script);
		free(script);
		rule = probe_new_zip(folder, &refusal);
		if (rule != 0)
			fail_msg("%s: its remedy leads to %s", cases[i].wrong, refusal.text.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_remedies, make_folder, remove_folder),
	};
	return cmocka_run_group_tests_name("zip_remedies", tests, NULL, NULL);
}
