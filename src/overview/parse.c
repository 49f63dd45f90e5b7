/*
 * status.json, read back. Strict about what it knows: the schema, a type, a time that is none, a row without a name are
 * refused. What it does not know is passed over, and what is not there is none, so programs of one version read the
 * files of another.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "config/config.h"
#include "members.h"

static int take_text(const json_t *value, char **to)
{
	if (json_is_null(value))
		return 0;
	if (!json_is_string(value))
		return -EBADMSG;
	*to = strdup(json_string_value(value));
	return *to ? 0 : -ENOMEM;
}

static int take_number(const json_t *value, uint64_t max, uint64_t *ret)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0 || (uint64_t)json_integer_value(value) > max)
		return -EBADMSG;
	*ret = (uint64_t)json_integer_value(value);
	return 0;
}

static int take_u32(const json_t *value, uint32_t *to)
{
	uint64_t number = 0;
	int r = take_number(value, UINT32_MAX, &number);
	*to = (uint32_t)number;
	return r;
}

static int take_bool(const json_t *value, bool *to)
{
	if (!json_is_boolean(value))
		return -EBADMSG;
	*to = json_boolean_value(value);
	return 0;
}

static int take_time(const json_t *value, int64_t *to)
{
	if (json_is_null(value))
		return 0;
	bool is_time = json_is_string(value) &&
		       clock_parse_utc(json_string_value(value), json_string_length(value), to);
	return is_time ? 0 : -EBADMSG;
}

static int take_words(const json_t *value, char **to)
{
	struct buf words = {0};
	int r = 0;
	if (!json_is_array(value))
		return -EBADMSG;
	for (size_t i = 0; r == 0 && i < json_array_size(value); i++) {
		const json_t *word = json_array_get(value, i);
		if (!json_is_string(word))
			r = -EBADMSG;
		if (r == 0 && i > 0)
			r = buf_putc(&words, ' ');
		if (r == 0)
			r = buf_puts(&words, json_string_value(word));
	}
	if (r == 0 && words.len > 0)
		*to = buf_steal(&words);
	buf_done(&words);
	return r;
}

static int take_member(const struct member *m, const json_t *value, void *to)
{
	switch (m->kind) {
	case MEMBER_TEXT:
		return take_text(value, to);
	case MEMBER_BOOL:
		return take_bool(value, to);
	case MEMBER_U64:
		return take_number(value, INT64_MAX, to);
	case MEMBER_U32:
		return take_u32(value, to);
	case MEMBER_TIME:
		return take_time(value, to);
	case MEMBER_WORDS:
		return take_words(value, to);
	}
	return -EBADMSG;
}

/* An array of texts, none of them null. What was taken before a failure is counted, and freed with the struct. */
static int take_texts(const json_t *array, size_t max, char ***to, size_t *to_count)
{
	size_t count = json_array_size(array);
	if (!array)
		return 0;
	if (!json_is_array(array) || count > max)
		return -EBADMSG;
	*to = calloc(count + 1, sizeof(**to));
	if (!*to)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int r = take_text(json_array_get(array, i), &(*to)[i]);
		if (r < 0 || !(*to)[i])
			return r < 0 ? r : -EBADMSG;
		*to_count = i + 1;
	}
	return 0;
}

/* What is not there stays as it is: all zero. */
static int take_members(const struct member *members, const json_t *object, void *to)
{
	int r = json_is_object(object) ? 0 : -EBADMSG;
	for (const struct member *m = members; r == 0 && m->key; m++) {
		const json_t *value = json_object_get(object, m->key);
		if (value)
			r = take_member(m, value, (char *)to + m->offset);
	}
	return r;
}

/* ---- rows ---- */

typedef int take_row(struct overview *overview, const json_t *row);

static int take_rows(struct overview *overview, const json_t *top, const char *key, take_row *take)
{
	const json_t *rows = json_object_get(top, key);
	int r = !rows || json_is_array(rows) ? 0 : -EBADMSG;
	for (size_t i = 0; r == 0 && rows && i < json_array_size(rows); i++)
		r = take(overview, json_array_get(rows, i));
	return r;
}

static int take_slot(struct overview *overview, const json_t *row, bool is_layer)
{
	struct overview_slot *slot = overview_add_slot(overview);
	if (!slot)
		return -ENOMEM;
	slot->is_layer = is_layer;
	int r = take_members(is_layer ? overview_layer_members : overview_function_members, row, slot);
	return r == 0 && !slot->name ? -EBADMSG : r;
}

static int take_function(struct overview *overview, const json_t *row)
{
	return take_slot(overview, row, false);
}

static int take_layer(struct overview *overview, const json_t *row)
{
	return take_slot(overview, row, true);
}

static int take_config(struct overview *overview, const json_t *row)
{
	struct overview_config *config = overview_add_config(overview);
	if (!config)
		return -ENOMEM;
	int r = take_members(overview_config_members, row, config);
	if (r == 0)
		r = take_texts(json_object_get(row, MEMBERS_PUBLISHERS), CONFIG_PUBLISHERS_MAX, &config->publishers,
			       &config->publisher_count);
	return r == 0 && !config->name ? -EBADMSG : r;
}

static int take_account(struct overview *overview, const json_t *row)
{
	struct overview_account *account = overview_add_account(overview);
	if (!account)
		return -ENOMEM;
	int r = take_members(overview_account_members, row, account);
	return r == 0 && !account->id ? -EBADMSG : r;
}

/* Programs from before there were bundles have none of it; one that is not governed has null. */
static int take_policy(struct overview_policy *policy, const json_t *object)
{
	if (!object || json_is_null(object))
		return 0;
	int r = take_members(overview_policy_members, object, policy);
	const json_t *by_kind = json_object_get(object, MEMBERS_BY_KIND);
	if (r == 0 && by_kind)
		r = take_members(overview_drift_members, by_kind, policy);
	if (r == 0)
		r = take_texts(json_object_get(object, MEMBERS_DRIFT), LIMIT_DRIFT_ITEMS, &policy->drift,
			       &policy->drift_shown);
	return r == 0 && !policy->state ? -EBADMSG : r;
}

/* ---- the whole ---- */

static int take_all(struct overview *overview, const json_t *top)
{
	const json_t *schema = json_object_get(top, "schema");
	if (!json_is_integer(schema) || json_integer_value(schema) != MEMBERS_SCHEMA)
		return -EBADMSG;
	int r = take_members(overview_members, top, overview);
	if (r == 0)
		r = take_policy(&overview->policy, json_object_get(top, MEMBERS_POLICY));
	if (r == 0)
		r = take_rows(overview, top, MEMBERS_FUNCTIONS, take_function);
	if (r == 0)
		r = take_rows(overview, top, MEMBERS_LAYERS, take_layer);
	if (r == 0)
		r = take_rows(overview, top, MEMBERS_CONFIGS, take_config);
	if (r == 0)
		r = take_rows(overview, top, MEMBERS_ACCOUNTS, take_account);
	return r;
}

int overview_parse(const char *text, size_t len, struct overview **ret)
{
	if (len > LIMIT_STATUS_BYTES)
		return -EBADMSG;
	json_t *top = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	struct overview *overview = top ? overview_new() : NULL;
	int r = !top ? -EBADMSG : !overview ? -ENOMEM : take_all(overview, top);
	json_decref(top);
	if (r < 0) {
		overview_free(overview);
		return r;
	}
	overview_rank(overview);
	*ret = overview;
	return 0;
}
