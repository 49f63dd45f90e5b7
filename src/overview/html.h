/*
 * html.h - HTML, written. Text from outside goes through html_text alone, and stands between tags, never in them.
 * Private to src/overview.
 */
#ifndef OVERVIEW_HTML_PRIVATE_H
#define OVERVIEW_HTML_PRIVATE_H

#include "base/base.h"
#include "base/buf.h"

struct html {
	struct buf *out;
	int error; /* the first failure; later calls do nothing */
};

/* Markup that is written here. */
void html_put(struct html *html, const char *markup);
/* The same with numbers, times and words of ours. */
void html_printf(struct html *html, const char *format, ...) PRINTF_LIKE(2, 3);

/*
 * Anybody's text: markup is escaped; what cannot be seen or turns the direction of what follows is shown as \u{202e},
 * what is not UTF-8 as \xNN. NULL: "-".
 */
void html_text(struct html *html, const char *text);
/* The same in <code>, which is isolated from the text around it. */
void html_code(struct html *html, const char *text);

/* ---- tables: they are read on phones as well, where each row becomes a card with the columns' names in it ---- */

struct html_column {
	const char *title;
	const char *class; /* or NULL */
};

/* caption: markup of ours. The columns end with a NULL title. */
void html_table_begin(struct html *html, const char *caption, const struct html_column *columns);
void html_table_end(struct html *html);
void html_row_begin(struct html *html);
void html_row_end(struct html *html);
/* Cells come in the order of the columns; the first of a row is its head. */
void html_cell_begin(struct html *html, const struct html_column *column, bool is_head);
void html_cell_end(struct html *html, bool is_head);
void html_cell(struct html *html, const struct html_column *column, const char *text);

/* A word that says how something is: it is read, seen and printed, and has a colour besides. */
enum html_tone { HTML_PLAIN = 0, HTML_GOOD, HTML_WARNING, HTML_BAD };
void html_badge(struct html *html, enum html_tone tone, const char *word);

/* "2026-11-21 17:27" */
void html_time(struct html *html, int64_t at_s);
/* "2026-11-21" */
void html_date(struct html *html, int64_t at_s);

#endif
