/*
 * fill.h - from what a host keeps to the rows of an overview: for the daemon, who has it in memory, and for who looks
 * through a store. Each adds to a row that is all zero; 0 or -ENOMEM.
 */
#ifndef OVERVIEW_FILL_H
#define OVERVIEW_FILL_H

#include "config/config.h"
#include "gate/trust.h"
#include "overview/overview.h"
#include "policy/policy.h"
#include "store/store.h"

/* The configuration and what it trusts: path, store, account, region, [code-signing-config]s, [account]s. */
int overview_fill_trust(const struct trust *trust, int64_t now_s, struct overview *overview);
/* What governs it, as far as the trust knows: not drift, nor what is fetched. Called by the one before. */
int overview_fill_policy(const struct trust *trust, struct overview *overview);
/* The row of a slot: its name, and of a function the mode. section NULL: the configuration does not know it. */
int overview_fill_slot(const char *name, bool is_layer, const struct config_slot *section, struct overview_slot *slot);
/* What a function serves, or a layer's newest version. */
int overview_fill_release(const struct store_release *release, struct overview_slot *slot);
/* The last attempt, of the lines of a slot's note. */
int overview_fill_last(const char *note, size_t len, struct overview_attempt *last);
/* Today's verdict with everything set to Enforce (gate_judge_as_enforce). reason, detail: when it is a refusal. */
int overview_fill_enforce(enum policy_outcome outcome, enum policy_reason reason, const char *detail,
			  struct overview_slot *slot);

/* When all slots are there: says of each layer who uses it, of each config how many functions have it; ranks. */
int overview_complete(struct overview *overview);

#endif
