/*
 * log_line.h - one line of the log on its way to where it is written, and the places it can go to. Internal to base.
 */
#ifndef BASE_LOG_LINE_H
#define BASE_LOG_LINE_H

#include "base/log.h"

struct log_line {
	struct log_line *next;
	struct log_entry entry; /* its texts and fields lie behind the struct */
};

/* A copy in one piece of memory (free), its time set. NULL: out of memory. */
struct log_line *log_line_new(const struct log_entry *entry);

int log_level_priority(enum log_level level); /* of syslog(3) */
const char *log_level_name(enum log_level level);

/* False: it was not taken. */
typedef bool log_writer(const struct log_entry *entry);
log_writer log_write_journal;
log_writer log_write_syslog;
log_writer log_write_text;
log_writer log_write_json;

/* Whether this build knows the journal, and it is there. */
bool log_has_journal(void);
/* Whether stderr is the journal's already: a service that systemd started. */
bool log_stderr_is_journal(void);

#endif
