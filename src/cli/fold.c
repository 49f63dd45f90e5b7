/* Text for a terminal of 80 columns, broken at blanks. */
#include <stdio.h>
#include <string.h>

#include "host.h"

#define COLUMNS 80

/* How much of text goes on a line of this width; a word that is longer is not cut. */
static size_t line_length(const char *text, size_t width)
{
	size_t len = strlen(text), at = 0, end = 0;
	if (len <= width)
		return len;
	while (at < len && (at <= width || end == 0)) {
		if (text[at] == ' ')
			end = at;
		at++;
	}
	return end > 0 ? end : len;
}

void cli_print_folded(unsigned indent, const char *text)
{
	while (*text) {
		size_t len = line_length(text, COLUMNS - indent);
		(void)printf("%*s%.*s\n", (int)indent, "", (int)len, text);
		text += len;
		text += strspn(text, " ");
	}
}
