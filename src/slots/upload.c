/* One upload: the private copy that an open file or a staging name writes to. upload_verdict.c judges it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "upload.h"

/* ---- a slot's share of descriptors and bytes ---- */

static int count_upload(struct upload *upload)
{
	struct slots *slots = upload->slots;
	lock_take(&slots->lock);
	bool is_slot_full = upload->slot->upload_count >= LIMIT_UPLOADS_PER_SLOT;
	bool is_full = is_slot_full || slots->upload_count >= slots->upload_max;
	upload->is_counted = !is_full;
	upload->slot->upload_count += !is_full;
	slots->upload_count += !is_full;
	lock_drop(&slots->lock);
	if (is_full)
		log_warning("%s: too many files are being written%s", upload->slot->path,
			    is_slot_full ? "" : " in this mount; " LIMIT_DESCRIPTORS_REMEDY);
	return is_full ? -ENFILE : 0;
}

void upload_uncount_locked(struct upload *upload)
{
	upload->slot->upload_count -= upload->is_counted;
	upload->slots->upload_count -= upload->is_counted;
	upload->slot->staged_bytes -= upload->staged_bytes;
	upload->slots->staged_bytes -= upload->staged_bytes;
	upload->staged_bytes = 0;
	upload->is_counted = false;
}

/* The copy is about to have this size. */
static int reserve(struct upload *upload, uint64_t size_bytes)
{
	struct slot *slot = upload->slot;
	lock_take(&upload->slots->lock);
	uint64_t max = LIMIT_STAGED_PER_SLOT * upload->slots->trust->config->max_artifact_bytes;
	uint64_t total = slot->staged_bytes - upload->staged_bytes + size_bytes;
	bool fits = size_bytes <= upload->staged_bytes || total <= max;
	if (fits) {
		slot->staged_bytes = total;
		slot->slots->staged_bytes += size_bytes - upload->staged_bytes; /* which wraps around and back */
		upload->staged_bytes = size_bytes;
	}
	lock_drop(&upload->slots->lock);
	return fits ? 0 : -EDQUOT;
}

void upload_drop_stage_locked(struct upload *upload)
{
	store_stage_free(upload->stage);
	upload->stage = NULL;
	zip_headers_done(&upload->headers);
	(void)reserve(upload, 0);
}

/* ---- an upload's life ---- */

static uint64_t origin_size(const struct upload *upload, const struct release *origin)
{
	return upload->origin_is_list ? strlen(origin->record->layers_text) : release_file_size(origin);
}

static struct timespec origin_mtime_locked(const struct upload *upload, const struct release *origin)
{
	const struct store_release *record = origin->record;
	if (!upload->origin_is_list)
		return release_mtime_locked(origin);
	return (struct timespec){.tv_sec = record->layers_mtime_s, .tv_nsec = record->layers_mtime_ns};
}

int upload_new(struct slots *slots, struct slot *slot, const char *name, bool is_final, const struct audit_who *who,
	       struct release *origin, struct upload **ret)
{
	struct upload *upload = calloc(1, sizeof(*upload));
	if (!upload)
		return -ENOMEM;
	*upload = (struct upload){
		.slots = slots,
		.slot = slot,
		.refs = 1,
		.uid = who->uid,
		.mtime = clock_now(),
		.identity = {.is_final = is_final, .who = *who},
		.in_order = !origin,
		.origin_is_list = origin && slot_is_list_name(slot, name),
	};
	(void)snprintf(upload->identity.name, sizeof(upload->identity.name), "%s", name);
	upload->decision = calloc(1, sizeof(*upload->decision));
	int r = upload->decision ? count_upload(upload) : -ENOMEM;
	inherit_touch(slot);
	if (r == 0 && origin) {
		upload->size_bytes = origin_size(upload, origin);
		upload->is_published = true;
		lock_take(&slots->lock);
		upload->mtime = origin_mtime_locked(upload, origin);
		upload->origin = release_ref_locked(origin);
		if (slot->is_layer)
			upload->version = release_ref_locked(origin);
		lock_drop(&slots->lock);
	}
	if (r == 0 && !origin)
		r = store_stage_new(slots->store, &upload->stage);
	lock_init(&upload->lock);
	if (r < 0) {
		upload_put(upload);
		return r;
	}
	*ret = upload;
	return 0;
}

struct upload *upload_ref_locked(struct upload *upload)
{
	ASSERT(upload->refs > 0);
	upload->refs++;
	return upload;
}

struct upload *upload_ref(struct upload *upload)
{
	lock_take(&upload->slots->lock);
	upload_ref_locked(upload);
	lock_drop(&upload->slots->lock);
	return upload;
}

void upload_put(struct upload *upload)
{
	if (!upload)
		return;
	lock_take(&upload->slots->lock);
	bool last = --upload->refs == 0;
	if (last)
		upload_uncount_locked(upload);
	lock_drop(&upload->slots->lock);
	if (!last)
		return;
	store_stage_free(upload->stage);
	zip_headers_done(&upload->headers);
	release_put(upload->origin);
	release_put(upload->outdated);
	release_put(upload->version);
	release_put(upload->beside);
	release_put(upload->past);
	store_release_free(upload->list);
	for (size_t i = 0; i < ARRAY_SIZE(upload->about); i++)
		free(upload->about[i]);
	free(upload->decision);
	lock_done(&upload->lock);
	free(upload);
}

/* ---- writing ---- */

static void set_size(struct upload *upload, uint64_t size_bytes)
{
	lock_take(&upload->slots->lock);
	upload->size_bytes = size_bytes;
	upload->mtime = clock_now();
	upload->is_published = false;
	lock_drop(&upload->slots->lock);
}

/* After rm the list is empty. */
static const char *origin_list(const struct upload *upload)
{
	const char *text = upload->origin->record->layers_text;
	return text ? text : "";
}

static int copy_list(struct upload *upload)
{
	const char *text = origin_list(upload);
	upload->in_order = false;
	int r = reserve(upload, strlen(text));
	if (r == 0)
		r = store_stage_new(upload->slots->store, &upload->stage);
	return r < 0 ? r : store_stage_write(upload->stage, text, strlen(text), 0);
}

/* What was published, or opened without O_TRUNC, is copied when it is first written to. */
int upload_ensure_stage_locked(struct upload *upload)
{
	if (upload->stage)
		return 0;
	if (!upload->origin) /* a commit failed half-way: the bytes are gone, only beginning anew helps */
		return upload->result < 0 ? upload->result : -EIO;
	if (upload->origin_is_list)
		return copy_list(upload);
	int r = release_load_view(upload->origin); /* opens its object */
	if (r == 0)
		r = reserve(upload, release_file_size(upload->origin));
	if (r < 0)
		return r;
	const struct store_release *record = upload->origin->record;
	upload->in_order = false;
	return store_stage_copy(upload->slots->store, upload->origin->object, record->comment, record->comment_len,
				&upload->stage);
}

static bool completes(struct upload *upload, const void *buf, size_t len, uint64_t offset)
{
	bool is_zip = end_scan_completes(&upload->scan, buf, len, offset); /* may be called a ZIP later */
	return upload_is_list_locked(upload) ? upload_completes_list(buf, len) : is_zip;
}

static int write_locked(struct upload *upload, const struct trust *trust, const void *buf, size_t len, uint64_t offset)
{
	uint64_t end;
	if (upload->list_error < 0)
		return upload->list_error;
	if (!base_add_u64(offset, len, &end) || end > trust->config->max_artifact_bytes)
		return upload_refuse_size_locked(upload, trust, end);
	int r = upload_ensure_stage_locked(upload);
	if (r < 0)
		return r;
	upload->dirty = true;
	upload->judged = false;
	upload->in_order = upload->in_order && offset == store_stage_size(upload->stage);
	if (end > store_stage_size(upload->stage))
		r = reserve(upload, end);
	if (r == 0)
		r = store_stage_write(upload->stage, buf, len, offset);
	if (r < 0) {
		upload->write_error = r;
		return r;
	}
	set_size(upload, store_stage_size(upload->stage));
	if (upload->in_order)
		zip_headers_note(&upload->headers, buf, len, offset);
	bool is_complete = upload->in_order && completes(upload, buf, len, offset);
	r = is_complete && upload->identity.is_final ? upload_judge_locked(upload) : 0;
	bool is_undecided = r < 0 && upload->decision->verdict.outcome != POLICY_REFUSED;
	if (upload_is_list_locked(upload)) {
		upload->list_error = r;
		if (is_undecided) /* shells do not hear what the close says, so the write says it, and the close does it
				   */
			upload->write_error = r;
	} else if (is_undecided) {
		r = 0; /* it is found out, and told, at the end, which may come to another result */
	}
	return r;
}

int upload_write(struct upload *upload, const void *buf, size_t len, uint64_t offset)
{
	if (len == 0)
		return 0;
	struct trust *trust = slots_trust(upload->slots);
	lock_take(&upload->lock);
	int r = write_locked(upload, trust, buf, len, offset);
	lock_drop(&upload->lock);
	trust_unref(trust);
	return r;
}

/* Begins anew: nothing of what was there is needed, not even that it can be read. */
static int empty_locked(struct upload *upload)
{
	int r = upload->stage ? store_stage_truncate(upload->stage, 0)
			      : store_stage_new(upload->slots->store, &upload->stage);
	if (r < 0)
		return r;
	upload->in_order = true;
	upload->scan = (struct end_scan){0};
	zip_headers_done(&upload->headers);
	upload->write_error = 0;
	upload->list_error = 0;
	set_size(upload, 0);
	return reserve(upload, 0);
}

static int truncate_locked(struct upload *upload, const struct trust *trust, uint64_t size_bytes)
{
	if (size_bytes > trust->config->max_artifact_bytes)
		return upload_refuse_size_locked(upload, trust, size_bytes);
	int r = size_bytes > 0 ? upload_ensure_stage_locked(upload) : 0;
	if (r < 0)
		return r;
	if (size_bytes > 0 && size_bytes == store_stage_size(upload->stage))
		return 0;
	upload->dirty = true; /* also when it fails: some of it may have been done */
	upload->judged = false;
	if (size_bytes == 0)
		return empty_locked(upload);
	upload->in_order = false;
	r = reserve(upload, size_bytes);
	if (r == 0)
		r = store_stage_truncate(upload->stage, size_bytes);
	if (r == 0)
		set_size(upload, size_bytes);
	return r;
}

int upload_truncate(struct upload *upload, uint64_t size_bytes)
{
	struct trust *trust = slots_trust(upload->slots);
	lock_take(&upload->lock);
	int r = truncate_locked(upload, trust, size_bytes);
	lock_drop(&upload->lock);
	trust_unref(trust);
	return r;
}

static size_t read_list(const struct upload *upload, void *buf, size_t len, uint64_t offset)
{
	const char *text = origin_list(upload);
	return text_read(text, strlen(text), buf, len, offset);
}

ssize_t upload_read(struct upload *upload, void *buf, size_t len, uint64_t offset)
{
	lock_take(&upload->lock);
	ssize_t got = 0;
	if (upload->stage)
		got = store_stage_read(upload->stage, buf, len, offset);
	else if (upload->origin && upload->origin_is_list)
		got = (ssize_t)read_list(upload, buf, len, offset);
	else if (upload->origin)
		got = release_read(upload->origin, buf, len, offset);
	lock_drop(&upload->lock);
	return got;
}

void upload_set_user(struct upload *upload, const struct slots_caller *caller)
{
	struct layer_user user;
	struct trust *trust = slots_trust(upload->slots);
	(void)slots_identify(trust->config, caller, &user); /* nobody is told why when the list is judged */
	trust_unref(trust);
	lock_take(&upload->lock);
	upload->user = user;
	lock_drop(&upload->lock);
}

void upload_make_staging(struct upload *upload, const char *name)
{
	lock_take(&upload->lock);
	upload->identity.is_final = false;
	(void)snprintf(upload->identity.name, sizeof(upload->identity.name), "%s", name);
	lock_drop(&upload->lock);
}
