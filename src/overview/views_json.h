/* views_json.h - parts of the views' JSON that more than one has. Private to src/overview. */
#ifndef OVERVIEW_VIEWS_JSON_PRIVATE_H
#define OVERVIEW_VIEWS_JSON_PRIVATE_H

#include "base/json.h"
#include "overview/views.h"

/* What governs the host, an object; null where no publisher is configured. */
void view_put_policy(struct json *j, const struct overview_policy *policy);
/* The arrays "codeSigningConfigs" and "accounts". */
void view_put_configs(struct json *j, const struct overview_trust *trust);

#endif
