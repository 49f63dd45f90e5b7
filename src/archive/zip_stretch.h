/*
 * zip_stretch.h - a stretch of a deflate stream, from one mark to the next, read in one piece by libdeflate.
 *
 * libdeflate knows neither windows nor bits to begin with. So the stretch becomes a stream of its own: what precedes it
 * as a stored block, empty blocks up to the bit of a byte where it begins, and an empty last block. What is said about
 * libdeflate in zip_whole.h goes for it too: only a yes with the right length and CRC counts.
 */
#ifndef ARCHIVE_ZIP_STRETCH_H
#define ARCHIVE_ZIP_STRETCH_H

#include "archive/zip.h"

struct zip_stretch {
	const uint8_t *window; /* what precedes it, at most 32 KiB */
	size_t window_len;
	uint64_t start_bit, end_bit; /* in the entry's data, lowest bits first */
	bool is_last;		     /* it ends the stream by itself */
	size_t len;		     /* of its content */
	uint32_t crc32;
};

/*
 * 1: dst holds its content; 0: libdeflate does not say so, and dst is as it was; or a negative errno: the archive could
 * not be read, or out of memory.
 */
int zip_read_stretch(const struct io_reader *file, const struct zip_entry *entry, const struct zip_stretch *stretch,
		     void *dst);

#endif
