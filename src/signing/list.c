/* What a directory lists, for whoever has opened it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "internal.h"

static int add(struct tree_handle *dir, const char *name, uint64_t node, mode_t type)
{
	const struct slots_attr attr = {.node = node, .mode = type};
	return tree_list_add(&dir->list, name, &attr);
}

/* The number that stat would show, where the kernel knows the name. */
static uint64_t number_locked(const struct signing_place *place, enum signing_kind kind, const char *name)
{
	const struct signing_node *node = signing_node_named_locked(place, kind, name);
	return node ? node->id : SIGNING_SOME_NODE;
}

/* ---- profiles ---- */

static int list_profile(struct tree_handle *dir, const char *profile, const struct signer_caller *who)
{
	struct signing_slot *slot;
	int r = signing_find_slot(dir->signing, profile, who, &slot);
	if (r == -ENOENT)
		return 0;
	if (r == 0 && dir->node == SIGNING_ROOT)
		return add(dir, profile, signing_part_node(slot, PART_SLOT), S_IFDIR);
	if (r == 0 && signing_has_note(slot, who->account))
		return add(dir, profile, signing_part_node(slot, PART_WHY), S_IFREG);
	return r;
}

static int list_profiles(struct tree_handle *dir, const struct slots_caller *caller)
{
	struct signer_caller who;
	struct signer_profile *profiles = NULL;
	size_t count = 0;
	struct explain why = {0};
	int r = signing_identify(dir->signing, caller, &who);
	if (r < 0)
		return r;
	r = signer_list_profiles(dir->signing->signer, &profiles, &count, &why);
	if (r < 0)
		log_error("profiles: %s", why.text);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = list_profile(dir, profiles[i].arn.name, &who);
	free(profiles);
	return r;
}

/* ---- below a slot ---- */

static int list_results(struct tree_handle *dir, const struct signing_place *place, enum signing_kind kind)
{
	int r = 0;
	lock_take(&dir->signing->lock);
	for (const struct result *result = place->slot->results; r == 0 && result; result = result->next)
		if ((kind == KIND_RESULT ? result->is_signed : result->is_handed_in) &&
		    strcmp(result->account, place->account) == 0)
			r = add(dir, result->name, number_locked(place, kind, result->name), S_IFREG);
	lock_drop(&dir->signing->lock);
	return r;
}

static bool is_listed(const struct tree_handle *dir, const char *name)
{
	for (size_t i = 0; i < dir->list.count; i++)
		if (strcmp(tree_list_name(&dir->list, i), name) == 0)
			return true;
	return false;
}

static int list_accounts(struct tree_handle *dir, const struct signing_place *place)
{
	int r = 0;
	if (!place->caller.is_owner || !(dir->node & SIGNING_SLOT_BIT))
		return 0;
	lock_take(&dir->signing->lock);
	for (const struct result *result = place->slot->results; r == 0 && result; result = result->next)
		if (result->is_signed && strcmp(result->account, place->account) != 0 &&
		    !is_listed(dir, result->account))
			r = add(dir, result->account, number_locked(place, KIND_ACCOUNT, result->account), S_IFDIR);
	lock_drop(&dir->signing->lock);
	return r;
}

static int list_parts(struct tree_handle *dir, const struct signing_place *place)
{
	int r = 0;
	for (enum signing_part part = PART_SIGNED; r == 0 && part < PART_PROFILE; part++)
		r = add(dir, signing_part_name(part), signing_part_node(place->slot, part), S_IFDIR);
	struct finding finding = {0};
	if (r == 0 &&
	    signing_check_permission(place->slot, &place->caller, SIGNER_GET_SIGNING_PROFILE, NULL, &finding) == 0)
		r = add(dir, signing_part_name(PART_PROFILE), signing_part_node(place->slot, PART_PROFILE), S_IFREG);
	return r;
}

static int list_jobs(struct tree_handle *dir, const struct signing_place *place)
{
	struct signer_job *jobs = NULL;
	size_t count = 0;
	struct explain damaged = {0}, why = {0};
	int r = signer_list_jobs(dir->signing->signer, &jobs, &count, &damaged, &why);
	if (r < 0 || damaged.text[0])
		log_error("%s: jobs: %s", place->slot->name, r < 0 ? why.text : damaged.text);
	for (size_t i = 0; r == 0 && i < count; i++) {
		char name[ARN_JOB_ID_SIZE + 8];
		(void)snprintf(name, sizeof(name), "%s.json", jobs[i].arn.id);
		if (!signing_may_see_job(place, &jobs[i]))
			continue;
		lock_take(&dir->signing->lock);
		uint64_t node = number_locked(place, KIND_JOB, name);
		lock_drop(&dir->signing->lock);
		r = add(dir, name, node, S_IFREG);
	}
	signer_jobs_free(jobs, count);
	return r;
}

static int list_place(struct tree_handle *dir, const struct slots_caller *caller)
{
	struct signing_place place;
	int r = signing_place(dir->signing, dir->node, caller, &place);
	if (r < 0)
		return r;
	if (place.part == PART_SIGNED) {
		r = list_results(dir, &place, KIND_RESULT);
		if (r == 0)
			r = list_accounts(dir, &place);
	} else if (place.part == PART_JOBS) {
		r = list_jobs(dir, &place);
	} else if (place.part == PART_SLOT && !place.directory) { /* staging is not listed */
		r = list_parts(dir, &place);
		if (r == 0)
			r = list_results(dir, &place, KIND_HANDED_IN);
	}
	signing_place_done(&place);
	return r;
}

int signing_opendir(void *tree, uint64_t node, const struct slots_caller *caller, struct tree_handle **ret_handle)
{
	struct tree_handle *dir = signing_new_handle(tree, node);
	int r = dir ? add(dir, ".", node, S_IFDIR) : -ENOMEM;
	if (r == 0)
		r = add(dir, "..", node, S_IFDIR);
	if (r == 0 && node >= SIGNING_FIXED_END)
		r = list_place(dir, caller);
	else if (r == 0 && node == SIGNING_CONTROL)
		r = add(dir, "why", SIGNING_WHY, S_IFDIR);
	else if (r == 0)
		r = list_profiles(dir, caller);
	if (r < 0)
		signing_release(dir);
	else
		*ret_handle = dir;
	return r;
}

int signing_readdir(struct tree_handle *dir, uint64_t offset, struct slots_dirent *ret)
{
	return tree_list_get(&dir->list, offset, ret);
}
