/*
 * A signing job through a signing service: the ZIP goes in under a name of this call's own, the result comes out, and
 * both are taken away again. With a request token the name is made of the token and stays, so that the same token finds
 * its job; a result that could not be put in its place stays, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/random.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "service.h"

#define UNIQUE_LENGTH 16U
#define JOB_ATTRIBUTE "user.vouchfs.job_id"
#define TOKEN_WAIT_MS 60000U /* for another call with the same token */
#define TOKEN_POLL_NS 50000000L

struct exchange {
	const struct service *service;
	const struct signer_job_request *request;
	int slot, source;
	char name[LIMIT_NAME_BYTES + 1];
	char signed_name[LIMIT_NAME_BYTES + sizeof("signed/")];
};

/* ---- names ---- */

/* What the source is called, shown by the job's record, and something that no other call has. */
static void make_unique_name(const char *source, char ret[LIMIT_NAME_BYTES + 1])
{
	static const char suffix[] = ".zip";
	char unique[UNIQUE_LENGTH + 1];
	const char *slash = strrchr(source, '/'), *base = slash ? slash + 1 : source;
	base += strspn(base, "."); /* with a dot it would be a staging name */
	size_t len = strlen(base), most = LIMIT_NAME_BYTES - UNIQUE_LENGTH - strlen(suffix) - 1;
	if (text_ends_with(base, suffix))
		len -= strlen(suffix);
	random_alphanumeric(unique, UNIQUE_LENGTH);
	(void)snprintf(ret, LIMIT_NAME_BYTES + 1, "%.*s-%s%s", (int)(len < most ? len : most), base, unique, suffix);
}

static int make_token_name(const char *token, char ret[LIMIT_NAME_BYTES + 1])
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	char hex[CRYPTO_SHA256_HEX_SIZE];
	int r = crypto_sha256(token, strlen(token), digest);
	if (r < 0)
		return r;
	text_hex(digest, sizeof(digest), hex);
	(void)snprintf(ret, LIMIT_NAME_BYTES + 1, "token-%s.zip", hex);
	return 0;
}

static int make_name(struct exchange *exchange)
{
	const char *token = exchange->request->client_request_token;
	int r = 0;
	if (token)
		r = make_token_name(token, exchange->name);
	else
		make_unique_name(exchange->request->source_path, exchange->name);
	(void)snprintf(exchange->signed_name, sizeof(exchange->signed_name), "signed/%s", exchange->name);
	return r;
}

/* ---- in ---- */

static bool has_result(const struct exchange *exchange)
{
	int fd = io_openat(exchange->slot, exchange->signed_name, O_RDONLY, 0);
	bool is_there = fd >= 0;
	io_close(&fd);
	return is_there;
}

/* What was handed in says that it is signed, and both sides come at once. */
static bool is_signed(const struct exchange *exchange)
{
	char job_id[ARN_JOB_ID_SIZE];
	int fd = io_openat(exchange->slot, exchange->name, O_RDONLY, 0);
	bool is = fd >= 0 && service_attribute(fd, JOB_ATTRIBUTE, job_id, sizeof(job_id)) == 0;
	io_close(&fd);
	return is;
}

/*
 * A descriptor to write to; -EEXIST: the token's job is done, -ESTALE: and its result is gone. Where another call with
 * the token is at work, its outcome is waited for: when it fails, its name is free.
 */
static int open_name(const struct exchange *exchange)
{
	uint64_t since_ms = clock_monotonic_ms();
	for (;;) {
		if (exchange->request->client_request_token && has_result(exchange))
			return -EEXIST;
		int fd = io_openat(exchange->slot, exchange->name, O_WRONLY | O_CREAT | O_EXCL, 0666);
		if (fd != -EEXIST)
			return fd;
		if (is_signed(exchange))
			return has_result(exchange) ? -EEXIST : -ESTALE;
		if (clock_monotonic_ms() - since_ms > TOKEN_WAIT_MS)
			return -EBUSY;
		(void)nanosleep(&(struct timespec){.tv_nsec = TOKEN_POLL_NS}, NULL);
	}
}

/* What the service's check says of the artifact: the same check. False: nothing. */
static bool explain_artifact(const struct exchange *exchange, struct explain *ret_why)
{
	struct zip_refusal refusal = {0};
	struct stat st;
	if (fstat(exchange->source, &st) < 0)
		return false;
	struct io_reader file = io_reader_fd(&exchange->source, (uint64_t)st.st_size);
	int r = signer_check_artifact(&file, LIMIT_UNPACKED_BYTES_DEFAULT, &refusal);
	if (r != -EBADMSG && r != -EEXIST)
		return false;
	explain_set(ret_why, "%s%s%s", refusal.text.text, refusal.remedy.text[0] ? "; " : "", refusal.remedy.text);
	return true;
}

/* Calls that fail side by side write over one another's notes. */
static int explain_refusal(const struct exchange *exchange, int error, struct explain *ret_why)
{
	const char *profile = exchange->request->profile_name;
	bool is_artifact = error == -EINVAL || error == -EEXIST;
	if (is_artifact && !service_tells(exchange->service, profile, ret_why) && explain_artifact(exchange, ret_why))
		return -EINVAL;
	return service_refused(exchange->service, profile, SIGNER_START_SIGNING_JOB, error, ret_why);
}

/* 0 when it is signed, by this call or the token's first one. */
static int hand_in(const struct exchange *exchange, struct explain *ret_why)
{
	int r = 0, fd = open_name(exchange);
	if (fd == -EEXIST)
		return 0;
	if (fd == -ESTALE || fd == -EBUSY) {
		explain_set(ret_why, "%s",
			    fd == -EBUSY ? "another call with this client request token is at work; try again later"
					 : "the job of this client request token is done, and its result has been "
					   "taken out of the signing service; give another token");
		return fd == -EBUSY ? -EBUSY : -EEXIST;
	}
	if (fd < 0)
		return explain_refusal(exchange, fd, ret_why);
	uint64_t size;
	r = io_copy(exchange->source, fd, UINT64_MAX, &size);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0)
		return 0;
	(void)unlinkat(exchange->slot, exchange->name, 0);
	return explain_refusal(exchange, r, ret_why);
}

/* ---- out ---- */

/* Signed, and what it came to. An empty file is taken without a word and signed by nobody. */
static int open_result(const struct exchange *exchange, struct signer_job *ret, int *ret_fd, struct explain *ret_why)
{
	char job_id[ARN_JOB_ID_SIZE] = "", shown[2 * LIMIT_NAME_BYTES];
	int fd = io_openat(exchange->slot, exchange->signed_name, O_RDONLY, 0);
	int r = fd < 0 ? fd : service_attribute(fd, JOB_ATTRIBUTE, job_id, sizeof(job_id));
	if (r == 0)
		r = service_read_record(exchange->slot, job_id, ret);
	if (r == 0) {
		*ret_fd = fd;
		return 0;
	}
	bool is_missing = fd == -ENOENT;
	io_close(&fd);
	(void)text_escape_print(shown, sizeof(shown), exchange->signed_name, strlen(exchange->signed_name));
	if (is_missing && explain_artifact(exchange, ret_why)) {
		(void)unlinkat(exchange->slot, exchange->name, 0);
		return -EINVAL;
	}
	explain_set(ret_why, "the signing service does not show what became of the artifact, %s of profile %s: %s",
		    shown, exchange->request->profile_name, strerror(-r));
	return r;
}

static int take_result(const struct exchange *exchange, struct signer_job *job, struct explain *ret_why)
{
	int fd = -1;
	char *path = NULL, shown[256], name[2 * LIMIT_NAME_BYTES];
	int r = open_result(exchange, job, &fd, ret_why);
	if (r < 0)
		return r;
	r = signer_place_result(fd, exchange->request, &job->arn, &path, ret_why);
	io_close(&fd);
	if (r < 0) {
		(void)text_escape_print(name, sizeof(name), exchange->signed_name, strlen(exchange->signed_name));
		explain_prefix(ret_why, "signing job %s is done, and its result stays in the service, %s/%s/%s",
			       job->arn.id,
			       text_escape_print(shown, sizeof(shown), exchange->service->path,
						 strlen(exchange->service->path)),
			       exchange->request->profile_name, name);
		return r;
	}
	free(job->signed_object);
	job->signed_object = path;
	if (!exchange->request->client_request_token) { /* else the service lets them go when their time is over */
		(void)unlinkat(exchange->slot, exchange->signed_name, 0);
		(void)unlinkat(exchange->slot, exchange->name, 0);
	}
	return 0;
}

int service_start_job(const struct service *service, const struct signer_job_request *request, struct signer_job *ret,
		      struct explain *ret_notice, struct explain *ret_why)
{
	struct exchange exchange = {.service = service, .request = request, .slot = -1, .source = -1};
	struct signer_job job = {0};
	ASSERT(request->content == SIGNATURE_OF_ARTIFACT);
	int r = signer_check_request(request, ret_why);
	if (r == 0)
		r = signer_open_source(request->source_path, request->max_artifact_bytes, &exchange.source, ret_why);
	if (r == 0)
		r = service_open_profile(service, request->profile_name, SIGNER_START_SIGNING_JOB, &exchange.slot,
					 ret_why);
	if (r == 0)
		r = make_name(&exchange);
	if (r == 0)
		r = hand_in(&exchange, ret_why);
	if (r == 0)
		service_notice(service, request->profile_name, ret_notice);
	if (r == 0)
		r = take_result(&exchange, &job, ret_why);
	io_close(&exchange.source);
	io_close(&exchange.slot);
	if (r == 0)
		*ret = job;
	else
		signer_job_done(&job);
	return r == -EFBIG ? -EINVAL : r;
}
