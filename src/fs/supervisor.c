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
#include "program.h"
#include "remedy.h"
#include "supervisor_state.h"
#include "takeover.h"

/* ---- watch ---- */

static void put_reloaded(struct supervisor *s, uint64_t request, const char *errors)
{
	if (s->reloads > 0)
		s->reloads--;
	int r = runtime_put_outcome(&s->plan->runtime, RUNTIME_RELOAD, request, errors);
	if (r < 0)
		log_warning("the outcome of the reload could not be written down: %s", strerror(-r));
}

/* In force or not, it is over: what is served is served on. */
static void take_reloaded(struct supervisor *s, const char *text)
{
	char *errors;
	uint64_t request = strtoull(text, &errors, 10);
	errors += *errors == '\n';
	if (request > 0)
		put_reloaded(s, request, errors);
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

/* -EINTR: told to end; -EPIPE: the daemon is gone; -ERESTART: another program is to do it. */
static int watch(struct supervisor *s)
{
	for (;;) {
		struct channel_message message;
		switch (supervisor_next_event(s, true, next_due_ms(s), &message)) {
		case EVENT_STOP:
			return -EINTR;
		case EVENT_RESTART:
			supervisor_take_meanwhile(s, EVENT_RESTART);
			return -ERESTART;
		case EVENT_RELOAD:
			supervisor_take_meanwhile(s, EVENT_RELOAD);
			if (supervisor_send_reload(s) < 0)
				log_error("the daemon does not take a reload; is it hanging?");
			break;
		case EVENT_MESSAGE:
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

/* All is served: whoever waits for that is told. */
static void announce(struct supervisor *s)
{
	if (s->is_mounted[MEMORY_RUN])
		kernel_raise_read_ahead(s->plan->run_mountpoint);
	supervisor_keep_or_not(s);
	log_notice("serving %s on %s as uid %u", s->plan->source, s->plan->mountpoint, s->plan->user.uid);
	supervisor_set_status(s, "");
	service_manager_ready(s->status);
	watchdog_init(&s->watchdog);
	fetcher_begin(&s->fetcher, s->plan);
}

static int serve(struct supervisor *s)
{
	int r = 0;
	announce(s);
	while (r == 0) {
		r = s->wants_restart ? -ERESTART : watch(s);
		s->wants_restart = false;
		if (r == -EPIPE)
			r = supervisor_replace(s);
		else if (r == -ERESTART)
			r = supervisor_restart(s);
	}
	return r;
}

static int make_memory(struct supervisor *s)
{
	int r = memory_new(&s->memory);
	return r < 0 ? r : memory_new_nodes(&s->nodes);
}

static int bring_up_first(struct supervisor *s, int ready_fd)
{
	int r = s->memory < 0 ? make_memory(s) : 0;
	if (r == 0 && !s->program)
		r = program_path(&s->program);
	if (r == 0) {
		s->hooks = hooks_start(&s->plan->hooks, &s->log);
		r = supervisor_start_daemon(s, ready_fd);
	}
	if (r == 0)
		r = supervisor_bring_up(s);
	if (r < 0 && r != -EINTR && r != -EPIPE && r != -ECANCELED) /* these have been told */
		log_error("not mounted: %s", strerror(-r));
	if (r < 0)
		return r;
	if (ready_fd >= 0)
		(void)io_write_full(ready_fd, "", 1);
	if (!s->plan->foreground)
		log_leave_terminal();
	return 0;
}

static int bring_up_again(struct supervisor *s)
{
	s->hooks = hooks_start(&s->plan->hooks, &s->log);
	int r = supervisor_start_another(s);
	if (s->daemon > 0)
		supervisor_note_restarted(s);
	return r;
}

static int prepare(struct supervisor *s)
{
	struct explain why;
	log_open(&s->log);
	int r = privileges_hide_memory(&why);
	if (r < 0) {
		plan_say(&why);
		return -ECANCELED;
	}
	r = s->signals = supervisor_block_signals();
	if (r < 0)
		return r;
	return chdir("/") < 0 ? -errno : 0;
}

static int end(struct supervisor *s, int result)
{
	if (result != -EINTR && result != -EPIPE)
		service_manager_failed(-result);
	int code = supervisor_take_down(s, result);
	hooks_end(&s->hooks);
	hooks_end(&s->hooks_before);
	io_close(&s->channel);
	io_close(&s->signals);
	io_close(&s->memory);
	io_close(&s->nodes);
	io_close(&s->count);
	io_close(&s->program_before);
	free(s->program);
	free(s->failure);
	log_close();
	return code;
}

int supervisor_run(struct plan *plan, int ready_fd)
{
	struct supervisor s = SUPERVISOR_NONE;
	s.plan = plan;
	s.log = (struct log_options){.target = plan->log, .background = !plan->foreground};
	int r = prepare(&s);
	if (r == 0)
		r = bring_up_first(&s, ready_fd);
	return end(&s, r == 0 ? serve(&s) : r);
}

int supervisor_go_on(struct takeover *takeover)
{
	struct supervisor s = SUPERVISOR_NONE;
	struct plan plan;
	s.plan = &plan;
	(void)takeover_let_through(takeover, false);
	supervisor_adopt(&s, takeover);
	takeover_done(takeover);
	int r = prepare(&s);
	if (r == 0)
		r = s.incarnation == 1 ? bring_up_first(&s, -1) : bring_up_again(&s);
	int code = end(&s, r == 0 ? serve(&s) : r);
	free((char *)plan.source);
	free((char *)plan.mountpoint);
	plan_done(&plan);
	return code;
}

int supervisor_resume(int description)
{
	struct takeover takeover;
	int r = takeover_read(description, &takeover);
	io_close(&description);
	if (r < 0) {
		log_error("what the program before has left of its mount cannot be read: %s", strerror(-r));
		return EXIT_FAILURE;
	}
	return supervisor_go_on(&takeover);
}
