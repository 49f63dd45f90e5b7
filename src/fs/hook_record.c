#include "hook_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "audit/say.h"
#include "base/text.h"

/* What the mount does by itself is no decision; everything else is, or tells what became of one. */
static bool is_for_hooks(enum audit_event event)
{
	return event != AUDIT_START && event != AUDIT_STOP && event != AUDIT_RECOVERY && event != AUDIT_SWITCH;
}

static bool put(struct hook_record *record, enum hook_text which, const char *text, size_t len)
{
	if (sizeof(record->message) - record->len <= len)
		return false;
	char *at = record->message + record->len;
	record->texts[which] = at;
	memcpy(at, text, len);
	at[len] = '\0';
	record->len += len + 1;
	return true;
}

static bool put_text(struct hook_record *record, enum hook_text which, const char *text)
{
	return put(record, which, text ? text : "", text ? strlen(text) : 0);
}

static bool put_number(struct hook_record *record, enum hook_text which, uint64_t number)
{
	char text[24];
	(void)snprintf(text, sizeof(text), "%" PRIu64, number);
	return put_text(record, which, text);
}

bool hook_record_make(const struct audit_news *news, uint64_t dropped, struct hook_record *ret)
{
	const struct audit_record *record = news->record;
	if (!is_for_hooks(record->event))
		return false;
	ret->len = 0;
	return put_number(ret, HOOK_EVENT_ID, news->seq) &&
	       put_text(ret, HOOK_EVENT, audit_event_name(record->event)) &&
	       put_text(ret, HOOK_OUTCOME, audit_outcome_name(record)) &&
	       put_text(ret, HOOK_REASON, audit_reason_code(record)) && put_text(ret, HOOK_SLOT, record->slot) &&
	       put(ret, HOOK_LINE, news->line, news->len) && put_number(ret, HOOK_DROPPED, dropped);
}

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static const struct form {
	const char *set; /* NULL: printable ASCII */
	size_t min, max;
} forms[HOOK_TEXT_COUNT] = {
	[HOOK_EVENT_ID] = {DIGITS, 1, 20},
	[HOOK_EVENT] = {LOWER "-", 1, 64},
	[HOOK_OUTCOME] = {LOWER "-", 1, 64},
	[HOOK_REASON] = {UPPER DIGITS, 0, 16},
	[HOOK_SLOT] = {LOWER UPPER DIGITS "_-/", 0, 128},
	[HOOK_LINE] = {NULL, 2, LIMIT_AUDIT_RECORD_BYTES},
	[HOOK_DROPPED] = {DIGITS, 1, 20},
};

static bool has_form(const char *text, size_t len, const struct form *form)
{
	if (form->set)
		return text_consists_of(text, len, form->set, form->min, form->max);
	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	return len >= form->min && len <= form->max;
}

bool hook_record_parse(struct hook_record *record)
{
	const char *at = record->message, *end = record->message + record->len;
	for (size_t i = 0; i < HOOK_TEXT_COUNT; i++) {
		const char *nul = memchr(at, '\0', (size_t)(end - at));
		if (!nul || !has_form(at, (size_t)(nul - at), &forms[i]))
			return false;
		record->texts[i] = at;
		at = nul + 1;
	}
	return at == end;
}
