/* Rows made of releases, of notes, and of verdicts. */
#include "overview/fill.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "common.h"
#include "gate/gate.h"

/* ---- the slot ---- */

static const char *mode_name(const struct config_slot *section)
{
	if (!section)
		return OVERVIEW_NO_CONFIG;
	if (!section->code_signing)
		return "UNCHECKED";
	return section->code_signing->deployment == CONFIG_ENFORCE ? "Enforce" : "Warn";
}

int overview_fill_slot(const char *name, bool is_layer, const struct config_slot *section, struct overview_slot *slot)
{
	const struct config_code_signing *rules = section && !is_layer ? section->code_signing : NULL;
	slot->is_layer = is_layer;
	int r = view_copy(name, &slot->name);
	if (r == 0)
		r = view_copy(is_layer ? "-" : mode_name(section), &slot->mode);
	return r == 0 && rules ? view_copy(rules->name, &slot->config) : r;
}

/* ---- what is there ---- */

/* NULL where the record does not say; out of memory is taken for that, too. */
static char *get(const char *record, size_t len, const char *key)
{
	return text_record_get(record, len, key);
}

/* "-" stands for none. */
static char *get_code(const char *record, size_t len, const char *key)
{
	char *code = get(record, len, key);
	if (code && code[0] != '-')
		return code;
	free(code);
	return NULL;
}

static int64_t get_time(const char *record, size_t len, const char *key)
{
	int64_t at_s = 0;
	char *text = get(record, len, key);
	if (text)
		(void)clock_parse_utc(text, strlen(text), &at_s);
	free(text);
	return at_s;
}

static int print_layers(const struct store_release *release, char **ret)
{
	struct buf text = {0};
	int r = 0;
	for (size_t i = 0; r == 0 && i < release->layer_count; i++) {
		char name[GATE_LAYER_NAME_SIZE];
		gate_print_layer(release->layers[i].layer, release->layers[i].version, name);
		r = buf_printf(&text, "%s%s", i > 0 ? " " : "", name);
	}
	if (r == 0 && text.len > 0)
		*ret = buf_steal(&text);
	buf_done(&text);
	return r;
}

int overview_fill_release(const struct store_release *release, struct overview_slot *slot)
{
	const char *record = release->decision;
	size_t len = strlen(record);
	uint64_t uid = release->uid;
	(void)text_record_get_u64(record, len, "by-uid", &uid);
	slot->release = release->number;
	slot->since_s = release->created_at_s;
	slot->by_uid = (uint32_t)uid;
	slot->by_command = get(record, len, "by-command");
	slot->outcome = get(record, len, "outcome");
	slot->reason = get_code(record, len, "reason");
	slot->profile_version_arn = get(record, len, "profile-version-arn");
	slot->signed_at_s = get_time(record, len, "signed-at");
	slot->expires_at_s = get_time(record, len, "expires-at");
	return slot->is_layer ? 0 : print_layers(release, &slot->layers);
}

/* ---- the last attempt ---- */

/* "uid 1001 (cp)"; what is written otherwise names nobody. */
static void parse_by(const char *by, struct overview_attempt *ret)
{
	static const char before[] = "uid ", between[] = " (";
	uint64_t uid;
	const char *number = text_starts_with(by, before) ? by + strlen(before) : NULL;
	const char *gap = number ? strstr(number, between) : NULL;
	if (!gap || !text_ends_with(gap, ")") || !text_parse_u64(number, (size_t)(gap - number), UINT32_MAX, &uid))
		return;
	const char *command = gap + strlen(between);
	ret->uid = (uint32_t)uid;
	ret->command = strndup(command, strlen(command) - 1);
}

int overview_fill_last(const char *note, size_t len, struct overview_attempt *last)
{
	last->outcome = get(note, len, "outcome");
	if (!last->outcome)
		return 0;
	last->reason = get_code(note, len, "reason");
	last->detail = get(note, len, "detail");
	last->at_s = get_time(note, len, "at");
	(void)text_record_get_u64(note, len, "event", &last->event);
	char *by = get(note, len, "by");
	if (by)
		parse_by(by, last);
	free(by);
	return 0;
}

/* ---- under Enforce ---- */

int overview_fill_enforce(enum policy_outcome outcome, enum policy_reason reason, const char *detail,
			  struct overview_slot *slot)
{
	int r = view_copy(policy_outcome_name(outcome), &slot->enforce_outcome);
	if (r < 0 || outcome != POLICY_REFUSED)
		return r;
	r = view_copy(policy_reason_info(reason)->code, &slot->enforce_reason);
	return r == 0 ? view_copy(detail, &slot->enforce_detail) : r;
}
