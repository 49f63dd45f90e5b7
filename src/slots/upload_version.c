/* Where publishing a layer version differs from deploying an artifact: names that are numbers, content that is there.
 */
#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "upload.h"

void upload_name_version_locked(struct upload *upload, const char *how, uint64_t number)
{
	struct policy_verdict *verdict = &upload->decision->verdict;
	if (verdict->detail[0] == '\0')
		(void)snprintf(verdict->detail, sizeof(verdict->detail), "%s version %llu", how,
			       (unsigned long long)number);
}

/* The bytes are those of a version: from now on the upload is a copy of that. */
static void become(struct upload *upload, struct release *version, struct release **ret_before)
{
	upload_drop_stage_locked(upload);
	*ret_before = upload->origin;
	upload->origin = release_ref(version);
	upload_name_version_locked(upload, "nothing new, the content is that of", version->record->number);
}

int upload_settle_version_locked(struct upload *upload, const struct gate_deployment *deployment,
				 bool *ret_is_published, struct release **ret_before)
{
	struct slot *slot = upload->slot;
	struct buf comment = {0};
	struct explain why = {0};
	struct release *equal = NULL;

	int r = upload_read_comment_locked(upload, &comment);
	if (r < 0)
		goto out;
	equal = version_equal_locked(slot, upload->decision->tree_sha256, &comment);
	r = version_check_name_locked(slot, upload->identity.name, equal, &why);
	if (r < 0)
		slot_set_name_note_locked(slot, deployment, &why, r);
	*ret_is_published = r == 0 && equal;
	if (*ret_is_published) {
		become(upload, equal, ret_before);
		slot_set_note_locked(slot, deployment, upload->decision, 0);
	}
out:
	buf_done(&comment);
	return r;
}
