/*
 * drift_check.h - looks where this host differs from the policy bundle that is in force on it, says so, and has it put
 * right where the bundle wants that. Private to src/slots.
 *
 *     a trust is swapped in: reload, bundle, list      slots_replace_trust -> drift_expect
 *     a reload is refused                              slots_reload -> drift_expect
 *     files of the configuration change                fs/watch.c -> slots_note_change, and when that has settled
 *     a time has come                                  due.h
 *                                                        -> slots_follow -> drift_follow, on the main thread:
 *                                                             slots_check_drift, then drift_remedy
 *     .vouchfs/policy/drift is opened                  slots_check_drift; what is new has drift_follow called
 */
#ifndef SLOTS_DRIFT_CHECK_H
#define SLOTS_DRIFT_CHECK_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "slots/drift.h"
#include "slots/slots.h"

/* What the checks of a mount have in common. */
struct drift_keeper {
	pthread_mutex_t lock; /* one check at a time; before refresh_lock */
	atomic_bool is_due;
	_Atomic int64_t due_at_s; /* when time alone makes a difference */
	bool allow_other;	  /* of the mount; does not change */

	/* of the thread of slots_follow: */
	struct slots_remedy remedy;
	uint64_t changed_ms;	   /* when files changed last; 0: they have not */
	uint64_t first_changed_ms; /* and first, since the last check */
	struct drift *tried;	   /* what was to be put right last; NULL: nothing, or something has changed since */
	uint64_t tried_ms[LIMIT_REMEDIES_AN_HOUR];
	size_t tried_next;
	bool is_weary;	     /* that it was too often has been recorded */
	unsigned asked;	     /* files that the supervisor has not answered for */
	bool has_set_aside;  /* one of them at least has another name now */
	bool is_reloading;   /* asked for */
	uint64_t generation; /* of the configuration, then; and how many reloads had failed */
	uint64_t failures;
};

void drift_keeper_init(struct drift_keeper *keeper, bool allow_other);
void drift_keeper_done(struct drift_keeper *keeper);

/* Wakes the thread of slots_follow for a check, on a host that has to do with bundles. The tree lock is not held. */
void drift_expect(struct slots *slots);

/*
 * A fresh look, which is recorded where it finds something else than the one before, and becomes slots->drift. Nothing
 * is put right by it. A host without [policy] publisher, or to which no bundle has come yet, differs in nothing. Reads
 * files; no lock held. 0 or -ENOMEM.
 */
int slots_check_drift(struct slots *slots, struct drift *ret);

/* Checks where that is due; how long until it is, in milliseconds, UINT64_MAX: unless something happens. */
uint64_t drift_follow(struct slots *slots);

/* Has done what can be done about it. */
void drift_remedy(struct slots *slots, const struct drift *drift);
/* What came of a reload that drift_remedy asked for. */
void drift_take_reload(struct slots *slots);

#endif
