/*
 * source.h - one look at what a source has: over https by libcurl (source_https.c), or in a file (source_file.c).
 *
 * What comes is bytes that nobody has vouched for: the signature is checked where they are written. So all that is
 * asked of the transport is that it comes from the host that the configuration names, is not too long, and ends.
 */
#ifndef FETCH_SOURCE_H
#define FETCH_SOURCE_H

#include <sys/types.h>
#include <time.h>

#include "address.h"
#include "base/buf.h"
#include "base/explain.h"

#define SOURCE_MARK_SIZE 256

/* How a source tells one state of it from another. All-zero: it does not. */
struct source_mark {
	char etag[SOURCE_MARK_SIZE];	      /* with its quotes, "" without one */
	char last_modified[SOURCE_MARK_SIZE]; /* as the server wrote it, "" without one */
	/* of a file: */
	dev_t dev;
	ino_t ino;
	off_t size_bytes;
	struct timespec modified, changed;
};

struct source {
	struct address address;
	const char *ca; /* PEM file of the certificates that are trusted; NULL: the system's */
};

/* 0: ret_body has all of it, which has this mark. SOURCE_UNCHANGED: it is as when it had the mark since (NULL: never).
 * Below that: ret_why says in one line what is wrong, and what to do. */
#define SOURCE_UNCHANGED 1
int source_look(const struct source *source, const struct source_mark *since, struct buf *ret_body,
		struct source_mark *ret_mark, struct explain *ret_why);

int source_look_at_file(const char *path, const struct source_mark *since, struct buf *ret_body,
			struct source_mark *ret_mark, struct explain *ret_why);
int source_look_at_https(const struct source *source, const struct source_mark *since, struct buf *ret_body,
			 struct source_mark *ret_mark, struct explain *ret_why);

/* The header by which only what has changed is asked for; "" where there is no mark that could tell. */
#define SOURCE_CONDITION_SIZE (SOURCE_MARK_SIZE + 32)
void source_condition(const struct source_mark *since, char ret[SOURCE_CONDITION_SIZE]);
/* Takes over what a server sent if it can be sent back as it is: one line of plain text, an ETag in quotes. */
void source_take_etag(const char *value, struct source_mark *mark);
void source_take_last_modified(const char *value, struct source_mark *mark);

#endif
