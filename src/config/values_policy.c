/* The values that only [policy] and policy.conf have. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "values.h"

#define HOST_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

static int replace(const struct key *key, void *item, const char *value)
{
	char **field = (char **)((char *)item + key->offset), *text = strdup(value);
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
	return replace(key, item, s->value);
}

int value_set_host(const struct key *key, const struct setting *s, void *item, struct report *report)
{
	if (!text_consists_of(s->value, strlen(s->value), HOST_CHARS, 1, CONFIG_HOST_NAME_MAX))
		return value_refuse(s, report, "a name of letters, digits, \".\", \"_\" and \"-\"");
	return replace(key, item, s->value);
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

int value_add_label(const struct key *key UNUSED, const struct setting *s, void *item, struct report *report)
{
	struct config_policy *policy = item;
	size_t len = strlen(s->value);
	if (!text_consists_of(s->value, len, HOST_CHARS, 1, CONFIG_LABEL_MAX))
		return value_refuse(s, report, "one word of letters, digits, \".\", \"_\" and \"-\"");
	return add_word(s, s->value, len, &policy->labels, &policy->label_count, report);
}
