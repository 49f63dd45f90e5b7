/*
 * Time stamps: over HTTP, or through a directory where somebody answers the queries with tools of their own. A stamp is
 * made over a signature, so the signature is there first, and a signed file can be stamped at any later time: the bytes
 * that were signed do not change.
 */
#include "stamp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/zip.h"
#include "base/io.h"
#include "base/text.h"
#include "crypto/timestamp.h"
#include "draft.h"
#include "signature/signature.h"

#define HTTP	    "http://"
#define FILE_SCHEME "file:"

/* The path of a file: URL; NULL: another URL. */
static const char *file_path(const char *url)
{
	if (!text_starts_with(url, FILE_SCHEME))
		return NULL;
	const char *path = url + strlen(FILE_SCHEME);
	return text_starts_with(path, "///") ? path + 2 : path;
}

int stamp_check_url(const char *url, bool may_be_reply, struct explain *ret_why)
{
	char escaped[HOME_PRINTABLE_SIZE];
	struct stat st;
	const char *path = file_path(url);
	if (!path && text_starts_with(url, HTTP))
		return 0;
	if (!path)
		return home_refuse(ret_why, -EINVAL,
				   "--timestamp-url %s: expected http://HOST[:PORT]/PATH, or file:DIR for queries and "
				   "replies (what counts is signed, so that there is no https)",
				   home_printable(url, escaped));
	if (stat(path, &st) < 0)
		return home_failed(ret_why, -errno, "--timestamp-url %s", home_printable(url, escaped));
	if (!S_ISDIR(st.st_mode) && !(may_be_reply && S_ISREG(st.st_mode)))
		return home_refuse(ret_why, -EINVAL,
				   "--timestamp-url %s is not a directory; a reply can be taken when there is a "
				   "signature that it stamps: vouchfs timestamp --timestamp-url file:REPLY FILE",
				   home_printable(url, escaped));
	return 0;
}

static int find_job_id(const struct buf *comment, char ret[ARN_JOB_ID_SIZE], struct explain *ret_why)
{
	struct crypto_cms *cms = NULL;
	struct statement statement;
	enum signature_content content;
	size_t len;
	int r = signature_parse_any(comment->data, comment->len, &content, &cms, ret_why);
	if (r < 0)
		return r;
	const char *text = crypto_cms_content(cms, &len);
	r = statement_parse(text, len, &statement, ret_why);
	if (r == 0)
		memcpy(ret, statement.job.id, ARN_JOB_ID_SIZE);
	crypto_cms_free(cms);
	return r;
}

/* Replaces the comment. query NULL: it was not kept. */
static int attach(struct buf *comment, const struct buf *query, const struct buf *reply, struct explain *ret_why)
{
	struct buf stamped = {0};
	int r = signature_add_timestamp(comment, query, reply, &stamped, ret_why);
	if (r == 0) {
		buf_done(comment);
		*comment = stamped;
		stamped = (struct buf){0};
	}
	buf_done(&stamped);
	return r;
}

static int stamp_by_http(const char *url, struct buf *comment, struct explain *ret_why)
{
	struct buf query = {0}, reply = {0};
	int r = signature_timestamp_query(comment, &query, ret_why);
	if (r == 0)
		r = crypto_timestamp_fetch(url, &query, &reply, ret_why);
	if (r == 0)
		r = attach(comment, &query, &reply, ret_why);
	buf_done(&query);
	buf_done(&reply);
	return r;
}

static int stamp_by_reply(const char *path, struct buf *comment, struct explain *ret_why)
{
	char escaped[HOME_PRINTABLE_SIZE];
	struct buf reply = {0};
	int r = io_read_path(path, CRYPTO_TIMESTAMP_REPLY_MAX_BYTES, &reply);
	r = r < 0 ? home_failed(ret_why, r, "the reply %s", home_printable(path, escaped))
		  : attach(comment, NULL, &reply, ret_why);
	buf_done(&reply);
	return r;
}

/* The query is written once: a reply to it may be on its way. */
static int leave_query(int directory, const char *path, const char *job_id, const struct buf *comment,
		       struct explain *ret_notice, struct explain *ret_why)
{
	char name[64], escaped[HOME_PRINTABLE_SIZE];
	struct stat st;
	struct buf query = {0};
	(void)snprintf(name, sizeof(name), "%s.tsq", job_id);
	(void)home_printable(path, escaped);
	int r = 0;
	if (fstatat(directory, name, &st, 0) < 0) {
		r = signature_timestamp_query(comment, &query, ret_why);
		if (r == 0)
			r = io_write_file(directory, name, query.data, query.len, 0644, true);
		if (r < 0 && r != -EBADMSG)
			r = home_failed(ret_why, r, "the query %s/%s cannot be written", escaped, name);
	}
	buf_done(&query);
	if (r == 0 && ret_notice)
		explain_set(ret_notice,
			    "the signature has no time stamp yet: have %s/%s.tsq answered (openssl ts -reply), put the "
			    "reply into %s/%s.tsr, then: vouchfs timestamp --timestamp-url file:%s FILE",
			    escaped, job_id, escaped, job_id, escaped);
	return r;
}

/* 0 with empty buffers where there is no reply. */
static int read_exchange(int directory, const char *job_id, struct buf *ret_query, struct buf *ret_reply,
			 struct explain *ret_why)
{
	char name[64];
	(void)snprintf(name, sizeof(name), "%s.tsr", job_id);
	int r = io_read_file(directory, name, CRYPTO_TIMESTAMP_REPLY_MAX_BYTES, ret_reply);
	if (r == 0) {
		(void)snprintf(name, sizeof(name), "%s.tsq", job_id);
		r = io_read_file(directory, name, CRYPTO_TIMESTAMP_QUERY_MAX_BYTES, ret_query);
	}
	return r == 0 || r == -ENOENT ? 0 : home_failed(ret_why, r, "%s cannot be read", name);
}

static int stamp_by_directory(const char *path, struct buf *comment, bool *ret_pending, struct explain *ret_notice,
			      struct explain *ret_why)
{
	char job_id[ARN_JOB_ID_SIZE], escaped[HOME_PRINTABLE_SIZE];
	struct buf query = {0}, reply = {0};
	int directory = -1;
	int r = find_job_id(comment, job_id, ret_why);
	if (r < 0)
		return r;
	directory = io_open_dir(path);
	if (directory < 0)
		return home_failed(ret_why, directory, "the directory %s", home_printable(path, escaped));
	r = read_exchange(directory, job_id, &query, &reply, ret_why);
	if (r == 0 && reply.len > 0)
		r = attach(comment, query.len > 0 ? &query : NULL, &reply, ret_why);
	else if (r == 0) {
		r = leave_query(directory, path, job_id, comment, ret_notice, ret_why);
		*ret_pending = r == 0;
	}
	io_close(&directory);
	buf_done(&query);
	buf_done(&reply);
	return r;
}

int stamp_comment(const char *url, struct buf *comment, bool *ret_pending, struct explain *ret_notice,
		  struct explain *ret_why)
{
	struct stat st;
	const char *path = file_path(url);
	*ret_pending = false;
	if (!path)
		return stamp_by_http(url, comment, ret_why);
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
		return stamp_by_reply(path, comment, ret_why);
	return stamp_by_directory(path, comment, ret_pending, ret_notice, ret_why);
}

static int read_signature(const struct draft *draft, struct zip_tail *ret_tail, struct buf *ret_comment,
			  struct explain *ret_why)
{
	struct io_reader file = io_reader_fd(&draft->fd, draft->size_bytes);
	struct zip_refusal refusal = {0};
	int r = zip_read_tail(&file, ret_tail, &refusal);
	if (r < 0)
		return r == -EBADMSG ? home_refuse(ret_why, r, "%s", refusal.text.text)
				     : home_failed(ret_why, r, "the file cannot be read");
	r = buf_reserve(ret_comment, ret_tail->comment_len + 1U);
	if (r == 0)
		r = io_reader_pread(&file, ret_comment->data, ret_tail->comment_len, ret_tail->comment_offset);
	if (r < 0)
		return home_failed(ret_why, r, "the file cannot be read");
	ret_comment->len = ret_tail->comment_len;
	if (!signature_is_claimed(ret_comment->data, ret_comment->len))
		return home_refuse(ret_why, -EBADMSG,
				   "it is not signed; sign it first: vouchfs sign --profile NAME FILE");
	return 0;
}

int signer_timestamp_file(const char *path, const char *url, uint64_t max_artifact_bytes, bool *ret_pending,
			  struct explain *ret_notice, struct explain *ret_why)
{
	struct draft draft = DRAFT_NONE;
	struct zip_tail tail;
	struct buf comment = {0};
	bool pending = false;
	int r = stamp_check_url(url, true, ret_why);
	if (r == 0)
		r = draft_open(&(struct draft_files){.source = path, .destination = path}, max_artifact_bytes, &draft,
			       ret_why);
	if (r == 0)
		r = read_signature(&draft, &tail, &comment, ret_why);
	if (r == 0)
		r = stamp_comment(url, &comment, &pending, ret_notice, ret_why);
	if (r == 0 && !pending)
		r = draft_seal(&draft, tail.signed_length, &comment, ret_why);
	if (r == 0 && !pending)
		r = draft_publish(&draft, ret_why);
	if (r == 0)
		*ret_pending = pending;
	draft_done(&draft);
	buf_done(&comment);
	return r;
}
