/*
 * log.c - where lines go, and the queue in front of it. One state for the process, like stderr itself. A line that is
 * said while nobody keeps up is dropped: the filesystem never waits for its log.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/io.h"
#include "base/limits.h"
#include "base/lock.h"
#include "log_line.h"

#define LINE_SIZE 2048

static const struct target {
	const char *name;
	log_writer *write;
} targets[] = {
	[LOG_TO_AUTO] = {"auto", NULL},
	[LOG_TO_JOURNAL] = {"journal", log_write_journal},
	[LOG_TO_SYSLOG] = {"syslog", log_write_syslog},
	[LOG_TO_STDERR] = {"stderr", log_write_text},
	[LOG_TO_JSON] = {"json", log_write_json},
};

static struct {
	enum log_level max_level;
	enum log_target target;
	_Atomic bool has_terminal; /* warnings and errors are for whoever waits there, too */

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t filled;
	pthread_cond_t emptied;
	pthread_t writer;
	bool queued;
	bool ending;
	bool writing; /* a line that is not in the queue any more */
	struct log_line *first, **last;
	size_t count;
	uint64_t dropped;
} state = {
	.max_level = LOG_LEVEL_NOTICE,
	.target = LOG_TO_STDERR,
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.filled = PTHREAD_COND_INITIALIZER,
	.emptied = PTHREAD_COND_INITIALIZER,
	.last = &state.first,
};

const char *log_target_name(enum log_target target)
{
	return targets[target].name;
}

bool log_target_parse(const char *name, enum log_target *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		if (strcmp(targets[i].name, name) == 0) {
			*ret = (enum log_target)i;
			return true;
		}
	}
	return false;
}

/* ---- the queue ---- */

static void count_drop_locked(size_t count)
{
	state.dropped += count;
}

static void put_locked(struct log_line *line)
{
	*state.last = line;
	state.last = &line->next;
	state.count++;
	ASSERT(pthread_cond_signal(&state.filled) == 0);
}

static struct log_line *take_locked(void)
{
	struct log_line *line = state.first;
	if (!line)
		return NULL;
	state.first = line->next;
	if (!state.first)
		state.last = &state.first;
	state.count--;
	return line;
}

/* How many were dropped since this was said last, once there is room again. */
static uint64_t take_dropped_locked(void)
{
	uint64_t dropped = state.count <= LIMIT_LOG_LINES / 2 ? state.dropped : 0;
	if (dropped > 0)
		state.dropped = 0;
	return dropped;
}

static bool write_dropped(uint64_t dropped)
{
	char text[160];
	(void)snprintf(text, sizeof(text),
		       "%llu lines of this log were dropped, because it was not written fast enough; the audit log has "
		       "every decision",
		       (unsigned long long)dropped);
	struct log_line *line = log_line_new(&(struct log_entry){.level = LOG_LEVEL_WARNING, .text = text});
	bool written = line && targets[state.target].write(&line->entry);
	free(line);
	return written;
}

/* Lock held, and given back meanwhile. */
static void write_one_locked(void)
{
	uint64_t dropped = take_dropped_locked();
	struct log_line *line = take_locked();
	state.writing = true;
	lock_drop(&state.lock);
	bool said = dropped == 0 || write_dropped(dropped);
	bool written = !line || targets[state.target].write(&line->entry);
	free(line);
	lock_take(&state.lock);
	state.writing = false;
	count_drop_locked((said ? 0 : dropped) + (written ? 0 : 1));
	ASSERT(pthread_cond_broadcast(&state.emptied) == 0);
}

static void *write_lines(void *unused)
{
	lock_take(&state.lock);
	while (!state.ending || state.first) {
		if (state.first)
			write_one_locked();
		else
			ASSERT(pthread_cond_wait(&state.filled, &state.lock) == 0);
	}
	lock_drop(&state.lock);
	return unused;
}

static void enqueue_locked(const struct log_entry *entry)
{
	struct log_line *line = state.ending || state.count >= LIMIT_LOG_LINES ? NULL : log_line_new(entry);
	if (line)
		put_locked(line);
	else
		count_drop_locked(1);
}

/* A queue that was inherited by fork has no thread any more: what is in it is the parent's. */
static void start_queue(void)
{
	state.first = NULL;
	state.last = &state.first;
	state.count = 0;
	state.ending = false;
	state.queued = pthread_create(&state.writer, NULL, write_lines, NULL) == 0;
}

/* False: the writer is stuck. */
static bool await_empty_locked(void)
{
	struct timespec until;
	ASSERT(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
	until.tv_sec += LIMIT_LOG_CLOSE_MS / 1000;
	int r = 0;
	while (r == 0 && (state.first || state.writing))
		r = pthread_cond_clockwait(&state.emptied, &state.lock, CLOCK_MONOTONIC, &until);
	return r == 0;
}

void log_close(void)
{
	if (!state.queued)
		return;
	lock_take(&state.lock);
	bool is_empty = await_empty_locked();
	state.ending = true;
	ASSERT(pthread_cond_signal(&state.filled) == 0);
	lock_drop(&state.lock);
	ASSERT((is_empty ? pthread_join(state.writer, NULL) : pthread_detach(state.writer)) == 0);
	state.queued = !is_empty;
}

/* ---- where to ---- */

static enum log_target choose(const struct log_options *options)
{
	if (options->target != LOG_TO_AUTO && options->target != LOG_TO_JOURNAL)
		return options->target;
	bool wants_journal = options->target == LOG_TO_JOURNAL || options->background || log_stderr_is_journal();
	if (wants_journal && log_has_journal())
		return LOG_TO_JOURNAL;
	return options->background ? LOG_TO_SYSLOG : LOG_TO_STDERR;
}

static bool is_on_stderr(void)
{
	return state.target == LOG_TO_STDERR || state.target == LOG_TO_JSON;
}

void log_open(const struct log_options *options)
{
	state.target = choose(options);
	state.has_terminal = options->background && !is_on_stderr();
	if (state.target == LOG_TO_SYSLOG)
		openlog("vouchfs", LOG_PID | LOG_NDELAY, LOG_DAEMON);
	if (options->queued)
		start_queue();
	else if (options->target == LOG_TO_JOURNAL && state.target != LOG_TO_JOURNAL) /* once, not by each process */
		log_warning("log = journal: there is no journal here; the log goes to %s", targets[state.target].name);
}

void log_leave_terminal(void)
{
	state.has_terminal = false;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	for (int i = STDIN_FILENO; i <= (is_on_stderr() ? STDOUT_FILENO : STDERR_FILENO); i++)
		(void)dup3(fd, i, 0); /* fails where it is that one, which is right then */
	io_close(&fd);
}

/* ---- what is said ---- */

void log_set_level(enum log_level level)
{
	state.max_level = level;
}

static void write_now(const struct log_entry *entry)
{
	struct log_line *line = log_line_new(entry);
	if (!line || !targets[state.target].write(&line->entry))
		(void)log_write_text(entry);
	free(line);
}

void log_write(const struct log_entry *entry)
{
	if (entry->level > state.max_level)
		return;
	if (state.has_terminal && entry->level <= LOG_LEVEL_WARNING)
		(void)log_write_text(entry);
	if (!state.queued) {
		write_now(entry);
		return;
	}
	lock_take(&state.lock);
	enqueue_locked(entry);
	lock_drop(&state.lock);
}

void log_print(enum log_level level, const char *format, ...)
{
	char line[LINE_SIZE];
	va_list args;
	va_start(args, format);
	int used = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (used >= 0)
		log_write(&(struct log_entry){.level = level, .text = line});
}
