/* job.h - signing jobs, inside the module: their records, and the signing of one draft. */
#ifndef SIGNER_JOB_H
#define SIGNER_JOB_H

#include "draft.h"
#include "home.h"
#include "identity.h"

int job_write(const struct signer *signer, const struct signer_job *job, struct explain *ret_why);
/* Without what the revocation list says. -ENOENT without why when there is none. */
int job_read(const struct signer *signer, const char *job_id, struct signer_job *ret, struct explain *ret_why);

/* Fills in what an account's list says of the job; 0 or -ENOMEM. */
int job_apply_revocation(struct signer_job *job, const struct revocation_list *list);

/* The job that this account's request token led to: -ENOENT without why when it is new. */
int job_find_token(const struct signer *signer, const char *token, const char *account, struct signer_job *ret,
		   struct explain *ret_why);
int job_write_token(const struct signer *signer, const char *token, const struct signer_job *job,
		    struct explain *ret_why);

/*
 * Checks the draft against the ZIP rules, hashes and signs it, and puts the signature into it. -EBADMSG: it is not
 * admissible, with why; other negative errno: could not be done. Fills job's signature_expires_at_s.
 */
int job_sign_draft(const struct signer *signer, const struct identity *identity, const struct signer_profile *profile,
		   const struct signer_job_request *request, struct draft *draft, struct signer_job *job,
		   struct explain *ret_notice, struct explain *ret_why);

#endif
