/* The table of names below slots: those that the kernel or an open file knows, and staging. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "internal.h"

static struct signing_node **bucket(struct signing *signing, uint64_t id)
{
	return &signing->nodes[id % SIGNING_NODE_BUCKETS];
}

struct signing_node *signing_node_find_locked(struct signing *signing, uint64_t id)
{
	struct signing_node *node = *bucket(signing, id);
	while (node && node->id != id)
		node = node->next_by_id;
	return node;
}

bool signing_is_stale(struct signing *signing, uint64_t id)
{
	lock_take(&signing->lock);
	bool is_known = signing_node_find_locked(signing, id) != NULL;
	lock_drop(&signing->lock);
	return !is_known && id >= SIGNING_FIXED_END && !(id & SIGNING_SLOT_BIT);
}

void signing_free_nodes(struct signing *signing)
{
	for (size_t i = 0; i < SIGNING_NODE_BUCKETS; i++)
		while (signing->nodes[i]) {
			struct signing_node *node = signing->nodes[i];
			signing->nodes[i] = node->next_by_id;
			handin_put(node->handin);
			free(node);
		}
}

static bool is_below_slot(enum signing_kind kind)
{
	return kind == KIND_HANDED_IN || kind == KIND_STAGING || kind == KIND_STAGING_DIRECTORY;
}

/* A job's record and its revocation are the same for all who may see them. */
static const char *account_of(const struct signing_place *place, enum signing_kind kind)
{
	return kind == KIND_JOB || kind == KIND_REVOKE || kind == KIND_ACCOUNT ? "" : place->account;
}

struct signing_node *signing_node_named_locked(const struct signing_place *place, enum signing_kind kind,
					       const char *name)
{
	for (struct signing_node *node = place->slot->nodes; node; node = node->next)
		if ((is_below_slot(kind) ? is_below_slot(node->kind) : node->kind == kind) &&
		    node->directory == place->directory && strcmp(node->account, account_of(place, kind)) == 0 &&
		    strcmp(node->name, name) == 0)
			return node;
	return NULL;
}

void signing_node_name_locked(struct signing_node *node, const struct signing_place *place, const char *name)
{
	ASSERT(!node->named);
	node->directory = place->directory;
	if (place->directory)
		place->directory->handles++; /* a directory stays while something is in it */
	(void)snprintf(node->name, sizeof(node->name), "%s", name);
	node->next = place->slot->nodes;
	place->slot->nodes = node;
	node->named = true;
}

struct signing_node *signing_node_add_locked(const struct signing_place *place, enum signing_kind kind,
					     const char *name, uid_t uid)
{
	struct signing *signing = place->slot->signing;
	struct signing_node *node = calloc(1, sizeof(*node));
	if (!node)
		return NULL;
	*node = (struct signing_node){
		.id = signing->next_node++,
		.kind = kind,
		.slot = place->slot,
		.uid = uid,
		.mtime = clock_now(),
		.touched_ms = clock_monotonic_ms(),
	};
	(void)snprintf(node->account, sizeof(node->account), "%s", account_of(place, kind));
	signing_node_name_locked(node, place, name);
	node->next_by_id = *bucket(signing, node->id);
	*bucket(signing, node->id) = node;
	return node;
}

void signing_node_unname_locked(struct signing_node *node)
{
	ASSERT(node->named);
	struct signing_node **link = &node->slot->nodes;
	while (*link != node)
		link = &(*link)->next;
	*link = node->next;
	node->next = NULL;
	node->named = false;
	if (node->directory)
		node->directory->handles--; /* it has a name itself: only empty directories lose theirs */
	node->directory = NULL;
}

struct handin *signing_node_settle_locked(struct signing_node *node)
{
	bool is_staging_name = node->named && (node->kind == KIND_STAGING || node->kind == KIND_STAGING_DIRECTORY);
	if (node->lookups > 0 || node->handles > 0 || is_staging_name)
		return NULL;
	struct handin *handin = node->handin;
	if (node->named)
		signing_node_unname_locked(node);
	struct signing_node **link = bucket(node->slot->signing, node->id);
	while (*link != node)
		link = &(*link)->next_by_id;
	*link = node->next_by_id;
	free(node);
	return handin;
}

/* Modes let everybody through: who may do what is decided here, not by the kernel. Staging is its writer's. */
static mode_t mode_of(enum signing_kind kind)
{
	switch (kind) {
	case KIND_HANDED_IN:
	case KIND_REVOKE:
		return S_IFREG | 0666;
	case KIND_STAGING:
		return S_IFREG | 0600;
	case KIND_STAGING_DIRECTORY:
		return S_IFDIR | 0700;
	case KIND_ACCOUNT:
		return S_IFDIR | 0777;
	case KIND_RESULT:
	case KIND_JOB:
		break;
	}
	return S_IFREG | 0444;
}

void signing_node_attr_locked(const struct signing_node *node, struct slots_attr *ret)
{
	*ret = (struct slots_attr){
		.node = node->id,
		.mode = mode_of(node->kind),
		.uid = node->uid,
		.gid = getegid(),
		.mtime = node->mtime,
	};
	ret->nlink = S_ISDIR(ret->mode) ? 2 : node->named;
	const struct result *result = NULL;
	if (node->kind == KIND_HANDED_IN || node->kind == KIND_RESULT)
		result = result_find_locked(node->slot, node->account, node->name, node->kind);
	if (node->handin) {
		ret->uid = node->handin->uid;
		ret->size_bytes = node->handin->size_bytes;
		ret->mtime = node->handin->mtime;
	} else if (result) {
		bool is_signed = node->kind == KIND_RESULT;
		ret->uid = result->uid;
		ret->size_bytes = is_signed ? result->signed_bytes : result_handed_in_bytes(result);
		ret->mtime = is_signed ? (struct timespec){.tv_sec = result->signed_at_s} : result->mtime;
	}
}

/* A staging file keeps a descriptor open until it is swept. */
bool signing_is_full_locked(const struct signing_place *place)
{
	unsigned count = 0;
	for (const struct signing_node *node = place->slot->nodes; node; node = node->next)
		count += (node->kind == KIND_STAGING || node->kind == KIND_STAGING_DIRECTORY) &&
			 strcmp(node->account, place->account) == 0;
	return count >= LIMIT_STAGING_FILES_PER_SLOT;
}
