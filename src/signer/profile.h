/* profile.h - profiles, inside the module. */
#ifndef SIGNER_PROFILE_H
#define SIGNER_PROFILE_H

#include "home.h"
#include "identity.h"

/* The key and certificate of the profile's current version. */
int profile_read_identity(const struct signer *signer, const struct signer_profile *profile, struct identity *ret,
			  struct explain *ret_why);

/* Without a look at the revocation list. -EINVAL: no profile's name; -ENOENT: no such profile. */
int profile_read_version(const struct signer *signer, const char *name, char ret_version[ARN_PROFILE_VERSION_SIZE],
			 struct explain *ret_why);
int profile_check_exists(const struct signer *signer, const char *name, struct explain *ret_why);
int profile_check_version_name(const char *version, struct explain *ret_why);
/* Of a profile that exists: 0, or -ENOENT. */
int profile_check_version(const struct signer *signer, const char *name, const char *version, struct explain *ret_why);

#endif
