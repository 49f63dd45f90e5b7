/*
 * RFC 3161 over HTTP: one POST, one answer. Plain HTTP is enough, for what counts is signed; a TLS client would bring
 * libssl and its root certificates with it.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/http.h>

#include "base/text.h"
#include "timestamp.h"

#define QUERY_TYPE "application/timestamp-query"
#define REPLY_TYPE "application/timestamp-reply"

/* The first error in the queue says most: "Connection refused", "unexpected content type". */
static void take_reason(char *ret, size_t size)
{
	const char *data = NULL, *reason;
	int flags = 0;
	unsigned long error = ERR_peek_error_all(NULL, NULL, NULL, &data, &flags);
	if (ERR_SYSTEM_ERROR(error))
		reason = strerror(ERR_GET_REASON(error));
	else if (ERR_GET_REASON(error) == ERR_R_SYS_LIB && (flags & ERR_TXT_STRING))
		reason = data; /* of the resolver */
	else
		reason = ERR_reason_error_string(error);
	if (!reason)
		reason = "no answer";
	(void)text_escape_print(ret, size, reason, strlen(reason));
}

static int no_answer(const char *url, struct explain *ret_why)
{
	char escaped[256], said[128];
	take_reason(said, sizeof(said));
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

/*
 * A connection, made once: left to itself OpenSSL tries again until the time is over, also when it is refused. NULL
 * with the reason in the queue.
 */
static BIO *connect_to(const char *host, const char *port)
{
	time_t until = time(NULL) + CRYPTO_TIMESTAMP_TIMEOUT_S;
	BIO *connection = BIO_new_connect(host);
	bool connected = false;
	if (connection && BIO_set_conn_port(connection, port) == 1 && BIO_set_nbio(connection, 1) == 1)
		while (!(connected = BIO_do_connect(connection) == 1) && BIO_should_retry(connection) &&
		       BIO_wait(connection, until, 0) == 1)
			;
	if (!connected) {
		BIO_free_all(connection);
		return NULL;
	}
	return connection;
}

/* Where the environment names a proxy OpenSSL goes there by itself. The answer is whole when it is returned. */
static BIO *post(const char *host, const char *port, const char *path, const struct buf *query)
{
	BIO *answer = NULL;
	BIO *request = BIO_new_mem_buf(query->data, (int)query->len);
	bool by_proxy = OSSL_HTTP_adapt_proxy(NULL, NULL, host, 0) != NULL;
	BIO *connection = by_proxy ? NULL : connect_to(host, port);
	if (request && (by_proxy || connection))
		answer = OSSL_HTTP_transfer(NULL, host, port, path, 0, NULL, NULL, connection, NULL, NULL, NULL, 0,
					    NULL, QUERY_TYPE, request, REPLY_TYPE, 1, CRYPTO_TIMESTAMP_REPLY_MAX_BYTES,
					    CRYPTO_TIMESTAMP_TIMEOUT_S, 0);
	BIO_free_all(connection);
	BIO_free(request);
	return answer;
}

int crypto_timestamp_fetch(const char *url, const struct buf *query, struct buf *ret_reply, struct explain *ret_why)
{
	char *host = NULL, *port = NULL, *path = NULL;
	int use_tls = 1, r;
	if (!text_starts_with(url, "http://") ||
	    OSSL_HTTP_parse_url(url, &use_tls, NULL, &host, &port, NULL, &path, NULL, NULL) != 1 || use_tls ||
	    host[0] == '\0') {
		char escaped[256];
		r = crypto_refuse(ret_why, -EINVAL, "%s: expected http://HOST[:PORT]/PATH of a time stamp authority",
				  text_escape_print(escaped, sizeof(escaped), url, strlen(url)));
	} else {
		sigset_t mask;
		block_sigpipe(&mask);
		BIO *answer = post(host, port, path, query);
		unblock_sigpipe(&mask);
		r = answer ? read_answer(answer, ret_reply) : -EIO;
		if (r < 0 && r != -ENOMEM)
			r = no_answer(url, ret_why);
		BIO_free(answer);
	}
	OPENSSL_free(host);
	OPENSSL_free(port);
	OPENSSL_free(path);
	crypto_openssl_drain();
	return r;
}
