/*
 * say.h - a record of the audit log in words, for whoever reads the daemon's log: one line, and fields for machines.
 *
 *     event 43: refused VF2001 (EKEYREJECTED): functions/main, app.zip: source mismatch: ... (uid 1001, rsync)
 *
 * What operators have to act upon has a message id, by which `journalctl MESSAGE_ID=` finds it and `journalctl
 * --catalog` explains it (conf/systemd/vouchfs.catalog).
 */
#ifndef AUDIT_SAY_H
#define AUDIT_SAY_H

#include "audit/audit.h"
#include "base/log.h"

/*
 * What became of it, as one word: "accepted", "warned", "refused", "failed", "blocked", "unblocked", "damaged",
 * "reloaded", "removed", ... Never NULL.
 */
const char *audit_outcome_name(const struct audit_record *record);

/* The reason's code ("VF2001"), or NULL. */
const char *audit_reason_code(const struct audit_record *record);

/* From now on each record is said in the daemon's log (base/log.h), which must not wait for anything: see log_open. */
int audit_say_all(struct audit *audit);

/* The message ids, 32 hex digits each. */
struct audit_message {
	const char *what; /* "accepted", ... as in the catalog */
	const char *id;
};
const struct audit_message *audit_messages(size_t *ret_count);

#endif
