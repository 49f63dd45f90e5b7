/*
 * sheet.h - how `verify` and `inspect` speak to people: rows of a label and a value, colour on a terminal. Private to
 * src/cli.
 *
 * A sheet grows in a buffer and keeps its first failure; sheet_print puts it out. Whatever comes from a file is
 * escaped before it gets here, so the only escape bytes on a sheet are its own colours.
 */
#ifndef CLI_SHEET_PRIVATE_H
#define CLI_SHEET_PRIVATE_H

#include "base/base.h"
#include "base/buf.h"

enum sheet_colour { SHEET_PLAIN = 0, SHEET_GOOD, SHEET_WARNING, SHEET_BAD };

struct sheet {
	struct buf text;
	bool coloured;
	int error;
};

/* Colours where stdout is a terminal that knows them and NO_COLOR (no-color.org) is not set. */
struct sheet sheet_begin(void);
/* At most 2,047 bytes; sheet_text takes any length. */
void sheet_put(struct sheet *sheet, const char *format, ...) PRINTF_LIKE(2, 3);
void sheet_text(struct sheet *sheet, const char *text);
/* In a colour, filled up with blanks to this width. */
void sheet_paint(struct sheet *sheet, enum sheet_colour colour, int width, const char *text);
/* "  label          value" and the end of the line. */
void sheet_row(struct sheet *sheet, const char *label, const char *format, ...) PRINTF_LIKE(3, 4);
/* "  label          2038-02-21T17:27:12Z (in 134 months, 4110 days left)" */
void sheet_time(struct sheet *sheet, const char *label, int64_t at_s, int64_t now_s);
/* Hex digits; len is at most that of a SHA-384. */
void sheet_digest(struct sheet *sheet, const char *label, const uint8_t *bytes, size_t len);
/* Prints what there is and releases it; returns the exit code: as given, or that of a failure, which it explains. */
int sheet_print(struct sheet *sheet, int exit_code);

#endif
