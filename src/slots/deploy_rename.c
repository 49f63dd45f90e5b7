/* Names of the deploy side that go or change: unlink, rename, and the sweep of forgotten staging files. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "deploy.h"
#include "release_grace.h"

/* ---- unlink ---- */

/*
 * The artifact's name goes, the release stays served; a list of layers keeps its name until it is replaced or removed
 * (an editor's backup is no change of what is served). What was deployed under another name meanwhile is left alone.
 */
static int hide_artifact(struct slot *slot, const char *name)
{
	if (slot->is_policy)
		return -EPERM; /* what governs a host is replaced, never taken away */
	lock_take(&slot->lock);
	int r = 0;
	if (deploy_is_artifact_locked(slot, name) && !slot_is_list_name(slot, name)) {
		struct slot_facts facts = slot->facts;
		facts.hidden_release = slot->current->record->number;
		r = slot_change_locked(slot, &facts);
	}
	lock_drop(&slot->lock);
	return r;
}

static int unlink_shown(struct slot *slot, const char *name, const struct slots_caller *caller)
{
	if (slot->is_layer)
		return version_remove(slot, name, &caller->who);
	return slot_is_list_name(slot, name) ? layers_remove(slot, caller) : hide_artifact(slot, name);
}

int deploy_unlink(struct slots *slots, uint64_t parent, const char *name, const struct slots_caller *caller)
{
	struct deploy_place place;
	int r = deploy_place(slots, parent, &place);
	if (r < 0)
		return r;

	struct upload *upload = NULL;
	lock_take(&slots->lock);
	bool is_artifact = !place.dir && deploy_is_artifact_locked(place.slot, name);
	struct deploy_node *node = deploy_node_named_locked(&place, name);
	if (node && node->kind == DEPLOY_STAGING_DIR)
		r = -EISDIR;
	else if (!is_artifact && !(node && node->upload))
		r = -ENOENT;
	lock_drop(&slots->lock);

	if (r == 0 && is_artifact)
		r = unlink_shown(place.slot, name, caller);
	lock_take(&slots->lock);
	node = r == 0 ? deploy_node_named_locked(&place, name) : NULL;
	if (node) {
		node->is_unlinked = true;
		deploy_node_unname_locked(node);
		upload = deploy_node_settle_locked(node);
	}
	lock_drop(&slots->lock);
	upload_put(upload);
	deploy_place_done(&place);
	return deploy_removed(caller, r);
}

/* ---- rename ---- */

/* What is renamed: the content under the old name, and whether that is the served artifact. */
struct source {
	const char *name;
	const struct slots_caller *caller;
	struct deploy_node *node;
	struct upload *upload;
	bool is_artifact;
	bool was_final;
};

static int find_source(struct slots *slots, const struct deploy_place *place, const char *name,
		       const struct slots_caller *caller, struct source *ret)
{
	struct release *release = NULL;
	int r = 0;
	*ret = (struct source){.name = name, .caller = caller};

	lock_take(&slots->lock);
	struct deploy_node *node = deploy_node_named_locked(place, name);
	ret->is_artifact = !place->dir && deploy_is_artifact_locked(place->slot, name);
	if (node && (node->kind == DEPLOY_STAGING_DIR || (ret->is_artifact && place->slot->is_layer)))
		r = -EPERM; /* versions keep their names */
	else if (node && deploy_shown_locked(node))
		release = release_ref_locked(deploy_shown_locked(node));
	else if (node && node->upload)
		ret->upload = upload_ref_locked(node->upload);
	else
		r = -ENOENT;
	if (r == 0) {
		node->handles++;
		ret->node = node;
		ret->was_final = node->kind == DEPLOY_FILE;
	}
	lock_drop(&slots->lock);

	if (release)
		r = upload_new(slots, place->slot, name, false, &caller->who, release, &ret->upload);
	release_put(release);
	return r;
}

static void source_done(struct slots *slots, struct source *source)
{
	struct upload *settled = NULL;
	if (source->node) {
		lock_take(&slots->lock);
		source->node->handles--;
		settled = deploy_node_settle_locked(source->node);
		lock_drop(&slots->lock);
	}
	upload_put(settled);
	upload_put(source->upload);
}

/* Puts the source's node in the target's place. What stood there loses its name. */
static void move_node(struct slots *slots, const struct source *source, const struct deploy_place *to, const char *name,
		      enum deploy_kind kind)
{
	struct upload *settled = NULL, *before = NULL, *hidden = NULL;
	struct deploy_node *node = source->node;
	ASSERT(node && source->upload);

	lock_take(&slots->lock);
	struct deploy_node *old = deploy_node_named_locked(to, name);
	if (old && old != node) {
		deploy_node_unname_locked(old);
		settled = deploy_node_settle_locked(old);
	}
	if (node->named)
		deploy_node_unname_locked(node);
	node->dir = to->dir;
	if (to->dir)
		to->dir->handles++;
	(void)snprintf(node->name, sizeof(node->name), "%s", name);
	node->next = to->slot->files;
	to->slot->files = node;
	node->named = true;
	deploy_node_become_locked(node, kind);
	before = node->upload;
	node->upload = upload_ref_locked(source->upload);
	node->touched_ms = clock_monotonic_ms();
	if (kind == DEPLOY_FILE && source->upload->handles == 0)
		hidden = deploy_hide_locked(node, source->upload);
	lock_drop(&slots->lock);
	upload_put(settled);
	upload_put(before);
	upload_put(hidden);
}

static bool is_full(struct slot *slot)
{
	lock_take(&slot->slots->lock);
	bool full = deploy_is_full_locked(slot);
	lock_drop(&slot->slots->lock);
	return full;
}

static int rename_to_staging(struct slots *slots, const struct source *source, const struct deploy_place *to,
			     const char *name)
{
	if (source->was_final && is_full(to->slot))
		return -ENOSPC;
	int r = source->is_artifact ? hide_artifact(to->slot, source->name) : 0;
	if (r < 0)
		return r;
	upload_make_staging(source->upload, name);
	move_node(slots, source, to, name, DEPLOY_STAGING_FILE);
	return 0;
}

static int rename_into(struct slots *slots, const struct source *source, const struct deploy_place *to,
		       const char *name)
{
	enum deploy_name kind = to->dir ? DEPLOY_NAME_STAGING : deploy_name_kind(name);
	if (kind == DEPLOY_NAME_INVALID)
		return -EINVAL;
	if (kind == DEPLOY_NAME_LAYERS && to->slot->is_layer)
		return -EINVAL;
	if (kind == DEPLOY_NAME_STAGING)
		return rename_to_staging(slots, source, to, name);
	upload_set_user(source->upload, source->caller);
	deploy_rename_begins(to->slot, name, source->caller);
	int r = upload_finish_as(source->upload, name, &source->caller->who);
	if (r == 0)
		move_node(slots, source, to, name, DEPLOY_FILE);
	deploy_rename_ends(to->slot);
	return r;
}

static int check_target(struct slots *slots, const struct deploy_place *to, const char *name, bool noreplace)
{
	if (strlen(name) > LIMIT_NAME_BYTES)
		return -ENAMETOOLONG;
	lock_take(&slots->lock);
	const struct deploy_node *node = deploy_node_named_locked(to, name);
	bool exists = (node && node->upload) || (!to->dir && deploy_is_artifact_locked(to->slot, name));
	int r = 0;
	if (node && node->kind == DEPLOY_STAGING_DIR)
		r = -EISDIR;
	else if (exists && noreplace)
		r = -EEXIST;
	lock_drop(&slots->lock);
	return r;
}

int deploy_rename(struct slots *slots, uint64_t parent, const char *name, uint64_t new_parent, const char *new_name,
		  unsigned flags, const struct slots_caller *caller)
{
	if (flags & ~(unsigned)RENAME_NOREPLACE)
		return -EINVAL;
	struct deploy_place from = {0}, to = {0};
	struct source source = {0};
	int r = deploy_place(slots, parent, &from);
	if (r == 0)
		r = deploy_place(slots, new_parent, &to);
	if (r == 0 && from.slot != to.slot)
		r = -EXDEV; /* mv copies, and the copy is checked against the other slot */
	if (r == 0)
		r = check_target(slots, &to, new_name, flags & RENAME_NOREPLACE);
	if (r == 0)
		r = deploy_renamed(&to, new_name, caller, find_source(slots, &from, name, caller, &source));
	if (r == 0 && source.node && !(from.dir == to.dir && strcmp(name, new_name) == 0))
		r = rename_into(slots, &source, &to, new_name);
	source_done(slots, &source);
	deploy_place_done(&from);
	deploy_place_done(&to);
	return r;
}

/* ---- sweep ---- */

/* When its time is over, or it is to be looked at again: what is open, since nobody says when it is closed. UINT64_MAX:
 * never. */
static uint64_t due_of_locked(const struct deploy_node *node)
{
	bool lingers = deploy_lingers_locked(node);
	uint64_t ttl_ms = node->slot->slots->trust->config->staging_ttl_s * 1000;
	if (!lingers && (node->kind == DEPLOY_FILE || !node->named))
		return UINT64_MAX;
	uint64_t since_ms = node->handles > 0 ? clock_monotonic_ms() + 1 : node->touched_ms;
	return since_ms + (lingers ? LIMIT_PUBLISHED_NAME_MS : ttl_ms);
}

/* One name whose time is over, or NULL; *ret_next_ms is when the next one is due. */
static struct deploy_node *find_due_locked(struct slots *slots, uint64_t now_ms, uint64_t *ret_next_ms)
{
	*ret_next_ms = UINT64_MAX;
	struct deploy_node *node, *next;
	HASH_ITER(hh, slots->nodes, node, next)
	{
		uint64_t due_ms = due_of_locked(node);
		if (due_ms == UINT64_MAX)
			continue;
		if (due_ms <= now_ms)
			return node;
		if (due_ms - now_ms < *ret_next_ms)
			*ret_next_ms = due_ms - now_ms;
	}
	return NULL;
}

/* Returns an upload to put after unlocking, or NULL. */
static struct upload *forget_locked(struct deploy_node *node)
{
	struct upload *lingering = NULL;
	char name[4 * sizeof(node->name)];
	text_escape_print(name, sizeof(name), node->name, strlen(node->name));
	if (node->kind != DEPLOY_FILE) {
		log_notice("%s: staging file %s: staging_ttl is over", node->slot->path, name);
	} else { /* what it stands for is published */
		lingering = node->upload;
		node->upload = NULL;
	}
	deploy_node_unname_locked(node);
	struct upload *upload = deploy_node_settle_locked(node);
	return lingering ? lingering : upload;
}

static uint64_t sweep_staging(struct slots *slots)
{
	for (;;) {
		uint64_t next_ms;
		struct upload *upload = NULL;
		lock_take(&slots->lock);
		struct deploy_node *node = find_due_locked(slots, clock_monotonic_ms(), &next_ms);
		if (node)
			upload = forget_locked(node);
		lock_drop(&slots->lock);
		upload_put(upload);
		if (!node)
			return next_ms;
	}
}

uint64_t slots_sweep(struct slots *slots)
{
	uint64_t staging_ms = sweep_staging(slots), grace_ms = grace_sweep(slots);
	return staging_ms < grace_ms ? staging_ms : grace_ms;
}
