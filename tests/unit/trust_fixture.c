#include "trust_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "crypto/digest.h"
#include "crypto/merkle.h"

#define END_RECORD_BYTES     22
#define COMMENT_LENGTH_BYTES 2

void trust_fixture_leaf(const struct trust_fixture *f, const char *san_uri, int64_t not_before_s, int64_t not_after_s,
			struct crypto_key **ret_key, struct crypto_cert **ret_leaf)
{
	assert_int_equal(crypto_key_generate(ret_key), 0);
	assert_int_equal(crypto_cert_make_leaf(*ret_key, "a signer", san_uri, not_before_s, not_after_s, f->ca_key,
					       f->ca, ret_leaf),
			 0);
}

void trust_fixture_init(struct trust_fixture *f, const char *account, const char *profile, const char *version)
{
	const int64_t from_s = TRUST_FIXTURE_NOW_S - TRUST_FIXTURE_YEAR_S;
	const int64_t to_s = TRUST_FIXTURE_NOW_S + 10LL * TRUST_FIXTURE_YEAR_S;
	char text[ARN_TEXT_SIZE], common_name[64];

	*f = (struct trust_fixture){.content = SIGNATURE_OF_ARTIFACT};
	(void)snprintf(text, sizeof(text), "arn:vouchfs:signer:local:%s:/signing-profiles/%s/%s", account, profile,
		       version);
	assert_true(arn_parse_profile_version(text, strlen(text), &f->profile_version));
	(void)snprintf(common_name, sizeof(common_name), "vouchfs signing CA %s", account);
	assert_int_equal(crypto_key_generate(&f->ca_key), 0);
	assert_int_equal(crypto_cert_make_ca(f->ca_key, common_name, from_s, to_s, &f->ca), 0);
	trust_fixture_leaf(f, text, from_s, to_s, &f->key, &f->leaf);
	arn_print_revocations(&f->profile_version.scope, text);
	trust_fixture_leaf(f, text, from_s, to_s, &f->list_key, &f->list_leaf);

	struct buf pem = {0};
	trust_fixture_ca_pem(f, &pem);
	assert_int_equal(crypto_trust_from_pem(pem.data, pem.len, &f->trust, NULL), 0);
	buf_done(&pem);
}

void trust_fixture_done(struct trust_fixture *f)
{
	crypto_trust_unref(f->trust);
	crypto_cert_free(f->list_leaf);
	crypto_key_free(f->list_key);
	crypto_cert_free(f->leaf);
	crypto_key_free(f->key);
	crypto_cert_free(f->ca);
	crypto_key_free(f->ca_key);
	*f = (struct trust_fixture){.content = SIGNATURE_OF_ARTIFACT};
}

void trust_fixture_ca_pem(const struct trust_fixture *f, struct buf *ret)
{
	assert_int_equal(crypto_cert_to_pem(f->ca, ret), 0);
}

struct statement trust_fixture_statement(const struct trust_fixture *f, const void *bytes, size_t len)
{
	struct statement statement = {
		.length_bytes = len,
		.profile_version = f->profile_version,
		.job.scope = f->profile_version.scope,
		.signed_at_s = TRUST_FIXTURE_NOW_S,
		.expires_at_s = TRUST_FIXTURE_NOW_S + TRUST_FIXTURE_YEAR_S,
	};
	struct io_memory memory = {.bytes = bytes, .len = len};
	struct io_reader reader = io_reader_memory(&memory);
	struct merkle_tree *tree = NULL;
	random_uuid(statement.job.id);
	assert_int_equal(crypto_sha384(bytes, len, statement.sha384), 0);
	assert_int_equal(merkle_tree_of(&reader, len, &tree), 0);
	memcpy(statement.tree_sha256, tree->digest, sizeof(statement.tree_sha256));
	merkle_tree_free(tree);
	return statement;
}

void trust_fixture_sign(const struct trust_fixture *f, const struct statement *statement, struct buf *ret_comment)
{
	const struct crypto_cert *chain[] = {f->leaf};
	struct explain why = {0};
	if (signature_make(f->content, statement, f->key, chain, 1, ret_comment, &why) < 0)
		fail_msg("signature_make: %s", why.text);
}

void trust_fixture_attach(const void *zip, size_t len, const struct buf *comment, struct buf *ret_zip)
{
	assert_true(len >= END_RECORD_BYTES && comment->len <= UINT16_MAX);
	const uint8_t comment_len[COMMENT_LENGTH_BYTES] = {(uint8_t)comment->len, (uint8_t)(comment->len >> 8)};
	assert_int_equal(buf_append(ret_zip, zip, len - COMMENT_LENGTH_BYTES), 0);
	assert_int_equal(buf_append(ret_zip, comment_len, sizeof(comment_len)), 0);
	assert_int_equal(buf_append(ret_zip, comment->data, comment->len), 0);
}

void trust_fixture_sign_zip(const struct trust_fixture *f, const void *zip, size_t len, struct buf *ret_zip)
{
	struct buf comment = {0};
	assert_true(len >= END_RECORD_BYTES);
	struct statement statement = trust_fixture_statement(f, zip, len - COMMENT_LENGTH_BYTES);
	trust_fixture_sign(f, &statement, &comment);
	trust_fixture_attach(zip, len, &comment, ret_zip);
	buf_done(&comment);
}

void trust_fixture_list(const struct trust_fixture *f, uint64_t sequence, const struct revocation *entries,
			size_t entry_count, struct buf *ret_pem)
{
	struct revocation_list list = {
		.sequence = sequence,
		.issued_at_s = TRUST_FIXTURE_NOW_S,
		.next_update_s = TRUST_FIXTURE_NOW_S + 30LL * TRUST_FIXTURE_DAY_S,
		.entries = (struct revocation *)(uintptr_t)entries, /* only printed */
		.entry_count = entry_count,
	};
	struct explain why = {0};
	memcpy(list.account, f->profile_version.scope.account, sizeof(list.account));
	if (revocation_list_sign(&list, f->list_key, f->list_leaf, ret_pem, &why) < 0)
		fail_msg("revocation_list_sign: %s", why.text);
}

struct signature_account trust_fixture_account(const struct trust_fixture *f)
{
	struct signature_account account = {.trust = f->trust, .list_state = SIGNATURE_LIST_MISSING};
	memcpy(account.id, f->profile_version.scope.account, sizeof(account.id));
	return account;
}
