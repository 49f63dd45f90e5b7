/*
 * Crashes and failing disks: every change is run in a child in which the n-th changing system call kills the process or
 * fails, for every n. Afterwards the store has the old state or the new one, whole, with nothing left over, and what
 * was acknowledged is there (I5).
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_fixture.h"

#ifdef VOUCHFS_TEST_HOOKS

#define CALLS_MAX      200
#define ARTIFACT_BYTES 9000
#define OLD_SEED       1
#define NEW_SEED       2

enum outcome { OLD, NEW, NEITHER };

/* A change of a prepared store, and what can be seen of it. */
struct scenario {
	void (*prepare)(struct store *store);
	int (*change)(struct store *store);
	enum outcome (*look)(struct store *store);
	bool may_stick; /* it may have happened although it failed */
};

static enum outcome look_at_main(struct store *store)
{
	struct store_release *release;
	if (store_load_current(store, "main", &release) < 0)
		return NEITHER;
	enum outcome found = NEITHER;
	if (release->number == 1 && fixture_holds(store, release, OLD_SEED))
		found = OLD;
	else if (release->number == 2 && fixture_holds(store, release, NEW_SEED))
		found = NEW;
	store_release_free(release);
	return found;
}

static void prepare_one(struct store *store)
{
	assert_int_equal(fixture_deploy(store, "main", 1, OLD_SEED, ARTIFACT_BYTES), 0);
}

static int deploy_second(struct store *store)
{
	return fixture_deploy(store, "main", 2, NEW_SEED, ARTIFACT_BYTES);
}

/* The bytes that are there: their object's files are replaced. */
static int deploy_again(struct store *store)
{
	return fixture_deploy(store, "main", 2, OLD_SEED, ARTIFACT_BYTES);
}

static enum outcome look_at_again(struct store *store)
{
	struct store_release *release;
	if (store_load_current(store, "main", &release) < 0)
		return NEITHER;
	enum outcome found = fixture_holds(store, release, OLD_SEED) ? (release->number == 1 ? OLD : NEW) : NEITHER;
	store_release_free(release);
	return found;
}

/* The new bytes are already there, for another function. */
static void prepare_shared(struct store *store)
{
	prepare_one(store);
	assert_int_equal(fixture_deploy(store, "other", 1, NEW_SEED, ARTIFACT_BYTES), 0);
}

static void prepare_nothing(struct store *store)
{
	assert_int_equal(store_put_slot_file(store, "main", "slot", "x", 1), 0);
}

static int deploy_first(struct store *store)
{
	return fixture_deploy(store, "main", 1, NEW_SEED, ARTIFACT_BYTES);
}

static enum outcome look_at_first(struct store *store)
{
	struct store_release *release;
	int r = store_load_current(store, "main", &release);
	if (r == -ENOENT)
		return OLD;
	enum outcome found = r == 0 && fixture_holds(store, release, NEW_SEED) ? NEW : NEITHER;
	if (r == 0)
		store_release_free(release);
	return found;
}

static void prepare_two(struct store *store)
{
	prepare_one(store);
	assert_int_equal(deploy_second(store), 0);
}

static int remove_first(struct store *store)
{
	return store_remove_release(store, "main", 1);
}

static enum outcome look_for_first(struct store *store)
{
	struct store_release *release;
	if (look_at_main(store) != NEW)
		return NEITHER;
	int r = store_load_release(store, "main", 1, &release);
	if (r < 0)
		return r == -ENOENT ? NEW : NEITHER;
	enum outcome found = fixture_holds(store, release, OLD_SEED) ? OLD : NEITHER;
	store_release_free(release);
	return found;
}

static void prepare_for_removal(struct store *store)
{
	prepare_two(store);
	assert_int_equal(fixture_deploy(store, "other", 1, NEW_SEED, ARTIFACT_BYTES), 0);
}

static int remove_main(struct store *store)
{
	return store_remove_function(store, "main");
}

static enum outcome look_for_main(struct store *store)
{
	char **functions;
	size_t count;
	assert_int_equal(store_list_functions(store, &functions, &count), 0);
	for (size_t i = 0; i < count; i++)
		free(functions[i]);
	free(functions);
	if (fixture_current(store, "other") != 1)
		return NEITHER;
	if (count == 2)
		return look_at_main(store) == NEW ? OLD : NEITHER;
	return count == 1 && fixture_current(store, "main") == 0 ? NEW : NEITHER;
}

/* Of a layer every version stays and none is current. */
static void prepare_layer(struct store *store)
{
	assert_int_equal(fixture_deploy(store, "layer:base", 1, OLD_SEED, ARTIFACT_BYTES), 0);
}

static int publish_second(struct store *store)
{
	return fixture_deploy(store, "layer:base", 2, NEW_SEED, ARTIFACT_BYTES);
}

static bool has_version(struct store *store, uint64_t number, unsigned seed)
{
	struct store_release *release = NULL;
	bool found = store_load_release(store, "layer:base", number, &release) == 0 &&
		     fixture_holds(store, release, seed);
	store_release_free(release);
	return found;
}

/* Number of versions; -1: one of them is not whole. */
static int count_versions(struct store *store)
{
	uint64_t *numbers = NULL;
	size_t count = 0;
	assert_int_equal(store_list_releases(store, "layer:base", &numbers, &count), 0);
	bool whole = true;
	for (size_t i = 0; i < count; i++)
		whole = whole && has_version(store, numbers[i], numbers[i] == 2 ? NEW_SEED : OLD_SEED);
	free(numbers);
	return whole ? (int)count : -1;
}

static enum outcome look_at_versions(struct store *store)
{
	if (!has_version(store, 1, OLD_SEED) || fixture_current(store, "layer:base") != 0)
		return NEITHER;
	return count_versions(store) == 1 ? OLD : count_versions(store) == 2 ? NEW : NEITHER;
}

static void prepare_two_versions(struct store *store)
{
	prepare_layer(store);
	assert_int_equal(publish_second(store), 0);
}

static int remove_second(struct store *store)
{
	return store_remove_release(store, "layer:base", 2);
}

/* Removed or not, its number is used. */
static enum outcome look_for_second(struct store *store)
{
	uint64_t newest = 0;
	if (!has_version(store, 1, OLD_SEED) || store_newest_release(store, "layer:base", &newest) < 0 || newest != 2)
		return NEITHER;
	return count_versions(store) == 2 ? OLD : count_versions(store) == 1 ? NEW : NEITHER;
}

static const struct scenario publish = {.prepare = prepare_layer, .change = publish_second, .look = look_at_versions};
static const struct scenario removal_of_version = {
	.prepare = prepare_two_versions, .change = remove_second, .look = look_for_second, .may_stick = true};
/* ---- releases with a layer: other's release, whose bytes nobody else has ---- */

#define LAYER_SEED 7

static int deploy_with_layer(struct store *store, uint64_t number, unsigned seed)
{
	struct store_layer layer;
	fixture_layer(store, "other", 1, &layer);
	return fixture_deploy_layered(store, "main", number, seed, ARTIFACT_BYTES, &layer, 1);
}

static void prepare_other(struct store *store)
{
	prepare_one(store);
	assert_int_equal(fixture_deploy(store, "other", 1, LAYER_SEED, ARTIFACT_BYTES), 0);
}

static int deploy_layered(struct store *store)
{
	return deploy_with_layer(store, 2, NEW_SEED);
}

/* The same artifact with a layer. */
static int attach(struct store *store)
{
	struct store_release *release;
	struct store_layer layer;
	int r = store_load_current(store, "main", &release);
	if (r < 0)
		return r;
	fixture_layer(store, "other", 1, &layer);
	r = store_next_id(store, &release->id);
	release->number = 2;
	const struct store_release with = {.layers = {layer}, .layer_count = 1, .layers_text = (char[]){"lib:1"}};
	if (r == 0)
		r = store_release_copy_layers(release, &with);
	if (r == 0)
		r = store_commit_release(store, "main", release);
	store_release_free(release);
	return r;
}

static bool has_layer(struct store *store, uint64_t number)
{
	struct store_release *release;
	if (store_load_release(store, "main", number, &release) < 0)
		return false;
	bool has = release->layer_count == 1 && fixture_layer_holds(store, &release->layers[0], LAYER_SEED);
	store_release_free(release);
	return has;
}

static enum outcome look_at_layered(struct store *store)
{
	enum outcome found = look_at_main(store);
	return found == NEW && !has_layer(store, 2) ? NEITHER : found;
}

static enum outcome look_at_attached(struct store *store)
{
	struct store_release *release;
	if (store_load_current(store, "main", &release) < 0)
		return NEITHER;
	bool is_new = release->number == 2;
	bool holds = fixture_holds(store, release, OLD_SEED) && release->layer_count == (is_new ? 1 : 0);
	store_release_free(release);
	if (!holds || (is_new && !has_layer(store, 2)))
		return NEITHER;
	return is_new ? NEW : OLD;
}

/* Only main's first release keeps the layer's bytes. */
static void prepare_layered_two(struct store *store)
{
	assert_int_equal(fixture_deploy(store, "other", 1, LAYER_SEED, ARTIFACT_BYTES), 0);
	assert_int_equal(deploy_with_layer(store, 1, OLD_SEED), 0);
	assert_int_equal(deploy_second(store), 0);
	assert_int_equal(store_remove_function(store, "other"), 0);
}

static enum outcome look_for_layered_first(struct store *store)
{
	enum outcome found = look_for_first(store);
	return found == OLD && !has_layer(store, 1) ? NEITHER : found;
}

static const struct scenario layered = {.prepare = prepare_other, .change = deploy_layered, .look = look_at_layered};
static const struct scenario attachment = {.prepare = prepare_other, .change = attach, .look = look_at_attached};
static const struct scenario layered_removal = {
	.prepare = prepare_layered_two, .change = remove_first, .look = look_for_layered_first, .may_stick = true};

static const struct scenario deploy = {.prepare = prepare_one, .change = deploy_second, .look = look_at_main};
static const struct scenario replacement = {.prepare = prepare_one, .change = deploy_again, .look = look_at_again};
static const struct scenario deploy_shared = {.prepare = prepare_shared, .change = deploy_second, .look = look_at_main};
static const struct scenario deploy_new = {.prepare = prepare_nothing, .change = deploy_first, .look = look_at_first};
static const struct scenario removal = {
	.prepare = prepare_two, .change = remove_first, .look = look_for_first, .may_stick = true};
static const struct scenario undeploy = {.prepare = prepare_for_removal, .change = remove_main, .look = look_for_main};

/* ---- policy bundles: a slot that a store has from the first of them on ---- */

static void prepare_no_bundle(struct store *store UNUSED)
{
}

static int deploy_first_bundle(struct store *store)
{
	return fixture_deploy(store, STORE_POLICY_SLOT, 1, OLD_SEED, ARTIFACT_BYTES);
}

static void prepare_bundle(struct store *store)
{
	assert_int_equal(deploy_first_bundle(store), 0);
	assert_int_equal(store_raise_policy_sequence(store, 7), 0);
}

static int deploy_second_bundle(struct store *store)
{
	return fixture_deploy(store, STORE_POLICY_SLOT, 2, NEW_SEED, ARTIFACT_BYTES);
}

static enum outcome look_at_bundle(struct store *store, uint64_t number, unsigned seed)
{
	struct store_release *release = NULL;
	bool holds = store_load_current(store, STORE_POLICY_SLOT, &release) == 0 && release->number == number &&
		     !release->stands_in && fixture_holds(store, release, seed);
	store_release_free(release);
	return holds ? NEW : NEITHER;
}

static enum outcome look_at_first_bundle(struct store *store)
{
	return fixture_current(store, STORE_POLICY_SLOT) == 0 ? OLD : look_at_bundle(store, 1, OLD_SEED);
}

static enum outcome look_at_bundles(struct store *store)
{
	return look_at_bundle(store, 1, OLD_SEED) == NEW ? OLD : look_at_bundle(store, 2, NEW_SEED);
}

static int raise_sequence(struct store *store)
{
	return store_raise_policy_sequence(store, 8);
}

static enum outcome look_at_sequence(struct store *store)
{
	uint64_t sequence = 0;
	if (store_policy_sequence(store, &sequence) < 0)
		return NEITHER;
	return sequence == 7 ? OLD : sequence == 8 ? NEW : NEITHER;
}

static const struct scenario first_bundle = {
	.prepare = prepare_no_bundle, .change = deploy_first_bundle, .look = look_at_first_bundle};
static const struct scenario bundle = {
	.prepare = prepare_bundle, .change = deploy_second_bundle, .look = look_at_bundles};
static const struct scenario sequence = {
	.prepare = prepare_bundle, .change = raise_sequence, .look = look_at_sequence, .may_stick = true};

/* ---- one run: a store of its own, a child with a fault, a look ---- */

struct run {
	const struct scenario *scenario;
	bool durable;
	const char *what; /* "kill" or an errno's name */
	bool for_good;	  /* all later calls fail, too */
	bool during_recovery;
};

static struct store *open_store(const struct fixture *f, bool durable)
{
	struct store_options options = fixture_options(f);
	char anchor[192];
	struct store *store = NULL;
	(void)snprintf(anchor, sizeof(anchor), "%s/anchor", f->dir);
	options.durable = durable;
	options.anchor = anchor;
	return store_open(&options, &store, NULL) == 0 ? store : NULL;
}

static void arm(unsigned nth, bool for_good, const char *what)
{
	char spec[64];
	(void)snprintf(spec, sizeof(spec), "*:%u%s:%s", nth, for_good ? "+" : "", what);
	ASSERT(setenv("VOUCHFS_TEST_FAULT", spec, 1) == 0);
	io_fault_arm();
}

#define ACKNOWLEDGED 10
#define REFUSED	     11
#define UNDECIDED    12
#define SPOILED	     13

/*
 * In the child. A failure has to leave the old state in the running store, too; on a disk that is gone for good it may
 * be the new one, whose last step could not be undone.
 */
static int child(const struct fixture *f, const struct run *run, unsigned nth)
{
	struct store *store = open_store(f, run->durable);
	if (!store)
		return SPOILED;
	arm(nth, run->for_good, run->what);
	int r = run->scenario->change(store);
	enum outcome found = run->scenario->look(store);
	if (r == 0)
		return found == NEW ? ACKNOWLEDGED : SPOILED;
	if (r != -EIO && r != -ENOSPC)
		return SPOILED;
	if (run->for_good || run->scenario->may_stick)
		return found == NEITHER ? SPOILED : UNDECIDED;
	return found == OLD ? REFUSED : SPOILED;
}

/* In the child: recovery alone. */
static int recovering_child(const struct fixture *f, const struct run *run, unsigned nth)
{
	arm(nth, false, "kill");
	return open_store(f, run->durable) ? ACKNOWLEDGED : SPOILED;
}

/* The child's exit status; -1: killed. */
static int in_child(int (*body)(const struct fixture *, const struct run *, unsigned), const struct fixture *f,
		    const struct run *run, unsigned nth)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body(f, run, nth));
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		assert_int_equal(WTERMSIG(status), SIGKILL);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The slot's file "current" itself names what is served, no release stands in for it, and none was left above it. */
static bool current_is_exact(const struct fixture *f, const char *slot)
{
	char text[512] = "", expected[32], path[STORE_SLOT_PATH_SIZE];
	uint64_t number = fixture_current(f->store, slot), newest;
	if (store_newest_release(f->store, slot, &newest) < 0 || newest != number)
		return false;
	FILE *file = fopen(fixture_path(f, "%s/current", store_slot_path(slot, path)), "r");
	if (!file)
		return number == 0;
	(void)snprintf(expected, sizeof(expected), "\n\n%u\n", (unsigned)number);
	bool same = fread(text, 1, sizeof(text) - 1, file) > 0 && strstr(text, expected);
	(void)fclose(file);
	return same;
}

/* False when the fault came too late to do anything. */
static bool run_once(const struct run *run, unsigned nth)
{
	void *state;
	assert_int_equal(fixture_setup(&state), 0);
	struct fixture *f = state;
	run->scenario->prepare(f->store);
	fixture_close(f);

	int status = in_child(child, f, run, nth);
	for (unsigned n = 1; run->during_recovery && in_child(recovering_child, f, run, n) < 0; n++)
		assert_true(n < CALLS_MAX);

	f->store = open_store(f, run->durable);
	assert_non_null(f->store);
	enum outcome found = run->scenario->look(f->store);
	bool whole = fixture_is_whole(f) && current_is_exact(f, "main") && current_is_exact(f, STORE_POLICY_SLOT);
	if (!whole || found == NEITHER || status == SPOILED || (status == ACKNOWLEDGED && found != NEW) ||
	    (status == REFUSED && found != OLD))
		fail_msg("call %u, %s: child %d, found %d, whole %d", nth, run->what, status, found, whole);
	assert_int_equal(fixture_teardown(&state), 0);
	return status != ACKNOWLEDGED;
}

/* Kills at every call there is and returns how many there are. */
static unsigned sweep_kills(const struct scenario *scenario, bool durable, bool during_recovery)
{
	struct run run = {.scenario = scenario, .durable = durable, .what = "kill", .during_recovery = during_recovery};
	unsigned n = 1;
	while (run_once(&run, n)) {
		n++;
		assert_true(n < CALLS_MAX);
	}
	return n - 1;
}

static void sweep_errors(const struct scenario *scenario, bool durable, const char *name, unsigned calls)
{
	struct run run = {.scenario = scenario, .durable = durable, .what = name};
	unsigned refused = 0;
	for (unsigned n = 1; n <= calls; n++)
		refused += run_once(&run, n);
	assert_true(refused >= 2); /* the sweep did hit something */
	run.for_good = true;
	for (unsigned n = 1; n <= calls; n++)
		(void)run_once(&run, n);
}

static void sweep(const struct scenario *scenario)
{
	unsigned calls = sweep_kills(scenario, false, false);
	assert_true(calls >= 4);
	sweep_errors(scenario, false, "ENOSPC", calls);
}

static void test_deploy(void **state UNUSED)
{
	sweep(&deploy);
}

static void test_deploy_durable(void **state UNUSED)
{
	unsigned calls = sweep_kills(&deploy, true, false);
	sweep_errors(&deploy, true, "EIO", calls);
	assert_true(calls > sweep_kills(&deploy, false, false)); /* it does sync */
}

static void test_deploy_shared(void **state UNUSED)
{
	sweep(&deploy_shared);
}

static void test_deploy_again(void **state UNUSED)
{
	sweep(&replacement);
	sweep_errors(&replacement, true, "EIO", sweep_kills(&replacement, true, false));
}

static void test_deploy_new(void **state UNUSED)
{
	sweep(&deploy_new);
}

static void test_remove_release(void **state UNUSED)
{
	sweep(&removal);
	sweep_errors(&removal, true, "EIO", sweep_kills(&removal, true, false));
}

static void test_remove_function(void **state UNUSED)
{
	sweep(&undeploy);
}

static void test_publish(void **state UNUSED)
{
	sweep(&publish);
	sweep_errors(&publish, true, "EIO", sweep_kills(&publish, true, false));
}

static void test_remove_version(void **state UNUSED)
{
	sweep(&removal_of_version);
	sweep_errors(&removal_of_version, true, "EIO", sweep_kills(&removal_of_version, true, false));
}

static void test_bundles(void **state UNUSED)
{
	sweep(&first_bundle);
	sweep(&bundle);
	sweep_errors(&bundle, true, "EIO", sweep_kills(&bundle, true, false));
	(void)sweep_kills(&sequence, true, false);
}

static void test_layers(void **state UNUSED)
{
	sweep(&layered);
	sweep_errors(&layered, true, "EIO", sweep_kills(&layered, true, false));
	sweep(&attachment);
	sweep(&layered_removal);
}

/* In the child: no byte can be written from the nth write on, but names can be removed. */
static int full_disk_child(const struct fixture *f, const struct run *run, unsigned nth)
{
	struct fixture running = *f;
	char spec[64];
	running.store = open_store(f, run->durable);
	(void)snprintf(spec, sizeof(spec), "write:%u+:ENOSPC", nth);
	ASSERT(running.store && setenv("VOUCHFS_TEST_FAULT", spec, 1) == 0);
	io_fault_arm();
	int r = run->scenario->change(running.store);
	if (r == 0)
		return ACKNOWLEDGED;
	bool clean = fixture_is_whole(&running) && current_is_exact(&running, "main");
	return r == -ENOSPC && clean && run->scenario->look(running.store) == OLD ? REFUSED : SPOILED;
}

/* What a full disk interrupts is cleaned up at once, not at the next open: the space is needed now. */
static void test_full_disk_leaves_nothing(void **state UNUSED)
{
	struct run run = {.scenario = &deploy};
	unsigned n = 0;
	int status;
	do {
		void *fixture;
		assert_int_equal(fixture_setup(&fixture), 0);
		struct fixture *f = fixture;
		run.scenario->prepare(f->store);
		fixture_close(f);
		status = in_child(full_disk_child, f, &run, ++n);
		assert_true(status == REFUSED || status == ACKNOWLEDGED);
		assert_int_equal(fixture_teardown(&fixture), 0);
	} while (status != ACKNOWLEDGED);
	assert_int_equal(n - 1, 7); /* tree, ids twice, record, generation, anchor, current */
}

static void test_crash_in_recovery(void **state UNUSED)
{
	(void)sweep_kills(&deploy, false, true);
	(void)sweep_kills(&replacement, false, true);
	(void)sweep_kills(&undeploy, false, true);
	(void)sweep_kills(&publish, false, true);
	(void)sweep_kills(&layered, false, true);
	(void)sweep_kills(&layered_removal, false, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deploy),
		cmocka_unit_test(test_deploy_durable),
		cmocka_unit_test(test_deploy_shared),
		cmocka_unit_test(test_deploy_again),
		cmocka_unit_test(test_deploy_new),
		cmocka_unit_test(test_remove_release),
		cmocka_unit_test(test_remove_function),
		cmocka_unit_test(test_publish),
		cmocka_unit_test(test_remove_version),
		cmocka_unit_test(test_bundles),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_full_disk_leaves_nothing),
		cmocka_unit_test(test_crash_in_recovery),
	};
	return cmocka_run_group_tests_name("store_crash", tests, fixture_group_setup, fixture_group_teardown);
}

#else

int main(void)
{
	return 0; /* there is nothing to steer without the hooks */
}

#endif
