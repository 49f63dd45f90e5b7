/* Signing slots: who sees what, what writing does, what is refused. */
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

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "signing_fixture.h"

#define OPS (&signing_tree_ops)

/* ---- who sees what ---- */

static void a_slot_is_there_for_those_whom_a_statement_allows(void **state)
{
	struct signing_fixture *f = *state;
	assert_string_equal(signing_fixture_list(f, &alice, ""), SLOT);
	assert_string_equal(signing_fixture_list(f, &bob, ""), SLOT);
	assert_string_equal(signing_fixture_list(f, &mallory, ""), "");
	assert_string_equal(signing_fixture_list(f, &owner, ""), SLOT " other");
	assert_int_equal(signing_fixture_has(f, &alice, SLOT), 0);
	assert_int_equal(signing_fixture_has(f, &alice, "other"), -ENOENT);
	assert_int_equal(signing_fixture_has(f, &mallory, SLOT), -ENOENT);
	assert_int_equal(signing_fixture_has(f, &owner, "no_such_profile"), -ENOENT);
}

static void a_slot_shows_what_the_caller_may_use(void **state)
{
	struct signing_fixture *f = *state;
	assert_string_equal(signing_fixture_list(f, &alice, SLOT), "jobs profile.json revoke signed");
	assert_string_equal(signing_fixture_list(f, &bob, SLOT), "jobs revoke signed");
	assert_int_equal(signing_fixture_has(f, &bob, SLOT "/profile.json"), -EACCES);
}

static void a_node_that_was_looked_up_before_is_of_no_use_to_others(void **state)
{
	struct signing_fixture *f = *state;
	struct slots_attr slot, file;
	struct tree_handle *handle;
	signing_fixture_hand_in(f, &alice, "app.zip", "x");
	assert_int_equal(signing_fixture_path(f, &alice, SLOT, &slot), 0);
	assert_int_equal(signing_fixture_path(f, &alice, SLOT "/signed/app.zip", &file), 0);
	assert_int_equal(OPS->open(f->signing, file.node, O_RDONLY, &mallory, &handle), -ENOENT);
	assert_int_equal(OPS->open(f->signing, file.node, O_RDONLY, &bob, &handle), -EACCES);
	assert_int_equal(OPS->opendir(f->signing, slot.node, &mallory, &handle), -ENOENT);
	assert_int_equal(OPS->unlink(f->signing, slot.node, "app.zip", &bob), -ENOENT);
	assert_int_equal(OPS->create(f->signing, slot.node, "b.zip", O_WRONLY, &mallory, &slot, &handle), -ENOENT);
	assert_int_equal(signing_fixture_has(f, &alice, SLOT "/app.zip"), 0);
	signing_fixture_forget(f, &file);
}

/* ---- signing ---- */

static void writing_a_zip_signs_it(void **state)
{
	struct signing_fixture *f = *state;
	struct buf zip = signing_fixture_zip("x");
	assert_int_equal(signing_fixture_put(f, &alice, SLOT, "app.zip", &zip), 0);
	signing_fixture_assert_content(f, &alice, SLOT "/app.zip", &zip);
	signing_fixture_assert_signed(f, &alice, SLOT "/signed/app.zip", &zip, 0);
	assert_string_equal(signing_fixture_last(f, &alice, "outcome"), "signed");
	assert_string_equal(signing_fixture_attribute(f, &alice, SLOT "/signed/app.zip", "user.vouchfs.job_id"),
			    signing_fixture_only_job(f, &alice));
	assert_string_equal(signing_fixture_attribute(f, &alice, SLOT "/app.zip", "user.vouchfs.job_id"),
			    signing_fixture_only_job(f, &alice));
	buf_done(&zip);
}

static void the_record_of_a_job_names_the_callers_account(void **state)
{
	struct signing_fixture *f = *state;
	char path[128];
	struct buf text = {0};
	struct slots_attr attr;
	signing_fixture_hand_in(f, &alice, "app.zip", "x");
	(void)snprintf(path, sizeof(path), SLOT "/jobs/%s.json", signing_fixture_only_job(f, &alice));
	assert_int_equal(signing_fixture_read(f, &alice, path, &text), 0);
	assert_non_null(strstr(text.data, "\"requestedBy\": \"" ALICE_ACCOUNT "\""));
	assert_non_null(strstr(text.data, "\"jobOwner\": \"" FIXTURE_ACCOUNT "\""));
	assert_non_null(strstr(text.data, "\"path\": \"/" SLOT "/signed/app.zip\""));
	assert_int_equal(signing_fixture_path(f, &alice, path, &attr), 0);
	assert_int_equal(attr.size_bytes, text.len);
	signing_fixture_forget(f, &attr);
	assert_int_equal(signing_fixture_has(f, &bob, path), -ENOENT);
	assert_int_equal(signing_fixture_has(f, &owner, path), 0);
	buf_done(&text);
}

static void a_comment_is_dropped_and_what_was_handed_in_keeps_it(void **state)
{
	struct signing_fixture *f = *state;
	struct buf zip = signer_fixture_zip("built by nobody");
	assert_int_equal(signing_fixture_put(f, &alice, SLOT, "app.zip", &zip), 0);
	signing_fixture_assert_content(f, &alice, SLOT "/app.zip", &zip);
	signing_fixture_assert_signed(f, &alice, SLOT "/signed/app.zip", &zip, strlen("built by nobody"));
	assert_non_null(strstr(signing_fixture_last(f, &alice, "detail"), "comment"));
	signing_fixture_restart(f);
	signing_fixture_assert_content(f, &alice, SLOT "/app.zip", &zip);
	buf_done(&zip);
}

static void a_rename_of_a_temporary_name_signs(void **state)
{
	struct signing_fixture *f = *state;
	struct buf zip = signing_fixture_zip("x");
	assert_int_equal(signing_fixture_put(f, &alice, SLOT, ".app.zip.Xy12", &zip), 0);
	assert_string_equal(signing_fixture_list(f, &alice, SLOT "/signed"), "");
	assert_int_equal(signing_fixture_rename(f, &alice, SLOT, ".app.zip.Xy12", "app.zip"), 0);
	signing_fixture_assert_content(f, &alice, SLOT "/app.zip", &zip);
	signing_fixture_assert_signed(f, &alice, SLOT "/signed/app.zip", &zip, 0);
	assert_int_equal(signing_fixture_has(f, &alice, SLOT "/.app.zip.Xy12"), -ENOENT);
	buf_done(&zip);
}

static void size_and_time_of_what_was_handed_in_are_kept(void **state)
{
	struct signing_fixture *f = *state;
	const struct timespec mtime = {.tv_sec = 1234567890, .tv_nsec = 42};
	const struct tree_change change = {.mtime = &mtime};
	struct slots_attr attr;
	struct buf zip = signing_fixture_zip("x");
	signing_fixture_hand_in(f, &alice, "app.zip", "x");
	assert_int_equal(signing_fixture_path(f, &alice, SLOT "/app.zip", &attr), 0);
	assert_int_equal(OPS->setattr(f->signing, attr.node, NULL, &change, &attr), 0);
	signing_fixture_forget(f, &attr);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(signing_fixture_path(f, &alice, SLOT "/app.zip", &attr), 0);
		assert_int_equal(attr.size_bytes, zip.len);
		assert_int_equal(attr.mtime.tv_sec, mtime.tv_sec);
		assert_int_equal(attr.mtime.tv_nsec, mtime.tv_nsec);
		assert_int_equal(attr.uid, alice.who.uid);
		signing_fixture_forget(f, &attr);
		signing_fixture_restart(f);
	}
	buf_done(&zip);
}

static void a_second_one_under_the_name_takes_the_place_of_the_first(void **state)
{
	struct signing_fixture *f = *state;
	struct buf first = signing_fixture_zip("first"), second = signing_fixture_zip("second, longer");
	assert_int_equal(signing_fixture_put(f, &alice, SLOT, "app.zip", &first), 0);
	assert_int_equal(signing_fixture_put(f, &alice, SLOT, "app.zip", &second), 0);
	signing_fixture_assert_content(f, &alice, SLOT "/app.zip", &second);
	signing_fixture_assert_signed(f, &alice, SLOT "/signed/app.zip", &second, 0);
	assert_int_equal(signer_fixture_count(f->host, "home/service/results/" SLOT "/" ALICE_ACCOUNT), 2);
	signing_fixture_restart(f);
	signing_fixture_assert_content(f, &alice, SLOT "/app.zip", &second);
	buf_done(&first);
	buf_done(&second);
}

static void appending_begins_with_a_copy(void **state)
{
	struct signing_fixture *f = *state;
	struct buf zip = signing_fixture_zip("x"), other = signing_fixture_zip("y");
	struct slots_attr attr;
	struct tree_handle *file;
	assert_int_equal(signing_fixture_put(f, &alice, SLOT, "app.zip", &zip), 0);
	assert_int_equal(signing_fixture_path(f, &alice, SLOT "/app.zip", &attr), 0);
	assert_int_equal(OPS->open(f->signing, attr.node, O_RDWR, &alice, &file), 0);
	assert_int_equal(OPS->flush(file), 0); /* nothing was written */
	assert_int_equal(strlen(signing_fixture_only_job(f, &alice)), ARN_JOB_ID_SIZE - 1);
	assert_int_equal(OPS->write(file, other.data, other.len, 0), 0);
	assert_int_equal(OPS->flush(file), 0);
	OPS->release(file);
	signing_fixture_forget(f, &attr);
	signing_fixture_assert_content(f, &alice, SLOT "/app.zip", &other);
	buf_done(&zip);
	buf_done(&other);
}

/* ---- refusals ---- */

static void no_permission_refuses_the_create(void **state)
{
	struct signing_fixture *f = *state;
	struct buf zip = signing_fixture_zip("x"), why = {0};
	signing_fixture_forbid(f, "alice-start");
	assert_int_equal(signing_fixture_has(f, &alice, SLOT), 0); /* the other two statements */
	assert_int_equal(signing_fixture_put(f, &alice, SLOT, "app.zip", &zip), -EACCES);
	assert_string_equal(signing_fixture_last(f, &alice, "outcome"), "refused");
	assert_string_equal(signing_fixture_last(f, &alice, "reason"), "EACCES");
	assert_int_equal(signing_fixture_read(f, &alice, ".vouchfs/why/" SLOT, &why), 0);
	assert_non_null(strstr(why.data, "check permission"));
	assert_non_null(strstr(why.data, "add-profile-permission"));
	assert_int_equal(signing_fixture_has(f, &bob, ".vouchfs/why/" SLOT), -ENOENT); /* another account's */
	assert_string_equal(signing_fixture_list(f, &alice, ".vouchfs/why"), SLOT);
	assert_string_equal(signing_fixture_list(f, &bob, ".vouchfs/why"), "");
	buf_done(&zip);
	buf_done(&why);
}

static void a_permission_that_goes_before_the_close_refuses_it(void **state)
{
	struct signing_fixture *f = *state;
	struct tree_handle *file;
	struct buf zip = signing_fixture_zip("x");
	assert_int_equal(signing_fixture_open(f, &alice, SLOT, "app.zip", &file), 0);
	assert_int_equal(OPS->write(file, zip.data, zip.len, 0), 0);
	signing_fixture_forbid(f, "alice-start");
	assert_int_equal(OPS->flush(file), -EACCES);
	OPS->release(file);
	assert_string_equal(signing_fixture_list(f, &alice, SLOT "/signed"), "");
	assert_int_equal(signing_fixture_has(f, &alice, SLOT "/app.zip"), -ENOENT);
	buf_done(&zip);
}

static void set_principals(struct signing_fixture *f, const char *text)
{
	signer_fixture_write(f->host, "home/principals", text, strlen(text));
}

static void who_acts_for_another_account_by_the_close_is_refused(void **state)
{
	struct signing_fixture *f = *state;
	struct tree_handle *file;
	struct buf zip = signing_fixture_zip("x");
	assert_int_equal(signing_fixture_open(f, &alice, SLOT, "app.zip", &file), 0);
	assert_int_equal(OPS->write(file, zip.data, zip.len, 0), 0);
	set_principals(f, "[principal " ALICE_ACCOUNT "]\nuser = 70003\n[principal " BOB_ACCOUNT "]\nuser = 70001\n");
	assert_int_equal(OPS->flush(file), -EACCES);
	assert_string_equal(signing_fixture_list(f, &carol, SLOT "/signed"), "");
	assert_non_null(strstr(signing_fixture_last(f, &carol, "detail"), "user id 70001"));
	assert_int_equal(OPS->write(file, zip.data, zip.len, 0), 0);
	assert_int_equal(OPS->flush(file), -EACCES); /* nor what is written later */
	OPS->release(file);
	assert_string_equal(signing_fixture_list(f, &alice, SLOT "/signed"), "");
	buf_done(&zip);
}

static bool is_builder(void *ctx, gid_t group)
{
	return ctx && group == 80001;
}

static void a_group_that_stays_signs_at_the_close(void **state)
{
	struct signing_fixture *f = *state;
	struct tree_handle *file;
	struct buf zip = signing_fixture_zip("x");
	const struct slots_caller dave = {.who = {.uid = 70004}, .in_group = is_builder, .ctx = f};
	set_principals(f, "[principal " BOB_ACCOUNT "]\ngroup = 80001\n");
	assert_int_equal(signing_fixture_open(f, &dave, SLOT, "app.zip", &file), 0);
	assert_int_equal(OPS->write(file, zip.data, zip.len, 0), 0);
	assert_int_equal(OPS->flush(file), 0);
	assert_int_equal(OPS->write(file, zip.data, zip.len, 0), 0);
	set_principals(f, "[principal " BOB_ACCOUNT "]\ngroup = 80002\n");
	assert_int_equal(OPS->flush(file), -EACCES);
	OPS->release(file);
	buf_done(&zip);
}

static void what_is_no_admissible_zip_is_refused_with_its_rule(void **state)
{
	struct signing_fixture *f = *state;
	struct buf zip = signing_fixture_zip("x");
	signing_fixture_hand_in(f, &alice, "app.zip", "good");
	zip.data[30] = '/'; /* the name in the local header */
	assert_int_equal(signing_fixture_put(f, &alice, SLOT, "app.zip", &zip), -EINVAL);
	assert_string_equal(signing_fixture_last(f, &alice, "outcome"), "refused");
	assert_int_equal(strncmp(signing_fixture_last(f, &alice, "reason"), "ZIP-R", 5), 0);
	struct buf good = signing_fixture_zip("good");
	signing_fixture_assert_content(f, &alice, SLOT "/app.zip", &good);
	assert_int_equal(strlen(signing_fixture_only_job(f, &alice)), ARN_JOB_ID_SIZE - 1);
	buf_done(&zip);
	buf_done(&good);
}

static void the_completing_write_hears_the_refusal(void **state)
{
	struct signing_fixture *f = *state;
	struct tree_handle *file;
	struct buf zip = signing_fixture_zip("x");
	zip.data[30] = '/';
	assert_int_equal(signing_fixture_open(f, &alice, SLOT, "app.zip", &file), 0);
	assert_int_equal(OPS->write(file, zip.data, zip.len, 0), -EINVAL);
	assert_int_equal(OPS->flush(file), -EINVAL);
	OPS->release(file);
	buf_done(&zip);
}

static void what_is_signed_already_is_refused(void **state)
{
	struct signing_fixture *f = *state;
	struct buf signed_zip = {0};
	signing_fixture_hand_in(f, &alice, "app.zip", "x");
	assert_int_equal(signing_fixture_read(f, &alice, SLOT "/signed/app.zip", &signed_zip), 0);
	assert_int_equal(signing_fixture_put(f, &alice, SLOT, "again.zip", &signed_zip), -EEXIST);
	assert_non_null(strstr(signing_fixture_last(f, &alice, "detail"), "signed already"));
	assert_int_equal(signing_fixture_has(f, &alice, SLOT "/again.zip"), -ENOENT);
	buf_done(&signed_zip);
}

static void a_profile_that_is_cancelled_signs_no_more(void **state)
{
	struct signing_fixture *f = *state;
	struct buf zip = signing_fixture_zip("x");
	signing_fixture_hand_in(f, &alice, "before.zip", "x");
	assert_int_equal(signer_cancel_profile(f->host->signer, SLOT, &f->host->why), 0);
	assert_int_equal(signing_fixture_put(f, &alice, SLOT, "app.zip", &zip), -EPERM);
	assert_non_null(strstr(signing_fixture_last(f, &alice, "detail"), "Canceled"));
	assert_int_equal(signing_fixture_has(f, &alice, SLOT "/signed/before.zip"), 0);
	assert_int_equal(signing_fixture_put(f, &mallory, SLOT, "app.zip", &zip), -ENOENT);
	buf_done(&zip);
}

static void bad_names_are_refused(void **state)
{
	struct signing_fixture *f = *state;
	struct buf zip = signing_fixture_zip("x");
	char name[300];
	memset(name, 'a', sizeof(name));
	memcpy(name + 256, ".zip", 5);
	assert_int_equal(signing_fixture_put(f, &alice, SLOT, "app.jar", &zip), -EINVAL);
	assert_string_equal(signing_fixture_last(f, &alice, "detail"), "the name does not end in .zip");
	assert_int_equal(signing_fixture_put(f, &alice, SLOT, "layers", &zip), -EINVAL);
	assert_int_equal(signing_fixture_put(f, &alice, SLOT, name, &zip), -ENAMETOOLONG);
	assert_int_equal(signing_fixture_put(f, &alice, SLOT "/signed", "app.zip", &zip), -EROFS);
	assert_int_equal(signing_fixture_put(f, &alice, SLOT "/jobs", "app.zip", &zip), -EROFS);
	buf_done(&zip);
}

static void what_is_too_large_is_refused_at_the_write(void **state)
{
	struct signing_fixture *f = *state;
	struct tree_handle *file;
	assert_int_equal(signing_fixture_open(f, &alice, SLOT, "app.zip", &file), 0);
	assert_int_equal(OPS->write(file, "x", 1, LIMIT_ARTIFACT_BYTES_DEFAULT - 1), 0);
	assert_int_equal(OPS->write(file, "x", 1, LIMIT_ARTIFACT_BYTES_DEFAULT), -EFBIG);
	assert_int_equal(OPS->flush(file), -EFBIG);
	OPS->release(file);
	assert_string_equal(signing_fixture_last(f, &alice, "reason"), "EFBIG");
	assert_int_equal(signing_fixture_has(f, &alice, SLOT "/app.zip"), -ENOENT);
}

static bool is_in_none(void *ctx UNUSED, gid_t group UNUSED)
{
	return false;
}

static bool knows_nothing(void *ctx UNUSED)
{
	return false;
}

static void groups_that_cannot_be_read_let_nobody_in(void **state)
{
	struct signing_fixture *f = *state;
	struct slots_caller hidden = mallory, found = {.who = {.uid = 70004}, .in_group = is_builder, .ctx = f};
	hidden.in_group = is_in_none;
	signing_fixture_allow(f, FIXTURE_ACCOUNT, SIGNER_START_SIGNING_JOB, "own-start");
	set_principals(f, "[principal " BOB_ACCOUNT "]\ngroup = 80001\n[principal " ALICE_ACCOUNT "]\nuser = 70001\n");
	assert_int_equal(signing_fixture_has(f, &hidden, SLOT), 0);
	assert_int_equal(signing_fixture_has(f, &found, SLOT), 0);
	log_set_level((enum log_level) - 1);
	hidden.knows_groups = found.knows_groups = knows_nothing;
	assert_int_equal(signing_fixture_has(f, &hidden, SLOT), -EACCES); /* may be a builder */
	assert_int_equal(signing_fixture_has(f, &found, SLOT), 0);
	log_set_level(LOG_LEVEL_ERROR);
	set_principals(f, "[principal " ALICE_ACCOUNT "]\nuser = 70001\n");
	assert_int_equal(signing_fixture_has(f, &hidden, SLOT), 0); /* nobody asks for groups */
}

static void principals_that_are_damaged_let_nobody_in(void **state)
{
	struct signing_fixture *f = *state;
	struct buf errors = {0};
	static const char damaged[] = "[principal nobody]\n";
	assert_int_equal(OPS->reload(f->signing, &errors), 0);
	signer_fixture_write(f->host, "home/principals", damaged, sizeof(damaged) - 1);
	log_set_level((enum log_level) - 1);
	assert_int_equal(signing_fixture_has(f, &alice, SLOT), -EACCES);
	assert_int_equal(signing_fixture_has(f, &owner, SLOT), 0);
	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(OPS->reload(f->signing, &errors), -EINVAL);
	assert_non_null(strstr(errors.data, "principal"));
	buf_done(&errors);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, signing_fixture_setup, signing_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_slot_is_there_for_those_whom_a_statement_allows),
		TEST(a_slot_shows_what_the_caller_may_use),
		TEST(a_node_that_was_looked_up_before_is_of_no_use_to_others),
		TEST(writing_a_zip_signs_it),
		TEST(the_record_of_a_job_names_the_callers_account),
		TEST(a_comment_is_dropped_and_what_was_handed_in_keeps_it),
		TEST(a_rename_of_a_temporary_name_signs),
		TEST(size_and_time_of_what_was_handed_in_are_kept),
		TEST(a_second_one_under_the_name_takes_the_place_of_the_first),
		TEST(appending_begins_with_a_copy),
		TEST(no_permission_refuses_the_create),
		TEST(a_permission_that_goes_before_the_close_refuses_it),
		TEST(who_acts_for_another_account_by_the_close_is_refused),
		TEST(a_group_that_stays_signs_at_the_close),
		TEST(what_is_no_admissible_zip_is_refused_with_its_rule),
		TEST(the_completing_write_hears_the_refusal),
		TEST(what_is_signed_already_is_refused),
		TEST(a_profile_that_is_cancelled_signs_no_more),
		TEST(bad_names_are_refused),
		TEST(what_is_too_large_is_refused_at_the_write),
		TEST(groups_that_cannot_be_read_let_nobody_in),
		TEST(principals_that_are_damaged_let_nobody_in),
	};
	return cmocka_run_group_tests_name("signing slots", tests, NULL, NULL);
}
