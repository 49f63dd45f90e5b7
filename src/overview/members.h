/*
 * members.h - the members of status.json, as tables that both who writes it and who reads it go by: what a key is
 * called, what it holds, and where in the struct that stands. Private to src/overview.
 */
#ifndef OVERVIEW_MEMBERS_H
#define OVERVIEW_MEMBERS_H

#include "overview/overview.h"

enum member_kind {
	MEMBER_TEXT, /* char *; null for none */
	MEMBER_BOOL,
	MEMBER_U64,
	MEMBER_U32,
	MEMBER_TIME,  /* int64_t: "2026-11-21T17:27:12Z"; null for 0 */
	MEMBER_WORDS, /* char *: words with a blank between them, or NULL; here an array */
};

struct member {
	const char *key;
	enum member_kind kind;
	size_t offset;
};

/* Each ends with a NULL key. */
extern const struct member overview_members[];
extern const struct member overview_function_members[]; /* of struct overview_slot, both */
extern const struct member overview_layer_members[];
extern const struct member overview_config_members[];
extern const struct member overview_account_members[];
extern const struct member overview_policy_members[];
extern const struct member overview_drift_members[]; /* of struct overview_policy: by kind, in that order */

#define MEMBERS_SCHEMA	   1
#define MEMBERS_FUNCTIONS  "slots"
#define MEMBERS_LAYERS	   "layers"
#define MEMBERS_CONFIGS	   "codeSigningConfigs"
#define MEMBERS_ACCOUNTS   "accounts"
#define MEMBERS_PUBLISHERS "allowedPublishers" /* of a config: an array of texts, not in its table */
#define MEMBERS_POLICY	   "policy"	       /* an object; null where no publisher is configured */
#define MEMBERS_DRIFT	   "drift"	       /* of the policy: an array of texts */
#define MEMBERS_BY_KIND	   "driftByKind"       /* an object */

#endif
