/* trust_load, trust_refresh, and the memory of revocation lists. */
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

static enum signature_list_state list_state(struct gate_fixture *f)
{
	assert_int_equal(f->trust->account_count, 1);
	const struct signature_account *account = &f->trust->accounts[0];
	assert_int_equal(account->list != NULL, account->list_state == SIGNATURE_LIST_READ);
	assert_int_equal(account->list_why.text[0] == '\0', account->list_state == SIGNATURE_LIST_READ);
	return account->list_state;
}

static enum signature_list_state load_with_list(struct gate_fixture *f, uint64_t sequence)
{
	gate_fixture_put_list(f, sequence, NULL);
	assert_int_equal(gate_fixture_load(f), 0);
	return list_state(f);
}

static void assert_remembered(struct gate_fixture *f, const char *line)
{
	struct buf text = {0};
	assert_int_equal(store_get_revocations(f->store, GATE_FIXTURE_ACCOUNT, &text), 0);
	gate_fixture_assert_says(&text, line);
	buf_done(&text);
}

static void load_reads_certificates_and_lists(void **state)
{
	struct gate_fixture *f = *state;
	assert_int_equal(list_state(f), SIGNATURE_LIST_READ);
	assert_string_equal(f->trust->accounts[0].id, GATE_FIXTURE_ACCOUNT);
	assert_true(f->trust->accounts[0].revocations_required);
	assert_int_equal(f->trust->accounts[0].list->sequence, 42);
	assert_remembered(f, "sequence: 42\n");
}

static void older_list_is_noticed_after_a_restart(void **state)
{
	struct gate_fixture *f = *state;
	assert_int_equal(load_with_list(f, 43), SIGNATURE_LIST_READ);
	gate_fixture_close_store(f);
	gate_fixture_open_store(f);
	assert_int_equal(load_with_list(f, 42), SIGNATURE_LIST_OLDER);
	assert_remembered(f, "sequence: 43\n");
	assert_int_equal(load_with_list(f, 44), SIGNATURE_LIST_READ);
	assert_remembered(f, "sequence: 44\n");
}

static void same_sequence_with_other_content_counts_as_older(void **state)
{
	struct gate_fixture *f = *state;
	struct revocation entry = {.kind = REVOCATION_CERTIFICATE, .revoked_at_s = TRUST_FIXTURE_NOW_S, .reason = "x"};
	assert_int_equal(gate_fixture_load(f), 0);
	assert_int_equal(list_state(f), SIGNATURE_LIST_READ);
	gate_fixture_put_list(f, 42, &entry);
	assert_int_equal(gate_fixture_load(f), 0);
	assert_int_equal(list_state(f), SIGNATURE_LIST_OLDER);
}

static void damaged_memory_leaves_the_question_open(void **state)
{
	struct gate_fixture *f = *state;
	assert_int_equal(store_put_revocations(f->store, GATE_FIXTURE_ACCOUNT, "sequence: 1\n", 12), 0);
	assert_int_equal(load_with_list(f, 50), SIGNATURE_LIST_UNKNOWN);
}

static void without_a_store_nothing_is_remembered(void **state)
{
	struct gate_fixture *f = *state;
	gate_fixture_close_store(f);
	assert_int_equal(load_with_list(f, 7), SIGNATURE_LIST_READ);
}

static void read_only_store_is_looked_at_and_not_written(void **state)
{
	struct gate_fixture *f = *state;
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/store", f->dir);
	gate_fixture_close_store(f);
	struct store_options options = {.path = path, .read_only = true};
	assert_int_equal(store_open(&options, &f->store, NULL), 0);
	assert_int_equal(load_with_list(f, 41), SIGNATURE_LIST_OLDER);
	assert_int_equal(load_with_list(f, 60), SIGNATURE_LIST_READ);
	assert_remembered(f, "sequence: 42\n");
}

static void preview_compares_and_remembers_nothing(void **state)
{
	struct gate_fixture *f = *state;
	struct trust *trust = NULL;
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/vouchfs.conf", f->dir);
	gate_fixture_put_list(f, 43, NULL);
	assert_int_equal(trust_preview(path, f->store, &trust, &f->errors), 0);
	assert_int_equal(trust->accounts[0].list_state, SIGNATURE_LIST_READ);
	trust_unref(trust);
	assert_remembered(f, "sequence: 42\n");

	gate_fixture_put_list(f, 41, NULL);
	assert_int_equal(trust_preview(path, f->store, &trust, &f->errors), 0);
	assert_int_equal(trust->accounts[0].list_state, SIGNATURE_LIST_OLDER);
	trust_unref(trust);
	assert_int_equal(load_with_list(f, 42), SIGNATURE_LIST_READ);
}

static void absent_and_bad_lists_are_facts_not_errors(void **state)
{
	struct gate_fixture *f = *state;
	assert_int_equal(io_unlinkat(f->dirfd, "account.revocations", 0), 0);
	assert_int_equal(gate_fixture_load(f), 0);
	assert_int_equal(list_state(f), SIGNATURE_LIST_MISSING);

	gate_fixture_write(f, "account.revocations", "hello\n", 6);
	assert_int_equal(gate_fixture_load(f), 0);
	assert_int_equal(list_state(f), SIGNATURE_LIST_BAD);

	/* what is there and cannot be read is not missing: nobody may excuse it */
	assert_int_equal(io_unlinkat(f->dirfd, "account.revocations", 0), 0);
	assert_int_equal(io_mkdirat(f->dirfd, "account.revocations", 0700), 0);
	assert_int_equal(gate_fixture_load(f), 0);
	assert_int_equal(list_state(f), SIGNATURE_LIST_UNKNOWN);
}

static void list_of_another_account_is_bad(void **state)
{
	struct gate_fixture *f = *state;
	struct trust_fixture mallory;
	struct buf pem = {0};
	trust_fixture_init(&mallory, GATE_FIXTURE_ACCOUNT, GATE_FIXTURE_PROFILE, GATE_FIXTURE_VERSION);
	trust_fixture_list(&mallory, 99, NULL, 0, &pem);
	gate_fixture_write(f, "account.revocations", pem.data, pem.len);
	assert_int_equal(gate_fixture_load(f), 0);
	assert_int_equal(list_state(f), SIGNATURE_LIST_BAD);
	assert_remembered(f, "sequence: 42\n");
	buf_done(&pem);
	trust_fixture_done(&mallory);
}

static void certificate_that_cannot_be_used_is_a_configuration_error(void **state)
{
	struct gate_fixture *f = *state;
	gate_fixture_write(f, "account.pem", "hello\n", 6);
	assert_int_equal(gate_fixture_load(f), -EINVAL);
	assert_null(f->trust);
	gate_fixture_assert_says(&f->errors, "[account " GATE_FIXTURE_ACCOUNT "] certificate = ");

	assert_int_equal(io_unlinkat(f->dirfd, "account.pem", 0), 0);
	assert_int_equal(gate_fixture_load(f), -EINVAL);
	gate_fixture_assert_says(&f->errors, "/account.pem: No such file or directory");
}

/* Puts a timestamp_authority into the configuration, for which any CA will do here. */
static void configure_authority(struct gate_fixture *f)
{
	struct buf text = {0}, changed = {0};
	assert_int_equal(io_read_file(f->dirfd, "vouchfs.conf", 65536, &text), 0);
	assert_int_equal(buf_printf(&changed, "[vouchfs]\ntimestamp_authority = tsa.pem\n%s",
				    strstr(text.data, "[vouchfs]\n") + strlen("[vouchfs]\n")),
			 0);
	gate_fixture_write(f, "vouchfs.conf", changed.data, changed.len);
	buf_done(&text);
	buf_done(&changed);
}

static void time_stamp_authority_is_read_and_kept(void **state)
{
	struct gate_fixture *f = *state;
	struct trust *next = NULL;
	struct buf pem = {0};
	assert_null(f->trust->timestamp_authority);
	configure_authority(f);
	trust_fixture_ca_pem(&f->alice, &pem);
	gate_fixture_write(f, "tsa.pem", pem.data, pem.len);
	buf_done(&pem);
	assert_int_equal(gate_fixture_load(f), 0);
	assert_non_null(f->trust->timestamp_authority);

	gate_fixture_put_list(f, 43, NULL);
	assert_int_equal(trust_refresh(f->trust, f->store, &next), 0);
	assert_ptr_not_equal(next, f->trust);
	assert_ptr_equal(next->timestamp_authority, f->trust->timestamp_authority);
	trust_unref(next);
}

static void time_stamp_authority_that_cannot_be_used_is_a_configuration_error(void **state)
{
	struct gate_fixture *f = *state;
	configure_authority(f);
	assert_int_equal(gate_fixture_load(f), -EINVAL);
	gate_fixture_assert_says(&f->errors, "[vouchfs] timestamp_authority = ");
	gate_fixture_assert_says(&f->errors, "/tsa.pem: No such file or directory");
	gate_fixture_write(f, "tsa.pem", "hello\n", 6);
	assert_int_equal(gate_fixture_load(f), -EINVAL);
	gate_fixture_assert_says(&f->errors, "time stamp authority's root CA");
}

static void refresh_keeps_what_has_not_changed(void **state)
{
	struct gate_fixture *f = *state;
	struct trust *next = NULL;
	assert_int_equal(trust_refresh(f->trust, f->store, &next), 0);
	assert_ptr_equal(next, f->trust);
	trust_unref(next);
}

static void refresh_takes_a_new_list_and_leaves_the_old_trust_alone(void **state)
{
	struct gate_fixture *f = *state;
	struct trust *second = NULL, *third = NULL;
	gate_fixture_put_list(f, 43, NULL);
	assert_int_equal(trust_refresh(f->trust, f->store, &second), 0);
	assert_true(second->generation > f->trust->generation);
	assert_int_equal(second->accounts[0].list->sequence, 43);
	assert_int_equal(f->trust->accounts[0].list->sequence, 42);

	assert_int_equal(io_unlinkat(f->dirfd, "account.revocations", 0), 0);
	assert_int_equal(trust_refresh(second, f->store, &third), 0);
	assert_int_equal(third->accounts[0].list_state, SIGNATURE_LIST_MISSING);

	assert_ptr_equal(third->origin, f->trust); /* no chain of trusts that keep one another alive */

	/* the configuration lives as long as any trust that is made of it */
	trust_unref(f->trust);
	f->trust = NULL;
	trust_unref(second);
	assert_non_null(config_find_code_signing(third->config, "approved"));
	trust_unref(third);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, gate_fixture_setup, gate_fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(load_reads_certificates_and_lists),
		TEST(older_list_is_noticed_after_a_restart),
		TEST(same_sequence_with_other_content_counts_as_older),
		TEST(damaged_memory_leaves_the_question_open),
		TEST(without_a_store_nothing_is_remembered),
		TEST(read_only_store_is_looked_at_and_not_written),
		TEST(preview_compares_and_remembers_nothing),
		TEST(absent_and_bad_lists_are_facts_not_errors),
		TEST(list_of_another_account_is_bad),
		TEST(certificate_that_cannot_be_used_is_a_configuration_error),
		TEST(time_stamp_authority_is_read_and_kept),
		TEST(time_stamp_authority_that_cannot_be_used_is_a_configuration_error),
		TEST(refresh_keeps_what_has_not_changed),
		TEST(refresh_takes_a_new_list_and_leaves_the_old_trust_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
