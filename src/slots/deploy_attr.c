/* Which node of the deploy side has which extended attributes. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "deploy.h"

/* A name below a slot, and not one that this daemon knows. */
static bool is_stale(uint64_t id, const struct deploy_node *node)
{
	return !node && id >= DEPLOY_SOME_NODE && id < DEPLOY_PERMISSION_BIT;
}

/* The release that a node shows, with a reference, or NULL. -ESTALE */
static int shown_release(struct slots *slots, uint64_t id, struct release **ret)
{
	lock_take(&slots->lock);
	const struct deploy_node *node = deploy_node_find_locked(slots, id);
	struct release *shown = node ? deploy_shown_locked(node) : NULL;
	*ret = shown ? release_ref_locked(shown) : NULL;
	lock_drop(&slots->lock);
	return is_stale(id, node) ? -ESTALE : 0;
}

#ifdef VOUCHFS_TEST_HOOKS
#define REFERENCES "user.vouchfs.test_references"

/* Lookups that the kernel has not given back: of names below slots, of releases. And how many names there are. */
static int print_references(struct slots *slots, struct buf *ret)
{
	uint64_t names = 0, of_names = 0, of_releases = 0;
	lock_take(&slots->lock);
	for (const struct deploy_node *node = slots->nodes; node; node = node->hh.next) {
		names++;
		of_names += node->lookups;
	}
	struct release *release, *next;
	HASH_ITER(hh, slots->releases, release, next)
	of_releases += release->lookups;
	lock_drop(&slots->lock);
	return buf_printf(ret, "%" PRIu64 " %" PRIu64 " %" PRIu64, of_names, of_releases, names);
}

static bool is_test_name(uint64_t node, const char *name)
{
	return node == DEPLOY_NODE_ROOT && strcmp(name, REFERENCES) == 0;
}
#else
static int print_references(struct slots *slots UNUSED, struct buf *ret UNUSED)
{
	return -ENODATA;
}

static bool is_test_name(uint64_t node UNUSED, const char *name UNUSED)
{
	return false;
}
#endif

int deploy_getxattr(struct slots *slots, uint64_t node, const char *name, struct buf *ret)
{
	if (is_test_name(node, name))
		return print_references(slots, ret);
	struct slot *slot = deploy_slot(slots, node);
	if (slot)
		return attr_get_slot(slot, name, ret);
	struct release *release;
	int r = shown_release(slots, node, &release);
	if (r == 0)
		r = release ? attr_get_release(release, name, ret) : -ENODATA;
	release_put(release);
	return r;
}

int deploy_listxattr(struct slots *slots, uint64_t node, struct buf *ret)
{
	struct slot *slot = deploy_slot(slots, node);
	if (slot)
		return attr_list_slot(slot, ret);
	struct release *release;
	int r = shown_release(slots, node, &release);
	if (r == 0 && release)
		r = attr_list_release(release, ret);
	release_put(release);
	return r;
}

/* What may be written to is still said; what is published says what it says. */
int deploy_setxattr(struct slots *slots, uint64_t node, const char *name, const void *value, size_t len)
{
	struct release *version;
	struct upload *upload = NULL;
	if (shown_release(slots, node, &version) < 0)
		return -ESTALE;
	lock_take(&slots->lock);
	const struct deploy_node *found = deploy_node_find_locked(slots, node);
	bool is_of_layer = found && found->slot->is_layer;
	if (found && found->upload && !version)
		upload = upload_ref_locked(found->upload);
	lock_drop(&slots->lock);

	int r = -EOPNOTSUPP;
	if (is_of_layer && upload)
		r = upload_set_about(upload, name, value, len);
	else if (is_of_layer && version)
		r = version_set_about(version, name, value, len);
	upload_put(upload);
	release_put(version);
	return r;
}
