/* revocation.h - the account's list, inside the module. The callers hold the home's lock. */
#ifndef SIGNER_REVOCATION_H
#define SIGNER_REVOCATION_H

#include "home.h"
#include "identity.h"

/* Signs a list of these entries with this sequence, issued now, and puts it in the place of the old one. */
int revocation_publish(const struct signer *signer, const struct identity *ca, struct revocation *entries,
		       size_t entry_count, uint64_t sequence, struct explain *ret_why);

/* The entry for a job or a profile version, or NULL. */
const struct revocation *revocation_find_job(const struct revocation_list *list, const struct arn_job *job);
const struct revocation *revocation_find_version(const struct revocation_list *list, const struct arn_profile *version);

#endif
