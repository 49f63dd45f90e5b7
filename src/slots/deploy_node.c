/* The deploy side's nodes: the fixed tree, the table of names below slots, and what stat shows of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "deploy.h"

static const struct deploy_fixed_entry fixed[] = {
	{DEPLOY_NODE_ROOT, DEPLOY_NODE_ROOT, "", true, false},
	{DEPLOY_NODE_FUNCTIONS, DEPLOY_NODE_ROOT, "functions", true, true},
	{DEPLOY_NODE_LAYERS, DEPLOY_NODE_ROOT, "layers", true, true},
	{DEPLOY_NODE_RUN, DEPLOY_NODE_ROOT, "run", true, true},
	{DEPLOY_NODE_CONTROL, DEPLOY_NODE_ROOT, ".vouchfs", true, false},
	{DEPLOY_NODE_STATUS, DEPLOY_NODE_CONTROL, "status", false, true},
	{DEPLOY_NODE_STATUS_JSON, DEPLOY_NODE_CONTROL, "status.json", false, true},
	{DEPLOY_NODE_HEALTH, DEPLOY_NODE_CONTROL, "health", false, true},
	{DEPLOY_NODE_METRICS, DEPLOY_NODE_CONTROL, "metrics", false, true},
	{DEPLOY_NODE_WHY, DEPLOY_NODE_CONTROL, "why", true, true},
	{DEPLOY_NODE_WHY_FUNCTIONS, DEPLOY_NODE_WHY, "functions", true, true},
	{DEPLOY_NODE_WHY_LAYERS, DEPLOY_NODE_WHY, "layers", true, true},
	{DEPLOY_NODE_HISTORY, DEPLOY_NODE_CONTROL, "history", true, true},
	{DEPLOY_NODE_HISTORY_FUNCTIONS, DEPLOY_NODE_HISTORY, "functions", true, true},
	{DEPLOY_NODE_ROLLBACK, DEPLOY_NODE_CONTROL, "rollback", true, true},
	{DEPLOY_NODE_ROLLBACK_FUNCTIONS, DEPLOY_NODE_ROLLBACK, "functions", true, true},
	{DEPLOY_NODE_PERMISSIONS, DEPLOY_NODE_CONTROL, "permissions", true, true},
	{DEPLOY_NODE_PERMISSIONS_LAYERS, DEPLOY_NODE_PERMISSIONS, "layers", true, true},
	{DEPLOY_NODE_RECENT, DEPLOY_NODE_CONTROL, "recent", false, true},
	{DEPLOY_NODE_EVENTS, DEPLOY_NODE_CONTROL, "events", false, true},
	{DEPLOY_NODE_BREAK_GLASS, DEPLOY_NODE_CONTROL, "break-glass", true, true},
	{DEPLOY_NODE_BREAK_GLASS_FUNCTIONS, DEPLOY_NODE_BREAK_GLASS, "functions", true, true},
	{DEPLOY_NODE_RELOAD, DEPLOY_NODE_CONTROL, "reload", false, true},
	{DEPLOY_NODE_RELOAD_DRY_RUN, DEPLOY_NODE_CONTROL, "reload-dry-run", false, false},
	{DEPLOY_NODE_POLICY, DEPLOY_NODE_CONTROL, "policy", true, true},
	{DEPLOY_NODE_POLICY_STATUS, DEPLOY_NODE_POLICY, "status", false, true},
	{DEPLOY_NODE_POLICY_DRIFT, DEPLOY_NODE_POLICY, "drift", false, false},
	{DEPLOY_NODE_POLICY_SOURCE, DEPLOY_NODE_POLICY, "source", false, true},
};

const struct deploy_fixed_entry *deploy_fixed_entry(uint64_t node)
{
	return node >= DEPLOY_NODE_ROOT && node < DEPLOY_NODE_FIXED_END ? &fixed[node - DEPLOY_NODE_ROOT] : NULL;
}

const struct deploy_fixed_entry *deploy_fixed_find(uint64_t parent, const char *name)
{
	for (size_t i = 1; i < ARRAY_SIZE(fixed); i++)
		if (fixed[i].parent == parent && strcmp(fixed[i].name, name) == 0)
			return &fixed[i];
	return NULL;
}

bool deploy_is_fixed(uint64_t node)
{
	const struct deploy_fixed_entry *entry = deploy_fixed_entry(node);
	/* a reload changes the mode of those two, and whether there is a policy */
	return entry && entry->is_directory && node != DEPLOY_NODE_FUNCTIONS && node != DEPLOY_NODE_LAYERS &&
	       node != DEPLOY_NODE_POLICY;
}

int deploy_wake(struct slots *slots, uint64_t node)
{
	const uint64_t bits = DEPLOY_SLOT_BIT | DEPLOY_WHY_BIT | DEPLOY_CONTROL_BITS | DEPLOY_BREAK_GLASS_BIT;
	struct slot *slot = NULL;
	if (!tree_names_is_heir(slots->names)) /* who has its node has looked it up, which has loaded it */
		return 0;
	if (node & bits)
		slot = slot_by_index(slots, node & ~bits);
	else if (node & DEPLOY_PERMISSION_BIT)
		slot = slot_by_index(slots, node & UINT32_MAX);
	return slot ? slot_load(slot) : 0;
}

struct slot *deploy_slot(struct slots *slots, uint64_t node)
{
	if (!(node & DEPLOY_SLOT_BIT))
		return NULL;
	struct slot *slot = slot_by_index(slots, node & ~DEPLOY_SLOT_BIT);
	if (!slot || slot_load(slot) < 0)
		return NULL;
	lock_take(&slots->lock);
	bool present = slot_is_present(slot, slot_section(slots->trust, slot));
	lock_drop(&slots->lock);
	return present ? slot : NULL;
}

int deploy_place(struct slots *slots, uint64_t parent, struct deploy_place *ret)
{
	const uint64_t files = DEPLOY_WHY_BIT | DEPLOY_CONTROL_BITS | DEPLOY_PERMISSION_BIT | DEPLOY_BREAK_GLASS_BIT;
	if (deploy_fixed_entry(parent) || (parent & files))
		return -EPERM; /* nothing is made in the fixed directories */
	if (parent & DEPLOY_SLOT_BIT) {
		*ret = (struct deploy_place){.slot = deploy_slot(slots, parent)};
		return ret->slot ? 0 : -ENOENT;
	}

	lock_take(&slots->lock);
	struct deploy_node *dir = deploy_node_find_locked(slots, parent);
	int r = !dir ? -ESTALE : !dir->named ? -ENOENT : dir->kind != DEPLOY_STAGING_DIR ? -ENOTDIR : 0;
	if (r == 0) {
		dir->handles++;
		*ret = (struct deploy_place){.slot = dir->slot, .dir = dir};
	}
	lock_drop(&slots->lock);
	return r;
}

void deploy_place_done(struct deploy_place *place)
{
	if (!place->dir)
		return;
	struct slots *slots = place->slot->slots;
	lock_take(&slots->lock);
	place->dir->handles--;
	struct upload *upload = deploy_node_settle_locked(place->dir);
	lock_drop(&slots->lock);
	upload_put(upload);
	place->dir = NULL;
}

struct deploy_node *deploy_node_find_locked(struct slots *slots, uint64_t id)
{
	struct deploy_node *node;
	HASH_FIND(hh, slots->nodes, &id, sizeof(id), node);
	return node;
}

struct deploy_node *deploy_node_named_locked(const struct deploy_place *place, const char *name)
{
	for (struct deploy_node *node = place->slot->files; node; node = node->next)
		if (node->dir == place->dir && strcmp(node->name, name) == 0)
			return node;
	return NULL;
}

struct deploy_node *deploy_node_add_locked(const struct deploy_place *place, const char *name, enum deploy_kind kind,
					   uid_t uid)
{
	struct slots *slots = place->slot->slots;
	struct deploy_node *node = calloc(1, sizeof(*node));
	if (!node)
		return NULL;
	*node = (struct deploy_node){
		.next = place->slot->files,
		.id = slots->next_node++,
		.kind = kind,
		.slot = place->slot,
		.dir = place->dir,
		.named = true,
		.uid = uid,
		.mtime = clock_now(),
		.touched_ms = clock_monotonic_ms(),
	};
	TABLE_ADD(hh, slots->nodes, id, sizeof(node->id), node);
	if (!TABLE_HAS(hh, node)) {
		free(node);
		return NULL;
	}
	(void)snprintf(node->name, sizeof(node->name), "%s", name);
	place->slot->files = node;
	if (place->dir)
		place->dir->handles++; /* a directory stays while something is in it */
	slots->staging_files += kind == DEPLOY_STAGING_FILE;
	return node;
}

void deploy_node_become_locked(struct deploy_node *node, enum deploy_kind kind)
{
	struct slots *slots = node->slot->slots;
	slots->staging_files -= node->kind == DEPLOY_STAGING_FILE;
	slots->staging_files += kind == DEPLOY_STAGING_FILE;
	node->kind = kind;
}

void deploy_node_unname_locked(struct deploy_node *node)
{
	ASSERT(node->named);
	struct deploy_node **link = &node->slot->files;
	while (*link != node)
		link = &(*link)->next;
	*link = node->next;
	node->next = NULL;
	node->named = false;
	if (node->dir)
		node->dir->handles--; /* it has a name itself: only empty directories lose theirs */
	node->dir = NULL;
}

struct upload *deploy_node_settle_locked(struct deploy_node *node)
{
	bool is_staging_name = node->named && node->kind != DEPLOY_FILE;
	if (node->lookups > 0 || node->handles > 0 || is_staging_name)
		return NULL;
	struct upload *upload = node->upload;
	if (node->named)
		deploy_node_unname_locked(node);
	HASH_DEL(node->slot->slots->nodes, node);
	node->slot->slots->staging_files -= node->kind == DEPLOY_STAGING_FILE;
	free(node);
	return upload;
}

struct release *deploy_artifact_locked(const struct slot *slot, const char *name)
{
	if (slot->is_layer)
		return version_named_locked(slot, name);
	if (slot_is_list_name(slot, name))
		return !slot_shows_list(slot) ? NULL : slot->current ? slot->current : slot->waiting_list;
	bool is_shown = slot_shows_artifact(slot) && strcmp(slot->current->record->artifact_name, name) == 0;
	return is_shown ? slot->current : NULL;
}

bool deploy_is_artifact_locked(const struct slot *slot, const char *name)
{
	return deploy_artifact_locked(slot, name) != NULL;
}

bool deploy_lingers_locked(const struct deploy_node *node)
{
	const struct upload *upload = node->upload;
	return (node->slot->is_layer || node->slot->is_policy) && node->kind == DEPLOY_FILE && node->named && upload &&
	       upload->is_published && upload->version && !deploy_is_artifact_locked(node->slot, node->name);
}

struct release *deploy_shown_locked(const struct deploy_node *node)
{
	if (!node->named || node->dir || node->kind != DEPLOY_FILE)
		return NULL;
	return deploy_lingers_locked(node) ? node->upload->version : deploy_artifact_locked(node->slot, node->name);
}

void deploy_node_attr_locked(const struct deploy_node *node, const struct trust *trust, struct slots_attr *ret)
{
	const struct config_slot *section = slot_section(trust, node->slot);
	gid_t group = section ? slot_group(section) : getegid();
	*ret = (struct slots_attr){
		.node = node->id, .nlink = node->named, .uid = node->uid, .gid = group, .mtime = node->mtime};

	if (node->kind == DEPLOY_STAGING_DIR) {
		ret->mode = S_IFDIR | 0700;
		ret->nlink = 2;
		return;
	}
	mode_t shared = section ? section->mode & 0666 : 0644;
	ret->mode = S_IFREG | (node->kind == DEPLOY_FILE ? shared : 0600);
	if (node->upload) {
		ret->uid = node->upload->uid;
		ret->size_bytes = node->upload->size_bytes;
		ret->mtime = node->upload->mtime;
		return;
	}
	const struct release *release = deploy_artifact_locked(node->slot, node->name);
	if (release && slot_is_list_name(node->slot, node->name)) {
		ret->uid = release->record->layers_uid;
		ret->size_bytes = strlen(release->record->layers_text);
		ret->mtime = (struct timespec){.tv_sec = release->record->layers_mtime_s,
					       .tv_nsec = release->record->layers_mtime_ns};
	} else if (release) {
		ret->uid = release->record->uid;
		ret->size_bytes = release_file_size(release);
		ret->mtime = release_mtime_locked(release);
	}
}
