/*
 * policy_words.h - what there is to be said of a host's policy bundle, for all that show it: screen, health, page,
 * metrics, fleet. Private to src/overview.
 */
#ifndef OVERVIEW_POLICY_WORDS_H
#define OVERVIEW_POLICY_WORDS_H

#include "overview/overview.h"

#define POLICY_DRIFT_SHOWN	3
#define POLICY_SILENT_INTERVALS 3 /* without an answer, then somebody is told */

/* Exactly one of these where a publisher is configured; a state of which this program knows nothing is none to rely on.
 */
bool policy_is_in_force(const struct overview_policy *policy);
bool policy_has_none_yet(const struct overview_policy *policy);
bool policy_is_lost(const struct overview_policy *policy);

/* "VF2003", ... of a bundle that is kept in force all the same; NULL: none. */
const char *policy_alarm(const struct overview_policy *policy, int64_t now_s);
const char *policy_alarm_word(const char *alarm); /* "EXPIRED", "REVOKED", "UNDECIDED" */

/* Differences but those of kind bundle, which are shown as what they are: lost, rolled back, expired. */
uint64_t policy_count_drift(const struct overview_policy *policy);
/* The first of these; valid as long as the policy is. */
size_t policy_list_drift(const struct overview_policy *policy, const char *ret[POLICY_DRIFT_SHOWN]);
/* Others than the bundle says may sign or deploy: its certificate, or a slot's owner, is not the bundle's. */
bool policy_is_overridden(const struct overview_policy *policy);

/* The last bundle that was brought did not come into force: another one, or none, did before. */
bool policy_was_refused(const struct overview_policy *policy);
/* It is a profile of this account that signed the bundle in force. */
bool policy_is_signed_by(const struct overview_policy *policy, const char *account);
/* Bundles are fetched, and for some intervals no answer has come. */
bool policy_is_source_silent(const struct overview *overview);

#endif
