/*
 * What is found damaged and done without: told once for each place, to whoever listens. What is found before anybody
 * does, while the store is opened, waits for him.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "internal.h"

struct store_damage_note {
	struct store_damage_note *next;
	bool is_told;
	struct explain what;
	char place[];
};

void store_damage_init(struct store_damage *damage)
{
	*damage = (struct store_damage){.first = NULL};
	lock_init(&damage->lock);
}

void store_damage_done(struct store_damage *damage)
{
	while (damage->first) {
		struct store_damage_note *next = damage->first->next;
		free(damage->first);
		damage->first = next;
	}
	lock_done(&damage->lock);
}

static bool is_known_locked(const struct store_damage *damage, const char *place)
{
	const struct store_damage_note *note = damage->first;
	while (note && strcmp(note->place, place) != 0)
		note = note->next;
	return note != NULL;
}

/* NULL: no memory, or there are too many. */
static struct store_damage_note *add_locked(struct store_damage *damage, const char *place, const char *what)
{
	size_t size = strlen(place) + 1;
	if (damage->count >= STORE_DAMAGE_MAX)
		return NULL;
	struct store_damage_note *note = calloc(1, sizeof(*note) + size);
	if (!note)
		return NULL;
	memcpy(note->place, place, size);
	explain_set(&note->what, "%s", what);
	note->next = damage->first;
	damage->first = note;
	damage->count++;
	return note;
}

void store_report_damage(struct store *store, const char *place, const char *what)
{
	struct store_damage *damage = &store->damage;
	struct store_damage_note *note = NULL;
	lock_take(&damage->lock);
	bool is_known = is_known_locked(damage, place);
	if (!is_known)
		note = add_locked(damage, place, what);
	if (note)
		note->is_told = damage->tell != NULL;
	store_tell *tell = is_known ? NULL : damage->tell;
	void *ctx = damage->ctx;
	lock_drop(&damage->lock);
	if (tell)
		tell(ctx, place, what);
	else if (!is_known && !note)
		log_warning("store: %s is damaged: %s", place, what);
}

void store_listen(struct store *store, store_tell *tell, void *ctx)
{
	struct store_damage *damage = &store->damage;
	lock_take(&damage->lock);
	damage->tell = tell;
	damage->ctx = ctx;
	lock_drop(&damage->lock);
	for (struct store_damage_note *note = damage->first; note; note = note->next) {
		if (!note->is_told)
			tell(ctx, note->place, note->what.text);
		note->is_told = true;
	}
}
