/* policy_restore.c - the bundle in force comes once more, from memory: its copy in the store is lost or damaged. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "policy.h"
#include "upload.h"

/* The way of anybody's upload, from the first byte to the swap. */
static int upload(struct slots *slots, const struct governed *governed)
{
	const struct io_memory *file = bundle_file(governed->bundle);
	const struct audit_who who = {.uid = geteuid(), .gid = getegid(), .pid = getpid(), .command = "vouchfs"};
	struct upload *upload = NULL;
	int r = slot_load(slots->policy);
	if (r == 0)
		r = upload_new(slots, slots->policy, governed->artifact_name, true, &who, NULL, &upload);
	if (r == 0)
		r = upload_write(upload, file->bytes, file->len, 0);
	if (r == 0)
		r = upload_finish(upload);
	upload_put(upload);
	return r;
}

/* What is known of the slot itself may be lost with its releases. */
static int save_slot(struct slot *slot)
{
	lock_take(&slot->lock);
	int r = slot->facts.id == 0 ? 0 : slot_save_locked(slot);
	lock_drop(&slot->lock);
	return r;
}

int policy_restore(struct slots *slots)
{
	struct trust *trust = slots_trust(slots);
	const struct governed *governed = trust->governed;
	bool is_in_force = governed && governed->state == GOVERNED_IN_FORCE;
	int r = is_in_force ? save_slot(slots->policy) : -ENOENT;
	if (r == 0)
		r = upload(slots, governed);
	trust_unref(trust);
	return r;
}
