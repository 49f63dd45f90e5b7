/*
 * A list of layers that was written before there is an artifact. In the store it is the slot's file "layers":
 *
 *     mtime-s: 1700000000
 *     mtime-ns: 0
 *     uid: 0
 *
 *     tools:3
 *
 * It counts while there is no release. A crash between the first one and its end is put right by the next load.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "waiting_list.h"

#define FILE_NAME "layers"

struct release *slot_layered(struct slot *slot)
{
	lock_take(&slot->slots->lock);
	struct release *found = slot->current ? slot->current : slot->waiting_list;
	if (found)
		release_ref_locked(found);
	lock_drop(&slot->slots->lock);
	return found;
}

/* ---- in memory ---- */

/* With the list's text, times and writer; text need not end in a NUL. */
static int make(struct slot *slot, uint64_t slot_id, const struct store_release *times, const char *text, size_t len,
		struct release **ret)
{
	struct store_release *record = calloc(1, sizeof(*record));
	int r = -ENOMEM;
	if (!record)
		return r;
	*record = (struct store_release){
		.artifact_name = strdup(""),
		.comment = malloc(1),
		.decision = strdup(""),
		.layers_text = strndup(text, len),
		.layers_mtime_s = times->layers_mtime_s,
		.layers_mtime_ns = times->layers_mtime_ns,
		.layers_uid = times->layers_uid,
	};
	if (record->artifact_name && record->comment && record->decision && record->layers_text)
		r = store_next_id(slot->slots->store, &record->id);
	if (r == 0)
		r = release_new(slot, slot_id, record, ret);
	if (r < 0)
		store_release_free(record);
	return r;
}

/* Takes over the reference. Slot lock held. */
static void replace(struct slot *slot, struct release *list)
{
	lock_take(&slot->slots->lock);
	struct release *before = slot->waiting_list;
	slot->waiting_list = list;
	lock_drop(&slot->slots->lock);
	release_put(before); /* has nothing to remove */
}

/* ---- in the store ---- */

static int put(struct slot *slot, const struct buf *text)
{
	return store_put_slot_file(slot->slots->store, slot->name, FILE_NAME, text->data ? text->data : "", text->len);
}

static int save(struct slot *slot, const struct store_release *record)
{
	struct buf text = {0};
	int r = buf_printf(&text, "mtime-s: %" PRIu64 "\nmtime-ns: %" PRIu32 "\nuid: %" PRIu32 "\n\n%s",
			   (uint64_t)record->layers_mtime_s, record->layers_mtime_ns, record->layers_uid,
			   record->layers_text);
	if (r == 0)
		r = put(slot, &text);
	buf_done(&text);
	return r;
}

int waiting_list_save_locked(struct slot *slot)
{
	return save(slot, slot->waiting_list->record);
}

int waiting_list_keep_locked(struct slot *slot, const struct store_release *list)
{
	struct release *made = NULL;
	int r = slot->facts.id == 0 ? slot_save_locked(slot) : 0;
	if (r == 0 && list->layers_text)
		r = make(slot, slot->facts.id, list, list->layers_text, strlen(list->layers_text), &made);
	if (r < 0)
		return r;
	if (made)
		r = save(slot, made->record);
	else if (slot->waiting_list)
		r = put(slot, &(struct buf){0});
	if (r < 0)
		release_put(made);
	else
		replace(slot, made);
	return r;
}

void waiting_list_end_locked(struct slot *slot)
{
	if (!slot->waiting_list)
		return;
	int r = put(slot, &(struct buf){0});
	if (r < 0) /* the next load does it */
		log_warning("%s: the list of layers that waited for the artifact could not be removed: %s", slot->path,
			    strerror(-r));
	replace(slot, NULL);
}

static bool parse(const struct buf *text, struct store_release *ret, const char **ret_list)
{
	uint64_t mtime_s, mtime_ns, uid;
	const char *gap = memmem(text->data, text->len, "\n\n", 2);
	if (!gap)
		return false;
	size_t head = (size_t)(gap - text->data) + 1;
	if (!text_record_get_u64(text->data, head, "mtime-s", &mtime_s) ||
	    !text_record_get_u64(text->data, head, "mtime-ns", &mtime_ns) || mtime_ns >= 1000000000 ||
	    !text_record_get_u64(text->data, head, "uid", &uid) || uid > UINT32_MAX)
		return false;
	*ret = (struct store_release){
		.layers_mtime_s = (int64_t)mtime_s, .layers_mtime_ns = (uint32_t)mtime_ns, .layers_uid = (uint32_t)uid};
	*ret_list = gap + 2;
	return true;
}

int waiting_list_load(struct slot *slot, uint64_t slot_id, struct release **ret)
{
	struct buf text = {0};
	struct store_release times;
	const char *list;
	int r = store_get_slot_file(slot->slots->store, slot->name, FILE_NAME, &text);
	if (r == 0 && text.len > 0)
		r = parse(&text, &times, &list)
			    ? make(slot, slot_id, &times, list, text.len - (size_t)(list - text.data), ret)
			    : -EBADMSG;
	if (r == -EBADMSG)
		log_warning("%s: the list of layers that waits for its first artifact is damaged, write it again",
			    slot->path);
	buf_done(&text);
	return r == -ENOENT || r == -EBADMSG ? 0 : r;
}
