/*
 * render_history.c - what is kept of a function, a line for each release.
 *
 *     function main: 2 releases are kept, release 4 is current
 *         RELEASE  SINCE                 OUTCOME          ARTIFACT  PUBLISHER           JOB  BY
 *     *         4  2026-11-21T10:00:00Z  accepted         app.zip   release/a1B2c3D4e5  ...  uid 1001 (vouchfs)
 *                  rollback to release 2
 *     !         3  2026-11-20T10:00:00Z  BLOCKED          app.zip   ...
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "gate/gate.h"
#include "gate/history.h"

/* What a record says, as texts; NULL where it says nothing. */
struct facts {
	char *outcome;
	char *reason;
	char *profile;
	char *job;
	char *command;
	char *break_glass;    /* the reason of the one that let it pass */
	uint64_t uid;	      /* who did it; of a list of layers it is not the artifact's owner */
	uint64_t rollback_to; /* 0: none */
	char since[CLOCK_UTC_SIZE];
	char artifact[4 * LIMIT_NAME_BYTES + 1];
};

static void read_facts(const struct store_release *release, struct facts *ret)
{
	const char *record = release->decision ? release->decision : "";
	size_t len = strlen(record);
	*ret = (struct facts){
		.outcome = text_record_get(record, len, "outcome"),
		.reason = text_record_get(record, len, "reason"),
		.profile = text_record_get(record, len, "profile-version-arn"),
		.job = text_record_get(record, len, "job-arn"),
		.command = text_record_get(record, len, "by-command"),
		.break_glass = text_record_get(record, len, "break-glass-reason"),
		.uid = release->uid,
	};
	(void)text_record_get_u64(record, len, "by-uid", &ret->uid);
	(void)text_record_get_u64(record, len, "rollback-to", &ret->rollback_to);
	clock_format_utc(release->created_at_s, ret->since);
	text_escape_print(ret->artifact, sizeof(ret->artifact), release->artifact_name, strlen(release->artifact_name));
}

static void facts_done(struct facts *facts)
{
	free(facts->outcome);
	free(facts->reason);
	free(facts->profile);
	free(facts->job);
	free(facts->command);
	free(facts->break_glass);
}

static uint64_t current_of(const struct gate_history *history)
{
	for (size_t i = 0; i < history->count; i++)
		if (history->rows[i].is_current)
			return history->rows[i].release->number;
	return 0;
}

/* ---- for people ---- */

/* The tail of an ARN is what people know it by. */
static const char *tail_of(const char *arn, const char *mark, const char *absent)
{
	const char *at = arn ? strstr(arn, mark) : NULL;
	return at ? at + strlen(mark) : arn ? arn : absent;
}

static int put_head(const struct gate_history *history, struct buf *ret)
{
	uint64_t current = current_of(history);
	int r = buf_printf(ret, "function %s: %zu release%s kept, ", history->function, history->count,
			   history->count == 1 ? " is" : "s are");
	if (r == 0 && current > 0)
		r = buf_printf(ret, "release %" PRIu64 " is current\n", current);
	else if (r == 0)
		r = buf_puts(ret, "none is current\n");
	if (r == 0 && history->count > 0)
		r = buf_printf(ret, "  %7s  %-20s  %-15s  %-20s  %-40s  %-36s  %s\n", "RELEASE", "SINCE", "OUTCOME",
			       "ARTIFACT", "PUBLISHER", "JOB", "BY");
	return r;
}

static int put_layers(const struct store_release *release, struct buf *ret)
{
	char name[GATE_LAYER_NAME_SIZE];
	int r = release->layer_count > 0 ? buf_printf(ret, "  %7s  layers", "") : 0;
	for (size_t i = 0; r == 0 && i < release->layer_count; i++) {
		gate_print_layer(release->layers[i].layer, release->layers[i].version, name);
		r = buf_printf(ret, " %s", name);
	}
	return r == 0 && release->layer_count > 0 ? buf_putc(ret, '\n') : r;
}

static int put_row(const struct gate_history_row *row, struct buf *ret)
{
	static const char *const states[] = {
		[GATE_UNKNOWN] = "UNKNOWN", [GATE_BLOCKED] = "BLOCKED", [GATE_DAMAGED] = "DAMAGED"};
	struct facts facts;
	char outcome[64];
	read_facts(row->release, &facts);
	if (row->service == GATE_SERVED)
		(void)snprintf(outcome, sizeof(outcome), "%s%s%s", facts.outcome ? facts.outcome : "-",
			       facts.reason ? " " : "", facts.reason ? facts.reason : "");
	else
		(void)snprintf(outcome, sizeof(outcome), "%s", states[row->service]);
	int r = buf_printf(ret, "%c %7" PRIu64 "  %-20s  %-15s  %-20s  %-40s  %-36s  uid %" PRIu64 " (%s)\n",
			   row->is_current		 ? '*'
			   : row->service != GATE_SERVED ? '!'
							 : ' ',
			   row->release->number, facts.since, outcome, facts.artifact,
			   tail_of(facts.profile, ":/signing-profiles/", "(unsigned)"),
			   tail_of(facts.job, ":/signing-jobs/", "-"), facts.uid, facts.command ? facts.command : "-");
	if (r == 0 && facts.rollback_to > 0)
		r = buf_printf(ret, "  %7s  rollback to release %" PRIu64 "\n", "", facts.rollback_to);
	if (r == 0 && facts.break_glass)
		r = buf_printf(ret, "  %7s  by break glass: %s\n", "", facts.break_glass);
	if (r == 0)
		r = put_layers(row->release, ret);
	facts_done(&facts);
	return r;
}

int gate_render_history(const struct gate_history *history, struct buf *ret)
{
	int r = put_head(history, ret);
	for (size_t i = history->count; r == 0 && i-- > 0;)
		r = put_row(&history->rows[i], ret);
	return r;
}

/* ---- for programs ---- */

static void put_layers_json(struct json *j, const struct store_release *release)
{
	char name[GATE_LAYER_NAME_SIZE];
	json_array(j, "layers");
	for (size_t i = 0; i < release->layer_count; i++) {
		gate_print_layer(release->layers[i].layer, release->layers[i].version, name);
		json_text(j, NULL, name);
	}
	json_close(j);
}

static void put_row_json(struct json *j, const struct gate_history_row *row)
{
	const struct store_release *release = row->release;
	struct facts facts;
	char hex[CRYPTO_SHA256_HEX_SIZE];
	read_facts(release, &facts);
	text_hex(release->digest, sizeof(release->digest), hex);
	json_object(j, NULL);
	json_u64(j, "release", release->number);
	json_text(j, "releasedAt", facts.since);
	json_bool(j, "current", row->is_current);
	json_bool(j, "blocked", row->service == GATE_BLOCKED);
	json_bool(j, "damaged", row->service == GATE_DAMAGED);
	json_text(j, "outcome", facts.outcome);
	json_text(j, "reason", facts.reason);
	json_text(j, "artifact", release->artifact_name);
	json_u64(j, "length", release->length_bytes);
	json_text(j, "treeSha256", hex);
	put_layers_json(j, release);
	json_text(j, "profileVersionArn", facts.profile);
	json_text(j, "jobArn", facts.job);
	json_object(j, "by");
	json_u64(j, "uid", facts.uid);
	json_text(j, "command", facts.command);
	json_close(j);
	if (facts.rollback_to > 0)
		json_u64(j, "rollbackTo", facts.rollback_to);
	else
		json_text(j, "rollbackTo", NULL);
	json_close(j);
	facts_done(&facts);
}

int gate_render_history_json(const struct gate_history *history, struct buf *ret)
{
	struct json j = {.out = ret, .pretty = true};
	uint64_t current = current_of(history);
	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	json_text(&j, "function", history->function);
	if (current > 0)
		json_u64(&j, "current", current);
	else
		json_text(&j, "current", NULL);
	json_array(&j, "releases");
	for (size_t i = history->count; i-- > 0;)
		put_row_json(&j, &history->rows[i]);
	json_close(&j);
	json_close(&j);
	int r = json_end(&j);
	return r == 0 ? buf_putc(ret, '\n') : r;
}
