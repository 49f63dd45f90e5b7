/* common.h - small things that the views share. Private to src/overview. */
#ifndef OVERVIEW_COMMON_PRIVATE_H
#define OVERVIEW_COMMON_PRIVATE_H

#include "base/clock.h"
#include "base/json.h"
#include "overview/expiry.h"
#include "overview/overview.h"

#define DAY_S		  86400
#define VIEW_SLOT_SIZE	  OVERVIEW_SUBJECT_SIZE
#define VIEW_SPAN_SIZE	  40
#define VIEW_DATE_SIZE	  11
#define VIEW_PROFILE_SIZE 96

int view_copy(const char *text, char **to);	  /* text may be NULL. 0 or -ENOMEM */
bool view_is(const char *text, const char *word); /* text may be NULL */
/* "functions/hello" */
const char *view_slot_name(const struct overview_slot *slot, char ret[VIEW_SLOT_SIZE]);
/* 2026-11-21 */
const char *view_date(int64_t at_s, char ret[VIEW_DATE_SIZE]);
/* "in 8 days", "3 min ago" */
const char *view_span(int64_t at_s, int64_t now_s, char ret[VIEW_SPAN_SIZE]);
/* "release/a1B2c3D4e5" of the ARN of a profile version, "release" of a profile's; what does not parse is cut. */
const char *view_profile(const char *arn, char ret[VIEW_PROFILE_SIZE]);

const struct overview_config *view_find_config(const struct overview *overview, const char *name);
const struct overview_account *view_find_account(const struct overview *overview, const char *id);

/* There is no list, and none is asked for. */
bool view_is_list_excused(const struct overview_account *account);

void view_put_time(struct json *j, const char *key, int64_t at_s); /* null for 0 */
void view_put_slot(struct json *j, const char *key, const struct overview_slot *slot);

#endif
