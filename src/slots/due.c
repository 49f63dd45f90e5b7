#include "due.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/lock.h"

#define FAR_S 253402300799 /* the year 9999; armed, so that a clock that is set is noticed */

static int set_timer(struct due *due, const struct timespec *at)
{
	const struct itimerspec when = {.it_value = *at};
	return timerfd_settime(due->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL) < 0 ? -errno : 0;
}

static void fire_locked(struct due *due)
{
	const struct timespec long_ago = {.tv_nsec = 1};
	due->at_s = INT64_MIN;
	if (set_timer(due, &long_ago) == -ECANCELED) /* it has told us what it had to tell */
		(void)set_timer(due, &long_ago);
}

/* That the clock was set may come out here instead of at the next read. */
static void arm_locked(struct due *due)
{
	struct timespec at = {.tv_sec = FAR_S};
	if (due->at_s < FAR_S && !clock_test_file())
		at.tv_sec = due->at_s > 0 ? due->at_s : 1;
	if (set_timer(due, &at) == -ECANCELED)
		fire_locked(due);
}

int due_init(struct due *due)
{
	due->at_s = INT64_MAX;
	due->fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (due->fd < 0)
		return -errno;
	lock_init(&due->lock);
	arm_locked(due);
	return 0;
}

void due_done(struct due *due)
{
	if (due->fd < 0)
		return;
	lock_done(&due->lock);
	io_close(&due->fd);
}

void due_by(struct due *due, int64_t at_s)
{
	lock_take(&due->lock);
	if (at_s < due->at_s) {
		due->at_s = at_s;
		arm_locked(due);
	}
	lock_drop(&due->lock);
}

void due_now(struct due *due)
{
	lock_take(&due->lock);
	fire_locked(due);
	lock_drop(&due->lock);
}

void due_take(struct due *due)
{
	uint64_t count;
	lock_take(&due->lock);
	(void)!read(due->fd, &count, sizeof(count)); /* or ECANCELED, which says the same */
	due->at_s = INT64_MAX;
	arm_locked(due);
	lock_drop(&due->lock);
}
