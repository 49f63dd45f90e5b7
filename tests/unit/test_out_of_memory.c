/*
 * Every allocation fails once, and then with all behind it, in what decides and in what changes the store or the log: a
 * verdict is the right one or none, a change is there or is not, and the same works when there is memory again.
 * Linked with failing_malloc.c; leaks are for the address sanitizer.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../sweep/failing_malloc.h"
#include "audit/audit.h"
#include "base/log.h"
#include "gate_fixture.h"
#include "store_fixture.h"

#define ARTIFACT_BYTES 9000

/* One point: prepares, does its work with the nth allocation failing, and looks; whether one has failed. */
typedef bool attempt(void *ctx, uint64_t nth, bool for_good);

static void sweep_some(attempt *try, void *ctx, uint64_t step)
{
	for (int for_good = 0; for_good <= 1; for_good++) {
		uint64_t nth = 1, count = 0;
		for (; try(ctx, nth, for_good == 1); nth += step)
			count++;
		assert_true(count > 3); /* the sweep did hit something */
		print_message("%llu points%s\n", (unsigned long long)count, for_good ? ", for good" : "");
	}
}

static void sweep(attempt *try, void *ctx)
{
	sweep_some(try, ctx, 1);
}

/* Of thousands every one where SWEEP_STEP says so (`make sweep`), else a sample. */
static void sweep_many(attempt *try, void *ctx)
{
	sweep_some(try, ctx, getenv("SWEEP_STEP") ? 1 : 47);
}

/* ---- the store ---- */

static void assert_whole(struct fixture *f)
{
	assert_true(fixture_is_whole(f));
}

static bool deploy_once(void *ctx UNUSED, uint64_t nth, bool for_good)
{
	void *state;
	assert_int_equal(fixture_setup(&state), 0);
	struct fixture *f = state;
	assert_int_equal(fixture_deploy(f->store, "main", 1, 1, ARTIFACT_BYTES), 0);

	failing_malloc_arm(nth, for_good);
	int r = fixture_deploy(f->store, "main", 2, 2, ARTIFACT_BYTES);
	bool fired = failing_malloc_disarm();
	assert_true(r == 0 || (r == -ENOMEM && fired));
	assert_int_equal(fixture_current(f->store, "main"), r == 0 ? 2 : 1);
	if (r < 0)
		assert_int_equal(fixture_deploy(f->store, "main", 2, 2, ARTIFACT_BYTES), 0);
	fixture_reopen(f); /* what could not be cleaned up at once is now */
	assert_int_equal(fixture_current(f->store, "main"), 2);
	assert_whole(f);
	assert_int_equal(fixture_teardown(&state), 0);
	return fired;
}

static void deployment(void **state UNUSED)
{
	sweep(deploy_once, NULL);
}

static bool remove_once(void *ctx UNUSED, uint64_t nth, bool for_good)
{
	void *state;
	assert_int_equal(fixture_setup(&state), 0);
	struct fixture *f = state;
	for (unsigned n = 1; n <= 2; n++)
		assert_int_equal(fixture_deploy(f->store, "main", n, n, ARTIFACT_BYTES), 0);

	failing_malloc_arm(nth, for_good);
	int r = store_remove_release(f->store, "main", 1);
	bool fired = failing_malloc_disarm();
	assert_true(r == 0 || (r == -ENOMEM && fired));
	fixture_reopen(f);
	r = store_remove_release(f->store, "main", 1);
	assert_true(r == 0 || r == -ENOENT);
	assert_int_equal(fixture_current(f->store, "main"), 2);
	assert_whole(f);
	assert_int_equal(fixture_teardown(&state), 0);
	return fired;
}

static void removal(void **state UNUSED)
{
	sweep(remove_once, NULL);
}

#ifdef VOUCHFS_TEST_HOOKS

/* A deployment that is killed at its nth change of the store. */
static void crash(const struct fixture *f, unsigned nth)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct store_options options = fixture_options(f);
		struct store *store = NULL;
		char spec[32];
		(void)snprintf(spec, sizeof(spec), "*:%u:kill", nth);
		ASSERT(store_open(&options, &store, NULL) == 0 && setenv("VOUCHFS_TEST_FAULT", spec, 1) == 0);
		io_fault_arm();
		_exit(fixture_deploy(store, "main", 2, 2, ARTIFACT_BYTES));
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static bool recover_once(void *ctx, uint64_t nth, bool for_good)
{
	void *state;
	assert_int_equal(fixture_setup(&state), 0);
	struct fixture *f = state;
	assert_int_equal(fixture_deploy(f->store, "main", 1, 1, ARTIFACT_BYTES), 0);
	fixture_close(f);
	crash(f, *(const unsigned *)ctx);

	struct store_options options = fixture_options(f);
	failing_malloc_arm(nth, for_good);
	int r = store_open(&options, &f->store, NULL);
	bool fired = failing_malloc_disarm();
	assert_true(r == 0 || (r == -ENOMEM && fired));
	fixture_reopen(f);
	uint64_t current = fixture_current(f->store, "main");
	assert_true(current == 1 || current == 2);
	assert_whole(f);
	assert_int_equal(fixture_deploy(f->store, "main", 3, 3, ARTIFACT_BYTES), 0);
	assert_int_equal(fixture_teardown(&state), 0);
	return fired;
}

/* Early, in the middle and late in a deployment. */
static void recovery(void **state UNUSED)
{
	static const unsigned steps[] = {3, 6, 9, 12, 14};
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		sweep(recover_once, (void *)(uintptr_t)&steps[i]);
}

#endif

/* ---- the audit log ---- */

struct log {
	void *state; /* a fixture, for its directory */
	struct audit *audit;
};

static struct audit *open_log(const struct fixture *f)
{
	struct audit *audit = NULL;
	return audit_open(store_audit_dirfd(f->store), false, &audit, NULL) == 0 ? audit : NULL;
}

static uint64_t last_seq(struct audit *audit)
{
	uint64_t seq;
	char hex[65];
	audit_head(audit, &seq, hex);
	return seq;
}

static const struct audit_record record = {.event = AUDIT_START,
					   .detail = "a record of some length, so that two "
						     "of them begin a segment each"};

static bool append_once(void *ctx UNUSED, uint64_t nth, bool for_good)
{
	void *state;
	assert_int_equal(fixture_setup(&state), 0);
	struct fixture *f = state;
	struct audit *audit = open_log(f);
	assert_int_equal(audit_append(audit, &record, NULL), 0);

	failing_malloc_arm(nth, for_good);
	int r = audit_append(audit, &record, NULL);
	bool fired = failing_malloc_disarm();
	assert_true(r == 0 || (r == -ENOMEM && fired));
	uint64_t seq = last_seq(audit);
	assert_int_equal(seq, r == 0 ? 2 : 1);
	assert_int_equal(audit_append(audit, &record, NULL), 0);
	audit_close(audit);
	audit = open_log(f);
	assert_non_null(audit);
	assert_int_equal(last_seq(audit), seq + 1);
	audit_close(audit);
	assert_int_equal(fixture_teardown(&state), 0);
	return fired;
}

static void appending(void **state UNUSED)
{
	sweep(append_once, NULL);
#ifdef VOUCHFS_TEST_HOOKS
	assert_int_equal(setenv("VOUCHFS_TEST_AUDIT_SEGMENT", "256", 1), 0);
	sweep(append_once, NULL);
	assert_int_equal(unsetenv("VOUCHFS_TEST_AUDIT_SEGMENT"), 0);
#endif
}

/* A torn record at its end is cut off, whatever fails meanwhile. */
static bool open_torn_once(void *ctx UNUSED, uint64_t nth, bool for_good)
{
	void *state;
	assert_int_equal(fixture_setup(&state), 0);
	struct fixture *f = state;
	struct audit *audit = open_log(f);
	assert_int_equal(audit_append(audit, &record, NULL), 0);
	audit_close(audit);
	FILE *file = fopen(fixture_path(f, "audit/audit-00000000000000000001.jsonl"), "a");
	assert_non_null(file);
	assert_true(fputs("{\"schema\":", file) >= 0 && fclose(file) == 0);

	failing_malloc_arm(nth, for_good);
	audit = open_log(f);
	bool fired = failing_malloc_disarm();
	assert_true(audit || fired);
	audit_close(audit);
	audit = open_log(f);
	assert_non_null(audit);
	assert_true(last_seq(audit) >= 1 && last_seq(audit) <= 2);
	assert_int_equal(audit_append(audit, &record, NULL), 0);
	audit_close(audit);
	assert_int_equal(fixture_teardown(&state), 0);
	return fired;
}

static void opening_a_torn_log(void **state UNUSED)
{
	sweep(open_torn_once, NULL);
}

/* ---- trust and verdicts ---- */

struct judging {
	struct gate_fixture *f;
	struct buf zip;
	enum policy_outcome expected;
	enum policy_reason reason;
};

/* What is right, or that it could not be found out; never evidence that is not there. */
static bool judge_once(void *ctx, uint64_t nth, bool for_good)
{
	const struct judging *j = ctx;
	const struct config_code_signing *rules = gate_fixture_rules(j->f, "approved");
	struct io_memory memory = {.bytes = j->zip.data, .len = j->zip.len};
	struct gate_artifact artifact = {.content = SIGNATURE_OF_ARTIFACT, .file = io_reader_memory(&memory)};
	struct gate_decision d;

	failing_malloc_arm(nth, for_good);
	int r = gate_judge(j->f->trust, rules, POLICY_ON_DEPLOYMENT, &artifact, true, &d);
	bool fired = failing_malloc_disarm();
	bool undecided = r == -ENOMEM ||
			 (r == 0 && d.verdict.outcome == POLICY_REFUSED && d.verdict.reason == POLICY_VF3001_UNDECIDED);
	bool right = r == 0 && d.verdict.outcome == j->expected && d.verdict.reason == j->reason;
	if (!right && !(fired && undecided))
		fail_msg("allocation %llu: %d, outcome %d, reason %d: %s", (unsigned long long)nth, r,
			 r == 0 ? (int)d.verdict.outcome : -1, r == 0 ? (int)d.verdict.reason : -1,
			 r == 0 ? d.verdict.detail : "");
	assert_int_equal(gate_judge(j->f->trust, rules, POLICY_ON_DEPLOYMENT, &artifact, true, &d), 0);
	assert_int_equal(d.verdict.outcome, j->expected);
	return fired;
}

static void verdict_on_a_good_artifact(void **state)
{
	struct judging j = {.f = *state, .zip = gate_fixture_signed_zip(*state), .expected = POLICY_ACCEPTED};
	sweep_many(judge_once, &j);
	buf_done(&j.zip);
}

static void verdict_on_a_changed_artifact(void **state)
{
	struct judging j = {.f = *state,
			    .zip = gate_fixture_signed_zip(*state),
			    .expected = POLICY_REFUSED,
			    .reason = POLICY_VF1002_INTEGRITY};
	char *comment = memmem(j.zip.data, j.zip.len, "-----BEGIN", 10);
	assert_non_null(comment);
	comment[200] = comment[200] == 'A' ? 'B' : 'A';
	sweep_many(judge_once, &j);
	buf_done(&j.zip);
}

static void verdict_on_a_revoked_artifact(void **state)
{
	struct gate_fixture *f = *state;
	struct judging j = {
		.f = f, .zip = gate_fixture_signed_zip(f), .expected = POLICY_REFUSED, .reason = POLICY_VF2004_REVOKED};
	const struct gate_decision d = gate_fixture_judge(f, "approved", &j.zip, false);
	const struct revocation entry = {.kind = REVOCATION_JOB,
					 .job = d.facts.statement.job,
					 .revoked_at_s = TRUST_FIXTURE_NOW_S - 1,
					 .reason = "leaked build host"};
	gate_fixture_put_list(f, 43, &entry);
	assert_int_equal(gate_fixture_load(f), 0);
	sweep_many(judge_once, &j);
	buf_done(&j.zip);
}

static bool load_once(void *ctx, uint64_t nth, bool for_good)
{
	struct gate_fixture *f = ctx;
	failing_malloc_arm(nth, for_good);
	int r = gate_fixture_load(f);
	bool fired = failing_malloc_disarm();
	assert_true(r == 0 || fired);
	if (r == 0 && f->trust->accounts[0].list_state != SIGNATURE_LIST_READ)
		fail_msg("allocation %llu: loaded without the list: %s", (unsigned long long)nth,
			 f->trust->accounts[0].list_why.text);
	assert_int_equal(gate_fixture_load(f), 0);
	return fired;
}

static void loading_trust(void **state)
{
	sweep_many(load_once, *state);
}

/* A list that could not be read is known to be unread, and is read by the next look. */
static bool refresh_once(void *ctx, uint64_t nth, bool for_good)
{
	struct gate_fixture *f = ctx;
	struct trust *next = NULL, *last = NULL;
	const uint64_t sequence = f->trust->accounts[0].list->sequence + 1;
	gate_fixture_put_list(f, sequence, NULL);

	failing_malloc_arm(nth, for_good);
	int r = trust_refresh(f->trust, f->store, &next);
	bool fired = failing_malloc_disarm();
	if (r < 0)
		next = trust_ref(f->trust);
	assert_true(r == 0 || (r == -ENOMEM && fired));
	assert_int_equal(trust_refresh(next, f->store, &last), 0);
	assert_int_equal(last->accounts[0].list_state, SIGNATURE_LIST_READ);
	assert_int_equal(last->accounts[0].list->sequence, sequence);
	assert_false(trust_has_unread_list(last));
	trust_unref(f->trust);
	trust_unref(next);
	f->trust = last;
	return fired;
}

static void refreshing_trust(void **state)
{
	sweep_many(refresh_once, *state);
}

static int setup_gate(void **state)
{
	int r = gate_fixture_setup(state);
	log_set_level(LOG_LEVEL_ERROR);
	return r;
}

/* Nothing here is about what a disk keeps, and thousands of stores wait for one. */
static int setup_in_memory(void **state)
{
	if (access("/dev/shm", W_OK | X_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 1);
	return fixture_group_setup(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deployment),
		cmocka_unit_test(removal),
#ifdef VOUCHFS_TEST_HOOKS
		cmocka_unit_test(recovery),
#endif
		cmocka_unit_test(appending),
		cmocka_unit_test(opening_a_torn_log),
		cmocka_unit_test_setup_teardown(verdict_on_a_good_artifact, setup_gate, gate_fixture_teardown),
		cmocka_unit_test_setup_teardown(verdict_on_a_changed_artifact, setup_gate, gate_fixture_teardown),
		cmocka_unit_test_setup_teardown(verdict_on_a_revoked_artifact, setup_gate, gate_fixture_teardown),
		cmocka_unit_test_setup_teardown(loading_trust, setup_gate, gate_fixture_teardown),
		cmocka_unit_test_setup_teardown(refreshing_trust, setup_gate, gate_fixture_teardown),
	};
	return cmocka_run_group_tests_name("out_of_memory", tests, setup_in_memory, fixture_group_teardown);
}
