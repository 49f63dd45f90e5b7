/*
 * deploy_permission.c - .vouchfs/permissions/layers/<layer>:<version>: who may use a layer version. It has owner, group
 * and mode of the layer's directory, and of those whom that lets write only callers of the host's own account, whose
 * the layer is, may. A write is one change, all of it or none: under the slot's lock it is recorded, then stored.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "deploy.h"

#define VERSION_SHIFT 32
#define VERSION_MAX   0xffffffU
#define INDEX_MASK    0xffffffffU

/* ---- names and attributes ---- */

static struct slot *slot_of_locked(struct slots *slots, uint64_t node)
{
	uint64_t index = node & INDEX_MASK;
	return slot_listed_at_locked(slots, index);
}

static uint64_t version_of(uint64_t node)
{
	return node >> VERSION_SHIFT & VERSION_MAX;
}

int deploy_permission_attr_locked(struct slots *slots, uint64_t node, struct slots_attr *ret)
{
	const struct slot *slot = slot_of_locked(slots, node);
	struct slots_attr directory;
	if (!slot || !version_find_locked(slot, version_of(node)) || deploy_slot_attr_locked(slot, &directory) < 0)
		return -ENOENT;
	*ret = (struct slots_attr){
		.node = node,
		.mode = S_IFREG | (directory.mode & 0666),
		.nlink = 1,
		.uid = directory.uid,
		.gid = directory.gid,
		.mtime = slots->started,
	};
	return 0;
}

static uint64_t node_of(const struct slot *slot, uint64_t version)
{
	return DEPLOY_PERMISSION_BIT | version << VERSION_SHIFT | slot->index;
}

int deploy_permission_lookup(struct slots *slots, const char *name, struct slots_attr *ret)
{
	char layer[LIMIT_FUNCTION_NAME_BYTES + 1];
	uint64_t version;
	struct slot *slot;
	const char *colon = strchr(name, ':');
	if (!colon || (size_t)(colon - name) >= sizeof(layer) ||
	    !text_parse_u64(colon + 1, strlen(colon + 1), VERSION_MAX, &version))
		return -ENOENT;
	(void)snprintf(layer, sizeof(layer), "%.*s", (int)(colon - name), name);
	int r = slot_find_layer(slots, layer, &slot);
	return r < 0 ? r : deploy_getattr(slots, node_of(slot, version), ret);
}

int deploy_permission_list_locked(struct tree_handle *dir, const struct slot *slot)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < slot->listed_count; i++) {
		char name[LIMIT_FUNCTION_NAME_BYTES + 32];
		struct slots_attr attr;
		uint64_t version = slot->listed[i]->record->number;
		(void)snprintf(name, sizeof(name), "%s:%" PRIu64, slot->label, version);
		if (version <= VERSION_MAX &&
		    deploy_permission_attr_locked(dir->slots, node_of(slot, version), &attr) == 0)
			r = tree_list_add(&dir->list, name, &attr);
	}
	return r;
}

/* ---- opening and reading ---- */

static int load(struct slot *slot, uint64_t version, struct layer_policy *ret)
{
	int r = layer_policy_load(slot->slots->store, slot->label, version, ret);
	if (r == -EBADMSG)
		log_error("%s: the permissions of version %" PRIu64
			  " are damaged in the store and permit nobody; remove "
			  "the version and publish it again",
			  slot->path, version);
	return r == -EBADMSG ? -EIO : r;
}

static int render(const struct slot *slot, uint64_t version, const struct layer_policy *policy, struct buf *ret)
{
	char revision[LAYER_REVISION_SIZE];
	int r = layer_policy_revision(policy, slot->label, version, revision);
	if (r == 0)
		r = buf_printf(ret, "revision: %s\n", revision);
	return r == 0 ? layer_policy_print(policy, ret) : r;
}

static int check_writer(struct slots *slots, const struct slots_attr *attr, const struct slots_caller *caller)
{
	struct layer_user user;
	if (!deploy_may_write(attr, caller))
		return -EACCES;
	struct trust *trust = slots_trust(slots);
	bool is_ours = slots_identify(trust->config, caller, &user) &&
		       strcmp(user.account, trust->config->account) == 0;
	trust_unref(trust);
	return is_ours ? 0 : -EPERM;
}

int deploy_permission_open(struct slots *slots, uint64_t node, int open_flags, const struct slots_caller *caller,
			   struct tree_handle **ret_handle)
{
	struct slots_attr attr;
	struct layer_policy policy;
	lock_take(&slots->lock);
	struct slot *slot = slot_of_locked(slots, node);
	int r = deploy_permission_attr_locked(slots, node, &attr);
	lock_drop(&slots->lock);
	bool writable = (open_flags & O_ACCMODE) != O_RDONLY;
	if (r == 0 && writable)
		r = check_writer(slots, &attr, caller);
	if (r == 0)
		r = load(slot, version_of(node), &policy);
	if (r < 0)
		return r;

	struct tree_handle *handle = calloc(1, sizeof(*handle));
	if (!handle)
		return -ENOMEM;
	*handle = (struct tree_handle){.slots = slots, .node = node, .writable = writable, .who = caller->who};
	r = render(slot, version_of(node), &policy, &handle->text);
	if (r < 0)
		deploy_release(handle);
	else
		*ret_handle = handle;
	return r;
}

/* ---- a change ---- */

#define LINE_SIZE 256
#define WORDS_MAX 5

struct change {
	bool is_add;
	struct layer_statement statement;   /* of a removal, the id alone */
	char revision[LAYER_REVISION_SIZE]; /* "": whatever it is */
};

/* Takes a line apart at single blanks, in place. 0: it is none. */
static size_t split(char *line, char *words[WORDS_MAX])
{
	size_t count = 0;
	for (char *at = line; at; count++) {
		if (count == WORDS_MAX)
			return 0;
		words[count] = at;
		at = strchr(at, ' ');
		if (at)
			*at++ = '\0';
	}
	return count;
}

static bool copy_word(const char *word, char *ret, size_t ret_size)
{
	return snprintf(ret, ret_size, "%s", word) < (int)ret_size;
}

/* The revision at the end, if there is one. */
static bool take_revision(char *words[WORDS_MAX], size_t *count, char ret[LAYER_REVISION_SIZE])
{
	static const char key[] = "revision=";
	if (*count == 0 || !text_starts_with(words[*count - 1], key))
		return true;
	const char *value = words[--*count] + strlen(key);
	return arn_is_uuid(value, strlen(value)) && copy_word(value, ret, LAYER_REVISION_SIZE);
}

/* A line that was cut off could say more than was meant ("everyone" without "in the organization"): it has its end. */
static int parse(const char *text, size_t len, struct change *ret)
{
	char line[LINE_SIZE], *words[WORDS_MAX];
	struct change change = {0};
	struct layer_statement *s = &change.statement;
	if (len < 2 || len > sizeof(line) || text[len - 1] != '\n' || memchr(text, '\0', len))
		return -EINVAL;
	memcpy(line, text, len - 1);
	line[len - 1] = '\0';
	size_t count = split(line, words);
	if (!take_revision(words, &count, change.revision) || count < 2 || !copy_word(words[1], s->id, sizeof(s->id)))
		return -EINVAL;

	change.is_add = strcmp(words[0], "add") == 0;
	bool is_sound = strcmp(words[0], "remove") == 0 && count == 2;
	if (change.is_add)
		is_sound = (count == 3 || (count == 4 && words[3][0] != '\0')) &&
			   copy_word(words[2], s->principal, sizeof(s->principal)) &&
			   (count == 3 || copy_word(words[3], s->organization, sizeof(s->organization)));
	if (!is_sound)
		return -EINVAL;
	*ret = change;
	return 0;
}

/* Changes the policy in memory, and tells which statement it was. */
static int apply(const struct slot *slot, uint64_t version, struct change *change, struct layer_policy *policy)
{
	char revision[LAYER_REVISION_SIZE];
	int r = layer_policy_revision(policy, slot->label, version, revision);
	if (r < 0)
		return r;
	if (change->revision[0] != '\0' && strcmp(change->revision, revision) != 0)
		return -ESTALE;
	if (change->is_add)
		return layer_policy_add(policy, &change->statement);
	const struct layer_statement *found = layer_policy_find(policy, change->statement.id);
	if (!found)
		return -ENOENT;
	change->statement = *found;
	return layer_policy_remove(policy, change->statement.id);
}

#define DETAIL_SIZE 256

static void describe(const struct layer_statement *s, char ret[DETAIL_SIZE])
{
	bool is_everyone = strcmp(s->principal, LAYER_PRINCIPAL_EVERYONE) == 0;
	(void)snprintf(ret, DETAIL_SIZE, "statement %s: " LAYER_POLICY_ACTION " for %s%s%s%s", s->id,
		       is_everyone ? "everyone" : "account ", is_everyone ? "" : s->principal,
		       s->organization[0] ? " in organization " : "", s->organization);
}

/* Recorded before it is so; a second record says when it could not be stored. */
static int store_change(struct slot *slot, uint64_t version, const struct change *change,
			const struct layer_policy *policy, const struct audit_who *who)
{
	char detail[DETAIL_SIZE];
	describe(&change->statement, detail);
	struct audit_record record = {
		.event = change->is_add ? AUDIT_PERMISSION_ADDED : AUDIT_PERMISSION_REMOVED,
		.who = who,
		.slot = slot->path,
		.release = version,
		.detail = detail,
	};
	int r = audit_append(slot->slots->audit, &record, NULL);
	if (r < 0)
		return r;
	r = layer_policy_save(slot->slots->store, slot->label, version, policy);
	if (r < 0) {
		record.errno_given = -r;
		(void)audit_append(slot->slots->audit, &record, NULL);
	}
	return r;
}

static int change_locked(struct slot *slot, uint64_t version, struct change *change, const struct audit_who *who,
			 struct layer_policy *ret_policy)
{
	if (!version_find_locked(slot, version))
		return -ENOENT;
	int r = load(slot, version, ret_policy);
	if (r == 0)
		r = apply(slot, version, change, ret_policy);
	return r < 0 ? r : store_change(slot, version, change, ret_policy, who);
}

/* What can be read from here on. */
static int show(struct tree_handle *handle, const struct slot *slot, const struct layer_policy *policy)
{
	struct buf text = {0};
	int r = render(slot, version_of(handle->node), policy, &text);
	if (r == 0)
		deploy_text_replace(handle, &text);
	buf_done(&text);
	return r;
}

int deploy_permission_write(struct tree_handle *handle, const void *buf, size_t len)
{
	struct slots *slots = handle->slots;
	struct slot *slot = slot_by_index(slots, handle->node & INDEX_MASK);
	struct change change;
	struct layer_policy policy;
	int r = parse(buf, len, &change);
	if (r == 0)
		r = slots_begin_verdict(slots);
	if (r < 0)
		return r;
	lock_take(&slot->lock);
	r = change_locked(slot, version_of(handle->node), &change, &handle->who, &policy);
	lock_drop(&slot->lock);
	slots_end_verdict(slots);
	if (r == 0 && show(handle, slot, &policy) < 0)
		log_error("%s: the permissions were changed, and cannot be shown for want of memory", slot->path);
	return r;
}
