/*
 * supervisor_replace.c - another daemon for one that died. The connections are kept meanwhile, so callers wait; what
 * was asked of the dead one is asked of the next.
 *
 *     served a while, died ---> at once          died again at once ---> after a pause, twice as long each time
 *     LIMIT_REPLACE_RESENT deaths: what the kernel sends again is refused     LIMIT_REPLACE_TRIES: given up, detached
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/limits.h"
#include "daemon.h"
#include "kept.h"
#include "slots/tree_memory.h"
#include "supervisor_state.h"

/* ---- whether ---- */

/* A daemon that a fault of the test's kills is to stay dead, unless the test says otherwise. */
#ifdef VOUCHFS_TEST_HOOKS
static bool is_forbidden(void)
{
	const char *resend = getenv("VOUCHFS_TEST_RESEND");
	return resend ? strcmp(resend, "no") == 0 : getenv("VOUCHFS_TEST_FAULT") != NULL;
}

/* VOUCHFS_TEST_TRIES: fewer of them are over sooner. */
static unsigned tries_max(void)
{
	const char *tries = getenv("VOUCHFS_TEST_TRIES");
	return tries ? (unsigned)atoi(tries) : LIMIT_REPLACE_TRIES;
}
#else
static unsigned tries_max(void)
{
	return LIMIT_REPLACE_TRIES;
}

static bool is_forbidden(void)
{
	return false;
}
#endif

static bool has_resend(const struct supervisor *s, enum memory_side side)
{
	struct memory_init init;
	return !s->is_mounted[side] || (memory_get_init(s->memory, side, &init) == 0 && memory_has_resend(&init));
}

void supervisor_keep_or_not(struct supervisor *s)
{
	int r = memory_seal(s->memory);
	if (r < 0)
		log_error("what was agreed with the kernel cannot be sealed, so no daemon is replaced: %s",
			  strerror(-r));
	if (r == 0 && !is_forbidden() && has_resend(s, MEMORY_TREE) && has_resend(s, MEMORY_RUN))
		return;
	supervisor_cut_connections(s);
	if (r < 0)
		return;
	log_debug("a daemon that dies is not replaced: the kernel (before 6.9) does not send again what it was asked");
}

void supervisor_cut_connections(struct supervisor *s)
{
	if (s->plan->is_kept)
		kept_drop();
	for (size_t i = 0; i < MEMORY_SIDES; i++)
		io_close(&s->kept[i]);
}

static bool is_kept(const struct supervisor *s)
{
	return s->kept[MEMORY_TREE] >= 0;
}

/* ---- how often ---- */

static void count_death(struct supervisor *s)
{
	if (s->serves_since_ms > 0 && clock_monotonic_ms() - s->serves_since_ms >= LIMIT_REPLACE_STAYS_MS)
		s->deaths = 0;
	s->deaths++;
	s->incarnation++;
}

static bool is_given_up(const struct supervisor *s)
{
	if (s->exit_code == DAEMON_CANNOT_TAKE_OVER)
		return true;
	if (s->incarnation > TREE_INCARNATION_MAX)
		log_error("%u daemons have served this mount, and no more can; it is to be mounted anew",
			  TREE_INCARNATION_MAX);
	else if (s->deaths > (s->program_before >= 0 ? LIMIT_REPLACE_RESENT : tries_max()))
		log_error("%u daemons have died one after the other; no other is started", s->deaths);
	else
		return false;
	return true;
}

static uint64_t pause_ms(const struct supervisor *s)
{
	return s->deaths <= LIMIT_REPLACE_AT_ONCE
		       ? 0
		       : (uint64_t)LIMIT_REPLACE_PAUSE_MS << (s->deaths - LIMIT_REPLACE_AT_ONCE - 1);
}

/* False: told to end. */
static bool await_turn(struct supervisor *s)
{
	uint64_t pause = pause_ms(s), until_ms = clock_monotonic_ms() + pause;
	struct channel_message unused;
	if (pause > 0)
		log_warning("another daemon is started in %llu ms", (unsigned long long)pause);
	while (!s->wants_stop && clock_monotonic_ms() < until_ms)
		supervisor_take_meanwhile(s, supervisor_next_event(s, true, until_ms, &unused));
	return pause == 0 || !s->wants_stop;
}

/* ---- another one ---- */

int supervisor_send_reload(struct supervisor *s)
{
	char request[24];
	(void)snprintf(request, sizeof(request), "%llu", (unsigned long long)s->plan->runtime.asked[RUNTIME_RELOAD]);
	return channel_send(s->channel, CHANNEL_RELOAD, request, -1);
}

void supervisor_ask_again(struct supervisor *s)
{
	if (s->reloads > 0)
		(void)supervisor_send_reload(s);
	s->reloads = s->reloads > 0 ? 1 : 0;
	watchdog_ask_again(&s->watchdog, s->channel);
}

static void say_failure(const struct supervisor *s, int r)
{
	if (r == -ETIMEDOUT)
		log_error("the daemon that was to take over has not served within %d s; killed",
			  LIMIT_REPLACE_START_MS / 1000);
	else if (r != -EPIPE)
		log_error("no other daemon: %s", strerror(-r));
	else if (s->exit_code != DAEMON_CANNOT_TAKE_OVER)
		log_error("the daemon that was to take over has ended with exit status %d", s->exit_code);
}

static int try_once(struct supervisor *s)
{
	int r = supervisor_start_daemon(s, -1);
	if (r == 0)
		r = supervisor_bring_up(s);
	if (r == 0)
		return 0;
	if (s->daemon > 0 && r != -EPIPE) /* else it is ending, and its exit status says why */
		(void)kill(s->daemon, SIGKILL);
	if (s->daemon > 0)
		(void)supervisor_reap_daemon(s);
	io_close(&s->channel);
	say_failure(s, r);
	return r;
}

static int give_up(struct supervisor *s)
{
	if (is_kept(s))
		supervisor_give_back(s);
	supervisor_cut_connections(s);
	return -EPIPE;
}

int supervisor_start_another(struct supervisor *s)
{
	uint64_t since_ms = clock_monotonic_ms();
	while (!is_given_up(s)) {
		if (!await_turn(s)) {
			supervisor_cut_connections(s);
			return -EINTR;
		}
		if (try_once(s) < 0) {
			count_death(s);
			continue;
		}
		log_warning("another daemon serves %s on %s, after %llu ms without one", s->plan->source,
			    s->plan->mountpoint, (unsigned long long)(clock_monotonic_ms() - since_ms));
		supervisor_ask_again(s);
		return s->wants_stop ? -EINTR : 0;
	}
	return give_up(s);
}

int supervisor_replace(struct supervisor *s)
{
	io_close(&s->channel);
	if (supervisor_reap_daemon(s) == 0 || !is_kept(s)) { /* all is unmounted; or nobody can */
		supervisor_cut_connections(s);
		return -EPIPE;
	}
	service_manager_status("the daemon has died; another one takes over");
	count_death(s);
	s->replaced++;
	int r = supervisor_start_another(s);
	supervisor_set_status(s, s->summary);
	if (r == 0)
		service_manager_status(s->status);
	return r;
}
