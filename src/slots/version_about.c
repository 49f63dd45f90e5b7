/*
 * version_about.c - what its publisher says of a layer version, as Lambda keeps it: extended attributes that can be set
 * while the ZIP is written, or on its staging name, and that are part of the version's record from the publication on.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/text.h"
#include "upload.h"

#define ESCAPED_SIZE (4 * LIMIT_LAYER_ABOUT_BYTES + 1)

static const struct {
	const char *name;
	const char *key; /* of the record; attr.c shows it */
} texts[VERSION_ABOUT_COUNT] = {
	{"user.vouchfs.description", "description"},
	{"user.vouchfs.compatible_runtimes", "compatible-runtimes"},
	{"user.vouchfs.compatible_architectures", "compatible-architectures"},
	{"user.vouchfs.license_info", "license-info"},
};

static int find(const char *name, size_t len, size_t *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (strcmp(texts[i].name, name) != 0)
			continue;
		*ret = i;
		return len <= LIMIT_LAYER_ABOUT_BYTES ? 0 : -E2BIG;
	}
	return -EOPNOTSUPP;
}

int version_set_about(const struct release *version, const char *name, const void *value, size_t len)
{
	struct buf said = {0};
	size_t index;
	int r = find(name, len, &index);
	if (r < 0)
		return r;
	r = attr_get_release(version, name, &said);
	if (r == 0 || r == -ENODATA)
		r = said.len == len && (len == 0 || memcmp(said.data, value, len) == 0) ? 0 : -EPERM;
	buf_done(&said);
	return r;
}

static int set_locked(struct upload *upload, size_t index, const void *value, size_t len)
{
	char *text = len > 0 ? strndup(value, len) : NULL;
	if (len > 0 && !text)
		return -ENOMEM;
	if (text && strlen(text) < len) {
		free(text);
		return -EINVAL;
	}
	free(upload->about[index]);
	upload->about[index] = text;
	return 0;
}

int upload_set_about(struct upload *upload, const char *name, const void *value, size_t len)
{
	size_t index;
	int r = find(name, len, &index);
	if (r < 0)
		return r;
	lock_take(&upload->lock);
	lock_take(&upload->slots->lock);
	bool is_published = upload->is_published;
	lock_drop(&upload->slots->lock);
	if (is_published)
		r = upload->origin ? version_set_about(upload->origin, name, value, len) : -EPERM;
	else
		r = set_locked(upload, index, value, len);
	lock_drop(&upload->lock);
	return r;
}

int upload_render_about_locked(const struct upload *upload, struct buf *ret)
{
	char escaped[ESCAPED_SIZE];
	int r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(texts); i++) {
		const char *text = upload->about[i];
		if (text)
			r = buf_printf(ret, "%s: %s\n", texts[i].key,
				       text_escape_print(escaped, sizeof(escaped), text, strlen(text)));
	}
	return r;
}
