/*
 * trust_make.h - how a trust is put together: of a configuration, then the lists, which of a governed host come from
 * its own files and from the bundle alike.
 */
#ifndef GATE_TRUST_MAKE_H
#define GATE_TRUST_MAKE_H

#include "gate/trust.h"

/* With certificates and without lists. Takes config over, on failure too. -EINVAL: a line for each error. */
int trust_make(struct config *config, struct trust **ret, struct buf *ret_errors);

/* Fills in the lists; those that were there are given back. others: whose sections of the same accounts count as well,
 * or NULL. store, remembers: as in lists.h. -ENOMEM: all are filled in, and one could not be read for want of memory.
 */
int trust_read_lists(struct trust *trust, const struct config *others, struct store *store, bool remembers);

/* The store remembers of both, trust and trust->local, what it would have of a trust that was loaded. */
void trust_remember_lists(const struct trust *trust, struct store *store);

#endif
