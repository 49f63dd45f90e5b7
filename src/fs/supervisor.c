/* States: bring_up -> watch -> take_down; the daemon's end leads to take_down from everywhere. */
#include "supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/service_manager.h"
#include "channel.h"
#include "daemon.h"
#include "kernel.h"
#include "mountinfo.h"
#include "remedy.h"
#include "watchdog.h"

#define DRAIN_MAX_MS 30000
#define QUIT_MAX_MS  10000
#define NO_DEADLINE  UINT64_MAX

struct supervisor {
	struct plan *plan;
	int signals;
	int channel;
	pid_t daemon;
	struct hooks hooks;
	bool tree_mounted;
	bool run_mounted;
	struct watchdog watchdog;
	struct fetcher fetcher;
	char status[SERVICE_STATUS_SIZE]; /* for the service manager */
};

/* ---- the daemon ---- */

static int start_daemon(struct supervisor *s, int ready_fd)
{
	int pair[2];
	int r = channel_pair(pair);
	if (r < 0)
		return r;
	s->daemon = fork();
	if (s->daemon < 0) {
		r = -errno;
		s->daemon = 0;
		io_close(&pair[0]);
		io_close(&pair[1]);
		return r;
	}
	if (s->daemon == 0) {
		io_close(&pair[0]);
		io_close(&s->signals);
		io_close(&ready_fd);
		runtime_done(&s->plan->runtime);
		service_manager_forget();
		exit(daemon_main(s->plan, pair[1], s->hooks.feed));
	}
	io_close(&pair[1]);
	io_close(&s->hooks.feed);
	s->channel = pair[0];
	return 0;
}

/* Its exit code; a signal is a failure. */
static int reap_daemon(struct supervisor *s)
{
	int status;
	while (waitpid(s->daemon, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FAILURE;
	s->daemon = 0;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	log_error("the daemon was killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	return EXIT_FAILURE;
}

/* ---- what comes in ---- */

enum event {
	EVENT_TIMEOUT = 1,
	EVENT_STOP,
	EVENT_RELOAD,
	EVENT_FETCH,
	EVENT_MESSAGE,
	EVENT_PROBE,
	EVENT_FETCHER,
	EVENT_DAEMON_GONE,
};

static enum event take_signal(struct supervisor *s)
{
	struct signalfd_siginfo info;
	if (read(s->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return EVENT_TIMEOUT;
	if (info.ssi_signo == SIGUSR1)
		return EVENT_FETCH;
	return info.ssi_signo == SIGHUP ? EVENT_RELOAD : EVENT_STOP;
}

static enum event next_event(struct supervisor *s, bool want_signals, uint64_t deadline_ms, struct channel_message *ret)
{
	for (;;) {
		int timeout_ms = -1;
		uint64_t now_ms = clock_monotonic_ms();
		if (deadline_ms != NO_DEADLINE)
			timeout_ms = deadline_ms > now_ms ? (int)(deadline_ms - now_ms) : 0;
		struct pollfd fds[] = {
			{.fd = s->channel, .events = POLLIN},
			{.fd = want_signals ? s->signals : -1, .events = POLLIN},
			{.fd = s->watchdog.probe_fd, .events = POLLIN},
			{.fd = s->fetcher.pidfd, .events = POLLIN},
		};
		int count = poll(fds, ARRAY_SIZE(fds), timeout_ms);
		if (count == 0)
			return EVENT_TIMEOUT;
		if (count > 0 && fds[1].revents) /* first: no flood of messages keeps it from ending */
			return take_signal(s);
		if (count > 0 && fds[0].revents)
			return channel_receive(s->channel, ret) < 0 ? EVENT_DAEMON_GONE : EVENT_MESSAGE;
		if (count > 0 && fds[2].revents)
			return EVENT_PROBE;
		if (count > 0 && fds[3].revents)
			return EVENT_FETCHER;
	}
}

/* -EINTR: it is to end before it has begun; -EPIPE: the daemon is gone and has said why. */
static int await_start(struct supervisor *s, enum channel_kind kind)
{
	for (;;) {
		struct channel_message message;
		switch (next_event(s, true, NO_DEADLINE, &message)) {
		case EVENT_MESSAGE:
			io_close(&message.fd);
			if (message.kind == kind)
				return 0;
			if (message.kind == CHANNEL_STOP)
				return -EINTR;
			break;
		case EVENT_STOP:
			return -EINTR;
		case EVENT_DAEMON_GONE:
			return -EPIPE;
		case EVENT_RELOAD:
		case EVENT_FETCH:
		case EVENT_TIMEOUT:
		case EVENT_PROBE:
		case EVENT_FETCHER:
			break;
		}
	}
}

/* ---- bring up ---- */

/*
 * The descriptor goes to the daemon alone: were it kept here, callers of a dead daemon would hang. -ECANCELED: the
 * kernel refused, and that has been said.
 */
static int mount_side(struct supervisor *s, enum channel_kind side)
{
	const bool is_run = side == CHANNEL_RUN;
	const struct kernel_mount what = {
		.type = s->plan->type,
		.source = s->plan->source,
		.mountpoint = is_run ? s->plan->run_mountpoint : s->plan->mountpoint,
		.read_only = is_run,
		.no_exec = s->plan->no_exec,
		.allow_other = s->plan->allow_other,
	};
	struct explain why = {.text = "not mounted"};
	int fd = -1;
	int r = kernel_mount(&what, &fd, &why);
	if (r < 0) {
		plan_say(&why);
		return -ECANCELED;
	}
	*(is_run ? &s->run_mounted : &s->tree_mounted) = true;
	r = channel_send(s->channel, side, NULL, fd);
	io_close(&fd);
	return r < 0 ? r : await_start(s, CHANNEL_SERVING);
}

/* Paths come from the command line: what of them is no plain text is cut off with what follows. */
static void set_status(struct supervisor *s, const char *summary)
{
	(void)snprintf(s->status, sizeof(s->status), "%s on %s%s%s", s->plan->source, s->plan->mountpoint,
		       summary[0] ? ": " : "", summary);
}

static int bring_up(struct supervisor *s, int ready_fd)
{
	int r = await_start(s, CHANNEL_OPENED);
	if (r == 0)
		r = mount_side(s, CHANNEL_TREE);
	if (r == 0 && s->plan->run_mountpoint)
		r = mount_side(s, CHANNEL_RUN);
	if (r < 0)
		return r;

	if (s->run_mounted)
		kernel_raise_read_ahead(s->plan->run_mountpoint);
	r = channel_send(s->channel, CHANNEL_READY, NULL, -1);
	if (r < 0)
		return r;
	if (ready_fd >= 0)
		(void)io_write_full(ready_fd, "", 1);
	if (!s->plan->foreground)
		log_leave_terminal();
	log_notice("serving %s on %s as uid %u", s->plan->source, s->plan->mountpoint, s->plan->user.uid);
	set_status(s, "");
	service_manager_ready(s->status);
	watchdog_init(&s->watchdog);
	fetcher_begin(&s->fetcher, s->plan);
	return 0;
}

/* ---- watch ---- */

/* In force or not, it is over: what is served is served on. */
static void take_reloaded(struct supervisor *s, const char *errors)
{
	int r = runtime_put_reload(&s->plan->runtime, errors);
	if (r < 0)
		log_warning("the outcome of the reload could not be written down: %s", strerror(-r));
	if (errors[0] == '\0') {
		service_manager_ready(s->status);
		fetcher_renew(&s->fetcher, s->plan);
		return;
	}
	char status[SERVICE_STATUS_SIZE];
	(void)snprintf(status, sizeof(status), "the last reload was REFUSED, what was before stays in force: %s",
		       errors);
	service_manager_ready(status);
}

static void take_remedy(struct supervisor *s, const char *name)
{
	struct buf answer = {0};
	int r = remedy_answer(s->plan->source, name, &answer);
	if (r == 0)
		r = channel_send(s->channel, CHANNEL_REMEDIED, answer.data, -1);
	if (r < 0)
		log_error("what became of a file that was to be set aside could not be told: %s", strerror(-r));
	buf_done(&answer);
}

static void take_message(struct supervisor *s, const struct channel_message *message)
{
	if (message->kind == CHANNEL_RELOADED) {
		take_reloaded(s, message->text);
	} else if (message->kind == CHANNEL_STATUS) {
		set_status(s, message->text);
		service_manager_status(s->status);
	} else if (message->kind == CHANNEL_REMEDY && s->plan->kind == PLAN_DEPLOYMENT) {
		take_remedy(s, message->text);
	} else if (message->kind == CHANNEL_PONG) {
		watchdog_take_pong(&s->watchdog);
	}
}

static void take_time(struct supervisor *s)
{
	uint64_t now_ms = clock_monotonic_ms();
	if (s->watchdog.due_ms <= now_ms)
		watchdog_ask(&s->watchdog, s->plan, s->channel);
	if (s->fetcher.due_ms <= now_ms)
		fetcher_take_time(&s->fetcher);
}

static uint64_t next_due_ms(const struct supervisor *s)
{
	return s->watchdog.due_ms < s->fetcher.due_ms ? s->watchdog.due_ms : s->fetcher.due_ms;
}

/* -EINTR: told to end; -EPIPE: the daemon is gone. */
static int watch(struct supervisor *s)
{
	for (;;) {
		struct channel_message message;
		switch (next_event(s, true, next_due_ms(s), &message)) {
		case EVENT_STOP:
			return -EINTR;
		case EVENT_RELOAD:
			service_manager_reloading();
			if (channel_send(s->channel, CHANNEL_RELOAD, NULL, -1) < 0)
				log_error("the daemon does not take a reload; is it hanging?");
			break;
		case EVENT_MESSAGE:
			io_close(&message.fd);
			if (message.kind == CHANNEL_STOP)
				return -EINTR;
			take_message(s, &message);
			break;
		case EVENT_DAEMON_GONE:
			return -EPIPE;
		case EVENT_TIMEOUT:
			take_time(s);
			break;
		case EVENT_PROBE:
			watchdog_take_probe(&s->watchdog);
			break;
		case EVENT_FETCH:
			fetcher_ask(&s->fetcher);
			break;
		case EVENT_FETCHER:
			fetcher_take_end(&s->fetcher);
			break;
		}
	}
}

/* ---- take down ---- */

/* False when the daemon is gone or takes too long. */
static bool await_drained(struct supervisor *s)
{
	uint64_t deadline_ms = clock_monotonic_ms() + DRAIN_MAX_MS;
	struct channel_message message;
	for (;;) {
		enum event event = next_event(s, false, deadline_ms, &message);
		if (event != EVENT_MESSAGE)
			return false;
		io_close(&message.fd);
		if (message.kind == CHANNEL_DRAINED)
			return true;
		take_message(s, &message);
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

static void unmount_all(const struct supervisor *s, bool lazy)
{
	if (s->run_mounted)
		unmount_side(s, s->plan->run_mountpoint, lazy);
	if (s->tree_mounted)
		unmount_side(s, s->plan->mountpoint, lazy);
}

/* Until the channel's end. */
static void await_end(struct supervisor *s)
{
	uint64_t deadline_ms = clock_monotonic_ms() + QUIT_MAX_MS;
	struct channel_message message;
	for (;;) {
		switch (next_event(s, false, deadline_ms, &message)) {
		case EVENT_MESSAGE:
			io_close(&message.fd);
			break;
		case EVENT_TIMEOUT:
			log_error("the daemon does not end; killed");
			(void)kill(s->daemon, SIGKILL);
			return;
		case EVENT_DAEMON_GONE:
		case EVENT_STOP:
		case EVENT_RELOAD:
		case EVENT_FETCH:
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
	return reap_daemon(s);
}

/* result is why: -EINTR, -EPIPE or what failed. */
static int take_down(struct supervisor *s, int result)
{
	watchdog_done(&s->watchdog);
	fetcher_end(&s->fetcher);
	if (s->daemon == 0)
		return EXIT_FAILURE;
	service_manager_stopping();
	if (result == -EINTR) {
		int code = stop(s);
		log_notice("ended");
		return code;
	}
	io_close(&s->channel);
	int code = reap_daemon(s);
	unmount_all(s, true);
	if (result != -EPIPE)
		return EXIT_FAILURE;
	if (code != 0 && s->tree_mounted)
		log_error("the daemon has failed; nothing is mounted any more");
	return code;
}

static int block_signals(void)
{
	sigset_t set;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	int fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int supervisor_run(struct plan *plan, int ready_fd)
{
	struct supervisor s = {
		.plan = plan, .channel = -1, .hooks = {.feed = -1}, .watchdog = WATCHDOG_NONE, .fetcher = FETCHER_NONE};
	struct explain why;
	struct log_options log = {.target = plan->log, .background = !plan->foreground};
	log_open(&log);
	if (privileges_hide_memory(&why) < 0) {
		plan_say(&why);
		return EXIT_FAILURE;
	}
	int r = s.signals = block_signals();
	if (r >= 0)
		r = chdir("/") < 0 ? -errno : 0;
	if (r == 0)
		s.hooks = hooks_start(&plan->hooks, &log);
	if (r == 0)
		r = start_daemon(&s, ready_fd);
	log.queued = true; /* from here on: threads do not come along to a child */
	log_open(&log);
	if (r == 0)
		r = bring_up(&s, ready_fd);
	if (r == 0)
		r = watch(&s);
	else if (r != -EINTR && r != -EPIPE && r != -ECANCELED) /* these have been told */
		log_error("not mounted: %s", strerror(-r));
	if (r < 0 && r != -EINTR && r != -EPIPE)
		service_manager_failed(-r);
	int code = take_down(&s, r);
	hooks_end(&s.hooks);
	io_close(&s.channel);
	io_close(&s.signals);
	log_close();
	return code;
}
