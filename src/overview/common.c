#include "common.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arn/arn.h"
#include "base/text.h"
#include "screen.h"

int view_copy(const char *text, char **to)
{
	*to = text ? strdup(text) : NULL;
	return text && !*to ? -ENOMEM : 0;
}

bool view_is(const char *text, const char *word)
{
	return text && strcmp(text, word) == 0;
}

/* ---- texts ---- */

const char *view_slot_name(const struct overview_slot *slot, char ret[VIEW_SLOT_SIZE])
{
	(void)snprintf(ret, VIEW_SLOT_SIZE, "%s/%s", slot->is_layer ? "layers" : "functions", slot->name);
	return ret;
}

const char *view_date(int64_t at_s, char ret[VIEW_DATE_SIZE])
{
	char utc[CLOCK_UTC_SIZE];
	clock_format_utc(at_s, utc);
	(void)snprintf(ret, VIEW_DATE_SIZE, "%.10s", utc);
	return ret;
}

const char *view_span(int64_t at_s, int64_t now_s, char ret[VIEW_SPAN_SIZE])
{
	char span[SCREEN_SPAN_SIZE];
	(void)screen_span(at_s - now_s, span);
	(void)snprintf(ret, VIEW_SPAN_SIZE, at_s > now_s ? "in %s" : "%s ago", span);
	return ret;
}

const char *view_profile(const char *arn, char ret[VIEW_PROFILE_SIZE])
{
	struct arn_profile profile;
	if (arn && arn_parse_profile(arn, strlen(arn), &profile))
		(void)snprintf(ret, VIEW_PROFILE_SIZE, "%s%s%s", profile.name, profile.version[0] ? "/" : "",
			       profile.version);
	else
		(void)text_escape_print(ret, VIEW_PROFILE_SIZE, arn ? arn : "-", arn ? strlen(arn) : 1);
	return ret;
}

/* ---- finding ---- */

const struct overview_config *view_find_config(const struct overview *overview, const char *name)
{
	for (size_t i = 0; name && i < overview->config_count; i++)
		if (strcmp(overview->configs[i].name, name) == 0)
			return &overview->configs[i];
	return NULL;
}

const struct overview_account *view_find_account(const struct overview *overview, const char *id)
{
	for (size_t i = 0; id && i < overview->account_count; i++)
		if (strcmp(overview->accounts[i].id, id) == 0)
			return &overview->accounts[i];
	return NULL;
}

bool view_is_list_excused(const struct overview_account *account)
{
	return view_is(account->list_state, "none") ||
	       (view_is(account->list_state, "missing") && !account->list_required);
}

/* ---- JSON ---- */

void view_put_time(struct json *j, const char *key, int64_t at_s)
{
	char utc[CLOCK_UTC_SIZE];
	if (at_s > 0)
		clock_format_utc(at_s, utc);
	json_text(j, key, at_s > 0 ? utc : NULL);
}

void view_put_slot(struct json *j, const char *key, const struct overview_slot *slot)
{
	char name[VIEW_SLOT_SIZE];
	json_text(j, key, view_slot_name(slot, name));
}
