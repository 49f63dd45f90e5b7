#include "zip_window.h"

#include <errno.h>
#include <stdlib.h>

#define FAR_READ_BYTES 512 /* a header with its name, as a rule */

int zip_pread(const struct io_reader *file, void *buf, size_t len, uint64_t offset)
{
	int r = io_reader_pread(file, buf, len, offset);
	return r == -EBADMSG ? -EIO : r;
}

int zip_window_init(struct zip_window *window, const struct io_reader *file, size_t ahead_bytes)
{
	ASSERT(ahead_bytes <= ZIP_HEADER_BYTES_MAX);
	*window = (struct zip_window){.file = file, .ahead_bytes = ahead_bytes, .bytes = malloc(ZIP_HEADER_BYTES_MAX)};
	return window->bytes ? 0 : -ENOMEM;
}

void zip_window_done(struct zip_window *window)
{
	free(window->bytes);
	*window = (struct zip_window){0};
}

static bool holds(const struct zip_window *window, uint64_t offset, size_t len)
{
	return offset >= window->offset && offset - window->offset <= window->len &&
	       len <= window->len - (size_t)(offset - window->offset);
}

/* Would reading ahead the last time have brought this? Then the next one is likely to be near, too. */
static bool is_near(const struct zip_window *window, uint64_t offset)
{
	return offset >= window->offset && offset - window->offset <= window->ahead_bytes;
}

static int move_to(struct zip_window *window, uint64_t offset, size_t len)
{
	uint64_t left = offset < window->file->size_bytes ? window->file->size_bytes - offset : 0;
	if (len > left)
		return -EIO;

	size_t ahead = is_near(window, offset) ? window->ahead_bytes : FAR_READ_BYTES;
	size_t want = len > ahead ? len : ahead;
	if (want > left)
		want = (size_t)left;
	window->len = 0;
	int r = zip_pread(window->file, window->bytes, want, offset);
	if (r < 0)
		return r;
	window->offset = offset;
	window->len = want;
	return 0;
}

int zip_window_read(struct zip_window *window, uint64_t offset, size_t len, const uint8_t **ret)
{
	ASSERT(len <= ZIP_HEADER_BYTES_MAX);
	const uint8_t *kept = zip_headers_find(window->headers, offset, len, &window->hint);
	if (kept) {
		*ret = kept;
		return 0;
	}
	if (!holds(window, offset, len)) {
		int r = move_to(window, offset, len);
		if (r < 0)
			return r;
	}
	*ret = window->bytes + (offset - window->offset);
	return 0;
}
