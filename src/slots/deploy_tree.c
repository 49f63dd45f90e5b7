/* The deploy side's directories: lookup, stat, listing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "deploy.h"
#include "slots/tree.h"

/* ---- attributes ---- */

static bool can_be_made_in(const struct config *config, uint64_t node)
{
	if (node == DEPLOY_NODE_FUNCTIONS)
		return config->function_patterns.count > 0;
	return node == DEPLOY_NODE_LAYERS && config->layer_patterns.count > 0;
}

static void fixed_attr_locked(struct slots *slots, const struct deploy_fixed_entry *entry, struct slots_attr *ret)
{
	*ret = (struct slots_attr){.node = entry->node, .nlink = entry->is_directory ? 2 : 1, .mtime = slots->started};
	ret->mode = entry->is_directory ? S_IFDIR | 0755 : S_IFREG | 0444;
	/* Like /tmp: whoever may make slots is decided in deploy_mkdir, by the pattern's group. */
	if (can_be_made_in(slots->trust->config, entry->node))
		ret->mode = S_IFDIR | 01777;
	if (entry->node == DEPLOY_NODE_RELOAD_DRY_RUN) {
		ret->mode = S_IFREG | 0400;
		ret->uid = slots->administrator;
	}
	if (entry->node >= DEPLOY_NODE_POLICY)
		deploy_policy_attr_locked(slots, entry->node, ret);
	if (entry->node == DEPLOY_NODE_RUN && slots->run_target) {
		ret->mode = S_IFLNK | 0777;
		ret->nlink = 1;
		ret->size_bytes = strlen(slots->run_target);
	}
}

/* Who fetches bundles has to bring them: where there is a source, that is whose slot it is unless [policy] says. */
static uid_t owner_of_slot(const struct slot *slot, const struct config_slot *section)
{
	const struct config_policy *policy = &slot->slots->trust->config->policy;
	if (!slot->is_policy || section->has_owner || !policy->source)
		return slot_owner(section);
	return policy->has_source_user && slot->slots->administrator == 0 ? policy->source_user : slot->slots->fetcher;
}

int deploy_slot_attr_locked(const struct slot *slot, struct slots_attr *ret)
{
	const struct config_slot *section = slot_section(slot->slots->trust, slot);
	if (!slot_is_present(slot, section))
		return -ENOENT;
	/* Of a layer, its newest version's. */
	const struct release *newest = slot->is_layer && slot->listed_count > 0 ? slot->listed[slot->listed_count - 1]
										: slot->current;
	*ret = (struct slots_attr){
		.node = deploy_slot_node(slot),
		.mode = S_IFDIR | section->mode,
		.nlink = 2,
		.uid = section->is_pattern ? slot->facts.maker : owner_of_slot(slot, section),
		.gid = slot_group(section),
		.mtime = newest ? (struct timespec){.tv_sec = newest->record->created_at_s} : slot->slots->started,
	};
	return 0;
}

static int why_attr_locked(const struct slot *slot, struct slots_attr *ret)
{
	*ret = (struct slots_attr){.node = DEPLOY_WHY_BIT | slot->index,
				   .mode = S_IFREG | 0444,
				   .nlink = 1,
				   .mtime = slot->slots->started};
	bool is_present = !slot->is_policy || slot_is_present(slot, slot_section(slot->slots->trust, slot));
	return slot->note && is_present ? 0 : -ENOENT;
}

static int attr_locked(struct slots *slots, uint64_t node, struct slots_attr *ret)
{
	const struct deploy_fixed_entry *entry = deploy_fixed_entry(node);
	if (entry && deploy_policy_is_absent_locked(slots, node))
		return -ENOENT;
	if (entry) {
		fixed_attr_locked(slots, entry, ret);
		return 0;
	}
	if (node & DEPLOY_CONTROL_BITS)
		return deploy_control_attr_locked(slots, node, ret);
	if (node & DEPLOY_PERMISSION_BIT)
		return deploy_permission_attr_locked(slots, node, ret);
	if (node & DEPLOY_BREAK_GLASS_BIT)
		return deploy_break_glass_attr_locked(slots, node, ret);
	if (node & (DEPLOY_SLOT_BIT | DEPLOY_WHY_BIT)) {
		const struct slot *slot = slot_by_index_locked(slots, node & ~(DEPLOY_SLOT_BIT | DEPLOY_WHY_BIT));
		if (!slot)
			return -ESTALE;
		return node & DEPLOY_SLOT_BIT ? deploy_slot_attr_locked(slot, ret) : why_attr_locked(slot, ret);
	}
	struct deploy_node *found = deploy_node_find_locked(slots, node);
	if (!found)
		return -ESTALE;
	deploy_node_attr_locked(found, slots->trust, ret);
	return 0;
}

int deploy_getattr(struct slots *slots, uint64_t node, struct slots_attr *ret)
{
	int r = deploy_wake(slots, node);
	if (r < 0)
		return r;
	lock_take(&slots->lock);
	r = attr_locked(slots, node, ret);
	lock_drop(&slots->lock);
	return r;
}

int deploy_readlink(struct slots *slots, uint64_t node, struct buf *ret)
{
	return node == DEPLOY_NODE_RUN && slots->run_target ? buf_puts(ret, slots->run_target) : -EINVAL;
}

/* ---- lookup ---- */

/* A name below a slot exists when it is staging, what the slot lists, open for writing, or has just been published. */
static int lookup_below_slot(struct slots *slots, const struct deploy_place *place, const char *name,
			     struct slots_attr *ret)
{
	int r = -ENOENT;
	lock_take(&slots->lock);
	struct deploy_node *node = deploy_node_named_locked(place, name);
	bool is_artifact = !place->dir && deploy_is_artifact_locked(place->slot, name);
	if (!node && is_artifact) {
		node = deploy_node_add_locked(place, name, DEPLOY_FILE, 0);
		if (!node)
			r = -ENOMEM;
	}
	if (node && (is_artifact || node->upload || node->kind == DEPLOY_STAGING_DIR)) {
		node->lookups++;
		deploy_node_attr_locked(node, slots->trust, ret);
		r = 0;
	}
	lock_drop(&slots->lock);
	return r;
}

/* The directories with a name for each slot. */
struct slots_directory {
	uint64_t node;
	uint64_t bit; /* of the nodes in it */
	bool of_layers;
};

static const struct slots_directory *find_slots_directory(uint64_t node)
{
	static const struct slots_directory directories[] = {
		{DEPLOY_NODE_FUNCTIONS, DEPLOY_SLOT_BIT, false},
		{DEPLOY_NODE_LAYERS, DEPLOY_SLOT_BIT, true},
		{DEPLOY_NODE_WHY_FUNCTIONS, DEPLOY_WHY_BIT, false},
		{DEPLOY_NODE_WHY_LAYERS, DEPLOY_WHY_BIT, true},
		{DEPLOY_NODE_HISTORY_FUNCTIONS, DEPLOY_HISTORY_BIT, false},
		{DEPLOY_NODE_ROLLBACK_FUNCTIONS, DEPLOY_ROLLBACK_BIT, false},
		{DEPLOY_NODE_PERMISSIONS_LAYERS, DEPLOY_PERMISSION_BIT, true},
		{DEPLOY_NODE_BREAK_GLASS_FUNCTIONS, DEPLOY_BREAK_GLASS_BIT, false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		if (directories[i].node == node)
			return &directories[i];
	return NULL;
}

static int lookup_slot(struct slots *slots, const struct slots_directory *directory, const char *name,
		       struct slots_attr *ret)
{
	struct slot *slot;
	int r = directory->of_layers ? slot_find_layer(slots, name, &slot) : slot_find(slots, name, &slot);
	return r < 0 ? r : deploy_getattr(slots, directory->bit | slot->index, ret);
}

int deploy_lookup(struct slots *slots, uint64_t parent, const char *name, struct slots_attr *ret)
{
	const struct deploy_fixed_entry *entry = deploy_fixed_find(parent, name);
	if (entry)
		return deploy_getattr(slots, entry->node, ret);
	uint64_t of_policy = deploy_policy_find(parent, name);
	if (of_policy != 0) {
		int r = deploy_policy_load(slots, parent);
		return r < 0 ? r : deploy_getattr(slots, of_policy, ret);
	}
	char function[LIMIT_FUNCTION_NAME_BYTES + 1];
	uint64_t control = deploy_control_kind(parent, name, function);
	if (control != 0)
		return lookup_slot(slots, &(struct slots_directory){parent, control, false}, function, ret);
	if (parent == DEPLOY_NODE_PERMISSIONS_LAYERS)
		return deploy_permission_lookup(slots, name, ret);
	const struct slots_directory *directory = find_slots_directory(parent);
	if (directory)
		return lookup_slot(slots, directory, name, ret);
	if (deploy_fixed_entry(parent))
		return -ENOENT;

	struct deploy_place place;
	int r = deploy_place(slots, parent, &place);
	if (r < 0)
		return r;
	r = lookup_below_slot(slots, &place, name, ret);
	deploy_place_done(&place);
	return r;
}

void deploy_forget(struct slots *slots, uint64_t node, uint64_t count)
{
	struct upload *upload = NULL;
	lock_take(&slots->lock);
	struct deploy_node *found = deploy_node_find_locked(slots, node);
	if (found) {
		found->lookups -= count < found->lookups ? count : found->lookups;
		upload = deploy_node_settle_locked(found);
	}
	lock_drop(&slots->lock);
	upload_put(upload);
}

/* ---- listing ---- */

static int add_dirent(struct tree_handle *dir, const char *name, const struct slots_attr *attr)
{
	return tree_list_add(&dir->list, name, attr);
}

static int list_fixed_locked(struct tree_handle *dir)
{
	int r = 0;
	for (uint64_t node = DEPLOY_NODE_ROOT + 1; r == 0 && node < DEPLOY_NODE_FIXED_END; node++) {
		const struct deploy_fixed_entry *entry = deploy_fixed_entry(node);
		struct slots_attr attr;
		if (entry->parent != dir->node || !entry->is_listed || deploy_policy_is_absent_locked(dir->slots, node))
			continue;
		fixed_attr_locked(dir->slots, entry, &attr);
		r = add_dirent(dir, entry->name, &attr);
	}
	return r;
}

static int entry_attr_locked(const struct slot *slot, uint64_t bit, struct slots_attr *ret)
{
	if (bit & DEPLOY_CONTROL_BITS)
		return deploy_control_attr_locked(slot->slots, bit | slot->index, ret);
	if (bit == DEPLOY_BREAK_GLASS_BIT && deploy_break_glass_is_listed_locked(slot))
		return deploy_break_glass_attr_locked(slot->slots, bit | slot->index, ret);
	if (bit == DEPLOY_BREAK_GLASS_BIT)
		return -ENOENT;
	return bit == DEPLOY_WHY_BIT ? why_attr_locked(slot, ret) : deploy_slot_attr_locked(slot, ret);
}

static int list_slots_locked(struct tree_handle *dir, const struct slots_directory *directory)
{
	struct slots *slots = dir->slots;
	int r = 0;
	for (size_t i = 0; r == 0 && i < slots->slot_count; i++) {
		struct slots_attr attr;
		const struct slot *slot = slots->list[i];
		if (slot->is_layer && directory->bit == DEPLOY_PERMISSION_BIT)
			r = deploy_permission_list_locked(dir, slot);
		else if (slot->is_layer == directory->of_layers && entry_attr_locked(slot, directory->bit, &attr) == 0)
			r = add_dirent(dir, slot->label, &attr);
	}
	return r;
}

static int list_file_locked(struct tree_handle *dir, const struct slot *slot, const char *name)
{
	struct slots_attr attr = {.node = DEPLOY_SOME_NODE, .mode = S_IFREG};
	for (const struct deploy_node *node = slot->files; node; node = node->next)
		if (!node->dir && strcmp(node->name, name) == 0)
			attr.node = node->id;
	return add_dirent(dir, name, &attr);
}

static int list_slot_locked(struct tree_handle *dir, const struct slot *slot)
{
	int r = 0;
	if (!slot->is_layer) {
		if (slot_shows_artifact(slot))
			r = list_file_locked(dir, slot, slot->current->record->artifact_name);
		return r == 0 && slot_shows_list(slot) ? list_file_locked(dir, slot, LAYER_LIST_NAME) : r;
	}
	for (size_t i = 0; r == 0 && i < slot->listed_count; i++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "%llu.zip", (unsigned long long)slot->listed[i]->record->number);
		r = list_file_locked(dir, slot, name);
	}
	return r;
}

/*
 * Of a slot under a pattern only the store knows whether it was made; of any slot, whether there was a decision. One
 * that cannot be read is logged, and does not hide the others.
 */
static void load_for_listing(struct slots *slots, const struct slots_directory *directory)
{
	struct slot *slot;
	bool lists_slots = directory->bit == DEPLOY_SLOT_BIT;
	for (size_t i = 0; (slot = slot_at(slots, i)) != NULL; i++) {
		if (slot->is_layer != directory->of_layers)
			continue;
		lock_take(&slots->lock);
		const struct config_slot *section = slot_section(slots->trust, slot);
		bool is_known = lists_slots && (!section || !section->is_pattern);
		lock_drop(&slots->lock);
		if (lists_slots && !is_known)
			slot_peek(slot);
		else if (!lists_slots)
			(void)slot_load(slot);
	}
}

static int list_locked(struct tree_handle *dir, const struct slot *slot)
{
	struct slots_attr self = {.node = dir->node, .mode = S_IFDIR};
	int r = add_dirent(dir, ".", &self);
	if (r == 0)
		r = add_dirent(dir, "..", &self);
	if (r == 0)
		r = list_fixed_locked(dir);
	const struct slots_directory *directory = find_slots_directory(dir->node);
	if (r == 0)
		r = deploy_policy_list_locked(dir);
	if (r == 0 && directory)
		r = list_slots_locked(dir, directory);
	if (r == 0 && slot)
		r = list_slot_locked(dir, slot);
	return r;
}

int deploy_opendir(struct slots *slots, uint64_t node, struct tree_handle **ret_handle)
{
	struct slots_attr attr;
	int r = deploy_getattr(slots, node, &attr);
	if (r < 0)
		return r;
	if (!S_ISDIR(attr.mode))
		return -ENOTDIR;

	const struct slots_directory *directory = find_slots_directory(node);
	if (directory)
		load_for_listing(slots, directory);
	(void)deploy_policy_load(slots, node); /* says what is wrong */
	struct slot *slot = deploy_slot(slots, node);
	struct tree_handle *dir = calloc(1, sizeof(*dir));
	if (!dir)
		return -ENOMEM;
	*dir = (struct tree_handle){.slots = slots, .node = node};
	lock_take(&slots->lock);
	r = list_locked(dir, slot);
	lock_drop(&slots->lock);
	if (r < 0) {
		deploy_release(dir);
		return r;
	}
	*ret_handle = dir;
	return 0;
}

int deploy_readdir(struct tree_handle *dir, uint64_t offset, struct slots_dirent *ret)
{
	return tree_list_get(&dir->list, offset, ret);
}
