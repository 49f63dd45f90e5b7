/*
 * From a ZIP comment to facts, and from a statement to a ZIP comment.
 *
 * Facts are established in the order of the checks, each starting from "unknown": integrity first; only where that is
 * good is anything that the statement says believed and looked up. A fact about an account that the host does not know
 * stays unknown. Times are not judged against now: that is policy's.
 */
#include "signature/signature.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "crypto/timestamp.h"

bool signature_is_claimed(const void *comment, size_t len)
{
	return len >= strlen(CRYPTO_CMS_BEGIN) && memcmp(comment, CRYPTO_CMS_BEGIN, strlen(CRYPTO_CMS_BEGIN)) == 0;
}

struct content {
	const char *name;
	const char *oid;
};

static const struct content contents[] = {
	[SIGNATURE_OF_NOTHING] = {"nothing", NULL},
	[SIGNATURE_OF_ARTIFACT] = {"artifact", STATEMENT_CONTENT_TYPE},
	[SIGNATURE_OF_BUNDLE] = {"policy bundle", BUNDLE_CONTENT_TYPE},
};

const char *signature_content_name(enum signature_content content)
{
	return contents[content].name;
}

int signature_parse_any(const void *comment, size_t len, enum signature_content *ret_content, struct crypto_cms **ret,
			struct explain *ret_why)
{
	int r = crypto_cms_parse(comment, len, STATEMENT_CONTENT_TYPE, ret, ret_why);
	bool is_artifact = r == 0;
	if (r == -EBADMSG) {
		int again = crypto_cms_parse(comment, len, BUNDLE_CONTENT_TYPE, ret, NULL);
		r = again == -EBADMSG ? r : again;
	}
	if (r == 0)
		*ret_content = is_artifact ? SIGNATURE_OF_ARTIFACT : SIGNATURE_OF_BUNDLE;
	return r;
}

/* Of a message that is not of this content: what it was signed as, when it is sound but for that. */
static enum signature_content find_other(enum signature_content content, const void *comment, size_t len,
					 struct explain *ret_why)
{
	struct crypto_cms *cms = NULL;
	enum signature_content found = SIGNATURE_OF_NOTHING;
	if (signature_parse_any(comment, len, &found, &cms, NULL) == 0)
		explain_set(ret_why, "it is signed as %s, not as %s",
			    found == SIGNATURE_OF_BUNDLE ? "a policy bundle" : "an artifact",
			    content == SIGNATURE_OF_BUNDLE ? "a policy bundle" : "an artifact");
	crypto_cms_free(cms);
	return found;
}

/* *ret_other is written also on failure. */
static int parse(enum signature_content content, const void *comment, size_t len, struct crypto_cms **ret,
		 enum signature_content *ret_other, struct explain *ret_why)
{
	*ret_other = SIGNATURE_OF_NOTHING;
	if (!contents[content].oid) {
		explain_set(ret_why, "nobody said what it has to be signed as");
		return -EINVAL;
	}
	int r = crypto_cms_parse(comment, len, contents[content].oid, ret, ret_why);
	if (r == -EBADMSG)
		*ret_other = find_other(content, comment, len, ret_why);
	return r;
}

int signature_parse(enum signature_content content, const void *comment, size_t len, struct crypto_cms **ret,
		    struct explain *ret_why)
{
	enum signature_content other;
	return parse(content, comment, len, ret, &other, ret_why);
}

/* What the signature says against what it is attached to. */
static int compare(const struct statement *statement, const struct crypto_cms *cms, uint64_t length,
		   const uint8_t tree_sha256[CRYPTO_SHA256_BYTES], struct explain *ret_why)
{
	if (crypto_cms_signing_time_s(cms) != statement->signed_at_s) {
		explain_set(ret_why, "signed-at is not the signingTime of the signature");
		return -EBADMSG;
	}
	if (statement->length_bytes != length) {
		explain_set(ret_why, "%llu bytes were signed, the artifact has %llu before its comment",
			    (unsigned long long)statement->length_bytes, (unsigned long long)length);
		return -EBADMSG;
	}
	if (memcmp(statement->tree_sha256, tree_sha256, CRYPTO_SHA256_BYTES) != 0) {
		char expected[CRYPTO_SHA256_HEX_SIZE], found[CRYPTO_SHA256_HEX_SIZE];
		text_hex(statement->tree_sha256, CRYPTO_SHA256_BYTES, expected);
		text_hex(tree_sha256, CRYPTO_SHA256_BYTES, found);
		explain_set(ret_why, "the bytes changed after they were signed: tree-sha256 %s expected, %s found",
			    expected, found);
		return -EBADMSG;
	}
	return 0;
}

/* What can be known of a message from itself and what it is attached to: facts->statement, and what is wrong. */
static int read_native(enum signature_content content, const void *comment, size_t comment_len, uint64_t length,
		       const uint8_t tree_sha256[CRYPTO_SHA256_BYTES], struct signature_facts *facts,
		       struct crypto_cms **ret_cms)
{
	struct explain *why = &facts->integrity_why;
	struct crypto_cms *cms = NULL;
	struct statement statement;
	int r = parse(content, comment, comment_len, &cms, &facts->other_content, why);
	if (r < 0)
		return r;
	size_t len;
	const char *text = crypto_cms_content(cms, &len);
	r = statement_parse(text, len, &statement, why);
	if (r < 0)
		goto out;
	r = compare(&statement, cms, length, tree_sha256, why);
	if (r < 0)
		goto out;
	facts->statement = statement;
	*ret_cms = cms;
	cms = NULL;
out:
	crypto_cms_free(cms);
	return r;
}

/* GOOD, BAD when the function that was asked says so with this error, else UNKNOWN. */
static enum signature_fact fact_of(int r, int bad)
{
	return r == 0 ? SIGNATURE_GOOD : r == bad ? SIGNATURE_BAD : SIGNATURE_UNKNOWN;
}

int64_t signature_time_s(const struct signature_facts *facts)
{
	return facts->timestamp == SIGNATURE_GOOD ? facts->timestamp_s : facts->statement.signed_at_s;
}

/* A token that nobody is trusted to have made is as good as none; one that should hold and does not breaks integrity.
 */
static int examine_timestamp(const struct crypto_cms *cms, const struct crypto_trust *authority,
			     struct signature_facts *facts)
{
	facts->has_timestamp = crypto_cms_has_timestamp(cms);
	if (!facts->has_timestamp || !authority)
		return 0;
	int r = crypto_timestamp_check(cms, authority, &facts->timestamp_s, &facts->integrity_why);
	facts->timestamp = fact_of(r, -EBADMSG);
	return r;
}

static const struct signature_account *find_account(const struct signature_account *accounts, size_t count,
						    const char *id)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(accounts[i].id, id) == 0)
			return &accounts[i];
	return NULL;
}

static int digest_carried(const struct crypto_cms *cms, struct signature_certificates *ret)
{
	for (size_t i = 0; i < crypto_cms_cert_count(cms); i++) {
		int r = crypto_cert_digest(crypto_cms_cert(cms, i), ret->sha256[ret->count]);
		if (r < 0)
			return r;
		ret->count++;
	}
	return 0;
}

static int examine_chain(const struct crypto_cms *cms, const struct signature_account *account,
			 struct signature_facts *facts)
{
	struct signature_certificates *certificates = &facts->certificates;
	char arn[ARN_TEXT_SIZE];
	arn_print_profile(&facts->statement.profile_version, arn);
	int r = crypto_cms_check_chain_to(cms, account->trust, arn, signature_time_s(facts),
					  certificates->sha256[certificates->count], &facts->chain_why);
	if (r == 0)
		certificates->count++;
	facts->chain = fact_of(r, -EKEYREJECTED);
	return r == -ENOMEM ? r : 0;
}

static void examine_list(const struct signature_account *account, struct signature_facts *facts)
{
	const struct signature_certificates *certificates = &facts->certificates;
	const struct statement *statement = &facts->statement;
	facts->revocations_required = account->revocations_required;
	facts->list_state = account->list_state;
	facts->list_why = account->list_why;
	if (account->list_state != SIGNATURE_LIST_READ)
		return;

	facts->list_sequence = account->list->sequence;
	facts->list_issued_at_s = account->list->issued_at_s;
	facts->list_next_update_s = account->list->next_update_s;
	const struct revocation *found = revocation_list_find(account->list, &statement->job,
							      &statement->profile_version, signature_time_s(facts),
							      certificates->sha256, certificates->count);
	if (found) {
		facts->revoked = true;
		facts->revocation = *found;
	}
}

static int describe_signer(const struct crypto_cert *leaf, struct signature_facts *facts)
{
	struct buf subject = {0};
	int r = crypto_cert_subject(leaf, &subject);
	if (r == 0)
		(void)snprintf(facts->signer_subject, sizeof(facts->signer_subject), "%s", subject.data);
	facts->signing_cert_not_after_s = crypto_cert_not_after_s(leaf);
	buf_done(&subject);
	return r;
}

/* What the host knows about a signature that is whole. */
static int examine_source(const struct crypto_cms *cms, const struct signature_account *accounts, size_t count,
			  struct signature_facts *facts)
{
	const char *id = facts->statement.profile_version.scope.account;
	int r = describe_signer(crypto_cms_cert(cms, 0), facts);
	if (r < 0)
		return r;
	const struct signature_account *account = find_account(accounts, count, id);
	facts->account_known = account ? SIGNATURE_GOOD : SIGNATURE_BAD;
	if (!account) {
		explain_set(&facts->chain_why, "no section [account %s] in the configuration", id);
		return 0;
	}

	r = digest_carried(cms, &facts->certificates);
	if (r < 0)
		return r;
	r = examine_chain(cms, account, facts);
	if (r < 0)
		return r;
	examine_list(account, facts);
	return 0;
}

bool signature_examine_lists(const struct signature_account *accounts, size_t account_count,
			     struct signature_facts *facts)
{
	if (facts->form == SIGNATURE_NONE || facts->integrity == SIGNATURE_BAD || facts->account_known == SIGNATURE_BAD)
		return true; /* no list matters */
	const struct signature_account *account = find_account(accounts, account_count,
							       facts->statement.profile_version.scope.account);
	if (facts->integrity != SIGNATURE_GOOD || facts->chain == SIGNATURE_UNKNOWN || !account)
		return false;
	facts->list_sequence = 0;
	facts->list_issued_at_s = facts->list_next_update_s = 0;
	facts->revoked = false;
	facts->revocation = (struct revocation){0};
	examine_list(account, facts);
	return true;
}

int signature_examine(enum signature_content content, const void *comment, size_t comment_len, uint64_t length,
		      const uint8_t tree_sha256[CRYPTO_SHA256_BYTES], const struct signature_account *accounts,
		      size_t account_count, const struct crypto_trust *timestamp_authority, struct signature_facts *ret)
{
	struct signature_facts facts = {.form = SIGNATURE_NONE};
	struct crypto_cms *cms = NULL;
	int r = 0;
	if (content == SIGNATURE_OF_NOTHING)
		return -EINVAL;
	if (!signature_is_claimed(comment, comment_len))
		goto done;

	facts.form = SIGNATURE_NATIVE;
	r = read_native(content, comment, comment_len, length, tree_sha256, &facts, &cms);
	if (r == 0)
		r = examine_timestamp(cms, timestamp_authority, &facts);
	facts.integrity = fact_of(r, -EBADMSG);
	if (r == 0)
		r = examine_source(cms, accounts, account_count, &facts);
	if (r == -ENOMEM)
		goto out;
	r = 0; /* what failed otherwise is UNKNOWN */
done:
	*ret = facts;
out:
	crypto_cms_free(cms);
	return r;
}

static int hand_out(const struct buf *comment, struct buf *ret_comment, struct explain *ret_why)
{
	if (comment->len > LIMIT_SIGNATURE_COMMENT_BYTES) {
		explain_set(ret_why, "the signature has %zu bytes, more than %u (too large certificates)", comment->len,
			    LIMIT_SIGNATURE_COMMENT_BYTES);
		return -EFBIG;
	}
	return buf_append(ret_comment, comment->data, comment->len);
}

int signature_make(enum signature_content content, const struct statement *statement, const struct crypto_key *key,
		   const struct crypto_cert *const *chain, size_t chain_len, struct buf *ret_comment,
		   struct explain *ret_why)
{
	struct buf text = {0}, comment = {0};
	struct statement again;
	if (!contents[content].oid) {
		explain_set(ret_why, "nobody said what it is to be signed as");
		return -EINVAL;
	}
	int r = statement_print(statement, &text);
	if (r < 0)
		goto out;
	r = statement_parse(text.data, text.len, &again, ret_why);
	if (r < 0) {
		r = r == -EBADMSG ? -EINVAL : r;
		goto out;
	}
	r = crypto_cms_sign(key, chain, chain_len, contents[content].oid, text.data, text.len, statement->signed_at_s,
			    &comment, ret_why);
	if (r < 0)
		goto out;
	r = hand_out(&comment, ret_comment, ret_why);
out:
	buf_done(&text);
	buf_done(&comment);
	return r;
}

int signature_timestamp_query(const struct buf *comment, struct buf *ret_query, struct explain *ret_why)
{
	struct crypto_cms *cms = NULL;
	enum signature_content content;
	int r = signature_parse_any(comment->data, comment->len, &content, &cms, ret_why);
	if (r == 0)
		r = crypto_timestamp_query(cms, ret_query);
	crypto_cms_free(cms);
	return r;
}

int signature_add_timestamp(const struct buf *comment, const struct buf *query, const struct buf *reply,
			    struct buf *ret_comment, struct explain *ret_why)
{
	struct crypto_cms *cms = NULL, *again = NULL;
	struct buf stamped = {0};
	enum signature_content content;
	int r = signature_parse_any(comment->data, comment->len, &content, &cms, ret_why);
	if (r == 0)
		r = crypto_timestamp_attach(cms, query, reply, &stamped, ret_why);
	if (r == 0)
		r = signature_parse(content, stamped.data, stamped.len, &again, ret_why);
	if (r == 0)
		r = hand_out(&stamped, ret_comment, ret_why);
	crypto_cms_free(again);
	crypto_cms_free(cms);
	buf_done(&stamped);
	return r;
}
