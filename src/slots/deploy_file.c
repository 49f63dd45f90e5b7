/* The deploy side's files: open, read, write, the verdict at close. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "deploy.h"
#include "metrics.h"
#include "waiting_list.h"

static bool wants_write(int open_flags)
{
	return (open_flags & O_ACCMODE) != O_RDONLY;
}

/* ---- handles ---- */

/* Counts a handle on the node and on its upload. Tree lock held. */
static void attach_locked(struct tree_handle *handle, struct deploy_node *node, struct upload *upload)
{
	handle->file = node;
	node->handles++;
	node->touched_ms = clock_monotonic_ms();
	if (upload) {
		handle->upload = upload_ref_locked(upload);
		upload->handles++;
	}
}

/* The node shows this upload from now on. Returns the one before, to be put after unlocking. */
static struct upload *show_locked(struct deploy_node *node, struct upload *upload)
{
	struct upload *before = node->upload;
	node->upload = upload_ref_locked(upload);
	return before;
}

struct upload *deploy_hide_locked(struct deploy_node *node, struct upload *upload)
{
	if (node->kind != DEPLOY_FILE || node->upload != upload)
		return NULL;
	if (deploy_lingers_locked(node)) {
		upload_uncount_locked(upload);
		return NULL;
	}
	node->upload = NULL;
	return upload;
}

void deploy_release(struct tree_handle *handle)
{
	if (!handle)
		return;
	struct slots *slots = handle->slots;
	struct deploy_node *node = handle->file;
	struct upload *hidden = NULL, *settled = NULL;
	if (node) {
		lock_take(&slots->lock);
		if (handle->upload && --handle->upload->handles == 0)
			hidden = deploy_hide_locked(node, handle->upload);
		node->handles--;
		node->touched_ms = clock_monotonic_ms();
		settled = deploy_node_settle_locked(node);
		lock_drop(&slots->lock);
	}
	upload_put(hidden);
	upload_put(settled);
	upload_put(handle->upload);
	release_put(handle->release);
	events_reader_free(handle->reader);
	buf_done(&handle->text);
	tree_list_done(&handle->list);
	free(handle);
}

static struct tree_handle *new_handle(struct slots *slots, uint64_t node)
{
	struct tree_handle *handle = calloc(1, sizeof(*handle));
	if (handle)
		*handle = (struct tree_handle){.slots = slots, .node = node};
	return handle;
}

/* ---- create ---- */

static int check_new_name(const struct deploy_place *place, const char *name, enum deploy_kind *ret)
{
	enum deploy_name kind = deploy_name_kind(name);
	if (strlen(name) > LIMIT_NAME_BYTES)
		return -ENAMETOOLONG;
	if (place->dir || kind == DEPLOY_NAME_STAGING) {
		*ret = DEPLOY_STAGING_FILE;
		return 0;
	}
	*ret = DEPLOY_FILE;
	return kind == DEPLOY_NAME_FINAL || slot_is_list_name(place->slot, name) ? 0 : -EINVAL;
}

/* A version is begun under its own name, or under none that is another's. */
static int check_version_name(struct slot *slot, const char *name, const struct slots_caller *caller)
{
	struct explain why = {0};
	lock_take(&slot->lock);
	int r = version_check_name_locked(slot, name, NULL, &why);
	if (r == -EINVAL) {
		const struct gate_deployment deployment = {
			.function = slot->name, .artifact_name = name, .who = &caller->who};
		slot_set_name_note_locked(slot, &deployment, &why, r);
	}
	lock_drop(&slot->lock);
	return r;
}

static int is_draining(struct slots *slots)
{
	lock_take(&slots->lock);
	bool draining = slots->draining;
	lock_drop(&slots->lock);
	return draining ? -ESHUTDOWN : 0;
}

static int create_at(struct slots *slots, const struct deploy_place *place, const char *name, int open_flags,
		     const struct slots_caller *caller, struct slots_attr *ret, struct tree_handle **ret_handle)
{
	enum deploy_kind kind = DEPLOY_FILE;
	int r = check_new_name(place, name, &kind);
	if (r == 0 && kind == DEPLOY_FILE && place->slot->is_layer)
		r = check_version_name(place->slot, name, caller);
	if (r == 0)
		r = is_draining(slots);
	if (r < 0)
		return r;

	struct upload *upload = NULL, *before = NULL;
	struct tree_handle *handle = new_handle(slots, 0);
	r = handle ? upload_new(slots, place->slot, name, kind == DEPLOY_FILE, &caller->who, NULL, &upload) : -ENOMEM;
	if (r < 0)
		goto out;
	upload_set_user(upload, caller);

	lock_take(&slots->lock);
	struct deploy_node *node = deploy_node_named_locked(place, name);
	bool exists = node && (node->upload || node->kind == DEPLOY_STAGING_DIR);
	exists |= !place->dir && deploy_is_artifact_locked(place->slot, name);
	if (exists && (open_flags & O_EXCL))
		r = -EEXIST;
	else if (node && node->kind == DEPLOY_STAGING_DIR)
		r = -EISDIR;
	else if (!node && kind != DEPLOY_FILE && deploy_is_full_locked(place->slot))
		r = -ENOSPC;
	else if (!node && !(node = deploy_node_add_locked(place, name, kind, caller->who.uid)))
		r = -ENOMEM;
	if (r == 0) {
		before = show_locked(node, upload);
		attach_locked(handle, node, upload);
		handle->node = node->id;
		handle->writable = true;
		node->lookups++;
		deploy_node_attr_locked(node, slots->trust, ret);
	}
	lock_drop(&slots->lock);
out:
	upload_put(before);
	upload_put(upload);
	if (r < 0)
		deploy_release(handle);
	else
		*ret_handle = handle;
	return r;
}

int deploy_create(struct slots *slots, uint64_t parent, const char *name, int open_flags,
		  const struct slots_caller *caller, struct slots_attr *ret, struct tree_handle **ret_handle)
{
	struct deploy_place place;
	int r = deploy_place(slots, parent, &place);
	if (r < 0)
		return r;
	r = create_at(slots, &place, name, open_flags, caller, ret, ret_handle);
	deploy_place_done(&place);
	return r;
}

/* ---- open ---- */

static int open_text(struct slots *slots, uint64_t node, struct buf *ret)
{
	if (node == DEPLOY_NODE_STATUS)
		return control_render_status(slots, ret);
	if (node == DEPLOY_NODE_STATUS_JSON)
		return control_render_status_json(slots, ret);
	if (node == DEPLOY_NODE_HEALTH)
		return control_render_health(slots, ret);
	if (node == DEPLOY_NODE_RECENT)
		return events_print(slots->events, ret);
	if (node == DEPLOY_NODE_METRICS)
		return control_render_metrics(slots, ret);
	if (!(node & DEPLOY_WHY_BIT))
		return -EISDIR;

	struct slot *slot = slot_by_index(slots, node & ~DEPLOY_WHY_BIT);
	struct slot_note *note = slot ? slot_note_get(slot) : NULL;
	if (!note)
		return -ENOENT;
	int r = buf_append(ret, note->text + note->why_offset, note->len - note->why_offset);
	slot_note_put(slots, note);
	return r;
}

static int open_fixed(struct slots *slots, uint64_t node, int open_flags, struct tree_handle **ret_handle)
{
	if (wants_write(open_flags))
		return -EACCES;
	struct tree_handle *handle = new_handle(slots, node);
	if (!handle)
		return -ENOMEM;
	int r = open_text(slots, node, &handle->text);
	if (r < 0)
		deploy_release(handle);
	else
		*ret_handle = handle;
	return r;
}

/* What stands behind a node when it is opened. */
struct opened {
	char name[LIMIT_NAME_BYTES + 1];
	bool is_final;
	bool is_named;
	bool is_version;	 /* of a layer, under its own name: not to be written to */
	bool is_list;		 /* of the release's layers */
	struct release *release; /* the artifact that it shows */
	struct upload *shown;	 /* what is being written under its name */
};

static void look_at_locked(const struct deploy_node *node, struct opened *ret)
{
	*ret = (struct opened){.is_final = node->kind == DEPLOY_FILE, .is_named = node->named};
	memcpy(ret->name, node->name, sizeof(ret->name));
	struct release *shown = deploy_shown_locked(node);
	if (shown)
		ret->release = release_ref_locked(shown);
	ret->is_list = slot_is_list_name(node->slot, node->name);
	ret->is_version = shown && node->slot->is_layer && !deploy_lingers_locked(node);
	if (node->upload)
		ret->shown = upload_ref_locked(node->upload);
}

/* The upload that an open for writing gets: staging and what is not published yet is shared, an artifact is begun anew.
 */
static int open_upload(const struct tree_handle *handle, const struct opened *opened, int open_flags,
		       const struct slots_caller *caller, struct upload **ret)
{
	struct release *origin = open_flags & O_TRUNC ? NULL : opened->release;
	bool anew = opened->is_final && ((open_flags & O_TRUNC) || opened->release || !opened->shown);
	int r = opened->is_version ? -EEXIST : is_draining(handle->slots);
	if (r < 0)
		return r;
	if (anew && opened->is_named) {
		r = upload_new(handle->slots, handle->file->slot, opened->name, true, &caller->who, origin, ret);
		if (r == 0)
			upload_set_user(*ret, caller);
		return r;
	}
	if (anew || !opened->shown)
		return -ESTALE;
	r = open_flags & O_TRUNC ? upload_truncate(opened->shown, 0) : 0;
	if (r == 0)
		*ret = upload_ref(opened->shown);
	return r;
}

/* The handle keeps the upload from now on. */
static void keep_upload(struct tree_handle *handle, struct upload *upload)
{
	struct upload *before = NULL;
	lock_take(&handle->slots->lock);
	if (handle->writable)
		before = show_locked(handle->file, upload);
	handle->upload = upload_ref_locked(upload);
	upload->handles++;
	lock_drop(&handle->slots->lock);
	upload_put(before);
}

static int open_file(struct tree_handle *handle, const struct opened *opened, int open_flags,
		     const struct slots_caller *caller)
{
	struct upload *upload = NULL;
	int r = 0;

	handle->writable = wants_write(open_flags);
	if (handle->writable)
		r = open_upload(handle, opened, open_flags, caller, &upload);
	else if (opened->release && opened->is_list)
		r = buf_puts(&handle->text, opened->release->record->layers_text);
	else if (opened->release)
		handle->release = release_ref(opened->release);
	else if (opened->shown)
		upload = upload_ref(opened->shown);
	else
		r = -ESTALE;
	if (r == 0 && upload)
		keep_upload(handle, upload);
	upload_put(upload);
	return r;
}

int deploy_open(struct slots *slots, uint64_t node, int open_flags, const struct slots_caller *caller,
		struct tree_handle **ret_handle)
{
	int r = deploy_wake(slots, node);
	if (r < 0)
		return r;
	if (node == DEPLOY_NODE_EVENTS)
		return deploy_events_open(slots, open_flags, caller, ret_handle);
	if (deploy_policy_is_file(node))
		return deploy_policy_open(slots, node, open_flags, caller, ret_handle);
	if (node & DEPLOY_CONTROL_BITS)
		return deploy_control_open(slots, node, open_flags, caller, ret_handle);
	if (node & DEPLOY_PERMISSION_BIT)
		return deploy_permission_open(slots, node, open_flags, caller, ret_handle);
	if (node & DEPLOY_BREAK_GLASS_BIT)
		return deploy_break_glass_open(slots, node, open_flags, caller, ret_handle);
	if (node == DEPLOY_NODE_RELOAD || node == DEPLOY_NODE_RELOAD_DRY_RUN)
		return deploy_reload_open(slots, node, open_flags, caller, ret_handle);
	if (deploy_fixed_entry(node) || (node & DEPLOY_WHY_BIT))
		return open_fixed(slots, node, open_flags, ret_handle);

	struct opened opened = {0};
	struct tree_handle *handle = new_handle(slots, node);
	if (!handle)
		return -ENOMEM;
	lock_take(&slots->lock);
	struct deploy_node *found = deploy_node_find_locked(slots, node);
	if (!found)
		r = -ESTALE;
	else if (found->kind == DEPLOY_STAGING_DIR)
		r = -EISDIR;
	if (r == 0) {
		attach_locked(handle, found, NULL);
		look_at_locked(found, &opened);
	}
	lock_drop(&slots->lock);

	if (r == 0)
		r = open_file(handle, &opened, open_flags, caller);
	upload_put(opened.shown);
	release_put(opened.release);
	if (r < 0)
		deploy_release(handle);
	else
		*ret_handle = handle;
	return r;
}

/* ---- read, write, close ---- */

ssize_t deploy_read(struct tree_handle *handle, void *buf, size_t len, uint64_t offset)
{
	if (handle->upload)
		return upload_read(handle->upload, buf, len, offset);
	if (handle->release)
		return release_read(handle->release, buf, len, offset);
	if (handle->reader)
		return events_read(handle->reader, buf, len);
	if (deploy_policy_is_file(handle->node))
		return deploy_text_read(handle, buf, len, offset);
	if (handle->node & DEPLOY_ROLLBACK_BIT)
		return deploy_control_read(handle, buf, len, offset);
	if (handle->node & (DEPLOY_PERMISSION_BIT | DEPLOY_BREAK_GLASS_BIT))
		return deploy_text_read(handle, buf, len, offset);
	return (ssize_t)text_read(handle->text.data, handle->text.len, buf, len, offset);
}

int deploy_write(struct tree_handle *handle, const void *buf, size_t len, uint64_t offset)
{
	if (!handle->writable)
		return -EBADF;
	if (deploy_policy_is_file(handle->node))
		return deploy_policy_write(handle, buf, len, offset);
	if (handle->node & DEPLOY_PERMISSION_BIT)
		return deploy_permission_write(handle, buf, len);
	if (handle->node & DEPLOY_BREAK_GLASS_BIT)
		return deploy_break_glass_write(handle, buf, len);
	if (!handle->upload)
		return deploy_control_write(handle, buf, len, offset);
	return upload_write(handle->upload, buf, len, offset);
}

/* An open file whose name was removed has no place to be published to. */
static bool is_unlinked(const struct tree_handle *handle)
{
	lock_take(&handle->slots->lock);
	bool unlinked = handle->file->is_unlinked;
	lock_drop(&handle->slots->lock);
	return unlinked;
}

int deploy_flush(struct tree_handle *handle)
{
	return handle->writable && handle->upload && !is_unlinked(handle) ? upload_finish(handle->upload) : 0;
}

int deploy_fsync(struct tree_handle *handle UNUSED)
{
	return 0; /* what is accepted is durable when close returns; what is not need not be */
}

/* ---- times and sizes ---- */

/* Times that arrive after the close belong to the release that it made. */
static int set_release_times(struct release *release, bool is_list, const struct timespec *mtime)
{
	struct store_release *record = release->record;
	struct slot *slot = release->slot;
	struct slots *slots = slot->slots;
	int r = 0;
	lock_take(&slot->lock);
	lock_take(&slots->lock);
	bool is_kept = release->listed, is_waiting = release == slot->waiting_list;
	if (is_kept || is_waiting) {
		*(is_list ? &record->layers_mtime_s : &record->mtime_s) = mtime->tv_sec;
		*(is_list ? &record->layers_mtime_ns : &record->mtime_ns) = (uint32_t)mtime->tv_nsec;
	}
	lock_drop(&slots->lock);
	if (is_kept) /* only whoever holds the slot lock changes its times */
		r = store_update_release(slots->store, slot->name, release->record);
	else if (is_waiting)
		r = waiting_list_save_locked(slot);
	lock_drop(&slot->lock);
	return r;
}

/* The release whose times a node's are, with a reference, or NULL. */
static struct release *release_of_times_locked(const struct deploy_node *node)
{
	const struct upload *upload = node->upload;
	if (upload && upload->size_bytes > 0 && !upload->is_published)
		return NULL; /* it carries its times with it until it is published */
	struct release *release = deploy_shown_locked(node);
	/* Whoever wrote what was published already has no say in its times. */
	bool is_other = release && upload && deploy_lingers_locked(node) && upload->uid != release->record->uid;
	return release && !is_other ? release_ref_locked(release) : NULL;
}

static int set_times(struct slots *slots, uint64_t node, const struct timespec *mtime)
{
	struct release *release = NULL;
	bool is_list = false;
	lock_take(&slots->lock);
	struct deploy_node *found = deploy_node_find_locked(slots, node);
	if (found) {
		is_list = slot_is_list_name(found->slot, found->name);
		found->mtime = *mtime;
		if (found->upload)
			found->upload->mtime = *mtime;
		release = release_of_times_locked(found);
	}
	lock_drop(&slots->lock);
	int r = release ? set_release_times(release, is_list, mtime) : 0;
	release_put(release);
	return r;
}

int deploy_setattr(struct slots *slots, uint64_t node, struct tree_handle *handle, const struct tree_change *change,
		   struct slots_attr *ret)
{
	int r = 0;
	if (change->size_bytes) {
		bool may = handle && handle->writable && handle->upload;
		r = may ? upload_truncate(handle->upload, *change->size_bytes) : -EPERM;
	}
	if (r == 0 && change->mtime)
		r = set_times(slots, node, change->mtime);
	return r < 0 ? r : deploy_getattr(slots, node, ret);
}
