#include "source.h"

#include <stdio.h>
#include <string.h>

int source_look(const struct source *source, const struct source_mark *since, struct buf *ret_body,
		struct source_mark *ret_mark, struct explain *ret_why)
{
	if (source->address.is_file)
		return source_look_at_file(source->address.text, since, ret_body, ret_mark, ret_why);
	return source_look_at_https(source, since, ret_body, ret_mark, ret_why);
}

/* A server that has ETags goes by them alone (RFC 9110, 13.1.3), so the time is left out where there is one. */
void source_condition(const struct source_mark *since, char ret[SOURCE_CONDITION_SIZE])
{
	ret[0] = '\0';
	if (since && since->etag[0])
		(void)snprintf(ret, SOURCE_CONDITION_SIZE, "If-None-Match: %s", since->etag);
	else if (since && since->last_modified[0])
		(void)snprintf(ret, SOURCE_CONDITION_SIZE, "If-Modified-Since: %s", since->last_modified);
}

static bool is_line(const char *value)
{
	size_t len = strlen(value);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)value[i] < ' ' || (unsigned char)value[i] >= 0x7f)
			return false;
	return len > 0 && len < SOURCE_MARK_SIZE;
}

void source_take_etag(const char *value, struct source_mark *mark)
{
	const char *quoted = strncmp(value, "W/", 2) == 0 ? value + 2 : value;
	size_t len = strlen(quoted);
	if (is_line(value) && len >= 2 && quoted[0] == '"' && strchr(quoted + 1, '"') == quoted + len - 1)
		(void)snprintf(mark->etag, sizeof(mark->etag), "%s", value);
}

void source_take_last_modified(const char *value, struct source_mark *mark)
{
	if (is_line(value))
		(void)snprintf(mark->last_modified, sizeof(mark->last_modified), "%s", value);
}
