/* What .vouchfs/status and status.json show: a line for each function, problems first; the layers come behind. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "control.h"

enum row_rank { ROW_NOT_SERVED, ROW_REFUSED, ROW_WARNED, ROW_OK, ROW_EMPTY };

struct row {
	char name[LIMIT_FUNCTION_NAME_BYTES + 1];
	char mode[16];
	char since[CLOCK_UTC_SIZE];
	char *profile; /* ARN of what is served, or NULL */
	char *expires_at;
	char *served_outcome;
	struct control_last last;
	uint64_t release;
	bool is_damaged;
	bool is_blocked; /* by policy on load */
	enum row_rank rank;
};

static void row_done(struct row *row)
{
	free(row->profile);
	free(row->expires_at);
	free(row->served_outcome);
	control_last_done(&row->last);
}

static const char *mode_name(const struct config_slot *section)
{
	if (!section->code_signing)
		return "UNCHECKED";
	return section->code_signing->deployment == CONFIG_ENFORCE ? "Enforce" : "Warn";
}

static void fill_release(struct row *row, const struct release *release)
{
	const char *decision = release->record->decision;
	size_t len = strlen(decision);
	row->release = release->record->number;
	row->is_damaged = atomic_load(&release->is_damaged);
	for (size_t i = 0; i < release->layer_count; i++)
		row->is_damaged |= atomic_load(&release->layers[i]->is_damaged);
	row->is_blocked = atomic_load(&release->blocked) != 0;
	clock_format_utc(release->record->created_at_s, row->since);
	row->profile = text_record_get(decision, len, "profile-version-arn");
	row->expires_at = text_record_get(decision, len, "expires-at");
	row->served_outcome = text_record_get(decision, len, "outcome");
}

static enum row_rank rank_row(const struct row *row)
{
	if (row->is_damaged || row->is_blocked)
		return ROW_NOT_SERVED;
	if (control_last_is_bad(&row->last))
		return ROW_REFUSED;
	if (row->served_outcome && strcmp(row->served_outcome, "warned") == 0)
		return ROW_WARNED;
	return row->release > 0 ? ROW_OK : ROW_EMPTY;
}

/* So that what would be blocked is shown as blocked, though nobody has asked for it yet; judged once, then known. */
static void judge_current(struct slot *slot)
{
	struct release *current = slot_current(slot);
	if (current)
		(void)release_admit(current);
	release_put(current);
}

/* False: the slot is not there any more. What is still served without a section is shown, too. */
static bool fill_row(struct slots *slots, struct slot *slot, void *to)
{
	struct row *row = to;
	if (slot->is_layer)
		return false;
	bool is_loaded = slot_load(slot) == 0;
	judge_current(slot);
	lock_take(&slots->lock);
	const struct config_slot *section = slot_section(slots->trust, slot);
	bool is_shown = slot->current || (section && !is_loaded) || slot_is_present(slot, section);
	*row = (struct row){0};
	if (is_shown) {
		(void)snprintf(row->name, sizeof(row->name), "%s", slot->name);
		(void)snprintf(row->mode, sizeof(row->mode), "%s", section ? mode_name(section) : "NO CONFIG");
		if (slot->current)
			fill_release(row, slot->current);
		control_take_last_locked(slot, &row->last);
		row->is_damaged |= slot->damaged || !is_loaded;
		row->rank = rank_row(row);
	}
	lock_drop(&slots->lock);
	return is_shown;
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	return x->rank != y->rank ? (int)x->rank - (int)y->rank : strcmp(x->name, y->name);
}

static int collect(struct slots *slots, struct row **ret, size_t *ret_count)
{
	void *rows = NULL;
	int r = control_collect(slots, sizeof(struct row), fill_row, compare_rows, &rows, ret_count);
	if (r >= 0)
		*ret = rows;
	return r;
}

static void free_rows(struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		row_done(&rows[i]);
	free(rows);
}

static int print_row(const struct row *row, struct buf *ret)
{
	static const char marks[] = {
		[ROW_NOT_SERVED] = '!', [ROW_REFUSED] = '!', [ROW_WARNED] = '~', [ROW_OK] = ' ', [ROW_EMPTY] = ' '};
	const char *state = row->is_damaged ? "DAMAGED" : row->is_blocked ? "BLOCKED" : "";
	char release[32] = "-", last[CONTROL_LAST_SIZE];
	if (row->release > 0)
		(void)snprintf(release, sizeof(release), "%" PRIu64 "%s%s", row->release, state[0] ? " " : "", state);
	else if (state[0])
		(void)snprintf(release, sizeof(release), "%s", state);
	return buf_printf(ret, "%c functions/%-24s %-9s %7s  %-20s  %-40s  %-20s  %s\n", marks[row->rank], row->name,
			  row->mode, release, row->release > 0 ? row->since : "-",
			  control_publisher(row->profile, row->release > 0), row->expires_at ? row->expires_at : "-",
			  control_print_last(&row->last, last));
}

/* How the configuration in force came about. */
struct reloads {
	uint64_t generation;
	uint64_t failures;
};

static struct reloads reloads_of(struct slots *slots)
{
	lock_take(&slots->lock);
	struct reloads reloads = {.generation = slots->config_generation, .failures = slots->config_failures};
	lock_drop(&slots->lock);
	return reloads;
}

int control_render_status(struct slots *slots, struct buf *ret)
{
	struct row *rows;
	size_t count, refused = 0, warned = 0;
	int r = collect(slots, &rows, &count);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		refused += rows[i].rank == ROW_REFUSED;
		warned += rows[i].rank == ROW_WARNED;
	}
	char started[CLOCK_UTC_SIZE];
	clock_format_utc(slots->started.tv_sec, started);
	struct trust *trust = slots_trust(slots);
	const struct reloads reloads = reloads_of(slots);
	r = buf_printf(ret,
		       "vouchfs " VOUCHFS_VERSION "  config %s (generation %" PRIu64 "%s)  since %s  "
		       "%zu slots: %zu with a refused last attempt, %zu serving what was warned about\n",
		       trust->config->path, reloads.generation, reloads.failures > 0 ? ", the last reload FAILED" : "",
		       started, count, refused, warned);
	trust_unref(trust);
	if (r == 0)
		r = buf_printf(ret, "  %-34s %-9s %7s  %-20s  %-40s  %-20s  %s\n", "SLOT", "MODE", "RELEASE", "SINCE",
			       "PUBLISHER", "VALID UNTIL", "LAST ATTEMPT");
	for (size_t i = 0; r == 0 && i < count; i++)
		r = print_row(&rows[i], ret);
	free_rows(rows, count);
	return r == 0 ? control_render_layers(slots, ret) : r;
}

int control_render_status_json(struct slots *slots, struct buf *ret)
{
	struct overview *overview = NULL;
	int r = slots_overview(slots, &overview);
	if (r < 0)
		return r;
	struct json j = {.out = ret, .pretty = true};
	json_object(&j, NULL);
	overview_put_json(&j, overview);
	json_close(&j);
	overview_free(overview);
	r = json_end(&j);
	return r == 0 ? buf_putc(ret, '\n') : r;
}
