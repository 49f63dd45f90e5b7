/* log_stream.c - a line as text or as JSON on stderr, or as text to syslog. */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "log_line.h"

#define KEY_SIZE 64

bool log_write_syslog(const struct log_entry *entry)
{
	syslog(log_level_priority(entry->level), "%s", entry->text);
	return true;
}

/*
 * One write for each line: those of several processes do not mix. Not through stdio, whose lock a writer that is stuck
 * would still hold when the process ends.
 */
static bool write_stderr(const char *const *parts, size_t count)
{
	struct iovec all[5];
	size_t len = 0;
	ssize_t written;
	ASSERT(count <= ARRAY_SIZE(all));
	for (size_t i = 0; i < count; i++) {
		all[i] = (struct iovec){(char *)parts[i], strlen(parts[i])};
		len += all[i].iov_len;
	}
	do
		written = writev(STDERR_FILENO, all, (int)count);
	while (written < 0 && errno == EINTR);
	return written == (ssize_t)len;
}

bool log_write_text(const struct log_entry *entry)
{
	const char *const parts[] = {"vouchfs: ", log_level_name(entry->level), ": ", entry->text, "\n"};
	return write_stderr(parts, ARRAY_SIZE(parts));
}

/* EVENT_ID -> eventId */
static const char *json_key(const char *name, char ret[KEY_SIZE])
{
	size_t len = 0;
	bool is_upper = false;
	for (; *name && len < KEY_SIZE - 1; name++) {
		bool is_letter = *name >= 'A' && *name <= 'Z';
		if (*name != '_')
			ret[len++] = is_letter && !is_upper ? (char)(*name - 'A' + 'a') : *name;
		is_upper = *name == '_';
	}
	ret[len] = '\0';
	return ret;
}

static void put_field(struct json *j, const struct log_field *field)
{
	char key[KEY_SIZE];
	uint64_t number;
	if (field->is_number && text_parse_u64(field->value, strlen(field->value), UINT64_MAX, &number))
		json_u64(j, json_key(field->name, key), number);
	else
		json_text(j, json_key(field->name, key), field->value);
}

bool log_write_json(const struct log_entry *entry)
{
	struct buf line = {0};
	struct json j = {.out = &line};
	char at[CLOCK_UTC_US_SIZE];
	clock_format_utc_us(entry->at, at);
	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	json_text(&j, "time", at);
	json_text(&j, "level", log_level_name(entry->level));
	json_text(&j, "message", entry->text);
	if (entry->message_id)
		json_text(&j, "messageId", entry->message_id);
	for (size_t i = 0; i < entry->field_count; i++)
		put_field(&j, &entry->fields[i]);
	json_close(&j);
	const char *const parts[] = {line.data, "\n"};
	bool written = json_end(&j) == 0 && write_stderr(parts, ARRAY_SIZE(parts));
	buf_done(&line);
	return written;
}
