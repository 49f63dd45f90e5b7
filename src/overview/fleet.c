/* Hosts, read one by one and then compared with each other. */
#include "overview/fleet.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arn/arn.h"
#include "common.h"
#include "policy_words.h"

#define CLOCK_SLACK_S 300 /* a host's clock may be ahead of ours by so much */

struct fleet *fleet_new(int64_t now_s, uint64_t max_age_s)
{
	struct fleet *fleet = calloc(1, sizeof(*fleet));
	if (fleet)
		*fleet = (struct fleet){.now_s = now_s, .max_age_s = max_age_s};
	return fleet;
}

static void host_done(struct fleet_host *host)
{
	free(host->name);
	free(host->claims);
	free(host->error);
	free(host->state);
	free(host->publisher);
	free(host->tree_sha256);
	free(host->alarm);
	free(host->findings);
	free(host->differs);
}

void fleet_free(struct fleet *fleet)
{
	if (!fleet)
		return;
	for (size_t i = 0; i < fleet->count; i++)
		host_done(&fleet->hosts[i]);
	free(fleet->hosts);
	free(fleet);
}

/* ---- one host ---- */

static struct fleet_host *add(struct fleet *fleet, const char *name)
{
	struct fleet_host *hosts = reallocarray(fleet->hosts, fleet->count + 1, sizeof(*hosts));
	if (!hosts)
		return NULL;
	fleet->hosts = hosts;
	hosts[fleet->count] = (struct fleet_host){.name = strdup(name)};
	return hosts[fleet->count].name ? &hosts[fleet->count++] : NULL;
}

int fleet_add_unreadable(struct fleet *fleet, const char *name, const char *error)
{
	struct fleet_host *host = add(fleet, name);
	return host ? view_copy(error, &host->error) : -ENOMEM;
}

static void count_slots(const struct overview *overview, struct fleet_host *host)
{
	for (size_t i = 0; i < overview->slot_count; i++) {
		const struct overview_slot *slot = &overview->slots[i];
		bool is_held_back = slot->is_damaged || slot->is_blocked;
		host->blocked_count += is_held_back;
		host->served_count += slot->release > 0 && !is_held_back;
		host->refused_count += view_is(slot->last.outcome, "refused") || view_is(slot->last.outcome, "failed");
	}
}

/* Whose sequence numbers it has: those of one profile, whatever its version. */
static int fill_publisher(const char *profile_version_arn, struct fleet_host *host)
{
	struct arn_profile profile;
	char arn[ARN_TEXT_SIZE];
	bool is_known = profile_version_arn &&
			arn_parse_profile(profile_version_arn, strlen(profile_version_arn), &profile);
	if (is_known) {
		profile.version[0] = '\0';
		arn_print_profile(&profile, arn);
	}
	return view_copy(is_known ? arn : profile_version_arn ? profile_version_arn : "", &host->publisher);
}

static int fill_policy(const struct overview *overview, struct fleet_host *host)
{
	const struct overview_policy *policy = &overview->policy;
	int r = view_copy(policy->state, &host->state);
	host->highest_sequence = policy->highest_sequence;
	host->drift_count = policy->state ? policy_count_drift(policy) : 0;
	if (r < 0 || !policy_is_in_force(policy))
		return r;
	host->sequence = policy->sequence;
	host->is_rolled_back = policy->rollback_reason != NULL;
	r = fill_publisher(policy->profile_version_arn, host);
	if (r == 0)
		r = view_copy(policy->tree_sha256, &host->tree_sha256);
	return r == 0 ? view_copy(policy_alarm(policy, overview->now_s), &host->alarm) : r;
}

static int fill(const struct overview *overview, struct fleet_host *host)
{
	int r = view_copy(overview->host, &host->claims);
	host->made_at_s = overview->now_s;
	count_slots(overview, host);
	if (r == 0)
		r = fill_policy(overview, host);
	return r == 0 ? overview_find_problems(overview, OVERVIEW_EXPIRY_DAYS, &host->findings, &host->finding_count)
		      : r;
}

int fleet_add(struct fleet *fleet, const char *name, const char *text, size_t len)
{
	struct overview *overview = NULL;
	int r = overview_parse(text, len, &overview);
	if (r == -EBADMSG)
		return fleet_add_unreadable(fleet, name,
					    len == 0
						    ? "its status.json is empty, as rsync brings it from a mount; have "
						      "`vouchfs status --json` write it"
						    : "this is no status.json that this program understands; was it "
						      "copied whole, and is this program as new as the host's?");
	struct fleet_host *host = r == 0 ? add(fleet, name) : NULL;
	if (r == 0)
		r = host ? fill(overview, host) : -ENOMEM;
	overview_free(overview);
	return r;
}

/* ---- each by the clock ---- */

static bool is_stale(const struct fleet *fleet, const struct fleet_host *host)
{
	int64_t age_s = fleet->now_s - host->made_at_s;
	return host->made_at_s == 0 || age_s < -CLOCK_SLACK_S || (age_s > 0 && (uint64_t)age_s > fleet->max_age_s);
}

/* ---- with each other: neighbours in an order are compared ---- */

static int compare_texts(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

/* A host with a bundle before those that have none; by publisher, sequence, digest. */
static int compare_bundles(const void *a, const void *b)
{
	const struct fleet_host *x = *(const struct fleet_host *const *)a, *y = *(const struct fleet_host *const *)b;
	int by_publisher = compare_texts(x->publisher, y->publisher);
	if (!x->publisher != !y->publisher)
		return x->publisher ? -1 : 1;
	if (by_publisher != 0)
		return by_publisher;
	if (x->sequence != y->sequence)
		return x->sequence > y->sequence ? -1 : 1;
	int by_digest = compare_texts(x->tree_sha256, y->tree_sha256);
	return by_digest != 0 ? by_digest : strcmp(x->name, y->name);
}

static int compare_claims(const void *a, const void *b)
{
	const struct fleet_host *x = *(const struct fleet_host *const *)a, *y = *(const struct fleet_host *const *)b;
	return compare_texts(x->claims, y->claims);
}

/* Hosts [from, end) have bundles of one publisher. */
static size_t end_of_publisher(struct fleet_host *const *all, size_t from, size_t count)
{
	size_t end = from;
	while (end < count && all[end]->publisher && strcmp(all[end]->publisher, all[from]->publisher) == 0)
		end++;
	return end;
}

static int tell_difference(struct fleet_host *host, const struct fleet_host *other)
{
	int len = asprintf(&host->differs, "its bundle %" PRIu64 " is sha256 %.12s..., that of %s is sha256 %.12s...",
			   host->sequence, host->tree_sha256 ? host->tree_sha256 : "unknown", other->name,
			   other->tree_sha256 ? other->tree_sha256 : "unknown");
	if (len < 0)
		host->differs = NULL;
	return len < 0 ? -ENOMEM : 0;
}

/* Bundles of one publisher, by sequence and digest: of one sequence all are the same, or each differs from some other.
 */
static int compare_digests(struct fleet_host **all, size_t from, size_t end)
{
	int r = 0;
	for (size_t next = from; r == 0 && from < end; from = next) {
		while (next < end && all[next]->sequence == all[from]->sequence)
			next++;
		const struct fleet_host *first = all[from], *last = all[next - 1];
		if (compare_texts(first->tree_sha256, last->tree_sha256) == 0)
			continue;
		for (size_t i = from; r == 0 && i < next; i++)
			r = tell_difference(all[i],
					    compare_texts(all[i]->tree_sha256, first->tree_sha256) == 0 ? last : first);
	}
	return r;
}

static void compare_sequences(struct fleet_host **all, size_t from, size_t end)
{
	uint64_t highest = 0;
	for (size_t i = from; i < end; i++) {
		highest = all[i]->sequence > highest ? all[i]->sequence : highest;
		highest = all[i]->highest_sequence > highest ? all[i]->highest_sequence : highest;
	}
	for (size_t i = from; i < end; i++)
		all[i]->is_behind = all[i]->sequence < highest;
}

static int compare_all(struct fleet_host **all, size_t count)
{
	int r = 0;
	qsort(all, count, sizeof(struct fleet_host *), compare_bundles);
	for (size_t from = 0, end; r == 0 && from < count && all[from]->publisher; from = end) {
		end = end_of_publisher(all, from, count);
		compare_sequences(all, from, end);
		r = compare_digests(all, from, end);
	}
	qsort(all, count, sizeof(struct fleet_host *), compare_claims);
	for (size_t i = 1; i < count; i++)
		if (all[i]->claims && compare_claims(&all[i - 1], &all[i]) == 0)
			all[i - 1]->is_claim_shared = all[i]->is_claim_shared = true;
	return r;
}

/* ---- counted ---- */

size_t fleet_count_attention(const struct fleet *fleet)
{
	size_t count = 0;
	for (size_t i = 0; i < fleet->count; i++)
		count += fleet->hosts[i].level != FLEET_OK;
	return count;
}

static int compare_tallies(const void *a, const void *b)
{
	const struct fleet_tally *x = a, *y = b;
	return x->sequence == y->sequence ? 0 : x->sequence > y->sequence ? -1 : 1;
}

int fleet_tally(const struct fleet *fleet, struct fleet_tally **ret, size_t *ret_count)
{
	size_t count = 0, kept = 0;
	struct fleet_tally *all = calloc(fleet->count + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < fleet->count; i++)
		if (fleet->hosts[i].publisher)
			all[count++] = (struct fleet_tally){.sequence = fleet->hosts[i].sequence, .count = 1};
	qsort(all, count, sizeof(*all), compare_tallies);
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && all[kept - 1].sequence == all[i].sequence)
			all[kept - 1].count++;
		else
			all[kept++] = all[i];
	}
	*ret = all;
	*ret_count = kept;
	return 0;
}

static enum fleet_level level_of(const struct fleet_host *host)
{
	bool is_critical = host->finding_count > 0 && host->findings[0].level == OVERVIEW_CRITICAL;
	if (host->error || host->is_stale || !host->state || is_critical || host->differs)
		return FLEET_BAD;
	return host->is_behind || host->is_claim_shared || host->finding_count > 0 ? FLEET_WARNING : FLEET_OK;
}

static int compare_hosts(const void *a, const void *b)
{
	const struct fleet_host *x = a, *y = b;
	return x->level != y->level ? (int)x->level - (int)y->level : strcmp(x->name, y->name);
}

int fleet_judge(struct fleet *fleet)
{
	struct fleet_host **all = calloc(fleet->count + 1, sizeof(struct fleet_host *));
	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < fleet->count; i++)
		all[i] = &fleet->hosts[i];
	int r = compare_all(all, fleet->count);
	for (size_t i = 0; i < fleet->count; i++) {
		fleet->hosts[i].is_stale = !fleet->hosts[i].error && is_stale(fleet, &fleet->hosts[i]);
		fleet->hosts[i].level = level_of(&fleet->hosts[i]);
	}
	if (fleet->count > 0)
		qsort(fleet->hosts, fleet->count, sizeof(*fleet->hosts), compare_hosts);
	free(all);
	return r;
}
