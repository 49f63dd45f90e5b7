#include "overview_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/io.h"

#define DAY_S  86400
#define YEAR_S (365 * (int64_t)DAY_S)

void overview_fixture_set(char **to, const char *text)
{
	free(*to);
	*to = text ? strdup(text) : NULL;
	assert_true(*to || !text);
}

static void add_account(struct overview *overview)
{
	struct overview_account *account = overview_add_account(overview);
	assert_non_null(account);
	overview_fixture_set(&account->id, OVERVIEW_FIXTURE_ACCOUNT);
	overview_fixture_set(&account->certificate_subject, "CN=account " OVERVIEW_FIXTURE_ACCOUNT);
	account->certificate_expires_at_s = overview->now_s + 10 * YEAR_S;
	account->list_required = true;
	overview_fixture_set(&account->list_state, "good");
	account->list_sequence = 41;
	account->list_issued_at_s = overview->now_s - 720;
	account->list_next_update_s = overview->now_s + 7 * DAY_S - 720;
}

static void add_config(struct overview *overview)
{
	struct overview_config *config = overview_add_config(overview);
	assert_non_null(config);
	overview_fixture_set(&config->name, "strict");
	overview_fixture_set(&config->description, "");
	overview_fixture_set(&config->mismatch, "Enforce");
	overview_fixture_set(&config->expiry, "Enforce");
	overview_fixture_set(&config->revocation, "Enforce");
	overview_fixture_set(&config->on_load, "Ignore");
	config->publishers = calloc(1, sizeof(*config->publishers));
	assert_non_null(config->publishers);
	overview_fixture_set(&config->publishers[0], OVERVIEW_FIXTURE_PUBLISHER);
	config->publisher_count = 1;
}

struct overview *overview_fixture_new(void)
{
	struct overview *overview = overview_new();
	assert_non_null(overview);
	overview_fixture_set(&overview->host, "host.example");
	overview_fixture_set(&overview->version, "0.1.0");
	overview_fixture_set(&overview->config_path, "/etc/vouchfs/vouchfs.conf");
	overview_fixture_set(&overview->store, "/var/lib/vouchfs/store");
	overview_fixture_set(&overview->account, OVERVIEW_FIXTURE_ACCOUNT);
	overview_fixture_set(&overview->region, "local");
	overview->is_mounted = true;
	overview->pid = 4711;
	overview->now_s = OVERVIEW_FIXTURE_NOW_S;
	overview->started_at_s = overview->now_s - 3 * DAY_S;
	overview->config_generation = 3;
	overview->config_loaded_at_s = overview->now_s - 7200;
	overview->audit_seq = 118;
	overview->audit_writable = true;
	add_account(overview);
	add_config(overview);
	return overview;
}

static struct overview_slot *add_slot(struct overview *overview, const char *name)
{
	struct overview_slot *slot = overview_add_slot(overview);
	assert_non_null(slot);
	overview_fixture_set(&slot->name, name);
	overview_fixture_set(&slot->outcome, "accepted");
	overview_fixture_set(&slot->profile_version_arn, OVERVIEW_FIXTURE_PUBLISHER);
	overview_fixture_set(&slot->by_command, "cp");
	slot->release = 3;
	slot->kept_count = 3;
	slot->since_s = overview->now_s - 2 * DAY_S;
	slot->by_uid = 1001;
	slot->signed_at_s = slot->since_s - 60;
	slot->expires_at_s = overview->now_s + 11 * YEAR_S;
	overview_fixture_set(&slot->last.outcome, "accepted");
	overview_fixture_set(&slot->last.command, "cp");
	slot->last.uid = 1001;
	slot->last.at_s = slot->since_s;
	slot->last.event = 117;
	return slot;
}

struct overview_slot *overview_fixture_add_function(struct overview *overview, const char *name)
{
	struct overview_slot *slot = add_slot(overview, name);
	overview_fixture_set(&slot->mode, "Enforce");
	overview_fixture_set(&slot->config, "strict");
	overview_fixture_set(&slot->enforce_outcome, "accepted");
	return slot;
}

struct overview_slot *overview_fixture_add_layer(struct overview *overview, const char *name)
{
	struct overview_slot *slot = add_slot(overview, name);
	slot->is_layer = true;
	overview_fixture_set(&slot->mode, "-");
	return slot;
}

void overview_fixture_refuse(struct overview_slot *slot)
{
	overview_fixture_set(&slot->last.outcome, "refused");
	overview_fixture_set(&slot->last.reason, "VF2001");
	overview_fixture_set(&slot->last.detail,
			     "the artifact is not signed; a signature of an allowed publisher is needed");
	overview_fixture_set(&slot->last.command, "rsync");
	slot->last.at_s = OVERVIEW_FIXTURE_NOW_S - 600;
	slot->last.event = 118;
}

static void would_fail(struct overview_slot *slot, const char *reason, const char *detail)
{
	overview_fixture_set(&slot->enforce_outcome, "refused");
	overview_fixture_set(&slot->enforce_reason, reason);
	overview_fixture_set(&slot->enforce_detail, detail);
}

static void add_warned(struct overview *overview)
{
	struct overview_slot *slot = overview_fixture_add_function(overview, "experiment");
	overview_fixture_set(&slot->mode, "Warn");
	overview_fixture_set(&slot->outcome, "warned");
	overview_fixture_set(&slot->reason, "VF2001");
	overview_fixture_set(&slot->profile_version_arn, NULL);
	slot->signed_at_s = slot->expires_at_s = 0;
	overview_fixture_set(&slot->last.outcome, "warned");
	overview_fixture_set(&slot->last.reason, "VF2001");
	overview_fixture_set(&slot->last.detail, "the artifact is not signed");
	would_fail(slot, "VF2001", "the artifact is not signed");
}

static void add_relaxed(struct overview *overview)
{
	struct overview_slot *slot = overview_fixture_add_function(overview, "billing");
	slot->break_glass.until_s = overview->now_s + 2280;
	slot->break_glass.uid = 0;
	overview_fixture_set(&slot->break_glass.reason, "the CA is down,\n\033[31mticket 812");
}

static void add_expiring(struct overview *overview)
{
	overview_fixture_add_function(overview, "report")->expires_at_s = overview->now_s + 9 * DAY_S;
	struct overview_slot *slot = overview_fixture_add_function(overview, "archive");
	slot->expires_at_s = overview->now_s - DAY_S;
	would_fail(slot, "VF2003", "the signature expired at 2026-11-20T20:00:00Z; it is 2026-11-21T20:00:00Z now");
}

static void add_layers(struct overview *overview)
{
	struct overview_slot *layer = overview_fixture_add_layer(overview, "tools");
	overview_fixture_set(&layer->layers, "archive billing experiment invoices main nightly report");
	layer = overview_fixture_add_layer(overview, "base");
	layer->is_damaged = true;
}

/* ---- a host that is governed ---- */

struct overview_policy *overview_fixture_govern(struct overview *overview)
{
	struct overview_policy *policy = &overview->policy;
	overview_fixture_set(&policy->state, OVERVIEW_POLICY_IN_FORCE);
	policy->sequence = policy->highest_sequence = 7;
	overview_fixture_set(&policy->description, "all web hosts");
	overview_fixture_set(&policy->tree_sha256, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
	overview_fixture_set(&policy->profile_version_arn, OVERVIEW_FIXTURE_POLICY_PUBLISHER);
	policy->applied_at_s = overview->now_s - 2 * DAY_S;
	policy->signed_at_s = policy->applied_at_s - 3600;
	policy->expires_at_s = overview->now_s + 90 * DAY_S;
	policy->drift_checked_at_s = overview->now_s - 60;
	overview_fixture_set(&policy->source, "https://policy.example/web");
	policy->poll_interval_s = 300;
	policy->fetched_at_s = overview->now_s - 180;
	return policy;
}

void overview_fixture_add_drift(struct overview_policy *policy, enum overview_drift kind, const char *what)
{
	char text[512];
	char **all = reallocarray(policy->drift, policy->drift_shown + 1, sizeof(*all));
	assert_non_null(all);
	policy->drift = all;
	(void)snprintf(text, sizeof(text), "%s %s", overview_drift_name(kind), what);
	all[policy->drift_shown] = NULL;
	overview_fixture_set(&all[policy->drift_shown++], text);
	policy->drift_count++;
	policy->drift_by_kind[kind]++;
}

/* ---- golden files ---- */

static struct buf show_escapes(const struct buf *text)
{
	struct buf shown = {0};
	for (size_t i = 0; i < text->len; i++)
		assert_int_equal(text->data[i] == '\033' ? buf_puts(&shown, "^[") : buf_putc(&shown, text->data[i]), 0);
	return shown;
}

static void write_golden(const char *path, const struct buf *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text->data, 1, text->len, file), text->len);
	assert_int_equal(fclose(file), 0);
}

void overview_fixture_assert_golden(const char *name, const struct buf *text)
{
	char path[128];
	struct buf expected = {0}, found = show_escapes(text);
	(void)snprintf(path, sizeof(path), "tests/data/overview/%s", name);
	if (getenv("OVERVIEW_GOLDEN_WRITE"))
		write_golden(path, &found);
	assert_int_equal(io_read_path(path, 65536, &expected), 0);
	if (strcmp(found.data, expected.data) != 0)
		fail_msg("%s is not what came out:\n%s", path, found.data);
	buf_done(&expected);
	buf_done(&found);
}

/* ---- everything wrong ---- */

struct overview *overview_fixture_new_troubled(void)
{
	struct overview *overview = overview_fixture_new();
	overview->config_failures = 2;
	overview_fixture_set(&overview->config_error,
			     "/etc/vouchfs/conf.d/a.conf:3: unknown key \"alowed_publisher\", did "
			     "you mean \"allowed_publisher\"?");
	overview->audit_writable = false;
	overview_fixture_set(&overview->accounts[0].list_state, "stale");
	overview->accounts[0].list_issued_at_s = overview->now_s - 8 * DAY_S;
	overview->accounts[0].list_next_update_s = overview->now_s - DAY_S;

	overview_fixture_add_function(overview, "main")->kept_count = 2;
	overview_fixture_refuse(overview_fixture_add_function(overview, "invoices"));
	overview_fixture_add_function(overview, "nightly")->is_damaged = true;
	struct overview_slot *blocked = overview_fixture_add_function(
		overview, "a-function-whose-name-is-as-long-as-names-of-functions-may-be-64");
	blocked->is_blocked = true;
	would_fail(blocked, "VF2004", "signing job 5f0c was revoked at 2026-11-21T19:12:00Z: leaked build key");
	add_warned(overview);
	add_relaxed(overview);
	add_expiring(overview);
	struct overview_slot *empty = overview_add_slot(overview);
	assert_non_null(empty);
	overview_fixture_set(&empty->name, "newcomer");
	overview_fixture_set(&empty->mode, "UNCHECKED");
	add_layers(overview);
	overview_rank(overview);
	return overview;
}
