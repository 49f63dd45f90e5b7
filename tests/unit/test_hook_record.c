/* What the hooks' runner is sent, and that it takes nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/fs/hook_record.h"
#include "../../src/fs/hooks.h"
#include "base/io.h"
#include "base/log.h"

static const char line[] = "{\"schema\":1,\"seq\":43}";

static struct audit_news news_of(const struct audit_record *record)
{
	return (struct audit_news){.seq = 43, .record = record, .line = line, .len = strlen(line)};
}

static void a_record_comes_over_as_it_is(void **state)
{
	(void)state;
	struct policy_verdict verdict;
	policy_refuse(POLICY_VF2001_UNSIGNED, "d", "r", &verdict);
	const struct audit_record record = {.event = AUDIT_DEPLOYMENT, .slot = "functions/main", .verdict = &verdict};
	const struct audit_news news = news_of(&record);
	struct hook_record sent, got;
	assert_true(hook_record_make(&news, 7, &sent));
	memcpy(got.message, sent.message, sent.len);
	got.len = sent.len;
	assert_true(hook_record_parse(&got));
	assert_string_equal(got.texts[HOOK_EVENT_ID], "43");
	assert_string_equal(got.texts[HOOK_EVENT], "deployment");
	assert_string_equal(got.texts[HOOK_OUTCOME], "refused");
	assert_string_equal(got.texts[HOOK_REASON], "VF2001");
	assert_string_equal(got.texts[HOOK_SLOT], "functions/main");
	assert_string_equal(got.texts[HOOK_LINE], line);
	assert_string_equal(got.texts[HOOK_DROPPED], "7");
}

static void what_the_mount_does_by_itself_is_not_for_hooks(void **state)
{
	(void)state;
	static const enum audit_event silent[] = {AUDIT_START, AUDIT_STOP, AUDIT_RECOVERY, AUDIT_SWITCH};
	struct hook_record sent;
	for (int event = AUDIT_START; event <= AUDIT_PERMISSION_REMOVED; event++) {
		const struct audit_record record = {.event = (enum audit_event)event};
		const struct audit_news news = news_of(&record);
		bool is_silent = false;
		for (size_t i = 0; i < ARRAY_SIZE(silent); i++)
			is_silent |= record.event == silent[i];
		assert_int_equal(hook_record_make(&news, 0, &sent), !is_silent);
	}
}

static void only_the_right_form_is_taken(void **state)
{
	(void)state;
#define MESSAGE(text)                                                                                                  \
	{                                                                                                              \
		text, sizeof(text)                                                                                     \
	}
	static const struct {
		const char *bytes;
		size_t len;
	} good[] = {MESSAGE("1\0deployment\0accepted\0\0\0{}\0000")},
	  bad[] = {
		  MESSAGE("1\0deployment\0accepted\0\0\0{}"),		/* a text is missing */
		  MESSAGE("1\0deployment\0accepted\0\0\0{}\0000\0"),	/* one too many */
		  MESSAGE("\0deployment\0accepted\0\0\0{}\0000"),	/* no number */
		  MESSAGE("1\0deployment\nX=1\0accepted\0\0\0{}\0000"), /* a newline */
		  MESSAGE("1\0deployment\0Accepted\0\0\0{}\0000"),	/* a word that there is not */
		  MESSAGE("1\0deployment\0accepted\0$(id)\0\0{}\0000"), /* no code */
		  MESSAGE("1\0deployment\0accepted\0\0a;b\0{}\0000"),	/* no slot */
		  MESSAGE("1\0deployment\0accepted\0\0\0{\x1b}\0000"),	/* not printable */
		  MESSAGE("1\0deployment\0accepted\0\0\0\0000"),	/* no record */
		  MESSAGE("1\0deployment\0accepted\0\0\0{}\000-1"),	/* no count */
		  MESSAGE("100000000000000000000\0a\0a\0\0\0{}\0000"),	/* too long */
	  };
	struct hook_record record;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		record.len = good[i].len;
		memcpy(record.message, good[i].bytes, good[i].len);
		assert_true(hook_record_parse(&record));
		record.len--; /* the last NUL */
		assert_false(hook_record_parse(&record));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		record.len = bad[i].len;
		memcpy(record.message, bad[i].bytes, bad[i].len);
		if (hook_record_parse(&record))
			fail_msg("message %zu was taken", i);
	}
	record.len = 0;
	assert_false(hook_record_parse(&record));
}

/* ---- the daemon's side ---- */

static struct hook_record receive(int fd)
{
	struct hook_record record;
	ssize_t got = recv(fd, record.message, sizeof(record.message), MSG_DONTWAIT);
	assert_true(got > 0);
	record.len = (size_t)got;
	assert_true(hook_record_parse(&record));
	return record;
}

static void who_tells_never_waits_and_counts_what_is_dropped(void **state)
{
	(void)state;
	const struct audit_record record = {.event = AUDIT_UNDEPLOY, .slot = "functions/main"};
	const struct audit_news news = news_of(&record);
	char expected[24];
	int pair[2];
	size_t sent = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	struct hook_feed feed = {.fd = pair[1]};
	log_set_level(LOG_LEVEL_ERROR);
	for (; feed.dropped == 0; sent++)
		hook_feed_tell(&feed, &news);
	hook_feed_tell(&feed, &news);
	assert_int_equal(feed.dropped, 2);
	for (size_t i = 0; i < sent - 1; i++)
		assert_string_equal(receive(pair[0]).texts[HOOK_DROPPED], "0");
	hook_feed_tell(&feed, &news);
	assert_int_equal(feed.dropped, 0);
	(void)snprintf(expected, sizeof(expected), "%d", 2);
	struct hook_record last = receive(pair[0]);
	assert_string_equal(last.message + last.len - 2, expected);
	io_close(&pair[0]);

	log_set_level((enum log_level) - 1);
	hook_feed_tell(&feed, &news); /* nobody is there any more */
	assert_int_equal(feed.fd, -1);
	hook_feed_tell(&feed, &news);
	log_set_level(LOG_LEVEL_NOTICE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_comes_over_as_it_is),
		cmocka_unit_test(what_the_mount_does_by_itself_is_not_for_hooks),
		cmocka_unit_test(only_the_right_form_is_taken),
		cmocka_unit_test(who_tells_never_waits_and_counts_what_is_dropped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
