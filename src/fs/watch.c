#include "watch.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"

enum source { SOURCE_LISTS, SOURCE_FILES, SOURCE_DUE, SOURCE_SETTLE, SOURCE_COUNT };

static int listen_to(const struct watch *watch, int fd, enum source source)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = source};
	return epoll_ctl(watch->fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* ---- the files ---- */

struct adding {
	const struct watch *watch;
	struct watch_set set;
	int failed_before;
	int failed;
};

static void complain(struct adding *a, const char *path, int error)
{
	if (error != a->failed_before) {
		char text[512];
		text_escape_print(text, sizeof(text), path, strlen(path));
		log_warning("changes of %s cannot be watched: %s", text, strerror(-error));
	}
	a->failed = error;
}

static void add_path(void *ctx, const char *path)
{
	struct adding *a = ctx;
	int r = watch_set_add(&a->set, path);
	if (r < 0)
		complain(a, path, r);
}

static void add_file(void *ctx, const char *path, bool is_directory)
{
	struct adding *a = ctx;
	int r = is_directory ? watch_set_add_directory(&a->set, path) : watch_set_add(&a->set, path);
	if (r < 0)
		complain(a, path, r);
}

static void add_lists(struct adding *a)
{
	slots_each_list(a->watch->slots, add_path, a);
	if (clock_test_file())
		add_path(a, clock_test_file());
}

static void add_files(struct adding *a)
{
	slots_each_file(a->watch->slots, add_file, a);
}

/* The new set is there before the old one goes, and before the files are looked at. */
static int make_set(const struct watch *watch, enum source source, void (*add)(struct adding *a), struct watched *ret)
{
	struct adding a = {.watch = watch, .failed_before = ret->failed};
	int r = watch_set_init(&a.set);
	if (r < 0)
		return r;
	add(&a);
	r = listen_to(watch, a.set.inotify, source);
	if (r < 0) {
		watch_set_done(&a.set);
		return r;
	}
	watch_set_done(&ret->set);
	*ret = (struct watched){.set = a.set, .failed = a.failed};
	return 0;
}

static void renew_set(const struct watch *watch, enum source source, void (*add)(struct adding *a), struct watched *set)
{
	int r = make_set(watch, source, add, set);
	if (r < 0 && r != set->failed)
		log_error("changes of the %s cannot be watched: %s",
			  source == SOURCE_LISTS ? "revocation lists" : "configuration's files", strerror(-r));
	if (r < 0)
		set->failed = r;
}

/* Something may change without our being told. Of the configuration only what passes counts: we may not see it all. */
static bool is_blind(const struct watch *watch)
{
	return watch->lists.failed < 0 || watch->files.failed == -ENOMEM;
}

/* ---- following ---- */

static void arm_settle(struct watch *watch, uint64_t after_ms)
{
	struct itimerspec when = {0};
	if (after_ms != UINT64_MAX) {
		after_ms++; /* 0 would disarm it, and a timer may not be early */
		when.it_value.tv_sec = (time_t)(after_ms / 1000);
		when.it_value.tv_nsec = (long)(after_ms % 1000) * 1000000;
	}
	ASSERT(timerfd_settime(watch->settle, 0, &when, NULL) == 0);
}

static void follow(struct watch *watch)
{
	uint64_t after_ms = slots_follow(watch->slots);
	arm_settle(watch, is_blind(watch) && after_ms > LIMIT_LIST_AGAIN_MS ? LIMIT_LIST_AGAIN_MS : after_ms);
}

void watch_renew(struct watch *watch)
{
	if (watch->fd < 0)
		return;
	watch->generation = slots_paths_generation(watch->slots); /* first: what comes now is found out */
	renew_set(watch, SOURCE_LISTS, add_lists, &watch->lists);
	renew_set(watch, SOURCE_FILES, add_files, &watch->files);
	follow(watch);
}

void watch_run(struct watch *watch)
{
	struct epoll_event events[SOURCE_COUNT];
	bool is_due = false, has_changed = false;
	int count = epoll_pwait(watch->fd, events, SOURCE_COUNT, 0, NULL);
	for (int i = 0; i < count; i++) {
		if (events[i].data.u32 == SOURCE_LISTS) {
			has_changed |= watch_set_take(&watch->lists.set);
		} else if (events[i].data.u32 == SOURCE_FILES) {
			if (!watch_set_take(&watch->files.set))
				continue;
			slots_note_change(watch->slots);
			has_changed = true;
		} else {
			is_due = true; /* following takes the one timer and sets the other */
		}
	}
	if (is_due && slots_paths_generation(watch->slots) != watch->generation)
		has_changed = true; /* a bundle comes on another thread, which has only said that something is due */
	if (is_due && is_blind(watch))
		has_changed = true; /* perhaps they can be watched now */
	if (has_changed)
		watch_renew(watch);
	else if (is_due)
		follow(watch);
}

int watch_init(struct watch *watch, struct slots *slots)
{
	*watch = (struct watch)WATCH_NONE;
	watch->slots = slots;
	watch->fd = epoll_create1(EPOLL_CLOEXEC);
	if (watch->fd < 0)
		return -errno;
	watch->settle = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int r = watch->settle < 0 ? -errno : listen_to(watch, watch->settle, SOURCE_SETTLE);
	if (r == 0)
		r = listen_to(watch, slots_due_fd(slots), SOURCE_DUE);
	if (r < 0) {
		watch_done(watch);
		return r;
	}
	watch_renew(watch); /* lists may have changed since they were read */
	return 0;
}

void watch_done(struct watch *watch)
{
	watch_set_done(&watch->lists.set);
	watch_set_done(&watch->files.set);
	io_close(&watch->settle);
	io_close(&watch->fd);
}
