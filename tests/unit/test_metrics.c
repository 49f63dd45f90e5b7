/* What Prometheus is told: which series there are, what they say of a host, and what is kept out of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metrics_scene.h"

static struct overview_slot *add_slot(struct metrics_scene *s, const char *name)
{
	struct overview_slot *slot = overview_add_slot(s->overview);
	assert_non_null(slot);
	slot->name = strdup(name);
	slot->release = 6;
	return slot;
}

/* ---- the mount ---- */

static void a_mount_is_called_by_its_configuration(void **state)
{
	struct metrics_scene *s = *state;
	metrics_scene_render(s);
	assert_has(s, "vouchfs_build_info{mount=\"prod\",version=\"9.8.7\"} 1");
	assert_has(s, "vouchfs_start_time_seconds{mount=\"prod\"} 1795259940");
	assert_has(s, "vouchfs_metrics_timestamp_seconds{mount=\"prod\"} 1795260000");
	assert_has(s, "vouchfs_config_generation{mount=\"prod\"} 7");
	assert_has(s, "vouchfs_config_last_reload_timestamp_seconds{mount=\"prod\"} 1795259990");
	assert_has(s, "vouchfs_config_last_reload_successful{mount=\"prod\"} 1");
	assert_has(s, "vouchfs_audit_log_writable{mount=\"prod\"} 1");
	assert_has(s, "vouchfs_audit_records_total{mount=\"prod\"} 41");
	assert_lacks(s, "/etc");
}

static void a_name_with_any_bytes_is_escaped(void **state)
{
	struct metrics_scene *s = *state;
	free(s->overview->config_path);
	s->overview->config_path = strdup("/etc/a\"b\\c\n\xff.d");
	metrics_scene_render(s);
	assert_has(s, "vouchfs_config_generation{mount=\"a\\\"b\\\\\\\\c\\\\x0a\\\\xff.d\"} 7");
}

static void restarts_are_counted_by_their_cause(void **state)
{
	struct metrics_scene *s = *state;
	metrics_scene_render(s);
	assert_has(s, "vouchfs_daemon_restarts_total{mount=\"prod\",cause=\"died\"} 0");
	assert_has(s, "vouchfs_daemon_restarts_total{mount=\"prod\",cause=\"asked\"} 0");
	s->overview->restarts = 5;
	s->overview->deaths = 2;
	metrics_scene_render(s);
	assert_has(s, "vouchfs_daemon_restarts_total{mount=\"prod\",cause=\"died\"} 2");
	assert_has(s, "vouchfs_daemon_restarts_total{mount=\"prod\",cause=\"asked\"} 3");
}

static void what_went_wrong_is_zero(void **state)
{
	struct metrics_scene *s = *state;
	s->overview->config_failures = 2;
	s->overview->audit_writable = false;
	metrics_scene_render(s);
	assert_has(s, "vouchfs_config_last_reload_successful{mount=\"prod\"} 0");
	assert_has(s, "vouchfs_audit_log_writable{mount=\"prod\"} 0");
}

static void every_family_has_help_and_type_once(void **state)
{
	struct metrics_scene *s = *state;
	add_slot(s, "a")->last = (struct overview_attempt){.outcome = strdup("accepted"), .at_s = NOW_S};
	metrics_scene_render(s);
	assert_int_equal(metrics_scene_count(s, "# HELP "), metrics_scene_count(s, "# TYPE "));
	for (const char *at = s->text.data; (at = strstr(at, "# TYPE ")); at++) {
		char help[128];
		(void)snprintf(help, sizeof(help), "# HELP %.*s ", (int)strcspn(at + 7, " "), at + 7);
		if (metrics_scene_count(s, help) != 1)
			fail_msg("%s", help);
	}
	assert_true(s->text.data[s->text.len - 1] == '\n');
}

/* ---- slots ---- */

static void a_slot_that_is_served(void **state)
{
	struct metrics_scene *s = *state;
	struct overview_slot *slot = add_slot(s, "billing");
	slot->expires_at_s = NOW_S + 5;
	slot->last = (struct overview_attempt){.outcome = strdup("accepted"), .at_s = NOW_S - 1};
	slot->profile_version_arn = strdup("arn:secret");
	slot->last.command = strdup("rsync");
	slot->last.uid = 4711;
	metrics_scene_render(s);
	assert_has(s, "vouchfs_slot_serving{mount=\"prod\",slot=\"functions/billing\"} 1");
	assert_has(s, "vouchfs_slot_blocked{mount=\"prod\",slot=\"functions/billing\"} 0");
	assert_has(s, "vouchfs_slot_damaged{mount=\"prod\",slot=\"functions/billing\"} 0");
	assert_has(s, "vouchfs_slot_signature_expiry_timestamp_seconds{mount=\"prod\",slot=\"functions/billing\"} "
		      "1795260005");
	assert_has(s, "vouchfs_slot_last_attempt_timestamp_seconds{mount=\"prod\",slot=\"functions/billing\","
		      "outcome=\"accepted\",reason=\"none\"} 1795259999");
	assert_has(s, "vouchfs_slots{mount=\"prod\",kind=\"function\",state=\"ok\"} 1");
	assert_has(s, "vouchfs_slots{mount=\"prod\",kind=\"layer\",state=\"ok\"} 0");
	assert_has(s, "vouchfs_slots_without_series{mount=\"prod\"} 0");
	assert_lacks(s, "\nvouchfs_slot_break_glass_end_timestamp_seconds{");
	assert_lacks(s, "arn:");
	assert_lacks(s, "rsync");
	assert_lacks(s, "4711");
}

static void a_slot_that_is_not_served(void **state)
{
	struct metrics_scene *s = *state;
	add_slot(s, "blocked")->is_blocked = true;
	struct overview_slot *damaged = add_slot(s, "damaged");
	damaged->is_damaged = true;
	damaged->release = 0;
	metrics_scene_render(s);
	assert_has(s, "vouchfs_slot_serving{mount=\"prod\",slot=\"functions/blocked\"} 0");
	assert_has(s, "vouchfs_slot_blocked{mount=\"prod\",slot=\"functions/blocked\"} 1");
	assert_has(s, "vouchfs_slot_serving{mount=\"prod\",slot=\"functions/damaged\"} 0");
	assert_has(s, "vouchfs_slot_damaged{mount=\"prod\",slot=\"functions/damaged\"} 1");
	assert_has(s, "vouchfs_slots{mount=\"prod\",kind=\"function\",state=\"not_served\"} 2");
}

static void a_refused_attempt_names_its_reason(void **state)
{
	struct metrics_scene *s = *state;
	add_slot(s, "x")->last =
		(struct overview_attempt){.outcome = strdup("refused"), .reason = strdup("VF2001"), .at_s = NOW_S};
	metrics_scene_render(s);
	assert_has(s, "vouchfs_slot_last_attempt_timestamp_seconds{mount=\"prod\",slot=\"functions/x\","
		      "outcome=\"refused\",reason=\"VF2001\"} 1795260000");
	assert_has(s, "vouchfs_slot_serving{mount=\"prod\",slot=\"functions/x\"} 1");
	assert_has(s, "vouchfs_slots{mount=\"prod\",kind=\"function\",state=\"refused\"} 1");
}

static void a_slot_that_was_never_used_has_no_series(void **state)
{
	struct metrics_scene *s = *state;
	add_slot(s, "empty")->release = 0;
	metrics_scene_render(s);
	assert_lacks(s, "functions/empty");
	assert_has(s, "vouchfs_slots{mount=\"prod\",kind=\"function\",state=\"empty\"} 1");
}

static void a_layer_is_neither_served_nor_blocked(void **state)
{
	struct metrics_scene *s = *state;
	struct overview_slot *slot = add_slot(s, "base");
	slot->is_layer = true;
	slot->expires_at_s = NOW_S;
	metrics_scene_render(s);
	assert_has(s, "vouchfs_slot_damaged{mount=\"prod\",slot=\"layers/base\"} 0");
	assert_has(s,
		   "vouchfs_slot_signature_expiry_timestamp_seconds{mount=\"prod\",slot=\"layers/base\"} 1795260000");
	assert_has(s, "vouchfs_slots{mount=\"prod\",kind=\"layer\",state=\"ok\"} 1");
	assert_lacks(s, "\nvouchfs_slot_serving{");
	assert_lacks(s, "\nvouchfs_slot_blocked{");
}

static void break_glass_is_seen(void **state)
{
	struct metrics_scene *s = *state;
	metrics_scene_render(s);
	assert_has(s, "vouchfs_break_glass_active{mount=\"prod\"} 0");
	add_slot(s, "x")->break_glass.until_s = NOW_S + 600;
	metrics_scene_render(s);
	assert_has(s, "vouchfs_break_glass_active{mount=\"prod\"} 1");
	assert_has(s, "vouchfs_slot_break_glass_end_timestamp_seconds{mount=\"prod\",slot=\"functions/x\"} 1795260600");
}

static void what_enforce_would_refuse_is_counted_while_it_is_served(void **state)
{
	struct metrics_scene *s = *state;
	add_slot(s, "warned")->enforce_outcome = strdup("refused");
	add_slot(s, "fine")->enforce_outcome = strdup("accepted");
	struct overview_slot *blocked = add_slot(s, "blocked");
	blocked->enforce_outcome = strdup("refused");
	blocked->is_blocked = true;
	metrics_scene_render(s);
	assert_has(s, "vouchfs_slots_would_be_refused{mount=\"prod\"} 1");
}

/* ---- many slots ---- */

static void add_many(struct metrics_scene *s, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "many-%zu", i);
		add_slot(s, name)->expires_at_s = NOW_S + 1000 + (int64_t)i;
	}
}

static void as_many_slots_as_the_limit_have_series(void **state)
{
	struct metrics_scene *s = *state;
	add_many(s, LIMIT_METRICS_SLOTS);
	metrics_scene_render(s);
	assert_int_equal(metrics_scene_count(s, "\nvouchfs_slot_serving{"), LIMIT_METRICS_SLOTS);
	assert_has(s, "vouchfs_slots_without_series{mount=\"prod\"} 0");
}

static void beyond_the_limit_what_needs_attention_last_is_left_out(void **state)
{
	struct metrics_scene *s = *state;
	add_many(s, LIMIT_METRICS_SLOTS);
	struct overview_slot *unsigned_slot = add_slot(s, "a-unsigned"), *blocked;
	unsigned_slot->last = (struct overview_attempt){.outcome = strdup("refused"), .at_s = NOW_S};
	blocked = add_slot(s, "z-blocked");
	blocked->is_blocked = true;
	add_slot(s, "z-soon")->expires_at_s = NOW_S;
	(void)add_slot(s, "never-expires");
	metrics_scene_render(s);
	assert_int_equal(metrics_scene_count(s, "\nvouchfs_slot_serving{"), LIMIT_METRICS_SLOTS);
	assert_has(s, "vouchfs_slots_without_series{mount=\"prod\"} 4");
	assert_has(s, "vouchfs_slot_blocked{mount=\"prod\",slot=\"functions/z-blocked\"} 1");
	assert_has(s, "vouchfs_slot_serving{mount=\"prod\",slot=\"functions/a-unsigned\"} 1");
	assert_has(s, "vouchfs_slot_serving{mount=\"prod\",slot=\"functions/z-soon\"} 1");
	assert_has(s, "vouchfs_slot_serving{mount=\"prod\",slot=\"functions/many-0\"} 1");
	assert_lacks(s, "never-expires");
	assert_lacks(s, "functions/many-1999\"");
	assert_has(s, "vouchfs_slots{mount=\"prod\",kind=\"function\",state=\"ok\"} 2002");
}

/* ---- counts ---- */

static void all_outcomes_are_there_as_zero(void **state)
{
	struct metrics_scene *s = *state;
	metrics_scene_render(s);
	size_t count;
	const struct policy_reason_info *all = policy_reasons(&count);
	for (size_t i = 0; i < count; i++) {
		char line[160];
		bool is_of_bundles = strncmp(all[i].code, "VF5", 3) == 0;
		if (all[i].reason == POLICY_REASON_NONE || is_of_bundles)
			continue;
		(void)snprintf(line, sizeof(line),
			       "vouchfs_deployments_total{mount=\"prod\",outcome=\"refused\",reason=\"%s\"} 0",
			       all[i].code);
		assert_has(s, line);
		assert_int_equal(metrics_scene_count(s, line), 1);
	}
	assert_has(s, "vouchfs_deployments_total{mount=\"prod\",outcome=\"accepted\",reason=\"none\"} 0");
	assert_has(s, "vouchfs_deployments_total{mount=\"prod\",outcome=\"failed\",reason=\"none\"} 0");
	assert_has(s, "vouchfs_deployments_total{mount=\"prod\",outcome=\"warned\",reason=\"VF2003\"} 0");
	assert_has(s, "vouchfs_layer_publications_total{mount=\"prod\",outcome=\"accepted\",reason=\"none\"} 0");
	assert_has(s, "vouchfs_layer_publications_total{mount=\"prod\",outcome=\"refused\",reason=\"VF1002\"} 0");
	assert_int_equal(metrics_scene_count(s, "outcome=\"warned\",reason=\"VF3001\""), 1);
	assert_int_equal(metrics_scene_count(s, "reason=\"VF2001\""), 2); /* of deployments, warned and refused */
	assert_lacks(s, "outcome=\"warned\",reason=\"VF1002\"");
	assert_lacks(s, "outcome=\"accepted\",reason=\"VF");
}

static void attempts_are_counted_by_subject_outcome_and_code(void **state)
{
	struct metrics_scene *s = *state;
	metrics_count_attempt(&s->metrics, METRICS_DEPLOYMENTS, METRICS_ACCEPTED, POLICY_REASON_NONE);
	metrics_count_attempt(&s->metrics, METRICS_DEPLOYMENTS, METRICS_REFUSED, POLICY_VF2001_UNSIGNED);
	metrics_count_attempt(&s->metrics, METRICS_DEPLOYMENTS, METRICS_REFUSED, POLICY_VF2001_UNSIGNED);
	metrics_count_attempt(&s->metrics, METRICS_DEPLOYMENTS, METRICS_REFUSED, POLICY_VF2005_LAYER);
	metrics_count_attempt(&s->metrics, METRICS_DEPLOYMENTS, METRICS_REFUSED, POLICY_VF2005_LIST);
	metrics_count_attempt(&s->metrics, METRICS_DEPLOYMENTS, METRICS_WARNED, POLICY_VF2003_EXPIRED);
	metrics_count_attempt(&s->metrics, METRICS_PUBLICATIONS, METRICS_FAILED, POLICY_REASON_NONE);
	metrics_scene_render(s);
	assert_has(s, "vouchfs_deployments_total{mount=\"prod\",outcome=\"accepted\",reason=\"none\"} 1");
	assert_has(s, "vouchfs_deployments_total{mount=\"prod\",outcome=\"refused\",reason=\"VF2001\"} 2");
	assert_has(s, "vouchfs_deployments_total{mount=\"prod\",outcome=\"refused\",reason=\"VF2005\"} 2");
	assert_has(s, "vouchfs_deployments_total{mount=\"prod\",outcome=\"warned\",reason=\"VF2003\"} 1");
	assert_has(s, "vouchfs_deployments_total{mount=\"prod\",outcome=\"failed\",reason=\"none\"} 0");
	assert_has(s, "vouchfs_layer_publications_total{mount=\"prod\",outcome=\"failed\",reason=\"none\"} 1");
}

static void count(struct metrics_scene *s, enum audit_event event)
{
	metrics_count_record(&s->metrics, &(const struct audit_record){.event = event});
}

static void records_are_counted_by_event(void **state)
{
	struct metrics_scene *s = *state;
	count(s, AUDIT_BLOCKED);
	count(s, AUDIT_BLOCKED);
	count(s, AUDIT_UNBLOCKED);
	count(s, AUDIT_CONFIG_RELOADED);
	count(s, AUDIT_CONFIG_REFUSED);
	count(s, AUDIT_CONFIG_REFUSED);
	count(s, AUDIT_PAGE_CHECK);
	count(s, AUDIT_STOP);
	metrics_scene_render(s);
	assert_has(s, "vouchfs_releases_blocked_total{mount=\"prod\"} 2");
	assert_has(s, "vouchfs_releases_unblocked_total{mount=\"prod\"} 1");
	assert_has(s, "vouchfs_config_reloads_total{mount=\"prod\",result=\"success\"} 1");
	assert_has(s, "vouchfs_config_reloads_total{mount=\"prod\",result=\"failure\"} 2");
	assert_has(s, "vouchfs_page_check_failures_total{mount=\"prod\"} 1");
}

#define BUCKET "vouchfs_verification_duration_seconds_bucket{mount=\"prod\",le=\""

static void take(struct metrics_scene *s, enum audit_event event, uint64_t took_us)
{
	metrics_count_record(&s->metrics, &(const struct audit_record){.event = event, .verified_us = took_us});
}

static void buckets_are_cumulative_and_include_their_bound(void **state)
{
	struct metrics_scene *s = *state;
	take(s, AUDIT_DEPLOYMENT, 1000);
	take(s, AUDIT_DEPLOYMENT, 1001);
	take(s, AUDIT_PUBLICATION, 2000000);
	take(s, AUDIT_DEPLOYMENT, 10000001);
	take(s, AUDIT_DEPLOYMENT, 0);	       /* not measured */
	take(s, AUDIT_DEPLOYMENT_FAILED, 500); /* the same verdict again */
	metrics_scene_render(s);
	assert_has(s, BUCKET "0.001\"} 1");
	assert_has(s, BUCKET "0.0025\"} 2");
	assert_has(s, BUCKET "1\"} 2");
	assert_has(s, BUCKET "2.5\"} 3");
	assert_has(s, BUCKET "10\"} 3");
	assert_has(s, BUCKET "+Inf\"} 4");
	assert_has(s, "vouchfs_verification_duration_seconds_count{mount=\"prod\"} 4");
	assert_has(s, "vouchfs_verification_duration_seconds_sum{mount=\"prod\"} 12.002002");
}

/* ---- accounts, store ---- */

static void an_account_shows_its_certificate_and_list(void **state)
{
	struct metrics_scene *s = *state;
	struct overview_account *account = overview_add_account(s->overview);
	assert_non_null(account);
	*account = (struct overview_account){
		.id = strdup("111122223333"),
		.certificate_expires_at_s = NOW_S + 9,
		.list_state = strdup("good"),
		.list_sequence = 41,
		.list_issued_at_s = NOW_S - 5,
		.list_next_update_s = NOW_S + 5,
	};
	metrics_scene_render(s);
	assert_has(s, "vouchfs_account_certificate_expiry_timestamp_seconds{mount=\"prod\",account=\"111122223333\"} "
		      "1795260009");
	assert_has(s, "vouchfs_revocation_list_usable{mount=\"prod\",account=\"111122223333\"} 1");
	assert_has(s, "vouchfs_revocation_list_sequence{mount=\"prod\",account=\"111122223333\"} 41");
	assert_has(s, "vouchfs_revocation_list_timestamp_seconds{mount=\"prod\",account=\"111122223333\"} 1795259995");
	assert_has(s, "vouchfs_revocation_list_next_update_timestamp_seconds{mount=\"prod\",account=\"111122223333\"} "
		      "1795260005");
	free(account->list_state);
	account->list_state = strdup("stale");
	metrics_scene_render(s);
	assert_has(s, "vouchfs_revocation_list_usable{mount=\"prod\",account=\"111122223333\"} 0");
	free(account->list_state);
	account->list_state = strdup("none"); /* and none is wanted */
	metrics_scene_render(s);
	assert_lacks(s, "\nvouchfs_revocation_list_usable{");
}

static void the_store_is_left_out_until_it_was_looked_at(void **state)
{
	struct metrics_scene *s = *state;
	s->sizes.staging_bytes = 12;
	metrics_scene_render(s);
	assert_has(s, "vouchfs_staging_bytes{mount=\"prod\"} 12");
	assert_lacks(s, "vouchfs_store_bytes");
	s->sizes = (struct metrics_sizes){
		.has_store = true, .object_bytes = 4096, .record_bytes = 8192, .audit_bytes = 512};
	metrics_scene_render(s);
	assert_has(s, "vouchfs_store_bytes{mount=\"prod\",kind=\"objects\"} 4096");
	assert_has(s, "vouchfs_store_bytes{mount=\"prod\",kind=\"records\"} 8192");
	assert_has(s, "vouchfs_store_bytes{mount=\"prod\",kind=\"audit\"} 512");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_mount_is_called_by_its_configuration),
		TEST(a_name_with_any_bytes_is_escaped),
		TEST(restarts_are_counted_by_their_cause),
		TEST(what_went_wrong_is_zero),
		TEST(every_family_has_help_and_type_once),
		TEST(a_slot_that_is_served),
		TEST(a_slot_that_is_not_served),
		TEST(a_refused_attempt_names_its_reason),
		TEST(a_slot_that_was_never_used_has_no_series),
		TEST(a_layer_is_neither_served_nor_blocked),
		TEST(break_glass_is_seen),
		TEST(what_enforce_would_refuse_is_counted_while_it_is_served),
		TEST(as_many_slots_as_the_limit_have_series),
		TEST(beyond_the_limit_what_needs_attention_last_is_left_out),
		TEST(all_outcomes_are_there_as_zero),
		TEST(attempts_are_counted_by_subject_outcome_and_code),
		TEST(records_are_counted_by_event),
		TEST(buckets_are_cumulative_and_include_their_bound),
		TEST(an_account_shows_its_certificate_and_list),
		TEST(the_store_is_left_out_until_it_was_looked_at),
	};
	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
