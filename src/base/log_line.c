#include "log_line.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/clock.h"

static const struct {
	int priority;
	const char *name;
} levels[] = {
	[LOG_LEVEL_ERROR] = {LOG_ERR, "error"},
	[LOG_LEVEL_WARNING] = {LOG_WARNING, "warning"},
	[LOG_LEVEL_NOTICE] = {LOG_NOTICE, "notice"},
	[LOG_LEVEL_DEBUG] = {LOG_DEBUG, "debug"},
};

int log_level_priority(enum log_level level)
{
	return levels[level].priority;
}

const char *log_level_name(enum log_level level)
{
	return levels[level].name;
}

/* Copies a text to *at, which moves behind it. */
static const char *put(char **at, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = memcpy(*at, text, size);
	*at += size;
	return copy;
}

struct log_line *log_line_new(const struct log_entry *entry)
{
	ASSERT(entry->field_count <= LOG_FIELDS_MAX);
	size_t size = strlen(entry->text) + 1;
	for (size_t i = 0; i < entry->field_count; i++)
		if (entry->fields[i].value)
			size += strlen(entry->fields[i].name) + strlen(entry->fields[i].value) + 2;
	struct log_line *line = malloc(sizeof(*line) + entry->field_count * sizeof(struct log_field) + size);
	if (!line)
		return NULL;

	struct log_field *fields = (struct log_field *)(line + 1);
	char *at = (char *)(fields + entry->field_count);
	*line = (struct log_line){.entry = *entry};
	line->entry.text = put(&at, entry->text);
	line->entry.fields = fields;
	line->entry.field_count = 0;
	for (size_t i = 0; i < entry->field_count; i++) {
		const struct log_field *field = &entry->fields[i];
		if (field->value)
			fields[line->entry.field_count++] =
				(struct log_field){put(&at, field->name), put(&at, field->value), field->is_number};
	}
	if (line->entry.at.tv_sec == 0)
		line->entry.at = clock_now();
	return line;
}
