/* Records of the home; the grammar of the lines is base's (text_next_line). */
#include "record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

int record_put(struct buf *text, const char *key, const char *value)
{
	if (!value)
		return 0;
	size_t len = strlen(value), escaped_size = 4 * len + 8;
	char *escaped = malloc(escaped_size);
	if (!escaped)
		return -ENOMEM;
	int r = buf_printf(text, "%s: %s\n", key, text_escape_print(escaped, escaped_size, value, len));
	free(escaped);
	return r;
}

int record_put_u64(struct buf *text, const char *key, uint64_t value)
{
	return buf_printf(text, "%s: %" PRIu64 "\n", key, value);
}

int record_put_time(struct buf *text, const char *key, int64_t at_s)
{
	char utc[CLOCK_UTC_SIZE];
	clock_format_utc(at_s, utc);
	return record_put(text, key, utc);
}

/* A value as it was before it was escaped; NULL with *ret_valid false when it is none. */
static char *unescape(const char *text, size_t len, bool *ret_valid)
{
	char *value = malloc(len + 1);
	size_t value_len;
	*ret_valid = true;
	if (!value)
		return NULL;
	*ret_valid = text_unescape_print(text, len, value, len + 1, &value_len);
	if (*ret_valid)
		return value;
	free(value);
	return NULL;
}

void record_bad(struct record *record, const char *key)
{
	if (!record->bad_key)
		record->bad_key = key;
}

void record_optional_text(struct record *record, const char *key, char **ret)
{
	*ret = NULL;
	const char *cursor = record->text->data, *end = cursor + record->text->len;
	struct text_line line;
	while (record->text->len > 0 && text_next_line(&cursor, end, &line)) {
		if (!text_equal(line.key, line.key_len, key))
			continue;
		bool valid;
		*ret = unescape(line.value, line.value_len, &valid);
		if (!valid)
			record_bad(record, key);
		else if (!*ret)
			record->out_of_memory = true;
		return;
	}
}

void record_text(struct record *record, const char *key, char **ret)
{
	record_optional_text(record, key, ret);
	if (!*ret)
		record_bad(record, key);
}

void record_begin(struct record *record, const struct buf *text, const char *kind)
{
	*record = (struct record){.text = text};
	uint64_t version;
	record_u64(record, kind, 1, &version);
	if (version != 1)
		record_bad(record, kind);
}

void record_copy(struct record *record, const char *key, char *ret, size_t ret_size,
		 bool (*is_valid)(const char *text, size_t len))
{
	char *value;
	*ret = '\0';
	record_text(record, key, &value);
	if (!value)
		return;
	size_t len = strlen(value);
	if (len < ret_size && is_valid(value, len))
		memcpy(ret, value, len + 1);
	else
		record_bad(record, key);
	free(value);
}

void record_u64(struct record *record, const char *key, uint64_t max, uint64_t *ret)
{
	char *value;
	*ret = 0;
	record_text(record, key, &value);
	if (value && !text_parse_u64(value, strlen(value), max, ret))
		record_bad(record, key);
	free(value);
}

void record_time(struct record *record, const char *key, int64_t *ret_s)
{
	char *value;
	*ret_s = 0;
	record_text(record, key, &value);
	if (value && !clock_parse_utc(value, strlen(value), ret_s))
		record_bad(record, key);
	free(value);
}

void record_choice(struct record *record, const char *key, const char *const *names, size_t count, size_t *ret)
{
	char *value;
	*ret = 0;
	record_text(record, key, &value);
	size_t i = 0;
	while (value && i < count && strcmp(value, names[i]) != 0)
		i++;
	if (value && i < count)
		*ret = i;
	else
		record_bad(record, key);
	free(value);
}

int record_end(const struct record *record, const char *file, struct explain *ret_why)
{
	if (record->out_of_memory)
		return -ENOMEM;
	if (!record->bad_key)
		return 0;
	explain_set(ret_why, "%s in the signer's home is damaged at \"%s\"; restore it from a backup", file,
		    record->bad_key);
	return -EIO;
}
