#include "values.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "members.h"
#include "resolve.h"

#define CHOICES_MAX 8
#define MODE_MAX    0775 /* nobody else may write a slot; no set-id and no sticky bit */

static void *field_of(const struct key *key, void *item)
{
	return (char *)item + key->offset;
}

/* Says what the value is and what was expected. Returns 0: the load goes on to find more. */
int value_refuse(const struct setting *s, struct report *report, const char *expected)
{
	const char *hint = strstr(s->value, " #") ? "; a comment after a value begins with \" ;\"" : "";
	report_error(report, s->at, "%s = %s: expected %s%s", s->key, quote(s->value).text, expected, hint);
	return 0;
}

/* A key that was set twice leaves the second text in place until the report ends the load. */
static int replace_text(char **field, char *text)
{
	if (!text)
		return -ENOMEM;
	free(*field);
	*field = text;
	return 0;
}

int value_set_text(const struct key *key, const struct setting *s, void *item, struct report *report UNUSED)
{
	return replace_text(field_of(key, item), strdup(s->value));
}

int value_set_word(const struct key *key, const struct setting *s, void *item, struct report *report)
{
	if (strpbrk(s->value, " \t"))
		return value_refuse(s, report, "one word");
	return value_set_text(key, s, item, report);
}

int value_set_path(const struct key *key, const struct setting *s, void *item, struct report *report UNUSED)
{
	const char *directory = s->at.file->directory;
	if (s->value[0] == '/')
		return replace_text(field_of(key, item), strdup(s->value));
	char *path;
	const char *slash = text_ends_with(directory, "/") ? "" : "/";
	if (asprintf(&path, "%s%s%s", directory, slash, s->value) < 0)
		return -ENOMEM;
	return replace_text(field_of(key, item), path);
}

int value_set_account(const struct key *key, const struct setting *s, void *item, struct report *report)
{
	if (!arn_is_account(s->value, strlen(s->value)))
		return value_refuse(s, report, "an account id of 12 digits");
	(void)snprintf(field_of(key, item), ARN_ACCOUNT_SIZE, "%s", s->value);
	return 0;
}

int value_set_organization(const struct key *key, const struct setting *s, void *item, struct report *report)
{
	if (!arn_is_organization(s->value, strlen(s->value)))
		return value_refuse(s, report, "the id of an organization, o- and 10 to 32 of a-z and 0-9");
	(void)snprintf(field_of(key, item), ARN_ORGANIZATION_SIZE, "%s", s->value);
	return 0;
}

int value_set_region(const struct key *key, const struct setting *s, void *item, struct report *report)
{
	if (!arn_is_region(s->value, strlen(s->value)))
		return value_refuse(s, report, "1 to 32 of a-z, 0-9 and \"-\"");
	(void)snprintf(field_of(key, item), ARN_REGION_SIZE, "%s", s->value);
	return 0;
}

/* False after having reported it. */
static bool parse_number(const struct key *key, const struct setting *s, struct report *report, uint64_t *ret)
{
	uint64_t number;
	char expected[80];
	if (text_parse_u64(s->value, strlen(s->value), key->max, &number) && number >= key->min) {
		*ret = number;
		return true;
	}
	(void)snprintf(expected, sizeof(expected), "a number from %llu to %llu", (unsigned long long)key->min,
		       (unsigned long long)key->max);
	(void)value_refuse(s, report, expected);
	return false;
}

int value_set_u64(const struct key *key, const struct setting *s, void *item, struct report *report)
{
	uint64_t number;
	if (parse_number(key, s, report, &number))
		*(uint64_t *)field_of(key, item) = number;
	return 0;
}

int value_set_unsigned(const struct key *key, const struct setting *s, void *item, struct report *report)
{
	uint64_t number;
	if (parse_number(key, s, report, &number))
		*(unsigned *)field_of(key, item) = (unsigned)number;
	return 0;
}

int value_set_duration(const struct key *key, const struct setting *s, void *item, struct report *report)
{
	uint64_t seconds;
	char expected[80];
	if (text_parse_duration(s->value, key->max, &seconds) && seconds >= key->min) {
		*(uint64_t *)field_of(key, item) = seconds;
		return 0;
	}
	(void)snprintf(expected, sizeof(expected), "a duration such as 90s, 15m, 24h or 7d, from %llus to %llud",
		       (unsigned long long)key->min, (unsigned long long)key->max / 86400);
	return value_refuse(s, report, expected);
}

/* "a, b or c", and the one that was probably meant. */
static int bad_choice(const struct key *key, const struct setting *s, struct report *report)
{
	const char *names[CHOICES_MAX];
	char expected[160] = "";
	size_t count = 0, len = 0;
	for (const struct choice *c = key->choices; c->name; c++) {
		ASSERT(count < CHOICES_MAX);
		const char *joint = count == 0 ? "" : c[1].name ? ", " : " or ";
		len += (size_t)snprintf(expected + len, sizeof(expected) - len, "%s%s", joint, c->name);
		ASSERT(len < sizeof(expected));
		names[count++] = c->name;
	}
	(void)snprintf(expected + len, sizeof(expected) - len, "%s", suggest(s->value, names, count).text);
	return value_refuse(s, report, expected);
}

static const struct choice *find_choice(const struct key *key, const char *text)
{
	for (const struct choice *c = key->choices; c->name; c++)
		if (strcmp(c->name, text) == 0)
			return c;
	return NULL;
}

int value_set_choice(const struct key *key, const struct setting *s, void *item, struct report *report)
{
	_Static_assert(sizeof(enum config_mode) == sizeof(unsigned), "choices are stored as unsigned");
	_Static_assert(sizeof(enum config_errno_style) == sizeof(unsigned), "choices are stored as unsigned");
	_Static_assert(sizeof(enum log_target) == sizeof(unsigned), "choices are stored as unsigned");

	const struct choice *choice = find_choice(key, s->value);
	if (!choice)
		return bad_choice(key, s, report);
	memcpy(field_of(key, item), &choice->value, sizeof(choice->value));
	return 0;
}

int value_set_flag(const struct key *key, const struct setting *s, void *item, struct report *report)
{
	const struct choice *choice = find_choice(key, s->value);
	if (!choice)
		return bad_choice(key, s, report);
	*(bool *)field_of(key, item) = choice->value != 0;
	return 0;
}

/* "jar" and "aws" are known forms of signature that this version cannot check, so it does not take them. */
int value_set_formats(const struct key *key UNUSED, const struct setting *s, void *item UNUSED, struct report *report)
{
	static const char *const known[] = {"vouchfs", "jar", "aws"};
	bool seen[ARRAY_SIZE(known)] = {0};

	for (const char *at = s->value; *at;) {
		size_t len = strcspn(at, " \t"), i = 0;
		while (i < ARRAY_SIZE(known) && !text_equal(at, len, known[i]))
			i++;
		if (i == ARRAY_SIZE(known))
			return value_refuse(s, report, "\"vouchfs\"");
		if (seen[i])
			return value_refuse(s, report, "each format once");
		seen[i] = true;
		at += len;
		at += strspn(at, " \t");
	}
	for (size_t i = 1; i < ARRAY_SIZE(known); i++)
		if (seen[i])
			report_error(report, s->at,
				     "formats: \"%s\" is not supported by this version; expected \"vouchfs\"",
				     known[i]);
	return 0;
}

int value_set_mode(const struct key *key, const struct setting *s, void *item, struct report *report)
{
	static const char expected[] = "permission bits as three or four octal digits, at most 0775 (no write by "
				       "others, no set-id or sticky bit)";

	size_t len = strlen(s->value);
	if (!text_consists_of(s->value, len, "01234567", 3, 4))
		return value_refuse(s, report, expected);
	mode_t mode = 0;
	for (size_t i = 0; i < len; i++)
		mode = mode << 3 | (mode_t)(s->value[i] - '0');
	if (mode & ~(mode_t)MODE_MAX)
		return value_refuse(s, report, expected);
	*(mode_t *)field_of(key, item) = mode;
	return 0;
}

/* Reports why a user or group was not found. -ENOMEM is passed on. */
static int bad_name(const struct setting *s, struct report *report, const char *what, int r)
{
	if (r == -ENOMEM)
		return r;
	if (r == -ENOENT)
		report_error(report, s->at, "%s = %s: there is no such %s", s->key, quote(s->value).text, what);
	else
		report_error(report, s->at, "%s = %s: the %s could not be looked up: %s", s->key, quote(s->value).text,
			     what, strerror(-r));
	return 0;
}

/* Where a bundle is packed nobody knows who is on its hosts: a name is one word, and stands for no number. */
static bool is_of_no_host(const struct setting *s, struct report *report)
{
	const struct members *members = s->at.file->members;
	if (!members || !members->is_packed)
		return false;
	if (strpbrk(s->value, " \t:,"))
		(void)value_refuse(s, report, "the name or number of one user or group");
	return true;
}

int value_set_owner(const struct key *key, const struct setting *s, void *item, struct report *report)
{
	if (is_of_no_host(s, report))
		return 0;
	int r = resolve_user(s->value, field_of(key, item));
	return r < 0 ? bad_name(s, report, "user", r) : 0;
}

int value_set_group(const struct key *key, const struct setting *s, void *item, struct report *report)
{
	if (is_of_no_host(s, report))
		return 0;
	int r = resolve_group(s->value, field_of(key, item));
	return r < 0 ? bad_name(s, report, "group", r) : 0;
}

static int add_publisher(const struct setting *s, struct arn_profile publishers[CONFIG_PUBLISHERS_MAX], size_t *count,
			 struct report *report)
{
	struct arn_profile publisher;
	if (!arn_parse_profile(s->value, strlen(s->value), &publisher))
		return value_refuse(s, report,
				    "arn:<partition>:signer:<region>:<account>:/signing-profiles/<name>, with or "
				    "without /<version>");
	for (size_t i = 0; i < *count; i++) {
		if (arn_profile_equal(&publishers[i], &publisher)) {
			report_error(report, s->at, "%s is listed twice", quote(s->value).text);
			return 0;
		}
	}
	if (*count == CONFIG_PUBLISHERS_MAX) {
		report_error(report, s->at, "more than %d allowed publishers", CONFIG_PUBLISHERS_MAX);
		return 0;
	}
	publishers[(*count)++] = publisher;
	return 0;
}

int value_add_publisher(const struct key *key UNUSED, const struct setting *s, void *item, struct report *report)
{
	struct config_code_signing *code_signing = item;
	return add_publisher(s, code_signing->publishers, &code_signing->publisher_count, report);
}

int value_add_policy_publisher(const struct key *key UNUSED, const struct setting *s, void *item, struct report *report)
{
	struct config_policy *policy = item;
	return add_publisher(s, policy->publishers, &policy->publisher_count, report);
}

/* Users and groups are both 32-bit numbers. */
static int add_id(const struct setting *s, uint32_t id, uint32_t **ids, size_t *count, struct report *report)
{
	for (size_t i = 0; i < *count; i++) {
		if ((*ids)[i] == id) {
			report_error(report, s->at, "%s = %s is listed twice", s->key, quote(s->value).text);
			return 0;
		}
	}
	if (*count == LIMIT_CONFIG_LIST_ITEMS) {
		report_error(report, s->at, "more than %u times \"%s\"", LIMIT_CONFIG_LIST_ITEMS, s->key);
		return 0;
	}
	uint32_t *more = reallocarray(*ids, *count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	more[(*count)++] = id;
	*ids = more;
	return 0;
}

int value_add_user(const struct key *key UNUSED, const struct setting *s, void *item, struct report *report)
{
	struct config_principal *principal = item;
	uid_t uid;
	if (is_of_no_host(s, report))
		return 0;
	int r = resolve_user(s->value, &uid);
	return r < 0 ? bad_name(s, report, "user", r)
		     : add_id(s, uid, &principal->users, &principal->user_count, report);
}

int value_add_group(const struct key *key UNUSED, const struct setting *s, void *item, struct report *report)
{
	struct config_principal *principal = item;
	gid_t gid;
	if (is_of_no_host(s, report))
		return 0;
	int r = resolve_group(s->value, &gid);
	return r < 0 ? bad_name(s, report, "group", r)
		     : add_id(s, gid, &principal->groups, &principal->group_count, report);
}
