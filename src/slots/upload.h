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
/* Refuses what would become larger than an artifact may be. */
int upload_refuse_size_locked(struct upload *upload, const struct trust *trust, uint64_t size_bytes);

#endif
