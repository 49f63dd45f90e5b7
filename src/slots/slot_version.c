/* A layer's versions: which names they have, which comes next, what removes one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "internal.h"

#define NAME_END ".zip"

enum name { NAME_FREE, NAME_NUMBER, NAME_BAD_NUMBER };

/* "3.zip" is the name of version 3. "03.zip" would be, too, and so is nobody's. */
static enum name parse_name(const char *name, uint64_t *ret_number)
{
	static const char digits[] = "0123456789";
	size_t len = strspn(name, digits);
	if (len == 0 || strcmp(name + len, NAME_END) != 0)
		return NAME_FREE;
	return name[0] != '0' && text_parse_u64(name, len, INT64_MAX, ret_number) ? NAME_NUMBER : NAME_BAD_NUMBER;
}

struct release *version_find_locked(const struct slot *slot, uint64_t number)
{
	size_t low = 0, high = slot->listed_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint64_t found = slot->listed[middle]->record->number;
		if (found == number)
			return slot->listed[middle];
		if (found < number)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

struct release *version_named_locked(const struct slot *slot, const char *name)
{
	uint64_t number;
	return parse_name(name, &number) == NAME_NUMBER ? version_find_locked(slot, number) : NULL;
}

struct release *version_equal_locked(const struct slot *slot, const uint8_t *digest, const struct buf *comment)
{
	struct release *equal = NULL;
	bool is_to_heal = slot->damaged; /* what is published again is to help */
	for (size_t i = slot->listed_count; i > 0; i--) {
		const struct store_release *record = slot->listed[i - 1]->record;
		if (memcmp(record->digest, digest, sizeof(record->digest)) != 0)
			continue;
		is_to_heal |= release_is_damaged(slot->listed[i - 1]);
		if (!equal && record->comment_len == comment->len &&
		    (comment->len == 0 || memcmp(record->comment, comment->data, comment->len) == 0))
			equal = slot->listed[i - 1];
	}
	return is_to_heal ? NULL : equal;
}

int version_check_name_locked(const struct slot *slot, const char *name, const struct release *equal,
			      struct explain *ret_why)
{
	uint64_t number = 0, next = slot->last_version + 1;
	enum name kind = parse_name(name, &number);
	unsigned long long n = number;
	if (kind == NAME_FREE)
		return 0;
	if (kind == NAME_BAD_NUMBER) {
		explain_set(ret_why, "the number in the name is not written as a version's (1, 2, ...)");
		return -EINVAL;
	}
	const struct release *present = version_find_locked(slot, number);
	if (present && present == equal)
		return 0;
	if (present)
		explain_set(ret_why, "version %llu is published already, with other content, and stays as it is", n);
	else if (number == next && equal)
		explain_set(ret_why, "this content is published already, as version %llu",
			    (unsigned long long)equal->record->number);
	if (present || (number == next && equal))
		return -EEXIST;
	if (number == next)
		return 0;
	if (number > next)
		explain_set(ret_why, "version %llu would leave a gap: the next one is %llu", n,
			    (unsigned long long)next);
	else
		explain_set(ret_why,
			    "version %llu was removed, and its number is not given again: the next one is %llu", n,
			    (unsigned long long)next);
	return -EINVAL;
}

int version_add_locked(struct slot *slot, struct release *release)
{
	struct slots *slots = slot->slots;
	lock_take(&slots->lock);
	slot->last_version = release->record->number;
	slot->damaged = false;
	int r = slot_list_locked(slot, release);
	lock_drop(&slots->lock);
	return r;
}

static void unlist(struct slot *slot, struct release *release)
{
	lock_take(&slot->slots->lock);
	size_t at = 0;
	while (slot->listed[at] != release)
		at++;
	slot->listed_count--;
	memmove(slot->listed + at, slot->listed + at + 1, (slot->listed_count - at) * sizeof(struct release *));
	release->listed = false;
	lock_drop(&slot->slots->lock);
}

static struct release *ref_named(struct slot *slot, const char *name, bool *ret_in_use)
{
	lock_take(&slot->slots->lock);
	struct release *release = version_named_locked(slot, name);
	*ret_in_use = release && release->refs > 1; /* than the list's */
	if (release)
		release_ref_locked(release);
	lock_drop(&slot->slots->lock);
	return release;
}

static int remove_locked(struct slot *slot, const struct release *release, const struct audit_who *who)
{
	const struct audit_record record = {.event = AUDIT_VERSION_REMOVED,
					    .who = who,
					    .slot = slot->path,
					    .artifact = release->record->artifact_name,
					    .release = release->record->number};
	int r = audit_append(slot->slots->audit, &record, NULL);
	if (r == 0)
		r = store_remove_release(slot->slots->store, slot->name, release->record->number);
	if (r == -ENOENT) /* an earlier attempt got that far */
		r = 0;
	if (r < 0)
		log_error("%s: version %llu could not be removed: %s", slot->path,
			  (unsigned long long)release->record->number, strerror(-r));
	return r;
}

int version_remove(struct slot *slot, const char *name, const struct audit_who *who)
{
	bool is_in_use;
	lock_take(&slot->lock);
	struct release *release = ref_named(slot, name, &is_in_use);
	int r = release ? 0 : -ENOENT;
	if (r == 0 && is_in_use)
		(void)release_load_view(release); /* an object that is open stays readable */
	if (r == 0)
		r = remove_locked(slot, release, who);
	if (r == 0)
		unlist(slot, release);
	lock_drop(&slot->lock);
	if (r == 0)
		release_put(release); /* the list's */
	release_put(release);
	return r;
}
