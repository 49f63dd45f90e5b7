/* internal.h - a bundle while it is put together. Private to this module. */
#ifndef BUNDLE_INTERNAL_H
#define BUNDLE_INTERNAL_H

#include "bundle/bundle.h"

#define BUNDLE_CONF_D CONFIG_CONF_D "/"

struct bundle {
	unsigned refs; /* atomic */
	struct config_member members[LIMIT_BUNDLE_FILES];
	struct config_members list;
	uint64_t total_bytes;
	char *zip; /* NULL: from a directory */
	struct io_memory file;
};

struct bundle *bundle_new(void);

/*
 * Adds a file, whose name and bytes are copied. -EINVAL, with why: it may not be in a bundle, or is too much for it. In
 * any order; bundle_complete sorts them.
 */
int bundle_add(struct bundle *bundle, const char *name, const void *bytes, size_t len, struct explain *ret_why);
/* -EINVAL, with why: there is no policy.conf, or a file twice. */
int bundle_complete(struct bundle *bundle, struct explain *ret_why);

#endif
