#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>

#include "base/clock.h"
#include "base/io.h"
#include "fs/mount.h"
#include "runtime.h"

#define OUTCOME_MAX_MS	 60000
#define OUTCOME_PAUSE_MS 10

static int open_process(const char *source, struct runtime *runtime, int *ret_pidfd, struct explain *why)
{
	int r = runtime_open(source, false, runtime, why);
	if (r == 0) {
		r = runtime_holder(runtime, ret_pidfd);
		if (r < 0)
			runtime_done(runtime);
	}
	if (r == -ENOENT || r == -ESRCH) {
		explain_set(why, "%s is not mounted, or by another user", source);
		return -ENOENT;
	}
	if (r < 0)
		explain_prefix(why, "%s", source);
	return r;
}

/* Waits until the supervisor has written an outcome with another count. */
static int await_outcome(const struct runtime *runtime, int process, uint64_t before, struct buf *ret_errors,
			 struct explain *why)
{
	uint64_t until_ms = clock_monotonic_ms() + OUTCOME_MAX_MS;
	while (clock_monotonic_ms() < until_ms) {
		uint64_t count;
		buf_reset(ret_errors);
		int r = runtime_get_reload(runtime, &count, ret_errors);
		if (r == 0 && count != before)
			return ret_errors->len > 0 ? -EINVAL : 0;

		struct pollfd fd = {.fd = process, .events = POLLIN};
		if (poll(&fd, 1, OUTCOME_PAUSE_MS) > 0) {
			explain_set(why, "the mount ended before it had reloaded");
			return -ESRCH;
		}
	}
	explain_set(why, "no outcome within %d s; see `vouchfs status` and the log", OUTCOME_MAX_MS / 1000);
	return -ETIMEDOUT;
}

int fs_ask_to_fetch(const char *source, struct explain *ret_why)
{
	struct runtime runtime;
	int process = -1;
	int r = open_process(source, &runtime, &process, ret_why);
	if (r < 0)
		return r;
	if (pidfd_send_signal(process, SIGUSR1, NULL, 0) < 0) {
		r = -errno;
		explain_set(ret_why, "%s: %s", source, strerror(-r));
	}
	io_close(&process);
	runtime_done(&runtime);
	return r;
}

int fs_reload(const char *source, struct buf *ret_errors, struct explain *ret_why)
{
	struct runtime runtime;
	int process = -1;
	int r = open_process(source, &runtime, &process, ret_why);
	if (r < 0)
		return r;

	uint64_t before;
	r = runtime_get_reload(&runtime, &before, ret_errors);
	if (r == 0 && pidfd_send_signal(process, SIGHUP, NULL, 0) < 0)
		r = -errno;
	if (r < 0)
		explain_set(ret_why, "%s: %s", source, strerror(-r));
	else
		r = await_outcome(&runtime, process, before, ret_errors, ret_why);
	io_close(&process);
	runtime_done(&runtime);
	return r;
}
