/* A record of the audit log from its line, and which records are asked for. */
#include "overview/event.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"

struct member {
	const char *key;
	size_t offset;
};
#define AT(key_, member_)                                                                                              \
	{                                                                                                              \
		.key = (key_), .offset = offsetof(struct event, member_)                                               \
	}

static const struct member text_members[] = {
	AT("event", kind),	  AT("slot", slot),
	AT("artifact", artifact), AT("treeSha256", tree_sha256),
	AT("layers", layers),	  AT("config", config),
	AT("outcome", outcome),	  AT("reason", reason),
	AT("title", title),	  AT("profileVersionArn", profile_version_arn),
	AT("jobArn", job_arn),	  AT("errno", errno_name),
	AT("detail", detail),	  AT("remedy", remedy),
};

static const struct member number_members[] = {
	AT("seq", seq),
	AT("release", release),
	AT("rollbackTo", rollback_to),
	AT("kept", kept_release),
	AT("firstSeq", missed_first),
	AT("lastSeq", missed_last),
	AT("count", missed_count),
};

static const struct member time_members[] = {
	AT("signedAt", signed_at_s),
	AT("expiresAt", expires_at_s),
	AT("timestampedAt", timestamped_at_s),
};

static void *member_of(struct event *event, const struct member *member)
{
	return (char *)event + member->offset;
}

static void check_done(struct event_check *check)
{
	free(check->state);
	free(check->mode);
	free(check->expected);
	free(check->found);
}

void event_done(struct event *event)
{
	for (size_t i = 0; i < ARRAY_SIZE(text_members); i++)
		free(*(char **)member_of(event, &text_members[i]));
	free(event->command);
	for (size_t i = 0; i < POLICY_CHECK_COUNT; i++)
		check_done(&event->checks[i]);
	*event = (struct event){0};
}

/* ---- parsing ---- */

static int take_text(const json_t *object, const char *key, char **ret)
{
	const json_t *value = json_object_get(object, key);
	if (!value)
		return 0;
	if (!json_is_string(value))
		return -EBADMSG;
	char *text = strdup(json_string_value(value));
	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

static int take_number(const json_t *object, const char *key, uint64_t max, uint64_t *ret)
{
	const json_t *value = json_object_get(object, key);
	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0 || (uint64_t)json_integer_value(value) > max)
		return -EBADMSG;
	*ret = (uint64_t)json_integer_value(value);
	return 0;
}

/* With microseconds or without. */
static int take_time(const json_t *object, const char *key, int64_t *ret)
{
	const json_t *value = json_object_get(object, key);
	char utc[CLOCK_UTC_SIZE];
	if (!value)
		return 0;
	const char *text = json_string_value(value);
	if (!text || strlen(text) < sizeof(utc) - 1)
		return -EBADMSG;
	memcpy(utc, text, sizeof(utc) - 2);
	utc[sizeof(utc) - 2] = 'Z';
	return clock_parse_utc(utc, sizeof(utc) - 1, ret) ? 0 : -EBADMSG;
}

static int take_who(const json_t *object, struct event *event)
{
	uint64_t uid = 0, gid = 0, pid = 0;
	const json_t *who = json_object_get(object, "who");
	if (!who)
		return 0;
	int r = take_number(who, "uid", UINT32_MAX, &uid);
	if (r == 0)
		r = take_number(who, "gid", UINT32_MAX, &gid);
	if (r == 0)
		r = take_number(who, "pid", INT32_MAX, &pid);
	if (r == 0)
		r = take_text(who, "command", &event->command);
	event->has_who = true;
	event->uid = (uint32_t)uid;
	event->gid = (uint32_t)gid;
	event->pid = (int64_t)pid;
	return r;
}

static int take_check(const json_t *object, struct event *event)
{
	const char *name = json_string_value(json_object_get(object, "check"));
	for (enum policy_check i = POLICY_INTEGRITY; name && i < POLICY_CHECK_COUNT; i++) {
		struct event_check *check = &event->checks[i];
		if (strcmp(policy_check_name(i), name) != 0 || check->state)
			continue;
		int r = take_text(object, "state", &check->state);
		if (r == 0)
			r = take_text(object, "mode", &check->mode);
		if (r == 0)
			r = take_text(object, "expected", &check->expected);
		return r == 0 ? take_text(object, "found", &check->found) : r;
	}
	return -EBADMSG;
}

static int take_checks(const json_t *object, struct event *event)
{
	const json_t *checks = json_object_get(object, "checks");
	int r = 0;
	for (size_t i = 0; r == 0 && i < json_array_size(checks); i++)
		r = take_check(json_array_get(checks, i), event);
	event->has_checks = json_array_size(checks) > 0;
	event->unchecked = json_is_true(json_object_get(object, "unchecked"));
	return r;
}

static int take(const json_t *object, struct event *event)
{
	int r = json_integer_value(json_object_get(object, "schema")) == 1 ? 0 : -EBADMSG;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(text_members); i++)
		r = take_text(object, text_members[i].key, member_of(event, &text_members[i]));
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(number_members); i++)
		r = take_number(object, number_members[i].key, INT64_MAX, member_of(event, &number_members[i]));
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(time_members); i++)
		r = take_time(object, time_members[i].key, member_of(event, &time_members[i]));
	if (r == 0)
		r = take_time(object, "time", &event->at_s);
	if (r == 0)
		r = take_who(object, event);
	if (r == 0)
		r = take_checks(object, event);
	bool is_named = event->kind && (event->seq > 0 || strcmp(event->kind, "missed") == 0);
	return r == 0 && !is_named ? -EBADMSG : r;
}

int event_parse(const char *line, size_t len, struct event *ret)
{
	struct event event = {0};
	if (len > LIMIT_AUDIT_RECORD_BYTES)
		return -EBADMSG;
	json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	int r = json_is_object(object) ? take(object, &event) : -EBADMSG;
	json_decref(object);
	if (r < 0)
		event_done(&event);
	else
		*ret = event;
	return r;
}

/* ---- what is asked for ---- */

const char *event_outcome(const struct event *event)
{
	static const struct {
		const char *kind;
		const char *outcome;
	} by_kind[] = {
		{"deployment-failed", "failed"}, {"release-blocked", "blocked"},   {"release-unblocked", "unblocked"},
		{"release-warned", "warned"},	 {"page-check-failed", "damaged"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(by_kind); i++)
		if (strcmp(event->kind, by_kind[i].kind) == 0)
			return by_kind[i].outcome;
	return event->outcome;
}

static bool is_or_any(const char *wanted, const char *found)
{
	return !wanted || (found && strcmp(wanted, found) == 0);
}

static bool is_slot(const char *wanted, const char *found)
{
	static const char functions[] = "functions/";
	if (is_or_any(wanted, found))
		return true;
	return found && text_starts_with(found, functions) && strcmp(found + strlen(functions), wanted) == 0;
}

bool event_matches(const struct event *event, const struct event_filter *filter)
{
	if (!is_slot(filter->slot, event->slot) || !is_or_any(filter->kind, event->kind) ||
	    !is_or_any(filter->reason, event->reason) || !is_or_any(filter->outcome, event_outcome(event)))
		return false;
	const char *signer = event->profile_version_arn;
	if (filter->signer && !(signer && strstr(signer, filter->signer)))
		return false;
	if (filter->has_uid && !(event->has_who && event->uid == filter->uid))
		return false;
	return (filter->since_s == 0 || event->at_s >= filter->since_s) &&
	       (filter->until_s == 0 || event->at_s <= filter->until_s);
}
