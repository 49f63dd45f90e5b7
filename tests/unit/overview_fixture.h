/* overview_fixture.h - overviews for tests of what is rendered of them. */
#ifndef OVERVIEW_FIXTURE_H
#define OVERVIEW_FIXTURE_H

#include "overview/overview.h"

/* 2026-11-21T20:00:00Z: when it was made. */
#define OVERVIEW_FIXTURE_NOW_S 1795291200

#define OVERVIEW_FIXTURE_ACCOUNT "111122223333"
#define OVERVIEW_FIXTURE_PUBLISHER                                                                                     \
	"arn:vouchfs:signer:local:" OVERVIEW_FIXTURE_ACCOUNT ":/signing-profiles/release/CvHbgWCCfY"
#define OVERVIEW_FIXTURE_POLICY_PUBLISHER                                                                              \
	"arn:vouchfs:signer:local:" OVERVIEW_FIXTURE_ACCOUNT ":/signing-profiles/policy/QwErTyUiOp"

/* A mounted host on which all is well: one account with a good list, one config "strict", no slots. */
struct overview *overview_fixture_new(void);
/* What serves release 3, accepted two days ago, signed by the publisher, for years. Enforce by "strict". */
struct overview_slot *overview_fixture_add_function(struct overview *overview, const char *name);
struct overview_slot *overview_fixture_add_layer(struct overview *overview, const char *name);
/* A text that the struct owns, in the place of the one before; NULL: none. */
void overview_fixture_set(char **to, const char *text);
/* An attempt that was refused with VF2001, ten minutes ago. */
void overview_fixture_refuse(struct overview_slot *slot);
/* Gives it a publisher, whose bundle 7 is in force since two days, without drift, fetched three minutes ago. */
struct overview_policy *overview_fixture_govern(struct overview *overview);
/* Another difference, as the daemon says it: "local conf.d/x.conf:3: ...". */
void overview_fixture_add_drift(struct overview_policy *policy, enum overview_drift kind, const char *what);
/* One host with a slot of every kind, and everything wrong that can be. */
struct overview *overview_fixture_new_troubled(void);
/*
 * The text is that of tests/data/overview/<name>, with "^[" for each escape byte. With OVERVIEW_GOLDEN_WRITE in the
 * environment the file is written instead: look at what git says has changed.
 */
void overview_fixture_assert_golden(const char *name, const struct buf *text);

#endif
