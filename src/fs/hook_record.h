/*
 * hook_record.h - what the daemon sends the hooks' runner: the texts below in their order, each ended by a NUL. The
 * runner believes none of it: it becomes environment and input of a program, so all that is not as it has to be is
 * refused.
 */
#ifndef FS_HOOK_RECORD_H
#define FS_HOOK_RECORD_H

#include "audit/audit.h"
#include "base/limits.h"

enum hook_text {
	HOOK_EVENT_ID,
	HOOK_EVENT,
	HOOK_OUTCOME,
	HOOK_REASON, /* "" for none, like the slot */
	HOOK_SLOT,
	HOOK_LINE,    /* the record */
	HOOK_DROPPED, /* how many records before this one were not sent */
	HOOK_TEXT_COUNT,
};

#define HOOK_MESSAGE_SIZE (LIMIT_AUDIT_RECORD_BYTES + 1024)

struct hook_record {
	struct hook_record *next; /* for queues */
	const char *texts[HOOK_TEXT_COUNT];
	char message[HOOK_MESSAGE_SIZE]; /* what texts point into */
	size_t len;
};

/* False: hooks are not run for such an event. */
bool hook_record_make(const struct audit_news *news, uint64_t dropped, struct hook_record *ret);

/* Of message and len. False: it is not one of hook_record_make's. */
bool hook_record_parse(struct hook_record *record);

#endif
