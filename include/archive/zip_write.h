/*
 * zip_write.h - makes a ZIP that passes the rules (zip_rules.h): entries as they are given, stored, of mode 0644 and a
 * fixed time, so that the same entries make the same bytes, wherever and whenever.
 */
#ifndef ARCHIVE_ZIP_WRITE_H
#define ARCHIVE_ZIP_WRITE_H

#include "base/base.h"
#include "base/buf.h"

struct zip_write_entry {
	const char *name; /* ASCII, and as the rules want it */
	const void *bytes;
	size_t len;
};

/* Appends the archive, which has an empty comment. -EINVAL: no entries; -EFBIG: too many, or too large for a ZIP. */
int zip_write(const struct zip_write_entry *entries, size_t count, struct buf *ret);

#endif
