/* log_journal.c - a line as an entry of systemd's journal, with its fields; systemd.journal-fields(7). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/buf.h"
#include "log_line.h"

#ifdef HAVE_SYSTEMD
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define OWN_FIELDS     4

/* Texts one behind the other, each ended by a NUL, and where they end. */
struct fields {
	struct buf text;
	size_t ends[OWN_FIELDS + LOG_FIELDS_MAX];
	size_t count;
	int error;
};

static void put(struct fields *fields, const char *prefix, const char *name, const char *value)
{
	if (fields->error == 0)
		fields->error = buf_printf(&fields->text, "%s%s=%s", prefix, name, value);
	fields->ends[fields->count++] = fields->text.len;
}

static bool send_fields(const struct fields *fields)
{
	struct iovec parts[ARRAY_SIZE(fields->ends)];
	for (size_t i = 0; i < fields->count; i++) {
		size_t start = i > 0 ? fields->ends[i - 1] : 0;
		parts[i] = (struct iovec){fields->text.data + start, fields->ends[i] - start};
	}
	return sd_journal_sendv(parts, (int)fields->count) == 0;
}

bool log_write_journal(const struct log_entry *entry)
{
	struct fields fields = {.count = 0};
	char priority[12];
	(void)snprintf(priority, sizeof(priority), "%d", log_level_priority(entry->level));
	put(&fields, "", "MESSAGE", entry->text);
	put(&fields, "", "PRIORITY", priority);
	put(&fields, "", "SYSLOG_IDENTIFIER", "vouchfs");
	if (entry->message_id)
		put(&fields, "", "MESSAGE_ID", entry->message_id);
	for (size_t i = 0; i < entry->field_count; i++)
		put(&fields, "VOUCHFS_", entry->fields[i].name, entry->fields[i].value);
	bool taken = fields.error == 0 && send_fields(&fields);
	buf_done(&fields.text);
	return taken;
}

bool log_has_journal(void)
{
	return access(JOURNAL_SOCKET, W_OK) == 0;
}
#else
bool log_write_journal(const struct log_entry *entry UNUSED)
{
	return false;
}

bool log_has_journal(void)
{
	return false;
}
#endif

/* $JOURNAL_STREAM says which file it is, so that one that was redirected since is not mistaken for it. */
bool log_stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[64];
	struct stat st;
	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	(void)snprintf(ours, sizeof(ours), "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	return strcmp(stream, ours) == 0;
}
