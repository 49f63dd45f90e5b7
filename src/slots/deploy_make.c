/* What mkdir and rmdir do: slots under a pattern, staging directories below a slot. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "deploy.h"

static bool may_make(const struct config_slot *section, const struct slots_caller *caller)
{
	uid_t uid = caller->who.uid;
	if (uid == 0 || uid == slot_owner(section))
		return true;
	return section->has_group && caller->in_group && caller->in_group(caller->ctx, section->group);
}

/* The slot by this name, in the table from now on, loaded. */
static int find_or_add(struct slots *slots, const char *name, struct slot **ret)
{
	struct slot *slot;
	int r = 0;
	lock_take(&slots->lock);
	HASH_FIND_STR(slots->by_name, name, slot);
	if (!slot)
		r = slot_add(slots, name, &slot);
	lock_drop(&slots->lock);
	if (r == 0)
		r = slot_load(slot);
	if (r == 0)
		*ret = slot;
	return r;
}

static int make_slot(struct slots *slots, const char *name, bool is_layer, const struct slots_caller *caller,
		     struct slots_attr *ret)
{
	struct slot *slot = NULL;
	struct trust *trust = slots_trust(slots);
	const struct config_slot *section = is_layer ? config_find_layer(trust->config, name)
						     : config_find_function(trust->config, name);
	char slot_name[sizeof(STORE_LAYER_PREFIX) + LIMIT_FUNCTION_NAME_BYTES];
	(void)snprintf(slot_name, sizeof(slot_name), "%s%s", is_layer ? STORE_LAYER_PREFIX : "", name);
	int r = 0;
	if (!config_is_function_name(name))
		r = -EINVAL;
	else if (section && !section->is_pattern)
		r = -EEXIST;
	else if (!section || !may_make(section, caller))
		r = -EACCES;
	if (r == 0)
		r = find_or_add(slots, slot_name, &slot);
	if (r == 0)
		r = slot_make(slot, caller->who.uid);
	if (r == -EEXIST && slot && deploy_has_made(slot, caller))
		r = 0;
	trust_unref(trust);
	if (r < 0)
		return r;
	ASSERT(slot);
	return deploy_getattr(slots, deploy_slot_node(slot), ret);
}

static bool is_slot_full_locked(const struct slot *slot)
{
	unsigned count = 0;
	for (const struct deploy_node *node = slot->files; node; node = node->next)
		count += node->kind != DEPLOY_FILE;
	return count >= LIMIT_STAGING_FILES_PER_SLOT;
}

/* A staging file keeps a descriptor open until it is swept. */
static bool is_mount_full_locked(const struct slots *slots)
{
	return slots->staging_files >= slots->staging_max;
}

bool deploy_is_full_locked(const struct slot *slot)
{
	return is_slot_full_locked(slot) || is_mount_full_locked(slot->slots);
}

static int make_staging_directory(const struct deploy_place *place, const char *name, const struct slots_caller *caller,
				  struct slots_attr *ret)
{
	struct slots *slots = place->slot->slots;
	if (name[0] != '.')
		return -EINVAL;
	if (strlen(name) > LIMIT_NAME_BYTES)
		return -ENAMETOOLONG;

	int r = -ENOMEM;
	struct deploy_node *node = NULL;
	lock_take(&slots->lock);
	if (deploy_node_named_locked(place, name))
		r = -EEXIST;
	else if (deploy_is_full_locked(place->slot))
		r = -ENOSPC;
	else
		node = deploy_node_add_locked(place, name, DEPLOY_STAGING_DIR, caller->who.uid);
	if (node) {
		node->lookups++;
		deploy_node_attr_locked(node, slots->trust, ret);
		r = 0;
	}
	lock_drop(&slots->lock);
	return r;
}

int deploy_mkdir(struct slots *slots, uint64_t parent, const char *name, const struct slots_caller *caller,
		 struct slots_attr *ret)
{
	if (parent == DEPLOY_NODE_FUNCTIONS || parent == DEPLOY_NODE_LAYERS)
		return make_slot(slots, name, parent == DEPLOY_NODE_LAYERS, caller, ret);

	struct deploy_place place;
	int r = deploy_place(slots, parent, &place);
	if (r < 0)
		return r;
	r = make_staging_directory(&place, name, caller, ret);
	deploy_place_done(&place);
	return r;
}

static bool has_entries_locked(const struct slot *slot, const struct deploy_node *dir)
{
	for (const struct deploy_node *node = slot->files; node; node = node->next)
		if (node->dir == dir && (node->kind != DEPLOY_FILE || (node->upload && node->upload->handles > 0)))
			return true;
	return false;
}

static int remove_slot(struct slots *slots, const char *name, bool is_layer, const struct slots_caller *caller)
{
	struct slot *slot;
	int r = is_layer ? slot_find_layer(slots, name, &slot) : slot_find(slots, name, &slot);
	if (r < 0)
		return r;
	lock_take(&slots->lock);
	const struct config_slot *section = slot_section(slots->trust, slot);
	if (!slot_is_present(slot, section))
		r = -ENOENT;
	else if (!section->is_pattern)
		r = -EPERM; /* declared by name */
	else if (slot_shows_artifact(slot) || slot_shows_list(slot) || has_entries_locked(slot, NULL))
		r = -ENOTEMPTY;
	lock_drop(&slots->lock);
	return r < 0 ? r : slot_remove(slot, &caller->who);
}

int deploy_rmdir(struct slots *slots, uint64_t parent, const char *name, const struct slots_caller *caller)
{
	if (parent == DEPLOY_NODE_FUNCTIONS || parent == DEPLOY_NODE_LAYERS)
		return deploy_removed(caller, remove_slot(slots, name, parent == DEPLOY_NODE_LAYERS, caller));

	struct deploy_place place;
	int r = deploy_place(slots, parent, &place);
	if (r < 0)
		return r;
	struct upload *upload = NULL;
	lock_take(&slots->lock);
	struct deploy_node *node = deploy_node_named_locked(&place, name);
	if (!node)
		r = deploy_is_artifact_locked(place.slot, name) && !place.dir ? -ENOTDIR : -ENOENT;
	else if (node->kind != DEPLOY_STAGING_DIR)
		r = -ENOTDIR;
	else if (has_entries_locked(place.slot, node))
		r = -ENOTEMPTY;
	if (r == 0) {
		deploy_node_unname_locked(node);
		upload = deploy_node_settle_locked(node);
	}
	lock_drop(&slots->lock);
	upload_put(upload);
	deploy_place_done(&place);
	return deploy_removed(caller, r);
}
