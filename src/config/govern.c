#include <errno.h>

#include "config/policy.h"

int config_terms_parse(const char *text UNUSED, size_t len UNUSED, struct config_terms **ret UNUSED,
		       struct buf *ret_errors)
{
	int r = buf_puts(ret_errors, "policy.conf: bundles are not read yet\n");
	return r < 0 ? r : -EINVAL;
}

void config_terms_free(struct config_terms *terms UNUSED)
{
}

bool config_terms_are_for(const struct config_terms *terms UNUSED, const char *host UNUSED, char *const *labels UNUSED,
			  size_t label_count UNUSED)
{
	return false;
}

int config_load_governed(const char *path, const struct config_members *bundle, struct config **ret,
			 struct buf *ret_errors)
{
	if (!bundle)
		return config_load(path, ret, ret_errors);
	int r = buf_puts(ret_errors, "policy.zip: bundles are not read yet\n");
	return r < 0 ? r : -EINVAL;
}

int config_load_bundle(const struct config_members *bundle UNUSED, struct config **ret UNUSED, struct buf *ret_errors)
{
	int r = buf_puts(ret_errors, "policy.conf: bundles are not read yet\n");
	return r < 0 ? r : -EINVAL;
}
