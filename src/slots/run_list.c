/* The run side's directories. Offsets are stable: a slot keeps its place in the list for ever, an entry its place in
 * the archive. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "run_place.h"

struct listing {
	uint64_t offset; /* where the caller wants to go on */
	uint64_t next;	 /* of the entry that comes next */
	run_emit *emit;
	void *ctx;
	bool full;
};

/* Emits an entry unless the caller has it already. */
static void emit_entry(struct listing *l, const char *name, size_t name_len, const struct slots_attr *attr)
{
	uint64_t at = l->next++;
	if (l->full || at < l->offset)
		return;
	struct slots_dirent entry = {.next_offset = at + 1, .attr = *attr};
	(void)snprintf(entry.name, sizeof(entry.name), "%.*s", (int)name_len, name);
	l->full = !l->emit(l->ctx, &entry);
}

static void emit_text(struct listing *l, const char *name, const struct slots_attr *attr)
{
	emit_entry(l, name, strlen(name), attr);
}

static void emit_dots(struct listing *l, uint64_t node)
{
	struct slots_attr attr;
	run_directory_attr(node, (struct timespec){0}, &attr);
	emit_text(l, ".", &attr);
	emit_text(l, "..", &attr);
}

/* Slots keep their place in the list for ever, so their index serves as offset; those without a release are skipped. */
static void list_functions(struct slots *slots, struct listing *l, bool links)
{
	uint64_t first = l->next;
	for (uint64_t i = l->offset > first ? l->offset - first : 0; !l->full; i++) {
		struct slot *slot = slot_at(slots, i);
		if (!slot)
			return;
		l->next = first + i;
		struct release *release = slot_load(slot) == 0 ? slot_current(slot) : NULL;
		struct slots_attr attr;
		if (release && links) {
			struct run_place place = {.release = release, .index = RUN_INDEX_LINK};
			if (run_place_attr(&place, &attr) == 0)
				emit_text(l, slot->name, &attr);
		} else if (release) {
			run_directory_attr(run_node(release->slot_id, RUN_INDEX_DIR), slots->started, &attr);
			emit_text(l, slot->name, &attr);
		}
		release_put(release);
	}
}

static int list_root(struct slots *slots, struct listing *l)
{
	struct slots_attr attr;
	run_directory_attr(RUN_NODE_RELEASES, slots->started, &attr);
	emit_text(l, ".releases", &attr);
	list_functions(slots, l, true);
	return 0;
}

/* The index-th release of a slot's list, with a reference, or NULL. */
static struct release *listed_release(struct slot *slot, size_t index)
{
	lock_take(&slot->slots->lock);
	struct release *release = index < slot->listed_count ? release_ref_locked(slot->listed[index]) : NULL;
	lock_drop(&slot->slots->lock);
	return release;
}

static int list_slot(struct slot *slot, struct listing *l)
{
	struct release *release;
	for (size_t i = 0; (release = listed_release(slot, i)) != NULL; i++) {
		struct run_place place = {.release = release, .index = RUN_INDEX_DIR};
		struct slots_attr attr;
		char name[24];
		int r = run_place_attr(&place, &attr);
		(void)snprintf(name, sizeof(name), "%" PRIu64, release->record->number);
		if (r == 0)
			emit_text(l, name, &attr);
		release_put(release);
		if (r < 0)
			return r;
	}
	return 0;
}

static int list_release(const struct run_place *place, struct listing *l)
{
	int r = release_load_view(place->release); /* for task's attributes */
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(run_release_entries); i++) {
		struct run_place child = {.release = place->release, .index = run_release_entries[i].index};
		struct slots_attr attr;
		r = run_place_attr(&child, &attr);
		if (r == 0)
			emit_text(l, run_release_entries[i].name, &attr);
	}
	return r;
}

static int list_view(struct slots *slots, const struct run_place *place, struct listing *l)
{
	const struct view *view = place->release->view;
	const struct view_node *folder = &view->nodes[place->view_node];
	if (!folder->is_directory)
		return -ENOTDIR;
	if (l->offset == 0)
		read_ahead_note_list(slots->ahead, place->release->record->id, place->view_node);
	uint64_t first = l->next;
	for (uint64_t i = l->offset > first ? l->offset - first : 0; i < folder->child_count && !l->full; i++) {
		uint32_t child = view->children[folder->first_child + i];
		struct run_place at = {.release = place->release, .index = RUN_INDEX_TASK + child, .view_node = child};
		struct slots_attr attr;
		int r = run_place_attr(&at, &attr);
		if (r < 0)
			return r;
		l->next = first + i;
		emit_entry(l, view->nodes[child].name, view->nodes[child].name_len, &attr);
	}
	return 0;
}

static int list_opt(const struct run_place *place, struct listing *l)
{
	int r = release_load_opt(place->release);
	uint64_t first = l->next;
	for (uint64_t i = l->offset > first ? l->offset - first : 0; r == 0 && !l->full; i++) {
		struct run_place at;
		struct slots_attr attr;
		const struct view_node *node = run_opt_entry(place, i, &at);
		if (!node)
			break;
		r = run_place_attr(&at, &attr);
		l->next = first + i;
		if (r == 0)
			emit_entry(l, node->name, node->name_len, &attr);
	}
	return r;
}

static int list_place(struct slots *slots, uint64_t node, struct listing *l)
{
	struct run_place place;
	int r = run_place_find(slots, node, &place);
	if (r < 0)
		return r;
	if (place.index == RUN_INDEX_DIR)
		r = list_release(&place, l);
	else if (run_index_is_task(place.index))
		r = list_view(slots, &place, l);
	else
		r = run_index_is_opt(place.index) ? list_opt(&place, l) : -ENOTDIR;
	run_place_done(&place);
	return r;
}

int run_readdir(struct slots *slots, uint64_t node, uint64_t offset, run_emit *emit, void *ctx)
{
	struct listing l = {.offset = offset, .emit = emit, .ctx = ctx};
	struct slot *slot;

	emit_dots(&l, node);
	if (node == RUN_ROOT)
		return list_root(slots, &l);
	if (node == RUN_NODE_RELEASES) {
		list_functions(slots, &l, false);
		return 0;
	}
	if (run_is_slot_directory(slots, node, &slot))
		return list_slot(slot, &l);
	return list_place(slots, node, &l);
}
