/*
 * The text of a revocation list: read strictly, printed, and compared with what was read.
 *
 * Entries may come in any order, but none twice: none that revokes the same job, profile version or certificate as
 * another one, whatever else it says.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "fields.h"
#include "signature/revocations.h"

#define VERSION	       "1"
#define FIRST_CAPACITY 16

/* What is left of an entry's value. */
struct cursor {
	const char *at;
	const char *end;
};

/* The bytes up to the next blank, or to the end. */
static struct cursor take_word(struct cursor *c)
{
	size_t left = (size_t)(c->end - c->at);
	const char *blank = left > 0 ? memchr(c->at, ' ', left) : NULL;
	struct cursor word = {c->at, blank ? blank : c->end};
	c->at = word.end;
	return word;
}

static bool take_literal(struct cursor *c, const char *literal)
{
	size_t len = strlen(literal);
	if ((size_t)(c->end - c->at) < len || memcmp(c->at, literal, len) != 0)
		return false;
	c->at += len;
	return true;
}

static bool take_time(struct cursor *c, const char *label, int64_t *ret_s)
{
	if (!take_literal(c, label))
		return false;
	struct cursor word = take_word(c);
	return clock_parse_utc(word.at, (size_t)(word.end - word.at), ret_s);
}

static bool take_reason(struct cursor *c, char ret[LIMIT_REASON_BYTES + 1])
{
	if (!take_literal(c, " reason="))
		return false;
	size_t len = (size_t)(c->end - c->at);
	if (len < 1 || len > LIMIT_REASON_BYTES)
		return false;
	for (size_t i = 0; i < len; i++)
		if (c->at[i] < 0x20 || c->at[i] > 0x7e)
			return false;
	memcpy(ret, c->at, len);
	ret[len] = '\0';
	return true;
}

static bool take_job(struct cursor *c, struct revocation *ret)
{
	struct cursor word = take_word(c);
	return arn_parse_job(word.at, (size_t)(word.end - word.at), &ret->job);
}

static bool take_profile_version(struct cursor *c, struct revocation *ret)
{
	struct cursor word = take_word(c);
	return arn_parse_profile_version(word.at, (size_t)(word.end - word.at), &ret->profile_version) &&
	       take_time(c, " effective=", &ret->effective_s);
}

static bool take_certificate(struct cursor *c, struct revocation *ret)
{
	struct cursor word = take_word(c);
	return text_unhex(word.at, (size_t)(word.end - word.at), ret->certificate, sizeof(ret->certificate));
}

static const struct {
	enum revocation_kind kind;
	const char *key;
	bool (*take)(struct cursor *c, struct revocation *ret);
	const char *form;
} kinds[] = {
	{REVOCATION_JOB, "job", take_job, "<job ARN> revoked-at=<UTC> reason=<1 to 500 printable characters>"},
	{REVOCATION_PROFILE_VERSION, "profile-version", take_profile_version,
	 "<profile version ARN> effective=<UTC> revoked-at=<UTC> reason=<1 to 500 printable characters>"},
	{REVOCATION_CERTIFICATE, "certificate", take_certificate,
	 "<SHA-256> revoked-at=<UTC> reason=<1 to 500 printable characters>"},
};

static const char *account_of(const struct revocation *entry)
{
	switch (entry->kind) {
	case REVOCATION_JOB:
		return entry->job.scope.account;
	case REVOCATION_PROFILE_VERSION:
		return entry->profile_version.scope.account;
	case REVOCATION_CERTIFICATE:
		return NULL;
	}
	return NULL;
}

static int read_entry(const struct fields *fields, const struct text_line *line, const char *account,
		      struct revocation *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!text_equal(line->key, line->key_len, kinds[i].key))
			continue;
		struct cursor c = {line->value, line->value + line->value_len};
		ret->kind = kinds[i].kind;
		if (!kinds[i].take(&c, ret) || !take_time(&c, " revoked-at=", &ret->revoked_at_s) ||
		    !take_reason(&c, ret->reason))
			return fields_refuse(fields, line, kinds[i].form);
		const char *of = account_of(ret);
		if (of && strcmp(of, account) != 0)
			return fields_refuse(fields, line, "something of the list's own account");
		return 0;
	}
	return fields_refuse(fields, line, "the key job, profile-version or certificate");
}

static int append_entry(struct revocation_list *list, size_t *capacity, const struct revocation *entry)
{
	if (list->entry_count == *capacity) {
		size_t more = *capacity ? 2 * *capacity : FIRST_CAPACITY; /* bounded by the size of the text */
		struct revocation *entries = reallocarray(list->entries, more, sizeof(*entries));
		if (!entries)
			return -ENOMEM;
		list->entries = entries;
		*capacity = more;
	}
	list->entries[list->entry_count++] = *entry;
	return 0;
}

static int read_entries(struct fields *fields, struct revocation_list *list)
{
	size_t capacity = 0;
	struct text_line line;
	while (text_next_line(&fields->at, fields->end, &line)) {
		struct revocation entry = {0};
		int r = read_entry(fields, &line, list->account, &entry);
		if (r == 0)
			r = append_entry(list, &capacity, &entry);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_head(struct fields *fields, struct revocation_list *list)
{
	struct text_line line;
	int r = fields_next_constant(fields, "vouchfs-revocations", VERSION);
	if (r < 0)
		return r;
	r = fields_next(fields, "account", &line);
	if (r < 0)
		return r;
	if (!arn_is_account(line.value, line.value_len))
		return fields_refuse(fields, &line, "an account of 12 digits");
	memcpy(list->account, line.value, line.value_len); /* the list is all zeros: a NUL follows */
	r = fields_next_u64(fields, "sequence", &list->sequence);
	if (r < 0)
		return r;
	r = fields_next_time(fields, "issued-at", &list->issued_at_s);
	if (r < 0)
		return r;
	r = fields_next_time(fields, "next-update", &list->next_update_s);
	if (r < 0)
		return r;
	if (list->next_update_s > list->issued_at_s)
		return 0;
	explain_set(fields->why, "next-update is not later than issued-at");
	return -EBADMSG;
}

/* Orders the numbers of entries by what these revoke. */
static int compare_subjects(const void *a, const void *b, void *entries)
{
	const struct revocation *x = (const struct revocation *)entries + *(const size_t *)a;
	const struct revocation *y = (const struct revocation *)entries + *(const size_t *)b;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	char x_arn[ARN_TEXT_SIZE], y_arn[ARN_TEXT_SIZE];
	switch (x->kind) {
	case REVOCATION_JOB:
		arn_print_job(&x->job, x_arn);
		arn_print_job(&y->job, y_arn);
		return strcmp(x_arn, y_arn);
	case REVOCATION_PROFILE_VERSION:
		arn_print_profile(&x->profile_version, x_arn);
		arn_print_profile(&y->profile_version, y_arn);
		return strcmp(x_arn, y_arn);
	case REVOCATION_CERTIFICATE:
		break;
	}
	return memcmp(x->certificate, y->certificate, sizeof(x->certificate));
}

static int check_none_twice(const struct revocation_list *list, struct explain *ret_why)
{
	if (list->entry_count < 2)
		return 0;
	size_t *sorted = calloc(list->entry_count, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < list->entry_count; i++)
		sorted[i] = i;
	qsort_r(sorted, list->entry_count, sizeof(*sorted), compare_subjects, list->entries);

	int r = 0;
	for (size_t i = 1; r == 0 && i < list->entry_count; i++)
		if (compare_subjects(&sorted[i - 1], &sorted[i], list->entries) == 0)
			r = -EBADMSG;
	if (r < 0)
		explain_set(ret_why, "two entries revoke the same thing");
	free(sorted);
	return r;
}

static int check_text(const struct fields *fields, const struct revocation_list *list, const char *text, size_t len)
{
	struct buf printed = {0};
	int r = revocation_statement_print(list, &printed);
	if (r == 0)
		r = fields_compare(fields, &printed, text, len);
	buf_done(&printed);
	return r;
}

int revocation_statement_parse(const char *text, size_t len, struct revocation_list **ret, struct explain *ret_why)
{
	struct fields fields = {.at = text, .end = text + len, .why = ret_why};
	if (len > LIMIT_REVOCATION_LIST_BYTES) {
		explain_set(ret_why, "the list is larger than %u bytes", LIMIT_REVOCATION_LIST_BYTES);
		return -EBADMSG;
	}
	struct revocation_list *list = calloc(1, sizeof(*list));
	if (!list)
		return -ENOMEM;

	int r = read_head(&fields, list);
	if (r < 0)
		goto out;
	r = read_entries(&fields, list);
	if (r < 0)
		goto out;
	r = check_none_twice(list, ret_why);
	if (r < 0)
		goto out;
	r = check_text(&fields, list, text, len);
	if (r < 0)
		goto out;
	r = crypto_sha256(text, len, list->digest);
	if (r < 0)
		goto out;
	*ret = list;
	list = NULL;
out:
	revocation_list_free(list);
	return r;
}

static int print_entry(const struct revocation *entry, struct buf *ret)
{
	char subject[ARN_TEXT_SIZE], effective[CLOCK_UTC_SIZE], revoked_at[CLOCK_UTC_SIZE];
	const char *key = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].kind == entry->kind)
			key = kinds[i].key;
	ASSERT(key);

	_Static_assert(sizeof(subject) >= CRYPTO_SHA256_HEX_SIZE, "a digest fits where an ARN does");
	if (entry->kind == REVOCATION_JOB)
		arn_print_job(&entry->job, subject);
	else if (entry->kind == REVOCATION_PROFILE_VERSION)
		arn_print_profile(&entry->profile_version, subject);
	else
		text_hex(entry->certificate, sizeof(entry->certificate), subject);

	int r = buf_printf(ret, "%s: %s", key, subject);
	if (r == 0 && entry->kind == REVOCATION_PROFILE_VERSION) {
		clock_format_utc(entry->effective_s, effective);
		r = buf_printf(ret, " effective=%s", effective);
	}
	if (r < 0)
		return r;
	clock_format_utc(entry->revoked_at_s, revoked_at);
	return buf_printf(ret, " revoked-at=%s reason=%s\n", revoked_at, entry->reason);
}

int revocation_statement_print(const struct revocation_list *list, struct buf *ret)
{
	char issued_at[CLOCK_UTC_SIZE], next_update[CLOCK_UTC_SIZE];
	clock_format_utc(list->issued_at_s, issued_at);
	clock_format_utc(list->next_update_s, next_update);
	int r = buf_printf(ret,
			   "vouchfs-revocations: " VERSION "\n"
			   "account: %s\n"
			   "sequence: %" PRIu64 "\n"
			   "issued-at: %s\n"
			   "next-update: %s\n",
			   list->account, list->sequence, issued_at, next_update);
	for (size_t i = 0; r == 0 && i < list->entry_count; i++)
		r = print_entry(&list->entries[i], ret);
	return r;
}
