/* The table of layers in .vouchfs/status: each with its newest version, and what the tables have in common. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "control.h"

#define BY_SIZE 160

/* ---- the last attempt ---- */

void control_take_last_locked(const struct slot *slot, struct control_last *ret)
{
	const struct slot_note *note = slot->note;
	*ret = (struct control_last){0};
	if (!note)
		return;
	ret->outcome = text_record_get(note->text, note->why_offset, "outcome");
	ret->reason = text_record_get(note->text, note->why_offset, "reason");
	ret->at = text_record_get(note->text, note->why_offset, "at");
	ret->by = text_record_get(note->text, note->why_offset, "by");
}

void control_last_done(struct control_last *last)
{
	free(last->outcome);
	free(last->reason);
	free(last->at);
	free(last->by);
}

bool control_last_is_bad(const struct control_last *last)
{
	return last->outcome && (strcmp(last->outcome, "refused") == 0 || strcmp(last->outcome, "failed") == 0);
}

const char *control_print_last(const struct control_last *last, char ret[CONTROL_LAST_SIZE])
{
	bool has_reason = last->reason && last->reason[0] != '-';
	(void)snprintf(ret, CONTROL_LAST_SIZE, "-");
	if (last->outcome)
		(void)snprintf(ret, CONTROL_LAST_SIZE, "%s%s%s %s by %s", last->outcome, has_reason ? " " : "",
			       has_reason ? last->reason : "", last->at ? last->at : "", last->by ? last->by : "");
	return ret;
}

const char *control_publisher(const char *profile, bool is_there)
{
	static const char mark[] = ":/signing-profiles/";
	if (!profile)
		return is_there ? "(unsigned)" : "-";
	const char *tail = strstr(profile, mark);
	return tail ? tail + sizeof(mark) - 1 : profile;
}

/* ---- rows ---- */

int control_collect(struct slots *slots, size_t row_size, control_fill *fill,
		    int (*compare)(const void *, const void *), void **ret_rows, size_t *ret_count)
{
	lock_take(&slots->lock);
	size_t total = slots->slot_count;
	lock_drop(&slots->lock);

	char *rows = calloc(total + 1, row_size);
	if (!rows)
		return -ENOMEM;
	size_t count = 0;
	for (size_t i = 0; i < total; i++)
		if (fill(slots, slot_by_index(slots, i), rows + count * row_size))
			count++;
	qsort(rows, count, row_size, compare);
	*ret_rows = rows;
	*ret_count = count;
	return 0;
}

/* ---- layers ---- */

struct row {
	char name[LIMIT_FUNCTION_NAME_BYTES + 1];
	size_t version_count;
	uint64_t newest; /* 0: none */
	char published_at[CLOCK_UTC_SIZE];
	char published_by[BY_SIZE];
	char *profile; /* ARN, or NULL */
	char *expires_at;
	struct control_last last;
	bool is_damaged; /* the newest version, or one that a function is served with */
};

static void row_done(struct row *row)
{
	free(row->profile);
	free(row->expires_at);
	control_last_done(&row->last);
}

static void fill_newest(struct row *row, const struct store_release *record)
{
	size_t len = strlen(record->decision);
	char *command = text_record_get(record->decision, len, "by-command");
	row->newest = record->number;
	clock_format_utc(record->created_at_s, row->published_at);
	(void)snprintf(row->published_by, sizeof(row->published_by), "uid %u (%s)", record->uid,
		       command ? command : "?");
	row->profile = text_record_get(record->decision, len, "profile-version-arn");
	row->expires_at = text_record_get(record->decision, len, "expires-at");
	free(command);
}

static bool is_in_use_locked(const struct slots *slots, const struct release *version)
{
	const struct release *release, *next;
	bool in_use = false;
	HASH_ITER(hh, slots->releases, release, next)
	in_use = in_use || (release->slot->current == release && release_has_layer(release, version));
	return in_use;
}

static bool is_damaged_locked(const struct slots *slots, const struct slot *slot)
{
	bool damaged = slot->damaged;
	for (size_t i = 0; i < slot->listed_count && !damaged; i++) {
		const struct release *version = slot->listed[i];
		bool is_newest = i + 1 == slot->listed_count;
		damaged = atomic_load(&version->is_damaged) && (is_newest || is_in_use_locked(slots, version));
	}
	return damaged;
}

/* False: it is no layer, or not there any more. */
static bool fill_row(struct slots *slots, struct slot *slot, void *to)
{
	struct row *row = to;
	*row = (struct row){0};
	if (!slot->is_layer)
		return false;
	row->is_damaged = slot_load(slot) < 0;
	lock_take(&slots->lock);
	const struct config_slot *section = slot_section(slots->trust, slot);
	bool is_shown = slot->listed_count > 0 || (section && row->is_damaged) || slot_is_present(slot, section);
	if (is_shown) {
		(void)snprintf(row->name, sizeof(row->name), "%s", slot->label);
		row->version_count = slot->listed_count;
		if (slot->listed_count > 0)
			fill_newest(row, slot->listed[slot->listed_count - 1]->record);
		control_take_last_locked(slot, &row->last);
		row->is_damaged |= is_damaged_locked(slots, slot);
	}
	lock_drop(&slots->lock);
	return is_shown;
}

static bool is_problem(const struct row *row)
{
	return row->is_damaged || control_last_is_bad(&row->last);
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	return is_problem(x) != is_problem(y) ? (is_problem(x) ? -1 : 1) : strcmp(x->name, y->name);
}

static int collect(struct slots *slots, struct row **ret, size_t *ret_count)
{
	void *rows = NULL;
	int r = control_collect(slots, sizeof(struct row), fill_row, compare_rows, &rows, ret_count);
	if (r >= 0)
		*ret = rows;
	return r;
}

static int print_row(const struct row *row, struct buf *ret)
{
	char newest[32] = "-", last[CONTROL_LAST_SIZE];
	if (row->is_damaged)
		(void)snprintf(newest, sizeof(newest), "DAMAGED");
	else if (row->newest > 0)
		(void)snprintf(newest, sizeof(newest), "%" PRIu64, row->newest);
	return buf_printf(ret, "%c layers/%-27s %8zu %7s  %-20s  %-24s  %-40s  %-20s  %s\n",
			  is_problem(row) ? '!' : ' ', row->name, row->version_count, newest,
			  row->newest > 0 ? row->published_at : "-", row->newest > 0 ? row->published_by : "-",
			  control_publisher(row->profile, row->newest > 0), row->expires_at ? row->expires_at : "-",
			  control_print_last(&row->last, last));
}

int control_render_layers(struct slots *slots, struct buf *ret)
{
	struct row *rows;
	size_t count;
	int r = collect(slots, &rows, &count);
	if (r < 0)
		return r;
	if (count > 0)
		r = buf_printf(ret, "  %-34s %8s %7s  %-20s  %-24s  %-40s  %-20s  %s\n", "LAYER", "VERSIONS", "NEWEST",
			       "PUBLISHED", "BY", "PUBLISHER", "VALID UNTIL", "LAST ATTEMPT");
	for (size_t i = 0; i < count; i++) {
		if (r == 0)
			r = print_row(&rows[i], ret);
		row_done(&rows[i]);
	}
	free(rows);
	return r;
}
