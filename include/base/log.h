/*
 * log.h - the daemon's talk: one line an event to stderr, or to syslog once it runs in the background.
 * Never holds a secret; text from outside is escaped by the caller (text_escape_print).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/base.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, LOG_LEVEL_DEBUG };

void log_use_syslog(void);
void log_set_level(enum log_level level);
void log_print(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_error(...)	 log_print(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_print(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_print(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_debug(...)	 log_print(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
