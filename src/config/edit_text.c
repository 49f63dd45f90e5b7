/* The text of a file that a command writes: lines of the keys it sets are replaced, all others stay as they are. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "config/edit.h"

void config_edit_name(const char *section, char ret[CONFIG_EDIT_NAME_SIZE])
{
	(void)snprintf(ret, CONFIG_EDIT_NAME_SIZE, "%s.conf", section);
	for (char *at = ret; *at; at++)
		if (*at == ' ')
			*at = '-';
}

/* What a line would not give back as it is. */
static int check_value(const struct config_line *line, struct explain *ret_why)
{
	const char *value = line->value;
	size_t len = strlen(value), room = LIMIT_CONFIG_LINE_BYTES - strlen(line->key) - strlen(" = ");
	if (len > room) {
		explain_set(ret_why, "%s: %zu bytes; at most %zu fit on a line of the configuration", line->key, len,
			    room);
		return -EINVAL;
	}
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)value[i];
		if (c < 0x20 || c == 0x7f) {
			explain_set(ret_why, "%s: it may not hold line ends, tabs or other control characters",
				    line->key);
			return -EINVAL;
		}
		if (c == ';' && (i == 0 || value[i - 1] == ' ')) {
			explain_set(ret_why, "%s: a blank and a semicolon would begin a comment; leave out the blank",
				    line->key);
			return -EINVAL;
		}
	}
	if (len == 0 || value[0] == ' ' || value[len - 1] == ' ') {
		explain_set(ret_why, "%s: it may not be empty, nor begin or end with a blank", line->key);
		return -EINVAL;
	}
	return 0;
}

static bool is_replaced(const char *line, size_t len, const struct config_section_text *text)
{
	size_t key_len = 0;
	while (key_len < len && line[key_len] != ' ' && line[key_len] != '\t' && line[key_len] != '=')
		key_len++;
	for (size_t i = 0; i < text->line_count; i++)
		if (text_equal(line, key_len, text->lines[i].key))
			return true;
	return false;
}

static int put_lines(const struct config_section_text *text, struct buf *ret, struct explain *ret_why)
{
	int r = buf_printf(ret, "[%s]\n", text->section);
	for (size_t i = 0; r == 0 && i < text->line_count; i++) {
		const struct config_line *line = &text->lines[i];
		if (line->value)
			r = check_value(line, ret_why);
		if (r == 0 && line->value)
			r = buf_printf(ret, "%s = %s\n", line->key, line->value);
	}
	return r;
}

/* Whatever else the section and its comments said. */
static int keep_lines(const struct config_section_text *text, const char *before, struct buf *ret)
{
	int r = 0;
	for (const char *at = before, *end; r == 0 && *at; at = end + (*end == '\n')) {
		end = at + strcspn(at, "\n");
		size_t len = (size_t)(end - at);
		if (at[0] == '[' || is_replaced(at, len, text) || text_starts_with(at, CONFIG_EDIT_MARK))
			continue;
		r = buf_append(ret, at, len);
		if (r == 0)
			r = buf_putc(ret, '\n');
	}
	return r;
}

bool config_edit_is_mine(const char *file, const char *section)
{
	size_t headers = 0, len = strlen(section);
	if (!text_starts_with(file, CONFIG_EDIT_MARK))
		return false;
	for (const char *at = file; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) {
		if (at[0] != '[')
			continue;
		if (strncmp(at + 1, section, len) != 0 || at[1 + len] != ']')
			return false;
		headers++;
	}
	return headers == 1;
}

int config_edit_render(const struct config_section_text *text, const char *before, struct buf *ret,
		       struct explain *ret_why)
{
	int r = buf_printf(ret, CONFIG_EDIT_MARK "%s\n", text->command);
	if (r == 0)
		r = put_lines(text, ret, ret_why);
	return r == 0 && before ? keep_lines(text, before, ret) : r;
}
