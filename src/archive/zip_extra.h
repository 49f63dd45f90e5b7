/*
 * zip_extra.h - R9: extra fields, and the one value that is taken from them.
 */
#ifndef ARCHIVE_ZIP_EXTRA_H
#define ARCHIVE_ZIP_EXTRA_H

#include "zip_refuse.h"

struct zip_extra {
	const char *problem; /* what is wrong with them, or NULL */
	uint16_t id;	     /* of the field that is wrong, 0 where it has none */
	bool has_mtime;
	int64_t mtime_s; /* modification time of an extended timestamp */
};

struct zip_extra zip_extra_read(const uint8_t *bytes, size_t len);

/* R9, or R4 for a ZIP64 field: 0, or -EBADMSG with the refusal filled. */
int zip_extra_refuse(const struct zip_extra *extra, const char *name, size_t name_len, struct zip_refusal *refusal);

#endif
