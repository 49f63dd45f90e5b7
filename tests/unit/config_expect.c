#include "config_expect.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/io.h"
#include "base/text.h"

#define MARK "# expect: "

/* The next "# expect" line at *at, which moves behind it. */
static bool next_expectation(const char **at, unsigned *ret_line, char *ret_text, size_t size)
{
	if (!text_starts_with(*at, MARK))
		return false;
	char *colon;
	*ret_line = (unsigned)strtoul(*at + strlen(MARK), &colon, 10);
	assert_true(text_starts_with(colon, ": "));
	size_t len = strcspn(colon + 2, "\n");
	assert_in_range(len, 1, size - 1);
	memcpy(ret_text, colon + 2, len);
	ret_text[len] = '\0';
	*at = colon + 2 + len + 1;
	return true;
}

/* True when the error at *at, which moves behind it, is of this line and contains text. */
static bool next_error_is(const char **at, const char *path, unsigned line, const char *text)
{
	char place[256];
	if (line > 0)
		(void)snprintf(place, sizeof(place), "%s:%u: ", path, line);
	else
		(void)snprintf(place, sizeof(place), "%s: ", path);
	size_t len = strcspn(*at, "\n");
	const char *found = strstr(*at, text);
	bool is_it = text_starts_with(*at, place) && found && found + strlen(text) <= *at + len;
	*at += len + ((*at)[len] == '\n');
	return is_it;
}

void config_expect_errors(const char *name, const char *input, const char *shown, const char *errors)
{
	const char *expected = input, *error = errors ? errors : "";
	if (text_starts_with(expected, "\xef\xbb\xbf"))
		expected += 3;
	unsigned line, count = 0;
	char text[300];
	for (; next_expectation(&expected, &line, text, sizeof(text)); count++)
		if (!next_error_is(&error, shown, line, text))
			fail_msg("%s: expected %u: %s\nfound:\n%s", name, line, text, errors ? errors : "no error");
	if (count == 0 || *error)
		fail_msg("%s: %u errors expected, found:\n%s", name, count, errors ? errors : "none");
}

static int is_should_fail(const struct dirent *entry)
{
	return text_starts_with(entry->d_name, "should-fail-") && text_ends_with(entry->d_name, ".conf");
}

void config_expect_each(const char *directory, int files_min, config_expect_check *check, void *ctx)
{
	struct dirent **names;
	int count = scandir(directory, &names, is_should_fail, alphasort);
	assert_true(count >= files_min);
	for (int i = 0; i < count; i++) {
		char path[512];
		struct buf bytes = {0};
		(void)snprintf(path, sizeof(path), "%s/%s", directory, names[i]->d_name);
		assert_int_equal(io_read_path(path, 65536, &bytes), 0);
		check(ctx, names[i]->d_name, &bytes);
		buf_done(&bytes);
		free(names[i]);
	}
	free(names);
}
