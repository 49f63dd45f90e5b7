/* How long signatures are good for: the bounds, and the calendar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/signer/validity.h"
#include "base/clock.h"

static void test_bounds(void **state UNUSED)
{
	static const struct {
		struct signer_validity validity;
		bool allowed;
	} cases[] = {
		{{0, SIGNER_DAYS}, false},
		{{1, SIGNER_DAYS}, true},
		{{4106, SIGNER_DAYS}, true},
		{{4107, SIGNER_DAYS}, false},
		{{0, SIGNER_MONTHS}, false},
		{{1, SIGNER_MONTHS}, true},
		{{135, SIGNER_MONTHS}, true},
		{{136, SIGNER_MONTHS}, false},
		{{0, SIGNER_YEARS}, false},
		{{11, SIGNER_YEARS}, true},
		{{12, SIGNER_YEARS}, false},
		{{UINT64_MAX, SIGNER_DAYS}, false},
		{{1, 0}, false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(validity_is_allowed(&cases[i].validity), cases[i].allowed);
}

static int64_t at(const char *utc)
{
	int64_t at_s = 0;
	assert_true(clock_parse_utc(utc, strlen(utc), &at_s));
	return at_s;
}

static void test_expiry(void **state UNUSED)
{
	static const struct {
		const char *signed_at;
		struct signer_validity validity;
		const char *expires_at;
	} cases[] = {
		{"2026-11-21T17:27:12Z", {135, SIGNER_MONTHS}, "2038-02-21T17:27:12Z"},
		{"2026-11-21T17:27:12Z", {1, SIGNER_DAYS}, "2026-11-22T17:27:12Z"},
		{"2026-11-21T17:27:12Z", {11, SIGNER_YEARS}, "2037-11-21T17:27:12Z"},
		{"2027-01-31T00:00:00Z", {1, SIGNER_MONTHS}, "2027-02-28T00:00:00Z"},
		{"2028-02-29T00:00:00Z", {1, SIGNER_YEARS}, "2029-02-28T00:00:00Z"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(signer_expiry(at(cases[i].signed_at), &cases[i].validity), at(cases[i].expires_at));
}

/* SIGNER_DAYS_MAX is never more than 135 months, from whatever day they are counted, and one more sometimes is. */
static void test_days_fit_into_months(void **state UNUSED)
{
	const int64_t day_s = 86400;
	int64_t shortest = INT64_MAX;
	for (int64_t from_s = at("2026-01-01T00:00:00Z"); from_s < at("2110-01-01T00:00:00Z"); from_s += day_s) {
		int64_t days = (clock_add_months(from_s, SIGNER_MONTHS_MAX) - from_s) / day_s;
		shortest = days < shortest ? days : shortest;
	}
	assert_int_equal(shortest, SIGNER_DAYS_MAX);
}

static void test_units(void **state UNUSED)
{
	enum signer_validity_unit unit;
	for (int i = SIGNER_DAYS; i <= SIGNER_YEARS; i++) {
		const char *name = signer_unit_name((enum signer_validity_unit)i);
		assert_true(signer_parse_unit(name, strlen(name), &unit));
		assert_int_equal(unit, i);
	}
	assert_false(signer_parse_unit("months", 6, &unit));
	assert_false(signer_parse_unit("DAY", 3, &unit));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_days_fit_into_months),
		cmocka_unit_test(test_units),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
