/*
 * break_glass.h - an administrator's exception for one function: until a time, who signed an artifact, its expiry and
 * its revocation are only warned about, when it is deployed and when it is loaded. Integrity, the ZIP rules and limits
 * stay enforced.
 *
 *     begun ----------------------> expired      at its time
 *       | ^ again: replaces it
 *       +-------------------------> ended        by an administrator, by the slot's removal, or not to be relied on
 *
 * It is over when its minutes have passed by the wall clock or by the clock since boot, whichever comes first, and when
 * the wall clock is set back behind its beginning.
 *
 * It survives a restart: the file break-glass of the slot in the store. Whoever may write the store could make one, so
 * what is read from there counts only if the audit log has the record that began it, with the same slot and the same
 * end, and no later record of a break glass of that slot. So a file that is put there, copied from another slot,
 * brought back after the end, or with another time in it relaxes nothing, and is taken away, loudly. This does not stop
 * somebody who can also continue the log's chain; but what he does then stands in the log, which is why its head is
 * exported. The record comes first and the file second: after a crash in between nothing is in force.
 *
 * What is deployed meanwhile stays, and is judged again on load when it is over, by the mode that the config has there.
 */
#ifndef SLOTS_BREAK_GLASS_H
#define SLOTS_BREAK_GLASS_H

#include "audit/audit.h"
#include "config/config.h"
#include "gate/gate.h"

struct slot;
struct slots;

struct break_glass {
	struct gate_break_glass what;
	int64_t began_at_s;
	int64_t began_boot_s; /* clock_boot_s; another boot's tells nothing, and is never too early */
};

/* When it is. */
struct break_glass_now {
	int64_t at_s;
	int64_t boot_s;
};
struct break_glass_now break_glass_now(void);
/* Seconds that are left; 0: it is over. */
int64_t break_glass_left_s(const struct break_glass *glass, const struct break_glass_now *now);

/* What an administrator asks for. */
struct break_glass_request {
	unsigned minutes;   /* 1 to LIMIT_BREAK_GLASS_MINUTES */
	const char *reason; /* 1 to LIMIT_REASON_BYTES of printable ASCII */
};

/*
 * Begins one, or replaces it. -EINVAL: not within the bounds; -EOPNOTSUPP: the function has no config, so there is
 * nothing to relax; -ENOENT: no such function. Fails with nothing in force when it cannot be recorded or kept. What it
 * changes for what is served is judged before it returns. No lock held.
 */
int slot_break_glass(struct slot *slot, const struct break_glass_request *request, const struct audit_who *who);
/* Ends it. -ENODATA: none is in force. */
int slot_end_break_glass(struct slot *slot, const struct audit_who *who);
/* The same while the slot is removed. Slot lock held. */
void slot_drop_break_glass_locked(struct slot *slot, const struct audit_who *who);
/* What is in force. Tree lock held. */
bool slot_break_glass_locked(const struct slot *slot, struct break_glass *ret);

/* Reads it with the slot. Slot lock held. */
void break_glass_load_locked(struct slot *slot);
/* Ends those whose time has come, and says when the next one's comes. On the thread of slots_follow. */
void break_glass_follow(struct slots *slots);

/* ---- in the store (break_glass_file.c) ---- */

/* NULL: none any more. */
int break_glass_save(struct slot *slot, const struct break_glass *glass);
/* 1 and *ret: it is what the log says, though perhaps over; 0: none; -EBADMSG: there is one that does not count. */
int break_glass_read(struct slot *slot, struct break_glass *ret, struct explain *ret_why);

/* ---- by which rules a function is judged (rules.c) ---- */

struct slot_rules {
	const struct config_code_signing *rules; /* NULL: none. May point into this struct, which so is not copied */
	const struct config_code_signing *configured;
	struct gate_break_glass break_glass; /* in force; seq 0: none */
	int64_t break_glass_from_s;
	uint64_t break_glass_seen; /* of the slot, over or not */
	struct config_code_signing relaxed;
};
/* The one place where rules are chosen for a slot. section NULL: it has none any more. Takes the tree lock. */
void slot_rules(struct slot *slot, const struct config_slot *section, struct slot_rules *ret);
/* Notes in a decision that was made by these rules that it would have been a refusal without the break glass. */
void slot_rules_note(const struct slot_rules *rules, enum policy_moment moment, struct gate_decision *decision);
/* What is Enforce becomes Warn, for every check and for the load; the rest stays, all owned by rules. */
void rules_relax(const struct config_code_signing *rules, struct config_code_signing *ret);

#endif
