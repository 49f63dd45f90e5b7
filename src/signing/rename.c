/* Names that come, go or change: staging directories, unlink, rename, and the sweep of forgotten staging. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "internal.h"

/* Staging is its writer's, whoever else acts for the account. */
static bool is_others(const struct signing_place *place, const struct signing_node *node,
		      const struct slots_caller *caller)
{
	bool is_staging = node->kind == KIND_STAGING || node->kind == KIND_STAGING_DIRECTORY;
	return is_staging && node->uid != caller->who.uid && !place->caller.is_owner;
}

/* ---- staging directories ---- */

static int make_directory(const struct signing_place *place, const char *name, const struct slots_caller *caller,
			  struct slots_attr *ret)
{
	struct signing *signing = place->slot->signing;
	struct finding finding = {0};
	struct signing_node *node = NULL;
	if (place->part != PART_SLOT)
		return -EROFS;
	if (strlen(name) > LIMIT_NAME_BYTES)
		return -ENAMETOOLONG;
	if (name[0] != '.')
		return -EINVAL;
	int r = signing_check_profile(place->slot, &place->caller, &finding);
	if (r < 0)
		return r;
	lock_take(&signing->lock);
	if (signing_node_named_locked(place, KIND_STAGING_DIRECTORY, name))
		r = -EEXIST;
	else if (signing_is_full_locked(place))
		r = -ENOSPC;
	else if (!(node = signing_node_add_locked(place, KIND_STAGING_DIRECTORY, name, caller->who.uid)))
		r = -ENOMEM;
	if (node) {
		node->lookups++;
		signing_node_attr_locked(node, ret);
	}
	lock_drop(&signing->lock);
	return r;
}

int signing_mkdir(void *tree, uint64_t parent, const char *name, const struct slots_caller *caller,
		  struct slots_attr *ret)
{
	struct signing_place place;
	int r = signing_place(tree, parent, caller, &place);
	if (r < 0)
		return r;
	r = make_directory(&place, name, caller, ret);
	signing_place_done(&place);
	return r;
}

static bool has_entries_locked(const struct signing_node *directory)
{
	for (const struct signing_node *node = directory->slot->nodes; node; node = node->next)
		if (node->directory == directory)
			return true;
	return false;
}

int signing_rmdir(void *tree, uint64_t parent, const char *name, const struct slots_caller *caller)
{
	struct signing *signing = tree;
	struct signing_place place;
	struct handin *handin = NULL;
	int r = signing_place(tree, parent, caller, &place);
	if (r < 0)
		return r;
	lock_take(&signing->lock);
	struct signing_node *node = signing_node_named_locked(&place, KIND_STAGING_DIRECTORY, name);
	if (place.part != PART_SLOT)
		r = -EROFS;
	else if (!node)
		r = -ENOENT;
	else if (node->kind != KIND_STAGING_DIRECTORY)
		r = -ENOTDIR;
	else if (is_others(&place, node, caller))
		r = -EPERM;
	else if (has_entries_locked(node))
		r = -ENOTEMPTY;
	if (r == 0) {
		signing_node_unname_locked(node);
		handin = signing_node_settle_locked(node);
	}
	lock_drop(&signing->lock);
	handin_put(handin);
	signing_place_done(&place);
	return r;
}

/* ---- unlink ---- */

/* Takes the name away from its node, where it has one. */
static void drop_name(const struct signing_place *place, enum signing_kind kind, const char *name)
{
	struct handin *handin = NULL;
	lock_take(&place->slot->signing->lock);
	struct signing_node *node = signing_node_named_locked(place, kind, name);
	if (node) {
		node->is_unlinked = true;
		signing_node_unname_locked(node);
		handin = signing_node_settle_locked(node);
	}
	lock_drop(&place->slot->signing->lock);
	handin_put(handin);
}

static int unlink_below_slot(const struct signing_place *place, const char *name, const struct slots_caller *caller)
{
	int r = 0;
	lock_take(&place->slot->signing->lock);
	const struct signing_node *node = signing_node_named_locked(place, KIND_HANDED_IN, name);
	bool has_result = !place->directory && result_find_locked(place->slot, place->account, name, KIND_HANDED_IN);
	if (node && node->kind == KIND_STAGING_DIRECTORY)
		r = -EISDIR;
	else if (node && is_others(place, node, caller))
		r = -EPERM;
	else if (!has_result && !(node && node->handin))
		r = -ENOENT;
	lock_drop(&place->slot->signing->lock);
	if (r == 0 && has_result)
		r = result_hide(place->slot, place->account, name, KIND_HANDED_IN);
	if (r == 0)
		drop_name(place, KIND_HANDED_IN, name);
	return r;
}

int signing_unlink(void *tree, uint64_t parent, const char *name, const struct slots_caller *caller)
{
	struct signing_place place;
	int r = signing_place(tree, parent, caller, &place);
	if (r < 0)
		return r;
	if (place.part == PART_SLOT) {
		r = unlink_below_slot(&place, name, caller);
	} else if (place.part == PART_SIGNED) {
		r = result_hide(place.slot, place.account, name, KIND_RESULT);
		if (r == 0)
			drop_name(&place, KIND_RESULT, name);
	} else {
		r = -EROFS;
	}
	signing_place_done(&place);
	return r;
}

/* ---- rename ---- */

/* What is renamed: the content under the old name, and whether that was signed. */
struct source {
	const char *name;
	const struct slots_caller *caller;
	struct signing_node *node; /* counted in handles */
	struct handin *handin;
	bool is_signed;
};

static void make_identity(const struct signing_place *place, const struct source *source, const char *name,
			  bool is_final, struct handin_identity *ret)
{
	*ret = (struct handin_identity){.caller = place->caller, .who = source->caller->who, .is_final = is_final};
	(void)snprintf(ret->name, sizeof(ret->name), "%s", name);
}

/* What was signed already is copied. */
static int copy_source(const struct signing_place *place, const struct result *result, struct source *source)
{
	struct handin_identity identity;
	make_identity(place, source, source->name, false, &identity);
	int r = handin_new(place->slot, &identity, &source->handin);
	if (r < 0)
		return r;
	int fd = result_open_file(place->slot, result);
	r = fd < 0 ? fd : handin_copy(source->handin, fd, result);
	io_close(&fd);
	return r;
}

static int find_source(const struct signing_place *place, const char *name, const struct slots_caller *caller,
		       struct source *ret)
{
	struct result copy = {0};
	const struct result *result = NULL;
	int r = 0;
	*ret = (struct source){.name = name, .caller = caller};
	lock_take(&place->slot->signing->lock);
	struct signing_node *node = signing_node_named_locked(place, KIND_HANDED_IN, name);
	if (!place->directory)
		result = result_find_locked(place->slot, place->account, name, KIND_HANDED_IN);
	if (node && (node->kind == KIND_STAGING_DIRECTORY || is_others(place, node, caller)))
		r = -EPERM;
	else if (node && result)
		r = result_copy_locked(result, &copy);
	else if (node && node->handin)
		ret->handin = handin_ref_locked(node->handin);
	else
		r = -ENOENT;
	if (r == 0) {
		node->handles++;
		ret->node = node;
		ret->is_signed = result != NULL;
	}
	lock_drop(&place->slot->signing->lock);
	if (ret->is_signed)
		r = copy_source(place, &copy, ret);
	result_done(&copy);
	return r;
}

static void source_done(struct signing *signing, struct source *source)
{
	struct handin *settled = NULL;
	if (source->node) {
		lock_take(&signing->lock);
		source->node->handles--;
		settled = signing_node_settle_locked(source->node);
		lock_drop(&signing->lock);
	}
	handin_put(settled);
	handin_put(source->handin);
}

/* Puts the source's node in the target's place. What stood there loses its name. */
static void move_node(const struct source *source, const struct signing_place *to, const char *name,
		      enum signing_kind kind)
{
	struct handin *settled = NULL;
	struct signing_node *node = source->node;
	lock_take(&to->slot->signing->lock);
	struct signing_node *old = signing_node_named_locked(to, kind, name);
	if (old && old != node) {
		signing_node_unname_locked(old);
		settled = signing_node_settle_locked(old);
	}
	if (node->named)
		signing_node_unname_locked(node);
	signing_node_name_locked(node, to, name);
	node->kind = kind;
	struct handin *before = node->handin;
	bool is_shown = kind == KIND_STAGING || source->handin->handles > 0;
	node->handin = is_shown ? handin_ref_locked(source->handin) : NULL;
	lock_drop(&to->slot->signing->lock);
	handin_put(settled);
	handin_put(before);
}

static int rename_to_staging(const struct source *source, const struct signing_place *to, const char *name)
{
	struct signing *signing = to->slot->signing;
	lock_take(&signing->lock);
	bool is_full = source->node->kind == KIND_HANDED_IN && signing_is_full_locked(to);
	lock_drop(&signing->lock);
	if (is_full)
		return -ENOSPC;
	int r = source->is_signed ? result_hide(to->slot, to->account, source->name, KIND_HANDED_IN) : 0;
	if (r < 0)
		return r;
	handin_make_staging(source->handin, name);
	move_node(source, to, name, KIND_STAGING);
	return 0;
}

static int rename_to_final(const struct source *source, const struct signing_place *to, const char *name)
{
	struct handin_identity identity;
	make_identity(to, source, name, true, &identity);
	int r = handin_finish_as(source->handin, &identity);
	if (r < 0)
		return r;
	move_node(source, to, name, KIND_HANDED_IN);
	if (source->is_signed) /* what it was called before is no more */
		(void)result_hide(to->slot, to->account, source->name, KIND_HANDED_IN);
	return 0;
}

static int check_target(const struct signing_place *to, const char *name, bool noreplace,
			const struct slots_caller *caller)
{
	int r = 0;
	lock_take(&to->slot->signing->lock);
	const struct signing_node *node = signing_node_named_locked(to, KIND_HANDED_IN, name);
	bool exists = node && node->handin;
	exists |= !to->directory && result_find_locked(to->slot, to->account, name, KIND_HANDED_IN);
	if (node && node->kind == KIND_STAGING_DIRECTORY)
		r = -EISDIR;
	else if (node && is_others(to, node, caller))
		r = -EPERM;
	else if (exists && noreplace)
		r = -EEXIST;
	lock_drop(&to->slot->signing->lock);
	return r;
}

static int rename_between(const struct signing_place *from, const char *name, const struct signing_place *to,
			  const char *new_name, unsigned flags, const struct slots_caller *caller)
{
	struct source source = {0};
	enum signing_kind kind;
	if (from->part != to->part || from->slot != to->slot)
		return -EXDEV; /* mv copies, and the copy is checked */
	if (from->part != PART_SLOT)
		return -EROFS;
	int r = signing_check_name(to, new_name, caller, &kind);
	if (r == 0)
		r = check_target(to, new_name, flags & RENAME_NOREPLACE, caller);
	if (r == 0)
		r = find_source(from, name, caller, &source);
	if (r == 0 && !(from->directory == to->directory && strcmp(name, new_name) == 0))
		r = kind == KIND_STAGING ? rename_to_staging(&source, to, new_name)
					 : rename_to_final(&source, to, new_name);
	source_done(from->slot->signing, &source);
	return r;
}

int signing_rename(void *tree, uint64_t parent, const char *name, uint64_t new_parent, const char *new_name,
		   unsigned flags, const struct slots_caller *caller)
{
	struct signing_place from = {0}, to = {0};
	if (flags & ~(unsigned)RENAME_NOREPLACE)
		return -EINVAL;
	int r = signing_place(tree, parent, caller, &from);
	if (r == 0)
		r = signing_place(tree, new_parent, caller, &to);
	if (r == 0)
		r = rename_between(&from, name, &to, new_name, flags, caller);
	signing_place_done(&from);
	signing_place_done(&to);
	return r;
}

/* ---- sweep ---- */

/* When its time is over, or, where it is open, it is to be looked at again: nobody says when it is closed. */
static uint64_t due_of_locked(const struct signing_node *node)
{
	uint64_t since_ms = node->handles > 0 ? clock_monotonic_ms() + 1 : node->touched_ms;
	return since_ms + SIGNING_STAGING_TTL_S * 1000;
}

/* One staging name whose time is over, or NULL; *ret_next_ms is when the next one is due. */
static struct signing_node *find_due_locked(struct signing *signing, uint64_t now_ms, uint64_t *ret_next_ms)
{
	*ret_next_ms = UINT64_MAX;
	for (size_t i = 0; i < signing->slot_count; i++)
		for (struct signing_node *node = signing->slots[i]->nodes; node; node = node->next) {
			bool is_staging = node->kind == KIND_STAGING || node->kind == KIND_STAGING_DIRECTORY;
			if (!is_staging)
				continue;
			uint64_t due_ms = due_of_locked(node);
			if (due_ms <= now_ms)
				return node;
			if (due_ms - now_ms < *ret_next_ms)
				*ret_next_ms = due_ms - now_ms;
		}
	return NULL;
}

uint64_t signing_sweep_staging(struct signing *signing)
{
	for (;;) {
		uint64_t next_ms;
		struct handin *handin = NULL;
		lock_take(&signing->lock);
		struct signing_node *node = find_due_locked(signing, clock_monotonic_ms(), &next_ms);
		if (node) {
			char name[4 * sizeof(node->name)];
			text_escape_print(name, sizeof(name), node->name, strlen(node->name));
			log_notice("%s: staging file %s: its time is over", node->slot->name, name);
			signing_node_unname_locked(node);
			handin = signing_node_settle_locked(node);
		}
		lock_drop(&signing->lock);
		handin_put(handin);
		if (!node)
			return next_ms;
	}
}
