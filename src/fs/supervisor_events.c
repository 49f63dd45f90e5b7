/* supervisor_events.c - what comes in: signals, messages, time, the ends of other processes. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "supervisor_state.h"

int supervisor_block_signals(void)
{
	sigset_t set;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigaddset(&set, SIGUSR2);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	int fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static enum supervisor_event take_signal(struct supervisor *s)
{
	struct signalfd_siginfo info;
	if (read(s->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return EVENT_TIMEOUT;
	if (info.ssi_signo == SIGUSR1)
		return EVENT_FETCH;
	if (info.ssi_signo == SIGUSR2)
		return EVENT_RESTART;
	return info.ssi_signo == SIGHUP ? EVENT_RELOAD : EVENT_STOP;
}

enum supervisor_event supervisor_next_event(struct supervisor *s, bool wants_signals, uint64_t deadline_ms,
					    struct channel_message *ret)
{
	for (;;) {
		int timeout_ms = -1;
		uint64_t now_ms = clock_monotonic_ms();
		bool is_over = deadline_ms <= now_ms;
		if (deadline_ms != SUPERVISOR_NO_DEADLINE)
			timeout_ms = is_over ? 0 : (int)(deadline_ms - now_ms);
		struct pollfd fds[] = {
			{.fd = s->channel, .events = POLLIN},
			{.fd = wants_signals ? s->signals : -1, .events = POLLIN},
			{.fd = s->watchdog.probe_fd, .events = POLLIN},
			{.fd = s->fetcher.pidfd, .events = POLLIN},
			{.fd = s->held_fd, .events = POLLIN},
		};
		int count = poll(fds, ARRAY_SIZE(fds), timeout_ms);
		if (count > 0 && fds[1].revents) /* first: no flood of messages keeps it from ending */
			return take_signal(s);
		if (count == 0 || is_over) /* nor from giving up */
			return EVENT_TIMEOUT;
		if (count > 0 && fds[0].revents)
			return channel_receive_text(s->channel, ret) < 0 ? EVENT_DAEMON_GONE : EVENT_MESSAGE;
		if (count > 0 && fds[4].revents)
			supervisor_reap_held(s);
		if (count > 0 && fds[2].revents)
			return EVENT_PROBE;
		if (count > 0 && fds[3].revents)
			return EVENT_FETCHER;
	}
}

static void note_request(struct supervisor *s, enum runtime_outcome of)
{
	int r = runtime_put_request(&s->plan->runtime, of);
	if (r < 0)
		log_error("who asked for a %s waits in vain for its outcome: %s",
			  of == RUNTIME_RELOAD ? "reload" : "restart", strerror(-r));
}

void supervisor_take_meanwhile(struct supervisor *s, enum supervisor_event event)
{
	switch (event) {
	case EVENT_STOP:
		s->wants_stop = true;
		break;
	case EVENT_RELOAD:
		service_manager_reloading();
		note_request(s, RUNTIME_RELOAD);
		s->reloads++;
		break;
	case EVENT_FETCH:
		fetcher_ask(&s->fetcher);
		break;
	case EVENT_RESTART:
		note_request(s, RUNTIME_RESTART);
		s->wants_restart = true;
		break;
	case EVENT_FETCHER:
		fetcher_take_end(&s->fetcher);
		break;
	case EVENT_PROBE:
		watchdog_take_probe(&s->watchdog);
		break;
	case EVENT_TIMEOUT:
	case EVENT_MESSAGE:
	case EVENT_DAEMON_GONE:
		break;
	}
}
