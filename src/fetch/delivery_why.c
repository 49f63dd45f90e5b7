/* What a person reads in .vouchfs/why is a page (gate/render_why.c); this is the heart of it, for a log. */
#include "delivery.h"

#include <stdio.h>
#include <string.h>

#include "base/base.h"

struct line {
	const char *at;
	size_t len;
};

/* The line behind a position, without its indentation. False: there is none. */
static bool next_line(const char **at, struct line *ret)
{
	if (**at == '\0')
		return false;
	const char *start = *at + strspn(*at, " ");
	const char *end = start + strcspn(start, "\n");
	*ret = (struct line){start, (size_t)(end - start)};
	*at = *end ? end + 1 : end;
	return true;
}

/* What follows a label and its blanks; NULL: the line has another label. */
static const char *value_of(const struct line *line, const char *label, size_t *ret_len)
{
	size_t len = strlen(label);
	if (line->len <= len || strncmp(line->at, label, len) != 0 || line->at[len] != ' ')
		return NULL;
	const char *value = line->at + len;
	while (*value == ' ')
		value++;
	*ret_len = line->len - (size_t)(value - line->at);
	return value;
}

static void add(char *ret, size_t size, const char *before, const char *text, size_t len)
{
	size_t used = strlen(ret);
	(void)snprintf(ret + used, size - used, "%s%.*s", before, (int)len, text);
}

/* "check source      FAILED  no signature" */
static void add_row(const struct line *line, char *ret, size_t size)
{
	static const char failed[] = "FAILED  ";
	size_t len;
	const char *value = value_of(line, "detail", &len);
	if (value)
		add(ret, size, ": ", value, len);
	value = value_of(line, "remedy", &len);
	if (value)
		add(ret, size, "; ", value, len);
	value = value_of(line, "check", &len);
	const char *found = value ? memmem(value, len, failed, sizeof(failed) - 1) : NULL;
	if (found)
		add(ret, size, ": ", found + sizeof(failed) - 1,
		    line->len - (size_t)(found + sizeof(failed) - 1 - line->at));
}

void delivery_squeeze(const char *why, char *ret, size_t size)
{
	struct line line;
	ret[0] = '\0';
	if (strncmp(why, "VF", 2) != 0 || !next_line(&why, &line))
		return;
	add(ret, size, "", line.at, strcspn(line.at, " \n"));
	if (next_line(&why, &line))
		add(ret, size, " ", line.at, line.len);
	while (next_line(&why, &line))
		add_row(&line, ret, size);
}
