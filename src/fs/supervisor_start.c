/* supervisor_start.c - a daemon, from the fork until it serves: the mount's first one, or one that takes over. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/limits.h"
#include "daemon.h"
#include "kernel.h"
#include "supervisor_state.h"

#define DEATH_MAX_MS 500 /* of a process that has closed its files */
#define STAT_MAX     4096

/* ---- the process ---- */

/* Nothing of the supervisor's stays with it: above all not the connections, which somebody else may have to cut. */
static _Noreturn void be_daemon(struct supervisor *s, int channel, int ready_fd)
{
	io_close(&s->signals);
	io_close(&ready_fd);
	io_close(&s->memory);
	io_close(&s->nodes);
	io_close(&s->program_before);
	io_close(&s->count);
	for (size_t i = 0; i < MEMORY_SIDES; i++)
		io_close(&s->kept[i]);
	io_close(&s->watchdog.probe_fd);
	io_close(&s->fetcher.pidfd);
	runtime_done(&s->plan->runtime);
	service_manager_forget();
	exit(daemon_main(s->plan, channel, s->hooks.feed));
}

/* No thread comes along to a child, and none is in the middle of something when it is made. */
static pid_t fork_alone(struct supervisor *s)
{
	log_close();
	s->log.queued = false;
	pid_t pid = fork();
	if (pid == 0)
		return 0;
	int error = errno;
	s->log.queued = true;
	log_open(&s->log);
	errno = error;
	return pid;
}

int supervisor_start_daemon(struct supervisor *s, int ready_fd)
{
	int pair[2];
	int r = s->count >= 0 ? memory_put_count(s->count, s->incarnation) : 0;
	if (r == 0)
		r = channel_pair(pair);
	if (r < 0)
		return r;
	s->serves_since_ms = 0;
	s->daemon = fork_alone(s);
	if (s->daemon < 0) {
		r = -errno;
		s->daemon = 0;
		io_close(&pair[0]);
		io_close(&pair[1]);
		return r;
	}
	if (s->daemon == 0) {
		io_close(&pair[0]);
		be_daemon(s, pair[1], ready_fd);
	}
	io_close(&pair[1]);
	s->channel = pair[0];
	return 0;
}

static bool has_ended(int pidfd)
{
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	return poll(&end, 1, DEATH_MAX_MS) > 0;
}

/* Its first thread; others may be held by the kernel. */
static bool is_dead(pid_t pid)
{
	char path[32];
	struct buf text = {0};
	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	const char *state = io_read_path(path, STAT_MAX, &text) == 0 ? strrchr(text.data, ')') : NULL;
	bool dead = state && strncmp(state, ") Z", 3) == 0;
	buf_done(&text);
	return dead;
}

/* A daemon whose thread the kernel does not let go (notify.c) ends when the next one has answered. */
static void await_daemon(struct supervisor *s)
{
	int pidfd = pidfd_open(s->daemon, 0);
	bool is_held = false;
	while (pidfd >= 0 && !is_held && !has_ended(pidfd))
		is_held = is_dead(s->daemon);
	if (is_held && s->held == 0) {
		log_warning("a thread of the daemon that died waits for an answer of the next one");
		s->held = s->daemon;
		s->held_fd = pidfd;
		return;
	}
	io_close(&pidfd);
}

void supervisor_reap_held(struct supervisor *s)
{
	if (s->held > 0 && waitpid(s->held, NULL, WNOHANG) != 0) {
		s->held = 0;
		io_close(&s->held_fd);
	}
}

int supervisor_reap_daemon(struct supervisor *s)
{
	int status = 0;
	pid_t pid = 0;
	supervisor_reap_held(s);
	await_daemon(s);
	while (s->held != s->daemon && (pid = waitpid(s->daemon, &status, 0)) < 0 && errno == EINTR)
		continue;
	s->daemon = 0;
	s->exit_code = pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
	if (pid > 0 && WIFSIGNALED(status))
		log_error("the daemon was killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	return s->exit_code;
}

/* ---- until it serves ---- */

static int await_start(struct supervisor *s, enum channel_kind kind, uint64_t deadline_ms)
{
	for (;;) {
		struct channel_message message;
		enum supervisor_event event = supervisor_next_event(s, true, deadline_ms, &message);
		if (event == EVENT_MESSAGE && message.kind == kind)
			return 0;
		if (event == EVENT_DAEMON_GONE)
			return -EPIPE;
		if (event == EVENT_TIMEOUT && clock_monotonic_ms() >= deadline_ms)
			return -ETIMEDOUT;
		if (event == EVENT_MESSAGE && message.kind == CHANNEL_STOP)
			event = EVENT_STOP;
		supervisor_take_meanwhile(s, event);
		if (s->wants_stop && s->incarnation == 1)
			return -EINTR;
	}
}

int supervisor_mount_side(struct supervisor *s, enum memory_side side)
{
	const bool is_run = side == MEMORY_RUN;
	const struct kernel_mount what = {
		.type = s->plan->type,
		.source = s->plan->source,
		.mountpoint = is_run ? s->plan->run_mountpoint : s->plan->mountpoint,
		.read_only = is_run,
		.no_exec = s->plan->no_exec,
		.allow_other = s->plan->allow_other,
	};
	struct explain why = {.text = "not mounted"};
	int r = kernel_mount(&what, &s->kept[side], &why);
	if (r < 0) {
		plan_say(&why);
		return -ECANCELED;
	}
	s->is_mounted[side] = true;
	return 0;
}

static int serve_side(struct supervisor *s, enum memory_side side, uint64_t deadline_ms)
{
	int r = s->is_mounted[side] ? 0 : supervisor_mount_side(s, side);
	if (r == 0)
		r = channel_send(s->channel, side == MEMORY_RUN ? CHANNEL_RUN : CHANNEL_TREE, NULL, s->kept[side]);
	return r < 0 ? r : await_start(s, CHANNEL_SERVING, deadline_ms);
}

static int send_memory(struct supervisor *s)
{
	char text[32];
	(void)snprintf(text, sizeof(text), "%u %u", s->incarnation, s->deaths);
	int r = channel_send(s->channel, CHANNEL_MEMORY, text, s->memory);
	return r < 0 ? r : channel_send(s->channel, CHANNEL_NODES, NULL, s->nodes);
}

/* The first may take what time it needs: whoever waits for the mount can end it. */
int supervisor_bring_up(struct supervisor *s)
{
	uint64_t deadline_ms = s->incarnation == 1 ? SUPERVISOR_NO_DEADLINE
						   : clock_monotonic_ms() + LIMIT_REPLACE_START_MS;
	int r = send_memory(s);
	if (r == 0)
		r = await_start(s, CHANNEL_OPENED, deadline_ms);
	if (r == 0)
		r = serve_side(s, MEMORY_TREE, deadline_ms);
	if (r == 0 && s->plan->run_mountpoint)
		r = serve_side(s, MEMORY_RUN, deadline_ms);
	if (r == 0)
		r = channel_send(s->channel, CHANNEL_READY, NULL, -1);
	if (r < 0)
		return r;
	s->serves_since_ms = clock_monotonic_ms();
	return 0;
}

/* Paths come from the command line: what of them is no plain text is cut off with what follows. */
void supervisor_set_status(struct supervisor *s, const char *summary)
{
	char replaced[64] = "";
	if (s->replaced > 0)
		(void)snprintf(replaced, sizeof(replaced), "; the daemon was replaced %u time%s", s->replaced,
			       s->replaced == 1 ? "" : "s");
	if (summary != s->summary)
		(void)snprintf(s->summary, sizeof(s->summary), "%s", summary);
	(void)snprintf(s->status, sizeof(s->status), "%s on %s%s%s%s", s->plan->source, s->plan->mountpoint,
		       s->summary[0] ? ": " : "", s->summary, replaced);
}
