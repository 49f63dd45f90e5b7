/*
 * upload.h - what the two halves of an upload share. Private to src/slots/upload*.c. The upload's lock is held.
 */
#ifndef SLOTS_UPLOAD_H
#define SLOTS_UPLOAD_H

#include "internal.h"

/* Something to write to: a copy of what was published or opened. */
int upload_ensure_stage_locked(struct upload *upload);
/* The copy's bytes are used up, or not needed any more. */
void upload_drop_stage_locked(struct upload *upload);
/* A verdict under today's trust on the bytes as they are; a refusal is recorded and comes back as its errno. */
int upload_judge_locked(struct upload *upload);
/* What is to be judged; valid while nothing is written. */
struct gate_artifact upload_artifact_locked(const struct upload *upload);
/* The comment of what was judged; appended. */
int upload_read_comment_locked(struct upload *upload, struct buf *ret);
/*
 * A layer version that was accepted, before it is committed: *ret_is_published, when its content is published already.
 * What the upload was a copy of is put into *ret_before then. -EEXIST, -EINVAL: not under this name; noted. Slot lock
 * held.
 */
int upload_settle_version_locked(struct upload *upload, const struct gate_deployment *deployment,
				 bool *ret_is_published, struct release **ret_before);
/* What the publisher says of it, as lines of the version's record; appended. */
int upload_render_about_locked(const struct upload *upload, struct buf *ret);
/* Says in the decision which version came of it. */
void upload_name_version_locked(struct upload *upload, const char *how, uint64_t number);
/* A function's list of layers, under its name (upload_list.c). */
bool upload_is_list_locked(const struct upload *upload);
/* The write that completes a list, when all was written in order. */
bool upload_completes_list(const void *bytes, size_t len);
/* A verdict: an artifact with the layers that are there, a list with the artifact that is there. */
int upload_judge_artifact_locked(struct upload *upload, const struct trust *trust, const struct slot_rules *rules);
int upload_judge_list_locked(struct upload *upload, const struct trust *trust, const struct slot_rules *rules);
/* Whether what it was judged with is still what is there. Slot lock held. */
bool upload_stands_locked(const struct upload *upload);
/* Whose layers the release is to have; NULL: none. */
const struct store_release *upload_layers_locked(const struct upload *upload);
/* Gives back what a verdict before this one was made with. No slot lock held. */
void upload_forget_past_locked(struct upload *upload);
/*
 * A list that was accepted, before it is committed: *ret_is_settled, when there is nothing to commit: the release has
 * it already, or it waits for the first artifact. What the upload was a copy of is put into *ret_before then. Slot lock
 * held.
 */
int upload_settle_list_locked(struct upload *upload, const struct gate_deployment *deployment, bool *ret_is_settled,
			      struct release **ret_before);
/* Slot lock held. */
int upload_commit_list_locked(struct upload *upload, const struct gate_deployment *deployment,
			      struct store_release **ret);
/* Refuses what would become larger than an artifact may be. */
int upload_refuse_size_locked(struct upload *upload, const struct trust *trust, uint64_t size_bytes);

#endif
