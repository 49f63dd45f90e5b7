/*
 * slot_note.h - the last decision on a slot, for its .vouchfs/why and its attributes. It lies in the store beside the
 * slot's releases, as "key: value" lines, an empty line and what `why` prints.
 */
#ifndef SLOTS_SLOT_NOTE_H
#define SLOTS_SLOT_NOTE_H

#include "gate/gate.h"

struct slot;
struct slots;

/* The last decision on a slot. Immutable, shared. */
struct slot_note {
	unsigned refs; /* tree lock */
	char *text;    /* "key: value" lines, an empty line, what `why` prints */
	size_t len;
	size_t why_offset;
};

/* Takes over text on success. */
int slot_note_new(struct buf *text, struct slot_note **ret);
void slot_set_note_locked(struct slot *slot, const struct gate_deployment *deployment,
			  const struct gate_decision *decision, uint64_t kept_release);
/* What passed its checks, or could not even be written whole, and was not deployed: the disk's fault. error is
 * negative; event is the number of the record that says so, 0: it is recorded here. */
void slot_set_failure_note_locked(struct slot *slot, const struct gate_deployment *deployment, uint64_t event,
				  int error);
/* A version cannot have this name, or this content under it; error is negative. Recorded, too. */
void slot_set_name_note_locked(struct slot *slot, const struct gate_deployment *deployment, const struct explain *why,
			       int error);
/* A list of layers waits for the function's first artifact. */
void slot_set_waiting_note_locked(struct slot *slot, const struct gate_deployment *deployment);
/* There was none. */
void slot_clear_note_locked(struct slot *slot);
struct slot_note *slot_note_get(struct slot *slot); /* with a reference, or NULL */
void slot_note_put(struct slots *slots, struct slot_note *note);

#endif
