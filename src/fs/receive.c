#include "receive.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"

#define LOOK_NS (1000ULL * LIMIT_LOOK_US)
#define SOON_NS (2 * LOOK_NS) /* being woken takes as long again */

static uint64_t now_ns(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/*
 * Until there is something to read, an error or a signal, but not for long. Not cancelled in here, where it would never
 * say that it has stopped looking: read is next. Not inlined, so that a thread that is cancelled in read has no
 * variables on its stack here, which the address sanitizer would take for corrupted.
 */
__attribute__((noinline)) static void look(int fd, uint64_t since_ns)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	int state;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	while (poll(&ready, 1, 0) == 0 && now_ns() - since_ns < LOOK_NS)
		(void)sched_yield();
	(void)pthread_setcancelstate(state, NULL);
}

/* Others may have begun to wait since the clock was read. */
static bool came_soon(const struct receiver *receiver)
{
	return (int64_t)(now_ns() - atomic_load(&receiver->idle_ns)) < (int64_t)SOON_NS;
}

ssize_t receive(struct receiver *receiver, int fd, void *buf, size_t size)
{
	uint64_t since_ns = now_ns();
	atomic_store(&receiver->idle_ns, since_ns);
	if (atomic_load(&receiver->is_busy) && !atomic_exchange(&receiver->is_looking, true)) {
		look(fd, since_ns);
		atomic_store(&receiver->is_looking, false);
	}
	ssize_t got = read(fd, buf, size);
	atomic_store(&receiver->is_busy, got >= 0 && came_soon(receiver));
	return got;
}
