#include "sweep.h"

#include <errno.h>
#include <limits.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"

#define NEVER	      UINT64_MAX
#define AFTER_POKE_MS 1000 /* a thousand files that come at once are looked at once */

int sweep_init(struct sweep *sweep)
{
	sweep->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (sweep->fd < 0)
		return -errno;
	atomic_init(&sweep->at_ms, 0); /* what a daemon before us has left */
	return 0;
}

void sweep_done(struct sweep *sweep)
{
	io_close(&sweep->fd);
}

/* Not later than that; true: it would have been. */
static bool bring_forward(struct sweep *sweep, uint64_t at_ms)
{
	uint64_t before_ms = atomic_load(&sweep->at_ms);
	while (at_ms < before_ms)
		if (atomic_compare_exchange_weak(&sweep->at_ms, &before_ms, at_ms))
			return true;
	return false;
}

void sweep_poke(struct sweep *sweep)
{
	const uint64_t one = 1;
	if (bring_forward(sweep, clock_steady_ms() + AFTER_POKE_MS))
		(void)io_write_full(sweep->fd, &one, sizeof(one));
}

int sweep_timeout_ms(const struct sweep *sweep)
{
	uint64_t now_ms = clock_steady_ms(), at_ms = atomic_load(&sweep->at_ms);
	if (at_ms == NEVER)
		return -1;
	if (at_ms <= now_ms)
		return 0;
	uint64_t wait_ms = at_ms - now_ms;
	return wait_ms < INT_MAX ? (int)wait_ms : INT_MAX;
}

void sweep_run(struct sweep *sweep, const struct tree_ops *ops, void *tree)
{
	uint64_t count, at_ms;
	(void)!read(sweep->fd, &count, sizeof(count)); /* it has woken us up, to see the time */
	if (atomic_load(&sweep->at_ms) > clock_steady_ms())
		return;

	atomic_store(&sweep->at_ms, NEVER); /* who pokes from here on is heard */
	uint64_t due_ms = ops->sweep(tree);
	if (due_ms == NEVER)
		return;
	if (!base_add_u64(clock_steady_ms(), due_ms, &at_ms))
		at_ms = NEVER - 1;
	(void)bring_forward(sweep, at_ms);
}
