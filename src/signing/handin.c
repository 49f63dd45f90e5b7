/* One hand-in: the private copy that an open file or a staging name writes to. handin_sign.c checks and signs it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "internal.h"

#define COPY_BYTES ((size_t)128 * 1024)

/* ---- an account's share of a slot's descriptors and bytes ---- */

/* NULL: no memory. */
static struct signing_share *find_share_locked(struct signing_slot *slot, const char *account)
{
	struct signing_share *share = slot->shares;
	while (share && strcmp(share->account, account) != 0)
		share = share->next;
	if (share || !(share = calloc(1, sizeof(*share))))
		return share;
	(void)snprintf(share->account, sizeof(share->account), "%s", account);
	share->next = slot->shares;
	slot->shares = share;
	return share;
}

static int count_in(struct handin *handin)
{
	struct signing *signing = handin->slot->signing;
	int r = 0;
	lock_take(&signing->lock);
	struct signing_share *share = find_share_locked(handin->slot, handin->identity.caller.account);
	if (!share)
		r = -ENOMEM;
	else if (share->handin_count >= LIMIT_UPLOADS_PER_SLOT || signing->handin_count >= signing->handin_max)
		r = -ENFILE;
	if (r == 0) {
		handin->share = share;
		share->handin_count++;
		signing->handin_count++;
	}
	lock_drop(&signing->lock);
	return r;
}

static void count_out_locked(struct handin *handin)
{
	if (!handin->share)
		return;
	handin->share->handin_count--;
	handin->share->staged_bytes -= handin->staged_bytes;
	handin->slot->signing->handin_count--;
}

/* The copy is about to have this size. */
static int reserve(struct handin *handin, uint64_t size_bytes)
{
	struct signing *signing = handin->slot->signing;
	lock_take(&signing->lock);
	uint64_t total = handin->share->staged_bytes - handin->staged_bytes + size_bytes;
	bool fits = size_bytes <= handin->staged_bytes || total <= LIMIT_STAGED_PER_SLOT * LIMIT_ARTIFACT_BYTES_DEFAULT;
	if (fits) {
		handin->share->staged_bytes = total;
		handin->staged_bytes = size_bytes;
	}
	lock_drop(&signing->lock);
	return fits ? 0 : -EDQUOT;
}

/* ---- life ---- */

int handin_new(struct signing_slot *slot, const struct handin_identity *identity, struct handin **ret)
{
	struct handin *handin = calloc(1, sizeof(*handin));
	if (!handin)
		return -ENOMEM;
	*handin = (struct handin){
		.slot = slot,
		.refs = 1,
		.mtime = clock_now(),
		.uid = identity->who.uid,
		.identity = *identity,
		.in_order = true,
	};
	lock_init(&handin->lock);
	int r = count_in(handin);
	if (r == 0)
		r = store_stage_new(slot->signing->staging, &handin->stage);
	if (r < 0)
		handin_put(handin);
	else
		*ret = handin;
	return r;
}

struct handin *handin_ref_locked(struct handin *handin)
{
	ASSERT(handin->refs > 0);
	handin->refs++;
	return handin;
}

void handin_put(struct handin *handin)
{
	if (!handin)
		return;
	struct signing *signing = handin->slot->signing;
	lock_take(&signing->lock);
	bool last = --handin->refs == 0;
	if (last)
		count_out_locked(handin);
	lock_drop(&signing->lock);
	if (!last)
		return;
	store_stage_free(handin->stage);
	lock_done(&handin->lock);
	free(handin);
}

/* ---- writing ---- */

static void set_size(struct handin *handin)
{
	lock_take(&handin->slot->signing->lock);
	handin->size_bytes = store_stage_size(handin->stage);
	handin->mtime = clock_now();
	handin->is_signed = false;
	lock_drop(&handin->slot->signing->lock);
}

static int write_locked(struct handin *handin, const void *buf, size_t len, uint64_t offset)
{
	struct finding finding = {0};
	uint64_t end;
	if (!base_add_u64(offset, len, &end))
		end = UINT64_MAX;
	int r = signing_check_size(end, &finding);
	if (r < 0)
		return handin->write_error = handin_refuse_locked(handin, r, &finding);
	handin->dirty = true;
	handin->admissible = false;
	handin->in_order = handin->in_order && offset == store_stage_size(handin->stage);
	if (end > store_stage_size(handin->stage))
		r = reserve(handin, end);
	if (r == 0)
		r = store_stage_write(handin->stage, buf, len, offset);
	if (r < 0)
		return handin->write_error = r;
	set_size(handin);
	bool is_complete = handin->in_order && end_scan_completes(&handin->scan, buf, len, offset);
	return is_complete && handin->identity.is_final ? handin_check_locked(handin) : 0;
}

int handin_write(struct handin *handin, const void *buf, size_t len, uint64_t offset)
{
	if (len == 0)
		return 0;
	lock_take(&handin->lock);
	int r = write_locked(handin, buf, len, offset);
	lock_drop(&handin->lock);
	return r;
}

static int truncate_locked(struct handin *handin, uint64_t size_bytes)
{
	struct finding finding = {0};
	int r = signing_check_size(size_bytes, &finding);
	if (r < 0)
		return handin_refuse_locked(handin, r, &finding);
	if (size_bytes > 0 && size_bytes == store_stage_size(handin->stage))
		return 0;
	handin->dirty = true; /* also when it fails: some of it may have been done */
	handin->admissible = false;
	handin->in_order = size_bytes == 0;
	if (size_bytes > store_stage_size(handin->stage))
		r = reserve(handin, size_bytes);
	if (r == 0)
		r = store_stage_truncate(handin->stage, size_bytes);
	if (r < 0)
		return r;
	if (size_bytes == 0) { /* begun anew */
		handin->scan = (struct end_scan){0};
		handin->write_error = 0;
	}
	set_size(handin);
	return reserve(handin, size_bytes);
}

int handin_truncate(struct handin *handin, uint64_t size_bytes)
{
	lock_take(&handin->lock);
	int r = truncate_locked(handin, size_bytes);
	lock_drop(&handin->lock);
	return r;
}

ssize_t handin_read(struct handin *handin, void *buf, size_t len, uint64_t offset)
{
	lock_take(&handin->lock);
	ssize_t got = store_stage_read(handin->stage, buf, len, offset);
	lock_drop(&handin->lock);
	return got;
}

static int copy_bytes(struct handin *handin, int fd, uint64_t length_bytes)
{
	char *piece = malloc(COPY_BYTES);
	int r = piece ? reserve(handin, length_bytes) : -ENOMEM;
	for (uint64_t at = 0; r == 0 && at < length_bytes;) {
		size_t len = length_bytes - at < COPY_BYTES ? (size_t)(length_bytes - at) : COPY_BYTES;
		r = io_pread_full(fd, piece, len, at);
		if (r == 0)
			r = store_stage_write(handin->stage, piece, len, at);
		at += len;
	}
	free(piece);
	return r;
}

int handin_copy(struct handin *handin, int fd, const struct result *origin)
{
	lock_take(&handin->lock);
	int r = copy_bytes(handin, fd, origin->length_bytes);
	if (r == 0)
		r = store_stage_write(handin->stage, origin->tail.data, origin->tail.len, origin->length_bytes);
	if (r == 0) {
		set_size(handin);
		handin->in_order = false;
		lock_take(&handin->slot->signing->lock);
		handin->mtime = origin->mtime;
		handin->is_signed = true;
		lock_drop(&handin->slot->signing->lock);
	}
	lock_drop(&handin->lock);
	return r;
}

void handin_make_staging(struct handin *handin, const char *name)
{
	lock_take(&handin->lock);
	handin->identity.is_final = false;
	(void)snprintf(handin->identity.name, sizeof(handin->identity.name), "%s", name);
	lock_drop(&handin->lock);
}
