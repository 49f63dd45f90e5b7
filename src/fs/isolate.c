#include "isolate.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

static void log_fuse(enum fuse_log_level level, const char *format, va_list args) PRINTF_LIKE(2, 0);
static void log_fuse(enum fuse_log_level level, const char *format, va_list args)
{
	char line[512];
	if (vsnprintf(line, sizeof(line), format, args) < 0)
		return;
	line[strcspn(line, "\n")] = '\0';
	log_print(level <= FUSE_LOG_ERR ? LOG_LEVEL_ERROR : LOG_LEVEL_DEBUG, "%s", line);
}

/* Every upload keeps a file open, and objects are kept open as far as there is room. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* A session of its own: Ctrl-C in the foreground is for the supervisor alone. */
int isolate_daemon(const struct plan *plan, struct confinement *ret)
{
	struct explain why;
	if (privileges_become(&plan->user, &why) < 0 || confinement_close_places(plan, ret, &why) < 0) {
		plan_say(&why);
		return -EPERM;
	}
	(void)umask(077);
	(void)setsid();
	raise_descriptor_limit();
	log_open(&(struct log_options){.target = plan->log, .background = !plan->foreground, .queued = true});
	fuse_set_log_func(log_fuse);
	return chdir("/") < 0 ? -errno : 0;
}

int isolate_open_signals(void)
{
	sigset_t set;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	int fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int isolate_close_calls(const struct confinement *confinement)
{
	struct explain why;
	int r = confinement_close_calls(confinement, &why);
	if (r < 0)
		plan_say(&why);
	else if (confinement->lack[0])
		log_warning("the process that serves is not confined as it should be: %s", confinement->lack);
	return r;
}
