/* What a signing service notes of the last attempt (signing/note.c), taken apart. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "service.h"

#define VALUE_AT (2 + 16 + 2) /* of the rows: a label between two blanks on both sides */

static void copy(char *ret, size_t ret_size, const char *from, size_t len)
{
	(void)snprintf(ret, ret_size, "%.*s", (int)(len < ret_size ? len : ret_size - 1), from);
}

/* "  check zip         FAILED  found" */
static void take_check(const char *line, size_t len, struct service_why *ret)
{
	static const char prefix[] = "  check ", failed[] = "FAILED  ";
	const char *name = line + strlen(prefix), *at = memmem(line, len, failed, strlen(failed));
	if (len < strlen(prefix) || memcmp(line, prefix, strlen(prefix)) != 0 || !at)
		return;
	copy(ret->check, sizeof(ret->check), name, strcspn(name, " \n"));
	at += strlen(failed);
	copy(ret->found, sizeof(ret->found), at, len - (size_t)(at - line));
}

/* "  by                uid 65534 gid 65534 pid 4711 cp  at ..." */
static uint64_t take_pid(const char *value, size_t len)
{
	static const char label[] = " pid ";
	const char *at = memmem(value, len, label, strlen(label));
	uint64_t pid = 0;
	if (at)
		(void)text_parse_u64(at + strlen(label), strcspn(at + strlen(label), " \n"), INT32_MAX, &pid);
	return pid;
}

static void take_row(const char *line, size_t len, struct service_why *ret)
{
	if (len <= VALUE_AT || memcmp(line, "  ", 2) != 0)
		return;
	const char *label = line + 2, *value = line + VALUE_AT;
	size_t label_len = strcspn(label, " "), value_len = len - VALUE_AT;
	if (text_equal(label, label_len, "detail"))
		copy(ret->found, sizeof(ret->found), value, value_len);
	else if (text_equal(label, label_len, "expected"))
		copy(ret->expected, sizeof(ret->expected), value, value_len);
	else if (text_equal(label, label_len, "remedy"))
		copy(ret->remedy, sizeof(ret->remedy), value, value_len);
	else if (text_equal(label, label_len, "by"))
		ret->pid = take_pid(value, value_len);
}

void service_why_parse(const char *text, struct service_why *ret)
{
	*ret = (struct service_why){0};
	while (*text) {
		size_t len = strcspn(text, "\n");
		take_check(text, len, ret);
		take_row(text, len, ret);
		text += len + (text[len] == '\n');
	}
}
