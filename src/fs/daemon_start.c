/* daemon_start.c - from what daemons before have left to a connection that is served. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "daemon_state.h"
#include "memory.h"
#include "signing/signing.h"

static bool takes_over(const struct daemon *d)
{
	return d->nodes.incarnation > 1;
}

/* ---- messages that have to come next ---- */

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

/* Two numbers and a blank between them. */
static bool parse_incarnation(const char *text, uint32_t *ret_incarnation, uint64_t *ret_deaths)
{
	const char *blank = strchrnul(text, ' ');
	uint64_t incarnation;
	if (*blank == '\0' || !text_parse_u64(text, (size_t)(blank - text), UINT32_MAX, &incarnation) ||
	    incarnation == 0 || !text_parse_u64(blank + 1, strlen(blank + 1), UINT32_MAX, ret_deaths))
		return false;
	*ret_incarnation = (uint32_t)incarnation;
	return true;
}

int daemon_receive_memory(struct daemon *d)
{
	struct channel_message message;
	uint32_t incarnation;
	uint64_t deaths;
	int r = await_message(d, CHANNEL_MEMORY, &message);
	if (r < 0)
		return r;
	d->memory = message.fd;
	if (!parse_incarnation(message.text, &incarnation, &deaths))
		return -EBADMSG;
	d->nodes.incarnation = d->tree_side.handles.incarnation = incarnation;
	d->refuses_resent = deaths >= LIMIT_REPLACE_RESENT;
	return await(d, CHANNEL_NODES, &d->nodes.fd);
}

/* ---- what is served ---- */

static int open_deployment(struct daemon *d, struct buf *ret_errors)
{
	const struct slots_options options = {
		.config_path = d->plan->source,
		.store = d->plan->store,
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
		const bool is_ended = text_ends_with(text, "\n");
		if (takes_over(d)) /* nobody waits at a terminal any more */
			log_error("what was served cannot be opened: %.*s", (int)(strlen(text) - is_ended), text);
		else
			(void)fprintf(stderr, "%s%s%s", is_named ? "" : "vouchfs: ", text, is_ended ? "" : "\n");
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

int daemon_open(struct daemon *d)
{
	int r = open_tree(d);
	return r < 0 ? r : make_sessions(d);
}

/* ---- coming up, in step with the supervisor ---- */

/* For tests: a version that comes up and cannot serve. */
#ifdef VOUCHFS_TEST_HOOKS
static bool is_unable(void)
{
	const char *version = getenv("VOUCHFS_TEST_UNABLE");
	return version && strcmp(version, VOUCHFS_VERSION) == 0;
}
#else
static bool is_unable(void)
{
	return false;
}
#endif

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
	int r = is_unable() ? -EPROTO : channel_send(d->channel, CHANNEL_OPENED, NULL, -1);
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

/* What the first daemon has left is missing or wrong, or this program wants something else of the kernel. */
bool daemon_cannot_take_over(int r)
{
	return r == -ENODATA || r == -EBADMSG || r == -EPROTO;
}

static void say_not_serving(int r)
{
	if (r == -EPROTO)
		log_error("not serving: this program wants another connection to the kernel than the one that mounted; "
			  "unmount and mount");
	else if (daemon_cannot_take_over(r))
		log_error("not serving: what the daemon before has left of its connection is %s; unmount and mount",
			  r == -ENODATA ? "not there" : "not what a daemon leaves");
	else if (r != -EPIPE && r != -EINTR) /* else the supervisor has said why */
		log_error("not serving: %s", strerror(-r));
}

int daemon_come_up(struct daemon *d)
{
	int r = come_up(d);
	if (r < 0)
		say_not_serving(r);
	return r;
}
