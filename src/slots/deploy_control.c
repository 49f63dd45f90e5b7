/*
 * deploy_control.c - the control files of a slot: .vouchfs/history/functions/<f> is read, .vouchfs/rollback/functions/
 * <f> is written. The latter has owner, group and write bits of the slot's directory, so that the kernel lets in
 * whoever may deploy there; who that is is looked at again here.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "deploy.h"
#include "gate/history.h"

#define JSON_END ".json"

/* ---- names and attributes ---- */

uint64_t deploy_control_kind(uint64_t parent, const char *name, char ret_function[LIMIT_FUNCTION_NAME_BYTES + 1])
{
	size_t len = strlen(name);
	uint64_t kind = 0;
	if (parent == DEPLOY_NODE_ROLLBACK_FUNCTIONS)
		kind = DEPLOY_ROLLBACK_BIT;
	else if (parent == DEPLOY_NODE_HISTORY_FUNCTIONS)
		kind = text_ends_with(name, JSON_END) ? DEPLOY_HISTORY_JSON_BIT : DEPLOY_HISTORY_BIT;
	if (kind == DEPLOY_HISTORY_JSON_BIT)
		len -= strlen(JSON_END);
	if (len > LIMIT_FUNCTION_NAME_BYTES)
		len = 0; /* nobody's name */
	memcpy(ret_function, name, len);
	ret_function[len] = '\0';
	return kind;
}

static struct slot *slot_of_locked(struct slots *slots, uint64_t node)
{
	return slot_by_index_locked(slots, node & ~DEPLOY_CONTROL_BITS);
}

/* What is still served without a section has a history, too, and nobody who may write. */
int deploy_control_attr_locked(struct slots *slots, uint64_t node, struct slots_attr *ret)
{
	const struct slot *slot = slot_of_locked(slots, node);
	struct slots_attr directory = {0};
	bool is_present = slot && deploy_slot_attr_locked(slot, &directory) == 0;
	bool is_needed = slot && (slot->is_policy || !slot->current || (node & DEPLOY_ROLLBACK_BIT));
	if (!slot || (!is_present && is_needed))
		return -ENOENT;
	*ret = (struct slots_attr){.node = node, .mode = S_IFREG | 0444, .nlink = 1, .mtime = slots->started};
	if (slot->is_policy && (node & DEPLOY_ROLLBACK_BIT)) {
		ret->mode |= S_IWUSR; /* not for whoever may bring a bundle */
		ret->uid = slots->administrator;
	} else if (node & DEPLOY_ROLLBACK_BIT) {
		ret->mode |= directory.mode & 0222;
		ret->uid = directory.uid;
		ret->gid = directory.gid;
	}
	return 0;
}

/* ---- history ---- */

/* What its files answer today. */
static enum gate_service service_of(struct release *release)
{
	int r = release_admit(release);
	if (r == -EACCES)
		return GATE_BLOCKED;
	if (release_is_damaged(release))
		return GATE_DAMAGED;
	return r == 0 ? GATE_SERVED : GATE_UNKNOWN;
}

/* The releases that are listed, with references; and which of them is current. */
static int collect(struct slot *slot, struct release ***ret, size_t *ret_count, struct release **ret_current)
{
	lock_take(&slot->slots->lock);
	size_t count = slot->listed_count;
	struct release **all = calloc(count + 1, sizeof(struct release *));
	for (size_t i = 0; all && i < count; i++)
		all[i] = release_ref_locked(slot->listed[i]);
	*ret_current = slot->current; /* only compared */
	lock_drop(&slot->slots->lock);
	*ret = all;
	*ret_count = count;
	return all ? 0 : -ENOMEM;
}

int control_render_history(struct slot *slot, bool json, struct buf *ret)
{
	struct release **all, *current;
	size_t count;
	int r = collect(slot, &all, &count, &current);
	if (r < 0)
		return r;
	struct gate_history_row *rows = calloc(count + 1, sizeof(*rows));
	for (size_t i = 0; rows && i < count; i++)
		rows[i] = (struct gate_history_row){
			.release = all[i]->record,
			.is_current = all[i] == current,
			.service = service_of(all[i]),
		};
	const struct gate_history history = {.function = slot->name, .rows = rows, .count = count};
	r = !rows ? -ENOMEM : json ? gate_render_history_json(&history, ret) : gate_render_history(&history, ret);
	for (size_t i = 0; i < count; i++)
		release_put(all[i]);
	free(all);
	free(rows);
	return r;
}

/* ---- opening ---- */

bool deploy_may_write(const struct slots_attr *attr, const struct slots_caller *caller)
{
	if (caller->who.uid == 0)
		return true;
	if (caller->who.uid == attr->uid)
		return attr->mode & S_IWUSR;
	if (caller->who.gid == attr->gid || (caller->in_group && caller->in_group(caller->ctx, attr->gid)))
		return attr->mode & S_IWGRP;
	return attr->mode & S_IWOTH;
}

static uint64_t current_number(struct slot *slot)
{
	struct release *current = slot_current(slot);
	uint64_t number = current ? current->record->number : 0;
	release_put(current);
	return number;
}

int deploy_control_open(struct slots *slots, uint64_t node, int open_flags, const struct slots_caller *caller,
			struct tree_handle **ret_handle)
{
	struct slots_attr attr;
	lock_take(&slots->lock);
	struct slot *slot = slot_of_locked(slots, node);
	int r = deploy_control_attr_locked(slots, node, &attr);
	lock_drop(&slots->lock);
	if (r < 0)
		return r;
	bool writable = (open_flags & O_ACCMODE) != O_RDONLY;
	if (writable && (!(node & DEPLOY_ROLLBACK_BIT) || !deploy_may_write(&attr, caller)))
		return -EACCES;

	struct tree_handle *handle = calloc(1, sizeof(*handle));
	if (!handle)
		return -ENOMEM;
	*handle = (struct tree_handle){.slots = slots, .node = node, .writable = writable, .who = caller->who};
	if (node & DEPLOY_ROLLBACK_BIT)
		atomic_store(&handle->number, current_number(slot));
	else
		r = control_render_history(slot, node & DEPLOY_HISTORY_JSON_BIT, &handle->text);
	if (r < 0)
		deploy_release(handle);
	else
		*ret_handle = handle;
	return r;
}

/* ---- rolling back ---- */

static int parse_number(const char *text, size_t len, uint64_t *ret)
{
	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (text_equal(text, len, "previous")) {
		*ret = 0;
		return 0;
	}
	return text_parse_u64(text, len, UINT64_MAX, ret) && *ret > 0 ? 0 : -EINVAL;
}

int deploy_control_write(struct tree_handle *handle, const void *buf, size_t len, uint64_t offset)
{
	struct slot *slot = slot_by_index(handle->slots, handle->node & ~DEPLOY_CONTROL_BITS);
	uint64_t number = 0, made = 0;
	int r = offset == 0 ? parse_number(buf, len, &number) : -EINVAL;
	if (r == 0)
		r = slot_roll_back(slot, &number, &handle->who, &made);
	if (r < 0)
		return r;
	atomic_store(&handle->number, made);
	atomic_store(&handle->rollback_to, number);
	return 0;
}

ssize_t deploy_control_read(struct tree_handle *handle, void *buf, size_t len, uint64_t offset)
{
	char text[48];
	uint64_t rollback_to = atomic_load(&handle->rollback_to), number = atomic_load(&handle->number);
	int size_text = rollback_to > 0 ? snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64 "\n", number, rollback_to)
					: snprintf(text, sizeof(text), "%" PRIu64 "\n", number);
	return (ssize_t)text_read(text, (size_t)size_text, buf, len, offset);
}

/* ---- files whose text a write changes ---- */

bool deploy_take_line(const void *buf, size_t len, char *ret, size_t ret_size)
{
	const char *text = buf;
	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (len >= ret_size || memchr(text, '\0', len))
		return false;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return true;
}

ssize_t deploy_text_read(struct tree_handle *handle, void *buf, size_t len, uint64_t offset)
{
	lock_take(&handle->slots->lock);
	size_t part = text_read(handle->text.data, handle->text.len, buf, len, offset);
	lock_drop(&handle->slots->lock);
	return (ssize_t)part;
}

void deploy_text_replace(struct tree_handle *handle, struct buf *text)
{
	lock_take(&handle->slots->lock);
	struct buf before = handle->text;
	handle->text = *text;
	lock_drop(&handle->slots->lock);
	*text = before;
}
