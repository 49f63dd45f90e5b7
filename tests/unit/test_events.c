/* The last records in memory, and who reads on as they come. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/slots/events.h"
#include "base/io.h"
#include "base/limits.h"

struct fixture {
	char path[64];
	int dirfd;
	struct audit *audit;
	struct events *events;
	unsigned wakes;
};

static void open_log(struct fixture *f)
{
	assert_int_equal(audit_open(f->dirfd, false, &f->audit, NULL), 0);
	assert_int_equal(events_new(f->audit, f->dirfd, &f->events), 0);
}

static void close_log(struct fixture *f)
{
	audit_close(f->audit);
	events_free(f->events);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	*state = f;
	(void)snprintf(f->path, sizeof(f->path), "/tmp/vouchfs-events-XXXXXX");
	if (!mkdtemp(f->path))
		return -1;
	f->dirfd = io_open_dir(f->path);
	open_log(f);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct io_names names = {0};
	close_log(f);
	if (io_list_dir(f->dirfd, ".", &names) == 0)
		for (size_t i = 0; i < names.count; i++)
			(void)io_unlinkat(f->dirfd, names.names[i], 0);
	io_names_done(&names);
	io_close(&f->dirfd);
	int r = rmdir(f->path);
	free(f);
	return r;
}

static void append(struct fixture *f, const char *detail)
{
	const struct audit_record record = {.event = AUDIT_START, .detail = detail};
	assert_int_equal(audit_append(f->audit, &record, NULL), 0);
}

static struct events_reader *new_reader(struct fixture *f)
{
	struct events_reader *reader = NULL;
	assert_int_equal(events_reader_new(f->events, false, &reader), 0);
	return reader;
}

/* What one read gives, as text. Valid until the next call. */
static const char *read_some(struct events_reader *reader, size_t len)
{
	static char text[LIMIT_EVENT_READ_BYTES + 1];
	ssize_t got = events_read(reader, text, len);
	assert_true(got >= 0);
	text[got] = '\0';
	return text;
}

static void assert_nothing_yet(struct events_reader *reader)
{
	char byte;
	assert_false(events_is_ready(reader));
	assert_int_equal(events_read(reader, &byte, 1), -EAGAIN);
}

static void readers_get_what_comes_after_they_came(void **state)
{
	struct fixture *f = *state;
	append(f, "before");
	struct events_reader *one = new_reader(f);
	assert_nothing_yet(one);
	append(f, "first");
	struct events_reader *two = new_reader(f);
	append(f, "second");
	assert_true(events_is_ready(one));
	const char *text = read_some(one, LIMIT_EVENT_READ_BYTES);
	assert_null(strstr(text, "before"));
	assert_non_null(strstr(text, "\"detail\":\"first\""));
	assert_non_null(strstr(text, "\"detail\":\"second\""));
	text = read_some(two, LIMIT_EVENT_READ_BYTES);
	assert_null(strstr(text, "first"));
	assert_non_null(strstr(text, "second"));
	assert_nothing_yet(one);
	assert_nothing_yet(two);
	events_reader_free(one);
	events_reader_free(two);
}

static void lines_come_whole_where_they_fit(void **state)
{
	struct fixture *f = *state;
	struct events_reader *reader = new_reader(f);
	append(f, "first");
	append(f, "second");
	/* room for one and a half */
	const char *text = read_some(reader, 400);
	assert_int_equal(text[strlen(text) - 1], '\n');
	assert_null(strstr(text, "second"));
	/* for less than one: in parts */
	char joined[512] = "";
	while (!strchr(joined, '\n')) {
		text = read_some(reader, 100);
		assert_true(strlen(text) > 0 && strlen(text) <= 100);
		(void)snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "%s", text);
	}
	assert_non_null(strstr(joined, "{\"schema\":1,\"seq\":2,"));
	assert_non_null(strstr(joined, "second"));
	assert_nothing_yet(reader);
	events_reader_free(reader);
}

static void slow_reader_is_told_what_it_missed(void **state)
{
	struct fixture *f = *state;
	struct events_reader *reader = new_reader(f);
	struct buf all = {0};
	uint64_t first = 0, last = 0, count = 0;
	append(f, "begun");
	(void)read_some(reader, 10); /* what was begun is ended, whatever falls out of the ring meanwhile */
	for (unsigned i = 0; i < 2 * LIMIT_RECENT_RECORDS; i++)
		append(f, "one of many");
	const char *text = read_some(reader, LIMIT_EVENT_READ_BYTES);
	assert_non_null(strstr(text, "\"detail\":\"begun\""));
	const char *missed = strchr(text, '\n') + 1;
	assert_int_equal(sscanf(missed,
				"{\"schema\":1,\"event\":\"missed\",\"firstSeq\":%" SCNu64 ",\"lastSeq\":%" SCNu64
				",\"count\":%" SCNu64 "}",
				&first, &last, &count),
			 3);
	assert_int_equal(first, 2);
	assert_int_equal(count, last - first + 1);
	char next[64];
	(void)snprintf(next, sizeof(next), "}\n{\"schema\":1,\"seq\":%" PRIu64 ",", last + 1);
	assert_non_null(strstr(missed, next));

	assert_int_equal(events_print(f->events, &all), 0);
	assert_true(all.len <= LIMIT_RECENT_BYTES);
	(void)snprintf(next, sizeof(next), "{\"schema\":1,\"seq\":%" PRIu64 ",", last + 1);
	assert_memory_equal(all.data, next, strlen(next));
	buf_done(&all);
	events_reader_free(reader);
}

static void ring_is_bounded_by_bytes(void **state)
{
	struct fixture *f = *state;
	static char detail[1000];
	struct buf all = {0};
	memset(detail, 'x', sizeof(detail) - 1);
	for (unsigned i = 0; i < LIMIT_RECENT_RECORDS; i++)
		append(f, detail);
	assert_int_equal(events_print(f->events, &all), 0);
	assert_true(all.len <= LIMIT_RECENT_BYTES);
	assert_true(all.len > LIMIT_RECENT_BYTES - LIMIT_AUDIT_RECORD_BYTES);
	buf_done(&all);
}

static void restart_forgets_nothing_recent(void **state)
{
	struct fixture *f = *state;
	struct buf before = {0}, after = {0};
	for (unsigned i = 0; i < 3; i++)
		append(f, "kept");
	assert_int_equal(events_print(f->events, &before), 0);
	close_log(f);
	open_log(f);
	assert_int_equal(events_print(f->events, &after), 0);
	assert_int_equal(after.len, before.len);
	assert_memory_equal(after.data, before.data, before.len);
	struct events_reader *reader = new_reader(f);
	assert_nothing_yet(reader);
	append(f, "more");
	assert_non_null(strstr(read_some(reader, 1000), "\"seq\":4,"));
	events_reader_free(reader);
	buf_done(&before);
	buf_done(&after);
}

static void count_wake(void *ctx)
{
	struct fixture *f = ctx;
	f->wakes++;
}

static void who_waits_is_woken(void **state)
{
	struct fixture *f = *state;
	events_set_waker(f->events, &(struct tree_waker){.ctx = f, .wake = count_wake});
	append(f, "one");
	append(f, "two");
	assert_int_equal(f->wakes, 2);
	events_end(f->events, false);
	assert_int_equal(f->wakes, 3);
	events_set_waker(f->events, &(struct tree_waker){0});
	append(f, "three");
	assert_int_equal(f->wakes, 3);
}

static void end_is_for_those_who_read_or_for_all(void **state)
{
	struct fixture *f = *state;
	struct events_reader *one = new_reader(f);
	append(f, "not read any more");
	events_end(f->events, false);
	assert_true(events_is_ready(one));
	assert_string_equal(read_some(one, 1000), "");
	struct events_reader *two = new_reader(f);
	assert_nothing_yet(two);
	events_end(f->events, true);
	assert_string_equal(read_some(two, 1000), "");
	struct events_reader *three = new_reader(f);
	assert_string_equal(read_some(three, 1000), "");
	events_reader_free(two);
	events_reader_free(one);
	events_reader_free(three);
}

static void readers_are_bounded_and_some_are_for_operators(void **state)
{
	struct fixture *f = *state;
	struct events_reader *readers[LIMIT_EVENT_READERS], *more = NULL;
	const size_t for_all = LIMIT_EVENT_READERS - LIMIT_EVENT_READERS_RESERVED;
	for (size_t i = 0; i < for_all; i++)
		readers[i] = new_reader(f);
	assert_int_equal(events_reader_new(f->events, false, &more), -ENFILE);
	for (size_t i = for_all; i < LIMIT_EVENT_READERS; i++)
		assert_int_equal(events_reader_new(f->events, true, &readers[i]), 0);
	assert_int_equal(events_reader_new(f->events, true, &more), -ENFILE);
	events_reader_free(readers[0]);
	assert_int_equal(events_reader_new(f->events, true, &readers[0]), 0);
	append(f, "for all of them");
	for (size_t i = 0; i < LIMIT_EVENT_READERS; i++) {
		assert_non_null(strstr(read_some(readers[i], 1000), "for all of them"));
		events_reader_free(readers[i]);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(readers_get_what_comes_after_they_came), TEST(lines_come_whole_where_they_fit),
		TEST(slow_reader_is_told_what_it_missed),     TEST(ring_is_bounded_by_bytes),
		TEST(restart_forgets_nothing_recent),	      TEST(who_waits_is_woken),
		TEST(end_is_for_those_who_read_or_for_all),   TEST(readers_are_bounded_and_some_are_for_operators),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
