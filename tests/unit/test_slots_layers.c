/* What layers do to a function: releases, verdicts, what becomes of them while they are served, several at once. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/slots/internal.h"
#include "base/text.h"
#include "gate/layer_policy.h"
#include "layers_fixture.h"
#include "zip_builder.h"

/* ---- attaching ---- */

static void a_list_makes_a_release_of_the_same_artifact(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	layers_fixture_assert_no_list(f, MAIN);
	assert_int_equal(layers_fixture_attach(
				 f, MAIN, "base:1\narn:vouchfs:lambda:local:" GATE_FIXTURE_ACCOUNT ":layer:tools:1\n"),
			 0);
	assert_int_equal(layers_fixture_release(f, "main"), 2);
	layers_fixture_assert_served(f, ".releases/main/2/task/marker", "one");
	layers_fixture_assert_served(f, ".releases/main/2/opt/which", "base 1");
	layers_fixture_assert_served(f, ".releases/main/2/opt/tool", "tools 1");
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/1/opt/which"), -ENOENT);
	layers_fixture_assert_list(f, MAIN,
				   "base:1\narn:vouchfs:lambda:local:" GATE_FIXTURE_ACCOUNT ":layer:tools:1\n");
	assert_true(slots_fixture_lists(f, MAIN, "a.zip"));
	layers_fixture_assert_why(f, "main", "accepted  slot=functions/main  artifact=layers");
	layers_fixture_assert_why(f, "main", "  layer base:1      ok  " GATE_FIXTURE_ARN "\n");
	assert_int_equal(slots_fixture_count_records(f, "\"layers\":\"base:1 accepted, tools:1 accepted\""), 1);

	int error;
	struct slots_attr attr;
	struct run_data data;
	assert_int_equal(slots_fixture_run_path(f, ".releases/main/2/release.json", &attr), 0);
	error = run_read(f->slots, attr.node, 65536, 0, &data);
	assert_int_equal(error, 0);
	assert_non_null(memmem(data.bytes, data.len, "\"layer\": \"base\"", 15));
	assert_non_null(memmem(data.bytes, data.len, "\"artifact\": \"a.zip\"", 19));
	run_data_done(&data);
	run_forget(f->slots, attr.node, 1);
}

static void an_artifact_keeps_the_layers(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1\n"), 0);
	slots_fixture_deploy(f, "main", "two");
	layers_fixture_assert_served(f, ".releases/main/3/task/marker", "two");
	layers_fixture_assert_served(f, ".releases/main/3/opt/which", "base 1");
	layers_fixture_assert_list(f, MAIN, "base:1\n");
	layers_fixture_assert_why(f, "main", "  layer base:1      ok");

	slots_fixture_restart(f);
	layers_fixture_assert_list(f, MAIN, "base:1\n");
	layers_fixture_assert_served(f, ".releases/main/3/opt/which", "base 1");
	assert_int_equal(layers_fixture_attach(f, MAIN, "tools:1"), 0); /* the last line may lack its end */
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/4/opt/which"), -ENOENT);
	layers_fixture_assert_served(f, ".releases/main/4/opt/tool", "tools 1");
}

/* cp again, rsync with other times: what is served is what was asked for. */
static void the_same_list_again_is_no_release(void **state)
{
	struct slots_fixture *f = *state;
	const struct timespec mtime = {.tv_sec = 1700000000};
	const struct tree_change change = {.mtime = &mtime};
	struct slots_attr attr;
	struct tree_handle *file;
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1\n"), 0);
	buf_reset(&f->pushed);
	unsigned records = slots_fixture_count_records(f, "\"event\":\"deployment\"");
	assert_int_equal(slots_fixture_open(f, MAIN, "layers", &file), 0);
	assert_int_equal(deploy_write(file, "base:1\n", 7, 0), 0);
	assert_int_equal(slots_fixture_deploy_path(f, MAIN "/layers", &attr), 0);
	assert_int_equal(deploy_setattr(f->slots, attr.node, file, &change, &attr), 0);
	assert_int_equal(deploy_flush(file), 0);
	deploy_release(file);
	deploy_forget(f->slots, attr.node, 1);
	assert_int_equal(layers_fixture_release(f, "main"), 2);
	assert_int_equal(f->pushed.len, 0);
	assert_int_equal(slots_fixture_count_records(f, "\"event\":\"deployment\""), records);
	layers_fixture_assert_why(f, "main", "nothing new, release 2 has these layers");

	slots_fixture_restart(f);
	assert_int_equal(slots_fixture_deploy_path(f, MAIN "/layers", &attr), 0);
	assert_int_equal(attr.mtime.tv_sec, mtime.tv_sec); /* for the next rsync */
	deploy_forget(f->slots, attr.node, 1);
	/* another text with the same meaning is another file */
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1"), 0);
	assert_int_equal(layers_fixture_release(f, "main"), 3);
	layers_fixture_assert_list(f, MAIN, "base:1");
	/* of no layers, too */
	assert_int_equal(slots_fixture_unlink(f, MAIN, "layers"), 0);
	assert_int_equal(slots_fixture_unlink(f, MAIN, "layers"), -ENOENT);
	assert_int_equal(layers_fixture_release(f, "main"), 4);
}

static void too_many_folders_are_not_attached(void **state)
{
	struct slots_fixture *f = *state;
	layers_fixture_publish(f, "base", "a/b/c", "x", true);	  /* with opt/ itself, three folders */
	layers_fixture_publish(f, "tools", "a/b/d/e", "x", true); /* one more */
	slots_fixture_deploy(f, "main", "one");
	f->slots->opt_folders_max = 3;
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:2\ntools:2\n"), -E2BIG);
	layers_fixture_assert_why(f, "main", "VF4002 refused");
	layers_fixture_assert_why(f, "main", "at most 3 are allowed");
	layers_fixture_assert_why(f, "main", "name fewer layers, or publish them with fewer folders");
	layers_fixture_assert_no_list(f, MAIN);
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:2\n"), 0);
	layers_fixture_assert_served(f, ".releases/main/2/opt/a/b/c", "x");
	f->slots->opt_folders_max = 4; /* what they have in common counts once */
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:2\ntools:2\n"), 0);
	layers_fixture_assert_served(f, ".releases/main/3/opt/a/b/d/e", "x");
	f->slots->opt_folders_max = 3;
	struct buf zip = slots_fixture_zip(f, "two");
	assert_int_equal(slots_fixture_put(f, MAIN, "a.zip", &zip), -E2BIG);
	assert_int_equal(layers_fixture_attach(f, RELAXED, "base:2\ntools:2\n"), -E2BIG); /* before any artifact, too */
	buf_done(&zip);
}

/* A version that is removed stays with those that have it, also over a restart. */
static void a_version_that_is_removed_stays_attached(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1\n"), 0);
	assert_int_equal(slots_fixture_unlink(f, "layers/base", "1.zip"), 0);
	layers_fixture_assert_served(f, ".releases/main/2/opt/which", "base 1");
	slots_fixture_restart(f);
	layers_fixture_assert_served(f, ".releases/main/2/opt/which", "base 1");
	slots_fixture_deploy(f, "main", "two");
	layers_fixture_assert_served(f, ".releases/main/3/opt/which", "base 1");
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1\n"), -ENOENT);
	layers_fixture_assert_why(f, "main", "VF4001 refused");
	layers_fixture_assert_why(f, "main", "line 1 of layers: there is no layer version base:1");
}

/* ---- the verdict ---- */

static void each_layer_is_judged_by_the_function_s_config(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	slots_fixture_deploy(f, "relaxed", "one");
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1\nplain:1\n"), -ENOKEY);
	layers_fixture_assert_why(f, "main", "VF2005 refused");
	layers_fixture_assert_why(f, "main", "  layer base:1      ok");
	layers_fixture_assert_why(f, "main", "  layer plain:1     FAILED");
	layers_fixture_assert_why(f, "main", "layer plain:1: VF2001 source mismatch: no signature");
	assert_int_equal(slots_fixture_count_records(f, "base:1 accepted, plain:1 refused VF2001"), 1);
	layers_fixture_assert_no_list(f, MAIN);
	assert_int_equal(layers_fixture_attach(f, RELAXED, "base:1\nplain:1\n"), 0);
	layers_fixture_assert_why(f, "relaxed", "VF2005 warned");
	layers_fixture_assert_served(f, ".releases/relaxed/2/opt/plain", "plain 1");
}

static void a_damaged_layer_is_not_attached(void **state)
{
	struct slots_fixture *f = *state;
	struct slot *slot;
	char path[256], hex[CRYPTO_SHA256_HEX_SIZE];
	slots_fixture_deploy(f, "relaxed", "one");
	assert_int_equal(slot_find_layer(f->slots, "base", &slot), 0);
	text_hex(slot->listed[0]->record->digest, CRYPTO_SHA256_BYTES, hex);
	slots_fixture_stop(f);
	(void)snprintf(path, sizeof(path), "store/objects/%.2s/%s/payload", hex, hex);
	assert_int_equal(io_write_file(f->host->dirfd, path, "x", 1, 0400, false), 0);
	slots_fixture_start(f);
	assert_int_equal(layers_fixture_attach(f, RELAXED, "base:1\n"), -EBADMSG);
	layers_fixture_assert_why(f, "relaxed", "layer base:1: VF1002");
}

/* What lies behind the blocks that the ZIP's directory is in, and was read before. */
static void a_layer_is_attached_whole(void **state)
{
	struct slots_fixture *f = *state;
	struct slot *slot;
	char path[256], hex[CRYPTO_SHA256_HEX_SIZE], content[8192];
	memset(content, 'x', sizeof(content) - 1);
	content[sizeof(content) - 1] = '\0';
	slots_fixture_deploy(f, "relaxed", "one");
	layers_fixture_publish(f, "big", "big", content, true);
	assert_int_equal(layers_fixture_attach(f, RELAXED, "big:1\n"), 0);
	assert_int_equal(slot_find_layer(f->slots, "big", &slot), 0);
	text_hex(slot->listed[0]->record->digest, CRYPTO_SHA256_BYTES, hex);
	(void)snprintf(path, sizeof(path), "store/objects/%.2s/%s/payload", hex, hex);
	assert_int_equal(fchmodat(f->host->dirfd, path, 0600, 0), 0);
	int fd = openat(f->host->dirfd, path, O_WRONLY);
	assert_int_equal(pwrite(fd, "y", 1, 100), 1);
	assert_int_equal(close(fd), 0);
	assert_int_equal(layers_fixture_attach(f, RELAXED, "base:1\nbig:1\n"), -EBADMSG);
	layers_fixture_assert_why(f, "relaxed", "layer big:1: VF1002");
	assert_int_equal(slots_fixture_count_records(f, "page-check-failed"), 1);
	layers_fixture_publish(f, "big", "big", content, true); /* the remedy */
	assert_int_equal(layers_fixture_attach(f, RELAXED, "base:1\nbig:2\n"), 0);
}

/* ---- while it is served ---- */

static void revoke_layer(struct slots_fixture *f, const char *layer)
{
	struct slot *slot;
	char *decision, *job;
	assert_int_equal(slot_find_layer(f->slots, layer, &slot), 0);
	decision = slot->listed[0]->record->decision;
	job = text_record_get(decision, strlen(decision), "job-arn");
	assert_non_null(job);
	struct revocation entry = {.kind = REVOCATION_JOB, .revoked_at_s = TRUST_FIXTURE_NOW_S, .reason = "key lost"};
	assert_true(arn_parse_job(job, strlen(job), &entry.job));
	free(job);
	gate_fixture_put_list(f->host, 43, &entry);
	(void)slots_follow(f->slots);
}

static void enforce_on_load(struct slots_fixture *f, const char *mode)
{
	char rest[1024];
	(void)snprintf(rest, sizeof(rest),
		       "[code-signing-config approved]\nallowed_publisher = %s\n"
		       "untrusted_artifact_on_deployment = Enforce\nuntrusted_artifact_on_load = %s\n"
		       "[function main]\ncode_signing_config = approved\n",
		       GATE_FIXTURE_ARN, mode);
	layers_fixture_configure(f, layers_fixture_head, rest);
}

static void a_revoked_layer_blocks_what_has_it(void **state)
{
	struct slots_fixture *f = *state;
	enforce_on_load(f, "Enforce");
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1\n"), 0);
	layers_fixture_assert_served(f, ".releases/main/2/opt/which", "base 1");
	revoke_layer(f, "base");
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/2/task"), -EACCES);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/2/opt"), -EACCES);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/1/task"), 0); /* has no layers */
	assert_int_equal(slots_fixture_count_records(f, "layer base:1: VF2004"), 1);
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1\n"), -EKEYREVOKED);
	struct buf zip = slots_fixture_zip(f, "two");
	assert_int_equal(slots_fixture_put(f, MAIN, "a.zip", &zip), -EKEYREVOKED); /* judged together */
	layers_fixture_assert_why(f, "main", "layer base:1: VF2004");
	buf_done(&zip);

	slots_fixture_restart(f);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/2/task"), -EACCES);
	assert_int_equal(slots_fixture_unlink(f, MAIN, "layers"), 0); /* the way out */
	layers_fixture_assert_served(f, ".releases/main/3/task/marker", "one");
	enforce_on_load(f, "Warn"); /* the cause goes */
	layers_fixture_assert_served(f, ".releases/main/2/opt/which", "base 1");
}

/* A layer whose signature is good for a minute. */
static void publish_short(struct slots_fixture *f)
{
	struct zip_builder z = {0};
	(void)zip_builder_add(&z, "which", "base 1");
	struct buf zip = zip_builder_finish(&z), comment = {0}, signed_zip = {0};
	struct statement statement = trust_fixture_statement(&f->host->alice, zip.data, zip.len - 2);
	statement.expires_at_s = TRUST_FIXTURE_NOW_S + 60;
	trust_fixture_sign(&f->host->alice, &statement, &comment);
	trust_fixture_attach(zip.data, zip.len, &comment, &signed_zip);
	assert_int_equal(slots_fixture_mkdir(f, "layers", "short"), 0);
	assert_int_equal(slots_fixture_put(f, "layers/short", "new.zip", &signed_zip), 0);
	buf_done(&zip);
	buf_done(&comment);
	buf_done(&signed_zip);
}

static void it_is_judged_again_when_a_layer_expires(void **state)
{
	struct slots_fixture *f = *state;
	enforce_on_load(f, "Enforce");
	publish_short(f);
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(layers_fixture_attach(f, MAIN, "short:1\n"), 0);
	layers_fixture_assert_served(f, ".releases/main/2/opt/which", "base 1");
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S + 60);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/2/task"), -EACCES);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/1/task"), 0);
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S);
	layers_fixture_assert_served(f, ".releases/main/2/opt/which", "base 1");
}

/* ---- several at once ---- */

static void a_list_finds_another_artifact_than_it_was_judged_with(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(slots_fixture_open(f, MAIN, "layers", &file), 0);
	assert_int_equal(deploy_write(file, "base:1\n", 7, 0), 0);
	for (unsigned i = 0; i < 3; i++) /* and the one before is not even kept */
		slots_fixture_deploy(f, "main", "two");
	assert_int_equal(deploy_flush(file), 0);
	deploy_release(file);
	layers_fixture_assert_served(f, ".releases/main/5/task/marker", "two");
	layers_fixture_assert_served(f, ".releases/main/5/opt/which", "base 1");
}

static void an_artifact_finds_other_layers(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	struct buf zip = slots_fixture_zip(f, "two");
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1\n"), 0);
	assert_int_equal(slots_fixture_open(f, MAIN, "a.zip", &file), 0);
	assert_int_equal(deploy_write(file, zip.data, zip.len, 0), 0);
	assert_int_equal(layers_fixture_attach(f, MAIN, "tools:1\n"), 0);
	assert_int_equal(layers_fixture_attach(f, MAIN, "tools:1\n"), 0);
	assert_int_equal(deploy_flush(file), 0);
	deploy_release(file);
	layers_fixture_assert_served(f, ".releases/main/4/task/marker", "two");
	layers_fixture_assert_served(f, ".releases/main/4/opt/tool", "tools 1");
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/4/opt/which"), -ENOENT);
	buf_done(&zip);
}

static void a_config_that_changed_in_between_judges_again(void **state)
{
	static const char nobody[] = "[code-signing-config approved]\n"
				     "allowed_publisher = arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT
				     ":/signing-profiles/other\n"
				     "untrusted_artifact_on_deployment = Enforce\n"
				     "[function main]\ncode_signing_config = approved\n";
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(slots_fixture_open(f, MAIN, "layers", &file), 0);
	assert_int_equal(deploy_write(file, "base:1\n", 7, 0), 0);
	layers_fixture_configure(f, layers_fixture_head, nobody);
	assert_int_equal(deploy_flush(file), -EKEYREJECTED);
	deploy_release(file);
	assert_int_equal(layers_fixture_release(f, "main"), 1);
	layers_fixture_assert_why(f, "main", "VF2002 refused"); /* the artifact's own verdict comes first */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, layers_fixture_setup, slots_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_list_makes_a_release_of_the_same_artifact),
		TEST(an_artifact_keeps_the_layers),
		TEST(the_same_list_again_is_no_release),
		TEST(too_many_folders_are_not_attached),
		TEST(a_version_that_is_removed_stays_attached),
		TEST(each_layer_is_judged_by_the_function_s_config),
		TEST(a_damaged_layer_is_not_attached),
		TEST(a_layer_is_attached_whole),
		TEST(a_revoked_layer_blocks_what_has_it),
		TEST(it_is_judged_again_when_a_layer_expires),
		TEST(a_list_finds_another_artifact_than_it_was_judged_with),
		TEST(an_artifact_finds_other_layers),
		TEST(a_config_that_changed_in_between_judges_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
