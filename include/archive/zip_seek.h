/*
 * zip_seek.h - parts of a deflated entry that is too large to be kept whole.
 *
 * A deflate stream can only be read from its beginning. Read through once, which is also when size, CRC and the end of
 * the stream are checked (R7), it is marked, once in each interval: where in the data that is, and the 32 KiB before
 * it, which is all that the rest can refer to. From then on a part costs what lies between it and the mark before.
 */
#ifndef ARCHIVE_ZIP_SEEK_H
#define ARCHIVE_ZIP_SEEK_H

#include "archive/zip.h"

#define ZIP_SEEK_INTERVAL_BYTES ((uint64_t)1024 * 1024) /* of content; a mark costs 32 KiB */

struct zip_seek; /* immutable, may be shared between threads */

/* What lies between two marks, as it comes out when the entry is read through. */
struct zip_seek_sink {
	void *ctx;
	void (*take)(void *ctx, size_t part, uint64_t offset, const void *bytes, size_t len);
};

/*
 * 0; -EBADMSG: the entry is not what is stated (R7); or another negative errno. entry must outlive it. sink (NULL:
 * none) is given parts in their order while nothing is known yet about what follows them.
 */
int zip_seek_new(const struct io_reader *file, const struct zip_entry *entry, const struct zip_seek_sink *sink,
		 struct zip_seek **ret);
void zip_seek_free(struct zip_seek *seek);

/* The bytes [offset, offset + len) of the content, which are within its size. */
int zip_seek_read(const struct zip_seek *seek, const struct io_reader *file, void *dst, size_t len, uint64_t offset);

/* From one mark to the next. Parts count from 0. */
struct zip_seek_part {
	size_t number;
	uint64_t offset, len;
};
/* The one that offset is in, which is less than the size. */
struct zip_seek_part zip_seek_part_at(const struct zip_seek *seek, uint64_t offset);
/* All of a part of at most ZIP_SEEK_PART_MAX. */
int zip_seek_read_part(const struct zip_seek *seek, const struct io_reader *file, const struct zip_seek_part *part,
		       void *dst);
/* The most that a part has which is worth keeping; where an entry is one endless block there are larger ones. */
#define ZIP_SEEK_PART_MAX ((size_t)2 * 1024 * 1024)

#endif
