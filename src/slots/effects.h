/*
 * effects.h - finds what another trust does to what is served. Private to src/slots.
 */
#ifndef SLOTS_EFFECTS_PRIVATE_H
#define SLOTS_EFFECTS_PRIVATE_H

#include "gate/trust.h"
#include "slots/effects.h"

struct slots;

struct effects_question {
	const struct trust *before;
	const struct trust *after;
	bool everything; /* all functions of the store; else those that were judged already, at little cost */
	bool keep;	 /* what is found out of signatures is remembered for after */
};

/* Judges what is current under both and changes nothing; its release locks are taken one by one. 0 or -ENOMEM. */
int effects_find(struct slots *slots, const struct effects_question *question, struct effects *ret);
/* How the sections of two configurations differ. */
void effects_compare_configs(const struct config *before, const struct config *after, struct effects *ret);

#endif
