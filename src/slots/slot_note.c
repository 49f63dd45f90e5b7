/* The last decision on a slot: kept in the store beside its releases, shown by .vouchfs/why and as attributes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "internal.h"
#include "metrics.h"

int slot_note_new(struct buf *text, struct slot_note **ret)
{
	struct slot_note *note = calloc(1, sizeof(*note));
	if (!note)
		return -ENOMEM;
	const char *gap = memmem(text->data, text->len, "\n\n", 2);
	*note = (struct slot_note){
		.refs = 1,
		.text = text->data,
		.len = text->len,
		.why_offset = gap ? (size_t)(gap - text->data) + 2 : text->len,
	};
	*text = (struct buf){0};
	*ret = note;
	return 0;
}

struct slot_note *slot_note_get(struct slot *slot)
{
	lock_take(&slot->slots->lock);
	struct slot_note *note = slot->note;
	if (note)
		note->refs++;
	lock_drop(&slot->slots->lock);
	return note;
}

void slot_note_put(struct slots *slots, struct slot_note *note)
{
	if (!note)
		return;
	lock_take(&slots->lock);
	bool last = --note->refs == 0;
	lock_drop(&slots->lock);
	if (last) {
		free(note->text);
		free(note);
	}
}

/* The lines in front of the text; the attributes of the slot's directory are made of them. */
struct head {
	const char *outcome;
	const char *reason; /* "-": none */
	const char *detail;
	int64_t at_s;
	uint64_t event; /* 0: the audit log has no record of it */
};

static int render_head(const struct gate_deployment *deployment, const struct head *head, struct buf *ret)
{
	char at[CLOCK_UTC_SIZE], command[2 * sizeof(deployment->who->command)];
	clock_format_utc(head->at_s, at);
	text_escape_print(command, sizeof(command), deployment->who->command, strlen(deployment->who->command));
	int r = buf_printf(ret, "outcome: %s\nreason: %s\nat: %s\nby: uid %u (%s)\ndetail: %s\n", head->outcome,
			   head->reason, at, deployment->who->uid, command, head->detail);
	if (r == 0 && head->event > 0)
		r = buf_printf(ret, "event: %llu\n", (unsigned long long)head->event);
	return r == 0 ? buf_putc(ret, '\n') : r;
}

/* The row below what is said for people. */
static int render_event(uint64_t event, struct buf *ret)
{
	return event > 0 ? buf_printf(ret, "  event             %llu\n", (unsigned long long)event) : 0;
}

/* Takes text over. */
static void keep_note(struct slot *slot, struct buf *text)
{
	struct slots *slots = slot->slots;
	struct slot_note *note = NULL;
	int r = store_put_slot_file(slots->store, slot->name, "note", text->data, text->len);
	if (r < 0)
		log_warning("%s: the decision's text cannot be kept over a restart: %s", slot->path, strerror(-r));
	if (slot_note_new(text, &note) == 0) {
		lock_take(&slots->lock);
		struct slot_note *before = slot->note;
		slot->note = note;
		lock_drop(&slots->lock);
		slot_note_put(slots, before);
	}
}

static void count_verdict(struct slot *slot, const struct policy_verdict *verdict)
{
	static const enum metrics_outcome outcomes[] = {
		[POLICY_REFUSED] = METRICS_REFUSED,
		[POLICY_WARNED] = METRICS_WARNED,
		[POLICY_ACCEPTED] = METRICS_ACCEPTED,
	};
	slots_metrics_count(slot, outcomes[verdict->outcome], verdict->reason);
}

void slot_set_note_locked(struct slot *slot, const struct gate_deployment *deployment,
			  const struct gate_decision *decision, uint64_t kept_release)
{
	const struct policy_verdict *verdict = &decision->verdict;
	const struct head head = {
		.outcome = policy_outcome_name(verdict->outcome),
		.reason = verdict->reason ? policy_reason_info(verdict->reason)->code : "-",
		.detail = verdict->detail,
		.at_s = decision->decided_at_s,
		.event = decision->event,
	};
	struct buf text = {0};
	int r = render_head(deployment, &head, &text);
	if (r == 0)
		r = gate_render_why(deployment, decision, kept_release, &text);
	if (r == 0)
		keep_note(slot, &text);
	buf_done(&text);
	count_verdict(slot, verdict);
}

/* What no verdict refused and was not taken all the same. Returns the record's number, 0 when it could not be written.
 */
static uint64_t record_failure(const struct slot *slot, const struct gate_deployment *deployment, const char *detail,
			       int error)
{
	const struct audit_record record = {.event = AUDIT_DEPLOYMENT_FAILED,
					    .who = deployment->who,
					    .slot = slot->path,
					    .artifact = deployment->artifact_name,
					    .rollback_to = deployment->rollback_to,
					    .errno_given = -error,
					    .detail = detail};
	return slots_record(slot->slots, &record);
}

#define ARTIFACT_SIZE (4 * (LIMIT_NAME_BYTES + 1))
#define KEPT_SIZE     64

static void print_kept(const struct slot *slot, char ret[KEPT_SIZE])
{
	(void)snprintf(ret, KEPT_SIZE, slot->is_layer ? "what is published" : "nothing is served");
	if (slot->current)
		(void)snprintf(ret, KEPT_SIZE, "release %llu is still served",
			       (unsigned long long)slot->current->record->number);
}

void slot_set_name_note_locked(struct slot *slot, const struct gate_deployment *deployment, const struct explain *why,
			       int error)
{
	char artifact[ARTIFACT_SIZE], kept[KEPT_SIZE];
	text_escape_print(artifact, sizeof(artifact), deployment->artifact_name, strlen(deployment->artifact_name));
	print_kept(slot, kept);
	const struct head head = {
		.outcome = "refused",
		.reason = "-",
		.detail = why->text,
		.at_s = clock_now_s(),
		.event = record_failure(slot, deployment, why->text, error),
	};
	struct buf text = {0};
	int r = render_head(deployment, &head, &text);
	if (r == 0)
		r = buf_printf(&text,
			       "not published  slot=%s  artifact=%s\n"
			       "  %s\n"
			       "  kept              %s\n"
			       "  remedy            copy it to a name that is no number (%s.zip), or to %llu.zip\n",
			       slot->path, artifact, why->text, kept, slot->label,
			       (unsigned long long)slot->last_version + 1);
	if (r == 0)
		r = render_event(head.event, &text);
	if (r == 0)
		keep_note(slot, &text);
	buf_done(&text);
	slots_metrics_count(slot, METRICS_REFUSED, POLICY_REASON_NONE);
}

void slot_set_waiting_note_locked(struct slot *slot, const struct gate_deployment *deployment)
{
	const char *what = "the list is judged with the function's first artifact, and takes effect with it";
	const struct head head = {.outcome = "waiting", .reason = "-", .detail = what, .at_s = clock_now_s()};
	struct buf text = {0};
	int r = render_head(deployment, &head, &text);
	if (r == 0)
		r = buf_printf(&text,
			       "waiting  slot=%s  artifact=%s\n"
			       "  %s\n"
			       "  kept              nothing is served\n"
			       "  remedy            deploy the artifact, or remove the list (rm)\n",
			       slot->path, deployment->artifact_name, what);
	if (r == 0)
		keep_note(slot, &text);
	buf_done(&text);
}

void slot_clear_note_locked(struct slot *slot)
{
	struct slots *slots = slot->slots;
	int r = store_put_slot_file(slots->store, slot->name, "note", "", 0);
	if (r < 0)
		log_warning("%s: the last decision cannot be removed: %s", slot->path, strerror(-r));
	lock_take(&slots->lock);
	struct slot_note *before = slot->note;
	slot->note = NULL;
	lock_drop(&slots->lock);
	slot_note_put(slots, before);
}

void slot_set_failure_note_locked(struct slot *slot, const struct gate_deployment *deployment, uint64_t event,
				  int error)
{
	char artifact[ARTIFACT_SIZE], kept[KEPT_SIZE];
	text_escape_print(artifact, sizeof(artifact), deployment->artifact_name, strlen(deployment->artifact_name));
	print_kept(slot, kept);

	const struct head head = {
		.outcome = "failed",
		.reason = "-",
		.detail = strerror(-error),
		.at_s = clock_now_s(),
		.event = event > 0 ? event : record_failure(slot, deployment, strerror(-error), error),
	};
	struct buf text = {0};
	int r = render_head(deployment, &head, &text);
	if (r == 0 && deployment->rollback_to > 0)
		r = buf_printf(
			&text,
			"not rolled back  slot=functions/%s  artifact=%s\n"
			"  no check refused release %llu: it could not be taken up again: %s\n"
			"  kept              %s\n"
			"  remedy            look into the daemon's log; deploy the artifact anew where the store "
			"is damaged\n",
			deployment->function, artifact, (unsigned long long)deployment->rollback_to, strerror(-error),
			kept);
	else if (r == 0)
		r = buf_printf(&text,
			       "%s  slot=%s  artifact=%s\n"
			       "  no check refused it: the store could not take it: %s\n"
			       "  kept              %s\n"
			       "  remedy            put right what the disk or its quota lacks, then copy the artifact "
			       "again\n",
			       slot->is_layer ? "not published" : "not deployed", slot->path, artifact,
			       strerror(-error), kept);
	if (r == 0)
		r = render_event(head.event, &text);
	if (r == 0)
		keep_note(slot, &text);
	buf_done(&text);
	slots_metrics_count(slot, METRICS_FAILED, POLICY_REASON_NONE);
}
