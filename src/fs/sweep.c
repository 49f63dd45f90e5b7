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
	sweep->at_ms = 0; /* what a daemon before us has left */
	atomic_init(&sweep->scheduled, true);
	return 0;
}

void sweep_done(struct sweep *sweep)
{
	io_close(&sweep->fd);
}

void sweep_poke(struct sweep *sweep)
{
	const uint64_t one = 1;
	if (!atomic_exchange(&sweep->scheduled, true))
		(void)io_write_full(sweep->fd, &one, sizeof(one));
}

int sweep_timeout_ms(const struct sweep *sweep)
{
	uint64_t now_ms = clock_monotonic_ms();
	if (sweep->at_ms == NEVER)
		return -1;
	if (sweep->at_ms <= now_ms)
		return 0;
	uint64_t wait_ms = sweep->at_ms - now_ms;
	return wait_ms < INT_MAX ? (int)wait_ms : INT_MAX;
}

void sweep_run(struct sweep *sweep, const struct tree_ops *ops, void *tree)
{
	uint64_t count, now_ms = clock_monotonic_ms();
	if (read(sweep->fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
		sweep->at_ms = now_ms + AFTER_POKE_MS;
	if (sweep->at_ms > now_ms)
		return;

	atomic_store(&sweep->scheduled, false);
	uint64_t due_ms = ops->sweep(tree);
	if (due_ms == NEVER) {
		sweep->at_ms = NEVER;
		return;
	}
	if (!base_add_u64(clock_monotonic_ms(), due_ms, &sweep->at_ms))
		sweep->at_ms = NEVER - 1;
	atomic_store(&sweep->scheduled, true);
}
