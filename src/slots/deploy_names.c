#include "slots/names.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"

/* The file that sed -i writes beside the one that it edits. */
static bool is_sed_s(const char *name)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	return text_starts_with(name, "sed") && text_consists_of(name + 3, strlen(name + 3), set, 6, 6);
}

enum deploy_name deploy_name_kind(const char *name)
{
	static const char *const staging_ends[] = {"~", ".tmp", ".part", ".filepart"};

	if (strlen(name) > LIMIT_NAME_BYTES)
		return DEPLOY_NAME_INVALID;
	if (name[0] == '.' || is_sed_s(name))
		return DEPLOY_NAME_STAGING;
	if (strcmp(name, "layers") == 0)
		return DEPLOY_NAME_LAYERS;
	for (size_t i = 0; i < ARRAY_SIZE(staging_ends); i++)
		if (text_ends_with(name, staging_ends[i]))
			return DEPLOY_NAME_STAGING;
	return text_ends_with(name, ".zip") ? DEPLOY_NAME_FINAL : DEPLOY_NAME_INVALID;
}
