/* Effects as text. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "slots/effects.h"

const char *effect_name(enum effect effect)
{
	static const char *const names[EFFECT_COUNT] = {"unchanged", "blocked", "allowed", "warned", "cleared"};
	ASSERT((size_t)effect < ARRAY_SIZE(names));
	return names[effect];
}

uint64_t effects_row_count(const struct effects *effects, enum effect effect)
{
	uint64_t count = effect == EFFECT_UNCHANGED ? 0 : effects->counts[effect];
	return count < LIMIT_EFFECT_ROWS ? count : LIMIT_EFFECT_ROWS;
}

const char *effects_summarize(const struct effects *effects, char ret[EFFECTS_SUMMARY_SIZE])
{
	const uint64_t *counts = effects->counts;
	(void)snprintf(ret, EFFECTS_SUMMARY_SIZE,
		       "generation %" PRIu64 ": %" PRIu64 " now blocked, %" PRIu64 " allowed again, %" PRIu64
		       " now warned about, %" PRIu64 " unchanged",
		       effects->generation, counts[EFFECT_BLOCKED], counts[EFFECT_ALLOWED], counts[EFFECT_WARNED],
		       counts[EFFECT_UNCHANGED] + counts[EFFECT_CLEARED]);
	return ret;
}

/* ---- numbers ---- */

static const struct {
	const char *key;
	size_t offset;
} numbers[] = {
	{"generation", offsetof(struct effects, generation)},
	{"functions-added", offsetof(struct effects, functions.added)},
	{"functions-removed", offsetof(struct effects, functions.removed)},
	{"functions-changed", offsetof(struct effects, functions.changed)},
	{"layers-added", offsetof(struct effects, layers.added)},
	{"layers-removed", offsetof(struct effects, layers.removed)},
	{"layers-changed", offsetof(struct effects, layers.changed)},
	{"configs-added", offsetof(struct effects, configs.added)},
	{"configs-removed", offsetof(struct effects, configs.removed)},
	{"configs-changed", offsetof(struct effects, configs.changed)},
	{"accounts-added", offsetof(struct effects, accounts.added)},
	{"accounts-removed", offsetof(struct effects, accounts.removed)},
	{"accounts-changed", offsetof(struct effects, accounts.changed)},
	{"unchanged", offsetof(struct effects, counts[EFFECT_UNCHANGED])},
	{"blocked", offsetof(struct effects, counts[EFFECT_BLOCKED])},
	{"allowed", offsetof(struct effects, counts[EFFECT_ALLOWED])},
	{"warned", offsetof(struct effects, counts[EFFECT_WARNED])},
	{"cleared", offsetof(struct effects, counts[EFFECT_CLEARED])},
};

static int put_numbers(const struct effects *effects, struct buf *ret)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(numbers); i++) {
		const uint64_t *number = (const uint64_t *)((const char *)effects + numbers[i].offset);
		r = buf_printf(ret, "%s: %" PRIu64 "\n", numbers[i].key, *number);
	}
	return r;
}

static bool take_number(const struct text_line *line, struct effects *effects)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (text_equal(line->key, line->key_len, numbers[i].key))
			return text_parse_u64(line->value, line->value_len, UINT64_MAX,
					      (uint64_t *)((char *)effects + numbers[i].offset));
	return true; /* a later version's */
}

/* ---- rows: "row-blocked: functions/billing 3 VF2003 the signature expired at ..." ---- */

#define ROW	"row-"
#define NO_CODE "-"

static int put_rows(const struct effects *effects, enum effect effect, struct buf *ret)
{
	int r = 0;
	for (uint64_t i = 0; r == 0 && i < effects_row_count(effects, effect); i++) {
		const struct effect_row *row = &effects->rows[effect][i];
		r = buf_printf(ret, ROW "%s: %s %" PRIu64 " %s %s\n", effect_name(effect), row->slot, row->release,
			       row->code[0] ? row->code : NO_CODE, row->detail);
	}
	return r;
}

int effects_render(const struct effects *effects, struct buf *ret)
{
	int r = put_numbers(effects, ret);
	for (enum effect effect = EFFECT_BLOCKED; r == 0 && effect < EFFECT_COUNT; effect++)
		r = put_rows(effects, effect, ret);
	return r;
}

/* The next word of a row, which ends in a blank. */
static bool take_word(const char **at, const char *end, char *ret, size_t size)
{
	const char *blank = memchr(*at, ' ', (size_t)(end - *at));
	size_t len = blank ? (size_t)(blank - *at) : size;
	if (len >= size)
		return false;
	memcpy(ret, *at, len);
	ret[len] = '\0';
	*at = blank + 1;
	return true;
}

static bool take_row(const struct text_line *line, struct effect_row *ret)
{
	const char *at = line->value, *end = line->value + line->value_len;
	char release[24];
	struct effect_row row = {0};
	if (!take_word(&at, end, row.slot, sizeof(row.slot)) || !take_word(&at, end, release, sizeof(release)) ||
	    !text_parse_u64(release, strlen(release), UINT64_MAX, &row.release) ||
	    !take_word(&at, end, row.code, sizeof(row.code)) || (size_t)(end - at) >= sizeof(row.detail))
		return false;
	memcpy(row.detail, at, (size_t)(end - at));
	if (strcmp(row.code, NO_CODE) == 0)
		row.code[0] = '\0';
	*ret = row;
	return true;
}

/* EFFECT_UNCHANGED: it is no row. */
static enum effect row_kind(const struct text_line *line)
{
	for (enum effect effect = EFFECT_BLOCKED; effect < EFFECT_COUNT; effect++) {
		char key[32];
		(void)snprintf(key, sizeof(key), ROW "%s", effect_name(effect));
		if (text_equal(line->key, line->key_len, key))
			return effect;
	}
	return EFFECT_UNCHANGED;
}

int effects_parse(const char *text, size_t len, struct effects *ret)
{
	const char *at = text, *end = text + len;
	struct text_line line;
	uint64_t taken[EFFECT_COUNT] = {0};
	memset(ret, 0, sizeof(*ret));
	while (text_next_line(&at, end, &line)) {
		enum effect effect = row_kind(&line);
		bool is_sound = effect == EFFECT_UNCHANGED
					? take_number(&line, ret)
					: taken[effect] < LIMIT_EFFECT_ROWS &&
						  take_row(&line, &ret->rows[effect][taken[effect]++]);
		if (!is_sound)
			return -EBADMSG;
	}
	for (enum effect effect = EFFECT_BLOCKED; effect < EFFECT_COUNT; effect++)
		if (taken[effect] != effects_row_count(ret, effect))
			return -EBADMSG;
	return at == end && ret->generation > 0 ? 0 : -EBADMSG;
}
