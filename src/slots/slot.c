/* Slots: the table, what makes and removes them, and the switch to another release. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "internal.h"
#include "layer_list.h"
#include "release_grace.h"
#include "run_node.h"

/* ---- the table ---- */

int slot_new(struct slots *slots, const char *name, uint64_t index, struct slot **ret)
{
	struct slot *slot = calloc(1, sizeof(*slot));
	char *copy = strdup(name);
	if (!slot || !copy) {
		free(slot);
		free(copy);
		return -ENOMEM;
	}
	slot->slots = slots;
	slot->name = copy;
	slot->is_layer = store_is_layer(copy);
	slot->is_policy = store_is_policy(copy);
	(void)store_slot_path(copy, slot->path);
	slot->label = slot->is_layer ? copy + strlen(STORE_LAYER_PREFIX) : slot->is_policy ? slot->path : copy;
	slot->index = index;
	lock_init(&slot->lock);
	*ret = slot;
	return 0;
}

static int reserve_locked(struct slots *slots)
{
	if (slots->slot_count < slots->slot_capacity)
		return 0;
	size_t capacity = slots->slot_capacity ? 2 * slots->slot_capacity : 64;
	struct slot **list = reallocarray(slots->list, capacity, sizeof(struct slot *));
	if (!list)
		return -ENOMEM;
	slots->list = list;
	slots->slot_capacity = capacity;
	return 0;
}

static int add_name_locked(struct slots *slots, struct slot *slot)
{
	TABLE_ADD_KEYPTR(hh, slots->by_name, slot->name, strlen(slot->name), slot);
	if (!TABLE_HAS(hh, slot))
		return -ENOMEM;
	int r = tree_names_add(slots->names, slot->name);
	if (r < 0)
		HASH_DEL(slots->by_name, slot);
	return r;
}

int slot_add(struct slots *slots, const char *name, struct slot **ret)
{
	struct slot *slot = NULL;
	int r = reserve_locked(slots);
	if (r == 0)
		r = slot_new(slots, name, slots->first_index + slots->slot_count, &slot);
	if (r == 0)
		r = add_name_locked(slots, slot);
	if (r < 0) {
		slot_free(slot);
		return r;
	}
	slots->list[slots->slot_count++] = slot;
	*ret = slot;
	return 0;
}

unsigned slot_keeps(const struct slot *slot)
{
	unsigned kept = slot->slots->keep_releases;
	return slot->is_policy && kept < GOVERNED_KEPT ? GOVERNED_KEPT : kept;
}

void slot_free(struct slot *slot)
{
	if (!slot)
		return;
	ASSERT(!slot->files && !slot->current && !slot->waiting_list && slot->listed_count == 0);
	free(slot->listed);
	free(slot->glass);
	slot_note_put(slot->slots, slot->note);
	lock_done(&slot->lock);
	free(slot->name);
	free(slot);
}

/* By the name that the store has. */
static const struct config_slot *find_section(const struct config *config, const char *name)
{
	if (store_is_policy(name))
		return config->policy.publisher_count > 0 ? &config->policy.slot : NULL;
	return store_is_layer(name) ? config_find_layer(config, name + strlen(STORE_LAYER_PREFIX))
				    : config_find_function(config, name);
}

static struct slot *find_or_add_locked(struct slots *slots, const char *name, bool add)
{
	struct slot *slot;
	HASH_FIND_STR(slots->by_name, name, slot);
	if (!slot && add && slot_add(slots, name, &slot) < 0)
		return NULL;
	return slot;
}

static int find_and_load(struct slots *slots, const char *name, struct slot **ret)
{
	lock_take(&slots->lock);
	const struct config_slot *section = find_section(slots->trust->config, name);
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

int slot_find(struct slots *slots, const char *name, struct slot **ret)
{
	return config_is_function_name(name) ? find_and_load(slots, name, ret) : -ENOENT;
}

int slot_find_layer(struct slots *slots, const char *name, struct slot **ret)
{
	char slot[sizeof(STORE_LAYER_PREFIX) + LIMIT_FUNCTION_NAME_BYTES];
	if (!config_is_function_name(name))
		return -ENOENT;
	(void)snprintf(slot, sizeof(slot), STORE_LAYER_PREFIX "%s", name);
	return find_and_load(slots, slot, ret);
}

struct slot *slot_by_index_locked(struct slots *slots, uint64_t index)
{
	if (index == SLOT_POLICY_INDEX)
		return slots->policy;
	return slot_listed_at_locked(slots, index);
}

struct slot *slot_listed_at_locked(struct slots *slots, uint64_t index)
{
	bool is_ours = index >= slots->first_index && index - slots->first_index < slots->slot_count;
	return is_ours ? slots->list[index - slots->first_index] : NULL;
}

struct slot *slot_at(struct slots *slots, size_t n)
{
	lock_take(&slots->lock);
	struct slot *slot = n < slots->slot_count ? slots->list[n] : NULL;
	lock_drop(&slots->lock);
	return slot;
}

struct slot *slot_by_index(struct slots *slots, uint64_t index)
{
	lock_take(&slots->lock);
	struct slot *slot = slot_by_index_locked(slots, index);
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
	return find_section(trust->config, slot->name);
}

uid_t slot_owner(const struct config_slot *section)
{
	return section->has_owner ? section->owner : geteuid();
}

gid_t slot_group(const struct config_slot *section)
{
	return section->has_group ? section->group : getegid();
}

bool slot_is_present(const struct slot *slot, const struct config_slot *section)
{
	return section && (!section->is_pattern || slot->facts.made);
}

bool slot_is_list_name(const struct slot *slot, const char *name)
{
	return !slot->is_layer && !slot->is_policy && strcmp(name, LAYER_LIST_NAME) == 0;
}

bool slot_shows_list(const struct slot *slot)
{
	if (slot->is_layer)
		return false;
	return slot->current ? slot->current->record->layer_count > 0 : slot->waiting_list != NULL;
}

bool slot_shows_artifact(const struct slot *slot)
{
	if (slot->is_layer)
		return slot->listed_count > 0;
	return slot->current && slot->facts.hidden_release != slot->current->record->number;
}

/* By its id the run side finds a slot. */
int slot_set_facts_locked(struct slot *slot, const struct slot_facts *facts)
{
	struct slots *slots = slot->slots;
	const struct slot_facts before = slot->facts;
	bool has_other_id = before.id != facts->id && !slot->is_policy;
	if (has_other_id && before.id != 0)
		HASH_DELETE(hh_id, slots->by_id, slot);
	slot->facts = *facts;
	if (!has_other_id || facts->id == 0)
		return 0;
	TABLE_ADD(hh_id, slots->by_id, facts.id, sizeof(slot->facts.id), slot);
	if (TABLE_HAS(hh_id, slot))
		return 0;
	slot->facts = before;
	slot->facts.id = 0;
	return -ENOMEM;
}

static int ensure_id(struct slot *slot)
{
	struct slot_facts facts = slot->facts;
	int r = facts.id == 0 ? store_next_id(slot->slots->store, &facts.id) : 0;
	if (r < 0)
		return r;
	lock_take(&slot->slots->lock);
	r = slot_set_facts_locked(slot, &facts);
	lock_drop(&slot->slots->lock);
	return r;
}

int slot_save_locked(struct slot *slot)
{
	int r = ensure_id(slot);
	if (r < 0)
		return r;
	const struct slot_facts *facts = &slot->facts;
	struct buf text = {0};
	r = buf_printf(&text, "id: %llu\nmade: %d\nmaker: %u\nhidden: %llu\n", (unsigned long long)facts->id,
		       facts->made, facts->maker, (unsigned long long)facts->hidden_release);
	if (r == 0)
		r = store_put_slot_file(slot->slots->store, slot->name, "slot", text.data, text.len);
	buf_done(&text);
	return r;
}

int slot_change_locked(struct slot *slot, const struct slot_facts *facts)
{
	struct slots *slots = slot->slots;
	lock_take(&slots->lock);
	struct slot_facts before = slot->facts;
	ASSERT(facts->id == before.id);
	(void)slot_set_facts_locked(slot, facts);
	lock_drop(&slots->lock);
	int r = slot_save_locked(slot);
	if (r < 0) {
		lock_take(&slots->lock);
		(void)slot_set_facts_locked(slot, &before);
		lock_drop(&slots->lock);
	}
	return r;
}

int slot_reserve_locked(struct slot *slot)
{
	if (slot->listed_count < slot->listed_capacity)
		return 0;
	struct release **listed = reallocarray(slot->listed, slot->listed_count + 1, sizeof(struct release *));
	if (!listed)
		return -ENOMEM;
	slot->listed = listed;
	slot->listed_capacity = slot->listed_count + 1;
	return 0;
}

int slot_list_locked(struct slot *slot, struct release *release)
{
	ASSERT(release);
	int r = slot_reserve_locked(slot);
	if (r < 0)
		return r;
	slot->listed[slot->listed_count++] = release;
	release->listed = true;
	return 0;
}

struct release *slot_current(struct slot *slot)
{
	lock_take(&slot->slots->lock);
	struct release *release = slot->current ? release_ref_locked(slot->current) : NULL;
	lock_drop(&slot->slots->lock);
	return release;
}

bool slot_is_damaged(struct slot *slot)
{
	lock_take(&slot->slots->lock);
	bool damaged = slot->damaged;
	lock_drop(&slot->slots->lock);
	return damaged;
}

/* ---- switching ---- */

int slot_switch_locked(struct slot *slot, struct release *release, struct release **ret_dropped)
{
	struct slots *slots = slot->slots;
	struct release *dropped = NULL;

	lock_take(&slots->lock);
	int r = slot_list_locked(slot, release);
	if (r == 0) {
		if (slot->current) {
			ASSERT(slot->current->refs > 1); /* the list's */
			slot->current->refs--;
			slot->current->replaced_ms = clock_steady_ms();
		}
		slot->current = release_ref_locked(release);
		slot->damaged = false;
		if (slot->listed_count > slot_keeps(slot)) {
			struct release *oldest = slot->listed[0];
			slot->listed_count--;
			memmove(slot->listed, slot->listed + 1, slot->listed_count * sizeof(struct release *));
			oldest->listed = false;
			dropped = grace_begin_locked(slot, oldest);
		}
	}
	lock_drop(&slots->lock);
	*ret_dropped = dropped;
	return r;
}

static void tell_sweeper(struct slot *slot)
{
	const struct slots_sweeper *sweeper = &slot->slots->sweeper;
	lock_take(&slot->slots->lock);
	bool waits = slot->grace_count > 0;
	lock_drop(&slot->slots->lock);
	if (waits && sweeper->poke)
		sweeper->poke(sweeper->ctx);
}

/* On the run side's connection. */
static void tell_kernel(const struct slot *slot, const struct slot_switch *what)
{
	const struct slots_notify *notify = &slot->slots->notify;
	char name[24];
	uint64_t directory = run_node(what->slot_id, RUN_INDEX_DIR);
	notify->entry(notify->ctx, RUN_ROOT, slot->name);
	if (what->is_first) {
		notify->inode(notify->ctx, RUN_ROOT);
		notify->inode(notify->ctx, RUN_NODE_RELEASES);
	}
	if (what->number == 0) /* what appears may have been found already (run_keeps_missing) */
		notify->entry(notify->ctx, RUN_NODE_RELEASES, slot->name);
	if (what->dropped) {
		(void)snprintf(name, sizeof(name), "%llu", (unsigned long long)what->dropped->record->number);
		notify->entry(notify->ctx, directory, name);
	}
	notify->inode(notify->ctx, directory);
	notify->settle(notify->ctx);
}

void slot_notify_switch(struct slot *slot, const struct slot_switch *what)
{
	if (!slot->slots->notify.entry)
		return;
	if (!slot->is_policy)
		tell_kernel(slot, what);
	tell_sweeper(slot);
}

/* ---- making and removing ---- */

int slot_make(struct slot *slot, uid_t maker)
{
	lock_take(&slot->lock);
	struct slot_facts facts = slot->facts;
	facts.made = true;
	facts.maker = maker;
	int r = slot->facts.made ? -EEXIST : slot_change_locked(slot, &facts);
	lock_drop(&slot->lock);
	return r;
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
	slot->listed_count = slot->listed_capacity = 0;
	slot->current = NULL;
	slot->damaged = false;
	slot->is_removing = false;
	(void)slot_set_facts_locked(slot, &(struct slot_facts){0});
	struct slot_note *note = slot->note;
	slot->note = NULL;
	struct release *grace = grace_take_locked(slot), *waiting_list = slot->waiting_list;
	slot->waiting_list = NULL;
	lock_drop(&slots->lock);
	release_put(current);
	release_put(waiting_list);
	grace_put_all(grace);
	slot_note_put(slots, note);
	*ret = listed;
	return count;
}

/* Undeploys in the log and in the store. A layer without versions stays there unmade: it knows which numbers it gave.
 */
static int remove_stored(struct slot *slot, const struct audit_who *who)
{
	struct slots *slots = slot->slots;
	struct audit_record record = {.event = AUDIT_UNDEPLOY, .who = who, .slot = slot->path};
	int r = audit_append(slots->audit, &record, NULL);
	const struct slot_facts unmade = {.id = slot->facts.id};
	if (r == 0)
		r = slot->is_layer ? slot_change_locked(slot, &unmade)
				   : store_remove_function(slots->store, slot->name);
	if (r < 0)
		log_error("%s could not be undeployed: %s", slot->path, strerror(-r));
	return r;
}

static void set_removing(struct slot *slot, bool is_removing)
{
	lock_take(&slot->slots->lock);
	slot->is_removing = is_removing;
	lock_drop(&slot->slots->lock);
}

int slot_remove(struct slot *slot, const struct audit_who *who)
{
	struct slot_switch what = {.is_first = true};
	struct release **listed = NULL;
	size_t count = 0;

	lock_take(&slot->lock);
	int r = !slot->facts.made ? -ENOENT : slot_shows_artifact(slot) || slot_shows_list(slot) ? -ENOTEMPTY : 0;
	if (r == 0) {
		what.slot_id = slot->facts.id;
		inherit_touch(slot);
		slot_drop_break_glass_locked(slot, who);
		set_removing(slot, true);
		r = remove_stored(slot, who);
		if (r == 0 && !slot->is_layer)
			count = unlist_all(slot, &listed);
		else
			set_removing(slot, false);
		if (r == 0 && slot->is_layer)
			slot_clear_note_locked(slot);
	}
	lock_drop(&slot->lock);
	if (r < 0 || slot->is_layer)
		return r;

	slot_notify_switch(slot, &what);
	for (size_t i = 0; i < count; i++)
		release_put(listed[i]);
	free(listed);
	return 0;
}
