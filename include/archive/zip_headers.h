/*
 * zip_headers.h - the local headers of an archive, kept while it is written in order.
 *
 * A verdict looks at every local header twice (the gate's own parser, libzip), and for a large archive reading them
 * back one by one takes longer than judging them. What is kept are bytes of the file at offsets, no more: where the
 * headers lie is guessed by following each to the next, and what was guessed wrong, or not at all (behind a header that
 * leaves its sizes to a data descriptor), is read from the file as ever. Nothing is believed because it is here.
 */
#ifndef ARCHIVE_ZIP_HEADERS_H
#define ARCHIVE_ZIP_HEADERS_H

#include "base/buf.h"

struct zip_header_span {
	uint32_t offset; /* in the archive */
	uint32_t len;
	size_t at; /* in the bytes that are kept */
};

struct zip_headers {
	struct buf bytes;
	struct buf spans; /* of struct zip_header_span, offsets ascending */
	uint64_t end;	  /* of what was written so far */
	uint64_t next;	  /* where the header in hand begins */
	size_t kept;	  /* bytes of it, the last ones of those that are kept */
	bool is_over;	  /* nothing more is kept */
};

/*
 * The next bytes of the file; all-zero headers wait for its first. A write that does not continue the one before ends
 * the keeping, and it is the caller's to begin anew when bytes that were noted are written again.
 */
void zip_headers_note(struct zip_headers *headers, const void *bytes, size_t len, uint64_t offset);
void zip_headers_done(struct zip_headers *headers);

/*
 * The file's bytes [offset, offset + len) where all of them are kept, else NULL; valid until the next note. *hint is
 * the caller's, 0 at first: where the last one was, so that asking in order is quick. headers may be NULL.
 */
const uint8_t *zip_headers_find(const struct zip_headers *headers, uint64_t offset, size_t len, size_t *hint);

#endif
