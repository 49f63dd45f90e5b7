/* "key: value" lines, the form of all the project's small records. Declared in text.h. */
#include <string.h>

#include "base/text.h"

bool text_next_line(const char **cursor, const char *end, struct text_line *ret)
{
	const char *line = *cursor;
	if (line >= end)
		return false;
	const char *newline = memchr(line, '\n', (size_t)(end - line));
	if (!newline)
		return false;
	const char *colon = memmem(line, (size_t)(newline - line), ": ", 2);
	if (!colon || colon == line)
		return false;

	*ret = (struct text_line){
		.key = line,
		.key_len = (size_t)(colon - line),
		.value = colon + 2,
		.value_len = (size_t)(newline - colon) - 2,
	};
	*cursor = newline + 1;
	return true;
}

static bool find_line(const char *record, size_t len, const char *key, struct text_line *ret)
{
	const char *cursor = record;
	while (text_next_line(&cursor, record + len, ret))
		if (text_equal(ret->key, ret->key_len, key))
			return true;
	return false;
}

char *text_record_get(const char *record, size_t len, const char *key)
{
	struct text_line line;
	return find_line(record, len, key, &line) ? strndup(line.value, line.value_len) : NULL;
}

bool text_record_get_u64(const char *record, size_t len, const char *key, uint64_t *ret)
{
	struct text_line line;
	return find_line(record, len, key, &line) && text_parse_u64(line.value, line.value_len, UINT64_MAX, ret);
}
