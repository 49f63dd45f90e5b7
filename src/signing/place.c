/* Who asks, and which slot: profiles that somebody may see. Nothing of this is remembered, so a change acts at once. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "internal.h"

int signing_identify(struct signing *signing, const struct slots_caller *caller, struct signer_caller *ret)
{
	struct explain why = {0};
	struct slots_asking asking = {.caller = caller};
	int r = signer_identify(signing->signer, caller->who.uid, slots_ask_group, &asking, ret, &why);
	if (r == 0 && asking.is_unknown) { /* else whoever hides his groups would act for the home's account */
		explain_set(
			&why,
			"principals names groups, and those of process %d (user id %u) cannot be read, so it is not "
			"let in: does /proc hide processes (hidepid, ProtectProc)? name users instead, or show them",
			caller->who.pid, caller->who.uid);
		r = -EACCES;
	}
	lock_take(&signing->lock);
	bool is_new = r < 0 && !signing->principals_failed;
	signing->principals_failed = r < 0;
	lock_drop(&signing->lock);
	if (is_new)
		log_error("%s", why.text[0] ? why.text : strerror(-r));
	return r < 0 && r != -ENOMEM ? -EACCES : r;
}

/* ---- slots ---- */

static struct signing_slot *find_locked(const struct signing *signing, const char *profile)
{
	for (size_t i = 0; i < signing->slot_count; i++)
		if (strcmp(signing->slots[i]->name, profile) == 0)
			return signing->slots[i];
	return NULL;
}

int signing_add_slot_locked(struct signing *signing, const char *profile, struct signing_slot **ret)
{
	struct signing_slot *slot = find_locked(signing, profile);
	if (slot) {
		*ret = slot;
		return 0;
	}
	slot = calloc(1, sizeof(*slot));
	struct signing_slot **slots = reallocarray(signing->slots, signing->slot_count + 1,
						   sizeof(struct signing_slot *));
	if (slots)
		signing->slots = slots;
	if (!slot || !slots) {
		free(slot);
		return -ENOMEM;
	}
	int r = tree_names_add(signing->names, profile);
	if (r < 0) {
		free(slot);
		return r;
	}
	*slot = (struct signing_slot){.signing = signing, .index = signing->first_index + signing->slot_count};
	(void)snprintf(slot->name, sizeof(slot->name), "%s", profile);
	lock_init(&slot->lock);
	slots[signing->slot_count++] = slot;
	*ret = slot;
	return 0;
}

void signing_free_slot(struct signing_slot *slot)
{
	while (slot->results) {
		struct result *result = slot->results;
		slot->results = result->next;
		result_free(result);
	}
	while (slot->shares) {
		struct signing_share *share = slot->shares;
		slot->shares = share->next;
		free(share);
	}
	lock_done(&slot->lock);
	free(slot);
}

int signing_find_slot(struct signing *signing, const char *profile, const struct signer_caller *caller,
		      struct signing_slot **ret)
{
	struct signer_profile found;
	if (!arn_is_profile_name(profile, strlen(profile)))
		return -ENOENT;
	int r = signer_get_profile(signing->signer, profile, &found, NULL);
	if (r == 0 && !signer_is_visible(signing->signer, caller, profile))
		r = -ENOENT;
	if (r < 0)
		return r;
	lock_take(&signing->lock);
	r = signing_add_slot_locked(signing, profile, ret);
	lock_drop(&signing->lock);
	return r;
}

void signing_visit(struct signing_slot *slot, const struct slots_caller *caller)
{
	lock_take(&slot->signing->lock);
	slot->visitor = caller->who.uid;
	lock_drop(&slot->signing->lock);
}

struct signing_slot *signing_slot_of(struct signing *signing, uint64_t node)
{
	uint64_t index = (node & ~SIGNING_SLOT_BIT) >> 8;
	struct signing_slot *slot = NULL;
	lock_take(&signing->lock);
	bool is_ours = index >= signing->first_index && index - signing->first_index < signing->slot_count;
	if ((node & SIGNING_SLOT_BIT) && is_ours && signing_part_of(node) < PART_END)
		slot = signing->slots[index - signing->first_index];
	lock_drop(&signing->lock);
	return slot;
}

struct signing_slot *signing_slot_at(struct signing *signing, size_t n)
{
	lock_take(&signing->lock);
	struct signing_slot *slot = n < signing->slot_count ? signing->slots[n] : NULL;
	lock_drop(&signing->lock);
	return slot;
}

/* ---- places ---- */

static int find_part(struct signing *signing, uint64_t parent, struct signing_place *place)
{
	place->slot = signing_slot_of(signing, parent);
	if (!place->slot)
		return -ESTALE;
	place->part = signing_part_of(parent);
	return place->part == PART_PROFILE || place->part == PART_WHY ? -ENOTDIR : 0;
}

/* A staging directory of the caller's, or the results of another account. */
static int find_directory(struct signing *signing, uint64_t parent, struct signing_place *place)
{
	int r = 0;
	lock_take(&signing->lock);
	struct signing_node *node = signing_node_find_locked(signing, parent);
	bool is_visible = node && node->named && (place->caller.is_owner || strcmp(node->account, place->account) == 0);
	if (!is_visible)
		r = node ? -ENOENT : -ESTALE;
	else if (node->kind != KIND_STAGING_DIRECTORY && node->kind != KIND_ACCOUNT)
		r = -ENOTDIR;
	if (r == 0) {
		place->slot = node->slot;
		place->part = node->kind == KIND_ACCOUNT ? PART_SIGNED : PART_SLOT;
		memcpy(place->account, node->kind == KIND_ACCOUNT ? node->name : node->account, sizeof(place->account));
		place->directory = node->kind == KIND_ACCOUNT ? NULL : node;
		node->handles += place->directory != NULL;
	}
	lock_drop(&signing->lock);
	return r;
}

int signing_place(struct signing *signing, uint64_t parent, const struct slots_caller *caller,
		  struct signing_place *ret)
{
	struct signing_place place = {0};
	struct signing_slot *slot;
	if (parent < SIGNING_FIXED_END)
		return -EROFS;
	int r = signing_identify(signing, caller, &place.caller);
	if (r < 0)
		return r;
	memcpy(place.account, place.caller.account, sizeof(place.account));
	r = parent & SIGNING_SLOT_BIT ? find_part(signing, parent, &place) : find_directory(signing, parent, &place);
	if (r == 0)
		r = signing_find_slot(signing, place.slot->name, &place.caller, &slot);
	if (r < 0) {
		signing_place_done(&place);
		return r;
	}
	signing_visit(place.slot, caller);
	*ret = place;
	return 0;
}

void signing_place_done(struct signing_place *place)
{
	if (!place->directory)
		return;
	struct signing *signing = place->slot->signing;
	lock_take(&signing->lock);
	place->directory->handles--;
	struct handin *handin = signing_node_settle_locked(place->directory);
	lock_drop(&signing->lock);
	handin_put(handin);
	place->directory = NULL;
}
