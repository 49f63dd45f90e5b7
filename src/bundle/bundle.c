/* bundle.c - the files of a policy bundle in memory. */
#include "bundle/bundle.h"

#include <errno.h>

int bundle_read(const struct io_reader *file UNUSED, struct bundle **ret UNUSED, struct explain *ret_why)
{
	explain_set(ret_why, "policy bundles cannot be read yet");
	return -ENOSYS;
}

int bundle_read_directory(const char *path UNUSED, struct bundle **ret UNUSED, struct buf *ret_errors)
{
	(void)buf_puts(ret_errors, "policy bundles cannot be read yet\n");
	return -ENOSYS;
}

struct bundle *bundle_ref(struct bundle *bundle)
{
	return bundle;
}

void bundle_unref(struct bundle *bundle UNUSED)
{
}

const struct config_members *bundle_members(const struct bundle *bundle UNUSED)
{
	return NULL;
}

int bundle_write(const struct bundle *bundle UNUSED, int fd UNUSED, struct explain *ret_why)
{
	explain_set(ret_why, "policy bundles cannot be written yet");
	return -ENOSYS;
}
