#include "gate/layer_policy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "crypto/digest.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

#define NO_ORGANIZATION "-"

static bool is_everyone(const struct layer_statement *s)
{
	return strcmp(s->principal, LAYER_PRINCIPAL_EVERYONE) == 0;
}

bool layer_policy_is_statement_id(const char *id)
{
	return text_consists_of(id, strlen(id), LETTERS, 1, LAYER_STATEMENT_ID_SIZE - 1);
}

static bool is_sound(const struct layer_statement *s)
{
	if (!layer_policy_is_statement_id(s->id))
		return false;
	if (!is_everyone(s) && !arn_is_account(s->principal, strlen(s->principal)))
		return false;
	return s->organization[0] == '\0' ||
	       (is_everyone(s) && arn_is_organization(s->organization, strlen(s->organization)));
}

static size_t find(const struct layer_policy *policy, const char *id)
{
	size_t at = 0;
	while (at < policy->count && strcmp(policy->statements[at].id, id) != 0)
		at++;
	return at;
}

const struct layer_statement *layer_policy_find(const struct layer_policy *policy, const char *id)
{
	size_t at = find(policy, id);
	return at < policy->count ? &policy->statements[at] : NULL;
}

int layer_policy_add(struct layer_policy *policy, const struct layer_statement *statement)
{
	if (!is_sound(statement))
		return -EINVAL;
	if (find(policy, statement->id) < policy->count)
		return -EEXIST;
	if (policy->count == LIMIT_LAYER_STATEMENTS)
		return -E2BIG;
	policy->statements[policy->count++] = *statement;
	return 0;
}

int layer_policy_remove(struct layer_policy *policy, const char *id)
{
	size_t at = find(policy, id);
	if (at == policy->count)
		return -ENOENT;
	policy->count--;
	memmove(&policy->statements[at], &policy->statements[at + 1],
		(policy->count - at) * sizeof(policy->statements[0]));
	return 0;
}

/* Whoever has no account, or no organization, is named by no statement that names one. */
static bool is_for(const struct layer_statement *s, const struct layer_user *user)
{
	if (s->organization[0] != '\0')
		return is_everyone(s) && strcmp(s->organization, user->organization) == 0;
	return is_everyone(s) || strcmp(s->principal, user->account) == 0;
}

bool layer_policy_permits(const struct layer_policy *policy, const struct layer_user *user)
{
	for (size_t i = 0; i < policy->count; i++)
		if (is_for(&policy->statements[i], user))
			return true;
	return false;
}

/* ---- as text ---- */

int layer_policy_print(const struct layer_policy *policy, struct buf *ret)
{
	int r = buf_puts(ret, "vouchfs-layer-policy: 1\n");
	for (size_t i = 0; r == 0 && i < policy->count; i++) {
		const struct layer_statement *s = &policy->statements[i];
		r = buf_printf(ret, "statement: %s\nprincipal: %s\norganization: %s\n", s->id, s->principal,
			       s->organization[0] ? s->organization : NO_ORGANIZATION);
	}
	return r;
}

/* Takes the line with this key; false: it is not there, or its value does not fit. */
static bool take(const char **cursor, const char *end, const char *key, char *ret, size_t ret_size)
{
	struct text_line line;
	if (!text_next_line(cursor, end, &line) || !text_equal(line.key, line.key_len, key) ||
	    line.value_len >= ret_size || memchr(line.value, '\0', line.value_len))
		return false;
	memcpy(ret, line.value, line.value_len);
	ret[line.value_len] = '\0';
	return true;
}

static bool parse(const char *text, size_t len, struct layer_policy *policy)
{
	const char *cursor = text, *end = text + len;
	char version[8];
	if (!take(&cursor, end, "vouchfs-layer-policy", version, sizeof(version)) || strcmp(version, "1") != 0)
		return false;
	while (cursor < end) {
		struct layer_statement s = {0};
		if (!take(&cursor, end, "statement", s.id, sizeof(s.id)) ||
		    !take(&cursor, end, "principal", s.principal, sizeof(s.principal)) ||
		    !take(&cursor, end, "organization", s.organization, sizeof(s.organization)))
			return false;
		if (strcmp(s.organization, NO_ORGANIZATION) == 0)
			s.organization[0] = '\0';
		if (layer_policy_add(policy, &s) < 0)
			return false;
	}
	return true;
}

int layer_policy_parse(const char *text, size_t len, struct layer_policy *ret)
{
	struct layer_policy policy = {.count = 0};
	if (!parse(text, len, &policy))
		return -EBADMSG;
	*ret = policy;
	return 0;
}

int layer_policy_revision(const struct layer_policy *policy, const char *layer, uint64_t version,
			  char ret[LAYER_REVISION_SIZE])
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	struct buf text = {0};
	int r = buf_printf(&text, "layer: %s\nversion: %" PRIu64 "\n", layer, version);
	if (r == 0)
		r = layer_policy_print(policy, &text);
	if (r == 0)
		r = crypto_sha256(text.data, text.len, digest);
	buf_done(&text);
	if (r == 0)
		text_uuid(digest, 8, ret); /* 8: bits of one's own choice */
	return r;
}

/* ---- in the store ---- */

struct place {
	char slot[sizeof(STORE_LAYER_PREFIX) + LIMIT_FUNCTION_NAME_BYTES];
	char file[sizeof("policy.") + 20];
};

static int find_place(const char *layer, uint64_t version, struct place *ret)
{
	if (strlen(layer) > LIMIT_FUNCTION_NAME_BYTES)
		return -EINVAL;
	(void)snprintf(ret->slot, sizeof(ret->slot), STORE_LAYER_PREFIX "%s", layer);
	(void)snprintf(ret->file, sizeof(ret->file), "policy.%" PRIu64, version);
	return 0;
}

int layer_policy_load(struct store *store, const char *layer, uint64_t version, struct layer_policy *ret)
{
	struct place place;
	struct buf text = {0};
	int r = find_place(layer, version, &place);
	if (r == 0)
		r = store_get_slot_file(store, place.slot, place.file, &text);
	if (r == 0)
		r = layer_policy_parse(text.data ? text.data : "", text.len, ret);
	buf_done(&text);
	if (r == -ENOENT) {
		*ret = (struct layer_policy){.count = 0};
		r = 0;
	}
	return r;
}

int layer_policy_save(struct store *store, const char *layer, uint64_t version, const struct layer_policy *policy)
{
	struct place place;
	struct buf text = {0};
	int r = find_place(layer, version, &place);
	if (r == 0)
		r = layer_policy_print(policy, &text);
	if (r == 0)
		r = store_put_slot_file(store, place.slot, place.file, text.data, text.len);
	buf_done(&text);
	return r;
}
