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
#include "channel.h"
#include "isolate.h"
#include "memory.h"
#include "notify.h"
#include "session.h"
#include "sides.h"
#include "signing/signing.h"
#include "sweep.h"
#include "watch.h"

#define EXIT_CONFIG    78
#define LEAVE_PAUSE_MS 20

struct daemon {
	const struct plan *plan;
	uid_t administrator; /* who has mounted it */
	int channel;	     /* -1: the supervisor is gone */
	int signals;
	int session_end;
	int memory;
	struct tree_memory nodes;
	bool refuses_resent; /* what the kernel sends again: others have died of it */
	struct tree_side tree_side;
	struct run_side run_side;
	struct session *tree;
	struct session *run; /* NULL: there is no run side */
	struct notify *notify;
	struct sweep sweep;
	struct watch watch;
	struct hook_feed hook_feed;
	bool wants_reload; /* to put right what differs from the policy bundle */
	uint64_t leave_ms; /* clock_monotonic_ms at which it ends although somebody writes; 0: it does not leave */
	struct confinement confinement;
	bool quit;
};

static bool takes_over(const struct daemon *d)
{
	return d->nodes.incarnation > 1;
}

/* ---- setting up ---- */

static int await_message(struct daemon *d, enum channel_kind kind, struct channel_message *ret)
{
	int r = channel_receive(d->channel, ret);
	if (r == 0 && ret->kind != kind) { /* it wants to end */
		io_close(&ret->fd);
		r = -EINTR;
	}
	return r;
}

static int await(struct daemon *d, enum channel_kind kind, int *ret_fd)
{
	struct channel_message message;
	int r = await_message(d, kind, &message);
	if (r == 0)
		*ret_fd = message.fd;
	return r;
}

static int receive_memory(struct daemon *d)
{
	struct channel_message message;
	unsigned incarnation = 0, deaths = 0;
	int r = await_message(d, CHANNEL_MEMORY, &message);
	if (r < 0)
		return r;
	d->memory = message.fd;
	if (sscanf(message.text, "%u %u", &incarnation, &deaths) != 2 || incarnation == 0)
		return -EBADMSG;
	d->nodes.incarnation = d->tree_side.handles.incarnation = incarnation;
	d->refuses_resent = deaths >= LIMIT_REPLACE_RESENT;
	return await(d, CHANNEL_NODES, &d->nodes.fd);
}

static int open_deployment(struct daemon *d, struct buf *ret_errors)
{
	const struct slots_options options = {
		.config_path = d->plan->source,
		.run_target = d->plan->run_is_linked ? d->plan->run_mountpoint : NULL,
		.tell = hook_feed_tell,
		.tell_ctx = &d->hook_feed,
		.administrator = d->administrator,
		.allow_other = d->plan->allow_other || d->administrator == 0,
		.unconfined = d->confinement.lack[0] ? d->confinement.lack : NULL,
		.fetcher = d->plan->fetch.user.uid,
		.memory = d->nodes,
	};
	struct slots *slots;
	int r = slots_open(&options, &slots, ret_errors);
	if (r == 0)
		d->tree_side.tree = d->run_side.slots = slots;
	return r;
}

static int open_signing(struct daemon *d, struct buf *ret_errors)
{
	struct signing *signing;
	int r = signing_open(d->plan->source, &d->nodes, &signing, ret_errors);
	if (r == 0)
		d->tree_side.tree = signing;
	return r;
}

static int open_tree(struct daemon *d)
{
	struct buf errors = {0};
	int r = d->plan->kind == PLAN_SIGNING ? open_signing(d, &errors) : open_deployment(d, &errors);
	if (r < 0) {
		const char *text = errors.data ? errors.data : strerror(-r);
		/* of a bad configuration, a line for each error, beginning with its file */
		bool is_named = r == -EINVAL && d->plan->kind == PLAN_DEPLOYMENT;
		if (takes_over(d)) /* nobody waits at a terminal any more */
			log_error("what was served cannot be opened: %s", text);
		else
			(void)fprintf(stderr, "%s%s%s", is_named ? "" : "vouchfs: ", text,
				      text_ends_with(text, "\n") ? "" : "\n");
	}
	buf_done(&errors);
	return r;
}

static void poke_sweep(void *ctx)
{
	sweep_poke(ctx);
}

static int make_run_session(struct daemon *d)
{
	int r = session_new(&run_side_ops, &d->run_side, d->session_end, &d->run);
	if (r == 0)
		r = notify_new(session_fuse(d->run), &d->notify);
	if (r == 0) {
		const struct slots_notify notify = notify_for_slots(d->notify);
		slots_set_notify(d->run_side.slots, &notify);
		slots_set_sweeper(d->run_side.slots, &(struct slots_sweeper){.ctx = &d->sweep, .poke = poke_sweep});
	}
	return r;
}

static int make_sessions(struct daemon *d)
{
	int r = session_new(&tree_side_ops, &d->tree_side, d->session_end, &d->tree);
	if (r == 0 && d->tree_side.ops->set_waker)
		r = waiting_new(d->tree_side.ops, d->tree_side.tree, &d->tree_side.waiting);
	if (r == 0 && d->run_side.slots)
		r = make_run_session(d);
	return r;
}

/* ---- coming up, in step with the supervisor ---- */

static int serve_side(struct daemon *d, enum channel_kind kind, struct session *session, enum memory_side side)
{
	const struct session_memory memory = {
		.fd = d->memory, .side = side, .takes_over = takes_over(d), .refuses_resent = d->refuses_resent};
	int fd = -1;
	int r = await(d, kind, &fd);
	if (r == 0)
		r = session_start(session, fd, &memory);
	if (r == 0)
		r = channel_send(d->channel, CHANNEL_SERVING, NULL, -1);
	return r;
}

/* Once both are served, since what is done again on one side may wait for the other. */
static int take_over(struct daemon *d)
{
	int r = session_resend(d->tree);
	if (r == 0 && d->run)
		r = session_resend(d->run);
	if (r == 0 && d->tree_side.ops->take_over)
		d->tree_side.ops->take_over(d->tree_side.tree);
	return r;
}

static int come_up(struct daemon *d)
{
	int unused = -1;
	int r = channel_send(d->channel, CHANNEL_OPENED, NULL, -1);
	if (r == 0)
		r = serve_side(d, CHANNEL_TREE, d->tree, MEMORY_TREE);
	if (r == 0 && d->run)
		r = serve_side(d, CHANNEL_RUN, d->run, MEMORY_RUN);
	if (r == 0)
		r = await(d, CHANNEL_READY, &unused);
	if (r < 0)
		return r;
	if (!d->plan->foreground)
		log_leave_terminal();
	if (takes_over(d))
		return take_over(d);
	io_fault_arm_from("served"); /* of the first: else the next one would die of the same */
	return 0;
}

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

/* is_asked: somebody waits for the outcome. */
static void reload(struct daemon *d, bool is_asked)
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
	if (is_asked && d->channel >= 0)
		(void)channel_send(d->channel, CHANNEL_RELOADED, r == 0 ? "" : text, -1);
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
		reload(d, true);
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
		reload(d, true);
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
			reload(d, false);
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

/* What the first daemon has left is missing or wrong, or this program wants something else of the kernel. */
static bool is_no_takeover(int r)
{
	return r == -ENODATA || r == -EBADMSG || r == -EPROTO;
}

static void say_not_serving(int r)
{
	if (r == -EPROTO)
		log_error("not serving: this program wants another connection to the kernel than the one that mounted; "
			  "unmount and mount");
	else if (is_no_takeover(r))
		log_error("not serving: what the daemon before has left of its connection is %s; unmount and mount",
			  r == -ENODATA ? "not there" : "not what a daemon leaves");
	else if (r != -EPIPE && r != -EINTR) /* else the supervisor has said why */
		log_error("not serving: %s", strerror(-r));
}

int daemon_main(const struct plan *plan, int channel, int hook_feed)
{
	struct daemon d = {.plan = plan,
			   .administrator = geteuid(),
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
		r = receive_memory(&d);
	if (r < 0)
		goto out;
	if (!takes_over(&d))
		io_fault_arm_from("start");
	r = open_tree(&d);
	if (r < 0) {
		code = r == -EINVAL ? EXIT_CONFIG : EXIT_FAILURE;
		goto out;
	}
	r = make_sessions(&d);
	if (r == 0)
		r = d.run_side.slots ? watch_init(&d.watch, d.run_side.slots) : 0;
	if (r == 0)
		r = isolate_close_calls(&d.confinement);
	if (r == 0)
		r = come_up(&d);
	if (r < 0) {
		if (is_no_takeover(r))
			code = DAEMON_CANNOT_TAKE_OVER;
		say_not_serving(r);
		goto out;
	}
	serve(&d);
	code = 0;
out:
	tear_down(&d);
	log_close();
	return code;
}
