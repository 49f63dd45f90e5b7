#include "audit/say.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "internal.h"

#define DETAIL_SIZE   (POLICY_DETAIL_SIZE + 32)
#define ARTIFACT_SIZE (4 * LIMIT_NAME_BYTES + 1)
#define NUMBER_SIZE   24

enum message {
	MESSAGE_NONE = 0,
	MESSAGE_ACCEPTED,
	MESSAGE_WARNED,
	MESSAGE_REFUSED,
	MESSAGE_FAILED,
	MESSAGE_BLOCKED,
	MESSAGE_UNBLOCKED,
	MESSAGE_DAMAGED,
	MESSAGE_CONFIG_REFUSED,
	MESSAGE_LIST_REFUSED,
};

/* For good: who filters by one goes on finding the same. */
static const struct audit_message messages[] = {
	[MESSAGE_ACCEPTED - 1] = {"accepted", "00766e5b670144b1a71d15ab76ed5a8b"},
	[MESSAGE_WARNED - 1] = {"warned", "89d09c41dcb040969c0a57383510f6d9"},
	[MESSAGE_REFUSED - 1] = {"refused", "ac3d1b34934744dca4eecb5a0b16c109"},
	[MESSAGE_FAILED - 1] = {"failed", "7b4fce694c314b7ebee33b0b3d9859fa"},
	[MESSAGE_BLOCKED - 1] = {"blocked", "e7525989fde24f67a23a1e58222b2613"},
	[MESSAGE_UNBLOCKED - 1] = {"unblocked", "e5d6cce9ad674e80acc5eae18e779e24"},
	[MESSAGE_DAMAGED - 1] = {"damaged", "9891ad418a7e4924a5f1d25c2c823774"},
	[MESSAGE_CONFIG_REFUSED - 1] = {"configuration refused", "a9324f7b95f54c66b69c5caf584a46b7"},
	[MESSAGE_LIST_REFUSED - 1] = {"revocation list refused", "52e504942b6749189098e8355b0b6421"},
};

const struct audit_message *audit_messages(size_t *ret_count)
{
	*ret_count = ARRAY_SIZE(messages);
	return messages;
}

/* How an event is said. */
struct saying {
	const char *outcome;
	const char *phrase; /* in the line; NULL: the outcome */
	enum log_level level;
	enum message message;
};

static const struct saying by_event[] = {
	[AUDIT_START] = {"started", NULL, LOG_LEVEL_NOTICE, MESSAGE_NONE},
	[AUDIT_STOP] = {"stopped", NULL, LOG_LEVEL_NOTICE, MESSAGE_NONE},
	[AUDIT_RECOVERY] = {"repaired", NULL, LOG_LEVEL_WARNING, MESSAGE_NONE},
	[AUDIT_SWITCH] = {"switched", NULL, LOG_LEVEL_NOTICE, MESSAGE_NONE},
	[AUDIT_UNDEPLOY] = {"removed", "undeployed", LOG_LEVEL_NOTICE, MESSAGE_NONE},
	[AUDIT_BLOCKED] = {"blocked", NULL, LOG_LEVEL_ERROR, MESSAGE_BLOCKED},
	[AUDIT_UNBLOCKED] = {"unblocked", NULL, LOG_LEVEL_NOTICE, MESSAGE_UNBLOCKED},
	[AUDIT_CONFIG_RELOADED] = {"reloaded", "configuration reloaded", LOG_LEVEL_NOTICE, MESSAGE_NONE},
	[AUDIT_CONFIG_REFUSED] = {"refused", "configuration refused", LOG_LEVEL_ERROR, MESSAGE_CONFIG_REFUSED},
	[AUDIT_REVOCATIONS] = {"taken", "revocation list", LOG_LEVEL_NOTICE, MESSAGE_NONE},
	[AUDIT_PAGE_CHECK] = {"damaged", NULL, LOG_LEVEL_ERROR, MESSAGE_DAMAGED},
	[AUDIT_DEPLOYMENT_FAILED] = {"failed", NULL, LOG_LEVEL_ERROR, MESSAGE_FAILED},
	[AUDIT_RELEASE_WARNED] = {"warned", "warned, and served on", LOG_LEVEL_WARNING, MESSAGE_WARNED},
	[AUDIT_VERSION_REMOVED] = {"removed", "layer version removed", LOG_LEVEL_NOTICE, MESSAGE_NONE},
	[AUDIT_PERMISSION_ADDED] = {"added", "permission added", LOG_LEVEL_NOTICE, MESSAGE_NONE},
	[AUDIT_PERMISSION_REMOVED] = {"removed", "permission removed", LOG_LEVEL_NOTICE, MESSAGE_NONE},
	[AUDIT_BREAK_GLASS_BEGUN] = {"relaxed", "BREAK GLASS", LOG_LEVEL_WARNING, MESSAGE_NONE},
	[AUDIT_BREAK_GLASS_ENDED] = {"enforced", "break glass ended", LOG_LEVEL_WARNING, MESSAGE_NONE},
	[AUDIT_BREAK_GLASS_EXPIRED] = {"enforced", "break glass expired", LOG_LEVEL_WARNING, MESSAGE_NONE},
	[AUDIT_BINDING] = {"changed", "code-signing config changed", LOG_LEVEL_WARNING, MESSAGE_NONE},
	[AUDIT_POLICY_ROLLED_BACK] = {"rolled-back", "POLICY ROLLED BACK", LOG_LEVEL_WARNING, MESSAGE_NONE},
	[AUDIT_POLICY_ALARM] = {"alarm", "POLICY BUNDLE", LOG_LEVEL_ERROR, MESSAGE_NONE},
	[AUDIT_POLICY_DRIFT] = {"drift", "POLICY DRIFT", LOG_LEVEL_ERROR, MESSAGE_NONE},
	[AUDIT_POLICY_DRIFT_ENDED] = {"ended", "policy drift ended", LOG_LEVEL_NOTICE, MESSAGE_NONE},
	[AUDIT_POLICY_REMEDIED] = {"remedied", "policy drift put right", LOG_LEVEL_WARNING, MESSAGE_NONE},
};

static const struct saying by_outcome[] = {
	[POLICY_REFUSED] = {"refused", NULL, LOG_LEVEL_WARNING, MESSAGE_REFUSED},
	[POLICY_WARNED] = {"warned", NULL, LOG_LEVEL_WARNING, MESSAGE_WARNED},
	[POLICY_ACCEPTED] = {"accepted", NULL, LOG_LEVEL_NOTICE, MESSAGE_ACCEPTED},
};

static const struct saying list_refused = {"refused", "revocation list refused", LOG_LEVEL_WARNING,
					   MESSAGE_LIST_REFUSED};
static const struct saying permission_failed = {"failed", "permission not changed", LOG_LEVEL_ERROR, MESSAGE_NONE};
static const struct saying remedy_failed = {"failed", "policy drift not put right", LOG_LEVEL_ERROR, MESSAGE_NONE};
static const struct saying unknown = {"recorded", NULL, LOG_LEVEL_NOTICE, MESSAGE_NONE};

static bool is_permission(enum audit_event event)
{
	return event == AUDIT_PERMISSION_ADDED || event == AUDIT_PERMISSION_REMOVED;
}

static const struct saying *find_saying(const struct audit_record *record)
{
	if ((record->event == AUDIT_DEPLOYMENT || record->event == AUDIT_PUBLICATION) && record->verdict)
		return &by_outcome[record->verdict->outcome];
	if (record->event == AUDIT_REVOCATIONS && record->is_refused)
		return &list_refused;
	if (is_permission(record->event) && record->errno_given > 0)
		return &permission_failed;
	if (record->event == AUDIT_POLICY_REMEDIED && record->errno_given > 0)
		return &remedy_failed;
	if ((size_t)record->event >= ARRAY_SIZE(by_event) || !by_event[record->event].outcome)
		return &unknown;
	return &by_event[record->event];
}

const char *audit_outcome_name(const struct audit_record *record)
{
	return find_saying(record)->outcome;
}

const char *audit_reason_code(const struct audit_record *record)
{
	bool has_reason = record->verdict && record->verdict->reason != POLICY_REASON_NONE;
	return has_reason ? policy_reason_info(record->verdict->reason)->code : NULL;
}

/* ---- the line ---- */

/* Its first line, without what moves a cursor. Details are escaped where they come from outside. */
static void take_sentence(const char *text, char ret[DETAIL_SIZE])
{
	size_t len = strcspn(text, "\n");
	(void)snprintf(ret, DETAIL_SIZE, "%.*s", (int)(len < DETAIL_SIZE ? len : DETAIL_SIZE), text);
	for (char *c = ret; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
}

static const char *detail_of(const struct audit_record *record)
{
	if (record->detail)
		return record->detail;
	return record->verdict ? record->verdict->detail : "";
}

/* What the fields point to. */
struct texts {
	char seq[NUMBER_SIZE], release[NUMBER_SIZE], rollback_to[NUMBER_SIZE], uid[NUMBER_SIZE], pid[NUMBER_SIZE];
	char artifact[ARTIFACT_SIZE];
	char command[4 * sizeof(((struct audit_who *)0)->command) + 1];
	char detail[DETAIL_SIZE];
	char profile_version[ARN_TEXT_SIZE], job[ARN_TEXT_SIZE];
	char head[NUMBER_SIZE + CRYPTO_SHA256_HEX_SIZE];
};

static void print_number(uint64_t value, char ret[NUMBER_SIZE])
{
	if (value > 0)
		(void)snprintf(ret, NUMBER_SIZE, "%" PRIu64, value);
}

static void print_who(const struct audit_who *who, struct texts *ret)
{
	if (!who)
		return;
	(void)snprintf(ret->uid, sizeof(ret->uid), "%u", who->uid);
	(void)snprintf(ret->pid, sizeof(ret->pid), "%ld", (long)who->pid);
	text_escape_print(ret->command, sizeof(ret->command), who->command,
			  strnlen(who->command, sizeof(who->command)));
}

static void print_texts(const struct audit_news *news, struct texts *ret)
{
	const struct audit_record *record = news->record;
	memset(ret, 0, sizeof(*ret));
	print_number(news->seq, ret->seq);
	print_number(record->release, ret->release);
	print_number(record->rollback_to, ret->rollback_to);
	print_who(record->who, ret);
	if (record->artifact)
		text_escape_print(ret->artifact, sizeof(ret->artifact), record->artifact, strlen(record->artifact));
	take_sentence(detail_of(record), ret->detail);
	if (record->statement) {
		arn_print_profile(&record->statement->profile_version, ret->profile_version);
		arn_print_job(&record->statement->job, ret->job);
	}
	(void)snprintf(ret->head, sizeof(ret->head), "%s:%s", ret->seq, news->head_sha256);
}

/* "functions/main release 7, app.zip" */
static int print_subject(const struct audit_record *record, const struct texts *t, struct buf *out)
{
	if (!record->slot)
		return 0;
	const char *noun = text_starts_with(record->slot, "layers/") ? " version " : " release ";
	int r = buf_printf(out, ": %s", record->slot);
	if (r == 0 && t->release[0])
		r = buf_printf(out, "%s%s", noun, t->release);
	if (r == 0 && t->artifact[0])
		r = buf_printf(out, ", %s", t->artifact);
	if (r == 0 && t->rollback_to[0])
		r = buf_printf(out, ", rollback to %s", t->rollback_to);
	return r;
}

static int print_line(const struct audit_record *record, const struct texts *t, struct buf *out)
{
	const struct saying *saying = find_saying(record);
	const char *code = audit_reason_code(record);
	int r = buf_printf(out, "event %s: %s%s%s", t->seq, saying->phrase ? saying->phrase : saying->outcome,
			   code ? " " : "", code ? code : "");
	if (r == 0 && record->errno_given > 0)
		r = buf_printf(out, " (%s)", strerrorname_np(record->errno_given));
	if (r == 0)
		r = print_subject(record, t, out);
	if (r == 0 && t->detail[0])
		r = buf_printf(out, ": %s", t->detail);
	if (r == 0 && record->who)
		r = buf_printf(out, " (uid %s, %s)", t->uid, t->command);
	return r;
}

/* ---- the fields ---- */

static const char *or_null(const char *text)
{
	return text && text[0] ? text : NULL;
}

/* Under the log's lock. That it cannot be said for want of memory is no reason to fail: the record is written. */
static void say(void *ctx UNUSED, const struct audit_news *news)
{
	const struct audit_record *record = news->record;
	const struct saying *saying = find_saying(record);
	struct texts t;
	struct buf line = {0};
	print_texts(news, &t);
	const struct log_field fields[] = {
		{"EVENT_ID", t.seq, true},
		{"EVENT", audit_event_name(record->event), false},
		{"OUTCOME", saying->outcome, false},
		{"REASON", audit_reason_code(record), false},
		{"ERRNO", record->errno_given > 0 ? strerrorname_np(record->errno_given) : NULL, false},
		{"SLOT", record->slot, false},
		{"ARTIFACT", or_null(t.artifact), false},
		{"RELEASE", or_null(t.release), true},
		{"ROLLBACK_TO", or_null(t.rollback_to), true},
		{"TREE_SHA256", record->tree_sha256, false},
		{"LAYERS", record->layers, false},
		{"CONFIG", record->config, false},
		{"PROFILE_VERSION_ARN", or_null(t.profile_version), false},
		{"JOB_ARN", or_null(t.job), false},
		{"DETAIL", or_null(t.detail), false},
		{"REMEDY", record->verdict ? or_null(record->verdict->remedy) : NULL, false},
		{"UID", or_null(t.uid), true},
		{"PID", or_null(t.pid), true},
		{"COMMAND", or_null(t.command), false},
		{"AUDIT_HEAD", t.head, false},
	};
	if (print_line(record, &t, &line) == 0)
		log_write(&(struct log_entry){
			.level = saying->level,
			.message_id = saying->message != MESSAGE_NONE ? messages[saying->message - 1].id : NULL,
			.text = line.data,
			.fields = fields,
			.field_count = ARRAY_SIZE(fields),
			.at = news->at,
		});
	buf_done(&line);
}

int audit_say_all(struct audit *audit)
{
	return audit_listen(audit, say, NULL);
}
