/*
 * reload.h - what a reload and a policy bundle that comes into force have in common. Private to src/slots.
 */
#ifndef SLOTS_RELOAD_PRIVATE_H
#define SLOTS_RELOAD_PRIVATE_H

#include "effects.h"

/* What the trust does, and how the configurations differ; with the generation that it would be. NULL: out of memory.
 * free(). No lock but slot locks of what is in no list. */
struct effects *reload_compare(struct slots *slots, const struct effects_question *question);
/* All that can fail before a trust takes the place of the one in force, and the records of what changes by it: a line
 * for each error. who: by whom, where that is known. refresh_lock held. */
int reload_prepare_locked(struct slots *slots, const struct trust *after, const struct audit_who *who,
			  struct buf *ret_errors);
/* The trust is in force: the record, whose detail begins with what, and the next generation. Takes effects over. */
void reload_note(struct slots *slots, struct effects *effects, const char *what);
/* What is served follows it, and the kernel. No lock held. */
void reload_settle(struct slots *slots);

#endif
