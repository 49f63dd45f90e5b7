/* profile.h - profiles, inside the module. */
#ifndef SIGNER_PROFILE_H
#define SIGNER_PROFILE_H

#include "home.h"
#include "identity.h"

/* The key and certificate of the profile's current version. */
int profile_read_identity(const struct signer *signer, const struct signer_profile *profile, struct identity *ret,
			  struct explain *ret_why);

int profile_check_name(const char *name, struct explain *ret_why);
int profile_write(const struct signer *signer, const struct signer_profile *profile, struct explain *ret_why);
/* Without what the revocation list says. -ENOENT without why when there is none; the name is a profile's. */
int profile_read_record(const struct signer *signer, const char *name, struct signer_profile *ret,
			struct explain *ret_why);
/* The same for a name that a caller gave: -EINVAL, -ENOENT with why. */
int profile_read(const struct signer *signer, const char *name, struct signer_profile *ret, struct explain *ret_why);

int profile_check_version_name(const char *version, struct explain *ret_why);
/* Of a profile that exists: 0, or -ENOENT. */
int profile_check_version(const struct signer *signer, const char *name, const char *version, struct explain *ret_why);

#endif
