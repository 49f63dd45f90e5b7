/*
 * event.h - a record of the audit log, read back: as plain data, for people in two forms, and sieved. Knows lines, not
 * where they come from: the log of a store, .vouchfs/recent and .vouchfs/events of a mount.
 */
#ifndef OVERVIEW_EVENT_H
#define OVERVIEW_EVENT_H

#include "overview/overview.h"
#include "policy/policy.h"

struct event_check {
	char *state; /* in the words of programs: policy_state_word */
	char *mode;
	char *expected;
	char *found;
};

/* Texts are as they were recorded, and NULL where the record has none; numbers and times are 0 then. */
struct event {
	uint64_t seq;
	int64_t at_s;
	char *kind; /* "deployment", "release-blocked", ...; "missed": a reader was too slow for missed_count records */
	bool has_who;
	uint32_t uid;
	uint32_t gid;
	int64_t pid;
	char *command;
	char *slot;
	char *artifact;
	uint64_t release;
	uint64_t rollback_to;
	uint64_t kept_release;
	char *tree_sha256;
	char *layers;
	char *config;
	char *outcome;
	char *reason;
	char *title;
	bool unchecked;
	bool has_checks;
	struct event_check checks[POLICY_CHECK_COUNT];
	char *profile_version_arn;
	char *job_arn;
	int64_t signed_at_s;
	int64_t expires_at_s;
	int64_t timestamped_at_s;
	char *errno_name;
	char *detail;
	char *remedy;
	uint64_t missed_first;
	uint64_t missed_last;
	uint64_t missed_count;
};

/* 0, -EBADMSG: the line is no record; -ENOMEM. Members it does not know are passed over. */
int event_parse(const char *line, size_t len, struct event *ret);
void event_done(struct event *event);

/* "accepted", "warned", "refused", "failed", "blocked", "unblocked", "damaged"; NULL: it is none of these. */
const char *event_outcome(const struct event *event);

/* What is asked for; NULL and 0: whatever it is. */
struct event_filter {
	const char *slot; /* "functions/<f>", "layers/<l>", or the bare name of a function */
	const char *outcome;
	const char *reason;
	const char *kind;
	const char *signer; /* part of a profile version's ARN */
	int64_t since_s;
	int64_t until_s; /* inclusive */
	bool has_uid;
	uint32_t uid;
};
bool event_matches(const struct event *event, const struct event_filter *filter);

/* A line of what, when, where, and one of who and why, cut where the screen ends. Appends. */
int event_print(const struct event *event, const struct overview_screen *screen, struct buf *ret);
/* Whole, as `.vouchfs/why` has it, as far as the record has it. Appends. */
int event_print_why(const struct event *event, struct buf *ret);

#endif
