#include "screen.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MINUTE_S ((int64_t)60)
#define HOUR_S	 (60 * MINUTE_S)
#define DAY_S	 (24 * HOUR_S)
#define YEAR_S	 (365 * DAY_S)

static void keep(struct screen *screen, int r)
{
	if (screen->error == 0 && r < 0)
		screen->error = r;
}

void screen_put(struct screen *screen, const char *format, ...)
{
	char text[SCREEN_LINE_SIZE];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	keep(screen, buf_puts(screen->out, text));
}

int screen_safe(struct buf *out, const char *text)
{
	int r = 0;
	for (const char *c = text; r == 0 && *c; c++)
		r = *c >= ' ' && *c <= '~' ? buf_putc(out, *c) : buf_printf(out, "\\x%02x", (unsigned char)*c);
	return r;
}

void screen_paint(struct screen *screen, enum paint paint, unsigned width, const char *text)
{
	static const char *const codes[] = {"", "\033[1m", "\033[32m", "\033[33m", "\033[1;31m"};
	bool is_painted = screen->style->has_colour && paint != PAINT_PLAIN;
	unsigned len = (unsigned)strlen(text);
	screen_put(screen, "%s", is_painted ? codes[paint] : "");
	keep(screen, screen_safe(screen->out, text));
	screen_put(screen, "%s%*s", is_painted ? "\033[0m" : "", width > len ? (int)(width - len) : 0, "");
}

size_t screen_fit(const char *text, size_t width)
{
	size_t len = strlen(text);
	if (len <= width)
		return len;
	size_t fit = width;
	while (fit > 0 && text[fit] != ' ')
		fit--;
	return fit > 0 ? fit : width;
}

static void put_wrapped(struct screen *screen, unsigned indent, size_t begun, const char *text)
{
	size_t columns = screen->style->columns;
	while (text[0]) {
		size_t len = screen_fit(text, columns > begun ? columns - begun : 1);
		keep(screen, buf_append(screen->out, text, len));
		text += len;
		text += strspn(text, " ");
		if (text[0])
			screen_put(screen, "\n%*s", (int)indent, "");
		begun = indent;
	}
	screen_put(screen, "\n");
}

void screen_wrap(struct screen *screen, unsigned indent, enum paint paint, const char *lead, const char *format, ...)
{
	char text[SCREEN_LINE_SIZE];
	struct buf safe = {0};
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	screen_paint(screen, paint, 0, lead);
	keep(screen, screen_safe(&safe, text));
	put_wrapped(screen, indent, strlen(lead), safe.data ? safe.data : "");
	buf_done(&safe);
}

const char *screen_cut(const char *text, unsigned width, char *ret)
{
	ASSERT(width > 3);
	bool is_cut = strlen(text) > width;
	(void)snprintf(ret, width + 1, "%.*s%s", (int)(is_cut ? width - 3 : width), text, is_cut ? "..." : "");
	return ret;
}

const char *screen_span(int64_t span_s, char ret[SCREEN_SPAN_SIZE])
{
	int64_t s = span_s < 0 ? -span_s : span_s;
	if (s < 2 * MINUTE_S)
		(void)snprintf(ret, SCREEN_SPAN_SIZE, "%" PRId64 " s", s);
	else if (s < 2 * HOUR_S)
		(void)snprintf(ret, SCREEN_SPAN_SIZE, "%" PRId64 " min", s / MINUTE_S);
	else if (s < 2 * DAY_S)
		(void)snprintf(ret, SCREEN_SPAN_SIZE, "%" PRId64 " h", s / HOUR_S);
	else
		(void)snprintf(ret, SCREEN_SPAN_SIZE, "%" PRId64 " days", s / DAY_S);
	return ret;
}

const char *screen_short_span(int64_t span_s, char ret[SCREEN_SPAN_SIZE])
{
	static const struct {
		int64_t below_s, unit_s;
		char unit;
	} units[] = {{2 * MINUTE_S, 1, 's'},
		     {2 * HOUR_S, MINUTE_S, 'm'},
		     {2 * DAY_S, HOUR_S, 'h'},
		     {1000 * DAY_S, DAY_S, 'd'},
		     {INT64_MAX, YEAR_S, 'y'}};
	int64_t s = span_s < 0 ? 0 : span_s;
	size_t i = 0;
	while (s >= units[i].below_s && i + 1 < ARRAY_SIZE(units))
		i++;
	(void)snprintf(ret, SCREEN_SPAN_SIZE, "%" PRId64 "%c", s / units[i].unit_s, units[i].unit);
	return ret;
}

const char *screen_user(const struct screen *screen, uint32_t uid, char ret[SCREEN_USER_SIZE])
{
	bool is_named = screen->style->name_user && screen->style->name_user(uid, ret, SCREEN_USER_SIZE);
	if (!is_named)
		(void)snprintf(ret, SCREEN_USER_SIZE, "uid %" PRIu32, uid);
	return ret;
}
