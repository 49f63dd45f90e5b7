/*
 * screen.h - text for a terminal, line by line: what fits, what is painted, how spans of time and users are said.
 * Private to src/overview. The first failure is kept; what is put after it is lost with it.
 */
#ifndef OVERVIEW_SCREEN_H
#define OVERVIEW_SCREEN_H

#include "overview/overview.h"

enum paint { PAINT_PLAIN = 0, PAINT_BOLD, PAINT_GOOD, PAINT_WARNING, PAINT_BAD };

struct screen {
	struct buf *out;
	const struct overview_screen *style;
	int64_t now_s;
	int error;
};

#define SCREEN_LINE_SIZE 2048
#define SCREEN_SPAN_SIZE 24
#define SCREEN_USER_SIZE 64

/* A piece of a line, cut at SCREEN_LINE_SIZE, as it is: nothing from outside. */
void screen_put(struct screen *screen, const char *format, ...) PRINTF_LIKE(2, 3);
/* In a colour, made printable, filled up with blanks to this width. */
void screen_paint(struct screen *screen, enum paint paint, unsigned width, const char *text);
/*
 * Whole lines: text that breaks at blanks where the screen ends, each line behind the first one indented. lead is the
 * part in front of it, in a colour. Everything is made printable.
 */
void screen_wrap(struct screen *screen, unsigned indent, enum paint paint, const char *lead, const char *format, ...)
	PRINTF_LIKE(5, 6);

/* How much of text goes into a line of this width: up to a blank, or cut where there is none. */
size_t screen_fit(const char *text, size_t width);
/* Cuts text to a width, with "..." where it is longer. Returns ret, which has room for width and a NUL. */
const char *screen_cut(const char *text, unsigned width, char *ret);
/* What is no printable ASCII becomes \xNN; texts of the host's are escaped already, so `\` stays as it is. Appends. */
int screen_safe(struct buf *out, const char *text);

/* "40 s", "3 min", "2 h", "12 days"; of a negative span its amount. */
const char *screen_span(int64_t span_s, char ret[SCREEN_SPAN_SIZE]);
/* The same in four characters: "40s", "3m", "2h", "12d", "4y". */
const char *screen_short_span(int64_t span_s, char ret[SCREEN_SPAN_SIZE]);
/* "deploy", or "uid 1001" where the name is not known, or not to be asked for. */
const char *screen_user(const struct screen *screen, uint32_t uid, char ret[SCREEN_USER_SIZE]);

#endif
