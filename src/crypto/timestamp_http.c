/*
 * RFC 3161 over HTTP: one POST, one answer. Plain HTTP is enough, for what counts is signed; a TLS client would bring
 * libssl and its root certificates with it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/http.h>

#include "base/text.h"
#include "timestamp.h"

#define QUERY_TYPE "application/timestamp-query"
#define REPLY_TYPE "application/timestamp-reply"

static int no_answer(const char *url, struct explain *ret_why)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	char escaped[256], said[128];
	(void)snprintf(said, sizeof(said), "%s", reason ? reason : "no answer");
	return crypto_refuse(ret_why, -EIO,
			     "the time stamp authority %s: %s (an answer of type %s is expected within %d s)",
			     text_escape_print(escaped, sizeof(escaped), url, strlen(url)), said, REPLY_TYPE,
			     CRYPTO_TIMESTAMP_TIMEOUT_S);
}

static int read_answer(BIO *answer, struct buf *ret)
{
	uint8_t chunk[4096];
	int got;
	while ((got = BIO_read(answer, chunk, sizeof(chunk))) > 0) {
		if (ret->len + (size_t)got > CRYPTO_TIMESTAMP_REPLY_MAX_BYTES)
			return -EFBIG;
		int r = buf_append(ret, chunk, (size_t)got);
		if (r < 0)
			return r;
	}
	return ret->len > 0 ? 0 : -EIO;
}

/* An authority that hangs up is an error, not the end of the process; whoever else is waiting for signals goes on. */
static void block_sigpipe(sigset_t *ret_mask)
{
	sigset_t pipe;
	(void)sigemptyset(&pipe);
	(void)sigaddset(&pipe, SIGPIPE);
	(void)pthread_sigmask(SIG_BLOCK, &pipe, ret_mask);
}

static void unblock_sigpipe(const sigset_t *mask)
{
	sigset_t pipe;
	(void)sigemptyset(&pipe);
	(void)sigaddset(&pipe, SIGPIPE);
	if (!sigismember(mask, SIGPIPE))
		(void)sigtimedwait(&pipe, NULL, &(struct timespec){0});
	(void)pthread_sigmask(SIG_SETMASK, mask, NULL);
}

int crypto_timestamp_fetch(const char *url, const struct buf *query, struct buf *ret_reply, struct explain *ret_why)
{
	char *host = NULL, *port = NULL, *path = NULL;
	int use_tls = 1, r;
	BIO *request = NULL, *answer = NULL;
	if (!text_starts_with(url, "http://") ||
	    OSSL_HTTP_parse_url(url, &use_tls, NULL, &host, &port, NULL, &path, NULL, NULL) != 1 || use_tls ||
	    host[0] == '\0') {
		char escaped[256];
		r = crypto_refuse(ret_why, -EINVAL, "%s: expected http://HOST[:PORT]/PATH of a time stamp authority",
				  text_escape_print(escaped, sizeof(escaped), url, strlen(url)));
		goto out;
	}
	request = BIO_new_mem_buf(query->data, (int)query->len);
	if (!request) {
		r = crypto_openssl_failure();
		goto out;
	}
	sigset_t mask;
	block_sigpipe(&mask);
	answer = OSSL_HTTP_transfer(NULL, host, port, path, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, QUERY_TYPE,
				    request, REPLY_TYPE, 1, CRYPTO_TIMESTAMP_REPLY_MAX_BYTES,
				    CRYPTO_TIMESTAMP_TIMEOUT_S, 0);
	unblock_sigpipe(&mask);
	r = answer ? read_answer(answer, ret_reply) : -EIO;
	if (r < 0 && r != -ENOMEM)
		r = no_answer(url, ret_why);
out:
	BIO_free(answer);
	BIO_free(request);
	OPENSSL_free(host);
	OPENSSL_free(port);
	OPENSSL_free(path);
	crypto_openssl_drain();
	return r;
}
