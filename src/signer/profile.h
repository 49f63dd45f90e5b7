/* profile.h - profiles, inside the module. */
#ifndef SIGNER_PROFILE_H
#define SIGNER_PROFILE_H

#include "home.h"
#include "identity.h"

/* The key and certificate of the profile's current version. */
int profile_read_identity(const struct signer *signer, const struct signer_profile *profile, struct identity *ret,
			  struct explain *ret_why);

#endif
