/* A break glass: who may begin one, what it lets pass and what not, how it ends, and what of it survives a restart. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/slots/internal.h"
#include "base/text.h"
#include "layers_fixture.h"

#define CONTROL ".vouchfs/break-glass/functions/"
#define STORED	"store/functions/main/break-glass"
#define REASON	"the signing host is down"

static int open_control(struct slots_fixture *f, const char *function, int flags, uid_t uid, struct tree_handle **ret)
{
	const struct slots_caller caller = {.who = {.uid = uid, .pid = 3121, .command = "vouchfs"}};
	char path[128];
	struct slots_attr attr;
	(void)snprintf(path, sizeof(path), CONTROL "%s", function);
	int r = slots_fixture_deploy_path(f, path, &attr);
	if (r == 0)
		r = deploy_open(f->slots, attr.node, flags, &caller, ret);
	return r;
}

static int write_control(struct slots_fixture *f, const char *function, const char *text)
{
	struct tree_handle *handle;
	assert_int_equal(open_control(f, function, O_RDWR, 0, &handle), 0);
	int r = deploy_write(handle, text, strlen(text), 0);
	assert_int_equal(deploy_flush(handle), 0);
	deploy_release(handle);
	return r;
}

static void begin(struct slots_fixture *f, unsigned minutes)
{
	char line[128];
	(void)snprintf(line, sizeof(line), "begin %u " REASON "\n", minutes);
	buf_reset(&f->pushed);
	assert_int_equal(write_control(f, "main", line), 0);
}

static int put_unsigned(struct slots_fixture *f)
{
	struct buf zip = gate_fixture_zip();
	int r = slots_fixture_put(f, "functions/main", "a.zip", &zip);
	buf_done(&zip);
	return r;
}

static int run_unsigned(struct slots_fixture *f, unsigned release)
{
	char path[64];
	int error;
	(void)snprintf(path, sizeof(path), ".releases/main/%u/task/app.py", release);
	(void)slots_fixture_marker(f, path, &error);
	return error;
}

static void assert_file_says(struct slots_fixture *f, const char *path, const char *part)
{
	struct buf text = {0};
	slots_fixture_read(f, path, &text);
	gate_fixture_assert_says(&text, part);
	buf_done(&text);
}

static void assert_in_force(struct slots_fixture *f, const char *function, bool expected)
{
	struct buf text = {0};
	char path[128];
	(void)snprintf(path, sizeof(path), CONTROL "%s", function);
	slots_fixture_read(f, path, &text);
	assert_int_equal(text.len > 0, expected);
	assert_int_equal(slots_fixture_lists(f, ".vouchfs/break-glass/functions", function), expected);
	buf_done(&text);
}

/* The clock is moved, and the daemon notices. */
static void pass(struct slots_fixture *f, int64_t seconds)
{
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S + seconds);
	(void)slots_follow(f->slots);
}

/* ---- what it lets pass ---- */

static void what_was_refused_is_warned_about_until_the_end(void **state)
{
	struct slots_fixture *f = *state;
	assert_int_equal(put_unsigned(f), -ENOKEY);
	begin(f, 30);
	assert_file_says(f, CONTROL "main", "reason: " REASON "\n");
	assert_file_says(f, CONTROL "main", "seconds-left: 1800\n");
	assert_int_equal(slots_fixture_count_records(f, "\"event\":\"break-glass-begun\""), 1);
	assert_int_equal(put_unsigned(f), 0);
	assert_int_equal(run_unsigned(f, 1), 0);
	assert_file_says(f, ".vouchfs/why/functions/main", "VF2001 warned");
	assert_file_says(f, ".vouchfs/why/functions/main",
			 "BREAK GLASS       without it this is refused; by uid 0 until");
	assert_file_says(f, ".vouchfs/why/functions/main", "its reason        " REASON);
	assert_int_equal(slots_fixture_count_records(f, "\"outcome\":\"warned\""), 1);

	assert_int_equal(write_control(f, "main", "end\n"), 0);
	gate_fixture_assert_says(&f->pushed, " 1\n"); /* the kernel knows before anybody has asked */
	assert_in_force(f, "main", false);
	assert_int_equal(run_unsigned(f, 1), -EACCES);
	assert_int_equal(put_unsigned(f), -ENOKEY);
	assert_int_equal(slots_fixture_count_records(f, "\"event\":\"break-glass-ended\""), 1);
	assert_int_equal(slots_fixture_count_records(f, "\"event\":\"release-blocked\""), 1);
	assert_int_equal(write_control(f, "main", "end"), -ENODATA);
}

static void the_release_s_own_record_says_so(void **state)
{
	struct slots_fixture *f = *state;
	int error;
	struct slots_attr attr;
	struct run_data data;
	begin(f, 30);
	assert_int_equal(put_unsigned(f), 0);
	assert_int_equal(slots_fixture_run_path(f, ".releases/main/1/release.json", &attr), 0);
	error = run_read(f->slots, attr.node, 65536, 0, &data);
	assert_int_equal(error, 0);
	struct buf text = {0};
	assert_int_equal(buf_append(&text, data.bytes, data.len), 0);
	run_data_done(&data);
	gate_fixture_assert_says(&text, "\"breakGlass\": {");
	gate_fixture_assert_says(&text, "\"reason\": \"" REASON "\"");
	gate_fixture_assert_says(&text, "\"outcome\": \"warned\"");
	assert_file_says(f, ".vouchfs/history/functions/main", "by break glass: " REASON "\n");
	run_forget(f->slots, attr.node, 1);
	buf_done(&text);
}

static void what_would_have_passed_anyway_is_accepted(void **state)
{
	struct slots_fixture *f = *state;
	begin(f, 30);
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(slots_fixture_count_records(f, "\"outcome\":\"accepted\""), 1);
	struct buf why = {0};
	slots_fixture_read(f, ".vouchfs/why/functions/main", &why);
	assert_null(strstr(why.data, "BREAK GLASS"));
	buf_done(&why);
}

static void what_was_changed_after_it_was_signed_is_refused(void **state)
{
	struct slots_fixture *f = *state;
	struct buf zip = slots_fixture_zip(f, "one");
	begin(f, 30);
	zip.data[40] ^= 1;
	assert_int_equal(slots_fixture_put(f, "functions/main", "a.zip", &zip), -EBADMSG);
	buf_done(&zip);
	struct buf none = {0};
	assert_int_equal(buf_puts(&none, "PK\x05\x06no archive at all"), 0);
	assert_int_equal(slots_fixture_put(f, "functions/main", "b.zip", &none), -EINVAL);
	buf_done(&none);
	assert_int_equal(slots_fixture_count_records(f, "\"breakGlass\":"), 0);
}

static void what_is_blocked_is_served_meanwhile(void **state)
{
	struct slots_fixture *f = *state;
	int error;
	slots_fixture_deploy(f, "main", "one");
	pass(f, TRUST_FIXTURE_YEAR_S);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/1"), -EACCES);
	begin(f, 30);
	assert_string_equal(slots_fixture_marker(f, ".releases/main/1/task/marker", &error), "one");
	assert_int_equal(slots_fixture_count_records(f, "\"event\":\"release-unblocked\""), 1);
	pass(f, TRUST_FIXTURE_YEAR_S + 1800);
	gate_fixture_assert_says(&f->pushed, " 1\n");
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/1"), -EACCES);
	assert_int_equal(slots_fixture_count_records(f, "\"event\":\"break-glass-expired\""), 1);
	assert_int_equal(slots_fixture_count_records(f, "\"event\":\"release-blocked\""), 2);
}

/* Nobody has to notice the time: a verdict is made by the rules of its moment. */
static void its_time_counts_before_anybody_has_followed_it(void **state)
{
	struct slots_fixture *f = *state;
	begin(f, 1);
	assert_int_equal(put_unsigned(f), 0);
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S + 59);
	assert_int_equal(run_unsigned(f, 1), 0);
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S + 60);
	assert_int_equal(run_unsigned(f, 1), -EACCES);
	assert_int_equal(put_unsigned(f), -ENOKEY);
	assert_in_force(f, "main", false);
	assert_int_equal(slots_fixture_count_records(f, "\"event\":\"break-glass-expired\""), 0);
	(void)slots_follow(f->slots);
	assert_int_equal(slots_fixture_count_records(f, "\"event\":\"break-glass-expired\""), 1);
}

static void a_clock_that_is_set_back_behind_its_beginning_ends_it(void **state)
{
	struct slots_fixture *f = *state;
	begin(f, 30);
	pass(f, -1);
	assert_in_force(f, "main", false);
	pass(f, 10);
	assert_in_force(f, "main", false);
	assert_int_equal(slots_fixture_count_records(f, "set back behind its beginning"), 1);
}

/* Judged while it was in force, closed when it is over. */
static void a_file_that_is_held_open_does_not_outlast_it(void **state)
{
	struct slots_fixture *f = *state;
	struct buf zip = gate_fixture_zip();
	struct slots_attr directory, attr;
	struct tree_handle *file;
	begin(f, 30);
	assert_int_equal(slots_fixture_deploy_path(f, "functions/main", &directory), 0);
	assert_int_equal(
		deploy_create(f->slots, directory.node, "a.zip", O_WRONLY, &slots_fixture_caller, &attr, &file), 0);
	assert_int_equal(deploy_write(file, zip.data, zip.len, 0), 0);
	assert_int_equal(write_control(f, "main", "end"), 0);
	assert_int_equal(deploy_flush(file), -ENOKEY);
	deploy_release(file);
	deploy_forget(f->slots, attr.node, 1);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/1"), -ENOENT);
	buf_done(&zip);
}

static void a_rollback_is_judged_by_it_too(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *handle;
	struct slots_attr attr;
	begin(f, 30);
	assert_int_equal(put_unsigned(f), 0);
	slots_fixture_deploy(f, "main", "two");
	assert_int_equal(slots_fixture_deploy_path(f, ".vouchfs/rollback/functions/main", &attr), 0);
	assert_int_equal(deploy_open(f->slots, attr.node, O_RDWR, &slots_fixture_caller, &handle), 0);
	assert_int_equal(write_control(f, "main", "end"), 0);
	assert_int_equal(deploy_write(handle, "1", 1, 0), -ENOKEY);
	begin(f, 30);
	assert_int_equal(deploy_write(handle, "1", 1, 0), 0);
	deploy_release(handle);
	assert_int_equal(slots_fixture_count_records(f, "\"rollbackTo\":1,"), 2);
	assert_file_says(f, ".vouchfs/why/functions/main", "BREAK GLASS");
}

static void a_reload_and_other_functions_are_left_alone(void **state)
{
	struct slots_fixture *f = *state;
	struct buf errors = {0}, zip = gate_fixture_zip();
	assert_int_equal(slots_fixture_mkdir(f, "functions", "team-a"), 0);
	begin(f, 30);
	assert_int_equal(slots_reload(f->slots, &errors), 0);
	assert_in_force(f, "main", true);
	assert_in_force(f, "team-a", false);
	assert_int_equal(slots_fixture_put(f, "functions/team-a", "a.zip", &zip), -ENOKEY);
	assert_int_equal(put_unsigned(f), 0);
	buf_done(&zip);
	buf_done(&errors);
}

/* plain:1 is signed by nobody; a layer is judged with the function that takes it. */
static void a_list_of_layers_is_judged_by_it_too(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(layers_fixture_attach(f, MAIN, "plain:1\n"), -ENOKEY);
	begin(f, 30);
	assert_int_equal(layers_fixture_attach(f, MAIN, "plain:1\n"), 0);
	layers_fixture_assert_why(f, "main", "VF2005 warned");
	layers_fixture_assert_why(f, "main", "BREAK GLASS");
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/2"), 0);
	assert_int_equal(write_control(f, "main", "end"), 0);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/2"), -EACCES);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/1"), 0);
}

/* ---- who, and what ---- */

static void only_root_and_who_has_mounted_may_write(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *handle;
	f->slots->administrator = 1000;
	const struct {
		uid_t uid;
		int expected;
	} rows[] = {{0, 0}, {1000, 0}, {1001, -EACCES}, {UINT32_MAX, -EACCES}};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = open_control(f, "main", O_WRONLY, rows[i].uid, &handle);
		assert_int_equal(r, rows[i].expected);
		if (r == 0)
			deploy_release(handle);
		assert_int_equal(open_control(f, "main", O_RDONLY, rows[i].uid, &handle), 0);
		assert_int_equal(deploy_write(handle, "end", 3, 0), -EBADF);
		deploy_release(handle);
	}
	struct slots_attr attr;
	assert_int_equal(slots_fixture_deploy_path(f, CONTROL "main", &attr), 0);
	assert_int_equal(attr.uid, 1000);
	assert_int_equal(attr.mode & 0777, 0644); /* not the slot's group */
}

static void what_is_not_within_bounds(void **state)
{
	static const char *const malformed[] = {"",
						"\n",
						"begin",
						"begin 30",
						"begin 30 ",
						"begin 0 x",
						"begin 1441 x",
						"begin -1 x",
						"begin 030 x",
						"begin 30x y",
						"begin 18446744073709551616 x",
						"begin 30 two\nlines",
						"begin 30 t\tab",
						"begin 30 caf\xc3\xa9",
						"End",
						"end now",
						"30 the signing host is down"};
	struct slots_fixture *f = *state;
	char line[600];
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++)
		if (write_control(f, "main", malformed[i]) != -EINVAL)
			fail_msg("%s", malformed[i]);
	(void)snprintf(line, sizeof(line), "begin 1440 %0501d", 0);
	assert_int_equal(write_control(f, "main", line), -EINVAL);
	assert_int_equal(slots_fixture_count_records(f, "break-glass"), 0);
	(void)snprintf(line, sizeof(line), "begin 1440 %0500d", 0);
	assert_int_equal(write_control(f, "main", line), 0);
	assert_in_force(f, "main", true);
}

static void what_has_nothing_to_relax(void **state)
{
	struct slots_fixture *f = *state;
	struct buf errors = {0};
	struct slots_attr attr;
	slots_fixture_configure(f, "", "[function main]\ncode_signing_config = none\n[layer tools]\n");
	if (slots_reload(f->slots, &errors) != 0)
		fail_msg("%s", errors.data);
	assert_int_equal(write_control(f, "main", "begin 30 x"), -EOPNOTSUPP);
	assert_int_equal(slots_fixture_deploy_path(f, CONTROL "nobody", &attr), -ENOENT);
	assert_int_equal(slots_fixture_deploy_path(f, CONTROL "tools", &attr), -ENOENT);
	assert_int_equal(slots_fixture_deploy_path(f, ".vouchfs/break-glass/layers", &attr), -ENOENT);
	assert_int_equal(slots_fixture_put(f, ".vouchfs/break-glass/functions", "new", &(struct buf){0}), -EPERM);
	buf_done(&errors);
}

static void a_second_one_replaces_the_first(void **state)
{
	struct slots_fixture *f = *state;
	begin(f, 30);
	assert_int_equal(write_control(f, "main", "begin 5 shorter"), 0);
	assert_file_says(f, CONTROL "main", "seconds-left: 300\n");
	assert_file_says(f, CONTROL "main", "reason: shorter\n");
	assert_int_equal(slots_fixture_count_records(f, "\"event\":\"break-glass-begun\""), 2);
	slots_fixture_restart(f);
	assert_file_says(f, CONTROL "main", "reason: shorter\n");
	pass(f, 300);
	assert_in_force(f, "main", false);
	assert_int_equal(slots_fixture_count_records(f, "\"event\":\"break-glass-expired\""), 1);
}

static void it_goes_with_its_slot(void **state)
{
	struct slots_fixture *f = *state;
	assert_int_equal(slots_fixture_mkdir(f, "functions", "team-a"), 0);
	assert_int_equal(write_control(f, "team-a", "begin 30 x"), 0);
	assert_int_equal(slots_fixture_rmdir(f, "functions", "team-a"), 0);
	assert_int_equal(slots_fixture_count_records(f, "\"event\":\"break-glass-ended\""), 1);
	assert_int_equal(slots_fixture_mkdir(f, "functions", "team-a"), 0);
	assert_in_force(f, "team-a", false);
	slots_fixture_restart(f);
	assert_in_force(f, "team-a", false);
}

/* ---- over a restart ---- */

static void it_survives_a_restart_and_no_longer_than_its_time(void **state)
{
	struct slots_fixture *f = *state;
	begin(f, 30);
	assert_int_equal(put_unsigned(f), 0);
	slots_fixture_restart(f);
	assert_int_equal(run_unsigned(f, 1), 0);
	assert_file_says(f, CONTROL "main", "seconds-left: 1800\n");
	slots_fixture_stop(f);
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S + 1800);
	slots_fixture_start(f);
	assert_int_equal(run_unsigned(f, 1), -EACCES);
	assert_in_force(f, "main", false);
	assert_int_equal(slots_fixture_count_records(f, "\"event\":\"break-glass-expired\""), 1);
	slots_fixture_restart(f);
	assert_in_force(f, "main", false);
	assert_int_equal(slots_fixture_count_records(f, "\"event\":\"break-glass-"), 2);
}

static struct buf take_stored(struct slots_fixture *f)
{
	struct buf text = {0};
	assert_int_equal(io_read_file(f->host->dirfd, STORED, 65536, &text), 0);
	return text;
}

/* A restart finds this in the store; then nothing is in force, and that is recorded. */
static void assert_does_not_count(struct slots_fixture *f, const struct buf *stored, const char *why)
{
	unsigned before = slots_fixture_count_records(f, why);
	slots_fixture_stop(f);
	gate_fixture_write(f->host, STORED, stored->data, stored->len);
	slots_fixture_start(f);
	assert_in_force(f, "main", false);
	assert_int_equal(put_unsigned(f), -ENOKEY);
	assert_int_equal(slots_fixture_count_records(f, why), before + 1);
	slots_fixture_restart(f);
	assert_in_force(f, "main", false);
	assert_int_equal(slots_fixture_count_records(f, why), before + 1); /* it was taken away */
}

static void what_is_brought_back_after_the_end_does_not_count(void **state)
{
	struct slots_fixture *f = *state;
	begin(f, 30);
	struct buf stored = take_stored(f);
	assert_int_equal(write_control(f, "main", "end"), 0);
	assert_does_not_count(f, &stored, "says that it is over");
	buf_done(&stored);
}

static void what_was_replaced_does_not_count(void **state)
{
	struct slots_fixture *f = *state;
	begin(f, 1440);
	struct buf stored = take_stored(f);
	assert_int_equal(write_control(f, "main", "begin 5 shorter"), 0);
	assert_does_not_count(f, &stored, "says that it is over");
	buf_done(&stored);
}

static void what_is_torn_does_not_count(void **state)
{
	struct slots_fixture *f = *state;
	begin(f, 30);
	struct buf stored = take_stored(f);
	stored.len /= 2;
	assert_does_not_count(f, &stored, "its file is torn");
	buf_done(&stored);
}

/* As somebody who writes to the store would make them, with the right sum. */
static void put_forged(struct slots_fixture *f, const char *function, uint64_t event, int64_t until_s)
{
	char text[256];
	int len = snprintf(text, sizeof(text),
			   "event: %llu\nbegan-s: %lld\nbegan-boot-s: 0\nuntil-s: %lld\nuid: 0\nreason: x\n",
			   (unsigned long long)event, (long long)TRUST_FIXTURE_NOW_S, (long long)until_s);
	assert_int_equal(store_put_slot_file(f->slots->store, function, "break-glass", text, (size_t)len), 0);
	slots_fixture_restart(f);
	assert_in_force(f, function, false);
}

static void what_the_log_does_not_know_does_not_count(void **state)
{
	struct slots_fixture *f = *state;
	uint64_t seq;
	char head[65];
	begin(f, 30);
	audit_head(f->slots->audit, &seq, head);
	assert_int_equal(slots_fixture_mkdir(f, "functions", "team-a"), 0);

	put_forged(f, "team-a", seq, TRUST_FIXTURE_NOW_S + 1800); /* another slot's */
	put_forged(f, "main", 1, TRUST_FIXTURE_NOW_S + 1800);	  /* another kind of record */
	put_forged(f, "main", 99999, TRUST_FIXTURE_NOW_S + 1800); /* none at all */
	put_forged(f, "main", seq, TRUST_FIXTURE_NOW_S + 1860);	  /* with another end */
	put_forged(f, "main", seq, TRUST_FIXTURE_NOW_S + 86401);  /* too long for anybody */
	put_forged(f, "main", 0, TRUST_FIXTURE_NOW_S + 1800);
	assert_int_equal(slots_fixture_count_records(f, "the audit log does not have its beginning"), 4);
	assert_int_equal(slots_fixture_count_records(f, "it is longer than 1440 minutes"), 1);
	assert_int_equal(slots_fixture_count_records(f, "its file is not what was written"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, slots_fixture_setup, slots_fixture_teardown)
		TEST(what_was_refused_is_warned_about_until_the_end),
		TEST(the_release_s_own_record_says_so),
		TEST(what_would_have_passed_anyway_is_accepted),
		TEST(what_was_changed_after_it_was_signed_is_refused),
		TEST(what_is_blocked_is_served_meanwhile),
		TEST(its_time_counts_before_anybody_has_followed_it),
		TEST(a_clock_that_is_set_back_behind_its_beginning_ends_it),
		TEST(a_file_that_is_held_open_does_not_outlast_it),
		TEST(a_rollback_is_judged_by_it_too),
		cmocka_unit_test_setup_teardown(a_list_of_layers_is_judged_by_it_too, layers_fixture_setup,
						slots_fixture_teardown),
		TEST(a_reload_and_other_functions_are_left_alone),
		TEST(only_root_and_who_has_mounted_may_write),
		TEST(what_is_not_within_bounds),
		TEST(what_has_nothing_to_relax),
		TEST(a_second_one_replaces_the_first),
		TEST(it_goes_with_its_slot),
		TEST(it_survives_a_restart_and_no_longer_than_its_time),
		TEST(what_is_brought_back_after_the_end_does_not_count),
		TEST(what_was_replaced_does_not_count),
		TEST(what_is_torn_does_not_count),
		TEST(what_the_log_does_not_know_does_not_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
