#include "html.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define PRINTF_SIZE 1024

void html_put(struct html *html, const char *markup)
{
	if (html->error == 0)
		html->error = buf_puts(html->out, markup);
}

void html_printf(struct html *html, const char *format, ...)
{
	char text[PRINTF_SIZE];
	va_list args;
	va_start(args, format);
	int len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ASSERT(len >= 0 && (size_t)len < sizeof(text));
	html_put(html, text);
}

/* ---- text from outside ---- */

/* The character at the front, and how many bytes it has; 0: that is not UTF-8. */
static size_t decode(const char *text, uint32_t *ret)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *bytes = (const unsigned char *)text;
	size_t len = bytes[0] < 0x80 ? 1 : bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : bytes[0] >= 0xc0 ? 2 : 0;
	if (len == 0 || bytes[0] > 0xf4)
		return 0;
	uint32_t character = len == 1 ? bytes[0] : bytes[0] & (0x7fU >> len);
	for (size_t i = 1; i < len; i++) {
		if ((bytes[i] & 0xc0) != 0x80) /* the NUL, too */
			return 0;
		character = character << 6 | (bytes[i] & 0x3fU);
	}
	bool is_surrogate = character >= 0xd800 && character <= 0xdfff;
	if (character < smallest[len] || character > 0x10ffff || is_surrogate)
		return 0;
	*ret = character;
	return len;
}

/* Controls, what has no width, what sets the direction of writing. */
static bool is_hidden(uint32_t character)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0x0000, 0x001f}, {0x007f, 0x009f}, {0x00ad, 0x00ad}, {0x061c, 0x061c},	  {0x115f, 0x1160},
		{0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},	  {0x3164, 0x3164},
		{0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xfff0, 0xfffb}, {0xe0000, 0xe0fff},
	};
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (character >= ranges[i].first && character <= ranges[i].last)
			return true;
	return false;
}

static const char *entity_of(uint32_t character)
{
	switch (character) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void html_text(struct html *html, const char *text)
{
	for (const char *at = text ? text : "-"; *at && html->error == 0;) {
		uint32_t character = 0;
		size_t len = decode(at, &character);
		const char *entity = entity_of(character);
		if (len == 0)
			html_printf(html, "\\x%02x", (unsigned char)*at);
		else if (is_hidden(character))
			html_printf(html, "\\u{%" PRIx32 "}", character);
		else if (entity)
			html_put(html, entity);
		else
			html->error = buf_append(html->out, at, len);
		at += len > 0 ? len : 1;
	}
}

void html_code(struct html *html, const char *text)
{
	html_put(html, "<code>");
	html_text(html, text);
	html_put(html, "</code>");
}

/* ---- tables ---- */

void html_table_begin(struct html *html, const char *caption, const struct html_column *columns)
{
	html_put(html, "<table>\n<caption>");
	html_put(html, caption);
	html_put(html, "</caption>\n<thead><tr>");
	for (const struct html_column *column = columns; column->title; column++)
		html_printf(html, "<th scope=\"col\">%s</th>", column->title);
	html_put(html, "</tr></thead>\n<tbody>\n");
}

void html_table_end(struct html *html)
{
	html_put(html, "</tbody>\n</table>\n");
}

void html_row_begin(struct html *html)
{
	html_put(html, "<tr>");
}

void html_row_end(struct html *html)
{
	html_put(html, "</tr>\n");
}

void html_cell_begin(struct html *html, const struct html_column *column, bool is_head)
{
	html_printf(html, is_head ? "<th scope=\"row\" data-label=\"%s\"" : "<td data-label=\"%s\"", column->title);
	if (column->class)
		html_printf(html, " class=\"%s\"", column->class);
	html_put(html, ">");
}

void html_cell_end(struct html *html, bool is_head)
{
	html_put(html, is_head ? "</th>" : "</td>");
}

void html_cell(struct html *html, const struct html_column *column, const char *text)
{
	html_cell_begin(html, column, false);
	html_text(html, text);
	html_cell_end(html, false);
}

/* ---- words and times ---- */

void html_badge(struct html *html, enum html_tone tone, const char *word)
{
	static const char *const classes[] = {"plain", "good", "warning", "bad"};
	ASSERT((size_t)tone < ARRAY_SIZE(classes));
	html_printf(html, "<span class=\"badge %s\">%s</span>", classes[tone], word);
}

void html_time(struct html *html, int64_t at_s)
{
	char utc[CLOCK_UTC_SIZE];
	clock_format_utc(at_s, utc);
	html_printf(html, "<time datetime=\"%s\">%.10s %.5s</time>", utc, utc, utc + 11);
}

void html_date(struct html *html, int64_t at_s)
{
	char utc[CLOCK_UTC_SIZE];
	clock_format_utc(at_s, utc);
	html_printf(html, "<time datetime=\"%s\">%.10s</time>", utc, utc);
}
