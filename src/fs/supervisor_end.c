/* supervisor_end.c - the end, which leaves nothing mounted. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "kernel.h"
#include "mountinfo.h"
#include "supervisor_state.h"

#define DRAIN_MAX_MS 30000
#define QUIT_MAX_MS  10000

/* False when the daemon is gone or takes too long. */
static bool await_drained(struct supervisor *s)
{
	uint64_t deadline_ms = clock_monotonic_ms() + DRAIN_MAX_MS;
	struct channel_message message;
	for (;;) {
		enum supervisor_event event = supervisor_next_event(s, false, deadline_ms, &message);
		if (event != EVENT_MESSAGE)
			return false;
		if (message.kind == CHANNEL_DRAINED)
			return true;
		supervisor_take_message(s, &message);
	}
}

/* Somebody may have unmounted it, and mounted something else. */
static bool is_ours(const struct supervisor *s, const char *mountpoint)
{
	struct mountinfo info;
	if (mountinfo_read(&info) < 0)
		return true;
	const struct mountinfo_entry *there = mountinfo_at(&info, mountpoint);
	bool ours = there && strcmp(there->type, s->plan->type) == 0 && strcmp(there->source, s->plan->source) == 0;
	mountinfo_done(&info);
	return ours;
}

static void unmount_side(const struct supervisor *s, const char *mountpoint, bool lazy)
{
	if (!is_ours(s, mountpoint))
		return;
	int r = kernel_unmount(mountpoint, lazy);
	if (r == -EBUSY) {
		log_warning("%s is in use; detached, what still uses it gets errors", mountpoint);
		r = kernel_unmount(mountpoint, true);
	}
	if (r < 0)
		log_error("%s was not unmounted: %s", mountpoint, strerror(-r));
}

/* What is kept was mounted by root, and is unmounted by root, when nobody serves it any more. */
static void unmount_all(const struct supervisor *s, bool lazy)
{
	if (s->plan->is_kept)
		return;
	if (s->is_mounted[MEMORY_RUN])
		unmount_side(s, s->plan->run_mountpoint, lazy);
	if (s->is_mounted[MEMORY_TREE])
		unmount_side(s, s->plan->mountpoint, lazy);
}

/* Until the channel's end. */
static void await_end(struct supervisor *s)
{
	uint64_t deadline_ms = clock_monotonic_ms() + QUIT_MAX_MS;
	struct channel_message message;
	for (;;) {
		switch (supervisor_next_event(s, false, deadline_ms, &message)) {
		case EVENT_MESSAGE:
			break;
		case EVENT_TIMEOUT:
			log_error("the daemon does not end; killed");
			(void)kill(s->daemon, SIGKILL);
			return;
		case EVENT_DAEMON_GONE:
		case EVENT_STOP:
		case EVENT_RELOAD:
		case EVENT_FETCH:
		case EVENT_RESTART:
		case EVENT_PROBE:
		case EVENT_FETCHER:
			return;
		}
	}
}

static int stop(struct supervisor *s)
{
	bool drained = channel_send(s->channel, CHANNEL_DRAIN, NULL, -1) == 0 && await_drained(s);
	if (!drained)
		log_warning("uploads were cut off");
	unmount_all(s, false);
	(void)channel_send(s->channel, CHANNEL_QUIT, NULL, -1);
	await_end(s);
	return supervisor_reap_daemon(s);
}

/* Nobody takes over any more: a daemon that dies now has its callers get errors, and nobody here waits for it. */
int supervisor_take_down(struct supervisor *s, int result)
{
	supervisor_cut_connections(s);
	watchdog_done(&s->watchdog);
	fetcher_end(&s->fetcher);
	if (s->daemon == 0 && !s->is_mounted[MEMORY_TREE])
		return EXIT_FAILURE;
	service_manager_stopping();
	if (result == -EINTR && s->daemon > 0) {
		int code = stop(s);
		log_notice("ended");
		return code;
	}
	io_close(&s->channel);
	int code = s->daemon > 0 ? supervisor_reap_daemon(s) : s->exit_code;
	unmount_all(s, true);
	if (result == -EINTR) {
		log_notice("ended");
		return EXIT_SUCCESS;
	}
	if (result != -EPIPE)
		return EXIT_FAILURE;
	if (code != 0 && s->is_mounted[MEMORY_TREE])
		log_error("the daemon has failed; nothing is mounted any more");
	return code;
}
