/* The mount's explanation of a decision, taken apart and said again as an error of AWS's form. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "lambda.h"
#include "policy/reason.h"

#define LABEL_WIDTH 16 /* of the rows; two blanks stand on both sides */

struct line {
	const char *at;
	size_t len;
};

static bool next_line(const char **cursor, struct line *ret)
{
	if (**cursor == '\0')
		return false;
	*ret = (struct line){*cursor, strcspn(*cursor, "\n")};
	*cursor += ret->len + ((*cursor)[ret->len] == '\n');
	return true;
}

static void copy(char *ret, size_t ret_size, const char *from, size_t len)
{
	(void)snprintf(ret, ret_size, "%.*s", (int)(len < ret_size ? len : ret_size - 1), from);
}

/* Text behind a prefix, or NULL. */
static const char *behind(const struct line *line, const char *prefix)
{
	size_t len = strlen(prefix);
	return line->len >= len && memcmp(line->at, prefix, len) == 0 ? line->at + len : NULL;
}

static size_t rest_of(const struct line *line, const char *from)
{
	return line->len - (size_t)(from - line->at);
}

/* "VF2001 refused  slot=..." */
static void take_head(const struct line *line, struct lambda_why *ret)
{
	const char *at = line->at;
	if (behind(line, "not deployed")) {
		copy(ret->outcome, sizeof(ret->outcome), "failed", strlen("failed"));
		return;
	}
	if (behind(line, "VF")) {
		size_t len = strcspn(at, " \n");
		copy(ret->code, sizeof(ret->code), at, len);
		at += len;
		at += strspn(at, " ");
	}
	copy(ret->outcome, sizeof(ret->outcome), at, strcspn(at, " \n"));
}

/* "source      FAILED  found  (Enforce)": the first that failed, or the first that failed and is enforced. */
static bool take_check(const struct line *line, const char *from, struct lambda_why *ret)
{
	static const char *const states[] = {"FAILED", "could not be checked"};
	size_t len = rest_of(line, from);
	size_t name_len = strcspn(from, " \n"), at = name_len;
	while (at < len && from[at] == ' ')
		at++;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		size_t state_len = strlen(states[i]);
		if (len - at < state_len || memcmp(from + at, states[i], state_len) != 0)
			continue;
		const char *mode = memrchr(from, '(', len);
		bool enforced = mode && strncmp(mode, "(Enforce)", strlen("(Enforce)")) == 0;
		if (ret->check[0] != '\0' && (!enforced || strcmp(ret->mode, "Enforce") == 0))
			return false;
		copy(ret->check, sizeof(ret->check), from, name_len);
		at += state_len;
		while (at < len && from[at] == ' ')
			at++;
		size_t end = mode ? (size_t)(mode - from) : len;
		while (end > at && from[end - 1] == ' ')
			end--;
		copy(ret->found, sizeof(ret->found), from + at, end > at ? end - at : 0);
		copy(ret->mode, sizeof(ret->mode), mode ? mode + 1 : "", mode ? strcspn(mode + 1, ")") : 0);
		return true;
	}
	return false;
}

static void take_row(const struct line *line, struct lambda_why *ret)
{
	const struct {
		const char *label;
		char *to;
		size_t size;
	} rows[] = {
		{"detail", ret->detail, sizeof(ret->detail)},
		{"remedy", ret->remedy, sizeof(ret->remedy)},
		{"kept", ret->kept, sizeof(ret->kept)},
	};
	const size_t value_at = 2 + LABEL_WIDTH + 2;
	if (line->len <= value_at)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (text_equal(line->at + 2, strcspn(line->at + 2, " "), rows[i].label))
			copy(rows[i].to, rows[i].size, line->at + value_at, line->len - value_at);

	const char *by = behind(line, "  by "), *pid = by ? memmem(by, rest_of(line, by), " pid ", 5) : NULL;
	if (pid)
		(void)text_parse_u64(pid + 5, strcspn(pid + 5, " "), UINT32_MAX, &ret->pid);
}

void lambda_why_parse(const char *text, struct lambda_why *ret)
{
	static const char expected[] = "expected: ";
	*ret = (struct lambda_why){0};
	struct line line;
	bool took_check = false;
	if (next_line(&text, &line))
		take_head(&line, ret);
	if (ret->code[0] != '\0' && next_line(&text, &line) && line.len > 2)
		copy(ret->title, sizeof(ret->title), line.at + 2, line.len - 2);
	while (next_line(&text, &line)) {
		const char *check = behind(&line, "  check ");
		size_t indent = strspn(line.at, " ");
		if (check)
			took_check = take_check(&line, check, ret);
		else if (took_check && indent < line.len && text_starts_with(line.at + indent, expected))
			copy(ret->expected, sizeof(ret->expected), line.at + indent + strlen(expected),
			     line.len - indent - strlen(expected));
		else
			take_row(&line, ret);
	}
}

/* The mount writes code and title of a reason; several have the same code. */
static enum policy_reason reason_of(const struct lambda_why *why)
{
	size_t count;
	const struct policy_reason_info *reasons = policy_reasons(&count);
	enum policy_reason found = POLICY_REASON_NONE;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(reasons[i].code, why->code) != 0)
			continue;
		if (found == POLICY_REASON_NONE || strcmp(reasons[i].title, why->title) == 0)
			found = reasons[i].reason;
	}
	return found;
}

int lambda_why_exit_code(const struct lambda_why *why)
{
	enum policy_reason reason = reason_of(why);
	return reason == POLICY_REASON_NONE ? CLI_EXIT_FAILURE : policy_reason_info(reason)->exit_code;
}

const char *lambda_why_error_name(const struct lambda_why *why)
{
	switch (reason_of(why)) {
	case POLICY_VF1001_ZIP:
	case POLICY_VF2005_LIST:
	case POLICY_VF4002_TOO_MANY:
	case POLICY_VF5001_BUNDLE: /* never of a function */
	case POLICY_VF5002_SEQUENCE:
		return "InvalidParameterValueException";
	case POLICY_VF1002_INTEGRITY:
		return "InvalidCodeSignatureException";
	case POLICY_VF2001_UNSIGNED:
	case POLICY_VF2002_SOURCE:
	case POLICY_VF2003_EXPIRED:
	case POLICY_VF2004_REVOKED:
	case POLICY_VF2005_LAYER:
	case POLICY_VF3001_UNDECIDED:
		return "CodeVerificationFailedException";
	case POLICY_VF2005_PERMISSION:
		return "AccessDeniedException";
	case POLICY_VF4001_NO_SLOT:
		return "ResourceNotFoundException";
	case POLICY_VF4002_TOO_LARGE:
		return "RequestEntityTooLargeException";
	case POLICY_REASON_NONE:
		break;
	}
	return "ServiceException";
}

static int put_row(struct buf *ret, const char *label, const char *value)
{
	return value[0] != '\0' ? buf_printf(ret, "\n    %-10s%s", label, value) : 0;
}

int lambda_why_print(const struct lambda_why *why, const char *failure, struct buf *ret)
{
	char check[64] = "";
	if (why->check[0] != '\0')
		(void)snprintf(check, sizeof(check), "%s (%s)", why->check, why->mode);
	int r = buf_puts(ret, failure);
	if (r == 0 && why->code[0] != '\0')
		r = buf_printf(ret, ", %s: %s", why->code, why->title);
	if (r == 0)
		r = put_row(ret, "check:", check);
	if (r == 0)
		r = put_row(ret, "found:", why->found);
	if (r == 0)
		r = put_row(ret, "expected:", why->expected);
	if (r == 0 && why->found[0] == '\0')
		r = put_row(ret, "detail:", why->detail);
	if (r == 0)
		r = put_row(ret, "to do:", why->remedy);
	return r == 0 ? put_row(ret, "kept:", why->kept) : r;
}

int cli_lambda_refuse(const char *operation, const char *error_name, const char *failure, const struct lambda_why *why)
{
	struct buf text = {0};
	int exit_code = lambda_why_print(why, failure, &text) < 0 ? cli_lambda_no_memory(operation)
								  : CLI_EXIT_AWS_REFUSED;
	if (text.data)
		cli_aws_error(operation, error_name, text.data);
	buf_done(&text);
	return exit_code;
}
