/* What signing slots keep: for whom, how long, and over crashes. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "signing_fixture.h"

#define OPS (&signing_tree_ops)

/* ---- accounts ---- */

static void accounts_do_not_see_one_another(void **state)
{
	struct signing_fixture *f = *state;
	struct buf hers = signing_fixture_zip("alice"), his = signing_fixture_zip("bob, longer");
	assert_int_equal(signing_fixture_put(f, &alice, SLOT, "app.zip", &hers), 0);
	assert_string_equal(signing_fixture_list(f, &bob, SLOT "/signed"), "");
	assert_int_equal(signing_fixture_put(f, &bob, SLOT, "app.zip", &his), 0);
	signing_fixture_assert_content(f, &alice, SLOT "/app.zip", &hers);
	signing_fixture_assert_content(f, &carol, SLOT "/app.zip", &hers);
	signing_fixture_assert_content(f, &bob, SLOT "/app.zip", &his);
	signing_fixture_assert_signed(f, &bob, SLOT "/signed/app.zip", &his, 0);
	assert_string_equal(signing_fixture_list(f, &owner, SLOT "/signed"), ALICE_ACCOUNT " " BOB_ACCOUNT);
	signing_fixture_assert_signed(f, &owner, SLOT "/signed/" BOB_ACCOUNT "/app.zip", &his, 0);
	assert_int_equal(signing_fixture_has(f, &alice, SLOT "/signed/" BOB_ACCOUNT), -ENOENT);
	buf_done(&hers);
	buf_done(&his);
}

static void staging_is_its_writers(void **state)
{
	struct signing_fixture *f = *state;
	struct buf zip = signing_fixture_zip("x");
	assert_int_equal(signing_fixture_put(f, &alice, SLOT, "app.zip.part", &zip), 0);
	assert_int_equal(signing_fixture_has(f, &bob, SLOT "/app.zip.part"), -ENOENT);
	assert_int_equal(signing_fixture_rename(f, &carol, SLOT, "app.zip.part", "app.zip"), -EPERM);
	assert_int_equal(signing_fixture_unlink(f, &carol, SLOT, "app.zip.part"), -EPERM);
	assert_int_equal(signing_fixture_unlink(f, &alice, SLOT, "app.zip.part"), 0);
	assert_string_equal(signing_fixture_list(f, &alice, SLOT), "jobs profile.json revoke signed");
	buf_done(&zip);
}

/* ---- what goes ---- */

static void either_side_can_be_unlinked(void **state)
{
	struct signing_fixture *f = *state;
	struct buf zip = signing_fixture_zip("x");
	static const char results[] = "home/service/results/" SLOT "/" ALICE_ACCOUNT;
	assert_int_equal(signing_fixture_put(f, &alice, SLOT, "app.zip", &zip), 0);
	assert_int_equal(signing_fixture_unlink(f, &alice, SLOT, "app.zip"), 0);
	assert_int_equal(signing_fixture_has(f, &alice, SLOT "/app.zip"), -ENOENT);
	signing_fixture_assert_signed(f, &alice, SLOT "/signed/app.zip", &zip, 0);
	signing_fixture_restart(f);
	assert_int_equal(signing_fixture_has(f, &alice, SLOT "/app.zip"), -ENOENT);
	assert_int_equal(signing_fixture_unlink(f, &bob, SLOT "/signed", "app.zip"), -ENOENT);
	assert_int_equal(signing_fixture_unlink(f, &alice, SLOT "/signed", "app.zip"), 0);
	assert_int_equal(signing_fixture_unlink(f, &alice, SLOT "/signed", "app.zip"), -ENOENT);
	assert_int_equal(signer_fixture_count(f->host, results), 0);
	assert_int_equal(strlen(signing_fixture_only_job(f, &alice)), ARN_JOB_ID_SIZE - 1); /* jobs stay */
	buf_done(&zip);
}

static void results_go_when_their_time_is_over(void **state)
{
	struct signing_fixture *f = *state;
	signing_fixture_hand_in(f, &alice, "app.zip", "x");
	assert_true(OPS->sweep(f->signing) <= SIGNING_KEEP_S * 1000ULL);
	signer_fixture_set_clock(f->host, "2026-11-28T17:27:11Z");
	(void)OPS->sweep(f->signing);
	assert_int_equal(signing_fixture_has(f, &alice, SLOT "/signed/app.zip"), 0);
	signer_fixture_set_clock(f->host, "2026-11-28T17:27:12Z");
	(void)OPS->sweep(f->signing);
	assert_int_equal(signing_fixture_has(f, &alice, SLOT "/signed/app.zip"), -ENOENT);
	assert_int_equal(signing_fixture_has(f, &alice, SLOT "/app.zip"), -ENOENT);
	assert_int_equal(signer_fixture_count(f->host, "home/service/results/" SLOT "/" ALICE_ACCOUNT), 0);
}

/* Nobody tells the sweep that it was closed, so that it looks again. */
static void a_staging_file_that_is_open_is_swept_later(void **state)
{
	struct signing_fixture *f = *state;
	struct tree_handle *file;
	assert_int_equal(signing_fixture_open(f, &alice, SLOT, ".part", &file), 0);
	assert_in_range(OPS->sweep(f->signing), 1, 24 * 3600 * 1000 + 1);
	assert_int_equal(signing_fixture_has(f, &alice, SLOT "/.part"), 0);
	OPS->release(file);
}

static void an_open_file_whose_name_is_unlinked_is_not_signed(void **state)
{
	struct signing_fixture *f = *state;
	struct tree_handle *file;
	struct buf zip = signing_fixture_zip("x");
	assert_int_equal(signing_fixture_open(f, &alice, SLOT, "app.zip", &file), 0);
	assert_int_equal(OPS->write(file, zip.data, zip.len, 0), 0);
	assert_int_equal(signing_fixture_unlink(f, &alice, SLOT, "app.zip"), 0);
	assert_int_equal(OPS->flush(file), 0);
	OPS->release(file);
	assert_string_equal(signing_fixture_list(f, &alice, SLOT "/signed"), "");
	buf_done(&zip);
}

static void a_service_that_is_stopping_takes_nothing_in(void **state)
{
	struct signing_fixture *f = *state;
	struct buf zip = signing_fixture_zip("x");
	OPS->drain(f->signing);
	assert_int_equal(signing_fixture_put(f, &alice, SLOT, "app.zip", &zip), -ESHUTDOWN);
	buf_done(&zip);
}

static void a_home_has_one_service(void **state)
{
	struct signing_fixture *f = *state;
	struct signing *second;
	struct buf errors = {0};
	assert_int_equal(signing_open(f->host->home, NULL, &second, &errors), -EBUSY);
	assert_non_null(strstr(errors.data, "in use"));
	buf_done(&errors);
}

/* ---- another daemon takes over the mount ---- */

static uint64_t node_of(struct signing_fixture *f, const char *path)
{
	struct slots_attr attr;
	assert_int_equal(signing_fixture_path(f, &alice, path, &attr), 0);
	return attr.node;
}

static void assert_stale(struct signing_fixture *f, uint64_t node, uint64_t slot)
{
	struct slots_attr attr;
	struct tree_handle *file;
	struct buf value = {0};
	const struct timespec mtime = {0};
	const struct tree_change change = {.mtime = &mtime};
	assert_int_equal(OPS->getattr(f->signing, node, &attr), -ESTALE);
	assert_int_equal(OPS->setattr(f->signing, node, NULL, &change, &attr), -ESTALE);
	assert_int_equal(OPS->open(f->signing, node, O_RDONLY, &alice, &file), -ESTALE);
	assert_int_equal(OPS->opendir(f->signing, node, &alice, &file), -ESTALE);
	assert_int_equal(OPS->lookup(f->signing, node, "x", &alice, &attr), -ESTALE);
	assert_int_equal(OPS->create(f->signing, node, "x", O_RDWR, &alice, &attr, &file), -ESTALE);
	assert_int_equal(OPS->mkdir(f->signing, node, ".x", &alice, &attr), -ESTALE);
	assert_int_equal(OPS->rmdir(f->signing, node, ".x", &alice), -ESTALE);
	assert_int_equal(OPS->unlink(f->signing, node, "x", &alice), -ESTALE);
	assert_int_equal(OPS->rename(f->signing, node, "x", slot, "y", 0, &alice), -ESTALE);
	assert_int_equal(OPS->rename(f->signing, slot, "x", node, "y", 0, &alice), -ESTALE);
	assert_int_equal(OPS->getxattr(f->signing, node, "user.vouchfs.job_id", &alice, &value), -ESTALE);
	assert_int_equal(OPS->listxattr(f->signing, node, &alice, &value), -ESTALE);
	OPS->forget(f->signing, node, UINT64_MAX);
	OPS->forget(f->signing, slot, UINT64_MAX);
	buf_done(&value);
}

/* Slots are found in another order then, and mean what they meant; names below are looked up anew. */
static void nodes_of_another_daemon(void **state)
{
	struct signing_fixture *f = *state;
	struct buf zip = signing_fixture_zip("x");
	f->memory = (struct tree_memory){.fd = memfd_create("memory", MFD_CLOEXEC), .incarnation = 1};
	signing_fixture_restart(f);
	assert_int_equal(signing_fixture_has(f, &owner, "other"), 0); /* the first slot */
	uint64_t slot = node_of(f, SLOT), results = node_of(f, SLOT "/signed");
	assert_int_equal(signing_fixture_put(f, &alice, SLOT, "app.zip", &zip), 0);
	uint64_t name = node_of(f, SLOT "/app.zip");

	f->memory.incarnation = 2;
	signing_fixture_restart(f);
	struct slots_attr attr;
	assert_int_equal(OPS->getattr(f->signing, slot, &attr), 0);
	assert_int_equal(node_of(f, SLOT), slot);
	assert_int_equal(node_of(f, SLOT "/signed"), results);
	assert_stale(f, name, slot);
	assert_int_not_equal(node_of(f, SLOT "/app.zip"), name);
	signing_fixture_assert_content(f, &alice, SLOT "/app.zip", &zip);

	assert_int_equal(ftruncate(f->memory.fd, 1), 0); /* nothing of it counts */
	f->memory.incarnation = 3;
	signing_fixture_restart(f);
	assert_int_equal(OPS->getattr(f->signing, slot, &attr), -ESTALE);
	assert_int_not_equal(node_of(f, SLOT), slot);
	signing_fixture_assert_content(f, &alice, SLOT "/app.zip", &zip);
	buf_done(&zip);
	(void)close(f->memory.fd);
}

/* ---- faults ---- */

static void a_full_disk_leaves_nothing(void **state)
{
	struct signing_fixture *f = *state;
	struct buf zip = signing_fixture_zip("x");
	log_set_level((enum log_level) - 1);
	assert_int_equal(setenv("VOUCHFS_TEST_FAULT", "pwrite:1+:ENOSPC", 1), 0);
	io_fault_arm();
	assert_int_equal(signing_fixture_put(f, &alice, SLOT, "app.zip", &zip), -ENOSPC);
	assert_int_equal(unsetenv("VOUCHFS_TEST_FAULT"), 0);
	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(signing_fixture_has(f, &alice, SLOT "/app.zip"), -ENOENT);
	assert_string_equal(signing_fixture_list(f, &alice, SLOT "/signed"), "");
	assert_int_equal(signing_fixture_put(f, &alice, SLOT, "app.zip", &zip), 0);
	buf_done(&zip);
}

static char marker[16]; /* of the step's ZIP; the process that does it inherits it */

/* In a process of its own: the service starts, and alice hands in another one under the name. */
static int restart_and_hand_in(struct signer_fixture *host)
{
	struct signing *signing;
	struct buf zip = signing_fixture_zip(marker), errors = {0};
	if (signing_open(host->home, NULL, &signing, &errors) < 0)
		return -EIO;
	struct signing_fixture f = {.host = host, .signing = signing};
	int r = signing_fixture_put(&f, &alice, SLOT, "app.zip", &zip);
	OPS->close(signing);
	buf_done(&zip);
	return r;
}

/* What is there is this one, whole, on both sides, and its job can be described. */
static void assert_whole(struct signing_fixture *f, const struct buf *zip)
{
	struct signer_job job = {0};
	char id[ARN_JOB_ID_SIZE];
	signing_fixture_assert_content(f, &alice, SLOT "/app.zip", zip);
	signing_fixture_assert_signed(f, &alice, SLOT "/signed/app.zip", zip, 0);
	(void)snprintf(id, sizeof(id), "%s",
		       signing_fixture_attribute(f, &alice, SLOT "/signed/app.zip", "user.vouchfs.job_id"));
	assert_int_equal(signer_describe_job(f->host->signer, id, &job, &f->host->why), 0);
	assert_true(job.succeeded);
	assert_int_equal(signer_fixture_count(f->host, "home/service/results/" SLOT "/" ALICE_ACCOUNT), 2);
	signer_job_done(&job);
}

/* One step that is cut off at its n-th call; returns whether it said that all went well. */
static bool cut_off(struct signing_fixture *f, const char *call, unsigned n, const char *what, struct buf *old)
{
	char fault[32];
	struct buf got = {0}, errors = {0};
	OPS->close(f->signing);
	f->signing = NULL;
	(void)snprintf(marker, sizeof(marker), "%u", n);
	(void)snprintf(fault, sizeof(fault), "%s:%u:%s", call, n, what);
	bool done = signer_fixture_run_with_fault(f->host, restart_and_hand_in, fault) == 0;
	assert_int_equal(signing_open(f->host->home, NULL, &f->signing, &errors), 0);
	assert_int_equal(signing_fixture_read(f, &alice, SLOT "/app.zip", &got), 0);
	struct buf new = signing_fixture_zip(marker);
	bool is_new = got.len == new.len &&memcmp(got.data, new.data, got.len) == 0;
	assert_true(is_new || !done);
	assert_whole(f, is_new ? &new : old);
	buf_done(&got);
	buf_done(is_new ? old : &new);
	if (is_new)
		*old = new;
	return done;
}

/* Calls whose failure is borne (notes, left-overs) end well, too; there are fewer of them in a row. */
#define SUCCESSES_AT_THE_END 4

static void cut_off_at_every(struct signing_fixture *f, const char *call, const char *what)
{
	unsigned successes = 0;
	struct buf old = signing_fixture_zip("first");
	log_set_level((enum log_level) - 1);
	signing_fixture_hand_in(f, &alice, "app.zip", "first");
	for (unsigned n = 1; successes < SUCCESSES_AT_THE_END; n++) {
		assert_true(n < 200);
		successes = cut_off(f, call, n, what, &old) ? successes + 1 : 0;
	}
	log_set_level(LOG_LEVEL_ERROR);
	buf_done(&old);
}

static void a_crash_at_any_call_leaves_the_old_one_or_the_new_one(void **state)
{
	cut_off_at_every(*state, "*", "kill");
}

static void a_disk_that_fails_to_sync_leaves_the_old_one_or_the_new_one(void **state)
{
	cut_off_at_every(*state, "fsync", "EIO");
}

static void reading_leaves_descriptors_for_signing(void **state)
{
	struct signing_fixture *f = *state;
	struct rlimit before, few;
	struct tree_handle *files[64];
	struct slots_attr result;
	size_t count = 0;
	int r = 0;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){.rlim_cur = ARRAY_SIZE(files), .rlim_max = before.rlim_max};
	signing_fixture_hand_in(f, &alice, "app.zip", "x");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	signing_fixture_restart(f);
	assert_int_equal(signing_fixture_path(f, &alice, SLOT "/signed/app.zip", &result), 0);
	while (r == 0 && count < ARRAY_SIZE(files))
		r = OPS->open(f->signing, result.node, O_RDONLY, &alice, &files[count++]);
	assert_int_equal(r, -ENFILE);
	signing_fixture_hand_in(f, &bob, "app.zip", "x");
	OPS->release(files[0]);
	assert_int_equal(OPS->open(f->signing, result.node, O_RDONLY, &alice, &files[0]), 0);
	while (--count > 0)
		OPS->release(files[count - 1]);
	signing_fixture_forget(f, &result);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* A temporary name whose content ends here; */
static int stage(struct signing_fixture *f, const struct slots_caller *caller, unsigned number, uint64_t end)
{
	char name[32];
	struct tree_handle *file;
	(void)snprintf(name, sizeof(name), ".%u.zip", number);
	int r = signing_fixture_open(f, caller, SLOT, name, &file);
	if (r < 0)
		return r;
	r = end > 0 ? OPS->write(file, "x", 1, end - 1) : 0;
	OPS->release(file);
	return r;
}

static void one_account_leaves_room_for_another(void **state)
{
	struct signing_fixture *f = *state;
	unsigned count = 0;
	while (count < LIMIT_STAGED_PER_SLOT && stage(f, &alice, count, LIMIT_ARTIFACT_BYTES_DEFAULT) == 0)
		count++;
	assert_int_equal(count, LIMIT_STAGED_PER_SLOT);
	assert_int_equal(stage(f, &alice, count, 1), -EDQUOT);
	assert_int_equal(stage(f, &bob, 0, 1), 0);
	signing_fixture_hand_in(f, &bob, "app.zip", "x");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, signing_fixture_setup, signing_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_account_leaves_room_for_another),
		TEST(reading_leaves_descriptors_for_signing),
		TEST(accounts_do_not_see_one_another),
		TEST(staging_is_its_writers),
		TEST(either_side_can_be_unlinked),
		TEST(results_go_when_their_time_is_over),
		TEST(a_staging_file_that_is_open_is_swept_later),
		TEST(an_open_file_whose_name_is_unlinked_is_not_signed),
		TEST(a_service_that_is_stopping_takes_nothing_in),
		TEST(a_home_has_one_service),
		TEST(nodes_of_another_daemon),
		TEST(a_full_disk_leaves_nothing),
		TEST(a_crash_at_any_call_leaves_the_old_one_or_the_new_one),
		TEST(a_disk_that_fails_to_sync_leaves_the_old_one_or_the_new_one),
	};
	return cmocka_run_group_tests_name("signing life", tests, NULL, NULL);
}
