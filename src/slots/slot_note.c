/* The last decision on a slot: kept in the store beside its releases, shown by .vouchfs/why and as attributes. */
#include <errno.h>
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

static int render_note(const struct gate_deployment *deployment, const struct gate_decision *decision,
		       uint64_t kept_release, struct buf *ret)
{
	const struct policy_verdict *verdict = &decision->verdict;
	char at[CLOCK_UTC_SIZE], command[2 * sizeof(deployment->who->command)];
	clock_format_utc(decision->decided_at_s, at);
	text_escape_print(command, sizeof(command), deployment->who->command, strlen(deployment->who->command));

	int r = buf_printf(ret, "outcome: %s\nreason: %s\nat: %s\nby: uid %u (%s)\ndetail: %s\n\n",
			   policy_outcome_name(verdict->outcome),
			   verdict->reason ? policy_reason_info(verdict->reason)->code : "-", at, deployment->who->uid,
			   command, verdict->detail);
	return r < 0 ? r : gate_render_why(deployment, decision, kept_release, ret);
}

void slot_set_note_locked(struct slot *slot, const struct gate_deployment *deployment,
			  const struct gate_decision *decision, uint64_t kept_release)
{
	struct slots *slots = slot->slots;
	struct buf text = {0};
	struct slot_note *note = NULL;
	int r = render_note(deployment, decision, kept_release, &text);
	if (r == 0)
		r = store_put_slot_file(slots->store, slot->name, "note", text.data, text.len);
	if (r < 0)
		log_warning("function %s: the decision's text cannot be kept over a restart: %s", slot->name,
			    strerror(-r));
	if (text.data && slot_note_new(&text, &note) == 0) {
		lock_take(&slots->lock);
		struct slot_note *before = slot->note;
		slot->note = note;
		lock_drop(&slots->lock);
		slot_note_put(slots, before);
	}
	buf_done(&text);
}
