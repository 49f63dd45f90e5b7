#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

static const struct {
	int priority;
	const char *name;
} levels[] = {
	[LOG_LEVEL_ERROR] = {LOG_ERR, "error"},
	[LOG_LEVEL_WARNING] = {LOG_WARNING, "warning"},
	[LOG_LEVEL_NOTICE] = {LOG_NOTICE, "notice"},
	[LOG_LEVEL_DEBUG] = {LOG_DEBUG, "debug"},
};

static bool to_syslog;
static enum log_level max_level = LOG_LEVEL_NOTICE;

void log_use_syslog(void)
{
	openlog("vouchfs", LOG_PID | LOG_NDELAY, LOG_DAEMON);
	to_syslog = true;
}

void log_set_level(enum log_level level)
{
	max_level = level;
}

void log_print(enum log_level level, const char *format, ...)
{
	if (level > max_level)
		return;

	char line[2048];
	va_list args;
	va_start(args, format);
	int used = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (used < 0)
		return;

	if (to_syslog)
		syslog(levels[level].priority, "%s", line);
	else
		fprintf(stderr, "vouchfs: %s: %s\n", levels[level].name, line);
}
