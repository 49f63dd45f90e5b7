/*
 * permission.h - the statements of a profile, inside the module.
 *
 *     vouchfs-profile-permissions: 1
 *     revision-id: <uuid>
 *     statement: <id> <action> <principal> <profile version, or * for every one>
 *
 * The file stays when its last statement goes: its revision is still the one that the next change has to know.
 */
#ifndef SIGNER_PERMISSION_H
#define SIGNER_PERMISSION_H

#include "home.h"
#include "signer/access.h"

bool permission_is_statement_id(const char *text, size_t len);

/*
 * A profile that never had a statement: none, and revision "". There is room for SIGNER_STATEMENTS_MAX.
 * signer_permissions_done.
 */
int permission_read(const struct signer *signer, const char *profile, struct signer_permissions *ret,
		    struct explain *ret_why);
/* The caller holds the home's lock. */
int permission_write(const struct signer *signer, const char *profile, const struct signer_permissions *permissions,
		     struct explain *ret_why);

/* The statement with this id, or NULL. */
const struct signer_statement *permission_find(const struct signer_permissions *permissions, const char *id);

#endif
