/*
 * States: bring_up -> watch -> take_down; the daemon's end leads to another one's start, or to take_down, from
 * everywhere.
 */
#include "supervisor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "kernel.h"
#include "remedy.h"
#include "supervisor_state.h"

/* ---- watch ---- */

/* In force or not, it is over: what is served is served on. */
static void take_reloaded(struct supervisor *s, const char *errors)
{
	if (s->reloads > 0)
		s->reloads--;
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

void supervisor_take_message(struct supervisor *s, const struct channel_message *message)
{
	if (message->kind == CHANNEL_RELOADED) {
		take_reloaded(s, message->text);
	} else if (message->kind == CHANNEL_STATUS) {
		supervisor_set_status(s, message->text);
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
		switch (supervisor_next_event(s, true, next_due_ms(s), &message)) {
		case EVENT_STOP:
			return -EINTR;
		case EVENT_RELOAD:
			service_manager_reloading();
			s->reloads++;
			if (channel_send(s->channel, CHANNEL_RELOAD, NULL, -1) < 0)
				log_error("the daemon does not take a reload; is it hanging?");
			break;
		case EVENT_MESSAGE:
			io_close(&message.fd);
			if (message.kind == CHANNEL_STOP)
				return -EINTR;
			supervisor_take_message(s, &message);
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

/* ---- from the start to the end ---- */

static int make_memory(struct supervisor *s)
{
	int r = memory_new(&s->memory);
	return r < 0 ? r : memory_new_nodes(&s->nodes);
}

/* All is served: whoever waits for that is told. */
static void announce(struct supervisor *s, int ready_fd)
{
	if (s->is_mounted[MEMORY_RUN])
		kernel_raise_read_ahead(s->plan->run_mountpoint);
	supervisor_keep_or_not(s);
	if (ready_fd >= 0)
		(void)io_write_full(ready_fd, "", 1);
	if (!s->plan->foreground)
		log_leave_terminal();
	log_notice("serving %s on %s as uid %u", s->plan->source, s->plan->mountpoint, s->plan->user.uid);
	supervisor_set_status(s, "");
	service_manager_ready(s->status);
	watchdog_init(&s->watchdog);
	fetcher_begin(&s->fetcher, s->plan);
	supervisor_ask_again(s);
}

static int serve(struct supervisor *s, int ready_fd)
{
	int r = supervisor_start_daemon(s, ready_fd);
	if (r == 0)
		r = supervisor_bring_up(s);
	if (r < 0) {
		if (r != -EINTR && r != -EPIPE && r != -ECANCELED) /* these have been told */
			log_error("not mounted: %s", strerror(-r));
		return r;
	}
	announce(s, ready_fd);
	do {
		r = watch(s);
		if (r == -EPIPE)
			r = supervisor_replace(s);
	} while (r == 0);
	return r;
}

int supervisor_run(struct plan *plan, int ready_fd)
{
	struct supervisor s = {
		.plan = plan,
		.log = {.target = plan->log, .background = !plan->foreground},
		.signals = -1,
		.channel = -1,
		.hooks = {.feed = -1},
		.kept = {-1, -1},
		.memory = -1,
		.nodes = -1,
		.incarnation = 1,
		.watchdog = WATCHDOG_NONE,
		.fetcher = FETCHER_NONE,
	};
	struct explain why;
	log_open(&s.log);
	if (privileges_hide_memory(&why) < 0) {
		plan_say(&why);
		return EXIT_FAILURE;
	}
	int r = s.signals = supervisor_block_signals();
	if (r >= 0)
		r = chdir("/") < 0 ? -errno : 0;
	if (r == 0)
		r = make_memory(&s);
	if (r == 0) {
		s.hooks = hooks_start(&plan->hooks, &s.log);
		r = serve(&s, ready_fd);
	} else {
		log_error("not mounted: %s", strerror(-r));
	}
	if (r < 0 && r != -EINTR && r != -EPIPE)
		service_manager_failed(-r);
	int code = supervisor_take_down(&s, r);
	hooks_end(&s.hooks);
	io_close(&s.channel);
	io_close(&s.signals);
	io_close(&s.memory);
	io_close(&s.nodes);
	log_close();
	return code;
}
