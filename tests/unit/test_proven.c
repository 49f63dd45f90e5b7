/* What is remembered of chains: successes, the last PROVEN_MAX of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/crypto/proven.h"

static const uint8_t *key_of(unsigned number, uint8_t ret[CRYPTO_SHA256_BYTES])
{
	for (size_t i = 0; i < CRYPTO_SHA256_BYTES; i++)
		ret[i] = (uint8_t)(number >> (i % 2 * 8));
	return ret;
}

static void test_has_what_was_added(void **state UNUSED)
{
	uint8_t key[CRYPTO_SHA256_BYTES];
	struct proven *proven = proven_new();
	assert_non_null(proven);
	assert_false(proven_has(proven, key_of(0, key)));
	proven_add(proven, key_of(1, key));
	assert_true(proven_has(proven, key_of(1, key)));
	assert_false(proven_has(proven, key_of(2, key)));
	proven_free(proven);
}

static void test_oldest_makes_room(void **state UNUSED)
{
	uint8_t key[CRYPTO_SHA256_BYTES];
	struct proven *proven = proven_new();
	assert_non_null(proven);
	for (unsigned i = 0; i < PROVEN_MAX; i++) {
		proven_add(proven, key_of(i, key));
		proven_add(proven, key); /* takes no second place */
	}
	for (unsigned i = 0; i < PROVEN_MAX; i++)
		assert_true(proven_has(proven, key_of(i, key)));
	proven_add(proven, key_of(PROVEN_MAX, key));
	assert_true(proven_has(proven, key));
	assert_false(proven_has(proven, key_of(0, key)));
	assert_true(proven_has(proven, key_of(1, key)));
	proven_free(proven);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_has_what_was_added),
		cmocka_unit_test(test_oldest_makes_room),
	};
	return cmocka_run_group_tests_name("proven", tests, NULL, NULL);
}
