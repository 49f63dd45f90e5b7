/* What a signing service shows of profiles and jobs, and revocation. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "service.h"

#define RECORD_ATTRIBUTE "user.vouchfs.record"
#define RECORD_BYTES	 65536U /* the most that an attribute can have */
#define ANSWER_BYTES	 262144U
#define JOB_PATH_SIZE	 (ARN_JOB_ID_SIZE + 16)
#define SHOWN_SIZE	 256

static int open_record(int profile_fd, const char *job_id)
{
	char path[JOB_PATH_SIZE];
	(void)snprintf(path, sizeof(path), "jobs/%s.json", job_id);
	return io_openat(profile_fd, path, O_RDONLY, 0);
}

static int parse_record(int fd, struct signer_job *ret)
{
	struct buf text = {0};
	int r = buf_reserve(&text, RECORD_BYTES);
	if (r == 0)
		r = service_attribute(fd, RECORD_ATTRIBUTE, text.data, RECORD_BYTES);
	if (r == 0) {
		text.len = strlen(text.data);
		r = signer_parse_job(&text, ret);
	}
	buf_done(&text);
	return r;
}

int service_read_record(int profile_fd, const char *job_id, struct signer_job *ret)
{
	int fd = open_record(profile_fd, job_id);
	if (fd < 0)
		return fd;
	int r = parse_record(fd, ret);
	io_close(&fd);
	return r;
}

static int cannot_read(int r, struct explain *ret_why)
{
	explain_set(ret_why, "the signing service cannot be read: %s", strerror(-r));
	return r;
}

/* ---- one job ---- */

static int check_job_id(const char *job_id, struct explain *ret_why)
{
	char shown[SHOWN_SIZE];
	if (arn_is_uuid(job_id, strlen(job_id)))
		return 0;
	explain_set(ret_why, "\"%s\" is no job id; one looks like 621a6850-a128-42db-bc30-bd65cc54e187",
		    text_escape_print(shown, sizeof(shown), job_id, strlen(job_id)));
	return -EINVAL;
}

/* The directory of the profile, among those that can be seen, and the job's record in it. */
static int find_record(const struct service *service, const char *job_id, int *ret_profile_fd, int *ret_fd)
{
	struct io_names profiles = {0};
	int fd = -ENOENT, r = io_list_dir(service->root, ".", &profiles);
	for (size_t i = 0; r == 0 && fd < 0 && i < profiles.count; i++) {
		int profile_fd = io_open_dirat(service->root, profiles.names[i]);
		fd = profile_fd < 0 ? profile_fd : open_record(profile_fd, job_id);
		if (fd >= 0)
			*ret_profile_fd = profile_fd;
		else
			io_close(&profile_fd);
		if (fd < 0 && fd != -ENOENT && fd != -EACCES)
			r = fd;
	}
	io_names_done(&profiles);
	if (r < 0)
		return r;
	if (fd < 0)
		return -ENOENT;
	*ret_fd = fd;
	return 0;
}

static int open_job(const struct service *service, const char *job_id, int *ret_profile_fd, int *ret_fd,
		    struct explain *ret_why)
{
	int r = check_job_id(job_id, ret_why);
	if (r < 0)
		return r;
	r = find_record(service, job_id, ret_profile_fd, ret_fd);
	if (r == -ENOENT)
		explain_set(ret_why,
			    "signing job %s does not exist in account %s, or it is not for account %s to see; "
			    "list-signing-jobs shows those that are",
			    job_id, service->account, service->caller);
	else if (r < 0)
		return cannot_read(r, ret_why);
	return r;
}

int service_find_job(const struct service *service, const char *job_id, struct signer_job *ret, int *ret_profile_fd,
		     struct explain *ret_why)
{
	int profile_fd = -1, fd = -1;
	int r = open_job(service, job_id, &profile_fd, &fd, ret_why);
	if (r < 0)
		return r;
	r = parse_record(fd, ret);
	io_close(&fd);
	if (r == 0 && ret_profile_fd)
		*ret_profile_fd = profile_fd;
	else
		io_close(&profile_fd);
	return r < 0 ? cannot_read(r, ret_why) : 0;
}

/* The commands end their answers themselves. */
static int read_answer(int fd, struct buf *ret)
{
	int r = io_read_fd(fd, ANSWER_BYTES, ret);
	if (r == 0 && ret->len > 0 && ret->data[ret->len - 1] == '\n')
		ret->data[--ret->len] = '\0';
	return r;
}

int service_describe_job(const struct service *service, const char *job_id, struct buf *ret, struct explain *ret_why)
{
	int profile_fd = -1, fd = -1;
	int r = open_job(service, job_id, &profile_fd, &fd, ret_why);
	if (r < 0)
		return r;
	r = read_answer(fd, ret);
	io_close(&fd);
	io_close(&profile_fd);
	return r < 0 ? cannot_read(r, ret_why) : 0;
}

/* ---- all jobs ---- */

struct listing {
	struct signer_job *jobs;
	size_t count;
};

static int add_jobs(int profile_fd, struct listing *listing)
{
	static const char suffix[] = ".json";
	char job_id[ARN_JOB_ID_SIZE];
	struct io_names names = {0};
	int r = io_list_dir(profile_fd, "jobs", &names);
	struct signer_job *jobs = r == 0 ? reallocarray(listing->jobs, listing->count + names.count + 1, sizeof(*jobs))
					 : NULL;
	if (r == 0 && !jobs)
		r = -ENOMEM;
	if (jobs)
		listing->jobs = jobs;
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		size_t len = strlen(names.names[i]);
		if (len != sizeof(job_id) - 1 + strlen(suffix))
			continue;
		(void)snprintf(job_id, sizeof(job_id), "%.*s", (int)sizeof(job_id) - 1, names.names[i]);
		r = service_read_record(profile_fd, job_id, &listing->jobs[listing->count]);
		listing->count += r == 0;
		r = r == -ENOENT || r == -EACCES ? 0 : r; /* seen no more */
	}
	io_names_done(&names);
	return r;
}

int service_list_jobs(const struct service *service, struct signer_job **ret, size_t *ret_count,
		      struct explain *ret_why)
{
	struct io_names profiles = {0};
	struct listing listing = {0};
	int r = io_list_dir(service->root, ".", &profiles);
	for (size_t i = 0; r == 0 && i < profiles.count; i++) {
		int fd = io_open_dirat(service->root, profiles.names[i]);
		r = fd < 0 ? fd : add_jobs(fd, &listing);
		io_close(&fd);
		r = r == -ENOENT || r == -EACCES ? 0 : r;
	}
	io_names_done(&profiles);
	if (r < 0) {
		signer_jobs_free(listing.jobs, listing.count);
		return cannot_read(r, ret_why);
	}
	signer_sort_jobs(listing.jobs, listing.count);
	*ret = listing.jobs;
	*ret_count = listing.count;
	return 0;
}

/* ---- profiles, revocation ---- */

int service_get_profile(const struct service *service, const char *profile, struct buf *ret, struct explain *ret_why)
{
	int directory = -1, fd = -1;
	int r = service_open_profile(service, profile, SIGNER_GET_SIGNING_PROFILE, &directory, ret_why);
	if (r < 0)
		return r;
	r = fd = io_openat(directory, "profile.json", O_RDONLY, 0);
	if (fd >= 0)
		r = read_answer(fd, ret);
	io_close(&fd);
	io_close(&directory);
	return r < 0 ? service_refused(service, profile, SIGNER_GET_SIGNING_PROFILE, r, ret_why) : 0;
}

/* One write, which ends in a newline of ours: the service revokes in it, and says what it found. */
static int write_reason(int profile_fd, const char *job_id, const char *reason)
{
	char path[JOB_PATH_SIZE];
	struct buf text = {0};
	(void)snprintf(path, sizeof(path), "revoke/%s", job_id);
	int fd = io_openat(profile_fd, path, O_WRONLY | O_CREAT, 0666);
	int r = fd < 0 ? fd : buf_printf(&text, "%s\n", reason);
	if (r == 0)
		r = io_write_full(fd, text.data, text.len);
	io_close(&fd);
	buf_done(&text);
	return r;
}

int service_revoke(const struct service *service, const char *job_id, const char *reason, struct explain *ret_why)
{
	struct signer_job job = {0};
	int profile_fd = -1;
	int r = service_find_job(service, job_id, &job, &profile_fd, ret_why);
	if (r < 0)
		return r;
	r = write_reason(profile_fd, job_id, reason);
	if (r < 0)
		r = service_refused(service, job.profile_version.name, SIGNER_REVOKE_SIGNATURE, r, ret_why);
	signer_job_done(&job);
	io_close(&profile_fd);
	return r;
}
