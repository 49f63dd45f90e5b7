#include "sheet.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/words.h"
#include "crypto/digest.h"

#define DAY_S	    86400
#define LABEL_WIDTH 13
#define LINE_SIZE   2048

static bool is_set(const char *variable)
{
	const char *value = getenv(variable);
	return value && value[0];
}

struct sheet sheet_begin(void)
{
	const char *terminal = getenv("TERM");
	bool knows_colours = terminal && strcmp(terminal, "dumb") != 0;
	return (struct sheet){.coloured = isatty(STDOUT_FILENO) && knows_colours && !is_set("NO_COLOR")};
}

void sheet_text(struct sheet *sheet, const char *text)
{
	int r = buf_puts(&sheet->text, text);
	if (sheet->error == 0)
		sheet->error = r;
}

static void put_args(struct sheet *sheet, const char *format, va_list args) PRINTF_LIKE(2, 0);
static void put_args(struct sheet *sheet, const char *format, va_list args)
{
	char line[LINE_SIZE];
	(void)vsnprintf(line, sizeof(line), format, args);
	sheet_text(sheet, line);
}

void sheet_put(struct sheet *sheet, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	put_args(sheet, format, args);
	va_end(args);
}

void sheet_paint(struct sheet *sheet, enum sheet_colour colour, int width, const char *text)
{
	static const char *const codes[] = {"", "\033[32m", "\033[33m", "\033[1;31m"};
	bool painted = sheet->coloured && colour != SHEET_PLAIN;
	ASSERT((size_t)colour < ARRAY_SIZE(codes));
	sheet_put(sheet, "%s%s%s%*s", painted ? codes[colour] : "", text, painted ? "\033[0m" : "",
		  width > (int)strlen(text) ? width - (int)strlen(text) : 0, "");
}

void sheet_row(struct sheet *sheet, const char *label, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	sheet_put(sheet, "  %-*s  ", LABEL_WIDTH, label);
	put_args(sheet, format, args);
	sheet_text(sheet, "\n");
	va_end(args);
}

void sheet_time(struct sheet *sheet, const char *label, int64_t at_s, int64_t now_s)
{
	char utc[CLOCK_UTC_SIZE], words[CLI_WORDS_SIZE];
	clock_format_utc(at_s, utc);
	(void)cli_time_words(at_s, now_s, words);
	if (at_s > now_s && strstr(words, "months"))
		sheet_row(sheet, label, "%s (%s, %" PRId64 " days left)", utc, words, (at_s - now_s) / DAY_S);
	else
		sheet_row(sheet, label, "%s (%s)", utc, words);
}

void sheet_digest(struct sheet *sheet, const char *label, const uint8_t *bytes, size_t len)
{
	char hex[CRYPTO_SHA384_HEX_SIZE];
	ASSERT(2 * len < sizeof(hex));
	text_hex(bytes, len, hex);
	sheet_row(sheet, label, "%s", hex);
}

int sheet_print(struct sheet *sheet, int exit_code)
{
	int r = sheet->error;
	if (r == 0 && sheet->text.data && fputs(sheet->text.data, stdout) == EOF)
		r = -EIO;
	buf_done(&sheet->text);
	if (r == 0)
		return exit_code;
	cli_error("the answer cannot be printed: %s", strerror(-r));
	return CLI_EXIT_FAILURE;
}
