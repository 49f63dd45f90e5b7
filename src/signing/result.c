/*
 * What was signed, until it is unlinked on both sides or its time is over. One file holds both sides: what was handed
 * in is the result's first length_bytes and the tail that is on record.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "internal.h"

void result_done(struct result *result)
{
	buf_done(&result->tail);
}

void result_free(struct result *result)
{
	if (result)
		result_done(result);
	free(result);
}

int result_copy_locked(const struct result *result, struct result *ret)
{
	struct result copy = *result;
	copy.next = NULL;
	copy.tail = (struct buf){0};
	int r = buf_append(&copy.tail, result->tail.data, result->tail.len);
	if (r == 0)
		*ret = copy;
	return r;
}

uint64_t result_handed_in_bytes(const struct result *result)
{
	return result->length_bytes + result->tail.len;
}

static bool is_listed(const struct result *result, enum signing_kind kind)
{
	return kind == KIND_RESULT ? result->is_signed : result->is_handed_in;
}

struct result *result_find_locked(const struct signing_slot *slot, const char *account, const char *name,
				  enum signing_kind kind)
{
	for (struct result *result = slot->results; result; result = result->next)
		if (strcmp(result->name, name) == 0 && strcmp(result->account, account) == 0)
			return is_listed(result, kind) ? result : NULL;
	return NULL;
}

/* ---- files ---- */

int result_open_directory(struct signing_slot *slot, const char *account)
{
	int profile = signing_open_directory(slot->signing->results_fd, slot->name);
	if (profile < 0)
		return profile;
	int fd = signing_open_directory(profile, account);
	io_close(&profile);
	return fd;
}

int result_open_file(struct signing_slot *slot, const struct result *result)
{
	char path[SIGNING_PATH_SIZE];
	struct stat st;
	(void)snprintf(path, sizeof(path), "%s/%s/%s.zip", slot->name, result->account, result->id);
	int fd = io_openat(slot->signing->results_fd, path, O_RDONLY, 0);
	if (fd < 0)
		return fd == -ENOENT ? -ESTALE : fd; /* replaced meanwhile */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == result->signed_bytes)
		return fd;
	log_error("%s: the result %s in the signer's home is not what was signed", slot->name, result->id);
	io_close(&fd);
	return -EIO;
}

/* The record first: a file without one is nobody's. */
static int remove_files(struct signing_slot *slot, const struct result *result)
{
	char file[ARN_JOB_ID_SIZE + 4];
	(void)snprintf(file, sizeof(file), "%s.zip", result->id);
	int fd = result_open_directory(slot, result->account);
	int r = fd < 0 ? fd : io_unlinkat(fd, result->id, 0);
	if (r == 0)
		r = io_fsync(fd);
	if (r == 0)
		(void)io_unlinkat(fd, file, 0); /* else it goes at the next start */
	io_close(&fd);
	return r;
}

static int write_record(struct signing_slot *slot, const struct result *result)
{
	int fd = result_open_directory(slot, result->account);
	int r = fd < 0 ? fd : result_write(fd, result);
	io_close(&fd);
	return r;
}

/* ---- changes; the slot's lock is held across the disk ---- */

static struct result *take_locked(struct signing_slot *slot, const char *account, const char *name)
{
	for (struct result **link = &slot->results; *link; link = &(*link)->next) {
		struct result *result = *link;
		if (strcmp(result->name, name) != 0 || strcmp(result->account, account) != 0)
			continue;
		*link = result->next;
		return result;
	}
	return NULL;
}

static struct result *find_any(struct signing_slot *slot, const char *account, const char *name)
{
	struct result *result = result_find_locked(slot, account, name, KIND_RESULT);
	return result ? result : result_find_locked(slot, account, name, KIND_HANDED_IN);
}

int result_add(struct signing_slot *slot, struct result *result)
{
	struct signing *signing = slot->signing;
	struct result *before = NULL;
	lock_take(&slot->lock);
	const struct result *old = find_any(slot, result->account, result->name);
	if (old)
		memcpy(result->replaces, old->id, sizeof(result->replaces));
	int r = write_record(slot, result);
	if (r == 0) {
		lock_take(&signing->lock);
		before = take_locked(slot, result->account, result->name);
		result->next = slot->results;
		slot->results = result;
		lock_drop(&signing->lock);
	}
	if (before)
		(void)remove_files(slot, before); /* the new record says that it is replaced */
	lock_drop(&slot->lock);
	result_free(r < 0 ? result : before);
	return r;
}

static int change(struct signing_slot *slot, struct result *result, const struct result *wanted)
{
	if (!wanted->is_handed_in && !wanted->is_signed) {
		int r = remove_files(slot, result);
		lock_take(&slot->signing->lock);
		if (r == 0)
			(void)take_locked(slot, result->account, result->name);
		lock_drop(&slot->signing->lock);
		if (r == 0)
			result_free(result);
		return r;
	}
	int r = write_record(slot, wanted);
	if (r < 0)
		return r;
	lock_take(&slot->signing->lock);
	result->mtime = wanted->mtime;
	result->is_handed_in = wanted->is_handed_in;
	result->is_signed = wanted->is_signed;
	lock_drop(&slot->signing->lock);
	return 0;
}

int result_hide(struct signing_slot *slot, const char *account, const char *name, enum signing_kind kind)
{
	lock_take(&slot->lock);
	struct result *result = result_find_locked(slot, account, name, kind);
	int r = result ? 0 : -ENOENT;
	if (r == 0) {
		struct result wanted = *result; /* borrows the tail */
		if (kind == KIND_RESULT)
			wanted.is_signed = false;
		else
			wanted.is_handed_in = false;
		r = change(slot, result, &wanted);
	}
	lock_drop(&slot->lock);
	return r;
}

int result_set_mtime(struct signing_slot *slot, const char *account, const char *name, const struct timespec *mtime)
{
	lock_take(&slot->lock);
	struct result *result = result_find_locked(slot, account, name, KIND_HANDED_IN);
	int r = 0;
	if (result) {
		struct result wanted = *result;
		wanted.mtime = *mtime;
		r = change(slot, result, &wanted);
	}
	lock_drop(&slot->lock);
	return r;
}

/* ---- sweep ---- */

/* Drops one whose time is over. 1: there may be more; 0 and in how many seconds the next one is due. */
static int sweep_slot(struct signing_slot *slot, int64_t now_s, uint64_t *ret_next_s)
{
	int r = 0;
	lock_take(&slot->lock);
	struct result *due = NULL;
	for (struct result *result = slot->results; result && !due; result = result->next) {
		int64_t left_s = result->signed_at_s + SIGNING_KEEP_S - now_s;
		if (left_s <= 0)
			due = result;
		else if ((uint64_t)left_s < *ret_next_s)
			*ret_next_s = (uint64_t)left_s;
	}
	if (due) {
		struct result wanted = *due;
		wanted.is_handed_in = wanted.is_signed = false;
		log_notice("%s: result of job %s: kept for %u days", slot->name, due->job_id, SIGNING_KEEP_S / 86400);
		r = change(slot, due, &wanted) == 0; /* a disk that fails is tried again with the next sweep */
	}
	lock_drop(&slot->lock);
	return r;
}

uint64_t result_sweep(struct signing *signing)
{
	uint64_t next_s = SIGNING_KEEP_S;
	struct signing_slot *slot;
	for (size_t i = 0; (slot = signing_slot_at(signing, i)) != NULL; i++)
		while (sweep_slot(slot, clock_now_s(), &next_s) > 0)
			;
	return next_s * 1000;
}
