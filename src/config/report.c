#include "report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void report_done(struct report *report)
{
	for (size_t i = 0; i < report->kept; i++)
		free(report->entries[i].text);
	free(report->entries);
	*report = (struct report){0};
}

void report_error(struct report *report, struct place at, const char *format, ...)
{
	report->count++;
	if (!report->entries)
		report->entries = calloc(LIMIT_CONFIG_ERRORS, sizeof(*report->entries));
	if (!report->entries) {
		report->failure = -ENOMEM;
		return;
	}
	if (report->kept == LIMIT_CONFIG_ERRORS)
		return;

	va_list args;
	va_start(args, format);
	char *text;
	int r = vasprintf(&text, format, args);
	va_end(args);
	if (r < 0) {
		report->failure = -ENOMEM;
		return;
	}
	report->entries[report->kept++] = (struct report_entry){.at = at, .text = text};
}

static int by_place(const void *a, const void *b)
{
	const struct report_entry *x = a, *y = b;
	if (x->at.file->order != y->at.file->order)
		return x->at.file->order < y->at.file->order ? -1 : 1;
	if (x->at.line != y->at.line)
		return x->at.line < y->at.line ? -1 : 1;
	return strcmp(x->text, y->text);
}

int report_print(struct report *report, struct buf *ret)
{
	if (report->kept > 1)
		qsort(report->entries, report->kept, sizeof(*report->entries), by_place);

	int r = report->failure;
	for (size_t i = 0; r == 0 && i < report->kept; i++) {
		const struct report_entry *e = &report->entries[i];
		if (e->at.line > 0)
			r = buf_printf(ret, "%s:%u: %s\n", e->at.file->shown, e->at.line, e->text);
		else
			r = buf_printf(ret, "%s: %s\n", e->at.file->shown, e->text);
	}
	if (r == 0 && report->count > report->kept)
		r = buf_printf(ret, "%zu more errors are not shown\n", report->count - report->kept);
	return r;
}

struct quote quote(const char *word)
{
	struct quote q;
	char escaped[sizeof(q.text) - 2];
	(void)snprintf(q.text, sizeof(q.text), "\"%s\"",
		       text_escape_print(escaped, sizeof(escaped), word, strlen(word)));
	return q;
}

struct quote suggest(const char *word, const char *const *candidates, size_t count)
{
	struct quote q = {0};
	const char *nearest = text_nearest(word, candidates, count);
	if (nearest)
		(void)snprintf(q.text, sizeof(q.text), "; did you mean %s?", quote(nearest).text);
	return q;
}

struct place_text place_text(struct place at)
{
	struct place_text p;
	(void)snprintf(p.text, sizeof(p.text), "%s:%u", at.file->shown, at.line);
	return p;
}
