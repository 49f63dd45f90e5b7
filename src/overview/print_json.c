/* status.json, written: every member by the tables of members.h. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "members.h"
#include "views_json.h"

static void put_time(struct json *j, const char *key, int64_t at_s)
{
	char at[CLOCK_UTC_SIZE];
	if (at_s > 0)
		clock_format_utc(at_s, at);
	json_text(j, key, at_s > 0 ? at : NULL);
}

static void put_words(struct json *j, const char *key, const char *words)
{
	json_array(j, key);
	for (const char *word = words ? words : "", *end; word[0]; word = end[0] ? end + 1 : end) {
		end = strchrnul(word, ' ');
		json_text_n(j, NULL, word, (size_t)(end - word));
	}
	json_close(j);
}

static void put_member(struct json *j, const struct member *m, const void *from)
{
	switch (m->kind) {
	case MEMBER_TEXT:
		json_text(j, m->key, *(char *const *)from);
		break;
	case MEMBER_BOOL:
		json_bool(j, m->key, *(const bool *)from);
		break;
	case MEMBER_U64:
		json_u64(j, m->key, *(const uint64_t *)from);
		break;
	case MEMBER_U32:
		json_u64(j, m->key, *(const uint32_t *)from);
		break;
	case MEMBER_TIME:
		put_time(j, m->key, *(const int64_t *)from);
		break;
	case MEMBER_WORDS:
		put_words(j, m->key, *(char *const *)from);
		break;
	}
}

static void put_members(struct json *j, const struct member *members, const void *of)
{
	for (const struct member *m = members; m->key; m++)
		put_member(j, m, (const char *)of + m->offset);
}

/* "uid 1001 (cp)", for people who read the file; programs have number and command apart. */
static void put_by(struct json *j, const char *key, bool is_there, uint32_t uid, const char *command)
{
	char by[160];
	(void)snprintf(by, sizeof(by), "uid %u (%s)", uid, command ? command : "?");
	json_text(j, key, is_there ? by : NULL);
}

static void put_slots(struct json *j, const char *key, const struct overview *overview, bool layers)
{
	json_array(j, key);
	for (size_t i = 0; i < overview->slot_count; i++) {
		const struct overview_slot *slot = &overview->slots[i];
		if (slot->is_layer != layers)
			continue;
		json_object(j, NULL);
		put_members(j, layers ? overview_layer_members : overview_function_members, slot);
		put_by(j, "lastBy", slot->last.outcome, slot->last.uid, slot->last.command);
		put_by(j, layers ? "publishedBy" : "deployedBy", slot->release > 0, slot->by_uid, slot->by_command);
		json_close(j);
	}
	json_close(j);
}

static void put_texts(struct json *j, const char *key, char *const *texts, size_t count)
{
	json_array(j, key);
	for (size_t i = 0; i < count; i++)
		json_text(j, NULL, texts[i]);
	json_close(j);
}

void view_put_policy(struct json *j, const struct overview_policy *policy)
{
	if (!policy->state) {
		json_text(j, MEMBERS_POLICY, NULL);
		return;
	}
	json_object(j, MEMBERS_POLICY);
	put_members(j, overview_policy_members, policy);
	json_object(j, MEMBERS_BY_KIND);
	put_members(j, overview_drift_members, policy);
	json_close(j);
	put_texts(j, MEMBERS_DRIFT, policy->drift, policy->drift_shown);
	json_close(j);
}

static void put_configs(struct json *j, const struct overview *overview)
{
	json_array(j, MEMBERS_CONFIGS);
	for (size_t i = 0; i < overview->config_count; i++) {
		const struct overview_config *config = &overview->configs[i];
		json_object(j, NULL);
		put_members(j, overview_config_members, config);
		put_texts(j, MEMBERS_PUBLISHERS, config->publishers, config->publisher_count);
		json_close(j);
	}
	json_close(j);
}

static void put_accounts(struct json *j, const struct overview *overview)
{
	json_array(j, MEMBERS_ACCOUNTS);
	for (size_t i = 0; i < overview->account_count; i++) {
		json_object(j, NULL);
		put_members(j, overview_account_members, &overview->accounts[i]);
		json_close(j);
	}
	json_close(j);
}

void overview_put_json(struct json *j, const struct overview *overview)
{
	json_u64(j, "schema", MEMBERS_SCHEMA);
	put_members(j, overview_members, overview);
	view_put_policy(j, &overview->policy);
	put_slots(j, MEMBERS_FUNCTIONS, overview, false);
	put_slots(j, MEMBERS_LAYERS, overview, true);
	put_configs(j, overview);
	put_accounts(j, overview);
}
