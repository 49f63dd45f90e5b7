/*
 * deploy_reload.c - .vouchfs/reload says what the last good reload did, .vouchfs/reload-dry-run what one would do now:
 * the configuration is loaded and judged by when it is opened, and nothing is swapped. That costs as much as a reload,
 * so only root and whoever has mounted may open it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "deploy.h"

static int render_last(struct slots *slots, struct buf *ret)
{
	lock_take(&slots->lock);
	int r = slots->reloaded ? effects_render(slots->reloaded, ret) : 0;
	lock_drop(&slots->lock);
	return r;
}

static int render_dry_run(struct slots *slots, struct buf *ret)
{
	struct effects *effects = NULL;
	struct buf errors = {0};
	int r = slots_preview_reload(slots, &effects, &errors);
	if (r == 0)
		r = effects_render(effects, ret);
	else if (errors.len > 0)
		r = buf_printf(ret, EFFECTS_REFUSED "\n%s", errors.data);
	free(effects);
	buf_done(&errors);
	return r;
}

int deploy_reload_open(struct slots *slots, uint64_t node, int open_flags, const struct slots_caller *caller,
		       struct tree_handle **ret_handle)
{
	bool is_dry_run = node == DEPLOY_NODE_RELOAD_DRY_RUN;
	if ((open_flags & O_ACCMODE) != O_RDONLY || (is_dry_run && !deploy_is_administrator(slots, caller)))
		return -EACCES;
	struct tree_handle *handle = calloc(1, sizeof(*handle));
	if (!handle)
		return -ENOMEM;
	*handle = (struct tree_handle){.slots = slots, .node = node};
	int r = is_dry_run ? render_dry_run(slots, &handle->text) : render_last(slots, &handle->text);
	if (r < 0)
		deploy_release(handle);
	else
		*ret_handle = handle;
	return r;
}
