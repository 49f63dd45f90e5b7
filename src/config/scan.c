/*
 * scan.c - what inih r55 would accept and misread is refused here, line by line.
 *
 *   inih                                                here
 *   splits a line of 200 bytes, parses its rest         at most LIMIT_CONFIG_LINE_BYTES, comments too
 *   cuts a section's name at 49 bytes                   at most LIMIT_CONFIG_SECTION_BYTES
 *   takes an indented line for more of the value above  no line begins with a blank
 *   stops at a NUL                                      no NUL, no control character but the tab
 *   splits at the first '=' or ':'                      a key is a word, blanks, then '='
 *   ignores what follows ']'                            nothing but a comment follows
 *   skips lines it cannot read and goes on              each is an error
 *
 * A comment is a line that begins with ; or #, or what follows a blank and a semicolon. Lines end in LF.
 */
#include "scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/text.h"

#define KEY_CHARS     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
#define SECTION_CHARS KEY_CHARS "* "

struct line {
	const char *text;
	size_t len;
	struct place at;
};

struct reader {
	struct report *report;
	struct scan *scan;
	bool in_section; /* below a header that was not refused */
	bool any_header;
	bool has_crlf; /* one error is enough for a file that was saved this way */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static size_t skip_blanks(const struct line *line, size_t at)
{
	while (at < line->len && is_blank(line->text[at]))
		at++;
	return at;
}

/* NULL when the bytes are fine, else what is wrong with them. */
static const char *find_bad_byte(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];
		if (c == '\0')
			return "a NUL byte; this is not a text file";
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return "a control character";
	}
	return NULL;
}

/* Room for one more item, doubled at powers of two. NULL when out of memory; items is still the caller's then. */
static void *grow(void *items, size_t count, size_t item_bytes)
{
	if (items && (count & (count - 1)) != 0)
		return items;
	return reallocarray(items, count > 0 ? 2 * count : 1, item_bytes);
}

/* Length of the text between the brackets; -1 after having reported what is wrong. */
static ssize_t check_header(const struct line *line, struct report *report)
{
	const char *end = memchr(line->text, ']', line->len);
	if (!end) {
		report_error(report, line->at, "a section's name must end in \"]\"");
		return -1;
	}
	size_t len = (size_t)(end - line->text) - 1;
	size_t rest = skip_blanks(line, len + 2);
	bool is_comment = rest > len + 2 && rest < line->len && line->text[rest] == ';';
	if (rest < line->len && !is_comment) {
		report_error(report, line->at, "nothing but a comment after a blank and \";\" may follow \"]\"");
		return -1;
	}
	if (len > LIMIT_CONFIG_SECTION_BYTES) {
		report_error(report, line->at,
			     "a section's name of %zu characters; at most %u (a longer name of a function or "
			     "layer can be matched by a pattern)",
			     len, LIMIT_CONFIG_SECTION_BYTES);
		return -1;
	}
	if (!text_consists_of(line->text + 1, len, SECTION_CHARS, 1, LIMIT_CONFIG_SECTION_BYTES)) {
		report_error(report, line->at, "a section's name may hold letters, digits, \"_-*\" and one space");
		return -1;
	}
	return (ssize_t)len;
}

static int take_header(struct reader *reader, const struct line *line)
{
	ssize_t len = check_header(line, reader->report);
	if (len < 0)
		return 0;

	struct scan *scan = reader->scan;
	struct scan_header *headers = grow(scan->headers, scan->header_count, sizeof(*headers));
	if (!headers)
		return -ENOMEM;
	scan->headers = headers;
	struct scan_header *header = &headers[scan->header_count++];
	memcpy(header->text, line->text + 1, (size_t)len);
	header->text[len] = '\0';
	header->line = line->at.line;
	reader->in_section = true;
	return buf_append(&scan->clean, line->text, line->len);
}

static bool check_setting(const struct line *line, struct report *report)
{
	size_t len = 0;
	while (len < line->len && !is_blank(line->text[len]) && !strchr("=:;", line->text[len]))
		len++;
	size_t separator = skip_blanks(line, len);
	if (separator < line->len && line->text[separator] == ':') {
		report_error(report, line->at, "\":\" after the key; expected \"key = value\"");
		return false;
	}
	if (separator == line->len || line->text[separator] != '=') {
		report_error(report, line->at, "expected \"key = value\", \"[section]\" or a comment");
		return false;
	}
	if (!text_consists_of(line->text, len, KEY_CHARS, 1, LIMIT_CONFIG_LINE_BYTES)) {
		report_error(report, line->at, "a key may hold letters, digits, \"_\" and \"-\"");
		return false;
	}
	return true;
}

static int take_setting(struct reader *reader, const struct line *line)
{
	if (!reader->any_header)
		report_error(reader->report, line->at, "expected a [section] before the first key");
	if (!check_setting(line, reader->report) || !reader->in_section)
		return 0;

	struct scan *scan = reader->scan;
	unsigned *lines = grow(scan->setting_lines, scan->setting_count, sizeof(*lines));
	if (!lines)
		return -ENOMEM;
	scan->setting_lines = lines;
	lines[scan->setting_count++] = line->at.line;
	return buf_append(&scan->clean, line->text, line->len);
}

/* What is wrong with a line whatever it says. True when nothing is. */
static bool check_line(struct reader *reader, const struct line *line)
{
	if (line->len > LIMIT_CONFIG_LINE_BYTES) {
		report_error(reader->report, line->at, "a line of %zu bytes; at most %u", line->len,
			     LIMIT_CONFIG_LINE_BYTES);
		return false;
	}
	if (line->len > 0 && line->text[line->len - 1] == '\r') {
		if (!reader->has_crlf)
			report_error(reader->report, line->at, "a carriage return; lines must end in LF alone");
		reader->has_crlf = true;
		return false;
	}
	const char *bad = find_bad_byte(line->text, line->len);
	if (bad)
		report_error(reader->report, line->at, "%s", bad);
	return !bad;
}

static int take_line(struct reader *reader, const struct line *line)
{
	size_t first = skip_blanks(line, 0);
	if (first < line->len && line->text[first] == '[') {
		reader->any_header = true;
		reader->in_section = false;
	}
	if (!check_line(reader, line))
		return 0;
	if (first == line->len || line->text[0] == ';' || line->text[0] == '#')
		return 0;
	if (first > 0) {
		report_error(reader->report, line->at, "an indented line; a value does not go on over several lines");
		return 0;
	}
	return line->text[0] == '[' ? take_header(reader, line) : take_setting(reader, line);
}

int scan_text(const struct file *file, const char *bytes, size_t len, struct report *report, struct scan *ret)
{
	struct reader reader = {.report = report, .scan = ret};
	struct line line = {.at = {.file = file}};

	if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
		report_error(report, (struct place){file, 1}, "a byte order mark; save the file as UTF-8 without one");
		bytes += 3;
		len -= 3;
	}
	for (size_t at = 0; at < len; at += line.len + 1) {
		const char *end = memchr(bytes + at, '\n', len - at);
		line.text = bytes + at;
		line.len = end ? (size_t)(end - line.text) : len - at;
		line.at.line++;
		int r = take_line(&reader, &line);
		if (r == 0)
			r = buf_putc(&ret->clean, '\n');
		if (r < 0)
			return r;
	}
	return 0;
}

void scan_done(struct scan *scan)
{
	buf_done(&scan->clean);
	free(scan->headers);
	free(scan->setting_lines);
	*scan = (struct scan){0};
}
