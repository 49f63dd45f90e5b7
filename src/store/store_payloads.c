/* The ring of open payloads, and a hand that goes round and closes what was not used since it came by. */
#include "store_payloads.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/io.h"
#include "base/lock.h"

#define CLOSED (-1)

void store_payloads_init(struct store_payloads *payloads)
{
	struct rlimit limit;
	rlim_t share = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur / STORE_PAYLOADS_SHARE : 0;
	*payloads = (struct store_payloads){.max = STORE_PAYLOADS_MAX};
	if (share < STORE_PAYLOADS_MAX)
		payloads->max = share > 0 ? (size_t)share : 1;
	lock_init(&payloads->lock);
}

void store_payloads_done(struct store_payloads *payloads)
{
	ASSERT(payloads->count == 0);
	lock_done(&payloads->lock);
}

/* ---- the ring ---- */

/* Behind the hand, as used just now: it comes to this one last, and passes it once. */
static void enter_locked(struct store_payloads *payloads, struct store_payload *payload)
{
	struct store_payload *hand = payloads->hand ? payloads->hand : payload;
	if (hand == payload)
		payload->previous = payload;
	payload->next = hand;
	payload->previous = hand->previous;
	hand->previous->next = payload;
	hand->previous = payload;
	payloads->hand = hand;
	payloads->count++;
	atomic_store(&payload->was_used, true);
}

static void leave_locked(struct store_payloads *payloads, struct store_payload *payload)
{
	if (!payload->next)
		return;
	payload->previous->next = payload->next;
	payload->next->previous = payload->previous;
	if (payloads->hand == payload)
		payloads->hand = payload->next;
	if (--payloads->count == 0)
		payloads->hand = NULL;
	payload->next = payload->previous = NULL;
}

/* The descriptor of one that nobody reads from, for the caller to close; -1: all are in use. */
static int take_out_locked(struct store_payloads *payloads)
{
	for (size_t steps = 2 * payloads->count; steps > 0; steps--) {
		struct store_payload *payload = payloads->hand;
		payloads->hand = payload->next;
		int nobody = 0;
		if (atomic_exchange(&payload->was_used, false) ||
		    !atomic_compare_exchange_strong(&payload->users, &nobody, CLOSED))
			continue;
		int fd = payload->fd;
		payload->fd = -1;
		leave_locked(payloads, payload);
		return fd;
	}
	return -1;
}

/* Closes one where there are more than this; false: none, or all are in use. */
static bool close_one_above(struct store_payloads *payloads, size_t max)
{
	lock_take(&payloads->lock);
	int fd = payloads->count > max ? take_out_locked(payloads) : -1;
	lock_drop(&payloads->lock); /* closing may take long */
	bool is_one = fd >= 0;
	io_close(&fd);
	return is_one;
}

/* Where all are in use there are more than max, until others come. */
static void close_surplus(struct store_payloads *payloads)
{
	while (close_one_above(payloads, payloads->max))
		continue;
}

bool store_payloads_make_room(struct store_payloads *payloads, int r)
{
	return (r == -EMFILE || r == -ENFILE) && close_one_above(payloads, 0);
}

/* ---- one payload ---- */

void store_payload_init(struct store_payload *payload, int fd)
{
	*payload = (struct store_payload){.fd = fd, .is_kept = true};
}

void store_payload_done(struct store_payloads *payloads, struct store_payload *payload)
{
	store_payload_keep(payloads, payload);
	io_close(&payload->fd);
}

void store_payload_keep(struct store_payloads *payloads, struct store_payload *payload)
{
	lock_take(&payloads->lock);
	payload->is_kept = true;
	leave_locked(payloads, payload);
	lock_drop(&payloads->lock);
}

static void let_go_locked(struct store_payloads *payloads, struct store_payload *payload)
{
	payload->is_kept = false;
	if (!payload->next && atomic_load(&payload->users) != CLOSED)
		enter_locked(payloads, payload);
}

void store_payload_let_go(struct store_payloads *payloads, struct store_payload *payload)
{
	lock_take(&payloads->lock);
	let_go_locked(payloads, payload);
	lock_drop(&payloads->lock);
	close_surplus(payloads);
}

bool store_payload_take(struct store_payload *payload)
{
	int users = atomic_load(&payload->users);
	while (users != CLOSED) {
		if (!atomic_compare_exchange_weak(&payload->users, &users, users + 1))
			continue;
		if (!atomic_load_explicit(&payload->was_used, memory_order_relaxed))
			atomic_store_explicit(&payload->was_used, true, memory_order_relaxed);
		return true;
	}
	return false;
}

void store_payload_give_back(struct store_payload *payload)
{
	atomic_fetch_sub(&payload->users, 1);
}

/* ---- what it reads from ---- */

static void open_locked(struct store_payload *payload, int *fd)
{
	payload->fd = *fd;
	*fd = -1;
	payload->changes++;
	atomic_store(&payload->users, 0); /* last: from here on it can be taken */
}

uint64_t store_payload_changes(struct store_payloads *payloads, const struct store_payload *payload)
{
	lock_take(&payloads->lock);
	uint64_t changes = payload->changes;
	lock_drop(&payloads->lock);
	return changes;
}

bool store_payload_offer(struct store_payloads *payloads, struct store_payload *payload, uint64_t changes, int *fd)
{
	lock_take(&payloads->lock);
	bool is_missing = payload->changes == changes && atomic_load(&payload->users) == CLOSED;
	bool is_opened = is_missing && *fd >= 0;
	if (is_opened) {
		open_locked(payload, fd);
		if (!payload->is_kept)
			enter_locked(payloads, payload);
	}
	lock_drop(&payloads->lock);
	if (is_opened)
		close_surplus(payloads);
	return is_opened || !is_missing;
}

bool store_payload_adopt(struct store_payloads *payloads, struct store_payload *payload, struct store_payload *from)
{
	bool is_adopted = true;
	lock_take(&payloads->lock);
	if (atomic_load(&payload->users) == CLOSED) {
		open_locked(payload, &from->fd);
	} else {
		is_adopted = dup3(from->fd, payload->fd, O_CLOEXEC) >= 0;
		payload->changes += is_adopted;
	}
	if (is_adopted)
		let_go_locked(payloads, payload);
	lock_drop(&payloads->lock);
	close_surplus(payloads);
	return is_adopted;
}
