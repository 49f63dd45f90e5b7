/* Function slots: the table, what is loaded of them, and the switch to another release. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "internal.h"
#include "run_node.h"

/* ---- the table ---- */

int slot_add(struct slots *slots, const char *name, struct slot **ret)
{
	struct slot *slot = calloc(1, sizeof(*slot));
	char *copy = strdup(name);
	if (!slot || !copy)
		goto no_memory;
	if (slots->slot_count == slots->slot_capacity) {
		size_t capacity = slots->slot_capacity ? 2 * slots->slot_capacity : 64;
		struct slot **list = reallocarray(slots->list, capacity, sizeof(struct slot *));
		if (!list)
			goto no_memory;
		slots->list = list;
		slots->slot_capacity = capacity;
	}
	slot->slots = slots;
	slot->name = copy;
	slot->index = slots->slot_count;
	lock_init(&slot->lock);
	slots->list[slots->slot_count++] = slot;
	HASH_ADD_KEYPTR(hh, slots->by_name, slot->name, strlen(slot->name), slot);
	*ret = slot;
	return 0;
no_memory:
	free(slot);
	free(copy);
	return -ENOMEM;
}

void slot_free(struct slot *slot)
{
	if (!slot)
		return;
	ASSERT(!slot->files && !slot->current && slot->listed_count == 0);
	free(slot->listed);
	if (slot->note) {
		free(slot->note->text);
		free(slot->note);
	}
	lock_done(&slot->lock);
	free(slot->name);
	free(slot);
}

static struct slot *find_or_add_locked(struct slots *slots, const char *name, bool add)
{
	struct slot *slot;
	HASH_FIND_STR(slots->by_name, name, slot);
	if (!slot && add && slot_add(slots, name, &slot) < 0)
		return NULL;
	return slot;
}

int slot_find(struct slots *slots, const char *name, struct slot **ret)
{
	if (!config_is_function_name(name))
		return -ENOENT;
	lock_take(&slots->lock);
	const struct config_slot *section = config_find_function(slots->trust->config, name);
	bool declared = section && !section->is_pattern; /* since a reload, perhaps */
	struct slot *slot = find_or_add_locked(slots, name, declared);
	lock_drop(&slots->lock);
	if (!slot)
		return declared ? -ENOMEM : -ENOENT;

	int r = slot_load(slot);
	if (r == 0)
		*ret = slot;
	return r;
}

struct slot *slot_by_index(struct slots *slots, uint64_t index)
{
	lock_take(&slots->lock);
	struct slot *slot = index < slots->slot_count ? slots->list[index] : NULL;
	lock_drop(&slots->lock);
	return slot;
}

struct slot *slot_by_id(struct slots *slots, uint64_t id)
{
	struct slot *slot;
	lock_take(&slots->lock);
	HASH_FIND(hh_id, slots->by_id, &id, sizeof(id), slot);
	lock_drop(&slots->lock);
	return slot;
}

const struct config_slot *slot_section(const struct trust *trust, const struct slot *slot)
{
	return config_find_function(trust->config, slot->name);
}

uid_t slot_owner(const struct config_slot *section)
{
	return section->has_owner ? section->owner : geteuid();
}

gid_t slot_group(const struct config_slot *section)
{
	return section->has_group ? section->group : getegid();
}

bool slot_is_present(const struct slot *slot, const struct trust *trust)
{
	const struct config_slot *section = slot_section(trust, slot);
	return section && (!section->is_pattern || slot->made);
}

static void set_id(struct slot *slot, uint64_t id)
{
	lock_take(&slot->slots->lock);
	slot->id = id;
	HASH_ADD(hh_id, slot->slots->by_id, id, sizeof(slot->id), slot);
	lock_drop(&slot->slots->lock);
}

/* ---- loading ---- */

static int load_facts(struct slot *slot)
{
	struct buf text = {0};
	uint64_t id = 0, made = 0, maker = 0, hidden = 0;
	int r = store_get_slot_file(slot->slots->store, slot->name, "slot", &text);
	if (r == -ENOENT)
		r = 0;
	else if (r == 0 && !(text_record_get_u64(text.data, text.len, "id", &id) &&
			     text_record_get_u64(text.data, text.len, "made", &made) &&
			     text_record_get_u64(text.data, text.len, "maker", &maker) && maker <= UINT32_MAX &&
			     text_record_get_u64(text.data, text.len, "hidden", &hidden)))
		r = -EBADMSG;
	buf_done(&text);
	if (r < 0)
		return r;

	slot->made = made != 0;
	slot->maker = (uid_t)maker;
	slot->hidden = hidden != 0;
	if (id != 0)
		set_id(slot, id);
	return 0;
}

int slot_save_locked(struct slot *slot)
{
	struct slots *slots = slot->slots;
	uint64_t id = slot->id;
	int r = id == 0 ? store_next_id(slots->store, &id) : 0;
	if (r < 0)
		return r;
	if (slot->id == 0)
		set_id(slot, id);

	struct buf text = {0};
	r = buf_printf(&text, "id: %llu\nmade: %d\nmaker: %u\nhidden: %d\n", (unsigned long long)slot->id, slot->made,
		       slot->maker, slot->hidden);
	if (r == 0)
		r = store_put_slot_file(slots->store, slot->name, "slot", text.data, text.len);
	buf_done(&text);
	return r;
}

static int note_new(char *text, size_t len, struct slot_note **ret)
{
	struct slot_note *note = calloc(1, sizeof(*note));
	if (!note)
		return -ENOMEM;
	const char *gap = memmem(text, len, "\n\n", 2);
	*note = (struct slot_note){
		.refs = 1, .text = text, .len = len, .why_offset = gap ? (size_t)(gap - text) + 2 : len};
	*ret = note;
	return 0;
}

static int load_note(struct slot *slot)
{
	struct buf text = {0};
	int r = store_get_slot_file(slot->slots->store, slot->name, "note", &text);
	if (r == 0 && text.len > 0) {
		size_t len = text.len;
		r = note_new(text.data, len, &slot->note);
		if (r == 0)
			text = (struct buf){0};
	}
	buf_done(&text);
	if (r < 0 && r != -ENOENT && r != -ENOMEM)
		log_warning("function %s: the last decision cannot be read: %s", slot->name, strerror(-r));
	return r == -ENOMEM ? r : 0;
}

static int append_listed(struct slot *slot, struct release *release)
{
	ASSERT(release);
	struct release **listed = reallocarray(slot->listed, slot->listed_count + 1, sizeof(struct release *));
	if (!listed)
		return -ENOMEM;
	slot->listed = listed;
	slot->listed[slot->listed_count++] = release;
	release->listed = true;
	return 0;
}

/* One release of the list; a torn one that is not current is skipped. */
static int load_listed(struct slot *slot, uint64_t number, const struct store_release *current)
{
	struct slots *slots = slot->slots;
	struct store_release *record = NULL;
	int r = store_load_release(slots->store, slot->name, number, &record);
	if (r == -EBADMSG || r == -ENOENT) {
		log_warning("function %s: release %llu cannot be read: %s", slot->name, (unsigned long long)number,
			    strerror(-r));
		return 0;
	}
	struct release *release = NULL;
	if (r == 0)
		r = release_new(slots, slot, record, &release);
	if (r < 0) {
		store_release_free(record);
		return r;
	}
	r = append_listed(slot, release);
	if (r < 0) {
		release_put(release);
		return r;
	}
	if (current && current->number == number)
		slot->current = release_ref(release);
	return 0;
}

static int load_releases(struct slot *slot)
{
	struct slots *slots = slot->slots;
	struct store_release *current = NULL;
	uint64_t *numbers = NULL;
	size_t count = 0;

	int r = store_load_current(slots->store, slot->name, &current);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = store_list_releases(slots->store, slot->name, &numbers, &count);
	for (size_t i = 0; r == 0 && i < count; i++) {
		bool is_old = count - i > slots->keep_releases && numbers[i] != current->number;
		if (is_old)
			(void)store_remove_release(slots->store, slot->name, numbers[i]);
		else
			r = load_listed(slot, numbers[i], current);
	}
	free(numbers);
	store_release_free(current);
	return r;
}

int slot_load(struct slot *slot)
{
	lock_take(&slot->lock);
	int r = 0;
	if (!slot->loaded) {
		r = load_facts(slot);
		if (r == 0)
			r = load_note(slot);
		if (r == 0)
			r = load_releases(slot);
		if (r == 0)
			slot->loaded = true;
		else
			log_error("function %s cannot be loaded from the store: %s", slot->name, strerror(-r));
	}
	lock_drop(&slot->lock);
	return r < 0 && r != -ENOMEM ? -EIO : r;
}

struct release *slot_current(struct slot *slot)
{
	lock_take(&slot->slots->lock);
	struct release *release = slot->current ? release_ref_locked(slot->current) : NULL;
	lock_drop(&slot->slots->lock);
	return release;
}

/* ---- making, removing, switching ---- */

int slot_make(struct slot *slot, uid_t maker)
{
	lock_take(&slot->lock);
	lock_take(&slot->slots->lock);
	slot->made = true;
	slot->maker = maker;
	lock_drop(&slot->slots->lock);
	int r = slot_save_locked(slot);
	if (r < 0)
		slot->made = false;
	lock_drop(&slot->lock);
	return r;
}

int slot_switch_locked(struct slot *slot, struct release *release, struct release **ret_dropped)
{
	struct slots *slots = slot->slots;
	struct release *before = NULL, *dropped = NULL;

	lock_take(&slots->lock);
	int r = append_listed(slot, release);
	if (r == 0) {
		before = slot->current;
		slot->current = release_ref_locked(release);
		slot->hidden = false;
		if (slot->listed_count > slots->keep_releases) {
			dropped = slot->listed[0];
			slot->listed_count--;
			memmove(slot->listed, slot->listed + 1, slot->listed_count * sizeof(struct release *));
			dropped->listed = false;
			dropped->removed = true;
		}
	}
	lock_drop(&slots->lock);
	release_put(before);
	*ret_dropped = dropped;
	return r;
}

void slot_notify_switch(struct slot *slot, uint64_t number, const struct release *dropped, bool is_first)
{
	const struct slots_notify *notify = &slot->slots->notify;
	if (!notify->entry)
		return;

	char name[24];
	uint64_t directory = run_node(slot->id, RUN_INDEX_DIR);
	notify->entry(notify->ctx, RUN_ROOT, slot->name);
	if (is_first) {
		notify->inode(notify->ctx, RUN_ROOT);
		notify->entry(notify->ctx, RUN_NODE_RELEASES, slot->name);
		notify->inode(notify->ctx, RUN_NODE_RELEASES);
	}
	if (number > 0) {
		(void)snprintf(name, sizeof(name), "%llu", (unsigned long long)number);
		notify->entry(notify->ctx, directory, name);
	}
	if (dropped) {
		(void)snprintf(name, sizeof(name), "%llu", (unsigned long long)dropped->record->number);
		notify->entry(notify->ctx, directory, name);
	}
	notify->inode(notify->ctx, directory);
}

/* Takes everything out of the tree; what processes still use stays readable until they let go. */
static size_t unlist_all(struct slot *slot, struct release ***ret)
{
	struct slots *slots = slot->slots;
	lock_take(&slots->lock);
	struct release **listed = slot->listed, *current = slot->current;
	size_t count = slot->listed_count;
	for (size_t i = 0; i < count; i++)
		listed[i]->listed = false; /* the store drops them with the slot */
	slot->listed = NULL;
	slot->listed_count = 0;
	slot->current = NULL;
	slot->made = false;
	slot->hidden = false;
	if (slot->id != 0)
		HASH_DELETE(hh_id, slots->by_id, slot);
	slot->id = 0;
	lock_drop(&slots->lock);
	release_put(current);
	*ret = listed;
	return count;
}

int slot_remove(struct slot *slot, const struct audit_who *who)
{
	struct slots *slots = slot->slots;
	char path[LIMIT_FUNCTION_NAME_BYTES + 16];
	(void)snprintf(path, sizeof(path), "functions/%s", slot->name);

	lock_take(&slot->lock);
	struct audit_record record = {.event = AUDIT_UNDEPLOY, .who = who, .slot = path};
	int r = audit_append(slots->audit, &record, NULL);
	if (r == 0)
		r = store_remove_function(slots->store, slot->name);
	if (r < 0) {
		lock_drop(&slot->lock);
		return r;
	}
	struct release **listed;
	size_t count = unlist_all(slot, &listed);
	lock_drop(&slot->lock);

	for (size_t i = 0; i < count; i++)
		release_put(listed[i]);
	free(listed);
	lock_take(&slots->lock);
	struct slot_note *note = slot->note;
	slot->note = NULL;
	lock_drop(&slots->lock);
	slot_note_put(slots, note);
	slot_notify_switch(slot, 0, NULL, true);
	return 0;
}

/* ---- the note ---- */

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

void slot_set_note(struct slot *slot, const struct gate_deployment *deployment, const struct gate_decision *decision,
		   uint64_t kept_release)
{
	struct slots *slots = slot->slots;
	struct buf text = {0};
	struct slot_note *note = NULL;
	int r = render_note(deployment, decision, kept_release, &text);
	size_t len = text.len;
	if (r == 0)
		r = store_put_slot_file(slots->store, slot->name, "note", text.data, len);
	if (r < 0)
		log_warning("function %s: the decision's text cannot be kept over a restart: %s", slot->name,
			    strerror(-r));
	if (text.data && note_new(text.data, len, &note) == 0) {
		text = (struct buf){0};
		lock_take(&slots->lock);
		struct slot_note *before = slot->note;
		slot->note = note;
		lock_drop(&slots->lock);
		slot_note_put(slots, before);
	}
	buf_done(&text);
}
