/* The last decision on a slot: kept in the store beside its releases, shown by .vouchfs/why and as attributes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "internal.h"

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
static int render_head(const struct gate_deployment *deployment, const char *outcome, const char *reason, int64_t at_s,
		       const char *detail, struct buf *ret)
{
	char at[CLOCK_UTC_SIZE], command[2 * sizeof(deployment->who->command)];
	clock_format_utc(at_s, at);
	text_escape_print(command, sizeof(command), deployment->who->command, strlen(deployment->who->command));
	return buf_printf(ret, "outcome: %s\nreason: %s\nat: %s\nby: uid %u (%s)\ndetail: %s\n\n", outcome, reason, at,
			  deployment->who->uid, command, detail);
}

/* Takes text over. */
static void keep_note(struct slot *slot, struct buf *text)
{
	struct slots *slots = slot->slots;
	struct slot_note *note = NULL;
	int r = store_put_slot_file(slots->store, slot->name, "note", text->data, text->len);
	if (r < 0)
		log_warning("function %s: the decision's text cannot be kept over a restart: %s", slot->name,
			    strerror(-r));
	if (slot_note_new(text, &note) == 0) {
		lock_take(&slots->lock);
		struct slot_note *before = slot->note;
		slot->note = note;
		lock_drop(&slots->lock);
		slot_note_put(slots, before);
	}
}

void slot_set_note_locked(struct slot *slot, const struct gate_deployment *deployment,
			  const struct gate_decision *decision, uint64_t kept_release)
{
	const struct policy_verdict *verdict = &decision->verdict;
	const char *reason = verdict->reason ? policy_reason_info(verdict->reason)->code : "-";
	struct buf text = {0};
	int r = render_head(deployment, policy_outcome_name(verdict->outcome), reason, decision->decided_at_s,
			    verdict->detail, &text);
	if (r == 0)
		r = gate_render_why(deployment, decision, kept_release, &text);
	if (r == 0)
		keep_note(slot, &text);
	buf_done(&text);
}

void slot_set_failure_note_locked(struct slot *slot, const struct gate_deployment *deployment, int error)
{
	char artifact[4 * (LIMIT_NAME_BYTES + 1)], kept[64] = "nothing is served";
	text_escape_print(artifact, sizeof(artifact), deployment->artifact_name, strlen(deployment->artifact_name));
	if (slot->current)
		(void)snprintf(kept, sizeof(kept), "release %llu is still served",
			       (unsigned long long)slot->current->record->number);

	struct buf text = {0};
	int r = render_head(deployment, "failed", "-", clock_now_s(), strerror(-error), &text);
	if (r == 0)
		r = buf_printf(&text,
			       "not deployed  slot=functions/%s  artifact=%s\n"
			       "  no check refused it: the store could not take it: %s\n"
			       "  kept              %s\n"
			       "  remedy            put right what the disk or its quota lacks, then copy the artifact "
			       "again\n",
			       deployment->function, artifact, strerror(-error), kept);
	if (r == 0)
		keep_note(slot, &text);
	buf_done(&text);
}
