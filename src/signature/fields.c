/* Reading a statement, line by line. */
#include "fields.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"

#define SHOWN_BYTES 160

int fields_refuse(const struct fields *fields, const struct text_line *line, const char *expected)
{
	char key[SHOWN_BYTES], value[SHOWN_BYTES];
	explain_set(fields->why, "%s: expected %s, found \"%s\"",
		    text_escape_print(key, sizeof(key), line->key, line->key_len), expected,
		    text_escape_print(value, sizeof(value), line->value, line->value_len));
	return -EBADMSG;
}

int fields_next(struct fields *fields, const char *key, struct text_line *ret)
{
	if (text_next_line(&fields->at, fields->end, ret) && text_equal(ret->key, ret->key_len, key))
		return 0;
	explain_set(fields->why, "the statement has no line \"%s: ...\" where it is expected", key);
	return -EBADMSG;
}

int fields_next_u64(struct fields *fields, const char *key, uint64_t *ret)
{
	struct text_line line;
	int r = fields_next(fields, key, &line);
	if (r == 0 && !text_parse_u64(line.value, line.value_len, UINT64_MAX, ret))
		r = fields_refuse(fields, &line, "a number");
	return r;
}

int fields_next_time(struct fields *fields, const char *key, int64_t *ret_s)
{
	struct text_line line;
	int r = fields_next(fields, key, &line);
	if (r == 0 && !clock_parse_utc(line.value, line.value_len, ret_s))
		r = fields_refuse(fields, &line, "a UTC time YYYY-MM-DDThh:mm:ssZ");
	return r;
}

int fields_next_hex(struct fields *fields, const char *key, uint8_t *ret, size_t len)
{
	struct text_line line;
	int r = fields_next(fields, key, &line);
	if (r == 0 && !text_unhex(line.value, line.value_len, ret, len))
		r = fields_refuse(fields, &line, "a digest in lower-case hex");
	return r;
}

int fields_next_constant(struct fields *fields, const char *key, const char *value)
{
	struct text_line line;
	int r = fields_next(fields, key, &line);
	if (r == 0 && !text_equal(line.value, line.value_len, value))
		r = fields_refuse(fields, &line, value);
	return r;
}

int fields_compare(const struct fields *fields, const struct buf *printed, const char *text, size_t len)
{
	if (printed->len == len && memcmp(printed->data, text, len) == 0)
		return 0;
	explain_set(fields->why,
		    "the statement is not in its one form (keys in their order, each once, no blanks, LF)");
	return -EBADMSG;
}
