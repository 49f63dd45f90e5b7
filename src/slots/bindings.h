/*
 * bindings.h - which function has which code-signing config, under two trusts, and a record of what differs. Private to
 * src/slots.
 */
#ifndef SLOTS_BINDINGS_PRIVATE_H
#define SLOTS_BINDINGS_PRIVATE_H

#include "audit/audit.h"
#include "gate/trust.h"

struct slot;
struct slots;

/*
 * Appends AUDIT_BINDING for every function that has another config under after, or none, or no section any more: each
 * that is declared by name or known to the store; for a section with a pattern, declared or not, one record, and at
 * most LIMIT_BINDING_ROWS for functions that go by it. And one for every config that judges by other rules. 0, or what
 * the log fails with: what is in force then has to stay. Call before after is in force, with the refresh lock held.
 * who: NULL where it is not known.
 */
int bindings_record(struct slots *slots, const struct trust *before, const struct trust *after,
		    const struct audit_who *who);

/*
 * The store remembers what is in force, so that what changes while nothing is mounted is recorded at the start: one
 * record for every section and every config. bindings_keep comes after bindings_record.
 */
int bindings_record_start(struct slots *slots);
int bindings_keep(struct slots *slots, const struct trust *trust);

/* ---- what both say ---- */

/* The config's name, CONFIG_NONE, or "no section" of NULL. */
const char *bindings_config_of(const struct config_slot *section);
/* The section that stands there by this name or pattern itself, whatever it governs; NULL: none. */
const struct config_slot *bindings_find_section(const struct config *config, const char *name);
/* By the store, also where it cannot tell. The slot's lock is not for here: others hold it and want refresh_lock. */
bool bindings_has_releases(const struct slot *slot);

#define BINDINGS_PLACE_SIZE 512
/* "vouchfs.conf:3, a file of uid 0 written ...", "conf.d/web.conf:3, policy bundle 7" */
void bindings_print_place(const struct config_origin *origin, const struct trust *trust, char ret[BINDINGS_PLACE_SIZE]);

struct binding {
	const char *slot;			 /* NULL: a pattern, or a config */
	const struct config_code_signing *rules; /* NULL: what has no section is judged by nothing, as with "none" */
	const struct audit_who *who;		 /* NULL: not known */
};
int bindings_append(struct slots *slots, const struct binding *binding, const struct explain *detail);

#endif
