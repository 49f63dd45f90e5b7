/* gate_judge and gate_judge_release on artifacts that were truly signed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gate_fixture.h"
#include "zip_builder.h"

static void assert_decided(const struct gate_decision *d, enum policy_outcome outcome, enum policy_reason reason)
{
	if (d->verdict.outcome != outcome || d->verdict.reason != reason)
		fail_msg("%s %d: %s", policy_outcome_name(d->verdict.outcome), d->verdict.reason, d->verdict.detail);
}

static void signed_artifact_is_accepted(void **state)
{
	struct gate_fixture *f = *state;
	struct buf zip = gate_fixture_signed_zip(f);
	struct gate_decision d = gate_fixture_judge(f, "approved", &zip, false);
	assert_decided(&d, POLICY_ACCEPTED, POLICY_REASON_NONE);
	assert_true(d.tail_known);
	assert_int_equal(d.size_bytes, zip.len);
	assert_int_equal(d.length_bytes, d.facts.statement.length_bytes);
	assert_memory_equal(d.tree_sha256, d.facts.statement.tree_sha256, sizeof(d.tree_sha256));
	assert_int_equal(d.decided_at_s, TRUST_FIXTURE_NOW_S);
	assert_int_equal(d.trust_generation, f->trust->generation);
	assert_string_equal(d.config_name, "approved");
	assert_int_equal(strlen(d.config_sha256), 64);
	buf_done(&zip);
}

static void unsigned_artifact_is_refused_warned_or_not_asked(void **state)
{
	struct gate_fixture *f = *state;
	struct buf zip = gate_fixture_zip();
	struct gate_decision d = gate_fixture_judge(f, "approved", &zip, false);
	assert_decided(&d, POLICY_REFUSED, POLICY_VF2001_UNSIGNED);
	d = gate_fixture_judge(f, "watched", &zip, false);
	assert_decided(&d, POLICY_WARNED, POLICY_VF2001_UNSIGNED);
	d = gate_fixture_judge(f, NULL, &zip, false);
	assert_decided(&d, POLICY_ACCEPTED, POLICY_REASON_NONE);
	assert_true(d.verdict.unchecked);
	assert_string_equal(d.config_name, "none");
	buf_done(&zip);
}

/* A well-formed archive whose entry does not have the CRC that it states (R7). */
static struct buf zip_with_wrong_crc(void)
{
	struct zip_builder z = {0};
	struct zip_builder_entry *entry = zip_builder_add(&z, "app.py", "print('hello')\n");
	entry->local.crc32 ^= 1;
	entry->record.crc32 ^= 1;
	return zip_builder_finish(&z);
}

static void contents_are_checked_unless_an_allowed_signer_did(void **state)
{
	struct gate_fixture *f = *state;
	struct buf plain = zip_with_wrong_crc(), zip = {0};
	trust_fixture_sign_zip(&f->alice, plain.data, plain.len, &zip);

	struct gate_decision d = gate_fixture_judge(f, "approved", &zip, false);
	assert_decided(&d, POLICY_ACCEPTED, POLICY_REASON_NONE);
	assert_false(d.contents_checked);
	d = gate_fixture_judge(f, "approved", &zip, true);
	assert_decided(&d, POLICY_REFUSED, POLICY_VF1001_ZIP);
	assert_non_null(strstr(d.verdict.detail, "ZIP-R07"));
	/* signed by somebody who is only warned about, not signed, not asked for a signature */
	d = gate_fixture_judge(f, "other", &zip, false);
	assert_decided(&d, POLICY_REFUSED, POLICY_VF1001_ZIP);
	d = gate_fixture_judge(f, "watched", &plain, false);
	assert_decided(&d, POLICY_REFUSED, POLICY_VF1001_ZIP);
	d = gate_fixture_judge(f, NULL, &zip, false);
	assert_decided(&d, POLICY_REFUSED, POLICY_VF1001_ZIP);
	buf_done(&plain);
	buf_done(&zip);
}

static void contents_are_checked_once_the_signature_has_expired(void **state)
{
	struct gate_fixture *f = *state;
	struct buf plain = zip_with_wrong_crc(), comment = {0}, zip = {0};
	struct statement statement = trust_fixture_statement(&f->alice, plain.data, plain.len - 2);
	statement.expires_at_s = TRUST_FIXTURE_NOW_S + 100;
	trust_fixture_sign(&f->alice, &statement, &comment);
	trust_fixture_attach(plain.data, plain.len, &comment, &zip);

	gate_fixture_set_clock(f, TRUST_FIXTURE_NOW_S + 99);
	struct gate_decision d = gate_fixture_judge(f, "watched", &zip, false);
	assert_decided(&d, POLICY_ACCEPTED, POLICY_REASON_NONE);
	gate_fixture_set_clock(f, TRUST_FIXTURE_NOW_S + 100);
	d = gate_fixture_judge(f, "watched", &zip, false);
	assert_decided(&d, POLICY_REFUSED, POLICY_VF1001_ZIP);
	buf_done(&plain);
	buf_done(&comment);
	buf_done(&zip);
}

static void good_contents_are_recorded_as_checked(void **state)
{
	struct gate_fixture *f = *state;
	struct buf plain = gate_fixture_zip();
	struct gate_decision d = gate_fixture_judge(f, "watched", &plain, false);
	assert_true(d.contents_checked);
	buf_done(&plain);
}

static void changed_bytes_are_refused_and_not_parsed(void **state)
{
	struct gate_fixture *f = *state;
	struct buf zip = gate_fixture_signed_zip(f);
	zip.data[40] ^= 1;
	static const char *const configs[] = {"approved", "watched", NULL};
	for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
		struct gate_decision d = gate_fixture_judge(f, configs[i], &zip, false);
		assert_decided(&d, POLICY_REFUSED, POLICY_VF1002_INTEGRITY);
		assert_int_equal(d.verdict.checks[POLICY_ZIP_RULES].state, POLICY_NOT_REACHED);
	}
	buf_done(&zip);
}

/* The rules are looked at beside the signature then. Where both refuse, it is the signature that does. */
static void changed_bytes_of_many_entries_are_refused_for_that(void **state)
{
	struct gate_fixture *f = *state;
	struct zip_builder z = {0};
	struct buf zip = {0};
	for (unsigned i = 0; i < LIMIT_ZIP_ENTRIES_IN_ORDER; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "file%u", i);
		zip_builder_add(&z, name, "");
	}
	struct buf plain = zip_builder_finish(&z);
	trust_fixture_sign_zip(&f->alice, plain.data, plain.len, &zip);
	struct gate_decision d = gate_fixture_judge(f, "approved", &zip, false);
	assert_decided(&d, POLICY_ACCEPTED, POLICY_REASON_NONE);

	for (size_t at = 1; at < 120; at++) { /* in the directory's last records */
		size_t place = plain.len - 22 - at;
		zip.data[place] ^= 1;
		d = gate_fixture_judge(f, "approved", &zip, false);
		assert_decided(&d, POLICY_REFUSED, POLICY_VF1002_INTEGRITY);
		assert_int_equal(d.verdict.checks[POLICY_ZIP_RULES].state, POLICY_NOT_REACHED);
		zip.data[place] ^= 1;
	}
	buf_done(&plain);
	buf_done(&zip);
}

/* Unsigned, they are refused by the rule that they break. */
static void many_entries_are_judged_by_the_rules(void **state)
{
	struct zip_builder z = {0};
	for (unsigned i = 0; i < LIMIT_ZIP_ENTRIES_IN_ORDER; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "file%u", i / 2);
		zip_builder_add(&z, name, "");
	}
	struct buf zip = zip_builder_finish(&z);
	struct gate_decision d = gate_fixture_judge(*state, "watched", &zip, false);
	assert_decided(&d, POLICY_REFUSED, POLICY_VF1001_ZIP);
	assert_non_null(strstr(d.verdict.detail, "ZIP-R11"));
	buf_done(&zip);
}

static void lying_flat_digest_is_found_by_full(void **state)
{
	struct gate_fixture *f = *state;
	struct buf plain = gate_fixture_zip(), comment = {0}, zip = {0};
	struct statement statement = trust_fixture_statement(&f->alice, plain.data, plain.len - 2);
	statement.sha384[0] ^= 1;
	trust_fixture_sign(&f->alice, &statement, &comment);
	trust_fixture_attach(plain.data, plain.len, &comment, &zip);

	struct gate_decision d = gate_fixture_judge(f, "approved", &zip, false);
	assert_decided(&d, POLICY_ACCEPTED, POLICY_REASON_NONE);
	d = gate_fixture_judge(f, "approved", &zip, true);
	assert_decided(&d, POLICY_REFUSED, POLICY_VF1002_INTEGRITY);
	assert_non_null(strstr(d.verdict.detail, "SHA-384"));
	buf_done(&plain);
	buf_done(&comment);
	buf_done(&zip);
}

static void what_is_no_zip_reaches_no_other_check(void **state)
{
	struct buf text = {.data = (char[]){"#!/bin/sh\necho hello, this is not an archive\n"}, .len = 46};
	struct gate_decision d = gate_fixture_judge(*state, "watched", &text, false);
	assert_decided(&d, POLICY_REFUSED, POLICY_VF1001_ZIP);
	assert_false(d.tail_known);
	assert_int_equal(d.verdict.checks[POLICY_INTEGRITY].state, POLICY_NOT_REACHED);
	assert_int_equal(d.verdict.checks[POLICY_SOURCE].state, POLICY_NOT_REACHED);
}

static int refuse_to_read(void *ctx, void *buf UNUSED, size_t len UNUSED, uint64_t offset UNUSED)
{
	*(unsigned *)ctx += 1;
	return -EIO;
}

static void too_large_is_not_even_read(void **state)
{
	struct gate_fixture *f = *state;
	unsigned reads = 0;
	struct gate_artifact artifact = {.content = SIGNATURE_OF_ARTIFACT,
					 .file = {.ctx = &reads,
						  .pread = refuse_to_read,
						  .size_bytes = f->trust->config->max_artifact_bytes + 1}};
	struct gate_decision d;
	assert_int_equal(gate_judge(f->trust, NULL, POLICY_ON_DEPLOYMENT, &artifact, true, &d), 0);
	assert_decided(&d, POLICY_REFUSED, POLICY_VF4002_TOO_LARGE);
	assert_int_equal(reads, 0);
	artifact.file.size_bytes--;
	assert_int_equal(gate_judge(f->trust, NULL, POLICY_ON_DEPLOYMENT, &artifact, true, &d), 0);
	assert_decided(&d, POLICY_REFUSED, POLICY_VF3001_UNDECIDED);
	assert_true(reads > 0);
}

/* A file on a disk that fails from some read on. */
struct failing_disk {
	const struct buf *bytes;
	unsigned reads_left;
};

static int read_until_it_fails(void *ctx, void *buf, size_t len, uint64_t offset)
{
	struct failing_disk *disk = ctx;
	if (disk->reads_left == 0)
		return -EIO;
	disk->reads_left--;
	memcpy(buf, disk->bytes->data + offset, len);
	return 0;
}

/* Wherever the disk fails, nothing is accepted, and nothing is blamed on the artifact. */
static void disk_error_is_undecided_wherever_it_strikes(void **state)
{
	struct gate_fixture *f = *state;
	struct buf zip = gate_fixture_signed_zip(f);
	unsigned reads = 0;
	for (;; reads++) {
		struct failing_disk disk = {.bytes = &zip, .reads_left = reads};
		struct gate_artifact artifact = {
			.content = SIGNATURE_OF_ARTIFACT,
			.file = {.ctx = &disk, .pread = read_until_it_fails, .size_bytes = zip.len}};
		struct gate_decision d;
		assert_int_equal(gate_judge(f->trust, gate_fixture_rules(f, "watched"), POLICY_ON_DEPLOYMENT, &artifact,
					    true, &d),
				 0);
		if (d.verdict.outcome == POLICY_ACCEPTED)
			break;
		assert_decided(&d, POLICY_REFUSED, POLICY_VF3001_UNDECIDED);
		assert_true(reads < 1000);
	}
	assert_true(reads > 3);
	buf_done(&zip);
}

static void stage_and_reader_are_judged_alike(void **state)
{
	struct gate_fixture *f = *state;
	struct buf zip = gate_fixture_signed_zip(f);
	struct gate_decision by_reader = gate_fixture_judge(f, "approved", &zip, false), by_stage;
	struct gate_artifact artifact = {.content = SIGNATURE_OF_ARTIFACT};
	assert_int_equal(store_stage_new(f->store, &artifact.stage), 0);
	assert_int_equal(store_stage_write(artifact.stage, zip.data, zip.len, 0), 0);
	artifact.file = store_stage_reader(artifact.stage);
	assert_int_equal(gate_judge(f->trust, gate_fixture_rules(f, "approved"), POLICY_ON_DEPLOYMENT, &artifact, false,
				    &by_stage),
			 0);
	assert_decided(&by_stage, POLICY_ACCEPTED, POLICY_REASON_NONE);
	assert_memory_equal(by_stage.tree_sha256, by_reader.tree_sha256, sizeof(by_reader.tree_sha256));
	store_stage_free(artifact.stage);
	buf_done(&zip);
}

static void revoked_job_is_refused(void **state)
{
	struct gate_fixture *f = *state;
	struct buf zip = gate_fixture_signed_zip(f);
	struct gate_decision d = gate_fixture_judge(f, "approved", &zip, false);
	struct revocation entry = {.kind = REVOCATION_JOB,
				   .job = d.facts.statement.job,
				   .revoked_at_s = TRUST_FIXTURE_NOW_S - 1,
				   .reason = "leaked build host"};
	gate_fixture_put_list(f, 43, &entry);
	assert_int_equal(gate_fixture_load(f), 0);
	d = gate_fixture_judge(f, "approved", &zip, false);
	assert_decided(&d, POLICY_REFUSED, POLICY_VF2004_REVOKED);
	assert_non_null(strstr(d.verdict.detail, "leaked build host"));
	buf_done(&zip);
}

/* ---- layers ---- */

static bool is_not_asked(const struct gate_decision *d)
{
	for (enum policy_check check = POLICY_SOURCE; check <= POLICY_REVOCATION; check++)
		if (d->verdict.checks[check].state != POLICY_NOT_APPLICABLE)
			return false;
	return true;
}

/* Who signed it, and whether that still holds, is judged when it is attached. Its contents are looked at all the more.
 */
static void layer_is_judged_for_itself_alone(void **state)
{
	struct gate_fixture *f = *state;
	struct buf bare = gate_fixture_zip(), zip = gate_fixture_signed_zip(f);
	struct gate_decision d = gate_fixture_judge_layer(f, &bare);
	assert_decided(&d, POLICY_ACCEPTED, POLICY_REASON_NONE);
	assert_true(d.contents_checked && is_not_asked(&d));

	d = gate_fixture_judge_layer(f, &zip);
	struct revocation entry = {.kind = REVOCATION_JOB,
				   .job = d.facts.statement.job,
				   .revoked_at_s = TRUST_FIXTURE_NOW_S - 1,
				   .reason = "leaked build host"};
	gate_fixture_put_list(f, 43, &entry);
	assert_int_equal(gate_fixture_load(f), 0);
	gate_fixture_set_clock(f, d.facts.statement.expires_at_s + 1);
	d = gate_fixture_judge_layer(f, &zip);
	assert_decided(&d, POLICY_ACCEPTED, POLICY_REASON_NONE);
	assert_true(d.contents_checked && is_not_asked(&d));
	assert_int_equal(d.verdict.checks[POLICY_INTEGRITY].state, POLICY_OK);
	buf_done(&bare);
	buf_done(&zip);
}

static void layer_that_is_not_as_signed_or_no_zip_is_refused(void **state)
{
	struct gate_fixture *f = *state;
	struct buf zip = gate_fixture_signed_zip(f), text = {0};
	zip.data[40] ^= 1;
	struct gate_decision d = gate_fixture_judge_layer(f, &zip);
	assert_decided(&d, POLICY_REFUSED, POLICY_VF1002_INTEGRITY);
	assert_int_equal(buf_puts(&text, "no ZIP at all, just a text that is long enough"), 0);
	d = gate_fixture_judge_layer(f, &text);
	assert_decided(&d, POLICY_REFUSED, POLICY_VF1001_ZIP);
	buf_done(&text);
	buf_done(&zip);
}

/* ---- on load ---- */

static struct store_release release_of(const struct gate_decision *d, const struct buf *zip)
{
	struct store_release release = {.length_bytes = d->length_bytes,
					.comment = (uint8_t *)zip->data + d->tail.comment_offset,
					.comment_len = d->tail.comment_len};
	memcpy(release.digest, d->tree_sha256, sizeof(release.digest));
	return release;
}

static struct gate_decision judge_release(struct gate_fixture *f, const struct store_release *release)
{
	struct gate_decision d;
	assert_int_equal(gate_judge_release(f->trust, gate_fixture_rules(f, "approved"), POLICY_ON_LOAD, release, &d),
			 0);
	return d;
}

/* Under a new list the short way finds what the long way finds. */
static void release_is_judged_again_by_the_lists_alone(void **state)
{
	struct gate_fixture *f = *state;
	struct buf zip = gate_fixture_signed_zip(f);
	struct gate_decision admitted = gate_fixture_judge(f, "approved", &zip, false), again;
	struct store_release release = release_of(&admitted, &zip);
	struct gate_decision before = judge_release(f, &release);
	struct revocation entry = {.kind = REVOCATION_CERTIFICATE, .revoked_at_s = TRUST_FIXTURE_NOW_S, .reason = "x"};
	memcpy(entry.certificate, before.facts.certificates.sha256[0], sizeof(entry.certificate));

	gate_fixture_put_list(f, 43, &entry);
	struct trust *next = NULL;
	assert_int_equal(trust_refresh(f->trust, f->store, &next), 0);
	assert_int_equal(trust_family(next), trust_family(f->trust));
	trust_unref(f->trust);
	f->trust = next;
	const struct config_code_signing *rules = gate_fixture_rules(f, "approved");
	struct gate_decision long_way = judge_release(f, &release);
	assert_int_equal(gate_judge_release_again(f->trust, rules, POLICY_ON_LOAD, &release, &before.facts, &again), 0);
	assert_true(again.facts.revoked);
	assert_int_equal(again.verdict.reason, long_way.verdict.reason);
	assert_string_equal(again.verdict.detail, long_way.verdict.detail);

	/* what is not decided is found out again */
	before.facts.chain = SIGNATURE_UNKNOWN;
	assert_int_equal(gate_judge_release_again(f->trust, rules, POLICY_ON_LOAD, &release, &before.facts, &again), 0);
	assert_int_equal(again.facts.chain, SIGNATURE_GOOD);

	/* and nothing that was revoked stays so by itself */
	gate_fixture_put_list(f, 44, NULL);
	assert_int_equal(trust_refresh(f->trust, f->store, &next), 0);
	trust_unref(f->trust);
	f->trust = next;
	rules = gate_fixture_rules(f, "approved");
	assert_int_equal(gate_judge_release_again(f->trust, rules, POLICY_ON_LOAD, &release, &long_way.facts, &again),
			 0);
	assert_false(again.facts.revoked);
	assert_int_equal(again.facts.list_sequence, 44);
	buf_done(&zip);
}

static void release_is_judged_by_its_comment_and_digest(void **state)
{
	struct gate_fixture *f = *state;
	struct buf zip = gate_fixture_signed_zip(f);
	struct gate_decision admitted = gate_fixture_judge(f, "approved", &zip, false);
	struct store_release release = release_of(&admitted, &zip);

	struct gate_decision d = judge_release(f, &release);
	assert_decided(&d, POLICY_ACCEPTED, POLICY_REASON_NONE);
	assert_int_equal(d.size_bytes, zip.len);
	gate_fixture_set_clock(f, admitted.facts.statement.expires_at_s);
	d = judge_release(f, &release);
	assert_int_equal(d.verdict.checks[POLICY_EXPIRY].state, POLICY_FAILED);
	assert_int_equal(d.verdict.outcome, POLICY_WARNED); /* on_load is Warn unless it is set */
	release.digest[0] ^= 1;
	d = judge_release(f, &release);
	assert_decided(&d, POLICY_REFUSED, POLICY_VF1002_INTEGRITY);
	buf_done(&zip);
}

static void unsigned_release_has_no_comment(void **state)
{
	struct gate_fixture *f = *state;
	struct buf zip = gate_fixture_zip();
	struct gate_decision admitted = gate_fixture_judge(f, "watched", &zip, false);
	struct store_release release = release_of(&admitted, &zip);
	release.comment = NULL;
	release.comment_len = 0;
	struct gate_decision d = judge_release(f, &release);
	assert_decided(&d, POLICY_WARNED, POLICY_VF2001_UNSIGNED);
	buf_done(&zip);
}

/* Whatever a config relaxes; what has no config is asked for nothing. */
static void as_enforce_nothing_is_relaxed(void **state)
{
	struct gate_fixture *f = *state;
	struct buf zip = gate_fixture_signed_zip(f);
	struct gate_decision admitted = gate_fixture_judge(f, "approved", &zip, false), d;
	struct store_release release = release_of(&admitted, &zip), bare = release;
	bare.comment = NULL;
	bare.comment_len = 0;
	const struct config_code_signing *warns = gate_fixture_rules(f, "watched");
	assert_int_equal(gate_judge_as_enforce(f->trust, warns, &release, NULL, &d), 0);
	assert_decided(&d, POLICY_ACCEPTED, POLICY_REASON_NONE);
	assert_int_equal(gate_judge_as_enforce(f->trust, warns, &bare, NULL, &d), 0);
	assert_decided(&d, POLICY_REFUSED, POLICY_VF2001_UNSIGNED);
	assert_string_equal(d.config_name, "watched");
	assert_int_equal(gate_judge_as_enforce(f->trust, NULL, &bare, NULL, &d), 0);
	assert_decided(&d, POLICY_ACCEPTED, POLICY_REASON_NONE);
	gate_fixture_set_clock(f, admitted.facts.statement.expires_at_s);
	assert_int_equal(gate_judge_as_enforce(f->trust, warns, &release, &admitted.facts, &d), 0);
	assert_decided(&d, POLICY_REFUSED, POLICY_VF2003_EXPIRED);
	assert_int_equal(warns->expiry, CONFIG_WARN); /* the config itself stays */
	buf_done(&zip);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, gate_fixture_setup, gate_fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(signed_artifact_is_accepted),
		TEST(unsigned_artifact_is_refused_warned_or_not_asked),
		TEST(contents_are_checked_unless_an_allowed_signer_did),
		TEST(contents_are_checked_once_the_signature_has_expired),
		TEST(good_contents_are_recorded_as_checked),
		TEST(changed_bytes_are_refused_and_not_parsed),
		TEST(changed_bytes_of_many_entries_are_refused_for_that),
		TEST(many_entries_are_judged_by_the_rules),
		TEST(lying_flat_digest_is_found_by_full),
		TEST(what_is_no_zip_reaches_no_other_check),
		TEST(too_large_is_not_even_read),
		TEST(disk_error_is_undecided_wherever_it_strikes),
		TEST(stage_and_reader_are_judged_alike),
		TEST(revoked_job_is_refused),
		TEST(layer_is_judged_for_itself_alone),
		TEST(layer_that_is_not_as_signed_or_no_zip_is_refused),
		TEST(release_is_judged_by_its_comment_and_digest),
		TEST(release_is_judged_again_by_the_lists_alone),
		TEST(unsigned_release_has_no_comment),
		TEST(as_enforce_nothing_is_relaxed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
