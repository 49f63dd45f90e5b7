/* Extended attributes: user.vouchfs.* of artifacts and releases, and the last decision on a slot's directory. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "internal.h"

#define PREFIX	     "user.vouchfs."
#define VERSION	     PREFIX "version"
#define PUBLISHED_AT PREFIX "published_at"

struct attribute {
	const char *name; /* behind the prefix */
	const char *key;  /* of the record's line */
	bool is_escaped;  /* the line's value, by text_escape_print */
};

static const struct attribute release_attributes[] = {
	{.name = "outcome", .key = "outcome"},
	{.name = "reason", .key = "reason"},
	{.name = "profile_version_arn", .key = "profile-version-arn"},
	{.name = "signing_job_arn", .key = "job-arn"},
	{.name = "sha384", .key = "sha384"},
	{.name = "tree_sha256", .key = "tree-sha256"},
	{.name = "expires_at", .key = "expires-at"},
	{.name = "description", .key = "description", .is_escaped = true},
	{.name = "compatible_runtimes", .key = "compatible-runtimes", .is_escaped = true},
	{.name = "compatible_architectures", .key = "compatible-architectures", .is_escaped = true},
	{.name = "license_info", .key = "license-info", .is_escaped = true},
};

static const struct attribute slot_attributes[] = {
	{.name = "last_outcome", .key = "outcome"}, {.name = "last_reason", .key = "reason"},
	{.name = "last_at", .key = "at"},	    {.name = "last_by", .key = "by"},
	{.name = "last_detail", .key = "detail"},   {.name = "last_event", .key = "event"},
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
		size_t len = value ? strlen(value) : 0;
		bool is_sound = value &&
				(!attributes[i].is_escaped || text_unescape_print(value, len, value, len + 1, &len));
		int r = is_sound ? buf_append(ret, value, len) : -ENODATA;
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

/* What only a layer version has. */
static int get_of_version(const struct release *version, const char *name, struct buf *ret)
{
	char at[CLOCK_UTC_SIZE];
	if (strcmp(name, VERSION) == 0)
		return buf_printf(ret, "%" PRIu64, version->record->number);
	if (strcmp(name, PUBLISHED_AT) != 0)
		return -ENODATA;
	clock_format_utc(version->record->created_at_s, at);
	return buf_puts(ret, at);
}

int attr_get_release(const struct release *release, const char *name, struct buf *ret)
{
	const char *record = release->record->decision;
	int r = release->slot->is_layer ? get_of_version(release, name, ret) : -ENODATA;
	if (r != -ENODATA)
		return r;
	return get(release_attributes, ARRAY_SIZE(release_attributes), record, strlen(record), name, ret);
}

int attr_list_release(const struct release *release, struct buf *ret)
{
	static const char of_version[] = VERSION "\0" PUBLISHED_AT;
	const char *record = release->record->decision;
	int r = release->slot->is_layer ? buf_append(ret, of_version, sizeof(of_version)) : 0;
	if (r < 0)
		return r;
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
