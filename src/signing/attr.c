/*
 * Extended attributes: on the root whose service it is and who asks, on a slot's directory the caller's last attempt,
 * the job on what it signed, a job's record on its file.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"

#define ACCOUNT_ATTRIBUTE "user.vouchfs.account"
#define REGION_ATTRIBUTE  "user.vouchfs.region"
#define CALLER_ATTRIBUTE  "user.vouchfs.caller"
#define JOB_ATTRIBUTE	  "user.vouchfs.job_id"
#define RECORD_ATTRIBUTE  "user.vouchfs.record"

static int get_root(struct signing *signing, const char *name, const struct slots_caller *caller, struct buf *ret)
{
	struct signer_caller who;
	const struct arn_scope *scope = signer_scope(signing->signer);
	if (strcmp(name, ACCOUNT_ATTRIBUTE) == 0)
		return buf_puts(ret, scope->account);
	if (strcmp(name, REGION_ATTRIBUTE) == 0)
		return buf_puts(ret, scope->region);
	if (strcmp(name, CALLER_ATTRIBUTE) != 0)
		return -ENODATA;
	int r = signing_identify(signing, caller, &who);
	return r == 0 ? buf_puts(ret, who.account) : r;
}

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

/* The slot and the name of a jobs/<job id>.json; false for other nodes. */
static bool find_record(struct signing *signing, uint64_t id, struct signing_place *ret, char ret_id[ARN_JOB_ID_SIZE])
{
	lock_take(&signing->lock);
	const struct signing_node *node = signing_node_find_locked(signing, id);
	bool is_record = node && node->kind == KIND_JOB && signing_job_id(node->name, ret_id);
	if (is_record)
		ret->slot = node->slot;
	lock_drop(&signing->lock);
	return is_record;
}

static int get_record(struct signing *signing, uint64_t node, const struct slots_caller *caller, struct buf *ret)
{
	char job_id[ARN_JOB_ID_SIZE];
	struct signing_place place = {0};
	struct signing_slot *visible;
	struct signer_job job = {0};
	if (!find_record(signing, node, &place, job_id))
		return -ENODATA;
	int r = signing_identify(signing, caller, &place.caller);
	if (r == 0)
		r = signing_find_slot(signing, place.slot->name, &place.caller, &visible);
	if (r == 0)
		r = signing_find_job(&place, job_id, &job);
	if (r == 0)
		r = signer_print_job(&job, ret);
	signer_job_done(&job);
	return r;
}

int signing_getxattr(void *tree, uint64_t node, const char *name, const struct slots_caller *caller, struct buf *ret)
{
	char job_id[ARN_JOB_ID_SIZE];
	struct signing_place place;
	if (node == SIGNING_ROOT)
		return get_root(tree, name, caller, ret);
	if (signing_is_stale(tree, node))
		return -ESTALE;
	if (strcmp(name, JOB_ATTRIBUTE) == 0)
		return find_job(tree, node, job_id) ? buf_puts(ret, job_id) : -ENODATA;
	if (strcmp(name, RECORD_ATTRIBUTE) == 0)
		return get_record(tree, node, caller, ret);
	int r = find_directory(tree, node, caller, &place);
	if (r < 0)
		return r;
	r = signing_get_note(place.slot, place.account, name, ret);
	signing_place_done(&place);
	return r;
}

int signing_listxattr(void *tree, uint64_t node, const struct slots_caller *caller, struct buf *ret)
{
	static const char of_root[] = ACCOUNT_ATTRIBUTE "\0" REGION_ATTRIBUTE "\0" CALLER_ATTRIBUTE;
	char job_id[ARN_JOB_ID_SIZE];
	struct signing_place place;
	if (node == SIGNING_ROOT)
		return buf_append(ret, of_root, sizeof(of_root));
	if (signing_is_stale(tree, node))
		return -ESTALE;
	if (find_job(tree, node, job_id))
		return buf_append(ret, JOB_ATTRIBUTE, sizeof(JOB_ATTRIBUTE));
	if (find_record(tree, node, &place, job_id))
		return buf_append(ret, RECORD_ATTRIBUTE, sizeof(RECORD_ATTRIBUTE));
	int r = find_directory(tree, node, caller, &place);
	if (r < 0)
		return r == -ENODATA ? 0 : r;
	r = signing_list_note(place.slot, place.account, ret);
	signing_place_done(&place);
	return r;
}
