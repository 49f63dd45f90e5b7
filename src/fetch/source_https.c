/* All of libcurl but the reading of URLs is here: a handle for each look, which has no memory of the one before. */
#include "source.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"

struct look {
	CURL *curl;
	struct curl_slist *headers;
	const struct source *source;
	bool is_conditional;
	struct buf body;
	bool is_too_large;
	char error[CURL_ERROR_SIZE];
};

/* ---- asking ---- */

static size_t take_bytes(char *bytes, size_t size, size_t count, void *ctx)
{
	struct look *look = ctx;
	size_t len = size * count;
	look->is_too_large = len > LIMIT_BUNDLE_ZIP_BYTES - look->body.len;
	return look->is_too_large || buf_append(&look->body, bytes, len) < 0 ? 0 : len;
}

/* Seconds; in test builds VOUCHFS_TEST_FETCH_LIMIT is less than any of them. */
static long limit_s(long limit)
{
#ifdef VOUCHFS_TEST_HOOKS
	const char *given = getenv("VOUCHFS_TEST_FETCH_LIMIT");
	uint64_t value;
	if (given && text_parse_u64(given, strlen(given), (uint64_t)limit, &value))
		return (long)value;
#endif
	return limit;
}

static bool set_limits(CURL *curl)
{
	return curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, limit_s(LIMIT_FETCH_CONNECT_S)) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_TIMEOUT, limit_s(LIMIT_FETCH_S)) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)LIMIT_FETCH_SLOW_BYTES) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, limit_s(LIMIT_FETCH_SLOW_S)) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)LIMIT_BUNDLE_ZIP_BYTES) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
}

/* https and nothing else, also behind a redirect; no user, no password, no file of either. */
static bool set_protocol(CURL *curl)
{
	return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "https") == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)LIMIT_FETCH_REDIRECTS) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_USERAGENT, "vouchfs-fetch/" VOUCHFS_VERSION) == CURLE_OK;
}

/* With a file of its own the system's directory of certificates counts for nothing. */
static bool set_trust(CURL *curl, const char *ca)
{
	if (ca && (curl_easy_setopt(curl, CURLOPT_CAINFO, ca) != CURLE_OK ||
		   curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) != CURLE_OK))
		return false;
	return curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK;
}

static bool set_condition(struct look *look, const struct source_mark *since)
{
	char condition[SOURCE_CONDITION_SIZE];
	source_condition(since, condition);
	look->is_conditional = condition[0] != '\0';
	if (!look->is_conditional)
		return true;
	look->headers = curl_slist_append(NULL, condition);
	return look->headers && curl_easy_setopt(look->curl, CURLOPT_HTTPHEADER, look->headers) == CURLE_OK;
}

static bool prepare(struct look *look, const struct source_mark *since)
{
	look->curl = curl_easy_init();
	return look->curl && set_limits(look->curl) && set_protocol(look->curl) &&
	       set_trust(look->curl, look->source->ca) && set_condition(look, since) &&
	       curl_easy_setopt(look->curl, CURLOPT_URL, look->source->address.text) == CURLE_OK &&
	       curl_easy_setopt(look->curl, CURLOPT_ERRORBUFFER, look->error) == CURLE_OK &&
	       curl_easy_setopt(look->curl, CURLOPT_WRITEFUNCTION, take_bytes) == CURLE_OK &&
	       curl_easy_setopt(look->curl, CURLOPT_WRITEDATA, look) == CURLE_OK;
}

/* ---- what is said of a failure ---- */

static const struct {
	CURLcode code;
	int error;
	const char *advice;
} advices[] = {
	{CURLE_PEER_FAILED_VERIFICATION, -EKEYREJECTED,
	 "; the server has to show a certificate for this name by a CA that this host trusts: [policy] source_ca names "
	 "the file with another CA"},
	{CURLE_SSL_CACERT_BADFILE, -EINVAL,
	 "; [policy] source_ca has to be a PEM file with certificates of CAs that the user who fetches may read"},
	{CURLE_UNSUPPORTED_PROTOCOL, -EPROTONOSUPPORT, "; a redirect is followed to https alone"},
	{CURLE_TOO_MANY_REDIRECTS, -ELOOP, "; source should name what the redirects lead to"},
	{CURLE_COULDNT_RESOLVE_HOST, -EHOSTUNREACH, ""},
	{CURLE_OPERATION_TIMEDOUT, -ETIMEDOUT, ""},
};

static int explain_failure(const struct look *look, CURLcode code, struct explain *why)
{
	char said[4 * CURL_ERROR_SIZE];
	const char *text = look->error[0] ? look->error : curl_easy_strerror(code);
	if (look->is_too_large || code == CURLE_FILESIZE_EXCEEDED) {
		explain_set(why, "%s: it is larger than the %u bytes that a policy bundle may have",
			    look->source->address.shown, LIMIT_BUNDLE_ZIP_BYTES);
		return -EFBIG;
	}
	int r = -EIO;
	const char *advice = "";
	for (size_t i = 0; i < ARRAY_SIZE(advices); i++)
		if (advices[i].code == code) {
			advice = advices[i].advice;
			r = advices[i].error;
		}
	explain_set(why, "%s: %s%s", look->source->address.shown,
		    text_escape_print(said, sizeof(said), text, strlen(text)), advice);
	return r;
}

static int explain_status(const struct look *look, long status, struct explain *why)
{
	explain_set(why, "%s: the server answered with status %ld instead of a policy bundle",
		    look->source->address.shown, status);
	return -EIO;
}

/* ---- the answer ---- */

static void take_marks(CURL *curl, struct source_mark *mark)
{
	struct curl_header *header;
	if (curl_easy_header(curl, "ETag", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
		source_take_etag(header->value, mark);
	if (curl_easy_header(curl, "Last-Modified", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
		source_take_last_modified(header->value, mark);
}

static int ask(struct look *look, struct source_mark *mark, struct explain *why)
{
	long status = 0;
	CURLcode code = curl_easy_perform(look->curl);
	(void)curl_easy_getinfo(look->curl, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_HTTP_RETURNED_ERROR)
		return explain_status(look, status, why);
	if (code != CURLE_OK)
		return explain_failure(look, code, why);
	if (status == 304 && look->is_conditional)
		return SOURCE_UNCHANGED;
	if (status != 200)
		return explain_status(look, status, why);
	take_marks(look->curl, mark);
	return 0;
}

int source_look_at_https(const struct source *source, const struct source_mark *since, struct buf *ret_body,
			 struct source_mark *ret_mark, struct explain *ret_why)
{
	struct look look = {.source = source};
	struct source_mark mark = {0};
	int r = prepare(&look, since) ? 0 : -ENOMEM;
	if (r < 0)
		explain_set(ret_why, "%s: libcurl cannot be set up", source->address.shown);
	else
		r = ask(&look, &mark, ret_why);
	if (r == 0) {
		*ret_mark = mark;
		*ret_body = look.body;
		look.body = (struct buf){0};
	}
	curl_easy_cleanup(look.curl);
	curl_slist_free_all(look.headers);
	buf_done(&look.body);
	return r;
}
