/*
 * bindings.h - which function has which code-signing config, under two trusts, and a record of what differs. Private to
 * src/slots.
 */
#ifndef SLOTS_BINDINGS_PRIVATE_H
#define SLOTS_BINDINGS_PRIVATE_H

#include "gate/trust.h"

struct slots;

/*
 * Appends AUDIT_BINDING for every function that has another config under after, or none, or no section any more: each
 * that is declared by name or known to the store; for a section with a pattern, declared or not, one record, and at
 * most LIMIT_BINDING_ROWS for functions that go by it. And one for every config that judges by other rules. 0, or what
 * the log fails with: what is in force then has to stay. Call before after is in force, with the refresh lock held.
 */
int bindings_record(struct slots *slots, const struct trust *before, const struct trust *after);

#endif
