/*
 * zip_window.h - reads headers through a window that runs ahead, so that small neighbours cost one read together.
 */
#ifndef ARCHIVE_ZIP_WINDOW_H
#define ARCHIVE_ZIP_WINDOW_H

#include "archive/zip_headers.h"
#include "base/io.h"
#include "zip_format.h"

/* io_reader_pread, with -EBADMSG kept for broken rules: a reader's own becomes -EIO. */
int zip_pread(const struct io_reader *file, void *buf, size_t len, uint64_t offset);

struct zip_window {
	const struct io_reader *file;
	const struct zip_headers *headers; /* what need not be read; NULL after zip_window_init */
	size_t hint;
	size_t ahead_bytes; /* what one read takes where neighbours are read, and the file has it */
	uint8_t *bytes;	    /* room for ZIP_HEADER_BYTES_MAX */
	uint64_t offset;
	size_t len;
};

int zip_window_init(struct zip_window *window, const struct io_reader *file, size_t ahead_bytes);
void zip_window_done(struct zip_window *window);

/* The bytes [offset, offset + len), valid until the next call; len <= ZIP_HEADER_BYTES_MAX. Past the end: -EIO. */
int zip_window_read(struct zip_window *window, uint64_t offset, size_t len, const uint8_t **ret);

#endif
