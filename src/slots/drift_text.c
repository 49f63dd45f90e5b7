/* Differences as text: what was compared, then each of them from its line "item" on. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "slots/drift.h"

#define YES "yes"
#define NO  "no"

static int render_item(const struct drift_item *item, struct buf *ret)
{
	return buf_printf(ret, "item: %s\nsubject: %s\nexpected: %s\nfound: %s\nremediable: %s\n",
			  drift_kind_name(item->kind), item->subject, item->expected, item->found,
			  item->is_remediable ? YES : NO);
}

int drift_render(const struct drift *drift, struct buf *ret)
{
	int r = buf_printf(ret, "checked-s: %" PRId64 "\nsequence: %" PRIu64 "\nremediates: %s\ncount: %zu\n",
			   drift->checked_at_s, drift->sequence, drift->remediates ? YES : NO, drift->count);
	for (size_t i = 0; r == 0 && i < drift_item_count(drift); i++)
		r = render_item(&drift->items[i], ret);
	return r;
}

/* ---- reading ---- */

struct reading {
	struct drift *drift;
	size_t item_count; /* so far */
	uint64_t count;	   /* as stated */
	bool has_time;
	bool has_count;
};

static bool take_answer(const struct text_line *line, bool *ret)
{
	*ret = text_equal(line->value, line->value_len, YES);
	return *ret || text_equal(line->value, line->value_len, NO);
}

static bool take_text(const struct text_line *line, char *ret, size_t size)
{
	if (line->value_len >= size || !text_is_printable(line->value, line->value_len))
		return false;
	memcpy(ret, line->value, line->value_len);
	ret[line->value_len] = '\0';
	return true;
}

static bool begin_item(struct reading *reading, const struct text_line *line)
{
	if (reading->item_count == LIMIT_DRIFT_ITEMS)
		return false;
	for (enum drift_kind kind = 0; kind < DRIFT_KIND_COUNT; kind++)
		if (text_equal(line->value, line->value_len, drift_kind_name(kind))) {
			reading->drift->items[reading->item_count++].kind = kind;
			return true;
		}
	return false;
}

static bool take_of_item(struct drift_item *item, const struct text_line *line)
{
	if (text_equal(line->key, line->key_len, "subject"))
		return take_text(line, item->subject, sizeof(item->subject));
	if (text_equal(line->key, line->key_len, "expected"))
		return take_text(line, item->expected, sizeof(item->expected));
	if (text_equal(line->key, line->key_len, "found"))
		return take_text(line, item->found, sizeof(item->found));
	if (text_equal(line->key, line->key_len, "remediable"))
		return take_answer(line, &item->is_remediable);
	return true; /* a later version's */
}

static bool take_of_check(struct reading *reading, const struct text_line *line)
{
	struct drift *drift = reading->drift;
	uint64_t number;
	if (text_equal(line->key, line->key_len, "remediates"))
		return take_answer(line, &drift->remediates);
	if (text_equal(line->key, line->key_len, "sequence"))
		return text_parse_u64(line->value, line->value_len, UINT64_MAX, &drift->sequence);
	if (text_equal(line->key, line->key_len, "count")) {
		reading->has_count = true;
		return text_parse_u64(line->value, line->value_len, SIZE_MAX, &reading->count);
	}
	if (text_equal(line->key, line->key_len, "checked-s")) {
		reading->has_time = text_parse_u64(line->value, line->value_len, INT64_MAX, &number);
		if (reading->has_time)
			drift->checked_at_s = (int64_t)number;
		return reading->has_time;
	}
	return true; /* a later version's */
}

static bool take_line(struct reading *reading, const struct text_line *line)
{
	if (text_equal(line->key, line->key_len, "item"))
		return begin_item(reading, line);
	if (reading->item_count > 0)
		return take_of_item(&reading->drift->items[reading->item_count - 1], line);
	return take_of_check(reading, line);
}

int drift_parse(const char *text, size_t len, struct drift *ret)
{
	struct reading reading = {.drift = calloc(1, sizeof(*ret))};
	const char *at = text;
	struct text_line line;
	if (!reading.drift)
		return -ENOMEM;
	bool good = true;
	while (good && text_next_line(&at, text + len, &line))
		good = take_line(&reading, &line);

	reading.drift->count = reading.count;
	good = good && at == text + len && reading.has_time && reading.has_count &&
	       reading.item_count == drift_item_count(reading.drift);
	if (good)
		*ret = *reading.drift;
	free(reading.drift);
	return good ? 0 : -EBADMSG;
}
