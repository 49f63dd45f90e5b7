/*
 * govern.h - the policy bundle, for those who make a trust of it: trust.c, trust_load.c, governed_judge.c.
 */
#ifndef GATE_GOVERN_H
#define GATE_GOVERN_H

#include "gate/governed.h"

/* By which bundles are judged: the publishers of the host's own files, everything enforced. Borrows from config. */
#define GOVERN_RULES_NAME "[policy]" /* as verdicts call them */

struct governed *govern_new(enum governed_state state);
/* Of what is in force: shares the bundle. NULL: out of memory. */
struct governed *govern_copy(const struct governed *governed);
void govern_free(struct governed *governed);

/*
 * What the store has, proved by the accounts of own, a trust of the host's own files: in force with its bundle, lost
 * with why, or none. Lists are not looked at (govern_weigh). Fails for want of memory alone.
 */
int govern_find(const struct trust *own, struct store *store, struct governed **ret);
/* It cannot be relied on: drops the bundle. */
void govern_lose(struct governed *governed, const char *why);

/* Has it expired, is it revoked, or could that not be decided? Sets alarm by the lists of own, as they are now. */
void govern_weigh(struct governed *governed, const struct trust *own);
/* Would govern_weigh find something else by now, although no list has changed? */
bool govern_is_due(const struct governed *governed, const struct trust *own);

/*
 * Its sequence, by its policy.conf. -ENXIO: it is for other hosts, -EBADMSG: it says nothing sound; with why.
 */
int govern_read_terms(const struct bundle *bundle, const struct config *own, uint64_t *ret_sequence,
		      struct explain *ret_why);
void govern_take_facts(struct governed *governed, const struct signature_facts *facts);

/* What the release's record says of it; sequence and highest_sequence are set. */
void govern_take_record(struct governed *governed, const struct store_release *release);
/* It is the one in force, to which somebody went back, and has come again: that stays as it is. */
void govern_keep_rollback(struct governed *governed, const struct governed *now);
/* Was the release taken up by an administrator when highest was what it is now? */
bool govern_is_rollback(const struct store_release *release, uint64_t highest);

/* The highest sequence that was ever in force, as the store knows it, or 0. Where its file is damaged the kept releases
 * say. */
int govern_highest(struct store *store, uint64_t *ret);
/* Has this artifact been in force with this sequence? True as well where no record knows what had that. */
bool govern_had(struct store *store, uint64_t sequence, const uint8_t tree_sha256[CRYPTO_SHA256_BYTES]);
/* That highest_sequence was in force; a failure is logged. */
void govern_remember(const struct governed *governed, struct store *store);

/*
 * The trust of a host whose bundle is that of governed, which is taken over: put into it, lost where the configuration
 * with it would be refused and is_settled, else -EINVAL with a line for each error. local: made of the host's own files
 * and taken over, with lists that count until those of the bundle are known.
 */
struct govern_making {
	const char *config_path;
	struct store *store;
	bool remembers;
	bool is_settled; /* it is in force already */
};
int govern_make(const struct govern_making *making, struct trust *local, struct governed *governed, struct trust **ret,
		struct buf *ret_errors);
/* A trust of the host's own files alone, as config_load has them. */
int govern_make_local(const struct govern_making *making, struct trust **ret, struct buf *ret_errors);

#endif
