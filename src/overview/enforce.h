/* enforce.h - what the page needs of "if everything were set to Enforce". Private to src/overview. */
#ifndef OVERVIEW_ENFORCE_PRIVATE_H
#define OVERVIEW_ENFORCE_PRIVATE_H

#include "base/json.h"
#include "overview/overview.h"

bool enforce_would_fail(const struct overview_slot *slot);
size_t enforce_count_judged(const struct overview *overview); /* slots where something is deployed */
const char *enforce_title(const char *code);		      /* of a reason: "signature expired" */
const char *enforce_remedy(const struct overview_slot *slot); /* of one that would fail; NULL: not known */
/* An array of those that would fail. */
void enforce_put_refused(struct json *j, const char *key, const struct overview *overview);

#endif
