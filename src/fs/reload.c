#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>

#include "base/clock.h"
#include "base/io.h"
#include "fs/mount.h"
#include "mountinfo.h"
#include "mountpoint.h"
#include "runtime.h"

#define OUTCOME_MAX_MS	 60000
#define OUTCOME_PAUSE_MS 10
#define STATUS_MAX	 65536

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

/* An outcome of a later request than the one before: of ours, or of one that was begun when we had looked. */
static int await_outcome(const struct runtime *runtime, enum runtime_outcome of, int process, uint64_t before,
			 struct buf *ret_errors, struct explain *why)
{
	uint64_t until_ms = clock_monotonic_ms() + OUTCOME_MAX_MS;
	while (clock_monotonic_ms() < until_ms) {
		uint64_t request;
		buf_reset(ret_errors);
		int r = runtime_get_outcome(runtime, of, &request, ret_errors);
		if (r == 0 && request > before)
			return ret_errors->len > 0 ? -EINVAL : 0;

		struct pollfd fd = {.fd = process, .events = POLLIN};
		if (poll(&fd, 1, OUTCOME_PAUSE_MS) > 0) {
			explain_set(why, "the mount ended before there was an outcome");
			return -ESRCH;
		}
	}
	explain_set(why, "no outcome within %d s; see `vouchfs status` and the log", OUTCOME_MAX_MS / 1000);
	return -ETIMEDOUT;
}

/* A process that does not take a signal may die of it. One that takes it has it blocked. */
static bool takes_signal(int process, int signal_number)
{
	char path[64], *line;
	struct buf text = {0};
	pid_t pid = 0;
	bool takes = false;
	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", process);
	if (io_read_path(path, STATUS_MAX, &text) == 0 && (line = strstr(text.data, "\nPid:")))
		pid = (pid_t)strtol(line + strlen("\nPid:"), NULL, 10);
	buf_reset(&text);
	(void)snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	if (pid > 0 && io_read_path(path, STATUS_MAX, &text) == 0 && (line = strstr(text.data, "\nSigBlk:")))
		takes = strtoull(line + strlen("\nSigBlk:"), NULL, 16) >> (signal_number - 1) & 1;
	buf_done(&text);
	return takes;
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

/* Has the process do something, and waits for what comes of it. */
static int ask(const char *source, int signal_number, enum runtime_outcome of, struct buf *ret_errors,
	       struct explain *why)
{
	struct runtime runtime;
	int process = -1;
	int r = open_process(source, &runtime, &process, why);
	if (r < 0)
		return r;

	uint64_t before;
	r = runtime_get_request(&runtime, of, &before);
	if (r == 0 && of == RUNTIME_RESTART && !takes_signal(process, signal_number)) {
		explain_set(why,
			    "it was mounted by a version of vouchfs that cannot hand a mount over; unmount and mount");
		r = -EOPNOTSUPP;
		goto out;
	}
	if (r == 0 && pidfd_send_signal(process, signal_number, NULL, 0) < 0)
		r = -errno;
	if (r < 0)
		explain_set(why, "%s: %s", source, strerror(-r));
	else
		r = await_outcome(&runtime, of, process, before, ret_errors, why);
out:
	io_close(&process);
	runtime_done(&runtime);
	return r;
}

int fs_reload(const char *source, struct buf *ret_errors, struct explain *ret_why)
{
	return ask(source, SIGHUP, RUNTIME_RELOAD, ret_errors, ret_why);
}

int fs_restart(const char *mountpoint, struct explain *ret_why)
{
	struct mountinfo info = {0};
	struct buf errors = {0};
	int r = mountinfo_read(&info);
	if (r < 0) {
		mountpoint_explain_table(r, ret_why);
		return r;
	}
	const struct mountinfo_entry *mount = mountinfo_at(&info, mountpoint);
	if (!mount || !mountinfo_is_vouchfs(mount) || mount->read_only) {
		explain_set(ret_why, "%s is not where a configuration or a signer's home is mounted", mountpoint);
		r = -ENOENT;
		goto out;
	}
	r = ask(mount->source, SIGUSR2, RUNTIME_RESTART, &errors, ret_why);
	if (r == -EINVAL)
		explain_set(ret_why, "%s", errors.data);
out:
	buf_done(&errors);
	mountinfo_done(&info);
	return r;
}
