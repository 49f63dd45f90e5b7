/* Records of results: "key: value" lines, an empty line, and the tail as it was; and what is left of them after a
 * start. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/text.h"
#include "internal.h"

#define RECORD_KIND	 "vouchfs-signing-result: 1\n"
#define RECORD_HEAD_MAX	 4096U
#define RECORD_MAX_BYTES (RECORD_HEAD_MAX + 2U + LIMIT_ZIP_COMMENT_BYTES)

int result_write(int directory, const struct result *result)
{
	char name[4 * sizeof(result->name)];
	struct buf text = {0};
	text_escape_print(name, sizeof(name), result->name, strlen(result->name));
	int r = buf_printf(&text,
			   RECORD_KIND "name: %s\njob: %s\nreplaces: %s\nlength: %" PRIu64 "\nsigned-bytes: %" PRIu64
				       "\ntail-bytes: %zu\nuid: %u\nsigned-at: %" PRIu64 "\nmtime: %" PRIu64
				       "\nmtime-ns: %" PRIu64 "\nis-handed-in: %u\nis-signed: %u\n\n",
			   name, result->job_id, result->replaces[0] ? result->replaces : "-", result->length_bytes,
			   result->signed_bytes, result->tail.len, result->uid, (uint64_t)result->signed_at_s,
			   (uint64_t)result->mtime.tv_sec, (uint64_t)result->mtime.tv_nsec, result->is_handed_in,
			   result->is_signed);
	if (r == 0)
		r = buf_append(&text, result->tail.data, result->tail.len);
	if (r == 0)
		r = io_write_file(directory, result->id, text.data, text.len, 0600, true);
	buf_done(&text);
	return r;
}

static bool get_text(const char *head, size_t len, const char *key, char *ret, size_t ret_size)
{
	size_t got = 0;
	char *value = text_record_get(head, len, key);
	bool ok = value && text_unescape_print(value, strlen(value), ret, ret_size, &got);
	free(value);
	ret[ok ? got : 0] = '\0';
	return ok && strlen(ret) == got;
}

static bool get_number(const char *head, size_t len, const char *key, uint64_t max, uint64_t *ret)
{
	return text_record_get_u64(head, len, key, ret) && *ret <= max;
}

static bool parse_numbers(const char *head, size_t len, struct result *result, uint64_t *ret_tail_len)
{
	uint64_t uid, at_s, mtime_s, mtime_ns, is_handed_in, is_signed;
	bool ok = get_number(head, len, "length", UINT32_MAX, &result->length_bytes) &&
		  get_number(head, len, "signed-bytes", UINT32_MAX, &result->signed_bytes) &&
		  get_number(head, len, "tail-bytes", 2 + LIMIT_ZIP_COMMENT_BYTES, ret_tail_len) &&
		  get_number(head, len, "uid", UINT32_MAX, &uid) &&
		  get_number(head, len, "signed-at", INT64_MAX, &at_s) &&
		  text_record_get_u64(head, len, "mtime", &mtime_s) &&
		  get_number(head, len, "mtime-ns", 999999999, &mtime_ns) &&
		  get_number(head, len, "is-handed-in", 1, &is_handed_in) &&
		  get_number(head, len, "is-signed", 1, &is_signed);
	if (!ok)
		return false;
	result->uid = (uid_t)uid;
	result->signed_at_s = (int64_t)at_s;
	result->mtime = (struct timespec){.tv_sec = (time_t)mtime_s, .tv_nsec = (long)mtime_ns};
	result->is_handed_in = is_handed_in;
	result->is_signed = is_signed;
	return result->length_bytes <= result->signed_bytes;
}

static bool parse(const struct buf *text, struct result *result)
{
	const char *gap = memmem(text->data, text->len, "\n\n", 2);
	if (!gap || !text_starts_with(text->data, RECORD_KIND))
		return false;
	size_t len = (size_t)(gap - text->data) + 1;
	uint64_t tail_len;
	return parse_numbers(text->data, len, result, &tail_len) && tail_len == text->len - len - 1 &&
	       get_text(text->data, len, "name", result->name, sizeof(result->name)) &&
	       get_text(text->data, len, "job", result->job_id, sizeof(result->job_id)) &&
	       get_text(text->data, len, "replaces", result->replaces, sizeof(result->replaces)) &&
	       buf_append(&result->tail, gap + 2, (size_t)tail_len) == 0;
}

int result_read(int directory, struct result *result)
{
	struct buf text = {0};
	int r = io_read_file(directory, result->id, RECORD_MAX_BYTES, &text);
	if (r == 0 && (text.len == 0 || !parse(&text, result)))
		r = -EBADMSG;
	buf_done(&text);
	return r;
}

/* ---- after a start ---- */

static bool has_name(const struct io_names *names, const char *name, size_t len)
{
	for (size_t i = 0; i < names->count; i++)
		if (strlen(names->names[i]) == len && strncmp(names->names[i], name, len) == 0)
			return true;
	return false;
}

/* A result without a record is of a job that was cut off; other names are of writes that were. */
static void clear_left_over(int directory, const struct signing_slot *slot, const struct io_names *names,
			    const char *name)
{
	size_t len = strlen(name);
	bool is_result = text_ends_with(name, ".zip") && arn_is_uuid(name, len - 4);
	if (is_result && has_name(names, name, len - 4))
		return;
	log_notice("%s: the result of a job that was cut off is removed; the job's record stays", slot->name);
	(void)io_unlinkat(directory, name, 0);
}

static int load_one(struct signing_slot *slot, int directory, const char *account, const char *id)
{
	struct result *result = calloc(1, sizeof(*result));
	if (!result)
		return -ENOMEM;
	(void)snprintf(result->account, sizeof(result->account), "%s", account);
	(void)snprintf(result->id, sizeof(result->id), "%s", id);
	int r = result_read(directory, result);
	int fd = r < 0 ? r : result_open_file(slot, result);
	r = fd < 0 ? fd : 0;
	io_close(&fd);
	if (r < 0) {
		log_error("%s: result %s of account %s cannot be read (%s) and is left as it is", slot->name, id,
			  account, strerror(-r));
		result_free(result);
		return r == -ENOMEM ? r : 0;
	}
	result->next = slot->results;
	slot->results = result;
	return 0;
}

/* Those that a newer record of their name replaces had been about to go. */
static void drop_replaced(struct signing_slot *slot, int directory)
{
	for (struct result *newer = slot->results; newer; newer = newer->next) {
		struct result **link = &slot->results;
		while (*link &&
		       !(strcmp((*link)->id, newer->replaces) == 0 && strcmp((*link)->account, newer->account) == 0))
			link = &(*link)->next;
		struct result *old = *link;
		if (!old || old == newer)
			continue;
		char file[ARN_JOB_ID_SIZE + 4];
		(void)snprintf(file, sizeof(file), "%s.zip", old->id);
		*link = old->next;
		(void)io_unlinkat(directory, old->id, 0);
		(void)io_unlinkat(directory, file, 0);
		result_free(old);
	}
}

static int load_account(struct signing_slot *slot, int profile, const char *account)
{
	struct io_names names = {0};
	if (!arn_is_account(account, strlen(account)))
		return 0;
	int directory = io_open_dirat(profile, account);
	int r = directory < 0 ? directory : io_list_dir(directory, ".", &names);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		const char *name = names.names[i];
		if (arn_is_uuid(name, strlen(name)))
			r = load_one(slot, directory, account, name);
		else
			clear_left_over(directory, slot, &names, name);
	}
	if (r == 0)
		drop_replaced(slot, directory);
	io_names_done(&names);
	io_close(&directory);
	return r;
}

static int load_profile(struct signing *signing, const char *profile)
{
	struct signing_slot *slot;
	struct io_names names = {0};
	if (!arn_is_profile_name(profile, strlen(profile)))
		return 0;
	int r = signing_add_slot_locked(signing, profile, &slot); /* nobody else is here yet */
	if (r < 0)
		return r;
	int fd = io_open_dirat(signing->results_fd, profile);
	r = fd < 0 ? fd : io_list_dir(fd, ".", &names);
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = load_account(slot, fd, names.names[i]);
	io_names_done(&names);
	io_close(&fd);
	return r;
}

int result_load_all(struct signing *signing)
{
	struct io_names names = {0};
	int r = io_list_dir(signing->results_fd, ".", &names);
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = load_profile(signing, names.names[i]);
	io_names_done(&names);
	return r;
}
