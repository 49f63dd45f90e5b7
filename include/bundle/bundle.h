/*
 * bundle.h - a policy bundle as a file: a ZIP of policy.conf, conf.d/<name>.conf and trust/<file> (config/policy.h says
 * what stands in them), signed like an artifact, but with BUNDLE_CONTENT_TYPE in the place of an artifact's
 * (signature/statement.h), so that none can pass for the other.
 *
 * Nothing else may be in it: no other name, no folder below these, nothing executable, at most LIMIT_BUNDLE_FILES files
 * and LIMIT_BUNDLE_BYTES together. Its text is ASCII or UTF-8 without NUL.
 */
#ifndef BUNDLE_BUNDLE_H
#define BUNDLE_BUNDLE_H

#include "base/buf.h"
#include "base/explain.h"
#include "base/io.h"
#include "config/policy.h"

struct bundle; /* its files in memory, immutable; reference-counted */

/* From a file whose signature was verified, or is about to be thrown away. -EBADMSG: it is no bundle, with why. */
int bundle_read(const struct io_reader *file, struct bundle **ret, struct explain *ret_why);
/* From a directory, each file owned by the caller or root and written by nobody else. -EINVAL: a line for each error.
 */
int bundle_read_directory(const char *path, struct bundle **ret, struct buf *ret_errors);
struct bundle *bundle_ref(struct bundle *bundle);
void bundle_unref(struct bundle *bundle);

/* policy.conf first, then by name; valid as long as the bundle is. */
const struct config_members *bundle_members(const struct bundle *bundle);

/* The whole file that it was read from, as signed; NULL: it was a directory. Valid as long as the bundle is. */
const struct io_memory *bundle_file(const struct bundle *bundle);

/* Writes the ZIP, unsigned: the same files make the same bytes. */
int bundle_write(const struct bundle *bundle, int fd, struct explain *ret_why);

#endif
