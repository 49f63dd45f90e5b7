/* Directories: lookup, stat. Each lookup comes with its caller, as the kernel keeps nothing of what is below the root.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "internal.h"

static const struct {
	const char *name;
	mode_t mode;
} parts[PART_END] = {
	[PART_SLOT] = {"", S_IFDIR | 0777},
	[PART_SIGNED] = {"signed", S_IFDIR | 0777},
	[PART_JOBS] = {"jobs", S_IFDIR | 0555},
	[PART_REVOKE] = {"revoke", S_IFDIR | 0777},
	[PART_PROFILE] = {"profile.json", S_IFREG | 0444},
	[PART_WHY] = {"", S_IFREG | 0444},
};

const char *signing_part_name(enum signing_part part)
{
	return parts[part].name;
}

/* ---- attributes ---- */

static void fixed_attr(const struct signing *signing, uint64_t node, mode_t mode, struct slots_attr *ret)
{
	*ret = (struct slots_attr){
		.node = node,
		.mode = mode,
		.nlink = S_ISDIR(mode) ? 2 : 1,
		.uid = geteuid(),
		.gid = getegid(),
		.mtime = signing->started,
	};
}

static int part_attr(struct signing *signing, uint64_t node, struct slots_attr *ret)
{
	struct signing_slot *slot = signing_slot_of(signing, node);
	enum signing_part part = signing_part_of(node);
	struct buf text = {0};
	if (!slot)
		return -ESTALE;
	fixed_attr(signing, node, parts[part].mode, ret);
	if (S_ISDIR(ret->mode)) {
		lock_take(&signing->lock);
		ret->uid = slot->visitor;
		lock_drop(&signing->lock);
	}
	int r = part == PART_PROFILE ? signing_render_profile(slot, &text) : 0;
	ret->size_bytes = text.len;
	buf_done(&text);
	return r;
}

static int named_attr(struct signing *signing, uint64_t node, struct slots_attr *ret)
{
	char name[LIMIT_NAME_BYTES + 1] = "";
	enum signing_kind kind = 0;
	lock_take(&signing->lock);
	const struct signing_node *found = signing_node_find_locked(signing, node);
	if (found) {
		kind = found->kind;
		memcpy(name, found->name, sizeof(name));
		signing_node_attr_locked(found, ret);
	}
	lock_drop(&signing->lock);
	if (!found)
		return -ESTALE;
	return kind == KIND_JOB || kind == KIND_REVOKE ? signing_measure_job(signing, kind, name, ret) : 0;
}

int signing_getattr(void *tree, uint64_t node, struct slots_attr *ret)
{
	if (node < SIGNING_FIXED_END) {
		fixed_attr(tree, node, S_IFDIR | 0555, ret);
		return 0;
	}
	return node & SIGNING_SLOT_BIT ? part_attr(tree, node, ret) : named_attr(tree, node, ret);
}

/* ---- lookup ---- */

/* The name is there: its node, made where it is missing, with a reference. */
static int remember(const struct signing_place *place, enum signing_kind kind, const char *name, struct slots_attr *ret)
{
	struct signing *signing = place->slot->signing;
	lock_take(&signing->lock);
	struct signing_node *node = signing_node_named_locked(place, kind, name);
	if (!node)
		node = signing_node_add_locked(place, kind, name, geteuid());
	if (node) {
		node->lookups++;
		signing_node_attr_locked(node, ret);
	}
	lock_drop(&signing->lock);
	if (!node)
		return -ENOMEM;
	return kind == KIND_JOB || kind == KIND_REVOKE ? signing_measure_job(signing, kind, name, ret) : 0;
}

/* A name below a slot is there when it is staging, was handed in, or is open for writing. */
static bool has_file(const struct signing_place *place, const char *name)
{
	struct signing *signing = place->slot->signing;
	lock_take(&signing->lock);
	const struct signing_node *node = signing_node_named_locked(place, KIND_HANDED_IN, name);
	bool is_there = node && (node->handin || node->kind == KIND_STAGING_DIRECTORY);
	is_there |= !place->directory && result_find_locked(place->slot, place->account, name, KIND_HANDED_IN);
	lock_drop(&signing->lock);
	return is_there;
}

static int lookup_part(const struct signing_place *place, const char *name, struct slots_attr *ret)
{
	for (enum signing_part part = PART_SIGNED; part <= PART_PROFILE; part++) {
		if (place->directory || strcmp(parts[part].name, name) != 0)
			continue;
		struct finding finding = {0};
		int r = part == PART_PROFILE ? signing_check_permission(place->slot, &place->caller,
									SIGNER_GET_SIGNING_PROFILE, NULL, &finding)
					     : 0;
		return r < 0 ? r : part_attr(place->slot->signing, signing_part_node(place->slot, part), ret);
	}
	return has_file(place, name) ? remember(place, KIND_HANDED_IN, name, ret) : -ENOENT;
}

/* Results of other accounts are in a directory for each, which the owner sees. */
static bool has_account(const struct signing_place *place, const char *name)
{
	bool is_there = false;
	if (!place->caller.is_owner || strcmp(place->account, place->caller.account) != 0 ||
	    strcmp(name, place->account) == 0)
		return false;
	lock_take(&place->slot->signing->lock);
	for (const struct result *result = place->slot->results; result; result = result->next)
		is_there |= result->is_signed && strcmp(result->account, name) == 0;
	lock_drop(&place->slot->signing->lock);
	return is_there;
}

static int lookup_result(const struct signing_place *place, const char *name, struct slots_attr *ret)
{
	if (has_account(place, name))
		return remember(place, KIND_ACCOUNT, name, ret);
	lock_take(&place->slot->signing->lock);
	bool is_there = result_find_locked(place->slot, place->account, name, KIND_RESULT);
	lock_drop(&place->slot->signing->lock);
	return is_there ? remember(place, KIND_RESULT, name, ret) : -ENOENT;
}

static int lookup_job(const struct signing_place *place, const char *name, struct slots_attr *ret)
{
	char job_id[ARN_JOB_ID_SIZE];
	struct signer_job job = {0};
	int r = signing_job_id(name, job_id) ? signing_find_job(place, job_id, &job) : -ENOENT;
	signer_job_done(&job);
	return r < 0 ? r : remember(place, KIND_JOB, name, ret);
}

/* There once it is revoked, and while a reason is being written. */
static int lookup_revocation(const struct signing_place *place, const char *name, struct slots_attr *ret)
{
	struct signer_job job = {0};
	int r = signing_find_job(place, name, &job);
	bool is_there = r == 0 && job.revoked;
	signer_job_done(&job);
	if (r < 0)
		return r;
	lock_take(&place->slot->signing->lock);
	const struct signing_node *node = signing_node_named_locked(place, KIND_REVOKE, name);
	is_there |= node && node->handles > 0;
	lock_drop(&place->slot->signing->lock);
	return is_there ? remember(place, KIND_REVOKE, name, ret) : -ENOENT;
}

static int lookup_fixed(struct signing *signing, uint64_t parent, const char *name, const struct slots_caller *caller,
			struct slots_attr *ret)
{
	struct signer_caller who;
	struct signing_slot *slot = NULL;
	if (parent == SIGNING_ROOT && strcmp(name, ".vouchfs") == 0)
		return signing_getattr(signing, SIGNING_CONTROL, ret);
	if (parent == SIGNING_CONTROL)
		return strcmp(name, "why") == 0 ? signing_getattr(signing, SIGNING_WHY, ret) : -ENOENT;
	int r = signing_identify(signing, caller, &who);
	if (r == 0)
		r = signing_find_slot(signing, name, &who, &slot);
	if (r < 0)
		return r;
	ASSERT(slot);
	signing_visit(slot, caller);
	if (parent == SIGNING_ROOT)
		return part_attr(signing, signing_part_node(slot, PART_SLOT), ret);
	return signing_has_note(slot, who.account) ? part_attr(signing, signing_part_node(slot, PART_WHY), ret)
						   : -ENOENT;
}

int signing_lookup(void *tree, uint64_t parent, const char *name, const struct slots_caller *caller,
		   struct slots_attr *ret)
{
	struct signing_place place;
	if (parent < SIGNING_FIXED_END)
		return lookup_fixed(tree, parent, name, caller, ret);
	int r = signing_place(tree, parent, caller, &place);
	if (r < 0)
		return r;
	switch (place.part) {
	case PART_SLOT:
		r = lookup_part(&place, name, ret);
		break;
	case PART_SIGNED:
		r = lookup_result(&place, name, ret);
		break;
	case PART_JOBS:
		r = lookup_job(&place, name, ret);
		break;
	case PART_REVOKE:
		r = lookup_revocation(&place, name, ret);
		break;
	case PART_PROFILE:
	case PART_WHY:
	case PART_END:
		r = -ENOTDIR;
		break;
	}
	signing_place_done(&place);
	return r;
}
