/* Where lines of the daemon's log go, as what, and that nobody waits for them. The journal is the test's own. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/base/log_line.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/log.h"
#include "capture.h"

#define MESSAGE_ID "0123456789abcdef0123456789abcdef"

/* What the journal got last, a field a line. */
static struct buf journal;
static int journal_error;

int sd_journal_sendv(const struct iovec *fields, int count);
int sd_journal_sendv(const struct iovec *fields, int count)
{
	buf_reset(&journal);
	for (int i = 0; i < count; i++) {
		assert_int_equal(buf_append(&journal, fields[i].iov_base, fields[i].iov_len), 0);
		assert_int_equal(buf_putc(&journal, '\n'), 0);
	}
	return journal_error;
}

static const struct log_field fields[] = {
	{"EVENT_ID", "43", true},      {"PROFILE_VERSION_ARN", "arn:x", false},
	{"SLOT", NULL, false},	       {"TREE_SHA256", "\"quoted\"", false},
	{"UID", "not a number", true},
};

static const struct log_entry entry = {
	.level = LOG_LEVEL_WARNING,
	.message_id = MESSAGE_ID,
	.text = "event 43: refused",
	.fields = fields,
	.field_count = ARRAY_SIZE(fields),
	.at = {.tv_sec = 1763746032, .tv_nsec = 5000},
};

/* Opens the log, says the entry and one of its own, and closes it; what came out on stderr. */
static struct buf said(const struct log_options *options)
{
	struct capture capture;
	struct buf out = {0}, err = {0};
	capture_begin(&capture);
	log_open(options);
	log_write(&entry);
	log_error("two");
	log_debug("not said");
	log_close();
	capture_end(&capture, &out, &err);
	assert_int_equal(out.len, 0);
	buf_done(&out);
	return err;
}

static void text_is_a_line_with_its_level(void **state)
{
	(void)state;
	for (int queued = 0; queued < 2; queued++) {
		struct buf err = said(&(struct log_options){.target = LOG_TO_STDERR, .queued = queued});
		assert_string_equal(err.data, "vouchfs: warning: event 43: refused\nvouchfs: error: two\n");
		buf_done(&err);
	}
}

static void json_is_an_object_a_line(void **state)
{
	(void)state;
	const char *expected = "{\"schema\":1,\"time\":\"2025-11-21T17:27:12.000005Z\",\"level\":\"warning\","
			       "\"message\":\"event 43: refused\",\"messageId\":\"" MESSAGE_ID "\",\"eventId\":43,"
			       "\"profileVersionArn\":\"arn:x\",\"treeSha256\":\"\\\"quoted\\\"\","
			       "\"uid\":\"not a number\"}\n{\"schema\":1,\"time\":\"";
	for (int queued = 0; queued < 2; queued++) {
		struct buf err = said(&(struct log_options){.target = LOG_TO_JSON, .queued = queued});
		assert_memory_equal(err.data, expected, strlen(expected));
		assert_non_null(strstr(err.data, "\"level\":\"error\",\"message\":\"two\"}\n"));
		buf_done(&err);
	}
}

#ifdef HAVE_SYSTEMD
static void the_journal_gets_fields(void **state)
{
	(void)state;
	struct log_line *line = log_line_new(&entry);
	assert_non_null(line);
	assert_true(log_write_journal(&line->entry));
	assert_string_equal(journal.data, "MESSAGE=event 43: refused\nPRIORITY=4\nSYSLOG_IDENTIFIER=vouchfs\n"
					  "MESSAGE_ID=" MESSAGE_ID "\nVOUCHFS_EVENT_ID=43\n"
					  "VOUCHFS_PROFILE_VERSION_ARN=arn:x\nVOUCHFS_TREE_SHA256=\"quoted\"\n"
					  "VOUCHFS_UID=not a number\n");
	journal_error = -1;
	assert_false(log_write_journal(&line->entry));
	journal_error = 0;
	free(line);
	assert_true(log_write_journal(&(struct log_entry){.level = LOG_LEVEL_ERROR, .text = "alone"}));
	assert_string_equal(journal.data, "MESSAGE=alone\nPRIORITY=3\nSYSLOG_IDENTIFIER=vouchfs\n");
	buf_done(&journal);
}
#endif

static void background_says_what_is_wrong_at_the_terminal_too(void **state)
{
	(void)state;
	struct capture capture;
	struct buf out = {0}, err = {0};
	capture_begin(&capture);
	log_open(&(struct log_options){.target = LOG_TO_SYSLOG, .background = true});
	log_notice("a notice");
	log_warning("a warning");
	log_leave_terminal();
	log_error("an error behind the terminal");
	capture_end(&capture, &out, &err);
	assert_string_equal(err.data, "vouchfs: warning: a warning\n");
	buf_done(&out);
	buf_done(&err);
}

static void stderr_stays_where_lines_go_there(void **state)
{
	(void)state;
	struct capture capture;
	struct buf out = {0}, err = {0};
	capture_begin(&capture);
	log_open(&(struct log_options){.target = LOG_TO_STDERR, .background = true});
	log_leave_terminal();
	log_error("an error");
	printf("nobody reads this");
	capture_end(&capture, &out, &err);
	assert_string_equal(err.data, "vouchfs: error: an error\n");
	assert_int_equal(out.len, 0);
	buf_done(&out);
	buf_done(&err);
}

static void names_of_targets_are_those_that_are_parsed(void **state)
{
	(void)state;
	enum log_target target;
	for (enum log_target t = LOG_TO_AUTO; t <= LOG_TO_JSON; t++) {
		assert_true(log_target_parse(log_target_name(t), &target));
		assert_int_equal(target, t);
	}
	assert_false(log_target_parse("Journal", &target));
	assert_false(log_target_parse("", &target));
}

static void stderr_is_the_journal_only_where_it_is_that_file(void **state)
{
	(void)state;
	struct stat st;
	char stream[64];
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	assert_false(log_stderr_is_journal());
	(void)snprintf(stream, sizeof(stream), "%lu:%lu", (unsigned long)st.st_dev, (unsigned long)st.st_ino);
	assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
	assert_true(log_stderr_is_journal());
	assert_int_equal(setenv("JOURNAL_STREAM", "1:1", 1), 0);
	assert_false(log_stderr_is_journal());
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

/* ---- a reader that does not read ---- */

struct pipe_end {
	int saved;
	int reader;
};

/* stderr is a pipe without room. */
static struct pipe_end stop_reading(void)
{
	static const char filler[4096];
	int fds[2];
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, (int)sizeof(filler)) > 0);
	assert_int_equal(write(fds[1], filler, sizeof(filler)), sizeof(filler));
	struct pipe_end end = {.saved = dup(STDERR_FILENO), .reader = fds[0]};
	assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
	io_close(&fds[1]);
	return end;
}

/* All that comes until this text does. */
static struct buf read_until(const struct pipe_end *end, const char *text)
{
	struct buf all = {0};
	char part[4096];
	while (!all.data || !strstr(all.data, text)) {
		ssize_t got = read(end->reader, part, sizeof(part));
		assert_true(got > 0);
		for (ssize_t i = 0; i < got; i++)
			if (part[i] != '\0')
				assert_int_equal(buf_putc(&all, part[i]), 0);
	}
	return all;
}

static void go_on(struct pipe_end *end)
{
	assert_true(dup2(end->saved, STDERR_FILENO) >= 0);
	io_close(&end->saved);
	io_close(&end->reader);
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;
	for (; (text = strstr(text, part)); text++)
		count++;
	return count;
}

static void nobody_waits_and_what_was_dropped_is_counted(void **state)
{
	(void)state;
	const size_t more = 100;
	log_open(&(struct log_options){.target = LOG_TO_STDERR, .queued = true});
	struct pipe_end end = stop_reading();
	for (size_t i = 0; i < LIMIT_LOG_LINES + more; i++)
		log_notice("line %zu", i);
	log_notice("last");
	struct buf all = read_until(&end, "were dropped");
	log_notice("after that");
	struct buf rest = read_until(&end, "after that");
	assert_int_equal(buf_append(&all, rest.data, rest.len), 0);
	go_on(&end);
	log_close();

	size_t written = count_of(all.data, "notice: line ");
	unsigned long long dropped = 0;
	const char *warning = strstr(all.data, "warning: ");
	assert_non_null(warning);
	assert_int_equal(sscanf(warning, "warning: %llu lines of this log were dropped", &dropped), 1);
	assert_int_equal(written + dropped, LIMIT_LOG_LINES + more + 1);
	/* the writer may have one in its hands */
	assert_true(written == LIMIT_LOG_LINES || written == LIMIT_LOG_LINES + 1);
	assert_null(strstr(all.data, "last"));
	buf_done(&rest);
	buf_done(&all);
}

/* In a process of its own, which ends with a writer that is stuck. */
static void a_writer_that_is_stuck_does_not_keep_a_process_from_ending(void **state)
{
	(void)state;
	(void)fflush(stdout); /* what is in there is not the child's to write */
	struct pipe_end end = stop_reading();
	pid_t child = fork();
	if (child == 0) {
		log_open(&(struct log_options){.target = LOG_TO_STDERR, .queued = true});
		log_notice("stuck");
		log_close();
		exit(0);
	}
	struct pollfd ended = {.fd = pidfd_open(child, 0), .events = POLLIN};
	int count = poll(&ended, 1, 10 * LIMIT_LOG_CLOSE_MS);
	int status;
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	go_on(&end);
	io_close(&ended.fd);
	assert_int_equal(count, 1);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_a_line_with_its_level),
		cmocka_unit_test(json_is_an_object_a_line),
#ifdef HAVE_SYSTEMD
		cmocka_unit_test(the_journal_gets_fields),
#endif
		cmocka_unit_test(background_says_what_is_wrong_at_the_terminal_too),
		cmocka_unit_test(stderr_stays_where_lines_go_there),
		cmocka_unit_test(names_of_targets_are_those_that_are_parsed),
		cmocka_unit_test(stderr_is_the_journal_only_where_it_is_that_file),
		cmocka_unit_test(a_writer_that_is_stuck_does_not_keep_a_process_from_ending),
		cmocka_unit_test(nobody_waits_and_what_was_dropped_is_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
