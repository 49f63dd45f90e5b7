/*
 * What operators see of a mount: a row for each function and each layer, of what is in memory and served; and the files
 * of .vouchfs that show it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "control.h"
#include "overview/fill.h"

/* One look at a slot under the tree lock; the row is made of it at leisure. */
struct seen {
	bool is_shown;
	bool is_damaged;
	uint64_t kept_count;
	struct release *release;  /* a function's current one, a layer's newest; with a reference, or NULL */
	struct slot_note *note;	  /* the same */
	struct break_glass glass; /* in force; seq 0: none */
};

static void seen_done(struct slots *slots, struct seen *seen)
{
	release_put(seen->release);
	slot_note_put(slots, seen->note);
}

/* ---- layers ---- */

static bool is_in_use_locked(const struct slots *slots, const struct release *version)
{
	const struct release *release, *next;
	bool in_use = false;
	HASH_ITER(hh, slots->releases, release, next)
	in_use = in_use || (release->slot->current == release && release_has_layer(release, version));
	return in_use;
}

/* Its newest version is, or one that a function is served with. */
static bool is_layer_damaged_locked(const struct slots *slots, const struct slot *slot)
{
	bool damaged = slot->damaged;
	for (size_t i = 0; i < slot->listed_count && !damaged; i++) {
		const struct release *version = slot->listed[i];
		bool is_newest = i + 1 == slot->listed_count;
		damaged = atomic_load(&version->is_damaged) && (is_newest || is_in_use_locked(slots, version));
	}
	return damaged;
}

/* ---- functions ---- */

static bool is_release_damaged(const struct release *release)
{
	bool damaged = atomic_load(&release->is_damaged);
	for (size_t i = 0; i < release->layer_count; i++)
		damaged |= atomic_load(&release->layers[i]->is_damaged);
	return damaged;
}

static bool is_function_damaged_locked(const struct slot *slot)
{
	return slot->damaged || (slot->current && is_release_damaged(slot->current));
}

/* So that what would be blocked is shown as blocked, though nobody has asked for it yet; judged once, then known. */
static void judge_current(struct slot *slot)
{
	struct release *current = slot_current(slot);
	if (current)
		(void)release_admit(current);
	release_put(current);
}

/* ---- both ---- */

static struct release *shown_release_locked(const struct slot *slot)
{
	if (!slot->is_layer)
		return slot->current;
	return slot->listed_count > 0 ? slot->listed[slot->listed_count - 1] : NULL;
}

/* What is still served without a section is shown, too. */
static void look_locked(struct slots *slots, struct slot *slot, const struct config_slot *section, bool is_loaded,
			struct seen *ret)
{
	struct release *release = shown_release_locked(slot);
	*ret = (struct seen){.is_shown = release || (section && !is_loaded) || slot_is_present(slot, section)};
	if (!ret->is_shown)
		return;
	ret->is_damaged = !is_loaded ||
			  (slot->is_layer ? is_layer_damaged_locked(slots, slot) : is_function_damaged_locked(slot));
	ret->kept_count = slot->listed_count;
	(void)slot_break_glass_locked(slot, &ret->glass);
	ret->release = release ? release_ref_locked(release) : NULL;
	ret->note = slot->note;
	if (ret->note)
		ret->note->refs++;
}

static int fill_release(const struct seen *seen, const struct trust *trust, struct overview_slot *row)
{
	int r = overview_fill_release(seen->release->record, row);
	if (r < 0 || row->is_layer)
		return r;
	row->is_blocked = atomic_load(&seen->release->blocked) != 0;
	return release_fill_enforced(seen->release, trust, row);
}

static int fill_break_glass(const struct gate_break_glass *glass, struct overview_break_glass *ret)
{
	if (glass->seq == 0)
		return 0;
	*ret = (struct overview_break_glass){
		.until_s = glass->until_s, .reason = strdup(glass->reason), .uid = glass->uid};
	return ret->reason ? 0 : -ENOMEM;
}

static int fill_row(const struct slot *slot, const struct config_slot *section, const struct trust *trust,
		    const struct seen *seen, struct overview_slot *row)
{
	int r = overview_fill_slot(slot->label, slot->is_layer, section, row);
	row->is_damaged = seen->is_damaged;
	row->kept_count = seen->kept_count;
	if (r == 0)
		r = fill_break_glass(&seen->glass.what, &row->break_glass);
	if (r == 0 && seen->note)
		r = overview_fill_last(seen->note->text, seen->note->why_offset, &row->last);
	return r == 0 && seen->release ? fill_release(seen, trust, row) : r;
}

static int add_slot(struct slots *slots, const struct trust *trust, struct slot *slot, struct overview *overview)
{
	struct seen seen;
	bool is_loaded = slot_load(slot) == 0;
	if (!slot->is_layer)
		judge_current(slot);
	const struct config_slot *section = slot_section(trust, slot);
	lock_take(&slots->lock);
	look_locked(slots, slot, section, is_loaded, &seen);
	lock_drop(&slots->lock);
	struct overview_slot *row = seen.is_shown ? overview_add_slot(overview) : NULL;
	int r = seen.is_shown && !row ? -ENOMEM : 0;
	if (row)
		r = fill_row(slot, section, trust, &seen, row);
	seen_done(slots, &seen);
	return r;
}

static int add_slots(struct slots *slots, const struct trust *trust, struct overview *overview)
{
	lock_take(&slots->lock);
	size_t count = slots->slot_count;
	lock_drop(&slots->lock);
	int r = 0;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = add_slot(slots, trust, slot_at(slots, i), overview);
	return r;
}

static int fill_head(struct slots *slots, const struct trust *trust, struct overview *overview)
{
	char head[65];
	overview->is_mounted = true;
	overview->pid = (uint64_t)getpid();
	overview->now_s = clock_now_s();
	overview->started_at_s = slots->started.tv_sec;
	const struct tree_past past = tree_names_past(slots->names);
	overview->restarts = past.takeovers;
	overview->deaths = past.deaths;
	overview->last_death_at_s = past.last_death_at_s;
	overview->audit_writable = audit_is_writable(slots->audit);
	audit_head(slots->audit, &overview->audit_seq, head);
	lock_take(&slots->lock);
	overview->config_generation = slots->config_generation;
	overview->config_loaded_at_s = slots->config_loaded_at_s;
	overview->config_failures = slots->config_failures;
	char *error = slots->config_error ? strdup(slots->config_error) : NULL;
	bool is_lost = slots->config_error && !error;
	lock_drop(&slots->lock);
	overview->config_error = error;
	overview->unconfined = slots->unconfined ? strdup(slots->unconfined) : NULL;
	is_lost |= slots->unconfined && !overview->unconfined;
	return is_lost ? -ENOMEM : overview_fill_trust(trust, overview->now_s, overview);
}

int slots_overview(struct slots *slots, struct overview **ret)
{
	struct overview *overview = overview_new();
	struct trust *trust = slots_trust(slots);
	int r = overview ? fill_head(slots, trust, overview) : -ENOMEM;
	if (r == 0)
		r = control_fill_policy(slots, &overview->policy);
	if (r == 0)
		r = add_slots(slots, trust, overview);
	if (r == 0)
		r = overview_complete(overview);
	trust_unref(trust);
	if (r < 0)
		overview_free(overview);
	else
		*ret = overview;
	return r;
}

/* ---- as files ---- */

static int render_status(const struct overview *overview, struct buf *ret)
{
	const struct overview_screen plain = {.columns = OVERVIEW_COLUMNS_MIN};
	return overview_print_status(overview, &plain, ret);
}

static int render_json(const struct overview *overview, struct buf *ret)
{
	struct json j = {.out = ret, .pretty = true};
	json_object(&j, NULL);
	overview_put_json(&j, overview);
	json_close(&j);
	int r = json_end(&j);
	return r == 0 ? buf_putc(ret, '\n') : r;
}

static int render(struct slots *slots, int (*print)(const struct overview *, struct buf *), struct buf *ret)
{
	struct overview *overview = NULL;
	int r = slots_overview(slots, &overview);
	if (r == 0)
		r = print(overview, ret);
	overview_free(overview);
	return r;
}

int control_render_status(struct slots *slots, struct buf *ret)
{
	return render(slots, render_status, ret);
}

int control_render_status_json(struct slots *slots, struct buf *ret)
{
	return render(slots, render_json, ret);
}

int control_render_health(struct slots *slots, struct buf *ret)
{
	return render(slots, overview_print_health, ret);
}
