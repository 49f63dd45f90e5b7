/* destination.h - where the result of a job goes. Private to this module. */
#ifndef SIGNER_DESTINATION_H
#define SIGNER_DESTINATION_H

#include "signer/signer.h"

int destination_absolute(const char *path, char **ret); /* free() */

/* The absolute path of the job's result, free(); the folders of the prefix are made. */
int destination_path(const struct signer_job_request *request, const struct arn_job *job, char **ret,
		     struct explain *ret_why);
/* That there can be one. */
int destination_check(const struct signer_job_request *request, struct explain *ret_why);

#endif
