/*
 * slot_version.h - a layer's versions: by which names they are found, and which names they may be published under.
 */
#ifndef SLOTS_SLOT_VERSION_H
#define SLOTS_SLOT_VERSION_H

#include "audit/audit.h"
#include "base/buf.h"
#include "base/explain.h"

struct release;
struct slot;

/* The version with this number, or NULL; no reference. Slot lock or tree lock held. */
struct release *version_find_locked(const struct slot *slot, uint64_t number);
/* The same for "<n>.zip". */
struct release *version_named_locked(const struct slot *slot, const char *name);
/* The version whose file would be the same, or NULL, also where its bytes are damaged; no reference. Slot lock held. */
struct release *version_equal_locked(const struct slot *slot, const uint8_t *digest, const struct buf *comment);
/*
 * Whether what equals this version (NULL: none) may be written under a name: any that is no number, the next number, or
 * that of the version it equals. Else -EEXIST, or -EINVAL (a gap, a number that was given before, "01"), and why. Slot
 * lock or tree lock held.
 */
int version_check_name_locked(const struct slot *slot, const char *name, const struct release *equal,
			      struct explain *ret_why);
/* Lists a version that was committed; takes over the reference on success. Slot lock held. */
int version_add_locked(struct slot *slot, struct release *release);
/* unlink: recorded, and gone from the store; who has it attached keeps it. -ENOENT */
int version_remove(struct slot *slot, const char *name, const struct audit_who *who);

#endif
