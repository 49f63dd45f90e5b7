/* Revocation lists: their text, their proof, and what they revoke. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/cms.h"
#include "trust_fixture.h"

#define ACCOUNT "111122223333"
#define HEAD	"arn:vouchfs:signer:local:" ACCOUNT ":"
#define JOB	"job: " HEAD "/signing-jobs/63fce518-2e20-4853-b007-15ea9ae5b39b"
#define VERSION "profile-version: " HEAD "/signing-profiles/p1/bV2000000x"
#define CERT	"certificate: aac56bbaffbe95fd50646ccf0490350423c33a05fa62e3caad4985b02dac2707"
#define AT	" revoked-at=2026-11-21T18:04:30Z"
#define WHY	" reason=leaked build host"
#define TOP                                                                                                            \
	"vouchfs-revocations: 1\naccount: " ACCOUNT "\nsequence: 42\nissued-at: 2026-11-21T17:27:12Z\n"                \
	"next-update: 2027-01-20T19:05:30Z\n"
#define L_JOB	  JOB AT WHY "\n"
#define L_VERSION VERSION " effective=2026-11-10T19:05:30Z" AT " reason=key compromise\n"
#define L_CERT	  CERT AT " reason=superseded, with a = and: a colon\n"
#define GOOD	  TOP L_CERT L_VERSION L_JOB

static struct revocation_list *parse(const char *text)
{
	struct revocation_list *list = NULL;
	struct explain why = {0};
	if (revocation_statement_parse(text, strlen(text), &list, &why) < 0)
		fail_msg("%s", why.text);
	return list;
}

static void test_text(void **state)
{
	(void)state;
	static const char *const texts[] = {GOOD, TOP, TOP L_JOB L_VERSION L_CERT};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct buf printed = {0};
		struct revocation_list *list = parse(texts[i]);
		assert_int_equal(revocation_statement_print(list, &printed), 0);
		assert_string_equal(printed.data, texts[i]);
		buf_done(&printed);
		revocation_list_free(list);
	}
	struct revocation_list *list = parse(GOOD);
	assert_string_equal(list->account, ACCOUNT);
	assert_int_equal(list->sequence, 42);
	assert_int_equal(list->issued_at_s, TRUST_FIXTURE_NOW_S);
	assert_int_equal(list->entry_count, 3);
	assert_int_equal(list->entries[0].kind, REVOCATION_CERTIFICATE);
	assert_int_equal(list->entries[1].kind, REVOCATION_PROFILE_VERSION);
	assert_int_equal(list->entries[1].effective_s, 1794337530);
	assert_int_equal(list->entries[2].kind, REVOCATION_JOB);
	assert_int_equal(list->entries[2].revoked_at_s, 1795284270);
	assert_string_equal(list->entries[2].reason, "leaked build host");
	revocation_list_free(list);
}

#define OTHER "arn:vouchfs:signer:local:999999999999:"

static const struct {
	const char *name;
	const char *text;
} bad[] = {
	{"empty", ""},
	{"version 2", "vouchfs-revocations: 2\naccount: " ACCOUNT "\nsequence: 42\nissued-at: 2026-11-21T17:27:12Z\n"
		      "next-update: 2027-01-20T19:05:30Z\n"},
	{"account of 11 digits", "vouchfs-revocations: 1\naccount: 11112222333\nsequence: 42\n"
				 "issued-at: 2026-11-21T17:27:12Z\nnext-update: 2027-01-20T19:05:30Z\n"},
	{"sequence -1", "vouchfs-revocations: 1\naccount: " ACCOUNT "\nsequence: -1\n"
			"issued-at: 2026-11-21T17:27:12Z\nnext-update: 2027-01-20T19:05:30Z\n"},
	{"no next-update",
	 "vouchfs-revocations: 1\naccount: " ACCOUNT "\nsequence: 42\nissued-at: 2026-11-21T17:27:12Z\n"},
	{"next-update when issued", "vouchfs-revocations: 1\naccount: " ACCOUNT "\nsequence: 42\n"
				    "issued-at: 2026-11-21T17:27:12Z\nnext-update: 2026-11-21T17:27:12Z\n"},
	{"no end of line", TOP JOB AT WHY},
	{"an empty line", TOP "\n"},
	{"unknown key", TOP "profile: " HEAD "/signing-profiles/p1" AT WHY "\n"},
	{"job of another account", TOP "job: " OTHER "/signing-jobs/63fce518-2e20-4853-b007-15ea9ae5b39b" AT WHY "\n"},
	{"profile version of another account",
	 TOP "profile-version: " OTHER "/signing-profiles/p1/bV2000000x effective=2026-11-10T19:05:30Z" AT WHY "\n"},
	{"profile without version",
	 TOP "profile-version: " HEAD "/signing-profiles/p1 effective=2026-11-10T19:05:30Z" AT WHY "\n"},
	{"profile version without effective", TOP VERSION AT WHY "\n"},
	{"job with effective", TOP JOB " effective=2026-11-10T19:05:30Z" AT WHY "\n"},
	{"no revoked-at", TOP JOB WHY "\n"},
	{"bad revoked-at", TOP JOB " revoked-at=2026-11-21" WHY "\n"},
	{"no reason", TOP JOB AT "\n"},
	{"empty reason", TOP JOB AT " reason=\n"},
	{"reason not printable", TOP JOB AT " reason=a\tb\n"},
	{"reason not ASCII", TOP JOB AT " reason=\xc3\xa4\n"},
	{"two blanks", TOP JOB " " AT WHY "\n"},
	{"certificate in upper case",
	 TOP "certificate: AAC56bbaffbe95fd50646ccf0490350423c33a05fa62e3caad4985b02dac2707" AT WHY "\n"},
	{"short certificate", TOP "certificate: aac5" AT WHY "\n"},
	{"the same line twice", TOP L_JOB L_JOB},
	{"the same job for another reason", TOP L_JOB L_CERT JOB AT " reason=else\n"},
	{"the same profile version twice", TOP L_VERSION L_JOB VERSION " effective=2026-01-01T00:00:00Z" AT WHY "\n"},
	{"the same certificate twice", TOP L_CERT CERT AT WHY "\n"},
};

static void test_bad_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct revocation_list *list = NULL;
		struct explain why = {0};
		int r = revocation_statement_parse(bad[i].text, strlen(bad[i].text), &list, &why);
		if (r != -EBADMSG || list || why.text[0] == '\0')
			fail_msg("%s: %d \"%s\"", bad[i].name, r, why.text);
	}
}

static void test_length_of_reason(void **state)
{
	(void)state;
	char reason[LIMIT_REASON_BYTES + 2], text[2048];
	struct revocation_list *list = NULL;
	memset(reason, 'x', sizeof(reason));
	reason[LIMIT_REASON_BYTES] = '\0';
	(void)snprintf(text, sizeof(text), TOP JOB AT " reason=%s\n", reason);
	list = parse(text);
	assert_string_equal(list->entries[0].reason, reason);
	revocation_list_free(list);

	list = NULL;
	reason[LIMIT_REASON_BYTES] = 'x';
	reason[LIMIT_REASON_BYTES + 1] = '\0';
	(void)snprintf(text, sizeof(text), TOP JOB AT " reason=%s\n", reason);
	assert_int_equal(revocation_statement_parse(text, strlen(text), &list, NULL), -EBADMSG);
	assert_null(list);
}

static void test_find(void **state)
{
	(void)state;
	struct revocation_list *list = parse(GOOD);
	struct arn_job other_job = list->entries[2].job;
	struct arn_profile other_version = list->entries[1].profile_version;
	const int64_t effective_s = list->entries[1].effective_s;
	uint8_t certs[2][CRYPTO_SHA256_BYTES] = {{0}};
	const uint8_t(*carried)[CRYPTO_SHA256_BYTES] = (const uint8_t(*)[CRYPTO_SHA256_BYTES])certs;
	other_job.id[0] = 'f';
	other_version.version[0] = 'f';

	const struct arn_job *job = &list->entries[2].job;
	const struct arn_profile *version = &list->entries[1].profile_version;
	const struct revocation *none = NULL;
	assert_ptr_equal(revocation_list_find(list, &other_job, &other_version, 0, carried, 2), none);
	assert_ptr_equal(revocation_list_find(list, job, &other_version, 0, carried, 2), &list->entries[2]);
	assert_ptr_equal(revocation_list_find(list, &other_job, version, effective_s - 1, carried, 2), none);
	assert_ptr_equal(revocation_list_find(list, &other_job, version, effective_s, carried, 2), &list->entries[1]);
	assert_ptr_equal(revocation_list_find(list, job, version, effective_s + 1, carried, 2), &list->entries[1]);
	memcpy(certs[1], list->entries[0].certificate, sizeof(certs[1]));
	assert_ptr_equal(revocation_list_find(list, &other_job, &other_version, 0, carried, 2), &list->entries[0]);
	assert_ptr_equal(revocation_list_find(list, &other_job, &other_version, 0, carried, 1), none);

	/* the same id under another account, region or partition is another job */
	other_job = *job;
	memcpy(other_job.scope.region, "other", sizeof("other"));
	assert_ptr_equal(revocation_list_find(list, &other_job, &other_version, 0, carried, 0), none);
	revocation_list_free(list);
}

struct scene {
	struct trust_fixture alice, bob;
	struct buf pem;
	struct revocation_list *list;
};

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	trust_fixture_init(&s->alice, ACCOUNT, "p1", "bV2000000x");
	trust_fixture_init(&s->bob, "222233334444", "p1", "bV2000000x");
	s->list = parse(GOOD);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;
	revocation_list_free(s->list);
	buf_done(&s->pem);
	trust_fixture_done(&s->alice);
	trust_fixture_done(&s->bob);
	free(s);
	return 0;
}

static int read_as(struct scene *s, const char *account, const struct trust_fixture *of)
{
	struct revocation_list *list = NULL;
	struct explain why = {0};
	int r = revocation_list_read(s->pem.data, s->pem.len, account, of->trust, &list, &why);
	if (r < 0)
		assert_true(why.text[0] != '\0');
	else
		assert_int_equal(list->sequence, 42);
	revocation_list_free(list);
	return r;
}

static int sign_with(struct scene *s, const struct crypto_key *key, const struct crypto_cert *leaf)
{
	buf_reset(&s->pem);
	return revocation_list_sign(s->list, key, leaf, &s->pem, NULL);
}

static void test_signed(void **state)
{
	struct scene *s = *state;
	assert_int_equal(sign_with(s, s->alice.list_key, s->alice.list_leaf), 0);
	assert_int_equal(read_as(s, ACCOUNT, &s->alice), 0);
	assert_int_equal(read_as(s, "222233334444", &s->alice), -EBADMSG);
	assert_int_equal(read_as(s, ACCOUNT, &s->bob), -EBADMSG);
	s->pem.data[s->pem.len / 2] ^= 1;
	assert_int_equal(read_as(s, ACCOUNT, &s->alice), -EBADMSG);
}

static void test_digest_tells_lists_apart(void **state)
{
	struct scene *s = *state;
	struct revocation_list *same = parse(GOOD), *other = parse(TOP L_JOB);
	assert_memory_equal(s->list->digest, same->digest, sizeof(same->digest));
	assert_memory_not_equal(s->list->digest, other->digest, sizeof(other->digest));
	revocation_list_free(same);
	revocation_list_free(other);
}

/* A key that signs artifacts cannot revoke, nor can another account's list key. */
static void test_signed_by_another_leaf(void **state)
{
	struct scene *s = *state;
	struct crypto_key *key = NULL;
	struct crypto_cert *leaf = NULL;
	assert_int_equal(sign_with(s, s->alice.key, s->alice.leaf), 0);
	assert_int_equal(read_as(s, ACCOUNT, &s->alice), -EBADMSG);
	assert_int_equal(sign_with(s, s->bob.list_key, s->bob.list_leaf), 0);
	assert_int_equal(read_as(s, ACCOUNT, &s->alice), -EBADMSG);

	/* under the right CA, but for another account's list */
	trust_fixture_leaf(&s->alice, "arn:vouchfs:signer:local:222233334444:/revocations", TRUST_FIXTURE_NOW_S,
			   TRUST_FIXTURE_NOW_S, &key, &leaf);
	assert_int_equal(sign_with(s, key, leaf), 0);
	assert_int_equal(read_as(s, ACCOUNT, &s->alice), -EBADMSG);
	crypto_key_free(key);
	crypto_cert_free(leaf);
}

/* The chain is judged when the list was issued; partition and region of the list's ARN do not matter. */
static void test_judged_at_issued_at(void **state)
{
	static const struct {
		int64_t not_before_s, not_after_s;
		int expected;
	} times[] = {
		{TRUST_FIXTURE_NOW_S, TRUST_FIXTURE_NOW_S, 0},
		{TRUST_FIXTURE_NOW_S + 1, TRUST_FIXTURE_NOW_S + 2, -EBADMSG},
		{TRUST_FIXTURE_NOW_S - 2, TRUST_FIXTURE_NOW_S - 1, -EBADMSG},
	};
	struct scene *s = *state;
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		struct crypto_key *key = NULL;
		struct crypto_cert *leaf = NULL;
		trust_fixture_leaf(&s->alice, "arn:aws:signer:eu-central-1:" ACCOUNT ":/revocations",
				   times[i].not_before_s, times[i].not_after_s, &key, &leaf);
		assert_int_equal(sign_with(s, key, leaf), 0);
		assert_int_equal(read_as(s, ACCOUNT, &s->alice), times[i].expected);
		crypto_key_free(key);
		crypto_cert_free(leaf);
	}
}

static void sign_raw(struct scene *s, const char *type, int64_t at_s)
{
	const struct crypto_cert *chain[] = {s->alice.list_leaf};
	buf_reset(&s->pem);
	assert_int_equal(crypto_cms_sign(s->alice.list_key, chain, 1, type, GOOD, strlen(GOOD), at_s, &s->pem, NULL),
			 0);
}

static void test_other_form(void **state)
{
	struct scene *s = *state;
	sign_raw(s, REVOCATIONS_CONTENT_TYPE, TRUST_FIXTURE_NOW_S);
	assert_int_equal(read_as(s, ACCOUNT, &s->alice), 0);
	sign_raw(s, REVOCATIONS_CONTENT_TYPE, TRUST_FIXTURE_NOW_S + 1);
	assert_int_equal(read_as(s, ACCOUNT, &s->alice), -EBADMSG);
	sign_raw(s, STATEMENT_CONTENT_TYPE, TRUST_FIXTURE_NOW_S);
	assert_int_equal(read_as(s, ACCOUNT, &s->alice), -EBADMSG);
}

static void test_sign_refuses_what_nobody_would_read(void **state)
{
	struct scene *s = *state;
	s->list->entries[2].reason[0] = '\n';
	assert_int_equal(sign_with(s, s->alice.list_key, s->alice.list_leaf), -EINVAL);
	assert_int_equal(s->pem.len, 0);
}

/* Thousands of entries, as an account gathers in years. */
static void test_large(void **state)
{
	struct scene *s = *state;
	struct buf text = {0};
	assert_int_equal(buf_puts(&text, TOP), 0);
	for (unsigned i = 0; text.len < LIMIT_REVOCATION_LIST_BYTES - 1000; i++)
		assert_int_equal(buf_printf(&text, "certificate: %064x" AT " reason=x\n", i), 0);
	revocation_list_free(s->list);
	s->list = parse(text.data);
	assert_true(s->list->entry_count > 30000);
	assert_int_equal(sign_with(s, s->alice.list_key, s->alice.list_leaf), 0);
	assert_int_equal(read_as(s, ACCOUNT, &s->alice), 0);

	struct revocation_list *list = NULL;
	struct explain why = {0};
	while (text.len <= LIMIT_REVOCATION_LIST_BYTES)
		assert_int_equal(buf_puts(&text, L_JOB), 0);
	assert_int_equal(revocation_statement_parse(text.data, text.len, &list, &why), -EBADMSG);
	assert_non_null(strstr(why.text, "larger"));
	buf_done(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_bad_text),
		cmocka_unit_test(test_length_of_reason),
		cmocka_unit_test(test_find),
		TEST(test_signed),
		TEST(test_digest_tells_lists_apart),
		TEST(test_signed_by_another_leaf),
		TEST(test_judged_at_issued_at),
		TEST(test_other_form),
		TEST(test_sign_refuses_what_nobody_would_read),
		TEST(test_large),
	};
	return cmocka_run_group_tests_name("revocations", tests, NULL, NULL);
}
