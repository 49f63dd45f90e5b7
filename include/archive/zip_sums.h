/*
 * zip_sums.h - the CRC of a stored entry (R7) without reading it: from the CRCs of the blocks of its archive, which
 * were made while the archive was written, and the pieces of two blocks at its ends.
 */
#ifndef ARCHIVE_ZIP_SUMS_H
#define ARCHIVE_ZIP_SUMS_H

#include "archive/zip.h"

/* A block's sum is zip_sum(0, its bytes, their number): CRC-32, as in a ZIP. It can be continued: crc is that before.
 */
uint32_t zip_sum(uint32_t crc, const void *bytes, size_t len);

struct zip_sums {
	const uint32_t *of_blocks; /* of all of the archive that entries lie in */
	size_t block_bytes;
};
/*
 * 1: provided that the sums are those of the file, the stored entry's content is as stated; 0: they do not say so;
 * negative errno: the archive could not be read, or out of memory.
 */
int zip_sums_vouch(const struct io_reader *file, const struct zip_entry *entry, const struct zip_sums *sums);

#endif
