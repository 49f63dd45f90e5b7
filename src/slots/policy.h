/*
 * policy.h - the slot for policy bundles beside what it has in common with a function's. Private to src/slots.
 */
#ifndef SLOTS_POLICY_PRIVATE_H
#define SLOTS_POLICY_PRIVATE_H

#include "audit/audit.h"
#include "base/buf.h"
#include "gate/governed.h"

struct slot;
struct slots;

/* An alarm that the audit log has. Tree lock. */
struct policy_told {
	bool is_alarm;
	enum policy_reason reason; /* NONE: the bundle is lost */
	uint64_t release;
};

/*
 * Records an alarm of the bundle in force that the log does not have yet: once for each change, and after a start. Sets
 * the timer to the moment when there may be another one: whoever follows it reads the lists again, and finds out. No
 * lock but slot locks and refresh_lock.
 */
void policy_follow(struct slots *slots);

/*
 * Is what was judged the bundle in force, the slot's current one, not known to be damaged, and signed no later? Bytes
 * of a signature are no difference: whoever has an ECDSA signature can make another one of it without the key. Slot
 * lock held.
 */
bool policy_is_in_force_locked(const struct slot *slot, const struct governed *governed,
			       const struct gate_decision *decision);

struct policy_rollback {
	uint64_t sequence;  /* 0: the highest below the one in force */
	const char *reason; /* printable ASCII, not empty, at most LIMIT_REASON_BYTES */
	const struct audit_who *who;
};
/*
 * The bundle is taken up again, as a new release, if it passes all that a bundle has to pass but its sequence: recorded
 * first, with its reason. -EINVAL: no such reason; -ENOENT: it is not kept; -EEXIST: it is in force; a refusal comes
 * back as its errno.
 */
int policy_roll_back(struct slots *slots, const struct policy_rollback *what);

/*
 * Puts the bundle in force into the store again, which has lost it or has another one: as if it came once more, so it
 * is judged as a whole. Nothing happens where the store has it. No lock.
 */
int policy_restore(struct slots *slots);

/* ---- what .vouchfs shows; all append ---- */

/* The bundles that are kept, the newest release first. */
int policy_render_history(struct slots *slots, bool json, struct buf *ret);
/* "key: value" lines: whose bundles count, which one is in force, by whom, since when, until when. */
int policy_render_status(struct slots *slots, struct buf *ret);
/* The same, of where bundles are fetched from. */
int policy_render_source(struct slots *slots, struct buf *ret);

#endif
