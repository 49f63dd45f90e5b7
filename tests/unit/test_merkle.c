/* The finished tree: digests as `fsverity digest` prints them, and checking blocks. Also the flat digests. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/merkle.h"

#define BLOCK ((size_t)MERKLE_BLOCK_BYTES)

/* Byte i of a test file is i * 7 + (i >> 8) * 13. */
static uint8_t *make_file(size_t len)
{
	uint8_t *bytes = malloc(len + 1);
	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 7 + (i >> 8) * 13);
	return bytes;
}

static struct merkle_tree *make_tree(const uint8_t *bytes, size_t len)
{
	struct io_memory memory = {.bytes = bytes, .len = len};
	struct io_reader reader = io_reader_memory(&memory);
	struct merkle_tree *tree = NULL;
	assert_int_equal(merkle_tree_of(&reader, len, &tree), 0);
	return tree;
}

/* Made with fsverity-utils 1.5: fsverity digest --hash-alg=sha256 --block-size=4096 */
static const struct {
	size_t len;
	const char *digest;
} known[] = {
	{0, "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95"},
	{1, "b803429503d95915829b29fdbc8bbad142f3abfd11b1cadf5526582e685c0551"},
	{4095, "a1af7177d2a116e8f575b2b0a94dd400f308aa1e2c9412d1324d191f6c1b272a"},
	{4096, "dc1f8bf5ee9d486c0d4585878ee812d42a1ff6987b43bcf1b76198cb639fc60e"},
	{4097, "77966aa2f22bdae9c614f267b9675ca9880f44bd5c6e5a07cde4e1920716b679"},
	{128 * BLOCK, "09accdec26404e56e25e36f3c992fbba7c7016de60a0895ad90226cf5ed3a79a"},
	{128 * BLOCK + 1, "c5fe191c8dd350f27c8ae3ca178b10ec3f38bb8ff91b73a9d939a6ca1305bb24"},
	{3145735, "4fb64cef0dc33f7a9867f364cee9801963d9c12d58be061634034567235f879c"},
};

static void test_known_digests(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		uint8_t *bytes = make_file(known[i].len);
		struct merkle_tree *tree = make_tree(bytes, known[i].len);
		char hex[CRYPTO_SHA256_HEX_SIZE];
		text_hex(tree->digest, sizeof(tree->digest), hex);
		assert_string_equal(hex, known[i].digest);
		assert_int_equal(tree->leaf_count, (known[i].len + BLOCK - 1) / BLOCK);
		merkle_tree_free(tree);
		free(bytes);
	}
}

static void test_from_leaves(void **state)
{
	(void)state;
	size_t len = 130 * BLOCK + 5;
	uint8_t *bytes = make_file(len);
	struct merkle_tree *tree = make_tree(bytes, len), *again = NULL;
	assert_int_equal(merkle_tree_from_leaves(tree->leaves, tree->leaf_count, len, &again), 0);
	assert_memory_equal(again->digest, tree->digest, sizeof(tree->digest));
	merkle_tree_free(again);

	/* another size of the same number of blocks is another file */
	assert_int_equal(merkle_tree_from_leaves(tree->leaves, tree->leaf_count, len + 1, &again), 0);
	assert_memory_not_equal(again->digest, tree->digest, sizeof(tree->digest));
	merkle_tree_free(again);

	again = NULL;
	assert_int_equal(merkle_tree_from_leaves(tree->leaves, tree->leaf_count - 1, len, &again), -EINVAL);
	assert_int_equal(merkle_tree_from_leaves(tree->leaves, tree->leaf_count, len + BLOCK, &again), -EINVAL);
	assert_int_equal(merkle_tree_from_leaves(tree->leaves, tree->leaf_count, MERKLE_SIZE_MAX_BYTES + 1, &again),
			 -EFBIG);
	assert_null(again);
	merkle_tree_free(tree);
	free(bytes);
}

static void test_check(void **state)
{
	(void)state;
	size_t len = 3 * BLOCK + 100;
	uint8_t *bytes = make_file(len);
	struct merkle_tree *tree = make_tree(bytes, len);
	assert_int_equal(merkle_tree_check(tree, bytes, len, 0), 0);
	assert_int_equal(merkle_tree_check(tree, bytes + BLOCK, 2 * BLOCK, BLOCK), 0);
	assert_int_equal(merkle_tree_check(tree, bytes + 3 * BLOCK, 100, 3 * BLOCK), 0);
	assert_int_equal(merkle_tree_check(tree, bytes, 0, 0), 0);

	static const size_t spots[] = {0, BLOCK - 1, BLOCK, 3 * BLOCK - 1, 3 * BLOCK, 3 * BLOCK + 99};
	for (size_t i = 0; i < ARRAY_SIZE(spots); i++) {
		bytes[spots[i]] ^= 0x80;
		assert_int_equal(merkle_tree_check(tree, bytes, len, 0), -EBADMSG);
		bytes[spots[i]] ^= 0x80;
	}
	assert_int_equal(merkle_tree_check(tree, bytes, BLOCK, BLOCK), -EBADMSG); /* the right bytes elsewhere */
	assert_int_equal(merkle_tree_check(tree, bytes, len, 0), 0);
	merkle_tree_free(tree);
	free(bytes);
}

/* What cannot be checked is not verified. */
static void test_check_refuses_odd_ranges(void **state)
{
	(void)state;
	size_t len = 3 * BLOCK + 100;
	uint8_t *bytes = make_file(len + BLOCK);
	struct merkle_tree *tree = make_tree(bytes, len);
	assert_int_equal(merkle_tree_check(tree, bytes + 1, BLOCK, 1), -EINVAL);
	assert_int_equal(merkle_tree_check(tree, bytes, BLOCK - 1, 0), -EINVAL);
	assert_int_equal(merkle_tree_check(tree, bytes + 3 * BLOCK, 99, 3 * BLOCK), -EINVAL);
	assert_int_equal(merkle_tree_check(tree, bytes + 3 * BLOCK, 101, 3 * BLOCK), -EINVAL);
	assert_int_equal(merkle_tree_check(tree, bytes, BLOCK, 4 * BLOCK), -EINVAL);
	assert_int_equal(merkle_tree_check(tree, bytes, 0, 4 * BLOCK), -EINVAL);
	assert_int_equal(merkle_tree_check(tree, bytes, BLOCK, UINT64_MAX - BLOCK + 1), -EINVAL);
	merkle_tree_free(tree);
	free(bytes);
}

static int broken_pread(void *ctx, void *buf, size_t len, uint64_t offset)
{
	(void)ctx;
	memset(buf, 0, len);
	return offset == 0 ? 0 : -EIO;
}

static void test_unreadable(void **state)
{
	(void)state;
	struct io_reader reader = {.pread = broken_pread, .size_bytes = 1000 * BLOCK};
	struct merkle_tree *tree = NULL;
	uint8_t digest[CRYPTO_SHA384_BYTES];
	assert_int_equal(merkle_tree_of(&reader, reader.size_bytes, &tree), -EIO);
	assert_int_equal(merkle_tree_of(&reader, MERKLE_SIZE_MAX_BYTES + 1, &tree), -EFBIG);
	assert_null(tree);
	assert_int_equal(crypto_sha384_reader(&reader, reader.size_bytes, digest), -EIO);
}

static void test_flat_digests(void **state)
{
	(void)state;
	uint8_t sha256[CRYPTO_SHA256_BYTES], sha384[CRYPTO_SHA384_BYTES], again[CRYPTO_SHA384_BYTES];
	char hex[CRYPTO_SHA384_HEX_SIZE];
	assert_int_equal(crypto_sha256("abc", 3, sha256), 0); /* the examples of FIPS 180-4 */
	text_hex(sha256, sizeof(sha256), hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(crypto_sha384("abc", 3, sha384), 0);
	text_hex(sha384, sizeof(sha384), hex);
	assert_string_equal(hex, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
				 "8086072ba1e7cc2358baeca134c825a7");

	size_t len = 300000;
	uint8_t *bytes = make_file(len);
	struct io_memory memory = {.bytes = bytes, .len = len};
	struct io_reader reader = io_reader_memory(&memory);
	assert_int_equal(crypto_sha384(bytes, len - 1, sha384), 0);
	assert_int_equal(crypto_sha384_reader(&reader, len - 1, again), 0);
	assert_memory_equal(sha384, again, sizeof(sha384));
	assert_int_equal(crypto_sha384_reader(&reader, len + 1, again), -EIO);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_digests), cmocka_unit_test(test_from_leaves),
		cmocka_unit_test(test_check),	      cmocka_unit_test(test_check_refuses_odd_ranges),
		cmocka_unit_test(test_unreadable),    cmocka_unit_test(test_flat_digests),
	};
	return cmocka_run_group_tests_name("merkle", tests, NULL, NULL);
}
