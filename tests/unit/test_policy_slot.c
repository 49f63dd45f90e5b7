/* The slot for policy bundles without a mount: where it is, what it takes, who may go back, what its fetcher says. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/slots/internal.h"
#include "slots_fixture.h"
#include "zip_builder.h"

#define HOST "[policy]\npublisher = " GATE_FIXTURE_ARN "\n"
#define SECTIONS                                                                                                       \
	"[code-signing-config approved]\nallowed_publisher = " GATE_FIXTURE_ARN "\n"                                   \
	"untrusted_artifact_on_deployment = %s\n[function main]\ncode_signing_config = approved\n"
#define ACCOUNT "[account " GATE_FIXTURE_ACCOUNT "]\ncertificate = trust/a.pem\nrevocations_required = no\n"
#define STATUS	".vouchfs/policy/status"
#define SOURCE	".vouchfs/policy/source"

static void govern(struct slots_fixture *f)
{
	slots_fixture_configure(f, "keep_releases = 2\n", HOST);
	slots_fixture_restart(f);
}

static struct buf make_bundle(struct slots_fixture *f, unsigned sequence, const char *mode)
{
	char terms[64], sections[512];
	struct zip_builder z = {0};
	struct buf ret = {0}, pem = {0};
	(void)snprintf(terms, sizeof(terms), "[policy]\nsequence = %u\n", sequence);
	(void)snprintf(sections, sizeof(sections), SECTIONS, mode);
	(void)zip_builder_add(&z, "policy.conf", terms);
	(void)zip_builder_add(&z, "conf.d/account.conf", ACCOUNT);
	(void)zip_builder_add(&z, "conf.d/functions.conf", sections);
	trust_fixture_ca_pem(&f->host->alice, &pem);
	(void)zip_builder_add(&z, "trust/a.pem", pem.data);
	buf_done(&pem);
	struct buf zip = zip_builder_finish(&z);
	f->host->alice.content = SIGNATURE_OF_BUNDLE;
	trust_fixture_sign_zip(&f->host->alice, zip.data, zip.len, &ret);
	f->host->alice.content = SIGNATURE_OF_ARTIFACT;
	buf_done(&zip);
	return ret;
}

static int put_bundle(struct slots_fixture *f, unsigned sequence, const char *mode)
{
	struct buf zip = make_bundle(f, sequence, mode);
	int r = slots_fixture_put(f, "policy", "policy.zip", &zip);
	buf_done(&zip);
	return r;
}

static void assert_says(struct slots_fixture *f, const char *path, const char *part)
{
	struct buf text = {0};
	slots_fixture_read(f, path, &text);
	gate_fixture_assert_says(&text, part);
	buf_done(&text);
}

static void it_is_there_where_there_is_a_publisher(void **state)
{
	struct slots_fixture *f = *state;
	static const char *const paths[] = {"policy", ".vouchfs/policy",	 STATUS,
					    SOURCE,   ".vouchfs/history/policy", ".vouchfs/rollback/policy"};
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		assert_int_equal(slots_fixture_deploy_has(f, paths[i]), -ENOENT);
	govern(f);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		assert_int_equal(slots_fixture_deploy_has(f, paths[i]), 0);
	assert_int_equal(slots_fixture_deploy_has(f, ".vouchfs/why/policy"), -ENOENT); /* nothing was decided */
	assert_true(slots_fixture_lists(f, ".vouchfs/policy", "status"));
	assert_false(slots_fixture_lists(f, ".vouchfs/policy", "drift"));
	assert_says(f, STATUS, "state: none\n");
}

static void a_bundle_is_in_force_when_it_is_closed_and_the_run_side_knows_nothing(void **state)
{
	struct slots_fixture *f = *state;
	struct buf text = {0};
	govern(f);
	assert_int_equal(slots_fixture_deploy_has(f, "functions/main"), -ENOENT);
	assert_int_equal(put_bundle(f, 1, "Enforce"), 0);
	assert_int_equal(slots_fixture_deploy_has(f, "functions/main"), 0);
	assert_says(f, STATUS, "sequence: 1\n");
	assert_says(f, ".vouchfs/reload", "generation: 2\n");
	assert_says(f, ".vouchfs/why/policy", "accepted  slot=policy  artifact=policy.zip");
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(slots_summarize(f->slots, &text), 0);
	assert_string_equal(text.data, "1 function, 0 layers, configuration generation 2");
	buf_done(&text);
	assert_int_equal(slots_fixture_run_has(f, "policy"), -ENOENT);
	assert_int_equal(slots_fixture_run_has(f, "policy:"), -ENOENT);
	assert_int_equal(slots_fixture_run_has(f, ".releases/policy:"), -ENOENT);
	assert_int_equal(slots_fixture_deploy_has(f, "functions/policy"), -ENOENT);

	assert_int_equal(slots_fixture_unlink(f, "policy", "policy.zip"), -EPERM);
	assert_int_equal(slots_fixture_rename(f, "policy", "policy.zip", "policy.zip~"), -EPERM);
	assert_int_equal(slots_fixture_mkdir(f, "policy", "x"), -EINVAL);
	struct tree_handle *file;
	assert_int_equal(slots_fixture_open(f, "policy", "layers", &file), -EINVAL);
}

static void the_same_again_is_nothing_new_and_others_are_refused(void **state)
{
	struct slots_fixture *f = *state;
	govern(f);
	struct buf first = make_bundle(f, 2, "Enforce"), artifact = slots_fixture_zip(f, "x");
	assert_int_equal(slots_fixture_put(f, "policy", "a.zip", &first), 0);
	assert_int_equal(slots_fixture_put(f, "policy", "b.zip", &first), 0);
	assert_true(slots_fixture_lists(f, "policy", "a.zip"));
	assert_false(slots_fixture_lists(f, "policy", "b.zip"));
	assert_says(f, ".vouchfs/why/policy", "nothing new, policy bundle 2 is in force");
	assert_int_equal(slots_fixture_count_records(f, "config-reloaded"), 1);

	assert_int_equal(put_bundle(f, 1, "Enforce"), -EPERM);
	assert_int_equal(put_bundle(f, 2, "Warn"), -EPERM);
	assert_says(f, ".vouchfs/why/policy", "VF5002 refused  slot=policy");
	assert_int_equal(slots_fixture_put(f, "policy", "a.zip", &artifact), -EBADMSG);
	assert_int_equal(slots_fixture_count_records(f, "config-reloaded"), 1);
	assert_says(f, STATUS, "sequence: 2\n");
	buf_done(&first);
	buf_done(&artifact);
}

static int write_to(struct slots_fixture *f, const char *path, const struct slots_caller *caller, const char *text)
{
	struct slots_attr attr;
	struct tree_handle *file;
	assert_int_equal(slots_fixture_deploy_path(f, path, &attr), 0);
	int r = deploy_open(f->slots, attr.node, O_WRONLY, caller, &file);
	if (r < 0)
		return r;
	r = deploy_write(file, text, strlen(text), 0);
	deploy_release(file);
	return r;
}

static void an_administrator_goes_back_with_a_reason(void **state)
{
	struct slots_fixture *f = *state;
	const char *const rollback = ".vouchfs/rollback/policy";
	const struct slots_caller *root = &slots_fixture_caller;
	const struct slots_caller somebody = {.who = {.uid = 4711, .gid = 4711}};
	govern(f);
	assert_int_equal(put_bundle(f, 1, "Enforce"), 0);
	assert_int_equal(put_bundle(f, 2, "Warn"), 0);
	assert_int_equal(write_to(f, rollback, &somebody, "1 because"), -EACCES);
	assert_int_equal(write_to(f, rollback, root, "1"), -EINVAL);
	assert_int_equal(write_to(f, rollback, root, "1 "), -EINVAL);
	assert_int_equal(write_to(f, rollback, root, "x because"), -EINVAL);
	assert_int_equal(write_to(f, rollback, root, "3 because"), -ENOENT);
	assert_int_equal(write_to(f, rollback, root, "2 because"), -EEXIST);
	assert_int_equal(slots_fixture_count_records(f, "policy-rolled-back"), 0);
	assert_int_equal(write_to(f, rollback, root, "previous because\n"), 0);
	assert_int_equal(slots_fixture_count_records(f, "policy-rolled-back"), 1);
	assert_int_equal(slots_fixture_count_records(f, "from sequence 2 to 1: because"), 1);
	assert_says(f, STATUS, "sequence: 1\nhighest-sequence: 2\n");
	assert_says(f, ".vouchfs/history/policy", "rolled back to: because");
	assert_int_equal(put_bundle(f, 1, "Warn"), -EPERM);
	slots_fixture_restart(f);
	assert_says(f, STATUS, "rollback-reason: because\n");
	assert_int_equal(put_bundle(f, 3, "Enforce"), 0);
	assert_says(f, STATUS, "sequence: 3\n");
}

static void the_fetcher_says_how_it_went(void **state)
{
	struct slots_fixture *f = *state;
	static const char *const bad[] = {"", "ok ", "error", "error ", "okay"};
	govern(f);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(slots_note_fetch(f->slots, bad[i], strlen(bad[i])), -EINVAL);
	assert_int_equal(write_to(f, SOURCE, &slots_fixture_caller, "error HTTP 404 \x1b\n"), 0);
	assert_says(f, SOURCE, "fetch-error: HTTP 404 \\x1b\n");
	assert_int_equal(write_to(f, SOURCE, &slots_fixture_caller, "ok\n"), 0);
	struct buf text = {0};
	slots_fixture_read(f, SOURCE, &text);
	assert_null(strstr(text.data, "fetch-error"));
	gate_fixture_assert_says(&text, "fetched-at: ");
	buf_done(&text);
}

static void a_time_that_came_for_drift_is_over_with_the_publisher(void **state)
{
	struct slots_fixture *f = *state;
	struct buf errors = {0};
	govern(f);
	assert_int_equal(put_bundle(f, 1, "Enforce"), 0);
	(void)slots_follow(f->slots);
	atomic_store(&f->slots->keeper.due_at_s, 1);
	(void)slots_follow(f->slots); /* looked at, and there is nothing that ends */
	assert_int_equal(atomic_load(&f->slots->keeper.due_at_s), INT64_MAX);
	atomic_store(&f->slots->keeper.due_at_s, 1);
	slots_fixture_configure(f, "", "");
	assert_int_equal(slots_reload(f->slots, &errors), 0);
	(void)slots_follow(f->slots);
	assert_int_equal(atomic_load(&f->slots->keeper.due_at_s), INT64_MAX);
	buf_done(&errors);
}

/* ---- at once ---- */

#define BUNDLES 6

struct crowd {
	struct slots_fixture *f;
	struct buf bundles[BUNDLES];
	atomic_bool is_over;
	atomic_uint wrong;
};

static void *bring(void *ctx)
{
	struct crowd *c = ctx;
	for (unsigned i = 0; i < BUNDLES; i++)
		if (slots_fixture_put(c->f, "policy", "policy.zip", &c->bundles[i]) < 0)
			atomic_fetch_add(&c->wrong, 1);
	atomic_store(&c->is_over, true);
	return NULL;
}

/* Whatever comes meanwhile, what the store has is what is in force. */
static void *check(void *ctx)
{
	struct crowd *c = ctx;
	struct drift *drift = calloc(1, sizeof(*drift));
	while (drift && !atomic_load(&c->is_over)) {
		if (slots_check_drift(c->f->slots, drift) < 0)
			atomic_fetch_add(&c->wrong, 1);
		for (size_t i = 0; i < drift_item_count(drift); i++)
			if (strcmp(drift->items[i].subject, "store") == 0)
				atomic_fetch_add(&c->wrong, 1);
	}
	free(drift);
	return NULL;
}

static void *reload(void *ctx)
{
	struct crowd *c = ctx;
	while (!atomic_load(&c->is_over)) {
		struct buf errors = {0};
		if (slots_reload(c->f->slots, &errors) < 0)
			atomic_fetch_add(&c->wrong, 1);
		(void)slots_follow(c->f->slots);
		buf_done(&errors);
	}
	return NULL;
}

static void *go_back(void *ctx)
{
	struct crowd *c = ctx;
	const struct policy_rollback what = {.reason = "because", .who = &slots_fixture_caller.who};
	while (!atomic_load(&c->is_over))
		(void)policy_roll_back(c->f->slots, &what);
	return NULL;
}

static void bundles_reloads_rollbacks_and_checks_at_once(void **state)
{
	void *(*const all[])(void *) = {bring, check, reload, go_back};
	pthread_t threads[ARRAY_SIZE(all)];
	struct crowd c = {.f = *state};
	char last[32];
	govern(c.f);
	for (unsigned i = 0; i < BUNDLES; i++)
		c.bundles[i] = make_bundle(c.f, i + 1, i % 2 ? "Warn" : "Enforce");
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, all[i], &c), 0);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (unsigned i = 0; i < BUNDLES; i++)
		buf_done(&c.bundles[i]);
	assert_int_equal(atomic_load(&c.wrong), 0);
	(void)snprintf(last, sizeof(last), "highest-sequence: %u\n", BUNDLES);
	assert_says(c.f, STATUS, last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_is_there_where_there_is_a_publisher, slots_fixture_setup,
						slots_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_bundle_is_in_force_when_it_is_closed_and_the_run_side_knows_nothing,
						slots_fixture_setup, slots_fixture_teardown),
		cmocka_unit_test_setup_teardown(the_same_again_is_nothing_new_and_others_are_refused,
						slots_fixture_setup, slots_fixture_teardown),
		cmocka_unit_test_setup_teardown(an_administrator_goes_back_with_a_reason, slots_fixture_setup,
						slots_fixture_teardown),
		cmocka_unit_test_setup_teardown(the_fetcher_says_how_it_went, slots_fixture_setup,
						slots_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_time_that_came_for_drift_is_over_with_the_publisher,
						slots_fixture_setup, slots_fixture_teardown),
		cmocka_unit_test_setup_teardown(bundles_reloads_rollbacks_and_checks_at_once, slots_fixture_setup,
						slots_fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
