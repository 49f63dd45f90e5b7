/*
 * zip_unpack.h - unpacks one entry after the other, with zlib, in pieces (zip_contents.c).
 */
#ifndef ARCHIVE_ZIP_UNPACK_H
#define ARCHIVE_ZIP_UNPACK_H

#include "archive/zip.h"

struct zip_unpacker;

/* Of one thread; each has one of its own. */
int zip_unpacker_new(const struct io_reader *file, struct zip_unpacker **ret);
void zip_unpacker_free(struct zip_unpacker *unpacker);

/*
 * dst holds entry->size_bytes; NULL: contents are only checked. -EBADMSG when size or CRC differ (R7), and *ret_problem
 * says in what.
 */
int zip_unpack(struct zip_unpacker *unpacker, const struct zip_entry *entry, void *dst, const char **ret_problem);

#endif
