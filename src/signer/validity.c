/* How long signatures are good for. */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "validity.h"

#define DAY_S 86400

static const struct {
	const char *name;
	uint64_t max;
} units[] = {
	[SIGNER_DAYS] = {"DAYS", SIGNER_DAYS_MAX},
	[SIGNER_MONTHS] = {"MONTHS", SIGNER_MONTHS_MAX},
	[SIGNER_YEARS] = {"YEARS", SIGNER_YEARS_MAX},
};

const char *signer_unit_name(enum signer_validity_unit unit)
{
	return units[unit].name;
}

bool signer_parse_unit(const char *text, size_t len, enum signer_validity_unit *ret)
{
	for (enum signer_validity_unit unit = SIGNER_DAYS; unit <= SIGNER_YEARS; unit++) {
		if (text_equal(text, len, units[unit].name)) {
			*ret = unit;
			return true;
		}
	}
	return false;
}

bool validity_is_allowed(const struct signer_validity *validity)
{
	return validity->unit >= SIGNER_DAYS && validity->unit <= SIGNER_YEARS && validity->value >= 1 &&
	       validity->value <= units[validity->unit].max;
}

int64_t signer_expiry(int64_t signed_at_s, const struct signer_validity *validity)
{
	ASSERT(validity_is_allowed(validity));
	if (validity->unit == SIGNER_DAYS)
		return signed_at_s + (int64_t)validity->value * DAY_S;
	unsigned months = (unsigned)validity->value * (validity->unit == SIGNER_YEARS ? 12 : 1);
	return clock_add_months(signed_at_s, months);
}
