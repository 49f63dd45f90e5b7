/* gate_commit, and what it leaves behind when a step fails or the process is killed at it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "gate_fixture.h"

#define FIRST_SEGMENT "store/audit/audit-00000000000000000001.jsonl"

static const struct audit_who who = {.uid = 1001, .gid = 1002, .pid = 3121, .command = "rsync"};

static struct gate_deployment deployment(void)
{
	return (struct gate_deployment){.function = "main",
					.artifact_name = "app.zip",
					.who = &who,
					.mtime_s = 1700000000,
					.mtime_ns = 5,
					.uid = 1001};
}

static int commit(struct gate_fixture *f, const struct buf *zip, struct gate_decision *d, struct store_release **ret)
{
	struct store_stage *stage = NULL;
	struct gate_deployment to = deployment();
	int r = store_stage_new(f->store, &stage);
	if (r == 0)
		r = store_stage_write(stage, zip->data, zip->len, 0);
	if (r == 0)
		r = gate_commit(f->store, f->audit, stage, zip->data + d->tail.comment_offset, d->tail.comment_len, &to,
				d, ret);
	store_stage_free(stage);
	return r;
}

static struct buf audit_log(struct gate_fixture *f)
{
	struct buf text = {0};
	assert_int_equal(io_read_file(f->dirfd, FIRST_SEGMENT, (size_t)1 << 24, &text), 0);
	return text;
}

/* How many records there are of this event for this release. */
static unsigned count_records(struct gate_fixture *f, const char *event, uint64_t release)
{
	struct buf text = audit_log(f);
	char event_member[64], release_member[64];
	(void)snprintf(event_member, sizeof(event_member), "\"event\":\"%s\"", event);
	(void)snprintf(release_member, sizeof(release_member), "\"release\":%llu,", (unsigned long long)release);
	unsigned found = 0;
	for (char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n"))
		found += strstr(line, event_member) && strstr(line, release_member);
	buf_done(&text);
	return found;
}

static uint64_t current_release(struct gate_fixture *f)
{
	struct store_release *release = NULL;
	int r = store_load_current(f->store, "main", &release);
	uint64_t number = r == 0 ? release->number : 0;
	store_release_free(release);
	assert_true(r == 0 || r == -ENOENT);
	return number;
}

static void accepted_artifact_becomes_the_current_release(void **state)
{
	struct gate_fixture *f = *state;
	struct buf zip = gate_fixture_signed_zip(f);
	struct gate_decision d = gate_fixture_judge(f, "approved", &zip, false);
	struct store_release *release = NULL, *loaded = NULL;
	assert_int_equal(commit(f, &zip, &d, &release), 0);
	assert_int_equal(release->number, 1);
	assert_int_equal(store_load_current(f->store, "main", &loaded), 0);
	assert_int_equal(loaded->id, release->id);
	assert_string_equal(loaded->artifact_name, "app.zip");
	assert_memory_equal(loaded->digest, d.tree_sha256, sizeof(loaded->digest));
	assert_int_equal(loaded->length_bytes, d.length_bytes);
	assert_int_equal(loaded->comment_len, d.tail.comment_len);
	assert_memory_equal(loaded->comment, zip.data + d.tail.comment_offset, loaded->comment_len);
	assert_int_equal(loaded->mtime_ns, 5);
	assert_non_null(strstr(loaded->decision, "outcome: accepted\n"));
	assert_int_equal(count_records(f, "deployment", 1), 1);
	store_release_free(loaded);
	store_release_free(release);

	release = NULL;
	assert_int_equal(commit(f, &zip, &d, &release), 0);
	assert_int_equal(release->number, 2);
	store_release_free(release);
	buf_done(&zip);
}

/* A layer has no current: the version is there with its record, under the next number. */
static void accepted_layer_becomes_the_next_version(void **state)
{
	struct gate_fixture *f = *state;
	struct buf zip = gate_fixture_zip();
	struct gate_decision d = gate_fixture_judge_layer(f, &zip);
	struct gate_deployment to = deployment();
	to.function = "layer:base";
	for (uint64_t n = 1; n <= 2; n++) {
		struct store_stage *stage = NULL;
		struct store_release *release = NULL, *loaded = NULL;
		assert_int_equal(store_stage_new(f->store, &stage), 0);
		assert_int_equal(store_stage_write(stage, zip.data, zip.len, 0), 0);
		assert_int_equal(gate_commit(f->store, f->audit, stage, NULL, 0, &to, &d, &release), 0);
		assert_int_equal(release->number, n);
		assert_int_equal(store_load_release(f->store, "layer:base", n, &loaded), 0);
		assert_int_equal(store_load_current(f->store, "layer:base", &loaded), -ENOENT);
		assert_int_equal(count_records(f, "layer-publication", n), 1);
		store_release_free(loaded);
		store_release_free(release);
		store_stage_free(stage);
	}
	struct buf text = audit_log(f);
	gate_fixture_assert_says(&text, "\"slot\":\"layers/base\"");
	buf_done(&text);
	buf_done(&zip);
}

static void refusal_is_recorded_with_its_errno(void **state)
{
	struct gate_fixture *f = *state;
	struct buf zip = gate_fixture_zip();
	struct gate_decision d = gate_fixture_judge(f, "approved", &zip, false);
	struct gate_deployment to = deployment();
	gate_record_refusal(f->audit, &to, 7, &d);
	uint64_t event = d.event;
	to.errno_style = CONFIG_ERRNO_PERMISSION;
	gate_record_refusal(f->audit, &to, 0, &d);
	assert_true(event > 0);
	assert_int_equal(d.event, event + 1);
	struct buf text = audit_log(f);
	gate_fixture_assert_says(&text, "\"outcome\":\"refused\",\"reason\":\"VF2001\"");
	gate_fixture_assert_says(&text, "\"errno\":\"ENOKEY\"");
	gate_fixture_assert_says(&text, "\"title\":\"source mismatch: no signature\"");
	gate_fixture_assert_says(&text, "\"kept\":7,");
	gate_fixture_assert_says(&text, "\"remedy\":\"");
	gate_fixture_assert_says(&text, "\"errno\":\"EACCES\"");
	gate_fixture_assert_says(&text, "\"slot\":\"functions/main\",\"artifact\":\"app.zip\"");
	assert_in_range(d.verified_us, 1, 60000000);
	char took[64];
	(void)snprintf(took, sizeof(took), "\"verifiedUs\":%llu,", (unsigned long long)d.verified_us);
	gate_fixture_assert_says(&text, took);
	buf_done(&text);
	buf_done(&zip);
	assert_int_equal(current_release(f), 0);
}

/* What is committed has to be what was judged, whatever the caller hands over. */
static void other_bytes_than_those_judged_are_not_committed(void **state)
{
	struct gate_fixture *f = *state;
	struct buf zip = gate_fixture_signed_zip(f);
	struct gate_decision d = gate_fixture_judge(f, "approved", &zip, false);
	struct store_release *release = NULL;
	zip.data[40] ^= 1;
	assert_int_equal(commit(f, &zip, &d, &release), -EBADMSG);
	assert_null(release);
	assert_int_equal(current_release(f), 0);
	assert_int_equal(count_records(f, "deployment-failed", 1), 1);
	buf_done(&zip);
}

enum { CHILD_COMMITTED = 0, CHILD_FAILED = 1, CHILD_BROKEN = 2 };

static int exit_code_of(int r)
{
	if (r == 0)
		return CHILD_COMMITTED;
	/* -EIO: the store does not tell why it could not reserve an id */
	return r == -ENOSPC || r == -EIO ? CHILD_FAILED : CHILD_BROKEN;
}

/*
 * Commits in a process of its own that meets a fault at its nth changing system call. Returns its exit code, -1 when it
 * was killed.
 */
static int commit_with_fault(struct gate_fixture *f, const struct buf *zip, struct gate_decision *d, unsigned nth,
			     const char *what)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (!freopen("/dev/null", "w", stderr)) /* every step logs its failure */
			_exit(CHILD_BROKEN);
		char spec[64];
		struct store_release *release = NULL;
		(void)snprintf(spec, sizeof(spec), "*:%u:%s", nth, what);
		gate_fixture_open_store(f);
		(void)setenv("VOUCHFS_TEST_FAULT", spec, 1);
		io_fault_arm();
		_exit(exit_code_of(commit(f, zip, d, &release)));
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* One step: old or new, and new only with its record (I3). Returns whether the fault was met. */
static bool survives_fault(struct gate_fixture *f, const struct buf *zip, struct gate_decision *d, unsigned nth,
			   const char *what)
{
	uint64_t before = current_release(f), next = before + 1;
	unsigned accepted = count_records(f, "deployment", next), failed = count_records(f, "deployment-failed", next);

	gate_fixture_close_store(f);
	int code = commit_with_fault(f, zip, d, nth, what);
	gate_fixture_open_store(f);

	uint64_t after = current_release(f);
	accepted = count_records(f, "deployment", next) - accepted;
	failed = count_records(f, "deployment-failed", next) - failed;
	assert_true(code != CHILD_BROKEN);
	assert_true(after == before || after == next);
	if (after == next)
		assert_int_equal(accepted, 1);
	if (code == CHILD_COMMITTED)
		assert_int_equal(after, next);
	if (code == CHILD_FAILED) {
		assert_int_equal(after, before);
		assert_int_equal(accepted, failed); /* a failure takes back what the log has announced */
	}
	return code != CHILD_COMMITTED;
}

static void commit_at_every_step(struct gate_fixture *f, const char *what)
{
	struct buf zip = gate_fixture_signed_zip(f);
	struct gate_decision d = gate_fixture_judge(f, "approved", &zip, false);
	struct store_release *release = NULL;
	assert_int_equal(commit(f, &zip, &d, &release), 0);
	store_release_free(release);

	unsigned nth = 1, in_a_row = 0;
	/* A second copy, and cleaning up afterwards, may fail without harm: a good commit is not the end of the steps.
	 */
	for (; in_a_row < 12; nth++)
		in_a_row = survives_fault(f, &zip, &d, nth, what) ? 0 : in_a_row + 1;
	assert_true(nth > 40);
	buf_done(&zip);
}

static void full_disk_at_every_step_leaves_old_or_new(void **state)
{
	commit_at_every_step(*state, "ENOSPC");
}

static void kill_at_every_step_leaves_old_or_new(void **state)
{
	commit_at_every_step(*state, "kill");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, gate_fixture_setup, gate_fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(accepted_artifact_becomes_the_current_release),
		TEST(accepted_layer_becomes_the_next_version),
		TEST(refusal_is_recorded_with_its_errno),
		TEST(other_bytes_than_those_judged_are_not_committed),
		TEST(full_disk_at_every_step_leaves_old_or_new),
		TEST(kill_at_every_step_leaves_old_or_new),
	};
	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
