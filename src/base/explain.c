#include "base/explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void explain_set(struct explain *why, const char *format, ...)
{
	if (!why)
		return;

	va_list args;
	va_start(args, format);
	if (vsnprintf(why->text, sizeof(why->text), format, args) < 0)
		why->text[0] = '\0';
	va_end(args);
}

void explain_prefix(struct explain *why, const char *format, ...)
{
	if (!why)
		return;

	struct explain before = *why;
	va_list args;
	va_start(args, format);
	int used = vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	if (used >= 0 && (size_t)used < sizeof(why->text))
		(void)snprintf(why->text + used, sizeof(why->text) - (size_t)used, ": %s", before.text);
}
