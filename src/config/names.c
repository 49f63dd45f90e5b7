#include "names.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "config/config.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

bool config_is_function_name(const char *name)
{
	return text_consists_of(name, strlen(name), NAME_CHARS, 1, LIMIT_FUNCTION_NAME_BYTES);
}

bool config_is_code_signing_name(const char *name)
{
	return text_consists_of(name, strlen(name), NAME_CHARS, 1, CONFIG_CODE_SIGNING_NAME_MAX) &&
	       strcmp(name, CONFIG_NONE) != 0;
}

bool name_is_pattern(const char *name)
{
	return strchr(name, '*') != NULL;
}

bool name_is_slot(const char *name)
{
	return text_consists_of(name, strlen(name), NAME_CHARS "*", 1, LIMIT_FUNCTION_NAME_BYTES) &&
	       !strstr(name, "**");
}

bool name_matches(const char *pattern, const char *name)
{
	const char *star = NULL, *resume = NULL;
	while (*name) {
		if (*pattern == '*') {
			star = ++pattern;
			resume = name;
		} else if (*pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star; /* let the last star take one character more */
			name = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static size_t count_stars(const char *pattern)
{
	size_t count = 0;
	for (; *pattern; pattern++)
		count += *pattern == '*';
	return count;
}

int name_compare_patterns(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);
	if (a_len != b_len)
		return a_len > b_len ? -1 : 1;
	size_t a_stars = count_stars(a), b_stars = count_stars(b);
	if (a_stars != b_stars)
		return a_stars < b_stars ? -1 : 1;
	size_t a_start = strcspn(a, "*"), b_start = strcspn(b, "*");
	if (a_start != b_start)
		return a_start > b_start ? -1 : 1;
	return strcmp(a, b);
}
