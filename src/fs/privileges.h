/*
 * privileges.h - which user serves, and becoming that user for good.
 */
#ifndef FS_PRIVILEGES_H
#define FS_PRIVILEGES_H

#include <sys/types.h>

#include "base/base.h"
#include "base/explain.h"
#include "config/config.h"

struct service_user {
	uid_t uid;
	gid_t gid;
};

/*
 * Started by root: the configured user where there is one of that name, else the owner of the store, else root.
 * Started by anybody else: whoever that is.
 */
int privileges_choose(const struct config *config, struct service_user *ret, struct explain *ret_why);

/* Makes the store's directory, 0700 and the user's, when it is missing and root starts. */
int privileges_make_store(const char *path, const struct service_user *user, struct explain *ret_why);

/*
 * Becomes the user, without groups, capabilities or a way back, and closed to debuggers. No later exec gains anything.
 * Verified: success means that root is out of reach.
 */
int privileges_become(const struct service_user *user, struct explain *ret_why);

#endif
