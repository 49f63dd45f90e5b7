/* All signing jobs of the account. A record that is damaged is told of; it hides none of the others. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "job.h"
#include "revocation.h"

struct listing {
	struct signer_job *jobs;
	size_t count;
	size_t damaged_count;
	struct explain damaged; /* the first one */
};

void signer_jobs_free(struct signer_job *jobs, size_t count)
{
	for (size_t i = 0; jobs && i < count; i++)
		signer_job_done(&jobs[i]);
	free(jobs);
}

static int add_job(const struct signer *signer, const char *job_id, const struct revocation_list *list,
		   struct listing *listing)
{
	struct explain why = {0};
	struct signer_job *job = &listing->jobs[listing->count];
	int r = job_read(signer, job_id, job, &why);
	if (r == -ENOMEM)
		return r;
	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		if (listing->damaged_count++ == 0)
			listing->damaged = why;
		return 0;
	}
	listing->count++;
	return job_apply_revocation(job, list);
}

/* Jobs of one second are told apart by id, so that the order is the same whenever it is asked for. */
static int newest_first(const void *a, const void *b)
{
	const struct signer_job *left = a, *right = b;
	if (left->created_at_s != right->created_at_s)
		return left->created_at_s > right->created_at_s ? -1 : 1;
	return strcmp(left->arn.id, right->arn.id);
}

void signer_sort_jobs(struct signer_job *jobs, size_t count)
{
	if (count > 1)
		qsort(jobs, count, sizeof(*jobs), newest_first);
}

static void tell_damaged(const struct listing *listing, struct explain *ret_damaged)
{
	size_t others = listing->damaged_count - 1;
	if (listing->damaged_count == 0)
		ret_damaged->text[0] = '\0';
	else if (others == 0)
		explain_set(ret_damaged, "one job is not listed: %s", listing->damaged.text);
	else
		explain_set(ret_damaged, "%zu jobs are not listed: %s (and %zu more)", listing->damaged_count,
			    listing->damaged.text, others);
}

int signer_list_jobs(struct signer *signer, struct signer_job **ret, size_t *ret_count, struct explain *ret_damaged,
		     struct explain *ret_why)
{
	struct listing listing = {0};
	struct io_names names = {0};
	struct revocation_list *list = NULL;
	int r = io_list_dir(signer->fd, "jobs", &names);
	if (r == -ENOENT)
		r = home_refuse(ret_why, -EIO, "jobs is missing in the signer's home; restore it from a backup");
	else if (r < 0)
		r = home_failed(ret_why, r, "jobs in the signer's home");
	if (r < 0)
		goto out;
	r = signer_read_revocations(signer, &list, ret_why); /* after the names: it knows of every job among them */
	if (r < 0)
		goto out;
	listing.jobs = calloc(names.count + 1, sizeof(*listing.jobs));
	r = listing.jobs ? 0 : -ENOMEM;
	for (size_t i = 0; r == 0 && i < names.count; i++)
		if (arn_is_uuid(names.names[i], strlen(names.names[i])))
			r = add_job(signer, names.names[i], list, &listing);
	if (r < 0)
		goto out;

	signer_sort_jobs(listing.jobs, listing.count);
	tell_damaged(&listing, ret_damaged);
	*ret = listing.jobs;
	*ret_count = listing.count;
	listing = (struct listing){0};
out:
	signer_jobs_free(listing.jobs, listing.count);
	io_names_done(&names);
	revocation_list_free(list);
	return r;
}
