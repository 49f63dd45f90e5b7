/*
 * Throws bytes at all that reads a signature. The first line of an input says what the rest is:
 *
 *     pem        the comment of an archive
 *     der        the same without its PEM, which is put around it
 *     statement  what a signature says
 *     content    the same, signed by an account that is trusted, in an envelope without a fault
 *     trust      the CA certificates of an account
 *     reply      a time stamp authority's answer about the signature of an artifact
 *
 * What must hold: nothing crashes; what is refused says why; a statement that is read is printed as the same text;
 * whatever content a good envelope has comes out of it as it is; facts are good only where the statement is; none of it
 * depends on locale, time zone and umask.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "crypto/timestamp.h"
#include "fuzz.h"
#include "signature/signature.h"
#include "trust_fixture.h"

#define LENGTH 1000

static struct trust_fixture alice;
static struct buf signed_statement;

int LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	static const char bytes[LENGTH];
	trust_fixture_init(&alice, "111122223333", "profile_for_application_ABC", "a1B2c3D4e5");
	struct statement statement = trust_fixture_statement(&alice, bytes, sizeof(bytes));
	trust_fixture_sign(&alice, &statement, &signed_statement);
	return 0;
}

static int check_why(int r, const struct explain *why)
{
	ASSERT(r == 0 || ((r == -EBADMSG || r == -EFBIG) && why->text[0] != '\0'));
	return r;
}

/* ---- a statement ---- */

static int read_statement(const char *text, size_t len, struct statement *ret)
{
	struct explain why = {0};
	struct buf printed = {0};
	int r = check_why(statement_parse(text, len, ret, &why), &why);
	if (r < 0)
		return r;
	ASSERT(statement_print(ret, &printed) == 0);
	ASSERT(printed.len == len && memcmp(printed.data, text, len) == 0);
	buf_done(&printed);
	return r;
}

static void try_statement(const char *text, size_t len)
{
	struct statement statement;
	int before = 0;
	for (unsigned world = 0; world < FUZZ_WORLDS; world++) {
		fuzz_enter_world(world);
		int r = read_statement(text, len, &statement);
		ASSERT(world == 0 || r == before);
		before = r;
	}
}

/* ---- an envelope ---- */

static void examine(const char *comment, size_t len, struct signature_facts *ret)
{
	static const uint8_t digest[CRYPTO_SHA256_BYTES];
	const struct signature_account account = trust_fixture_account(&alice);
	ASSERT(signature_examine(SIGNATURE_OF_ARTIFACT, comment, len, LENGTH, digest, &account, 1, alice.trust, ret) ==
	       0);
	ASSERT(ret->integrity != SIGNATURE_BAD || ret->integrity_why.text[0] != '\0');
	ASSERT(ret->integrity == SIGNATURE_GOOD || (ret->chain != SIGNATURE_GOOD && ret->timestamp != SIGNATURE_GOOD));
}

static void try_pem(const char *comment, size_t len)
{
	struct crypto_cms *cms = NULL;
	struct explain why = {0};
	struct signature_facts facts;
	enum signature_content content;
	int64_t at_s;
	examine(comment, len, &facts);
	if (check_why(signature_parse_any(comment, len, &content, &cms, &why), &why) < 0)
		return;
	ASSERT(signature_is_claimed(comment, len) && content != SIGNATURE_OF_NOTHING);
	if (crypto_cms_has_timestamp(cms)) {
		(void)crypto_timestamp_claim(cms, &at_s);
		(void)crypto_timestamp_check(cms, alice.trust, &at_s, &why);
	}
	(void)crypto_cms_check_chain(cms, alice.trust, "urn:nobody", crypto_cms_signing_time_s(cms), &why);
	crypto_cms_free(cms);
}

static void try_der(const char *der, size_t len)
{
	struct buf bytes = {0}, pem = {0};
	ASSERT(buf_append(&bytes, der, len) == 0 && buf_puts(&pem, CRYPTO_CMS_BEGIN "\n") == 0);
	char *text = malloc(TEXT_BASE64_SIZE(len));
	ASSERT(text);
	text_base64((const uint8_t *)der, len, text);
	for (const char *at = text; *at != '\0'; at += strnlen(at, 64))
		ASSERT(buf_printf(&pem, "%.64s\n", at) == 0);
	ASSERT(buf_puts(&pem, "-----END CMS-----\n") == 0);
	try_pem(pem.data, pem.len);
	free(text);
	buf_done(&pem);
	buf_done(&bytes);
}

static void try_content(const char *content, size_t len)
{
	const struct crypto_cert *chain[] = {alice.leaf};
	struct buf pem = {0};
	struct explain why = {0};
	struct crypto_cms *cms = NULL;
	struct signature_facts facts;
	struct statement statement;
	size_t found_len;
	int r = crypto_cms_sign(alice.key, chain, 1, STATEMENT_CONTENT_TYPE, content, len, TRUST_FIXTURE_NOW_S, &pem,
				&why);
	ASSERT(r == 0 && signature_parse(SIGNATURE_OF_ARTIFACT, pem.data, pem.len, &cms, &why) == 0);
	const char *found = crypto_cms_content(cms, &found_len);
	ASSERT(found_len == len && memcmp(found, content, len) == 0);

	examine(pem.data, pem.len, &facts);
	bool is_one = read_statement(content, len, &statement) == 0;
	ASSERT(is_one || facts.integrity == SIGNATURE_BAD);
	crypto_cms_free(cms);
	buf_done(&pem);
}

/* ---- what is beside it ---- */

static void try_trust(const char *pem, size_t len)
{
	struct crypto_trust *trust = NULL;
	struct explain why = {0};
	int r = crypto_trust_from_pem(pem, len, &trust, &why);
	ASSERT(r == 0 || why.text[0] != '\0');
	crypto_trust_unref(r == 0 ? trust : NULL);
}

static void try_reply(const char *der, size_t len)
{
	struct buf query = {0}, reply = {0}, comment = {0};
	struct explain why = {0};
	ASSERT(signature_timestamp_query(&signed_statement, &query, &why) == 0);
	ASSERT(buf_append(&reply, der, len) == 0);
	(void)check_why(signature_add_timestamp(&signed_statement, &query, &reply, &comment, &why), &why);
	buf_done(&comment);
	buf_done(&reply);
	buf_done(&query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		const char *name;
		void (*try)(const char *bytes, size_t len);
	} kinds[] = {{"pem", try_pem},	       {"der", try_der},     {"statement", try_statement},
		     {"content", try_content}, {"trust", try_trust}, {"reply", try_reply}};
	const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;
	if (!newline)
		return 0;
	size_t name_len = (size_t)(newline - data), len = size - name_len - 1;
	char *bytes = fuzz_copy(newline + 1, len);
	fuzz_enter_world(0);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (text_equal((const char *)data, name_len, kinds[i].name))
			kinds[i].try(bytes, len);
	free(bytes);
	return 0;
}
