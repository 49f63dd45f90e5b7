/*
 * policy_change.h - a policy bundle comes into force: judged, its effects found, committed, and swapped in as a reload
 * does it, in one step for whoever else makes a trust. Private to src/slots.
 *
 *     judge -> begin -> gate_commit... -> take_up -> end            (slot lock held)      -> reload_settle (no lock)
 *                |                                    ^
 *                +- -EAGAIN: judge again              |  end without take_up: nothing has changed
 *
 * The slot's lock is held from the verdict to the swap: of two bundles that come at once the second one is judged by
 * what the first one has made. begin takes slots->refresh_lock, under which a reload loads what the store has and swaps
 * it in: it never takes up what was there before for what is there now. Effects are found without that lock, because
 * other slots' locks are taken for them; when another trust has come meanwhile, all is judged again.
 *
 * After the commit nothing can fail but memory for the release's place in the list, and what is in force is right then,
 * too.
 */
#ifndef SLOTS_POLICY_CHANGE_H
#define SLOTS_POLICY_CHANGE_H

#include "internal.h"

struct policy_change {
	struct slots *slots;
	const struct gate_artifact *artifact;
	const char *rollback_reason; /* an administrator takes it up again; NULL: it comes */
	const struct audit_who *who;
	struct gate_decision *decision;
	struct trust *before; /* by which it was judged */
	struct trust *after;  /* what it makes; NULL: refused */
	struct effects *effects;
	bool is_begun;
	bool is_in_force;
};

/* A verdict under today's trust, into decision; when it passes, after and effects. */
int policy_change_judge(struct policy_change *change);
/* 0: the trust is held until the end; -EAGAIN: it is another one by now. */
int policy_change_begin(struct policy_change *change);
/* The commit has made this release of it. */
void policy_change_take_up(struct policy_change *change, const struct store_release *release);
/* Always, and also where there was no begin. The lines for the record are governed_about's. */
void policy_change_end(struct policy_change *change);

#endif
