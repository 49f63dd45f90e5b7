#include "watchdog.h"

#include <errno.h>
#include <poll.h>
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

#define NEVER	     UINT64_MAX
#define PROBE_END_MS 500
#define RETRY_MS     1000

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

/*
 * Who waits for a mount that hangs can be killed only when the daemon is gone, which is up to the supervisor: it is not
 * waited for.
 */
static void end_probe(struct watchdog *watchdog)
{
	struct pollfd end = {.fd = watchdog->probe_fd, .events = POLLIN};
	(void)kill(watchdog->probe, SIGKILL);
	(void)poll(&end, 1, PROBE_END_MS);
	(void)waitpid(watchdog->probe, NULL, WNOHANG);
	io_close(&watchdog->probe_fd);
	watchdog->probe = 0;
}

void watchdog_done(struct watchdog *watchdog)
{
	if (watchdog->probe > 0)
		end_probe(watchdog);
	*watchdog = (struct watchdog)WATCHDOG_NONE;
}

/* The end of the channel tells the daemon that the supervisor is gone, and that of a connection its callers that nobody
 * serves it any more: nobody else may keep either open. */
static _Noreturn void probe(const struct plan *plan)
{
	struct statvfs unused;
	if (close_range(STDERR_FILENO + 1, ~0U, 0) < 0)
		_exit(EXIT_FAILURE);
	bool ok = statvfs(plan->mountpoint, &unused) == 0 &&
		  (!plan->run_mountpoint || statvfs(plan->run_mountpoint, &unused) == 0);
	_exit(ok ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* False: there is no process left for it. */
static bool start_probe(struct watchdog *watchdog, const struct plan *plan)
{
	pid_t pid = fork();
	if (pid == 0)
		probe(plan);
	if (pid < 0)
		return false;
	watchdog->probe = pid;
	watchdog->probe_fd = pidfd_open(pid, 0);
	if (watchdog->probe_fd >= 0)
		return true;
	end_probe(watchdog);
	return false;
}

/* Without a probe nobody was asked, so the mount has not failed to answer: another round begins. */
void watchdog_ask(struct watchdog *watchdog, const struct plan *plan, int channel)
{
	watchdog->daemon_has_answered = watchdog->mount_has_answered = false;
	watchdog->due_ms = NEVER;
	if (!start_probe(watchdog, plan))
		watchdog->due_ms = clock_monotonic_ms() + RETRY_MS;
	else
		(void)channel_send(channel, CHANNEL_PING, NULL, -1);
}

static void tell_when_answered(struct watchdog *watchdog)
{
	if (!watchdog->daemon_has_answered || !watchdog->mount_has_answered)
		return;
	service_manager_alive();
	watchdog->due_ms = clock_monotonic_ms() + watchdog->pause_ms;
}

void watchdog_ask_again(struct watchdog *watchdog, int channel)
{
	bool is_asked = watchdog->pause_ms > 0 && watchdog->due_ms == NEVER;
	if (is_asked && !watchdog->daemon_has_answered)
		(void)channel_send(channel, CHANNEL_PING, NULL, -1);
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
