/*
 * privileges.h - which user serves, and becoming that user for good.
 */
#ifndef FS_PRIVILEGES_H
#define FS_PRIVILEGES_H

#include <sys/types.h>

#include "base/base.h"
#include "base/explain.h"

struct service_user {
	uid_t uid;
	gid_t gid;
	bool is_substitute; /* one was named that there is not */
};

/*
 * Started by root: the named user (NULL: none was named) where there is one, else the owner of the path (a store, or a
 * signer's home), else root. Started by anybody else: whoever that is.
 */
int privileges_choose(const char *name, const char *path, struct service_user *ret, struct explain *ret_why);

/* Makes the store's directory, 0700 and the user's, where it is missing: later there is no way to what is above. */
int privileges_make_store(const char *path, const struct service_user *user, struct explain *ret_why);

/*
 * Closes this process to debuggers and leaves no core of it: other processes of the same user can neither attach to it
 * nor read its memory. Its children begin so as well, until they exec.
 */
int privileges_hide_memory(struct explain *ret_why);

/* Of root, who serves where there is nobody else: as root, without capabilities. */
int privileges_drop_capabilities(struct explain *ret_why);

/*
 * Becomes the user, without groups, capabilities or a way back, with its memory hidden. No later exec gains anything.
 * Verified: success means that root is out of reach.
 */
int privileges_become(const struct service_user *user, struct explain *ret_why);

#endif
