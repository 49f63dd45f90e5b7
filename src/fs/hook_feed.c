/*
 * hook_feed.c - the daemon's side of the hooks: hands each record to the runner, or counts it. Called under the audit
 * log's lock, so it never waits.
 */
#include <errno.h>
#include <sys/socket.h>

#include "base/io.h"
#include "base/log.h"
#include "hook_record.h"
#include "hooks.h"

static void take_failure(struct hook_feed *feed, int error)
{
	if (error != EAGAIN && error != EINTR && error != ENOBUFS) {
		log_error("hooks: the process that runs them is gone; none is run until this is mounted again");
		io_close(&feed->fd);
		return;
	}
	if (feed->dropped++ == 0)
		log_warning("hooks: they do not keep up; records are dropped, the audit log has them");
}

void hook_feed_tell(void *ctx, const struct audit_news *news)
{
	struct hook_feed *feed = ctx;
	struct hook_record record;
	if (feed->fd < 0 || !hook_record_make(news, feed->dropped, &record))
		return;
	if (send(feed->fd, record.message, record.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		take_failure(feed, errno);
	else
		feed->dropped = 0;
}
