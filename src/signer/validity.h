/* validity.h - the bounds of a signature's validity. Private to this module. */
#ifndef SIGNER_VALIDITY_H
#define SIGNER_VALIDITY_H

#include "signer/signer.h"

/* One day to 135 months; SIGNER_DAYS_MAX days and 11 years are never longer than that. */
bool validity_is_allowed(const struct signer_validity *validity);

#endif
