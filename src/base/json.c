#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

static void keep(struct json *j, int r)
{
	if (j->error == 0 && r < 0)
		j->error = r;
}

static void new_line(struct json *j)
{
	if (!j->pretty)
		return;
	keep(j, buf_putc(j->out, '\n'));
	for (unsigned i = 0; i < j->depth; i++)
		keep(j, buf_puts(j->out, "    "));
}

static void put_point(struct json *j, uint32_t point)
{
	if (point == '"' || point == '\\')
		keep(j, buf_printf(j->out, "\\%c", (int)point));
	else if (point == '\n')
		keep(j, buf_puts(j->out, "\\n"));
	else if (point >= 0x20 && point < 0x7f)
		keep(j, buf_putc(j->out, (char)point));
	else if (point < 0x10000)
		keep(j, buf_printf(j->out, "\\u%04x", point));
	else
		keep(j, buf_printf(j->out, "\\u%04x\\u%04x", 0xd800 + ((point - 0x10000) >> 10),
				   0xdc00 + ((point - 0x10000) & 0x3ff)));
}

static void put_string(struct json *j, const char *text, size_t len)
{
	keep(j, buf_putc(j->out, '"'));
	for (size_t i = 0; i < len;) {
		uint32_t point;
		size_t used = text_decode_utf8(text + i, len - i, &point);
		put_point(j, used > 0 ? point : 0xfffd);
		i += used > 0 ? used : 1;
	}
	keep(j, buf_putc(j->out, '"'));
}

static void put_key(struct json *j, const char *key)
{
	if (j->depth > 0) {
		if (j->has_items[j->depth - 1])
			keep(j, buf_putc(j->out, ','));
		j->has_items[j->depth - 1] = true;
		new_line(j);
	}
	if (key) {
		put_string(j, key, strlen(key));
		keep(j, buf_puts(j->out, j->pretty ? ": " : ":"));
	}
}

static void open_level(struct json *j, const char *key, char opener, char closer)
{
	put_key(j, key);
	ASSERT(j->depth < JSON_DEPTH_MAX);
	keep(j, buf_putc(j->out, opener));
	j->closer[j->depth] = closer;
	j->has_items[j->depth] = false;
	j->depth++;
}

void json_object(struct json *j, const char *key)
{
	open_level(j, key, '{', '}');
}

void json_array(struct json *j, const char *key)
{
	open_level(j, key, '[', ']');
}

void json_close(struct json *j)
{
	ASSERT(j->depth > 0);
	j->depth--;
	if (j->has_items[j->depth])
		new_line(j);
	keep(j, buf_putc(j->out, j->closer[j->depth]));
}

void json_text_n(struct json *j, const char *key, const char *value, size_t len)
{
	put_key(j, key);
	put_string(j, value, len);
}

void json_text(struct json *j, const char *key, const char *value)
{
	if (value) {
		json_text_n(j, key, value, strlen(value));
		return;
	}
	put_key(j, key);
	keep(j, buf_puts(j->out, "null"));
}

void json_u64(struct json *j, const char *key, uint64_t value)
{
	put_key(j, key);
	keep(j, buf_printf(j->out, "%" PRIu64, value));
}

void json_i64(struct json *j, const char *key, int64_t value)
{
	put_key(j, key);
	keep(j, buf_printf(j->out, "%" PRId64, value));
}

void json_bool(struct json *j, const char *key, bool value)
{
	put_key(j, key);
	keep(j, buf_puts(j->out, value ? "true" : "false"));
}

void json_aws_time(struct json *j, const char *key, int64_t at_s)
{
	char utc[CLOCK_UTC_SIZE], text[CLOCK_UTC_SIZE + 8];
	clock_format_utc(at_s, utc);
	(void)snprintf(text, sizeof(text), "%.19s+00:00", utc);
	json_text(j, key, text);
}

int json_end(struct json *j)
{
	ASSERT(j->depth == 0);
	return j->error;
}
