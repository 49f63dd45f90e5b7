/* The AWS CLI's shorthand for structures on the command line. Source of the form: AWS CLI user guide, "shorthand". */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/aws.h"

#define KEYS_MAX 16

struct cursor {
	const char *at;
	const struct cli_shorthand *keys;
	size_t key_count;
	const struct cli_shorthand *current; /* the key that words without "=" belong to */
};

/* One value up to the next comma, without its quotes; -EINVAL: a quote is not closed. */
static int read_value(struct cursor *c, struct buf *ret)
{
	char quote = '\0';
	for (; *c->at && (quote || *c->at != ','); c->at++) {
		int r = 0;
		if (*c->at == '\\' && c->at[1])
			r = buf_putc(ret, *++c->at);
		else if (quote ? *c->at == quote : *c->at == '"' || *c->at == '\'')
			quote = quote ? '\0' : *c->at;
		else
			r = buf_putc(ret, *c->at);
		if (r < 0)
			return r;
	}
	return quote ? -EINVAL : 0;
}

static int unknown_key(const struct cursor *c, const char *key, size_t len, struct explain *ret_why)
{
	const char *names[KEYS_MAX];
	size_t count = 0;
	for (size_t i = 0; i < c->key_count; i++)
		if (!c->keys[i].refuse)
			names[count++] = c->keys[i].key;

	char word[64], escaped[128];
	size_t cut = len < sizeof(word) ? len : sizeof(word) - 1;
	memcpy(word, key, cut);
	word[cut] = '\0';
	const char *nearest = text_nearest(word, names, count);
	(void)text_escape_print(escaped, sizeof(escaped), word, cut);
	if (nearest)
		explain_set(ret_why, "unknown key \"%s\", did you mean \"%s\"?", escaped, nearest);
	else
		explain_set(ret_why, "unknown key \"%s\", expected %s=", escaped, names[0]);
	return -EINVAL;
}

static int find_key(const struct cursor *c, const char *key, size_t len, const struct cli_shorthand **ret,
		    struct explain *ret_why)
{
	for (size_t i = 0; i < c->key_count; i++) {
		const struct cli_shorthand *found = &c->keys[i];
		if (!text_equal(key, len, found->key))
			continue;
		if (found->refuse) {
			explain_set(ret_why, "%s= is not for vouchfs: %s", found->key, found->refuse);
			return -EINVAL;
		}
		ASSERT(found->ret);
		if (*found->ret) {
			explain_set(ret_why, "%s= is given twice", found->key);
			return -EINVAL;
		}
		*ret = found;
		return 0;
	}
	return unknown_key(c, key, len, ret_why);
}

/* Puts the value into the current key, behind what is there. */
static int keep_value(const struct cursor *c, const struct buf *value)
{
	struct buf joined = {0};
	char **to = c->current->ret;
	int r = *to ? buf_printf(&joined, "%s,", *to) : 0;
	if (r == 0)
		r = buf_append(&joined, value->data, value->len);
	if (r == 0) {
		free(*to);
		*to = buf_steal(&joined);
		r = *to ? 0 : -ENOMEM;
	}
	buf_done(&joined);
	return r;
}

static int read_pair(struct cursor *c, struct explain *ret_why)
{
	size_t len = strcspn(c->at, "=,\"'\\");
	if (c->at[len] == '=') {
		int r = find_key(c, c->at, len, &c->current, ret_why);
		if (r < 0)
			return r;
		c->at += len + 1;
	} else if (!c->current || !c->current->is_list) {
		explain_set(ret_why, "expected key=value,key=value");
		return -EINVAL;
	}

	struct buf value = {0};
	int r = read_value(c, &value);
	if (r == -EINVAL)
		explain_set(ret_why, "a quote is not closed");
	if (r == 0 && value.len == 0) {
		explain_set(ret_why, "%s= has no value", c->current->key);
		r = -EINVAL;
	}
	if (r == 0)
		r = keep_value(c, &value);
	buf_done(&value);
	return r;
}

static int check_required(const struct cursor *c, struct explain *ret_why)
{
	for (size_t i = 0; i < c->key_count; i++) {
		if (c->keys[i].required && !*c->keys[i].ret) {
			explain_set(ret_why, "%s= is missing", c->keys[i].key);
			return -EINVAL;
		}
	}
	return 0;
}

int cli_parse_shorthand(const char *text, const struct cli_shorthand *keys, size_t key_count, struct explain *ret_why)
{
	ASSERT(key_count <= KEYS_MAX);
	struct cursor c = {.at = text, .keys = keys, .key_count = key_count};
	for (size_t i = 0; i < key_count; i++)
		if (keys[i].ret)
			*keys[i].ret = NULL;

	int r = 0;
	if (*text == '{' || *text == '[') {
		explain_set(ret_why, "JSON is not read here, write key=value,key=value");
		r = -EINVAL;
	}
	do {
		if (r == 0)
			r = read_pair(&c, ret_why);
	} while (r == 0 && *c.at == ',' && *++c.at);
	if (r == 0)
		r = check_required(&c, ret_why);
	for (size_t i = 0; r < 0 && i < key_count; i++) {
		if (keys[i].ret) {
			free(*keys[i].ret);
			*keys[i].ret = NULL;
		}
	}
	return r;
}
