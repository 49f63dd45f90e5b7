/* The signed revocation list: proving it, looking things up in it, signing a new one. */
#include "signature/revocations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/cms.h"

void revocation_list_free(struct revocation_list *list)
{
	if (!list)
		return;
	free(list->entries);
	free(list);
}

/* The leaf must speak for the revocations of the account, in whatever partition and region. */
static int check_signer(const struct crypto_cms *cms, const struct revocation_list *list,
			const struct crypto_trust *trust, struct explain *ret_why)
{
	struct buf uri = {0};
	struct arn_scope scope;
	int r = crypto_cert_san_uri(crypto_cms_cert(cms, 0), &uri);
	if (r == -ENODATA || (r == 0 && (!arn_parse_revocations(uri.data, uri.len, &scope) ||
					 strcmp(scope.account, list->account) != 0))) {
		explain_set(ret_why, "the list's signer does not speak for the revocations of account %s",
			    list->account);
		r = -EBADMSG;
	}
	if (r == 0)
		r = crypto_cms_check_chain(cms, trust, uri.data, list->issued_at_s, ret_why);
	buf_done(&uri);
	return r == -EKEYREJECTED ? -EBADMSG : r;
}

static int check_list(const struct crypto_cms *cms, const struct revocation_list *list, const char *account,
		      const struct crypto_trust *trust, struct explain *ret_why)
{
	if (strcmp(list->account, account) != 0) {
		explain_set(ret_why, "the list is account %s's, not %s's", list->account, account);
		return -EBADMSG;
	}
	if (crypto_cms_signing_time_s(cms) != list->issued_at_s) {
		explain_set(ret_why, "issued-at is not the signingTime of the signature");
		return -EBADMSG;
	}
	return check_signer(cms, list, trust, ret_why);
}

int revocation_list_read(const char *pem, size_t len, const char *account, const struct crypto_trust *trust,
			 struct revocation_list **ret, struct explain *ret_why)
{
	struct crypto_cms *cms = NULL;
	struct revocation_list *list = NULL;
	int r = crypto_cms_parse(pem, len, REVOCATIONS_CONTENT_TYPE, &cms, ret_why);
	if (r < 0)
		goto out;
	size_t text_len;
	const char *text = crypto_cms_content(cms, &text_len);
	r = revocation_statement_parse(text, text_len, &list, ret_why);
	if (r < 0)
		goto out;
	r = check_list(cms, list, account, trust, ret_why);
	if (r < 0)
		goto out;
	*ret = list;
	list = NULL;
out:
	revocation_list_free(list);
	crypto_cms_free(cms);
	return r;
}

int revocation_list_sign(const struct revocation_list *list, const struct crypto_key *key,
			 const struct crypto_cert *leaf, struct buf *ret_pem, struct explain *ret_why)
{
	struct buf text = {0};
	struct revocation_list *again = NULL;
	int r = revocation_statement_print(list, &text);
	if (r < 0)
		goto out;
	r = revocation_statement_parse(text.data, text.len, &again, ret_why);
	if (r < 0) {
		r = r == -EBADMSG ? -EINVAL : r;
		goto out;
	}
	r = crypto_cms_sign(key, &leaf, 1, REVOCATIONS_CONTENT_TYPE, text.data, text.len, list->issued_at_s, ret_pem,
			    ret_why);
out:
	revocation_list_free(again);
	buf_done(&text);
	return r;
}

static bool is_among(const uint8_t certificate[CRYPTO_SHA256_BYTES], const uint8_t (*certificates)[CRYPTO_SHA256_BYTES],
		     size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(certificate, certificates[i], CRYPTO_SHA256_BYTES) == 0)
			return true;
	return false;
}

const struct revocation *revocation_list_find(const struct revocation_list *list, const struct arn_job *job,
					      const struct arn_profile *profile_version, int64_t signed_at_s,
					      const uint8_t (*certificates)[CRYPTO_SHA256_BYTES],
					      size_t certificate_count)
{
	for (size_t i = 0; i < list->entry_count; i++) {
		const struct revocation *entry = &list->entries[i];
		bool hit = false;
		switch (entry->kind) {
		case REVOCATION_JOB:
			hit = arn_scope_equal(&entry->job.scope, &job->scope) && strcmp(entry->job.id, job->id) == 0;
			break;
		case REVOCATION_PROFILE_VERSION:
			hit = arn_profile_equal(&entry->profile_version, profile_version) &&
			      entry->effective_s <= signed_at_s;
			break;
		case REVOCATION_CERTIFICATE:
			hit = is_among(entry->certificate, certificates, certificate_count);
			break;
		}
		if (hit)
			return entry;
	}
	return NULL;
}
