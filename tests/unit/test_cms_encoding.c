/* One message has one text: DER and PEM in their canonical forms, and nothing around them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "cms_scene.h"

static void insert(struct buf *b, size_t at, const void *bytes, size_t len)
{
	assert_int_equal(buf_reserve(b, len), 0);
	memmove(b->data + at + len, b->data + at, b->len - at);
	memcpy(b->data + at, bytes, len);
	b->len += len;
}

/* Writes other digest algorithms over {SHA-384}: the SET's content, and four lengths around and of it. */
static void set_digests(struct cms_scene *s, const char *digests, size_t len)
{
	static const char sha384_alone[] = "\x31\x0d\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02";
	static const size_t lengths_at[] = {2, 17, 21}; /* of ContentInfo, its [0], SignedData: 82 xx xx each */
	cms_scene_make(s);
	char *found = memmem(s->der.data, s->der.len, sha384_alone, sizeof(sha384_alone) - 1);
	assert_non_null(found);
	size_t at = (size_t)(found - s->der.data), more = len - (sizeof(sha384_alone) - 3);
	for (size_t i = 0; i < ARRAY_SIZE(lengths_at); i++) {
		uint8_t *length = (uint8_t *)s->der.data + lengths_at[i];
		assert_int_equal(length[-1], 0x82);
		unsigned grown = (unsigned)(length[0] << 8 | length[1]) + (unsigned)more;
		length[0] = (uint8_t)(grown >> 8);
		length[1] = (uint8_t)grown;
	}
	s->der.data[at + 1] = (char)len;
	insert(&s->der, at + 2, digests, more);
	memcpy(s->der.data + at + 2, digests, len);
	buf_reset(&s->pem);
	forge_pem(&s->der, &s->pem);
}

#define OID_SHA256 "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"
#define OID_SHA384 "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02"

static void test_digest_algorithms(void **state)
{
	static const char with_null[] = "\x30\x0d" OID_SHA384 "\x05\x00";
	static const char with_text[] = "\x30\x0e" OID_SHA384 "\x0c\x01x";
	static const char two[] = "\x30\x0b" OID_SHA256 "\x30\x0b" OID_SHA384;
	static const char twice[] = "\x30\x0b" OID_SHA384 "\x30\x0b" OID_SHA384;
	struct cms_scene *s = *state;
	set_digests(s, with_null, sizeof(with_null) - 1);
	cms_scene_expect_good(s);
	set_digests(s, with_text, sizeof(with_text) - 1);
	cms_scene_expect_bad(s, "SHA-384 alone");
	set_digests(s, two, sizeof(two) - 1);
	cms_scene_expect_bad(s, "SHA-384 alone");
	set_digests(s, twice, sizeof(twice) - 1);
	cms_scene_expect_bad(s, "SHA-384 alone");
}

static void test_der_only(void **state)
{
	struct cms_scene *s = *state;
	cms_scene_make(s);
	assert_memory_equal(s->der.data, "\x30\x82", 2);

	struct buf pem = s->pem;
	s->pem = (struct buf){0};
	s->der.data[1] = (char)0x83; /* a length of three bytes where two are enough */
	insert(&s->der, 2, "", 1);
	forge_pem(&s->der, &s->pem);
	cms_scene_expect_bad(s, "in DER");

	s->der.data[1] = (char)0x80; /* indefinite length */
	memmove(s->der.data + 2, s->der.data + 5, s->der.len - 5);
	s->der.len -= 3;
	insert(&s->der, s->der.len, "\0", 2);
	buf_reset(&s->pem);
	forge_pem(&s->der, &s->pem);
	cms_scene_expect_bad(s, "in DER");

	buf_reset(&s->der);
	forge_message(&s->spec, &s->der);
	insert(&s->der, s->der.len, "\x05", 2); /* a NULL behind it */
	buf_reset(&s->pem);
	forge_pem(&s->der, &s->pem);
	cms_scene_expect_bad(s, "in DER");

	buf_done(&s->pem);
	s->pem = pem;
	cms_scene_expect_good(s);
}

static void test_pem_only(void **state)
{
	struct cms_scene *s = *state;
	cms_scene_make(s);
	struct buf good = {0};
	assert_int_equal(buf_append(&good, s->pem.data, s->pem.len), 0);
	static const char *const behind[] = {"\n", " ", "x", "# comment\n"};
	for (size_t i = 0; i < ARRAY_SIZE(behind); i++) {
		buf_reset(&s->pem);
		assert_int_equal(buf_append(&s->pem, good.data, good.len), 0);
		assert_int_equal(buf_puts(&s->pem, behind[i]), 0);
		cms_scene_expect_bad(s, "one PEM block");
		insert(&good, 0, behind[i], 1);
		buf_reset(&s->pem);
		assert_int_equal(buf_append(&s->pem, good.data, good.len), 0);
		cms_scene_expect_bad(s, "one PEM block");
		memmove(good.data, good.data + 1, --good.len);
	}

	buf_reset(&s->pem); /* two blocks */
	assert_int_equal(buf_append(&s->pem, good.data, good.len), 0);
	assert_int_equal(buf_append(&s->pem, good.data, good.len), 0);
	cms_scene_expect_bad(s, "one PEM block");

	buf_reset(&s->pem); /* CRLF */
	for (size_t i = 0; i < good.len; i++) {
		if (good.data[i] == '\n')
			assert_int_equal(buf_putc(&s->pem, '\r'), 0);
		assert_int_equal(buf_putc(&s->pem, good.data[i]), 0);
	}
	cms_scene_expect_bad(s, "one PEM block");

	buf_reset(&s->pem); /* no line end at the end */
	assert_int_equal(buf_append(&s->pem, good.data, good.len - 1), 0);
	cms_scene_expect_bad(s, "one PEM block");

	buf_reset(&s->pem); /* another label */
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	assert_true(PEM_write_bio(bio, "PKCS7", "", (const uint8_t *)s->der.data, (long)s->der.len) > 0);
	long len = BIO_get_mem_data(bio, &text);
	assert_int_equal(buf_append(&s->pem, text, (size_t)len), 0);
	BIO_free(bio);
	cms_scene_expect_bad(s, "one PEM block");
	buf_done(&good);
}

static void test_too_large(void **state)
{
	struct cms_scene *s = *state;
	cms_scene_make(s);
	assert_int_equal(buf_reserve(&s->pem, CRYPTO_CMS_PEM_MAX_BYTES), 0);
	memset(s->pem.data + s->pem.len, 'A', CRYPTO_CMS_PEM_MAX_BYTES);
	s->pem.len += CRYPTO_CMS_PEM_MAX_BYTES;
	cms_scene_expect_bad(s, "larger than");
}

/* No prefix of a message is one. */
static void test_cut(void **state)
{
	struct cms_scene *s = *state;
	cms_scene_make(s);
	size_t len = s->pem.len;
	for (s->pem.len = 0; s->pem.len < len; s->pem.len += 7)
		assert_int_equal(cms_scene_parse(s), -EBADMSG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cms_scene_setup, cms_scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_digest_algorithms), TEST(test_der_only), TEST(test_pem_only),
		TEST(test_too_large),	      TEST(test_cut),
	};
	return cmocka_run_group_tests_name("cms_encoding", tests, NULL, NULL);
}
