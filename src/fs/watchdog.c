#include "watchdog.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/service_manager.h"
#include "channel.h"

#define NEVER UINT64_MAX

/* Twice as often as is asked for. */
void watchdog_init(struct watchdog *watchdog)
{
	uint64_t interval_ms = service_manager_watchdog_ms();
	*watchdog = (struct watchdog)WATCHDOG_NONE;
	if (interval_ms == 0)
		return;
	watchdog->pause_ms = interval_ms / 2;
	watchdog->due_ms = clock_monotonic_ms();
}

static int reap(struct watchdog *watchdog)
{
	int status = -1;
	while (waitpid(watchdog->probe, &status, 0) < 0 && errno == EINTR)
		;
	watchdog->probe = 0;
	io_close(&watchdog->probe_fd);
	return status;
}

void watchdog_done(struct watchdog *watchdog)
{
	if (watchdog->probe > 0 && kill(watchdog->probe, SIGKILL) == 0)
		(void)reap(watchdog);
	*watchdog = (struct watchdog)WATCHDOG_NONE;
}

/* The end of the channel tells the daemon that the supervisor is gone, so nobody else may keep it open. */
static _Noreturn void probe(const struct plan *plan, int channel)
{
	struct statvfs unused;
	(void)close(channel);
	bool ok = statvfs(plan->mountpoint, &unused) == 0 &&
		  (!plan->run_mountpoint || statvfs(plan->run_mountpoint, &unused) == 0);
	_exit(ok ? EXIT_SUCCESS : EXIT_FAILURE);
}

void watchdog_ask(struct watchdog *watchdog, const struct plan *plan, int channel)
{
	watchdog->due_ms = NEVER;
	watchdog->daemon_has_answered = watchdog->mount_has_answered = false;
	if (channel_send(channel, CHANNEL_PING, NULL, -1) < 0)
		return;
	watchdog->probe = fork();
	if (watchdog->probe == 0)
		probe(plan, channel);
	if (watchdog->probe < 0)
		watchdog->probe = 0;
	else
		watchdog->probe_fd = pidfd_open(watchdog->probe, 0);
}

static void tell_when_answered(struct watchdog *watchdog)
{
	if (!watchdog->daemon_has_answered || !watchdog->mount_has_answered)
		return;
	service_manager_alive();
	watchdog->due_ms = clock_monotonic_ms() + watchdog->pause_ms;
}

void watchdog_take_pong(struct watchdog *watchdog)
{
	watchdog->daemon_has_answered = true;
	tell_when_answered(watchdog);
}

void watchdog_take_probe(struct watchdog *watchdog)
{
	int status = reap(watchdog);
	watchdog->mount_has_answered = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
	tell_when_answered(watchdog);
}
