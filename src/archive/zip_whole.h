/*
 * zip_whole.h - deflated entries read in one piece, for those who want the content, by libdeflate.
 *
 * It is more than twice as fast as zlib, and takes nothing but whole buffers. What it says is only believed where it
 * says yes and size, CRC and end of the data are as stated; zlib decides about the rest, so that what is wrong with an
 * entry is said as ever. Verdicts, at deployment and at signing, are zlib's alone: libdeflate takes the four symbols
 * that RFC 1951 reserves (lengths 286 and 287, distances 30 and 31) for others, zlib refuses them. Where such a stream
 * was signed elsewhere, its content has the stated size and CRC, and there is no second reading of it.
 */
#ifndef ARCHIVE_ZIP_WHOLE_H
#define ARCHIVE_ZIP_WHOLE_H

#include "archive/zip.h"

/* zlib does larger ones, in pieces. */
#define ZIP_WHOLE_PACKED_MAX ((uint32_t)64 * 1024 * 1024)

/*
 * 1: dst holds the entry's content; 0: libdeflate does not say so, and dst may hold anything; or a negative errno: the
 * archive could not be read.
 */
int zip_read_whole(const struct io_reader *file, const struct zip_entry *entry, void *dst);

#endif
