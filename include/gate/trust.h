/*
 * trust.h - a configuration with all it names: CA certificates and revocation lists, read and proved. Immutable and
 * reference-counted: a decision is made under one trust from beginning to end, a reload makes another.
 */
#ifndef GATE_TRUST_H
#define GATE_TRUST_H

#include "base/buf.h"
#include "config/config.h"
#include "signature/signature.h"
#include "store/store.h"

struct governed;

struct trust {
	unsigned refs;	      /* atomic; use trust_ref, trust_unref */
	uint64_t generation;  /* grows by one for each trust made in this process */
	struct trust *origin; /* whose configuration this is when lists were read again; NULL: its own */
	struct config *config;
	struct signature_account *accounts; /* one for each [account], same order */
	size_t account_count;
	struct crypto_trust *timestamp_authority; /* NULL: time stamps are not looked at */
	struct governed *governed; /* the policy bundle (governed.h); NULL: no [policy] publisher, or store was NULL */
	struct trust *local;	   /* of the host's own files alone, by which bundles are judged; NULL as above */
	struct trust_list_file *list_files; /* identity of each list file when it was read */
	size_t unread_lists; /* how many could not be read or remembered for a reason that may pass: no memory, EIO */
};

/*
 * Loads the configuration and everything it names. Certificate files (timestamp_authority too) that cannot be used are
 * configuration errors (a line each appended to ret_errors, -EINVAL); revocation lists are not: their state is a fact
 * for policy, but without memory to read them nothing is loaded. store remembers the highest sequence seen of each
 * account (read-only: is looked at but not written; NULL: nothing is remembered).
 *
 * With a [policy] publisher the store has the policy bundle, too, and the configuration is that of the host under it
 * (governed.h); store NULL: of the host's own files alone, which then is not what is in force. -EINVAL also where they
 * say something that the bundle in force does not let them say (local = refuse).
 */
int trust_load(const char *config_path, struct store *store, struct trust **ret, struct buf *ret_errors);
/* The same for one that only asks: a list that will perhaps never be in force does not make those before it old. */
int trust_preview(const char *config_path, struct store *store, struct trust **ret, struct buf *ret_errors);

/*
 * The same configuration with the list files read again when one of them has changed, or could not be read: a new
 * trust, or the same one with a reference. Costs one stat an account where nothing has changed. One caller at a time.
 */
int trust_refresh(struct trust *trust, struct store *store, struct trust **ret);
/* Whether a list could not be read for a reason that may pass: to be refreshed again soon, whoever asks or not. */
bool trust_has_unread_list(const struct trust *trust);

/* Of two trusts of one mount, one after the other (before may be NULL: the first). */
struct trust_change {
	const struct trust *before;
	const struct trust *after;
};

/*
 * Tells, a sentence each, of every account whose list is another one now, or is refused, or good again. Of a first
 * trust only what is refused is told.
 */
typedef void trust_tell(void *ctx, const char *sentence, bool is_refused);
void trust_tell_lists(const struct trust_change *change, trust_tell *tell, void *ctx);

/* Tells of every account whose CA certificates have all ended: nothing that is signed from then on counts. */
void trust_tell_ended(const struct trust *trust, trust_tell *tell, void *ctx);

/*
 * True: a list that could be relied on is gone, cut short or unreadable now, as it is while somebody writes it in
 * place. Not of one that is whole and refused for being older.
 */
bool trust_has_lost_list(const struct trust_change *change);

/* The same for all trusts that have configuration and certificates in common, and differ in their lists alone. */
uint64_t trust_family(const struct trust *trust);

struct trust *trust_ref(struct trust *trust);
void trust_unref(struct trust *trust);

#endif
