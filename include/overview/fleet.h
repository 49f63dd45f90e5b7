/*
 * fleet.h - many hosts, by the status.json files that were collected from them: which policy bundle is in force on
 * each, and which need attention. Knows texts, not where they come from.
 *
 * What a host says of itself is its own word: names, texts and numbers may be anything. So a host is called what the
 * collection calls it, one that cannot be read is a row like any other, and no host can make another one look well.
 *
 *     fleet_new, fleet_add or fleet_add_unreadable for each, fleet_judge, then fleet_print or fleet_put_json
 */
#ifndef OVERVIEW_FLEET_H
#define OVERVIEW_FLEET_H

#include "base/json.h"
#include "overview/overview.h"

enum fleet_level {
	FLEET_BAD = 0, /* unreadable, not seen for long, governed by nothing, critical, or another bundle than others */
	FLEET_WARNING, /* behind, or its health is a warning */
	FLEET_OK,
};

struct fleet_host {
	char *name;   /* what the collection calls it */
	char *claims; /* what it calls itself; NULL: not known */
	char *error;  /* why nothing else is known of it, a sentence; else NULL */
	int64_t made_at_s;

	char *state;	   /* as in struct overview_policy */
	uint64_t sequence; /* 0: no bundle is in force */
	uint64_t highest_sequence;
	char *publisher;   /* ARN of the profile, of any version, that signed the bundle; NULL: none is in force */
	char *tree_sha256; /* hex; or NULL */
	char *alarm;	   /* "VF2003", ... or NULL */
	bool is_rolled_back;
	uint64_t drift_count; /* as health has it: without what is wrong with the bundle itself */
	uint64_t served_count;
	uint64_t blocked_count; /* or damaged */
	uint64_t refused_count; /* the last attempt was refused or failed */
	struct overview_finding *findings;
	size_t finding_count;

	/* By the others, and by the clock: fleet_judge. */
	enum fleet_level level;
	bool is_behind;	      /* another host has, or had, a higher sequence of that publisher */
	bool is_stale;	      /* made too long ago, or it does not say when */
	bool is_claim_shared; /* another one calls itself the same */
	char *differs;	      /* a sentence: another host has another bundle of the same sequence; or NULL */
};

struct fleet {
	int64_t now_s;
	uint64_t max_age_s;
	struct fleet_host *hosts; /* by level and name, once judged */
	size_t count;
};

struct fleet *fleet_new(int64_t now_s, uint64_t max_age_s); /* NULL: out of memory */
void fleet_free(struct fleet *fleet);
/* The text of a status.json; what is none becomes a row that says so. 0 or -ENOMEM. */
int fleet_add(struct fleet *fleet, const char *name, const char *text, size_t len);
int fleet_add_unreadable(struct fleet *fleet, const char *name, const char *error);
/* 0 or -ENOMEM */
int fleet_judge(struct fleet *fleet);
size_t fleet_count_attention(const struct fleet *fleet);

/* A line a host, problems first with what there is to say of each, and a summary. Appends. 0 or -ENOMEM. */
int fleet_print(const struct fleet *fleet, const struct overview_screen *style, struct buf *ret);
/* The same, into an object that is open. */
int fleet_put_json(struct json *j, const struct fleet *fleet);

/* How many hosts have a bundle in force, by sequence, the highest first; free(). 0 or -ENOMEM. */
struct fleet_tally {
	uint64_t sequence;
	size_t count;
};
int fleet_tally(const struct fleet *fleet, struct fleet_tally **ret, size_t *ret_count);

#endif
