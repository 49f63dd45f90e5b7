/* The stream .vouchfs/events as a file of the deploy side. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "deploy.h"

int deploy_events_open(struct slots *slots, int open_flags, const struct slots_caller *caller,
		       struct tree_handle **ret_handle)
{
	if ((open_flags & O_ACCMODE) != O_RDONLY)
		return -EACCES;
	struct tree_handle *handle = calloc(1, sizeof(*handle));
	if (!handle)
		return -ENOMEM;
	*handle = (struct tree_handle){.slots = slots, .node = DEPLOY_NODE_EVENTS};
	bool is_operator = caller->who.uid == 0 || caller->who.uid == geteuid();
	int r = events_reader_new(slots->events, is_operator, &handle->reader);
	if (r < 0)
		deploy_release(handle);
	else
		*ret_handle = handle;
	return r;
}

bool deploy_is_stream(uint64_t node)
{
	return node == DEPLOY_NODE_EVENTS;
}

bool deploy_is_ready(struct tree_handle *stream)
{
	return !stream->reader || events_is_ready(stream->reader);
}

void deploy_set_waker(struct slots *slots, const struct tree_waker *waker)
{
	events_set_waker(slots->events, waker);
}

void deploy_end_streams(struct slots *slots)
{
	events_end(slots->events, false);
}
