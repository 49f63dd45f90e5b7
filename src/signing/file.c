/* Open files: handles, reading, writing, the verdict at close, times. open.c makes them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "internal.h"

struct tree_handle *signing_new_handle(struct signing *signing, uint64_t node)
{
	struct tree_handle *handle = calloc(1, sizeof(*handle));
	if (handle)
		*handle = (struct tree_handle){.signing = signing, .node = node, .fd = -1};
	return handle;
}

/* Gives the node back; what it showed of a file that is closed now goes. Returns up to two hand-ins to put. */
static void detach(struct tree_handle *handle)
{
	struct signing_node *node = handle->file;
	struct handin *hidden = NULL, *settled = NULL;
	lock_take(&handle->signing->lock);
	handle->signing->reader_count -= handle->is_reader;
	if (handle->handin && --handle->handin->handles == 0 && node->kind == KIND_HANDED_IN &&
	    node->handin == handle->handin) {
		hidden = node->handin;
		node->handin = NULL;
	}
	node->handles--;
	node->touched_ms = clock_monotonic_ms();
	settled = signing_node_settle_locked(node);
	lock_drop(&handle->signing->lock);
	handin_put(hidden);
	handin_put(settled);
}

void signing_release(struct tree_handle *handle)
{
	if (!handle)
		return;
	if (handle->file)
		detach(handle);
	handin_put(handle->handin);
	revoking_free(handle->revoking);
	io_close(&handle->fd);
	buf_done(&handle->text);
	tree_list_done(&handle->list);
	free(handle);
}

/* ---- read, write, close ---- */

ssize_t signing_read(struct tree_handle *handle, void *buf, size_t len, uint64_t offset)
{
	size_t from_file = 0;
	if (handle->handin)
		return handin_read(handle->handin, buf, len, offset);
	if (offset < handle->fd_bytes) {
		uint64_t left = handle->fd_bytes - offset;
		from_file = left < len ? (size_t)left : len;
		int r = io_pread_full(handle->fd, buf, from_file, offset);
		if (r < 0)
			return r;
	}
	size_t from_text = 0;
	if (from_file < len)
		from_text = text_read(handle->text.data, handle->text.len, (char *)buf + from_file, len - from_file,
				      offset + from_file - handle->fd_bytes);
	return (ssize_t)(from_file + from_text);
}

int signing_write(struct tree_handle *handle, const void *buf, size_t len, uint64_t offset)
{
	if (!handle->writable)
		return -EBADF;
	return handle->handin ? handin_write(handle->handin, buf, len, offset)
			      : revoking_write(handle->revoking, buf, len, offset);
}

/* An open file whose name was removed has no place to be signed for. */
static bool is_unlinked(const struct tree_handle *handle)
{
	lock_take(&handle->signing->lock);
	bool unlinked = handle->file->is_unlinked;
	lock_drop(&handle->signing->lock);
	return unlinked;
}

int signing_flush(struct tree_handle *handle)
{
	if (!handle->writable || is_unlinked(handle))
		return 0;
	return handle->handin ? handin_finish(handle->handin) : revoking_finish(handle->revoking);
}

/* ---- times and sizes ---- */

static int set_size(struct tree_handle *handle, uint64_t size_bytes)
{
	if (!handle || !handle->writable)
		return -EPERM;
	return handle->handin ? handin_truncate(handle->handin, size_bytes)
			      : revoking_truncate(handle->revoking, size_bytes);
}

/* The times of what was handed in are kept; those of a result are the signer's. The kernel asks who owns it. */
static int set_times(struct signing *signing, uint64_t node, const struct timespec *mtime)
{
	char name[LIMIT_NAME_BYTES + 1] = "", account[ARN_ACCOUNT_SIZE] = "";
	struct signing_slot *slot = NULL;
	int r = 0;
	lock_take(&signing->lock);
	struct signing_node *found = signing_node_find_locked(signing, node);
	if (found && (found->kind == KIND_RESULT || found->kind == KIND_JOB)) {
		r = -EROFS;
	} else if (found) {
		/* A hand-in that is not signed yet carries its times with it. */
		bool is_pending = found->handin && found->handin->size_bytes > 0 && !found->handin->is_signed;
		found->mtime = *mtime;
		if (found->handin)
			found->handin->mtime = *mtime;
		if (found->kind == KIND_HANDED_IN && found->named && !is_pending) {
			slot = found->slot;
			memcpy(name, found->name, sizeof(name));
			memcpy(account, found->account, sizeof(account));
		}
	}
	lock_drop(&signing->lock);
	return slot ? result_set_mtime(slot, account, name, mtime) : r;
}

int signing_setattr(void *tree, uint64_t node, struct tree_handle *handle, const struct tree_change *change,
		    struct slots_attr *ret)
{
	int r = change->size_bytes ? set_size(handle, *change->size_bytes) : 0;
	if (r == 0 && change->mtime)
		r = set_times(tree, node, change->mtime);
	return r < 0 ? r : signing_getattr(tree, node, ret);
}
