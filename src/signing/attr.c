/* Extended attributes: the caller's last attempt on a slot's directory, the job on what it signed. */
#include <errno.h>
#include <string.h>

#include "internal.h"

#define JOB_ATTRIBUTE "user.vouchfs.job_id"

/* The job of a handed-in file or a result; false for other nodes. */
static bool find_job(struct signing *signing, uint64_t id, char ret[ARN_JOB_ID_SIZE])
{
	const struct result *result = NULL;
	lock_take(&signing->lock);
	const struct signing_node *node = signing_node_find_locked(signing, id);
	if (node && node->named && !node->directory && (node->kind == KIND_HANDED_IN || node->kind == KIND_RESULT))
		result = result_find_locked(node->slot, node->account, node->name, node->kind);
	if (result)
		memcpy(ret, result->job_id, ARN_JOB_ID_SIZE);
	lock_drop(&signing->lock);
	return result;
}

/* The slot whose directory this is, for a caller who may see it. */
static int find_directory(struct signing *signing, uint64_t node, const struct slots_caller *caller,
			  struct signing_place *ret)
{
	if (!(node & SIGNING_SLOT_BIT) || signing_part_of(node) != PART_SLOT)
		return -ENODATA;
	return signing_place(signing, node, caller, ret);
}

int signing_getxattr(void *tree, uint64_t node, const char *name, const struct slots_caller *caller, struct buf *ret)
{
	char job_id[ARN_JOB_ID_SIZE];
	struct signing_place place;
	if (strcmp(name, JOB_ATTRIBUTE) == 0)
		return find_job(tree, node, job_id) ? buf_puts(ret, job_id) : -ENODATA;
	int r = find_directory(tree, node, caller, &place);
	if (r < 0)
		return r;
	r = signing_get_note(place.slot, place.account, name, ret);
	signing_place_done(&place);
	return r;
}

int signing_listxattr(void *tree, uint64_t node, const struct slots_caller *caller, struct buf *ret)
{
	char job_id[ARN_JOB_ID_SIZE];
	struct signing_place place;
	if (find_job(tree, node, job_id))
		return buf_append(ret, JOB_ATTRIBUTE, sizeof(JOB_ATTRIBUTE));
	int r = find_directory(tree, node, caller, &place);
	if (r < 0)
		return r == -ENODATA ? 0 : r;
	r = signing_list_note(place.slot, place.account, ret);
	signing_place_done(&place);
	return r;
}
