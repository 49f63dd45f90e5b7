/* How files are opened: what is handed in, results, records, reasons. Who asks is looked up anew each time. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "internal.h"
#include "slots/names.h"

static bool wants_write(int open_flags)
{
	return (open_flags & O_ACCMODE) != O_RDONLY;
}

/* Counts a handle on the node. Tree lock held. */
static void attach_locked(struct tree_handle *handle, struct signing_node *node)
{
	handle->file = node;
	node->handles++;
	node->touched_ms = clock_monotonic_ms();
}

/* The handle keeps the hand-in, and the node shows it when the handle writes. Returns the one shown before, to be put.
 */
static struct handin *keep_locked(struct tree_handle *handle, struct handin *handin)
{
	struct handin *before = NULL;
	handle->handin = handin_ref_locked(handin);
	handin->handles++;
	if (handle->writable) {
		before = handle->file->handin;
		handle->file->handin = handin_ref_locked(handin);
	}
	return before;
}

static void make_identity(const struct signing_place *place, const char *name, enum signing_kind kind,
			  const struct slots_caller *caller, struct handin_identity *ret)
{
	*ret = (struct handin_identity){
		.caller = place->caller, .who = caller->who, .is_final = kind == KIND_HANDED_IN};
	(void)snprintf(ret->name, sizeof(ret->name), "%s", name);
}

/* May the caller hand anything in here? A refusal is noted. */
static int admit(const struct signing_place *place, const char *name, const struct slots_caller *caller)
{
	struct finding finding = {0};
	if (signing_is_draining(place->slot->signing))
		return -ESHUTDOWN;
	int r = signing_check_profile(place->slot, &place->caller, &finding);
	if (r < 0)
		signing_note(&(struct attempt){place->slot, place->caller.account, name, &caller->who}, &finding);
	return r;
}

/* ---- create ---- */

int signing_check_name(const struct signing_place *place, const char *name, const struct slots_caller *caller,
		       enum signing_kind *ret)
{
	enum deploy_name kind = deploy_name_kind(name);
	if (strlen(name) > LIMIT_NAME_BYTES)
		return -ENAMETOOLONG;
	*ret = place->directory || kind == DEPLOY_NAME_STAGING ? KIND_STAGING : KIND_HANDED_IN;
	if (*ret == KIND_STAGING || kind == DEPLOY_NAME_FINAL)
		return 0;
	struct finding finding = {.outcome = "refused", .check = "name", .reason = "EINVAL"};
	explain_set(&finding.found, "the name does not end in .zip");
	explain_set(&finding.expected, "a name that ends in .zip, or a temporary one (.x, x~, x.tmp, x.part)");
	explain_set(&finding.remedy, "hand the ZIP in under a name that ends in .zip");
	signing_note(&(struct attempt){place->slot, place->caller.account, name, &caller->who}, &finding);
	return -EINVAL;
}

static int add_handin(const struct signing_place *place, const char *name, enum signing_kind kind, int open_flags,
		      struct handin *handin, struct tree_handle *handle, struct slots_attr *ret)
{
	struct signing *signing = place->slot->signing;
	struct handin *before = NULL;
	int r = 0;
	lock_take(&signing->lock);
	struct signing_node *node = signing_node_named_locked(place, kind, name);
	bool exists = node && (node->handin || node->kind == KIND_STAGING_DIRECTORY);
	exists |= kind == KIND_HANDED_IN && result_find_locked(place->slot, place->account, name, kind);
	if (exists && (open_flags & O_EXCL))
		r = -EEXIST;
	else if (node && node->kind == KIND_STAGING_DIRECTORY)
		r = -EISDIR;
	else if (!node && kind == KIND_STAGING && signing_is_full_locked(place))
		r = -ENOSPC;
	else if (!node && !(node = signing_node_add_locked(place, kind, name, handin->uid)))
		r = -ENOMEM;
	if (r == 0) {
		handle->writable = true;
		handle->node = node->id;
		attach_locked(handle, node);
		before = keep_locked(handle, handin);
		node->lookups++;
		signing_node_attr_locked(node, ret);
	}
	lock_drop(&signing->lock);
	handin_put(before);
	return r;
}

static int create_handin(const struct signing_place *place, const char *name, int open_flags,
			 const struct slots_caller *caller, struct tree_handle *handle, struct slots_attr *ret)
{
	struct handin_identity identity;
	struct handin *handin = NULL;
	enum signing_kind kind = KIND_HANDED_IN;
	int r = signing_check_name(place, name, caller, &kind);
	if (r == 0)
		r = admit(place, name, caller);
	if (r < 0)
		return r;
	make_identity(place, name, kind, caller, &identity);
	r = handin_new(place->slot, &identity, &handin);
	if (r == 0)
		r = add_handin(place, name, kind, open_flags, handin, handle, ret);
	handin_put(handin);
	return r;
}

static int create_revocation(const struct signing_place *place, const char *name, const struct slots_caller *caller,
			     struct tree_handle *handle, struct slots_attr *ret)
{
	int r = revoking_new(place, name, &caller->who, &handle->revoking);
	if (r < 0)
		return r;
	lock_take(&handle->signing->lock);
	struct signing_node *node = signing_node_named_locked(place, KIND_REVOKE, name);
	if (!node)
		node = signing_node_add_locked(place, KIND_REVOKE, name, caller->who.uid);
	if (node) {
		handle->writable = true;
		handle->node = node->id;
		attach_locked(handle, node);
		node->lookups++;
		signing_node_attr_locked(node, ret);
	}
	lock_drop(&handle->signing->lock);
	return node ? 0 : -ENOMEM;
}

int signing_create(void *tree, uint64_t parent, const char *name, int open_flags, const struct slots_caller *caller,
		   struct slots_attr *ret, struct tree_handle **ret_handle)
{
	struct signing_place place;
	int r = signing_place(tree, parent, caller, &place);
	if (r < 0)
		return r;
	struct tree_handle *handle = signing_new_handle(tree, 0);
	if (!handle)
		r = -ENOMEM;
	else if (place.part == PART_SLOT)
		r = create_handin(&place, name, open_flags, caller, handle, ret);
	else if (place.part == PART_REVOKE)
		r = create_revocation(&place, name, caller, handle, ret);
	else
		r = -EROFS;
	signing_place_done(&place);
	if (r < 0)
		signing_release(handle);
	else
		*ret_handle = handle;
	return r;
}

/* ---- open ---- */

/* What stands behind a node when it is opened. */
struct opened {
	struct signing_place place;
	enum signing_kind kind;
	char name[LIMIT_NAME_BYTES + 1];
	bool is_named;
	bool has_result;
	struct result result;
	struct handin *shown; /* what is being written under its name */
};

static void opened_done(struct opened *opened)
{
	handin_put(opened->shown);
	result_done(&opened->result);
}

static int look_at_locked(const struct signing_node *node, struct opened *ret)
{
	ret->place.slot = node->slot;
	ret->kind = node->kind;
	ret->is_named = node->named;
	memcpy(ret->name, node->name, sizeof(ret->name));
	memcpy(ret->place.account, node->account, sizeof(ret->place.account));
	const struct result *result = NULL;
	if (node->named && (node->kind == KIND_HANDED_IN || node->kind == KIND_RESULT))
		result = result_find_locked(node->slot, node->account, node->name, node->kind);
	int r = result ? result_copy_locked(result, &ret->result) : 0;
	ret->has_result = result && r == 0;
	if (r == 0 && node->handin)
		ret->shown = handin_ref_locked(node->handin);
	return r;
}

/* Whoever has lost sight of the slot has lost sight of what is in it. */
static int check_caller(struct signing *signing, struct opened *opened, const struct slots_caller *caller)
{
	struct signing_slot *slot;
	const char *account = opened->place.account;
	int r = signing_identify(signing, caller, &opened->place.caller);
	if (r == 0)
		r = signing_find_slot(signing, opened->place.slot->name, &opened->place.caller, &slot);
	bool is_others = account[0] && strcmp(account, opened->place.caller.account) != 0;
	return r == 0 && is_others && !opened->place.caller.is_owner ? -EACCES : r;
}

/* Staging and what is not signed yet is shared, what is signed is begun anew. */
static int open_for_writing(const struct opened *opened, int open_flags, const struct slots_caller *caller,
			    struct handin **ret)
{
	struct handin_identity identity;
	bool is_final = opened->kind == KIND_HANDED_IN;
	bool anew = is_final && ((open_flags & O_TRUNC) || opened->has_result || !opened->shown);
	int r = admit(&opened->place, opened->name, caller);
	if (r < 0)
		return r;
	if ((anew && !opened->is_named) || (!anew && !opened->shown))
		return -ESTALE;
	if (!anew) {
		r = open_flags & O_TRUNC ? handin_truncate(opened->shown, 0) : 0;
		lock_take(&opened->place.slot->signing->lock);
		if (r == 0)
			*ret = handin_ref_locked(opened->shown);
		lock_drop(&opened->place.slot->signing->lock);
		return r;
	}
	make_identity(&opened->place, opened->name, opened->kind, caller, &identity);
	r = handin_new(opened->place.slot, &identity, ret);
	if (r < 0 || (open_flags & O_TRUNC) || !opened->has_result)
		return r;
	int fd = result_open_file(opened->place.slot, &opened->result);
	r = fd < 0 ? fd : handin_copy(*ret, fd, &opened->result);
	io_close(&fd);
	return r;
}

/* Whoever opens a result again and again leaves descriptors for others. */
static int count_reader(struct tree_handle *handle)
{
	struct signing *signing = handle->signing;
	lock_take(&signing->lock);
	handle->is_reader = signing->reader_count < signing->reader_max;
	signing->reader_count += handle->is_reader;
	lock_drop(&signing->lock);
	return handle->is_reader ? 0 : -ENFILE;
}

static int open_result(struct tree_handle *handle, struct opened *opened)
{
	int r = count_reader(handle);
	if (r < 0)
		return r;
	handle->fd = result_open_file(opened->place.slot, &opened->result);
	if (handle->fd < 0)
		return handle->fd;
	if (opened->kind == KIND_RESULT) {
		handle->fd_bytes = opened->result.signed_bytes;
		return 0;
	}
	handle->fd_bytes = opened->result.length_bytes;
	handle->text = opened->result.tail;
	opened->result.tail = (struct buf){0};
	return 0;
}

static int open_handed_in(struct tree_handle *handle, struct opened *opened, int open_flags,
			  const struct slots_caller *caller)
{
	struct handin *handin = NULL, *before = NULL;
	int r = 0;
	if (handle->writable)
		r = open_for_writing(opened, open_flags, caller, &handin);
	else if (opened->has_result)
		return open_result(handle, opened);
	else if (!opened->shown)
		return -ESTALE;
	lock_take(&handle->signing->lock);
	if (r == 0)
		before = keep_locked(handle, handin ? handin : opened->shown);
	lock_drop(&handle->signing->lock);
	handin_put(before);
	handin_put(handin);
	return r;
}

static int open_kind(struct tree_handle *handle, struct opened *opened, int open_flags,
		     const struct slots_caller *caller)
{
	switch (opened->kind) {
	case KIND_HANDED_IN:
	case KIND_STAGING:
		return open_handed_in(handle, opened, open_flags, caller);
	case KIND_RESULT:
		if (handle->writable)
			return -EROFS;
		return opened->has_result ? open_result(handle, opened) : -ESTALE;
	case KIND_JOB:
		return handle->writable ? -EROFS : signing_open_job(&opened->place, opened->name, &handle->text);
	case KIND_REVOKE:
		if (handle->writable)
			return revoking_new(&opened->place, opened->name, &caller->who, &handle->revoking);
		return signing_open_reason(&opened->place, opened->name, &handle->text);
	case KIND_STAGING_DIRECTORY:
	case KIND_ACCOUNT:
		break;
	}
	return -EISDIR;
}

static int open_named(struct tree_handle *handle, uint64_t node, int open_flags, const struct slots_caller *caller)
{
	struct opened opened = {0};
	int r = -ESTALE;
	lock_take(&handle->signing->lock);
	struct signing_node *found = signing_node_find_locked(handle->signing, node);
	if (found) {
		attach_locked(handle, found);
		r = look_at_locked(found, &opened);
	}
	lock_drop(&handle->signing->lock);
	handle->writable = wants_write(open_flags);
	if (r == 0)
		r = check_caller(handle->signing, &opened, caller);
	if (r == 0)
		r = open_kind(handle, &opened, open_flags, caller);
	opened_done(&opened);
	return r;
}

int signing_open_node(void *tree, uint64_t node, int open_flags, const struct slots_caller *caller,
		      struct tree_handle **ret_handle)
{
	struct signing *signing = tree;
	struct tree_handle *handle = signing_new_handle(signing, node);
	if (!handle)
		return -ENOMEM;
	int r;
	if (node < SIGNING_FIXED_END)
		r = -EISDIR;
	else if (!(node & SIGNING_SLOT_BIT))
		r = open_named(handle, node, open_flags, caller);
	else if (wants_write(open_flags))
		r = -EROFS;
	else
		r = signing_open_text(signing, node, caller, &handle->text);
	if (r < 0)
		signing_release(handle);
	else
		*ret_handle = handle;
	return r;
}
