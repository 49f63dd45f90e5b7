/* Extended attributes: user.vouchfs.* of artifacts and releases, and the last decision on a slot's directory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "internal.h"

#define PREFIX "user.vouchfs."

struct attribute {
	const char *name; /* behind the prefix */
	const char *key;  /* of the record's line */
};

static const struct attribute release_attributes[] = {
	{"outcome", "outcome"},		{"reason", "reason"}, {"profile_version_arn", "profile-version-arn"},
	{"signing_job_arn", "job-arn"}, {"sha384", "sha384"}, {"tree_sha256", "tree-sha256"},
	{"expires_at", "expires-at"},
};

static const struct attribute slot_attributes[] = {
	{"last_outcome", "outcome"}, {"last_reason", "reason"}, {"last_at", "at"},
	{"last_by", "by"},	     {"last_detail", "detail"},
};

static int get(const struct attribute *attributes, size_t count, const char *record, size_t record_len,
	       const char *name, struct buf *ret)
{
	if (!text_starts_with(name, PREFIX))
		return -ENODATA;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(name + strlen(PREFIX), attributes[i].name) != 0)
			continue;
		char *value = text_record_get(record, record_len, attributes[i].key);
		int r = value ? buf_puts(ret, value) : -ENODATA;
		free(value);
		return r;
	}
	return -ENODATA;
}

static int list(const struct attribute *attributes, size_t count, const char *record, size_t record_len,
		struct buf *ret)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < count; i++) {
		char *value = text_record_get(record, record_len, attributes[i].key);
		if (value) {
			r = buf_puts(ret, PREFIX);
			if (r == 0)
				r = buf_append(ret, attributes[i].name, strlen(attributes[i].name) + 1);
		}
		free(value);
	}
	return r;
}

int attr_get_release(const struct release *release, const char *name, struct buf *ret)
{
	const char *record = release->record->decision;
	return get(release_attributes, ARRAY_SIZE(release_attributes), record, strlen(record), name, ret);
}

int attr_list_release(const struct release *release, struct buf *ret)
{
	const char *record = release->record->decision;
	return list(release_attributes, ARRAY_SIZE(release_attributes), record, strlen(record), ret);
}

int attr_get_slot(struct slot *slot, const char *name, struct buf *ret)
{
	struct slot_note *note = slot_note_get(slot);
	int r = -ENODATA;
	if (note)
		r = get(slot_attributes, ARRAY_SIZE(slot_attributes), note->text, note->why_offset, name, ret);
	slot_note_put(slot->slots, note);
	return r;
}

int attr_list_slot(struct slot *slot, struct buf *ret)
{
	struct slot_note *note = slot_note_get(slot);
	int r = 0;
	if (note)
		r = list(slot_attributes, ARRAY_SIZE(slot_attributes), note->text, note->why_offset, ret);
	slot_note_put(slot->slots, note);
	return r;
}
