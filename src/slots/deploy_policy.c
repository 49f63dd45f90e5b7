/*
 * deploy_policy.c - where the slot for policy bundles and its files are in the tree, which is in places of their own,
 * and only where the configuration names a publisher.
 *
 *     policy/                     the slot, as a function's
 *     .vouchfs/why/policy         the last decision
 *     .vouchfs/history/policy     the bundles that are kept; policy.json the same
 *     .vouchfs/rollback/policy    of whoever has mounted: takes up one that was
 *     .vouchfs/policy/status      whose bundles count here, and which one is in force
 *     .vouchfs/policy/drift       of whoever has mounted, not listed: where the host differs, found at the open
 *     .vouchfs/policy/source      what the fetcher says of its last attempt; who may bring a bundle may write it
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "deploy.h"
#include "drift_check.h"

/* ---- names ---- */

struct place {
	uint64_t parent;
	const char *name;
	uint64_t bit; /* of the node */
};

static const struct place places[] = {
	{DEPLOY_NODE_ROOT, "policy", DEPLOY_SLOT_BIT},
	{DEPLOY_NODE_WHY, "policy", DEPLOY_WHY_BIT},
	{DEPLOY_NODE_HISTORY, "policy", DEPLOY_HISTORY_BIT},
	{DEPLOY_NODE_ROLLBACK, "policy", DEPLOY_ROLLBACK_BIT},
	{DEPLOY_NODE_HISTORY, "policy.json", DEPLOY_HISTORY_JSON_BIT},
};

uint64_t deploy_policy_find(uint64_t parent, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (places[i].parent == parent && strcmp(places[i].name, name) == 0)
			return places[i].bit | SLOT_POLICY_INDEX;
	return 0;
}

static bool has_publisher_locked(const struct slots *slots)
{
	return slot_section(slots->trust, slots->policy) != NULL;
}

bool deploy_policy_is_absent_locked(const struct slots *slots, uint64_t node)
{
	return node >= DEPLOY_NODE_POLICY && node < DEPLOY_NODE_FIXED_END && !has_publisher_locked(slots);
}

int deploy_policy_load(struct slots *slots, uint64_t parent)
{
	bool is_asked_for = false;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		is_asked_for |= places[i].parent == parent;
	lock_take(&slots->lock);
	is_asked_for = is_asked_for && has_publisher_locked(slots);
	lock_drop(&slots->lock);
	return is_asked_for ? slot_load(slots->policy) : 0;
}

static int place_attr_locked(struct slots *slots, uint64_t node, struct slots_attr *ret)
{
	if (node & DEPLOY_CONTROL_BITS)
		return deploy_control_attr_locked(slots, node, ret);
	if (!has_publisher_locked(slots) || ((node & DEPLOY_WHY_BIT) && !slots->policy->note))
		return -ENOENT;
	*ret = (struct slots_attr){.node = node, .mode = node & DEPLOY_WHY_BIT ? S_IFREG : S_IFDIR};
	return 0;
}

int deploy_policy_list_locked(struct tree_handle *dir)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(places); i++) {
		struct slots_attr attr;
		uint64_t node = places[i].bit | SLOT_POLICY_INDEX;
		if (places[i].parent == dir->node && place_attr_locked(dir->slots, node, &attr) == 0)
			r = tree_list_add(&dir->list, places[i].name, &attr);
	}
	return r;
}

void deploy_policy_attr_locked(const struct slots *slots, uint64_t node, struct slots_attr *ret)
{
	struct slots_attr slot;
	if (node == DEPLOY_NODE_POLICY_DRIFT) {
		ret->mode = S_IFREG | 0400;
		ret->uid = slots->administrator;
	} else if (node == DEPLOY_NODE_POLICY_SOURCE && deploy_slot_attr_locked(slots->policy, &slot) == 0) {
		ret->mode = S_IFREG | 0444 | (slot.mode & 0222);
		ret->uid = slot.uid;
		ret->gid = slot.gid;
	}
}

/* ---- opening ---- */

static bool is_rollback(uint64_t node)
{
	return node == (DEPLOY_ROLLBACK_BIT | SLOT_POLICY_INDEX);
}

bool deploy_policy_is_file(uint64_t node)
{
	bool is_control = (node & DEPLOY_CONTROL_BITS) && (node & ~DEPLOY_CONTROL_BITS) == SLOT_POLICY_INDEX;
	return is_control || (node > DEPLOY_NODE_POLICY && node < DEPLOY_NODE_FIXED_END);
}

static int check_caller(struct slots *slots, uint64_t node, int open_flags, const struct slots_caller *caller)
{
	struct slots_attr attr;
	int r = deploy_getattr(slots, node, &attr);
	bool writes = (open_flags & O_ACCMODE) != O_RDONLY;
	if (r < 0)
		return r;
	if ((node == DEPLOY_NODE_POLICY_DRIFT || (is_rollback(node) && writes)) &&
	    !deploy_is_administrator(slots, caller))
		return -EACCES;
	if (!writes || is_rollback(node))
		return 0;
	return node == DEPLOY_NODE_POLICY_SOURCE && deploy_may_write(&attr, caller) ? 0 : -EACCES;
}

static int render_drift(struct slots *slots, struct buf *ret)
{
	struct drift *drift = calloc(1, sizeof(*drift));
	int r = drift ? slots_check_drift(slots, drift) : -ENOMEM;
	if (r == 0)
		r = drift_render(drift, ret);
	free(drift);
	return r;
}

static int render_sequence(struct slots *slots, struct buf *ret)
{
	struct trust *trust = slots_trust(slots);
	uint64_t sequence = trust->governed ? trust->governed->sequence : 0;
	trust_unref(trust);
	return buf_printf(ret, "%" PRIu64 "\n", sequence);
}

static int render(struct slots *slots, uint64_t node, struct buf *ret)
{
	if (node == DEPLOY_NODE_POLICY_STATUS)
		return policy_render_status(slots, ret);
	if (node == DEPLOY_NODE_POLICY_DRIFT)
		return render_drift(slots, ret);
	if (node == DEPLOY_NODE_POLICY_SOURCE)
		return policy_render_source(slots, ret);
	if (is_rollback(node))
		return render_sequence(slots, ret);
	return policy_render_history(slots, node & DEPLOY_HISTORY_JSON_BIT, ret);
}

/* What can be read from here on. */
static int show(struct tree_handle *handle)
{
	struct buf text = {0};
	int r = render(handle->slots, handle->node, &text);
	if (r == 0)
		deploy_text_replace(handle, &text);
	buf_done(&text);
	return r;
}

int deploy_policy_open(struct slots *slots, uint64_t node, int open_flags, const struct slots_caller *caller,
		       struct tree_handle **ret_handle)
{
	int r = check_caller(slots, node, open_flags, caller);
	if (r == 0)
		r = slot_load(slots->policy);
	if (r < 0)
		return r;
	struct tree_handle *handle = calloc(1, sizeof(*handle));
	if (!handle)
		return -ENOMEM;
	*handle = (struct tree_handle){
		.slots = slots, .node = node, .writable = (open_flags & O_ACCMODE) != O_RDONLY, .who = caller->who};
	r = show(handle);
	if (r < 0)
		deploy_release(handle);
	else
		*ret_handle = handle;
	return r;
}

/* ---- writing ---- */

#define PREVIOUS  "previous"
#define LINE_SIZE (24 + LIMIT_REASON_BYTES)

static int roll_back(struct tree_handle *handle, const char *text, size_t len)
{
	char line[LINE_SIZE + 1];
	if (!deploy_take_line(text, len, line, sizeof(line)))
		return -EINVAL;
	const char *blank = strchr(line, ' ');
	size_t first = blank ? (size_t)(blank - line) : 0;
	struct policy_rollback what = {.who = &handle->who, .reason = blank ? blank + 1 : ""};
	bool is_previous = text_equal(line, first, PREVIOUS);
	if (!is_previous && (!text_parse_u64(line, first, INT64_MAX, &what.sequence) || what.sequence == 0))
		return -EINVAL;
	return policy_roll_back(handle->slots, &what);
}

int deploy_policy_write(struct tree_handle *handle, const void *buf, size_t len, uint64_t offset)
{
	int r = -EINVAL; /* a line comes whole */
	if (offset == 0 && is_rollback(handle->node))
		r = roll_back(handle, buf, len);
	else if (offset == 0)
		r = slots_note_fetch(handle->slots, buf, len);
	if (r == 0 && show(handle) < 0)
		log_error("policy: what a write has changed cannot be shown for want of memory");
	return r;
}
