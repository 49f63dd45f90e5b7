#include "events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/reader.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/lock.h"
#include "base/log.h"

struct kept {
	uint64_t seq;
	char *line; /* with its newline */
	size_t len;
};

struct events {
	pthread_mutex_t lock; /* taken under the log's; nothing is taken under it */
	struct kept ring[LIMIT_RECENT_RECORDS];
	size_t first, count;
	size_t bytes;
	uint64_t last_seq; /* that was put in */
	struct events_reader *readers;
	size_t reader_count;
	bool has_ended;
	struct tree_waker waker;
};

struct events_reader {
	struct events *events;
	struct events_reader *next;
	uint64_t next_seq;
	struct buf line; /* that is being read */
	size_t line_at;
	bool has_ended;
};

/* ---- the ring; all with the lock held ---- */

static struct kept *kept_at(struct events *events, size_t index)
{
	return &events->ring[(events->first + index) % LIMIT_RECENT_RECORDS];
}

static void drop_oldest(struct events *events)
{
	struct kept *oldest = kept_at(events, 0);
	events->bytes -= oldest->len;
	free(oldest->line);
	*oldest = (struct kept){0};
	events->first = (events->first + 1) % LIMIT_RECENT_RECORDS;
	events->count--;
}

/* Out of memory, the record is missed by those who read: its number is counted all the same. */
static void keep(struct events *events, uint64_t seq, const char *text, size_t len)
{
	char *line = malloc(len + 1);
	events->last_seq = seq;
	if (!line)
		return;
	memcpy(line, text, len);
	line[len] = '\n';
	while (events->count > 0 &&
	       (events->count == LIMIT_RECENT_RECORDS || events->bytes + len + 1 > LIMIT_RECENT_BYTES))
		drop_oldest(events);
	*kept_at(events, events->count++) = (struct kept){.seq = seq, .line = line, .len = len + 1};
	events->bytes += len + 1;
}

/* The first record in the ring of this number or a later one, or NULL. */
static const struct kept *find(struct events *events, uint64_t seq)
{
	size_t low = 0, high = events->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (kept_at(events, middle)->seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low < events->count ? kept_at(events, low) : NULL;
}

static void wake(const struct events *events)
{
	if (events->waker.wake)
		events->waker.wake(events->waker.ctx);
}

/* Under the log's lock. */
static void hear(void *ctx, const struct audit_news *news)
{
	struct events *events = ctx;
	lock_take(&events->lock);
	keep(events, news->seq, news->line, news->len);
	wake(events);
	lock_drop(&events->lock);
}

/* What is in the log already. What cannot be read of it is not there, and keeps nobody from serving. */
static void fill(struct events *events, int log_dirfd)
{
	struct audit_reader *reader = NULL;
	struct audit_line line;
	int r = audit_reader_open_end(log_dirfd, LIMIT_RECENT_BYTES, &reader);
	while (r >= 0 && (r = audit_reader_next(reader, &line)) > 0)
		if (line.seq > events->last_seq && !line.is_torn)
			keep(events, line.seq, line.text, line.len);
	audit_reader_close(reader);
	if (r < 0 && r != -ENOENT)
		log_warning("audit log: earlier records cannot be shown: %s", strerror(-r));
}

int events_new(struct audit *audit, int log_dirfd, struct events **ret)
{
	struct events *events = calloc(1, sizeof(*events));
	if (!events)
		return -ENOMEM;
	lock_init(&events->lock);
	fill(events, log_dirfd);
	int r = audit_listen(audit, hear, events);
	if (r < 0)
		events_free(events);
	else
		*ret = events;
	return r;
}

void events_free(struct events *events)
{
	if (!events)
		return;
	ASSERT(events->reader_count == 0);
	while (events->count > 0)
		drop_oldest(events);
	lock_done(&events->lock);
	free(events);
}

void events_set_waker(struct events *events, const struct tree_waker *waker)
{
	lock_take(&events->lock);
	events->waker = *waker;
	lock_drop(&events->lock);
}

int events_print(struct events *events, struct buf *ret)
{
	lock_take(&events->lock);
	int r = buf_reserve(ret, events->bytes);
	for (size_t i = 0; r == 0 && i < events->count; i++)
		r = buf_append(ret, kept_at(events, i)->line, kept_at(events, i)->len);
	lock_drop(&events->lock);
	return r;
}

/* ---- readers ---- */

int events_reader_new(struct events *events, bool is_reserved, struct events_reader **ret)
{
	const size_t max = is_reserved ? LIMIT_EVENT_READERS : LIMIT_EVENT_READERS - LIMIT_EVENT_READERS_RESERVED;
	struct events_reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	lock_take(&events->lock);
	int r = events->reader_count < max ? 0 : -ENFILE;
	if (r == 0) {
		*reader = (struct events_reader){.events = events,
						 .next = events->readers,
						 .next_seq = events->last_seq + 1,
						 .has_ended = events->has_ended};
		events->readers = reader;
		events->reader_count++;
	}
	lock_drop(&events->lock);
	if (r < 0)
		free(reader);
	else
		*ret = reader;
	return r;
}

void events_reader_free(struct events_reader *reader)
{
	if (!reader)
		return;
	struct events *events = reader->events;
	lock_take(&events->lock);
	struct events_reader **link = &events->readers;
	while (*link != reader)
		link = &(*link)->next;
	*link = reader->next;
	events->reader_count--;
	lock_drop(&events->lock);
	buf_done(&reader->line);
	free(reader);
}

/* What it is too late for. */
static int say_missed(struct events_reader *reader, uint64_t last_seq)
{
	struct json j = {.out = &reader->line};
	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	json_text(&j, "event", "missed");
	json_u64(&j, "firstSeq", reader->next_seq);
	json_u64(&j, "lastSeq", last_seq);
	json_u64(&j, "count", last_seq - reader->next_seq + 1);
	json_close(&j);
	int r = json_end(&j);
	return r == 0 ? buf_putc(&reader->line, '\n') : r;
}

/* The line that comes next. -EAGAIN: none yet. Lock held. */
static int take_line(struct events_reader *reader)
{
	struct events *events = reader->events;
	if (reader->next_seq > events->last_seq)
		return -EAGAIN;
	const struct kept *kept = find(events, reader->next_seq);
	bool is_missed = !kept || kept->seq > reader->next_seq;
	uint64_t last_seq = !kept ? events->last_seq : is_missed ? kept->seq - 1 : kept->seq;
	buf_reset(&reader->line);
	reader->line_at = 0;
	int r = is_missed ? say_missed(reader, last_seq) : buf_append(&reader->line, kept->line, kept->len);
	if (r < 0) {
		buf_reset(&reader->line);
		return r;
	}
	reader->next_seq = last_seq + 1;
	return 0;
}

static size_t rest_of(const struct events_reader *reader)
{
	return reader->line.len - reader->line_at;
}

static size_t copy_line(struct events_reader *reader, char *to, size_t len)
{
	size_t part = rest_of(reader) < len ? rest_of(reader) : len;
	if (part > 0)
		memcpy(to, reader->line.data + reader->line_at, part);
	reader->line_at += part;
	return part;
}

ssize_t events_read(struct events_reader *reader, void *buf, size_t len)
{
	size_t used = 0;
	int r = 0;
	lock_take(&reader->events->lock);
	while (!reader->has_ended && used < len) {
		if (rest_of(reader) == 0)
			r = take_line(reader);
		if (r < 0 || (used > 0 && rest_of(reader) > len - used))
			break;
		used += copy_line(reader, (char *)buf + used, len - used);
	}
	lock_drop(&reader->events->lock);
	return used > 0 ? (ssize_t)used : r;
}

bool events_is_ready(struct events_reader *reader)
{
	struct events *events = reader->events;
	lock_take(&events->lock);
	bool is_ready = reader->has_ended || rest_of(reader) > 0 || reader->next_seq <= events->last_seq;
	lock_drop(&events->lock);
	return is_ready;
}

void events_end(struct events *events, bool for_good)
{
	lock_take(&events->lock);
	events->has_ended |= for_good;
	for (struct events_reader *reader = events->readers; reader; reader = reader->next)
		reader->has_ended = true;
	wake(events);
	lock_drop(&events->lock);
}
