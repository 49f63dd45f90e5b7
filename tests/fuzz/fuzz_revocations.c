/*
 * Throws texts at the reader of revocation lists. The first line of an input says what the rest is:
 *
 *     statement  what a list says
 *     content    the same, signed for the account's list in an envelope without a fault
 *     pem        a list as it is handed out
 *
 * What must hold: nothing crashes; what is refused says why; a statement that is read is printed as the same text; a
 * signed list is taken exactly where its statement can be read and is of the account, and says the same then; entries
 * are found by what they revoke; none of it depends on locale, time zone and umask.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fuzz.h"
#include "signature/revocations.h"
#include "trust_fixture.h"

#define ACCOUNT "111122223333"

static struct trust_fixture alice;

int LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	trust_fixture_init(&alice, ACCOUNT, "profile_for_application_ABC", "a1B2c3D4e5");
	return 0;
}

/* A list finds each of its entries, or one before it that revokes the same. */
static void check_find(const struct revocation_list *list)
{
	for (size_t i = 0; i < list->entry_count; i++) {
		const struct revocation *entry = &list->entries[i];
		const uint8_t(*certificate)[CRYPTO_SHA256_BYTES] = &entry->certificate;
		bool is_certificate = entry->kind == REVOCATION_CERTIFICATE;
		const struct revocation *found = revocation_list_find(list, &entry->job, &entry->profile_version,
								      entry->effective_s, certificate, is_certificate);
		ASSERT(found && found <= entry && found->kind == entry->kind);
	}
}

static int read_statement(const char *text, size_t len, struct revocation_list **ret)
{
	struct explain why = {0};
	struct buf printed = {0};
	int r = revocation_statement_parse(text, len, ret, &why);
	ASSERT(r == 0 || (r == -EBADMSG && why.text[0] != '\0'));
	if (r < 0)
		return r;
	ASSERT(revocation_statement_print(*ret, &printed) == 0);
	ASSERT(printed.len == len && memcmp(printed.data, text, len) == 0);
	check_find(*ret);
	buf_done(&printed);
	return r;
}

static void try_statement(const char *text, size_t len)
{
	int before = 0;
	for (unsigned world = 0; world < FUZZ_WORLDS; world++) {
		struct revocation_list *list = NULL;
		fuzz_enter_world(world);
		int r = read_statement(text, len, &list);
		ASSERT(world == 0 || r == before);
		before = r;
		revocation_list_free(list);
	}
}

static int read_list(const char *pem, size_t len, struct revocation_list **ret)
{
	struct explain why = {0};
	int r = revocation_list_read(pem, len, ACCOUNT, alice.trust, ret, &why);
	ASSERT(r == 0 || (r == -EBADMSG && why.text[0] != '\0'));
	return r;
}

static void try_pem(const char *pem, size_t len)
{
	struct revocation_list *list = NULL;
	(void)read_list(pem, len, &list);
	revocation_list_free(list);
}

/* It is signed at what it says, since that has to be the same. */
static void try_content(const char *content, size_t len)
{
	const struct crypto_cert *chain[] = {alice.list_leaf};
	struct revocation_list *stated = NULL, *list = NULL;
	struct buf pem = {0};
	struct explain why = {0};
	bool is_one = read_statement(content, len, &stated) == 0;
	int64_t at_s = is_one ? stated->issued_at_s : TRUST_FIXTURE_NOW_S;
	bool is_within = at_s > TRUST_FIXTURE_NOW_S - 300 * TRUST_FIXTURE_DAY_S &&
			 at_s < TRUST_FIXTURE_NOW_S + 300 * TRUST_FIXTURE_DAY_S;
	bool is_ours = is_one && strcmp(stated->account, ACCOUNT) == 0;
	if (crypto_cms_sign(alice.list_key, chain, 1, REVOCATIONS_CONTENT_TYPE, content, len, at_s, &pem, &why) == 0) {
		int r = read_list(pem.data, pem.len, &list);
		ASSERT(r == 0 ? is_ours : !(is_ours && is_within));
		ASSERT(r < 0 || (memcmp(list->digest, stated->digest, sizeof(list->digest)) == 0 &&
				 list->entry_count == stated->entry_count));
	}
	revocation_list_free(list);
	revocation_list_free(stated);
	buf_done(&pem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;
	if (!newline)
		return 0;
	size_t name_len = (size_t)(newline - data), len = size - name_len - 1;
	char *bytes = fuzz_copy(newline + 1, len);
	fuzz_enter_world(0);
	if (text_equal((const char *)data, name_len, "statement"))
		try_statement(bytes, len);
	else if (text_equal((const char *)data, name_len, "content"))
		try_content(bytes, len);
	else if (text_equal((const char *)data, name_len, "pem"))
		try_pem(bytes, len);
	free(bytes);
	return 0;
}
