#include "poll.h"

#include <string.h>

#include "base/log.h"
#include "delivery.h"

void poll_forget(struct poll_state *poll)
{
	buf_done(&poll->bundle);
	poll->fate = POLL_NOTHING;
	poll->mark = (struct source_mark){0};
}

void poll_done(struct poll_state *poll)
{
	buf_done(&poll->bundle);
}

/* A bundle that was taken and is gone has to come again; of one that stands there instead somebody else has decided. */
static const struct source_mark *condition(const struct poll_state *poll)
{
	bool is_lost = poll->fate == POLL_TAKEN && delivery_compare(poll->mountpoint, &poll->bundle) == DELIVERY_EMPTY;
	return poll->fate == POLL_NOTHING || is_lost ? NULL : &poll->mark;
}

static bool is_known(const struct poll_state *poll, const struct buf *bundle)
{
	return poll->fate == POLL_REFUSED && bundle->len == poll->bundle.len &&
	       memcmp(bundle->data, poll->bundle.data, bundle->len) == 0;
}

static void keep(struct poll_state *poll, enum poll_fate fate, struct buf *bundle, const struct source_mark *mark)
{
	buf_done(&poll->bundle);
	poll->fate = fate;
	poll->bundle = *bundle;
	poll->mark = *mark;
	*bundle = (struct buf){0};
}

/* False: it is to be tried again. */
static bool deliver(struct poll_state *poll, struct buf *bundle, const struct source_mark *mark, struct explain *why)
{
	switch (delivery_put(poll->mountpoint, bundle, why)) {
	case DELIVERY_TAKEN:
		log_notice("policy: a bundle of %zu bytes was fetched from %s and is in force", bundle->len,
			   poll->source.address.shown);
		keep(poll, POLL_TAKEN, bundle, mark);
		return true;
	case DELIVERY_REFUSED:
		keep(poll, POLL_REFUSED, bundle, mark);
		poll->refusal = *why;
		return true;
	case DELIVERY_FAILED:
		break;
	}
	return false;
}

/* False: it is to be tried again. */
static bool look(struct poll_state *poll, struct explain *why)
{
	struct buf bundle = {0};
	struct source_mark mark;
	int r = source_look(&poll->source, condition(poll), &bundle, &mark, why);
	bool is_over = r >= 0;
	if (r == 0 && bundle.len == 0) {
		explain_set(why, "%s is empty", poll->source.address.shown);
		is_over = false;
	} else if (r == 0 && is_known(poll, &bundle)) {
		poll->mark = mark;
	} else if (r == 0 && delivery_compare(poll->mountpoint, &bundle) == DELIVERY_SAME) {
		keep(poll, POLL_TAKEN, &bundle, &mark);
	} else if (r == 0) {
		is_over = deliver(poll, &bundle, &mark, why);
	}
	buf_done(&bundle);
	return is_over;
}

/* In the log once, until something else is wrong, or nothing; in the mount each time, with the time that this gives. */
static void say(struct poll_state *poll, const char *error)
{
	if (strcmp(error, poll->said.text) != 0) {
		if (error[0])
			log_warning("policy: %s", error);
		else
			log_notice("policy: %s: what was wrong is over", poll->source.address.shown);
		explain_set(&poll->said, "%s", error);
	}
	int r = delivery_report(poll->mountpoint, error[0] ? error : NULL);
	if (r < 0)
		log_debug("policy: " DELIVERY_REPORT ": %s", strerror(-r));
}

void poll_look(struct poll_state *poll)
{
	struct explain why = {{0}};
	if (!look(poll, &why)) {
		poll->failures++;
		say(poll, why.text);
		return;
	}
	poll->failures = 0;
	say(poll, poll->fate == POLL_REFUSED ? poll->refusal.text : "");
}
