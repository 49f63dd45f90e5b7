/*
 * drift_check.h - looks where this host differs from the policy bundle that is in force on it. Private to src/slots.
 */
#ifndef SLOTS_DRIFT_CHECK_H
#define SLOTS_DRIFT_CHECK_H

#include "slots/drift.h"

struct slots;

/*
 * A fresh look, which is recorded where it finds something else than the one before, and becomes slots->drift. Nothing
 * is put right by it. A host without [policy] publisher differs in nothing. Reads files; no lock held. 0 or -ENOMEM.
 */
int slots_check_drift(struct slots *slots, struct drift *ret);

#endif
