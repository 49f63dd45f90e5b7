/* What becomes of what a source has, with a directory in the place of the mount: a directory called policy.zip refuses.
 */
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

#include "../../src/fetch/delivery.h"
#include "../../src/fetch/poll.h"
#include "base/io.h"

struct fixture {
	char mount[64];
	char source[96];
	struct poll_state poll;
};

static void run_in(const struct fixture *f, const char *command)
{
	char line[512];
	(void)snprintf(line, sizeof(line), "cd %s && %s", f->mount, command);
	assert_int_equal(system(line), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	if (!f)
		return -1;
	*state = f;
	(void)snprintf(f->mount, sizeof(f->mount), "/tmp/vouchfs-fetch-XXXXXX");
	if (!mkdtemp(f->mount))
		return -1;
	run_in(f, "mkdir -p policy .vouchfs/policy .vouchfs/why && : >.vouchfs/policy/source");
	(void)snprintf(f->source, sizeof(f->source), "%s/source.zip", f->mount);
	f->poll = (struct poll_state){.mountpoint = f->mount, .source = {.address = {.is_file = true}}};
	(void)snprintf(f->poll.source.address.text, ADDRESS_SIZE, "%s", f->source);
	(void)snprintf(f->poll.source.address.shown, ADDRESS_SIZE, "file://%s", f->source);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	run_in(f, "rm -rf policy .vouchfs source.zip && cd / && rmdir \"$OLDPWD\"");
	poll_done(&f->poll);
	free(f);
	return 0;
}

/* A file is made anew each time, as rename does it. */
static void put_source(const struct fixture *f, const char *text)
{
	char command[128];
	(void)snprintf(command, sizeof(command), "printf %%s '%s' >new && mv new source.zip", text);
	run_in(f, command);
}

static void expect_file(const struct fixture *f, const char *name, const char *text)
{
	char path[256];
	struct buf content = {0};
	(void)snprintf(path, sizeof(path), "%s/%s", f->mount, name);
	assert_int_equal(io_read_path(path, 4096, &content), 0);
	assert_string_equal(content.data ? content.data : "", text);
	buf_done(&content);
}

/* What is told replaces what was, as it does in a mount. */
static void look(struct fixture *f)
{
	run_in(f, ": >.vouchfs/policy/source");
	poll_look(&f->poll);
}

static void test_taken_once(void **state)
{
	struct fixture *f = *state;
	put_source(f, "one");
	look(f);
	assert_int_equal(f->poll.fate, POLL_TAKEN);
	expect_file(f, DELIVERY_NAME, "one");
	expect_file(f, DELIVERY_REPORT, "ok\n");
	run_in(f, "test ! -e " DELIVERY_STAGING);
	/* nothing is written again: neither when the source is as it was, nor when it has the same bytes anew */
	run_in(f, "touch -d @1000 policy/policy.zip");
	look(f);
	put_source(f, "one");
	look(f);
	run_in(f, "test $(stat -c %Y policy/policy.zip) = 1000");
	expect_file(f, DELIVERY_REPORT, "ok\n");
	put_source(f, "two");
	look(f);
	expect_file(f, DELIVERY_NAME, "two");
}

static void test_what_somebody_else_brought(void **state)
{
	struct fixture *f = *state;
	put_source(f, "one");
	run_in(f, "printf one >policy/by-hand.zip");
	look(f);
	assert_int_equal(f->poll.fate, POLL_TAKEN);
	run_in(f, "test ! -e policy/policy.zip");
	/* another one in its place stays until the source has something else; that none is there is a loss */
	run_in(f, "printf other >policy/by-hand.zip");
	look(f);
	run_in(f, "test ! -e policy/policy.zip && rm policy/by-hand.zip");
	look(f);
	expect_file(f, DELIVERY_NAME, "one");
}

static void refuse(const struct fixture *f, const char *why)
{
	char command[256];
	(void)snprintf(command, sizeof(command), "mkdir -p policy/policy.zip/x && printf '%s' >.vouchfs/why/policy",
		       why);
	run_in(f, command);
}

#define WHY                                                                                                            \
	"VF5001 refused  slot=policy  artifact=policy.zip\\n  not a policy bundle\\n  check integrity   FAILED  hm\\n" \
	"  detail            it is for others\\n  remedy            pack it anew\\n"
#define WHY_TEXT "VF5001 not a policy bundle: hm: it is for others; pack it anew"

static void test_refused_once(void **state)
{
	struct fixture *f = *state;
	put_source(f, "one");
	refuse(f, WHY);
	look(f);
	assert_int_equal(f->poll.fate, POLL_REFUSED);
	assert_int_equal(f->poll.failures, 0);
	expect_file(f, DELIVERY_REPORT, "error the bundle was refused: Is a directory: " WHY_TEXT "\n");
	run_in(f, "test ! -e " DELIVERY_STAGING);
	/* by then it would be taken, but nobody asks again, and what was refused is still what is told */
	run_in(f, "rm -r policy/policy.zip");
	look(f);
	put_source(f, "one");
	look(f);
	run_in(f, "test ! -e policy/policy.zip");
	expect_file(f, DELIVERY_REPORT, "error the bundle was refused: Is a directory: " WHY_TEXT "\n");
	poll_forget(&f->poll);
	look(f);
	expect_file(f, DELIVERY_NAME, "one");
	expect_file(f, DELIVERY_REPORT, "ok\n");
}

static void test_refused_and_then_another_one(void **state)
{
	struct fixture *f = *state;
	put_source(f, "one");
	refuse(f, WHY);
	look(f);
	run_in(f, "rm -r policy/policy.zip");
	put_source(f, "two");
	look(f);
	assert_int_equal(f->poll.fate, POLL_TAKEN);
	expect_file(f, DELIVERY_NAME, "two");
}

static void test_what_could_not_be_checked_is_tried_again(void **state)
{
	struct fixture *f = *state;
	put_source(f, "one");
	refuse(f, "VF3001 refused  slot=policy\\n  could not be checked\\n");
	look(f);
	assert_int_equal(f->poll.fate, POLL_NOTHING);
	assert_int_equal(f->poll.failures, 1);
	run_in(f, "rm -r policy/policy.zip");
	look(f);
	assert_int_equal(f->poll.failures, 0);
	expect_file(f, DELIVERY_NAME, "one");
}

static void test_what_cannot_be_fetched_or_written(void **state)
{
	struct fixture *f = *state;
	look(f);
	look(f);
	assert_int_equal(f->poll.failures, 2);
	put_source(f, "");
	look(f);
	assert_non_null(strstr(f->poll.said.text, "is empty"));
	put_source(f, "one");
	run_in(f, "mv policy elsewhere");
	look(f);
	assert_int_equal(f->poll.failures, 4);
	assert_int_equal(f->poll.fate, POLL_NOTHING);
	run_in(f, "mv elsewhere policy");
	look(f);
	assert_int_equal(f->poll.failures, 0);
	expect_file(f, DELIVERY_NAME, "one");
}

static void test_a_page_in_a_line(void **state UNUSED)
{
	static const char page[] =
		"VF2001 refused  slot=policy\n  source mismatch: no signature\n"
		"  check integrity   ok      5 bytes\n  check source      FAILED  no signature  (Enforce)\n"
		"                            expected: arn:x\n  remedy            sign it\n  event   3\n";
	char line[128], small[12];
	delivery_squeeze(page, line, sizeof(line));
	assert_string_equal(line, "VF2001 source mismatch: no signature: no signature  (Enforce); sign it");
	delivery_squeeze(page, small, sizeof(small));
	assert_string_equal(small, "VF2001 sour");
	delivery_squeeze("accepted  slot=policy\n", line, sizeof(line));
	assert_string_equal(line, "");
	delivery_squeeze("", line, sizeof(line));
	assert_string_equal(line, "");
	delivery_squeeze("VF5002", line, sizeof(line));
	assert_string_equal(line, "VF5002");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_taken_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_somebody_else_brought, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_and_then_another_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_could_not_be_checked_is_tried_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_cannot_be_fetched_or_written, setup, teardown),
		cmocka_unit_test(test_a_page_in_a_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
