/*
 * log.h - the daemon's talk: one line an event, to the journal, to syslog or to stderr.
 * Never holds a secret; text from outside is escaped by the caller (text_escape_print).
 *
 * Before log_open lines go to stderr, from the thread that says them. A log that was opened with a queue is written by
 * a thread of its own: whoever says something never waits for the journal, a full pipe or a disk. What the queue
 * (LIMIT_LOG_LINES) cannot hold is dropped and counted, and the log says how much that was.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <time.h>

#include "base/base.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, LOG_LEVEL_DEBUG };

enum log_target {
	LOG_TO_AUTO = 0, /* the journal where there is one, else syslog in the background, else stderr */
	LOG_TO_JOURNAL,	 /* with fields; where there is none, as LOG_TO_AUTO */
	LOG_TO_SYSLOG,
	LOG_TO_STDERR, /* text; also in the background */
	LOG_TO_JSON,   /* one object a line on stderr; also in the background */
};

struct log_options {
	enum log_target target;
	bool background; /* nobody will read stderr; until log_leave_terminal warnings and errors go there, too */
	bool queued;	 /* only the process that ends with log_close */
};

/* Decides where lines go from now on; may be called again, above all after a fork. */
void log_open(const struct log_options *options);
/* stdin, stdout and stderr to /dev/null; stderr stays where lines go there. */
void log_leave_terminal(void);
/* Ends the queue: waits until all is written, LIMIT_LOG_CLOSE_MS at most. */
void log_close(void);

const char *log_target_name(enum log_target target); /* "auto", "journal", "syslog", "stderr", "json" */
bool log_target_parse(const char *name, enum log_target *ret);

void log_set_level(enum log_level level);
void log_print(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

/* EVENT_ID is VOUCHFS_EVENT_ID in the journal and eventId in JSON. Syslog and text have no fields. */
struct log_field {
	const char *name;
	const char *value; /* NULL: left out */
	bool is_number;	   /* a decimal */
};

#define LOG_FIELDS_MAX 24

struct log_entry {
	enum log_level level;
	const char *message_id; /* 32 hex digits, a constant; NULL: none */
	const char *text;
	const struct log_field *fields; /* copied */
	size_t field_count;
	struct timespec at; /* 0: now */
};
void log_write(const struct log_entry *entry);

#define log_error(...)	 log_print(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_print(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_print(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_debug(...)	 log_print(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
