/*
 * One thread (this one) takes signals, messages and time; each connection has threads of its own (session.h), and one
 * pushes invalidations (notify.h). Nothing here ever opens a path of its own mount.
 */
#include "daemon.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "daemon_state.h"
#include "isolate.h"
#include "signing/signing.h"

#define EXIT_CONFIG    78
#define LEAVE_PAUSE_MS 20

/* ---- serving ---- */

/* Nobody depends on it. */
static void send_status(struct daemon *d)
{
	struct buf text = {0};
	const struct tree_ops *ops = d->tree_side.ops;
	if (d->channel >= 0 && ops->summarize && ops->summarize(d->tree_side.tree, &text) == 0)
		(void)channel_send(d->channel, CHANNEL_STATUS, text.data, -1);
	buf_done(&text);
}

static void tell_reloaded(struct daemon *d, const char *request, const char *errors)
{
	char text[CHANNEL_TEXT_SIZE]; /* not on the heap: whoever waits is told also when memory has run out */
	(void)snprintf(text, sizeof(text), "%s\n%s", request, errors);
	if (d->channel >= 0)
		(void)channel_send(d->channel, CHANNEL_RELOADED, text, -1);
}

/* request: its number, "0": a signal's; NULL: nobody waits for the outcome. */
static void reload(struct daemon *d, const char *request)
{
	struct buf errors = {0};
	int r = d->tree_side.ops->reload(d->tree_side.tree, &errors);
	const char *text = errors.data ? errors.data : r < 0 ? strerror(-r) : "";
	d->wants_reload = false;
	if (r == 0)
		log_notice("%s was read again and is in force", d->plan->source);
	else
		log_error("%s was not taken, what was before stays in force: %s", d->plan->source, text);
	watch_renew(&d->watch);
	send_status(d);
	if (request)
		tell_reloaded(d, request, r == 0 ? "" : text);
	buf_done(&errors);
}

/* ---- what differs from the policy bundle ---- */

static int ask_set_aside(void *ctx, const char *name)
{
	struct daemon *d = ctx;
	return d->channel >= 0 ? channel_send(d->channel, CHANNEL_REMEDY, name, -1) : -EPIPE;
}

static void ask_reload(void *ctx)
{
	struct daemon *d = ctx;
	d->wants_reload = true;
}

/* From here on, since before the supervisor awaits other messages. */
static void begin_remedies(struct daemon *d)
{
	const struct slots_remedy remedy = {.ctx = d, .set_aside = ask_set_aside, .reload = ask_reload};
	if (d->run_side.slots)
		slots_set_remedy(d->run_side.slots, &remedy);
}

static void drain(struct daemon *d)
{
	d->tree_side.ops->drain(d->tree_side.tree);
}

/* Who begins to write from now on is left to the next daemon, who does already may end that. */
static void begin_to_leave(struct daemon *d)
{
	log_notice("leaving %s to another daemon", d->plan->source);
	atomic_store(&d->tree_side.is_leaving, true);
	d->leave_ms = clock_monotonic_ms() + LIMIT_LEAVE_MS;
}

static bool has_left(const struct daemon *d)
{
	if (d->leave_ms == 0)
		return false;
	if (atomic_load(&d->tree_side.writers) <= 0)
		return true;
	if (clock_monotonic_ms() < d->leave_ms)
		return false;
	log_warning("uploads were cut off");
	return true;
}

static int timeout_ms(struct daemon *d)
{
	return d->leave_ms > 0 ? LEAVE_PAUSE_MS : sweep_timeout_ms(&d->sweep);
}

/* Only the supervisor can unmount. Without one, serving ends all the same. */
static void stop(struct daemon *d)
{
	if (d->channel >= 0 && channel_send(d->channel, CHANNEL_STOP, NULL, -1) == 0)
		return;
	drain(d);
	d->quit = true;
}

static void take_signal(struct daemon *d)
{
	struct signalfd_siginfo info;
	if (read(d->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		reload(d, "0");
	else
		stop(d);
}

static void take_message(struct daemon *d)
{
	struct channel_message message;
	if (channel_receive(d->channel, &message) < 0) {
		log_warning("the supervisor is gone; serving until all is unmounted");
		io_close(&d->channel);
		return;
	}
	io_close(&message.fd);
	if (message.kind == CHANNEL_RELOAD) {
		reload(d, message.text);
	} else if (message.kind == CHANNEL_REMEDIED && d->run_side.slots) {
		slots_take_remedied(d->run_side.slots, message.text);
	} else if (message.kind == CHANNEL_PING) {
		(void)channel_send(d->channel, CHANNEL_PONG, NULL, -1);
	} else if (message.kind == CHANNEL_LEAVE) {
		begin_to_leave(d);
	} else if (message.kind == CHANNEL_DRAIN) {
		drain(d);
		(void)channel_send(d->channel, CHANNEL_DRAINED, NULL, -1);
	} else if (message.kind == CHANNEL_QUIT) {
		d->quit = true;
	}
}

static void take_session_end(struct daemon *d)
{
	uint64_t count;
	if (read(d->session_end, &count, sizeof(count)) != (ssize_t)sizeof(count) || !session_is_running(d->tree))
		return;
	log_notice("the run side is unmounted");
	if (d->tree_side.waiting) /* who unmounts takes the tree next, which those who wait would hold */
		d->tree_side.ops->end_streams(d->tree_side.tree);
}

static bool is_mounted(const struct daemon *d)
{
	return session_is_running(d->tree) || (d->run && session_is_running(d->run));
}

static void serve(struct daemon *d)
{
	begin_remedies(d);
	send_status(d);
	while (!d->quit && !has_left(d) && is_mounted(d)) {
		struct pollfd fds[] = {
			{.fd = d->signals, .events = POLLIN},	  {.fd = d->channel, .events = POLLIN},
			{.fd = d->session_end, .events = POLLIN}, {.fd = d->sweep.fd, .events = POLLIN},
			{.fd = d->watch.fd, .events = POLLIN},
		};
		int count = poll(fds, ARRAY_SIZE(fds), timeout_ms(d));
		sweep_run(&d->sweep, d->tree_side.ops, d->tree_side.tree);
		if (count <= 0)
			continue;
		if (fds[0].revents)
			take_signal(d);
		if (fds[1].revents)
			take_message(d);
		if (fds[2].revents)
			take_session_end(d);
		/* a reload looks at what has changed as well, and who asked for it takes that look for its outcome */
		if (fds[4].revents && !d->wants_reload)
			watch_run(&d->watch);
		if (d->wants_reload)
			reload(d, NULL);
	}
}

/*
 * In this order: the tree's last requests may still push invalidations, and these wait for the run side. Open
 * files go before the store.
 */
static void tear_down(struct daemon *d)
{
	if (d->tree)
		session_stop(d->tree);
	if (d->run)
		session_stop(d->run);
	if (d->run_side.slots)
		slots_set_notify(d->run_side.slots, NULL);
	notify_free(d->notify);
	waiting_free(d->tree_side.waiting, d->leave_ms > 0);
	handles_done(&d->tree_side.handles);
	watch_done(&d->watch);
	if (d->tree_side.tree && d->leave_ms > 0 && d->tree_side.ops->hand_over)
		d->tree_side.ops->hand_over(d->tree_side.tree);
	if (d->tree_side.tree)
		d->tree_side.ops->close(d->tree_side.tree);
	session_free(d->tree);
	session_free(d->run);
	sweep_done(&d->sweep);
	io_close(&d->session_end);
	io_close(&d->signals);
	io_close(&d->channel);
	io_close(&d->hook_feed.fd);
	io_close(&d->memory);
	io_close(&d->nodes.fd);
}

int daemon_main(const struct plan *plan, int channel, int hook_feed)
{
	struct daemon d = {.plan = plan,
			   .administrator = plan->is_kept ? 0 : geteuid(),
			   .channel = channel,
			   .signals = -1,
			   .session_end = -1,
			   .memory = -1,
			   .nodes = {.fd = -1},
			   .sweep = {.fd = -1},
			   .watch = WATCH_NONE,
			   .hook_feed = {.fd = hook_feed}};
	d.tree_side.ops = plan->kind == PLAN_SIGNING ? &signing_tree_ops : &deploy_tree_ops;
	d.tree_side.sweep = &d.sweep;
	handles_init(&d.tree_side.handles, 0, d.tree_side.ops->release);
	int code = EXIT_FAILURE;
	int r = isolate_daemon(plan, &d.confinement);
	if (r < 0)
		goto out;
	r = d.signals = isolate_open_signals();
	if (r >= 0)
		r = d.session_end = eventfd(0, EFD_CLOEXEC);
	if (r >= 0)
		r = sweep_init(&d.sweep);
	if (r >= 0)
		r = daemon_receive_memory(&d);
	if (r < 0)
		goto out;
	if (d.nodes.incarnation <= 1) /* else the next one would die of the same */
		io_fault_arm_from("start");
	r = daemon_open(&d);
	if (r < 0) {
		code = r == -EINVAL ? EXIT_CONFIG : EXIT_FAILURE;
		goto out;
	}
	if (d.run_side.slots)
		r = watch_init(&d.watch, d.run_side.slots);
	if (r == 0)
		r = isolate_close_calls(&d.confinement);
	if (r == 0)
		r = daemon_come_up(&d);
	if (r < 0) {
		if (daemon_cannot_take_over(r))
			code = DAEMON_CANNOT_TAKE_OVER;
		goto out;
	}
	serve(&d);
	code = 0;
out:
	tear_down(&d);
	log_close();
	return code;
}
