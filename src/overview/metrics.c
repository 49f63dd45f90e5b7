/*
 * metrics.c - the metrics of a mount. Every series that can appear is there from the start, as 0: a first refusal is
 * then an increase like any other.
 */
#include "overview/metrics.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "metrics_text.h"

#define CONFIG_SUFFIX ".conf"

static const char *const outcome_names[METRICS_OUTCOME_COUNT] = {
	[METRICS_ACCEPTED] = "accepted",
	[METRICS_WARNED] = "warned",
	[METRICS_REFUSED] = "refused",
	[METRICS_FAILED] = "failed",
};

/* ---- the mount ---- */

/* "prod" of /etc/vouchfs/prod.conf */
static void print_mount(const struct overview *overview, char ret[LIMIT_NAME_BYTES + 1])
{
	const char *path = overview->config_path ? overview->config_path : "";
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t len = strlen(name);
	if (text_ends_with(name, CONFIG_SUFFIX) && len > strlen(CONFIG_SUFFIX))
		len -= strlen(CONFIG_SUFFIX);
	(void)snprintf(ret, LIMIT_NAME_BYTES + 1, "%.*s", (int)len, name);
}

/* They count from the mount on, unlike what else is counted. */
static void put_restarts(struct metrics_text *t, const struct overview *overview)
{
	const struct metrics_label died = {"cause", "died"}, asked = {"cause", "asked"};
	metrics_family(t, "vouchfs_daemon_restarts_total", METRICS_COUNTER,
		       "Daemons that took over the mount, because the one before had died, or was asked to make room.");
	metrics_sample(t, &died, 1, overview->deaths);
	metrics_sample(t, &asked, 1, overview->restarts - overview->deaths);
}

static void put_mount(struct metrics_text *t, const struct overview *overview)
{
	const struct metrics_label version = {"version", overview->version ? overview->version : ""};
	metrics_family(t, "vouchfs_build_info", METRICS_GAUGE, "1, with the version of the program that serves.");
	metrics_sample(t, &version, 1, 1);
	metrics_single(t, "vouchfs_start_time_seconds", METRICS_GAUGE, "When the daemon was started.",
		       (uint64_t)overview->started_at_s);
	put_restarts(t, overview);
	metrics_single(t, "vouchfs_metrics_timestamp_seconds", METRICS_GAUGE,
		       "When these metrics were made: old ones in a textfile are those of a daemon that is gone.",
		       (uint64_t)overview->now_s);
}

static void put_config(struct metrics_text *t, const struct overview *overview, const struct metrics_counts *counts)
{
	const struct metrics_label success = {"result", "success"}, failure = {"result", "failure"};
	metrics_single(t, "vouchfs_config_generation", METRICS_GAUGE,
		       "Which configuration is in force: 1 from the start, one more with each good reload.",
		       overview->config_generation);
	metrics_single(t, "vouchfs_config_last_reload_successful", METRICS_GAUGE,
		       "0 while a reload was refused and none has succeeded since: what was before is in force.",
		       overview->config_failures == 0);
	metrics_single(t, "vouchfs_config_last_reload_timestamp_seconds", METRICS_GAUGE,
		       "When the configuration in force was read.", (uint64_t)overview->config_loaded_at_s);
	metrics_family(t, "vouchfs_config_reloads_total", METRICS_COUNTER, "Reloads by result.");
	metrics_sample(t, &success, 1, counts->reloads);
	metrics_sample(t, &failure, 1, counts->reloads_refused);
}

/* ---- slots, counted ---- */

static void put_states(struct metrics_text *t, const struct overview *overview)
{
	static const char *const states[] = {
		[OVERVIEW_NOT_SERVED] = "not_served", [OVERVIEW_REFUSED] = "refused", [OVERVIEW_RELAXED] = "relaxed",
		[OVERVIEW_WARNED] = "warned",	      [OVERVIEW_OK] = "ok",	      [OVERVIEW_EMPTY] = "empty",
	};
	uint64_t counts[2][ARRAY_SIZE(states)] = {0};
	for (size_t i = 0; i < overview->slot_count; i++)
		counts[overview->slots[i].is_layer][overview->slots[i].rank]++;
	metrics_family(t, "vouchfs_slots", METRICS_GAUGE,
		       "Slots by the worst that is to be said of them: not served, last attempt refused, relaxed by "
		       "break glass, served with a warning.");
	for (size_t is_layer = 0; is_layer < ARRAY_SIZE(counts); is_layer++)
		for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
			const struct metrics_label labels[] = {{"kind", is_layer ? "layer" : "function"},
							       {"state", states[i]}};
			metrics_sample(t, labels, ARRAY_SIZE(labels), counts[is_layer][i]);
		}
}

static void put_slots(struct metrics_text *t, const struct overview *overview)
{
	uint64_t would_be_refused = 0, relaxed = 0;
	for (size_t i = 0; i < overview->slot_count; i++) {
		const struct overview_slot *slot = &overview->slots[i];
		bool is_served = !slot->is_layer && slot->release > 0 && !slot->is_blocked && !slot->is_damaged;
		would_be_refused += is_served && slot->enforce_outcome && strcmp(slot->enforce_outcome, "refused") == 0;
		relaxed += slot->break_glass.until_s > 0;
	}
	put_states(t, overview);
	metrics_single(t, "vouchfs_slots_would_be_refused", METRICS_GAUGE,
		       "Functions that are served and would not be if everything were set to Enforce.",
		       would_be_refused);
	metrics_single(t, "vouchfs_break_glass_active", METRICS_GAUGE,
		       "Slots whose checks the administrator has relaxed for a time.", relaxed);
	metrics_put_slots(t, overview);
}

/* ---- attempts ---- */

/* The sum over the rows of the table of reasons that are shown by this code. */
static uint64_t count_of_code(const uint64_t counts[METRICS_REASONS_MAX], const char *code)
{
	size_t row_count;
	uint64_t sum = 0;
	const struct policy_reason_info *all = policy_reasons(&row_count);
	for (size_t i = 0; i < row_count; i++)
		sum += strcmp(all[i].code, code) == 0 ? counts[i] : 0;
	return sum;
}

/* Who signed a layer version, until when, and whether that holds, is asked where it is attached. */
static bool is_about_signer(enum policy_reason reason)
{
	return reason >= POLICY_VF2001_UNSIGNED && reason < POLICY_VF3001_UNDECIDED;
}

static bool is_about_bundle(enum policy_reason reason)
{
	return reason == POLICY_VF5001_BUNDLE || reason == POLICY_VF5002_SEQUENCE;
}

/* It has no layers, and nothing about it is relaxed. */
static bool can_bundle_have(enum metrics_outcome outcome, enum policy_reason reason)
{
	bool is_about_layer = reason >= POLICY_VF2005_LAYER && reason < POLICY_VF3001_UNDECIDED;
	if (outcome == METRICS_WARNED)
		return false;
	return outcome == METRICS_REFUSED ? reason != POLICY_REASON_NONE && !is_about_layer
					  : reason == POLICY_REASON_NONE;
}

/* Of what an outcome can be about, every series is shown. */
static bool can_have(enum metrics_subject subject, enum metrics_outcome outcome, enum policy_reason reason)
{
	bool is_publication = subject == METRICS_PUBLICATIONS;
	if (subject == METRICS_BUNDLES)
		return can_bundle_have(outcome, reason);
	if (is_about_bundle(reason))
		return false;
	if (outcome == METRICS_WARNED)
		return !is_publication && (is_about_signer(reason) || reason == POLICY_VF3001_UNDECIDED);
	if (outcome == METRICS_REFUSED)
		return !is_publication || !is_about_signer(reason);
	return reason == POLICY_REASON_NONE;
}

static void put_outcome(struct metrics_text *t, enum metrics_subject subject, enum metrics_outcome outcome,
			const uint64_t counts[METRICS_REASONS_MAX])
{
	size_t row_count;
	const char *before = "";
	const struct policy_reason_info *all = policy_reasons(&row_count);
	for (size_t i = 0; i < row_count; i++) {
		uint64_t count = count_of_code(counts, all[i].code);
		bool is_new = strcmp(all[i].code, before) != 0; /* rows of one code are neighbours */
		bool has_reason = all[i].reason != POLICY_REASON_NONE;
		const struct metrics_label labels[] = {{"outcome", outcome_names[outcome]},
						       {"reason", has_reason ? all[i].code : METRICS_NO_REASON}};
		if (is_new && (count > 0 || can_have(subject, outcome, all[i].reason)))
			metrics_sample(t, labels, ARRAY_SIZE(labels), count);
		before = all[i].code;
	}
}

static void put_attempts(struct metrics_text *t, const struct metrics_counts *counts, bool is_governed)
{
	static const char *const names[METRICS_SUBJECT_COUNT][2] = {
		[METRICS_DEPLOYMENTS] = {"vouchfs_deployments_total",
					 "Attempts to deploy to a function, by outcome and reason code."},
		[METRICS_PUBLICATIONS] = {"vouchfs_layer_publications_total",
					  "Attempts to publish a layer version, by outcome and reason code."},
		[METRICS_BUNDLES] = {"vouchfs_policy_bundles_total",
				     "Policy bundles that were brought here, by outcome and reason code."},
	};
	for (size_t subject = 0; subject < METRICS_SUBJECT_COUNT; subject++) {
		if (subject == METRICS_BUNDLES && !is_governed)
			continue;
		metrics_family(t, names[subject][0], METRICS_COUNTER, names[subject][1]);
		for (size_t outcome = 0; outcome < METRICS_OUTCOME_COUNT; outcome++)
			put_outcome(t, (enum metrics_subject)subject, (enum metrics_outcome)outcome,
				    counts->attempts[subject][outcome]);
	}
	metrics_family(t, "vouchfs_verification_duration_seconds", METRICS_HISTOGRAM,
		       "How long the verdict on an artifact took, from its last byte to the outcome.");
	metrics_histogram(t, counts->verdicts, counts->verdict_us);
}

static void put_served(struct metrics_text *t, const struct metrics_counts *counts)
{
	metrics_single(t, "vouchfs_releases_blocked_total", METRICS_COUNTER,
		       "Releases in service that policy has blocked.", counts->releases_blocked);
	metrics_single(t, "vouchfs_releases_unblocked_total", METRICS_COUNTER,
		       "Blocked releases that policy has let in again.", counts->releases_unblocked);
	metrics_single(t, "vouchfs_page_check_failures_total", METRICS_COUNTER,
		       "Reads that found other bytes in the store than were verified, as often as the audit log has "
		       "them.",
		       counts->page_check_failures);
}

/* ---- accounts ---- */

static bool certificate_of(const struct overview_account *account, uint64_t *ret)
{
	*ret = (uint64_t)account->certificate_expires_at_s;
	return account->certificate_expires_at_s > 0;
}

static bool usable_of(const struct overview_account *account, uint64_t *ret)
{
	*ret = account->list_state && strcmp(account->list_state, "good") == 0;
	return account->list_state && strcmp(account->list_state, "none") != 0;
}

static bool sequence_of(const struct overview_account *account, uint64_t *ret)
{
	*ret = account->list_sequence;
	return account->list_sequence > 0;
}

static bool issued_of(const struct overview_account *account, uint64_t *ret)
{
	*ret = (uint64_t)account->list_issued_at_s;
	return account->list_issued_at_s > 0;
}

static bool next_update_of(const struct overview_account *account, uint64_t *ret)
{
	*ret = (uint64_t)account->list_next_update_s;
	return account->list_next_update_s > 0;
}

static void put_accounts(struct metrics_text *t, const struct overview *overview)
{
	static const struct {
		const char *name;
		const char *help;
		bool (*value_of)(const struct overview_account *account, uint64_t *ret);
	} families[] = {
		{"vouchfs_account_certificate_expiry_timestamp_seconds",
		 "When the certificate of a trusted account expires.", certificate_of},
		{"vouchfs_revocation_list_usable",
		 "Whether an account's revocation list is there, genuine and not stale.", usable_of},
		{"vouchfs_revocation_list_sequence", "The number of the revocation list in force.", sequence_of},
		{"vouchfs_revocation_list_timestamp_seconds", "When the revocation list in force was issued.",
		 issued_of},
		{"vouchfs_revocation_list_next_update_timestamp_seconds",
		 "Until when the revocation list in force can be relied on.", next_update_of},
	};
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		metrics_family(t, families[i].name, METRICS_GAUGE, families[i].help);
		for (size_t k = 0; k < overview->account_count; k++) {
			const struct overview_account *account = &overview->accounts[k];
			const struct metrics_label label = {"account", account->id};
			uint64_t value;
			if (families[i].value_of(account, &value))
				metrics_sample(t, &label, 1, value);
		}
	}
}

/* ---- the store ---- */

static void put_store(struct metrics_text *t, const struct overview *overview, const struct metrics_sizes *sizes)
{
	const struct metrics_label objects = {"kind", "objects"}, records = {"kind", "records"},
				   audit = {"kind", "audit"};
	metrics_single(t, "vouchfs_audit_log_writable", METRICS_GAUGE,
		       "0 when the last record could not be written: nothing is deployed then.",
		       overview->audit_writable);
	metrics_single(t, "vouchfs_audit_records_total", METRICS_COUNTER, "Records in the audit log.",
		       overview->audit_seq);
	metrics_single(t, "vouchfs_staging_bytes", METRICS_GAUGE, "Bytes of uploads in progress.",
		       sizes->staging_bytes);
	if (!sizes->has_store)
		return;
	metrics_family(t, "vouchfs_store_bytes", METRICS_GAUGE,
		       "What the store takes on the disk, looked up once in a while.");
	metrics_sample(t, &objects, 1, sizes->object_bytes);
	metrics_sample(t, &records, 1, sizes->record_bytes);
	metrics_sample(t, &audit, 1, sizes->audit_bytes);
}

int overview_print_metrics(const struct overview *overview, const struct metrics_counts *counts,
			   const struct metrics_sizes *sizes, struct buf *ret)
{
	char mount[LIMIT_NAME_BYTES + 1];
	struct metrics_text t = {.out = ret, .mount = mount};
	print_mount(overview, mount);
	put_mount(&t, overview);
	put_config(&t, overview, counts);
	put_slots(&t, overview);
	put_attempts(&t, counts, overview->policy.state != NULL);
	put_served(&t, counts);
	put_accounts(&t, overview);
	metrics_put_policy(&t, overview);
	put_store(&t, overview, sizes);
	return t.error;
}
