/*
 * What the store holds of a slot, read when the slot is first asked for; a listing only peeks. All of it is there or
 * nothing is: a load that fails leaves the slot as it was, and the next one begins anew.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "internal.h"
#include "waiting_list.h"

/* A slot in the making. */
struct loading {
	struct slot *slot;
	struct slot_facts facts;
	bool facts_are_lost;
	struct slot_note *note;
	struct release **listed;
	size_t listed_count;
	struct release *current;
	struct release *waiting_list;
	uint64_t last_version;
	bool damaged;
	size_t torn_count; /* records that cannot be read */
	uint64_t newest_torn;
};

static void loading_done(struct loading *l)
{
	for (size_t i = 0; i < l->listed_count; i++)
		release_put(l->listed[i]);
	free(l->listed);
	release_put(l->current);
	release_put(l->waiting_list);
	slot_note_put(l->slot->slots, l->note);
}

static bool parse_facts(const struct buf *text, struct slot_facts *ret)
{
	uint64_t made, maker;
	struct slot_facts facts;
	if (!text_record_get_u64(text->data, text->len, "id", &facts.id) || facts.id == 0 ||
	    !text_record_get_u64(text->data, text->len, "made", &made) ||
	    !text_record_get_u64(text->data, text->len, "maker", &maker) || maker > UINT32_MAX ||
	    !text_record_get_u64(text->data, text->len, "hidden", &facts.hidden_release))
		return false;
	facts.made = made != 0;
	facts.maker = (uid_t)maker;
	*ret = facts;
	return true;
}

static int load_facts(struct loading *l)
{
	struct buf text = {0};
	int r = store_get_slot_file(l->slot->slots->store, l->slot->name, "slot", &text);
	if (r == 0 && !parse_facts(&text, &l->facts))
		r = -EBADMSG;
	buf_done(&text);
	l->facts_are_lost = r == -EBADMSG;
	return r == -EBADMSG || r == -ENOENT ? 0 : r;
}

static int load_note(struct loading *l)
{
	struct buf text = {0};
	int r = store_get_slot_file(l->slot->slots->store, l->slot->name, "note", &text);
	if (r == 0 && text.len > 0)
		r = slot_note_new(&text, &l->note);
	buf_done(&text);
	if (r < 0 && r != -ENOENT && r != -ENOMEM)
		log_warning("%s: the last decision cannot be read: %s", l->slot->path, strerror(-r));
	return r == -ENOMEM ? r : 0;
}

/* ---- releases ---- */

/* number: 0 where it is not known. */
static void report_torn(const struct slot *slot, uint64_t number, const char *what, int error)
{
	char detail[256];
	(void)snprintf(detail, sizeof(detail), "%s: the stored bytes are not what was put there; %s", what,
		       slot->is_layer ? "publish the layer again" : "deploy the artifact again");
	const struct audit_record entry = {.event = AUDIT_PAGE_CHECK,
					   .slot = slot->path,
					   .release = number,
					   .errno_given = error,
					   .detail = detail};
	(void)slots_record(slot->slots, &entry);
}

static int skip_torn(struct loading *l, uint64_t number, const char *what)
{
	report_torn(l->slot, number, what, 0);
	l->newest_torn = number; /* ascending */
	l->torn_count++;
	return 0;
}

/* One release of the list; a torn one that is not current is skipped. */
static int load_listed(struct loading *l, uint64_t number, uint64_t current)
{
	struct slot *slot = l->slot;
	struct store_release *record = NULL;
	struct release *release = NULL;
	int r = store_load_release(slot->slots->store, slot->name, number, &record);
	if (r == -EBADMSG)
		return skip_torn(l, number, slot->is_layer ? "version record" : "release record");
	if (r == -ENOENT) {
		log_warning("%s: release %llu is gone", slot->path, (unsigned long long)number);
		return 0;
	}
	if (r == 0)
		r = release_new(slot, l->facts.id, record, &release);
	if (r < 0)
		store_release_free(record);
	if (r == -EBADMSG)
		return skip_torn(l, number, "record with the id of another release");
	if (r < 0)
		return r;
	ASSERT(release);
	release->listed = true;
	l->listed[l->listed_count++] = release;
	if (number == current)
		l->current = release_ref(release);
	if (inherit_has(slot))
		inherit_release(release_ref(release));
	return 0;
}

/* Fallen out of the list, and whoever has it open goes on. */
static int keep_old(const struct loading *l, uint64_t number)
{
	struct slot *slot = l->slot;
	struct store_release *record = NULL;
	struct release *release = NULL;
	int r = store_load_release(slot->slots->store, slot->name, number, &record);
	if (r == 0)
		r = release_new(slot, l->facts.id, record, &release);
	if (r < 0) {
		store_release_free(record);
		return r == -ENOMEM ? r : 0;
	}
	ASSERT(release);
	lock_take(&slot->slots->lock);
	release->removed = true;
	lock_drop(&slot->slots->lock);
	inherit_release(release);
	return 0;
}

static int load_numbers(struct loading *l, const uint64_t *numbers, size_t count, uint64_t current)
{
	struct slots *slots = l->slot->slots;
	int r = 0;
	l->listed = calloc(count + 1, sizeof(struct release *));
	if (!l->listed)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < count; i++) {
		bool is_old = !l->slot->is_layer && count - i > slot_keeps(l->slot) && numbers[i] != current;
		/* what is held longer than it is listed goes in no order */
		bool is_listed_before = i > 0 && !l->slot->is_layer && count - i < slot_keeps(l->slot);
		if (is_listed_before && numbers[i] != numbers[i - 1] + 1)
			report_torn(l->slot, numbers[i] - 1, "a release record that is gone", 0);
		if (is_old && inherit_has(l->slot))
			r = keep_old(l, numbers[i]);
		else if (is_old)
			(void)store_remove_release(slots->store, l->slot->name, numbers[i]);
		else
			r = load_listed(l, numbers[i], current);
	}
	return r;
}

/* Without its facts a slot needs another id; that it has releases shows that it was made. */
static int replace_facts(struct loading *l)
{
	log_warning("%s: what is known of the slot itself is damaged or gone; its releases are served", l->slot->path);
	if (!l->facts_are_lost) /* else the store has told */
		report_torn(l->slot, 0, "what is known of the slot itself is gone", 0);
	l->facts_are_lost = true;
	l->facts = (struct slot_facts){.made = true, .maker = geteuid()};
	return store_next_id(l->slot->slots->store, &l->facts.id);
}

static int load_releases(struct loading *l)
{
	struct store *store = l->slot->slots->store;
	struct store_release *current = NULL;
	uint64_t *numbers = NULL;
	size_t count = 0;

	int r = store_load_current(store, l->slot->name, &current);
	if (r == -ENOENT && !l->facts_are_lost)
		return 0;
	bool is_served = r == 0;
	l->damaged = r == -EBADMSG || (is_served && current->stands_in);
	if (r == -EBADMSG)
		report_torn(l->slot, 0, "releases, of which none is whole", EIO);
	if (r == -EBADMSG || r == -ENOENT)
		r = 0;
	if (r == 0 && l->facts.id == 0)
		r = replace_facts(l);
	if (r == 0 && is_served)
		r = store_list_releases(store, l->slot->name, &numbers, &count);
	if (r == 0 && is_served)
		r = load_numbers(l, numbers, count, current->number);
	if (r == 0 && is_served && l->damaged && l->torn_count == 0)
		report_torn(l->slot, current->number, "what says which release is current", 0);
	if (r == 0 && is_served && l->damaged)
		log_warning("%s: release %llu stands in", l->slot->path, (unsigned long long)current->number);
	free(numbers);
	store_release_free(current);
	return r;
}

/* Of a layer: every version that is whole. */
static int load_versions(struct loading *l)
{
	struct store *store = l->slot->slots->store;
	uint64_t *numbers = NULL;
	size_t count = 0;
	int r = store_newest_release(store, l->slot->name, &l->last_version);
	if (r == 0)
		r = store_list_releases(store, l->slot->name, &numbers, &count);
	if (r == -ENOENT)
		return 0;
	if (r == 0 && l->facts.id == 0 && (count > 0 || l->facts_are_lost))
		r = replace_facts(l);
	if (r == 0)
		r = load_numbers(l, numbers, count, 0);
	l->damaged = l->newest_torn > 0 && numbers && l->newest_torn == numbers[count - 1];
	free(numbers);
	return r;
}

/* ---- the slot ---- */

static int install(struct loading *l)
{
	struct slot *slot = l->slot;
	lock_take(&slot->slots->lock);
	int r = slot_set_facts_locked(slot, &l->facts);
	if (r < 0) {
		lock_drop(&slot->slots->lock);
		return r;
	}
	struct slot_note *note = slot->note;
	struct release **listed = slot->listed;
	slot->note = l->note;
	slot->listed = l->listed;
	slot->listed_count = slot->listed_capacity = l->listed_count;
	slot->current = l->current;
	slot->waiting_list = l->waiting_list;
	slot->last_version = l->last_version;
	slot->damaged = l->damaged;
	lock_drop(&slot->slots->lock);
	slot_note_put(slot->slots, note); /* of a load before (release_take_up) */
	free(listed);
	*l = (struct loading){.slot = slot};
	return 0;
}

static int load_locked(struct slot *slot)
{
	struct loading l = {.slot = slot};
	int r = load_facts(&l);
	if (r == 0)
		r = load_note(&l);
	if (r == 0)
		r = slot->is_layer ? load_versions(&l) : load_releases(&l);
	if (r == 0 && !slot->is_layer && !slot->is_policy)
		r = waiting_list_load(slot, l.facts.id, &l.waiting_list);
	bool is_to_be_saved = l.facts_are_lost;
	if (r == 0)
		r = install(&l);
	if (r < 0) {
		log_error("%s cannot be loaded from the store: %s", slot->path, strerror(-r));
		if (r != -ENOMEM && !slot->is_unloadable) /* once, however often it is tried */
			report_torn(slot, 0, "what the store holds of it", EIO);
		slot->is_unloadable = r != -ENOMEM;
		loading_done(&l);
		return r;
	}
	if (slot->current)
		waiting_list_end_locked(slot);
	if (!slot->is_policy)
		break_glass_load_locked(slot);
	if (is_to_be_saved && slot_save_locked(slot) < 0)
		log_warning("%s: the slot's own record cannot be written", slot->path);
	atomic_store(&slot->loaded, true);
	return 0;
}

int slot_load(struct slot *slot)
{
	if (atomic_load(&slot->loaded)) /* whoever looks does not wait for a commit */
		return 0;
	lock_take(&slot->lock);
	int r = atomic_load(&slot->loaded) ? 0 : load_locked(slot);
	lock_drop(&slot->lock);
	return r < 0 && r != -ENOMEM ? -EIO : r;
}

static int peek_locked(struct slot *slot)
{
	struct loading l = {.slot = slot};
	int r = load_facts(&l);
	if (r < 0 || l.facts_are_lost || l.facts.id == 0)
		return load_locked(slot);
	l.facts.id = 0; /* whoever finds the slot by its id finds its releases */
	lock_take(&slot->slots->lock);
	(void)slot_set_facts_locked(slot, &l.facts);
	lock_drop(&slot->slots->lock);
	atomic_store(&slot->peeked, true);
	return 0;
}

void slot_peek(struct slot *slot)
{
	if (atomic_load(&slot->loaded) || atomic_load(&slot->peeked))
		return;
	lock_take(&slot->lock);
	if (!atomic_load(&slot->loaded) && !atomic_load(&slot->peeked))
		(void)peek_locked(slot);
	lock_drop(&slot->lock);
}
