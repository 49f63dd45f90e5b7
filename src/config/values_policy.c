/* The values that only [policy] and policy.conf have, and those that are other ones in a bundle. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/policy.h"
#include "members.h"
#include "names.h"
#include "values.h"

#define HOST_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

static int replace(void *item, size_t offset, const char *value, size_t len)
{
	char **field = (char **)((char *)item + offset), *text = strndup(value, len);
	if (!text)
		return -ENOMEM;
	free(*field);
	*field = text;
	return 0;
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

static bool is_source(const char *url)
{
	static const char https[] = "https://", file[] = "file:///";
	const char *host = url + strlen(https);
	if (!is_printable(url))
		return false;
	if (text_starts_with(url, file))
		return url[strlen(file)] != '\0';
	return text_starts_with(url, https) && *host != '\0' && !strchr("/?#:@", *host);
}

int value_set_url(const struct key *key, const struct setting *s, void *item, struct report *report)
{
	if (!is_source(s->value))
		return value_refuse(s, report, "https://<host>/<path> or file:///<path>");
	return replace(item, key->offset, s->value, strlen(s->value));
}

int value_set_host(const struct key *key, const struct setting *s, void *item, struct report *report)
{
	if (!text_consists_of(s->value, strlen(s->value), HOST_CHARS, 1, CONFIG_HOST_NAME_MAX))
		return value_refuse(s, report, "a name of letters, digits, \".\", \"_\" and \"-\"");
	return replace(item, key->offset, s->value, strlen(s->value));
}

/* Appends a copy of the word; one that is there already is reported. */
static int add_word(const struct setting *s, const char *word, size_t len, char ***words, size_t *count,
		    struct report *report)
{
	for (size_t i = 0; i < *count; i++) {
		if (text_equal(word, len, (*words)[i])) {
			report_error(report, s->at, "%s: %s is listed twice", s->key, quote((*words)[i]).text);
			return 0;
		}
	}
	if (*count == LIMIT_CONFIG_LIST_ITEMS) {
		report_error(report, s->at, "more than %u times \"%s\"", LIMIT_CONFIG_LIST_ITEMS, s->key);
		return 0;
	}
	char **more = reallocarray(*words, *count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	*words = more;
	more[*count] = strndup(word, len);
	if (!more[*count])
		return -ENOMEM;
	(*count)++;
	return 0;
}

/* Every word of the value. */
static int add_words(const struct setting *s, const char *chars, size_t max, const char *expected, char ***words,
		     size_t *count, struct report *report)
{
	int r = 0;
	for (const char *at = s->value; r == 0 && *at; at += strspn(at, " \t")) {
		size_t len = strcspn(at, " \t");
		if (!text_consists_of(at, len, chars, 1, max))
			return value_refuse(s, report, expected);
		r = add_word(s, at, len, words, count, report);
		at += len;
	}
	return r;
}

int value_add_hosts(const struct key *key UNUSED, const struct setting *s, void *item, struct report *report)
{
	struct config_terms *terms = item;
	return add_words(s, HOST_CHARS "*", CONFIG_HOST_NAME_MAX,
			 "names of hosts, of letters, digits, \".\", \"_\" and \"-\", with \"*\" for any run of them",
			 &terms->hosts, &terms->host_count, report);
}

int value_add_labels(const struct key *key UNUSED, const struct setting *s, void *item, struct report *report)
{
	struct config_terms *terms = item;
	return add_words(s, HOST_CHARS, CONFIG_LABEL_MAX, "words of letters, digits, \".\", \"_\" and \"-\"",
			 &terms->labels, &terms->label_count, report);
}

int value_add_label(const struct key *key UNUSED, const struct setting *s, void *item, struct report *report)
{
	struct config_policy *policy = item;
	size_t len = strlen(s->value);
	if (!text_consists_of(s->value, len, HOST_CHARS, 1, CONFIG_LABEL_MAX))
		return value_refuse(s, report, "one word of letters, digits, \".\", \"_\" and \"-\"");
	return add_word(s, s->value, len, &policy->labels, &policy->label_count, report);
}

/* Of a bundle: the file in it, whose content is text from here on. */
static int take_member(const struct key *key, const struct setting *s, void *item, struct report *report)
{
	struct members *members = s->at.file->members;
	const struct config_member *member = members_name(members, s->value);
	if (!member)
		report_error(report, s->at, "%s = %s: the bundle has no such file%s", s->key, quote(s->value).text,
			     members_suggest(members, s->value).text);
	else if (memchr(member->bytes, '\0', member->len))
		report_error(report, s->at, "%s = %s: the file holds a NUL byte; expected text", s->key,
			     quote(s->value).text);
	else
		return replace(item, key->text_offset, member->bytes, member->len);
	return 0;
}

int value_set_trust(const struct key *key, const struct setting *s, void *item, struct report *report)
{
	if (!s->at.file->members || (key->on_host && s->value[0] == '/'))
		return value_set_path(key, s, item, report);
	if (!text_starts_with(s->value, CONFIG_TERMS_TRUST))
		return value_refuse(s, report,
				    key->on_host ? "trust/<file>, in the bundle, or an absolute path on the hosts"
						 : "trust/<file>, in the bundle");
	int r = replace(item, key->offset, s->value, strlen(s->value));
	return r < 0 ? r : take_member(key, s, item, report);
}
