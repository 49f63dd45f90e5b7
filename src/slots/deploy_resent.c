/*
 * Requests that the kernel sends again because nobody has answered them: the daemon that they were sent to is dead, and
 * may have done them first. The kernel asks for what it has seen to be there, and lets nobody else change the directory
 * meanwhile, so a name that is gone was taken away by the request itself. What it has made must show by whom it was.
 *
 * A process may publish again and again under the same name, so that what is there could be what it published before,
 * and was told of. Each rename notes in the memory (slots/tree_memory.h) that it is under way, unless what is there is
 * that very process's already: only what came of one that was noted is a success.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "deploy.h"

int deploy_removed(const struct slots_caller *caller, int result)
{
	return caller->is_resent && result == -ENOENT ? 0 : result;
}

bool deploy_has_made(const struct slot *slot, const struct slots_caller *caller)
{
	lock_take(&slot->slots->lock);
	bool is_empty = !slot->current && slot->listed_count == 0;
	bool is_his = slot->facts.made && slot->facts.maker == caller->who.uid;
	lock_drop(&slot->slots->lock);
	return caller->is_resent && is_his && is_empty;
}

static bool is_by(const struct store_release *record, const struct slots_caller *caller)
{
	uint64_t uid, pid;
	size_t len = strlen(record->decision);
	return text_record_get_u64(record->decision, len, "by-uid", &uid) && uid == caller->who.uid &&
	       text_record_get_u64(record->decision, len, "by-pid", &pid) && pid == (uint64_t)caller->who.pid;
}

/* What came last is what was renamed: by the same process, and under that name. */
static bool is_published_locked(const struct slot *slot, const char *name, const struct slots_caller *caller)
{
	if (slot->is_layer)
		return slot->listed_count > 0 && is_by(slot->listed[slot->listed_count - 1]->record, caller);
	if (!slot->current || !is_by(slot->current->record, caller))
		return false;
	return slot->is_policy || deploy_artifact_locked(slot, name) == slot->current;
}

static void note_locked(struct slot *slot, bool is_under_way)
{
	slot->was_renaming = false;
	if (slot->is_policy)
		return;
	inherit_touch_locked(slot);
	tree_names_note_rename(slot->slots->names, slot->index - slot->slots->first_index, is_under_way);
}

void deploy_rename_begins(struct slot *slot, const char *name, const struct slots_caller *caller)
{
	lock_take(&slot->slots->lock);
	note_locked(slot, !is_published_locked(slot, name, caller));
	lock_drop(&slot->slots->lock);
}

void deploy_rename_ends(struct slot *slot)
{
	lock_take(&slot->slots->lock);
	note_locked(slot, false);
	lock_drop(&slot->slots->lock);
}

int deploy_renamed(const struct deploy_place *to, const char *name, const struct slots_caller *caller, int result)
{
	if (!caller->is_resent || result != -ENOENT)
		return result;
	bool is_final = !to->dir && deploy_name_kind(name) != DEPLOY_NAME_STAGING;
	lock_take(&to->slot->slots->lock);
	bool is_done = is_final && to->slot->was_renaming && is_published_locked(to->slot, name, caller);
	if (is_done)
		note_locked(to->slot, false);
	lock_drop(&to->slot->slots->lock);
	return is_done ? 0 : -EIO; /* else what was written is lost with who had it */
}
