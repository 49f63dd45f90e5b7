/*
 * The file that node_exporter's textfile collector reads: written whole under another name, then renamed, by a thread
 * that is started when there is such a file. It is written again after a change, and once in an interval as a sign of
 * life; it is removed at the end, so that what is there is never older than a daemon that died.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/access.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/text.h"
#include "metrics.h"

#define PAUSE_MS    1000 /* after one was written: changes that come together are written together, and... */
#define PAUSE_SHARE 20	 /* ...no more than a twentieth of the time is spent on writing */
#define SHOWN_SIZE  512

struct metrics_file {
	struct slots *slots;
	pthread_t thread;
	bool is_started; /* only whoever starts and frees it */

	pthread_mutex_t lock; /* what follows; nothing is taken under it */
	pthread_cond_t woken;
	bool is_changed;
	bool is_ending;

	/* the thread's own */
	char *path; /* what was written last, or NULL */
	int error;  /* that was logged last; 0: none since it was written */
};

/* ---- writing ---- */

/* Old numbers would be taken for today's. */
static void forget_path(struct metrics_file *file)
{
	if (file->path)
		(void)io_unlinkat(AT_FDCWD, file->path, 0);
	free(file->path);
	file->path = NULL;
	file->error = 0;
}

static void take_path(struct metrics_file *file, const char *path)
{
	if (path && file->path && strcmp(path, file->path) == 0)
		return;
	forget_path(file);
	file->path = path ? strdup(path) : NULL;
}

/* The directory that it is in. */
static bool is_closed(const char *path)
{
	char *directory = strndup(path, (size_t)(strrchr(path, '/') - path) + 1);
	bool closed = directory && access_is_closed(directory, W_OK);
	free(directory);
	return closed;
}

/* Once for each failure, and once when it is over. */
static void say(struct metrics_file *file, int r)
{
	char shown[SHOWN_SIZE];
	if (r == file->error)
		return;
	text_escape_print(shown, sizeof(shown), file->path, strlen(file->path));
	if (r == 0)
		log_notice("metrics: %s is written again", shown);
	else if (r == -EACCES && is_closed(file->path))
		log_warning("metrics: %s cannot be written: %s" ACCESS_CLOSED, shown, strerror(-r));
	else if (r == -EACCES || r == -EPERM)
		log_warning("metrics: %s cannot be written: %s; uid %u, which vouchfs runs as, needs to be able to "
			    "write into that directory (setfacl -m u:%u:rwx DIRECTORY)",
			    shown, strerror(-r), geteuid(), geteuid());
	else if (r == -ENOENT)
		log_warning("metrics: %s cannot be written: its directory is not there; make it, or name another "
			    "metrics_textfile",
			    shown);
	else
		log_warning("metrics: %s cannot be written: %s", shown, strerror(-r));
	file->error = r;
}

static void write_file(struct metrics_file *file)
{
	struct buf text = {0};
	int r = control_render_metrics(file->slots, &text);
	if (r == 0)
		r = io_publish_file(file->path, text.data, text.len);
	buf_done(&text);
	say(file, r);
}

/* ---- the thread ---- */

static struct timespec after_ms(struct timespec from, uint64_t ms)
{
	uint64_t ns = (uint64_t)from.tv_nsec + ms % 1000 * 1000000;
	return (struct timespec){
		.tv_sec = from.tv_sec + (time_t)(ms / 1000) + (time_t)(ns / 1000000000),
		.tv_nsec = (long)(ns % 1000000000),
	};
}

/* False: the time has come. */
static bool wait_until_locked(struct metrics_file *file, const struct timespec *at)
{
	if (!at) {
		ASSERT(pthread_cond_wait(&file->woken, &file->lock) == 0);
		return true;
	}
	int r = pthread_cond_timedwait(&file->woken, &file->lock, at);
	ASSERT(r == 0 || r == ETIMEDOUT);
	return r == 0;
}

/* Until it is to be written again; false: it is to end. interval_ms 0: only when something has changed. */
static bool wait_for_news(struct metrics_file *file, uint64_t pause_ms, uint64_t interval_ms)
{
	struct timespec now;
	ASSERT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	const struct timespec rested = after_ms(now, pause_ms);
	const struct timespec due = after_ms(now, interval_ms > pause_ms ? interval_ms : pause_ms);
	lock_take(&file->lock);
	while (!file->is_ending && wait_until_locked(file, &rested))
		;
	while (!file->is_ending && !file->is_changed && wait_until_locked(file, interval_ms > 0 ? &due : NULL))
		;
	file->is_changed = false; /* what changes from here on is written the next time */
	bool goes_on = !file->is_ending;
	lock_drop(&file->lock);
	return goes_on;
}

static void *thread_main(void *ctx)
{
	struct metrics_file *file = ctx;
	uint64_t pause_ms, interval_ms;
	(void)pthread_setname_np(pthread_self(), "metrics"); /* another one's is a file of /proc, which is closed */
	do {
		uint64_t began_ms = clock_monotonic_ms();
		struct trust *trust = slots_trust(file->slots);
		take_path(file, trust->config->metrics_textfile);
		interval_ms = file->path ? trust->config->metrics_interval_s * 1000 : 0;
		trust_unref(trust);
		if (file->path)
			write_file(file);
		pause_ms = (clock_monotonic_ms() - began_ms) * PAUSE_SHARE;
	} while (wait_for_news(file, pause_ms > PAUSE_MS ? pause_ms : PAUSE_MS, interval_ms));
	forget_path(file);
	return NULL;
}

/* ---- its life ---- */

int metrics_file_new(struct slots *slots, struct metrics_file **ret)
{
	struct metrics_file *file = calloc(1, sizeof(*file));
	pthread_condattr_t attr;
	if (!file)
		return -ENOMEM;
	file->slots = slots;
	lock_init(&file->lock);
	ASSERT(pthread_condattr_init(&attr) == 0);
	ASSERT(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
	ASSERT(pthread_cond_init(&file->woken, &attr) == 0);
	ASSERT(pthread_condattr_destroy(&attr) == 0);
	*ret = file;
	return 0;
}

static void start(struct metrics_file *file)
{
	int r = -pthread_create(&file->thread, NULL, thread_main, file);
	file->is_started = r == 0;
	if (r < 0)
		log_warning("metrics: nothing is written: %s", strerror(-r));
}

void metrics_file_follow(struct metrics_file *file)
{
	struct trust *trust = slots_trust(file->slots);
	if (!file->is_started && trust->config->metrics_textfile)
		start(file);
	trust_unref(trust);
	metrics_file_poke(file);
}

void metrics_file_poke(struct metrics_file *file)
{
	lock_take(&file->lock);
	if (!file->is_changed)
		ASSERT(pthread_cond_signal(&file->woken) == 0);
	file->is_changed = true;
	lock_drop(&file->lock);
}

void metrics_file_end(struct metrics_file *file)
{
	if (!file || !file->is_started)
		return;
	lock_take(&file->lock);
	file->is_ending = true;
	ASSERT(pthread_cond_signal(&file->woken) == 0);
	lock_drop(&file->lock);
	ASSERT(pthread_join(file->thread, NULL) == 0);
	file->is_started = false;
}

void metrics_file_free(struct metrics_file *file)
{
	if (!file)
		return;
	metrics_file_end(file);
	ASSERT(pthread_cond_destroy(&file->woken) == 0);
	lock_done(&file->lock);
	free(file);
}
