/* Break glasses in memory: they begin, end, and expire; what is served is judged again each time. */
#include "break_glass.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "internal.h"

#define MINUTE_S 60

/* ---- time ---- */

struct break_glass_now break_glass_now(void)
{
	return (struct break_glass_now){.at_s = clock_now_s(), .boot_s = clock_boot_s()};
}

int64_t break_glass_left_s(const struct break_glass *glass, const struct break_glass_now *now)
{
	int64_t left_s = glass->what.until_s - now->at_s;
	int64_t passed_s = now->boot_s > glass->began_boot_s ? now->boot_s - glass->began_boot_s : 0;
	int64_t left_by_boot_s = glass->what.until_s - glass->began_at_s - passed_s;
	if (now->at_s < glass->began_at_s || left_s <= 0 || left_by_boot_s <= 0)
		return 0;
	return left_s < left_by_boot_s ? left_s : left_by_boot_s;
}

/* ---- in memory ---- */

bool slot_break_glass_locked(const struct slot *slot, struct break_glass *ret)
{
	if (!slot->glass)
		return false;
	const struct break_glass_now now = break_glass_now();
	if (break_glass_left_s(slot->glass, &now) == 0)
		return false;
	*ret = *slot->glass;
	return true;
}

/* It stays in the list until break_glass_follow finds nothing in it any more. */
static void enlist_locked(struct slot *slot)
{
	if (slot->is_with_glass)
		return;
	slot->is_with_glass = true;
	slot->next_with_glass = slot->slots->with_glass;
	slot->slots->with_glass = slot;
}

/* Takes glass over; NULL: none any more. Slot lock held. */
static void install(struct slot *slot, struct break_glass *glass)
{
	struct slots *slots = slot->slots;
	lock_take(&slots->lock);
	struct break_glass *before = slot->glass;
	slot->glass = glass;
	atomic_store(&slot->glass_seq, glass ? glass->what.seq : 0);
	if (glass)
		enlist_locked(slot);
	lock_drop(&slots->lock);
	free(before);
}

static void arm(const struct slot *slot, const struct break_glass *glass)
{
	const struct break_glass_now now = break_glass_now();
	due_by(&slot->slots->due, now.at_s + break_glass_left_s(glass, &now));
}

/* ---- the end ---- */

/* In memory first: whatever fails behind that, it is over. Slot lock held. */
static void end_locked(struct slot *slot, const struct break_glass *glass, enum audit_event event,
		       const struct audit_who *who, const char *detail)
{
	const struct gate_break_glass what = glass->what;
	install(slot, NULL); /* which may free it */
	const struct audit_record record = {.event = event,
					    .who = who,
					    .slot = slot->path,
					    .until_s = what.until_s,
					    .break_glass = what.seq,
					    .detail = detail};
	int r = audit_append(slot->slots->audit, &record, NULL);
	if (r < 0)
		log_error("audit log: the end of a break glass on %s: %s", slot->path, strerror(-r));
	r = break_glass_save(slot, NULL);
	if (r < 0)
		log_error("%s: the end of its break glass could not be written down: %s", slot->path, strerror(-r));
}

void slot_drop_break_glass_locked(struct slot *slot, const struct audit_who *who)
{
	if (slot->glass)
		end_locked(slot, slot->glass, AUDIT_BREAK_GLASS_ENDED, who, "the slot was removed");
}

/* What is judged otherwise now is pushed to the kernel before anybody is told that it is in force, or over. */
static void follow_change(struct slots *slots)
{
	slots_judge_served(slots);
	if (slots->notify.settle)
		slots->notify.settle(slots->notify.ctx);
}

int slot_end_break_glass(struct slot *slot, const struct audit_who *who)
{
	struct explain detail;
	struct break_glass glass;
	lock_take(&slot->lock);
	lock_take(&slot->slots->lock);
	bool is_in_force = slot_break_glass_locked(slot, &glass);
	lock_drop(&slot->slots->lock);
	if (is_in_force) {
		explain_set(&detail, "by uid %u, before its time", who->uid);
		end_locked(slot, &glass, AUDIT_BREAK_GLASS_ENDED, who, detail.text);
	}
	lock_drop(&slot->lock);
	if (!is_in_force)
		return -ENODATA;
	follow_change(slot->slots);
	return 0;
}

/* ---- the beginning ---- */

static bool is_within_bounds(const struct break_glass_request *request)
{
	size_t len = strlen(request->reason);
	return request->minutes >= 1 && request->minutes <= LIMIT_BREAK_GLASS_MINUTES && len > 0 &&
	       len <= LIMIT_REASON_BYTES && text_is_printable(request->reason, len);
}

static struct break_glass *make(const struct break_glass_request *request, const struct audit_who *who)
{
	struct break_glass *glass = calloc(1, sizeof(*glass));
	const struct break_glass_now now = break_glass_now();
	if (!glass)
		return NULL;
	glass->began_at_s = now.at_s;
	glass->began_boot_s = now.boot_s;
	glass->what.until_s = now.at_s + (int64_t)request->minutes * MINUTE_S;
	glass->what.uid = who->uid;
	memcpy(glass->what.reason, request->reason, strlen(request->reason));
	return glass;
}

/* The record that it is known by from here on. */
static int record_beginning(const struct slot *slot, const struct break_glass_request *request,
			    const struct audit_who *who, const char *config, struct break_glass *glass)
{
	char until[CLOCK_UTC_SIZE];
	struct explain detail;
	clock_format_utc(glass->what.until_s, until);
	explain_set(&detail, "until %s: %s", until, request->reason);
	const struct audit_record record = {
		.event = AUDIT_BREAK_GLASS_BEGUN,
		.who = who,
		.slot = slot->path,
		.config = config,
		.until_s = glass->what.until_s,
		.break_glass = slot->glass ? slot->glass->what.seq : 0, /* that it replaces */
		.detail = detail.text,
	};
	return audit_append(slot->slots->audit, &record, &glass->what.seq);
}

static int begin_locked(struct slot *slot, const struct break_glass_request *request, const struct audit_who *who,
			const char *config)
{
	struct break_glass *glass = make(request, who);
	int r = glass ? record_beginning(slot, request, who, config, glass) : -ENOMEM;
	if (r < 0)
		goto out;
	r = break_glass_save(slot, glass);
	if (r < 0) {
		end_locked(slot, glass, AUDIT_BREAK_GLASS_ENDED, NULL,
			   "it could not be written down, so nothing is in force");
		goto out;
	}
	arm(slot, glass);
	install(slot, glass);
	glass = NULL;
out:
	free(glass);
	return r;
}

static int begin_if_judged_locked(struct slot *slot, const struct break_glass_request *request,
				  const struct audit_who *who)
{
	struct trust *trust = slots_trust(slot->slots);
	const struct config_slot *section = slot_section(trust, slot);
	lock_take(&slot->slots->lock);
	bool is_present = slot_is_present(slot, section);
	lock_drop(&slot->slots->lock);
	int r = -ENOENT;
	if (is_present)
		r = section->code_signing ? begin_locked(slot, request, who, section->code_signing->name) : -EOPNOTSUPP;
	trust_unref(trust);
	return r;
}

int slot_break_glass(struct slot *slot, const struct break_glass_request *request, const struct audit_who *who)
{
	if (!is_within_bounds(request))
		return -EINVAL;
	int r = slots_begin_verdict(slot->slots);
	if (r < 0)
		return r;
	lock_take(&slot->lock);
	r = begin_if_judged_locked(slot, request, who);
	lock_drop(&slot->lock);
	follow_change(slot->slots); /* also when it failed: one before has ended */
	slots_end_verdict(slot->slots);
	return r;
}

/* ---- after a restart ---- */

static void drop_stored(struct slot *slot, const struct break_glass *glass, const char *why)
{
	const struct audit_record record = {
		.event = AUDIT_BREAK_GLASS_ENDED, .slot = slot->path, .break_glass = glass->what.seq, .detail = why};
	int r = audit_append(slot->slots->audit, &record, NULL);
	if (r == 0)
		r = break_glass_save(slot, NULL);
	log_error("%s: a break glass in the store does not count: %s%s%s", slot->path, why, r < 0 ? "; " : "",
		  r < 0 ? strerror(-r) : "");
}

static void log_still_in_force(const struct slot *slot, const struct break_glass *glass)
{
	char until[CLOCK_UTC_SIZE];
	clock_format_utc(glass->what.until_s, until);
	log_warning("%s: BREAK GLASS is still in force, until %s, by uid %u: %s", slot->path, until, glass->what.uid,
		    glass->what.reason);
}

void break_glass_load_locked(struct slot *slot)
{
	struct break_glass found = {0};
	struct explain why = {0};
	const struct break_glass_now now = break_glass_now();
	int r = break_glass_read(slot, &found, &why);
	if (r == -EBADMSG)
		drop_stored(slot, &found, why.text);
	else if (r < 0)
		log_error("%s: its break glass cannot be read, none is in force: %s", slot->path, strerror(-r));
	if (r <= 0)
		return;
	struct break_glass *glass = malloc(sizeof(*glass));
	if (!glass) {
		log_error("%s: its break glass is not in force: out of memory", slot->path);
		return;
	}
	*glass = found;
	install(slot, glass);
	if (break_glass_left_s(&found, &now) == 0) {
		end_locked(slot, glass, AUDIT_BREAK_GLASS_EXPIRED, NULL, "while nothing was mounted");
		return;
	}
	log_still_in_force(slot, &found);
	arm(slot, &found);
}

/* ---- following the time ---- */

/* A slot whose break glass is over, or NULL and how long the others have. */
static struct slot *find_over_locked(struct slots *slots, const struct break_glass_now *now, int64_t *ret_left_s)
{
	int64_t left_s = INT64_MAX;
	for (struct slot **at = &slots->with_glass; *at;) {
		struct slot *slot = *at;
		if (!slot->glass) {
			*at = slot->next_with_glass;
			slot->is_with_glass = false;
			continue;
		}
		int64_t its_left_s = break_glass_left_s(slot->glass, now);
		if (its_left_s == 0)
			return slot;
		if (its_left_s < left_s)
			left_s = its_left_s;
		at = &slot->next_with_glass;
	}
	*ret_left_s = left_s;
	return NULL;
}

/* It may have been replaced meanwhile. */
static void expire(struct slot *slot)
{
	const struct break_glass_now now = break_glass_now();
	lock_take(&slot->lock);
	if (slot->glass && break_glass_left_s(slot->glass, &now) == 0)
		end_locked(slot, slot->glass, AUDIT_BREAK_GLASS_EXPIRED, NULL,
			   now.at_s < slot->glass->began_at_s ? "the clock was set back behind its beginning"
							      : "its time is over");
	lock_drop(&slot->lock);
}

void break_glass_follow(struct slots *slots)
{
	for (;;) {
		const struct break_glass_now now = break_glass_now();
		int64_t left_s = INT64_MAX;
		lock_take(&slots->lock);
		struct slot *over = find_over_locked(slots, &now, &left_s);
		lock_drop(&slots->lock);
		if (!over) {
			if (left_s < INT64_MAX)
				due_by(&slots->due, now.at_s + left_s);
			return;
		}
		expire(over);
	}
}
