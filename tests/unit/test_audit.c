/* The log on a real directory. The chain is recomputed here by a loop of its own. */
#include <errno.h>
#include <fcntl.h>
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

#include "audit/audit.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"
#include "crypto/digest.h"

#define FIRST "audit-00000000000000000001.jsonl"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

struct fixture {
	char path[64];
	int dirfd;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	if (!f)
		return -1;
	(void)snprintf(f->path, sizeof(f->path), "/tmp/vouchfs-audit-XXXXXX");
	*state = f;
	if (!mkdtemp(f->path))
		return -1;
	f->dirfd = io_open_dir(f->path);
	return f->dirfd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	(void)unsetenv("VOUCHFS_TEST_FAULT");
	struct io_names names = {0};
	if (io_list_dir(f->dirfd, ".", &names) == 0)
		for (size_t i = 0; i < names.count; i++)
			(void)io_unlinkat(f->dirfd, names.names[i], 0);
	io_names_done(&names);
	io_close(&f->dirfd);
	int r = rmdir(f->path);
	free(f);
	return r;
}

static struct audit *open_log(struct fixture *f)
{
	struct audit *audit = NULL;
	struct explain why = {0};
	assert_int_equal(audit_open(f->dirfd, false, &audit, &why), 0);
	return audit;
}

static void append(struct audit *audit, const char *detail)
{
	struct audit_record record = {.event = AUDIT_START, .detail = detail};
	assert_int_equal(audit_append(audit, &record, NULL), 0);
}

static void keep_line(void *ctx, const struct audit_news *news)
{
	struct buf *line = ctx;
	buf_reset(line);
	assert_int_equal(buf_append(line, news->line, news->len), 0);
}

/* A log that keeps its last line in *line. */
static struct audit *open_log_into(struct fixture *f, struct buf *line)
{
	struct audit *audit = open_log(f);
	assert_int_equal(audit_listen(audit, keep_line, line), 0);
	return audit;
}

static struct buf read_log(struct fixture *f, const char *name)
{
	struct buf text = {0};
	assert_int_equal(io_read_file(f->dirfd, name, 64 * 1024 * 1024, &text), 0);
	return text;
}

static void write_log(struct fixture *f, const char *text, size_t len)
{
	assert_int_equal(io_write_file(f->dirfd, FIRST, text, len, 0600, false), 0);
}

static void assert_says(const struct buf *text, const char *part)
{
	if (!strstr(text->data, part))
		fail_msg("%s\ndoes not say %s", text->data, part);
}

/* Where a reader of the log is: the hash that the next record has to carry, and its number. */
struct chain {
	char prev[CRYPTO_SHA256_HEX_SIZE];
	uint64_t seq;
};

static void follow_line(struct chain *chain, const char *line, size_t len)
{
	char start[64], end[128];
	(void)snprintf(start, sizeof(start), "{\"schema\":1,\"seq\":%" PRIu64 ",", chain->seq + 1);
	(void)snprintf(end, sizeof(end), ",\"prev\":\"%s\"}", chain->prev);
	assert_true(len <= LIMIT_AUDIT_RECORD_BYTES);
	assert_memory_equal(line, start, strlen(start));
	assert_memory_equal(line + len - strlen(end), end, strlen(end));
	uint8_t digest[CRYPTO_SHA256_BYTES];
	assert_int_equal(crypto_sha256(line, len, digest), 0);
	text_hex(digest, sizeof(digest), chain->prev);
	chain->seq++;
}

/* Follows a segment to its end; returns how many records it has. */
static size_t follow(struct chain *chain, struct fixture *f, const char *name)
{
	struct buf text = read_log(f, name);
	size_t count = 0;
	for (const char *at = text.data, *end; at < text.data + text.len; at = end + 1, count++) {
		end = memchr(at, '\n', (size_t)(text.data + text.len - at));
		assert_non_null(end);
		follow_line(chain, at, (size_t)(end - at));
	}
	buf_done(&text);
	return count;
}

static void assert_head(struct audit *audit, const struct chain *chain)
{
	uint64_t seq;
	char head[CRYPTO_SHA256_HEX_SIZE];
	audit_head(audit, &seq, head);
	assert_int_equal(seq, chain->seq);
	assert_string_equal(head, chain->prev);
}

static void records_form_a_chain_over_restarts(void **state)
{
	struct chain chain = {.prev = ZEROS};
	struct audit *audit = open_log(*state);
	assert_head(audit, &chain);
	append(audit, "one");
	append(audit, "two");
	audit_close(audit);
	audit = open_log(*state);
	append(audit, "three");
	assert_int_equal(follow(&chain, *state, FIRST), 3);
	assert_head(audit, &chain);
	audit_close(audit);
}

/* A refusal with every member set; its texts are longer than a record may be. */
static void fill_refusal(struct policy_verdict *verdict, struct statement *statement, char fill)
{
	policy_refuse(POLICY_VF2002_SOURCE, "d", "r", verdict);
	for (size_t i = 0; i < POLICY_CHECK_COUNT; i++) {
		struct policy_check_result *c = &verdict->checks[i];
		c->state = POLICY_FAILED;
		c->reason = POLICY_VF2002_SOURCE;
		memset(c->expected, fill, sizeof(c->expected) - 1);
		memset(c->found, fill, sizeof(c->found) - 1);
	}
	const char *arn = "arn:vouchfs:signer:local:111122223333:/signing-profiles/acme/a1B2c3D4e5";
	assert_true(arn_parse_profile_version(arn, strlen(arn), &statement->profile_version));
	arn = "arn:vouchfs:signer:local:111122223333:/signing-jobs/621a6850-a128-42db-bc30-bd65cc54e187";
	assert_true(arn_parse_job(arn, strlen(arn), &statement->job));
}

static void long_texts_are_shortened_and_short_ones_kept(void **state)
{
	struct policy_verdict verdict;
	struct statement statement = {0};
	struct audit_who who = {.uid = 1001, .gid = 1002, .pid = 3121, .command = "rsync"};
	char name[256];
	memset(name, '\x01', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	fill_refusal(&verdict, &statement, '"');
	struct audit_record record = {
		.event = AUDIT_DEPLOYMENT,
		.who = &who,
		.slot = "functions/billing",
		.artifact = name,
		.size_bytes = 262144000,
		.tree_sha256 = ZEROS,
		.config = "prod",
		.config_sha256 = ZEROS,
		.verdict = &verdict,
		.statement = &statement,
		.errno_given = EKEYREJECTED,
		.detail = "short",
	};
	struct buf line = {0};
	struct audit *audit = open_log_into(*state, &line);
	assert_int_equal(audit_append(audit, &record, NULL), 0);
	audit_close(audit);

	struct chain chain = {.prev = ZEROS};
	assert_int_equal(follow(&chain, *state, FIRST), 1);
	assert_true(line.len > LIMIT_AUDIT_RECORD_BYTES * 9 / 10); /* no more is cut than is needed */
	assert_says(&line, "\"uid\":1001,\"gid\":1002,\"pid\":3121,\"command\":\"rsync\"");
	assert_says(&line, "\"outcome\":\"refused\",\"reason\":\"VF2002\"");
	assert_says(&line, "\"errno\":\"EKEYREJECTED\",\"detail\":\"short\"");
	assert_says(&line, "\\u0001...\"");
	assert_says(&line, "\\\"...\"}");
	buf_done(&line);
}

static void text_is_cut_between_characters(void **state)
{
	char detail[1204];
	struct buf line = {0};
	struct audit *audit = open_log_into(*state, &line);
	for (size_t shift = 0; shift < 3; shift++) {
		memset(detail, 'x', shift);
		for (size_t i = shift; i < shift + 1200; i += 3)
			memcpy(detail + i, "\xe2\x82\xac", 3); /* the euro sign */
		detail[shift + 1200] = '\0';
		struct audit_record record = {.event = AUDIT_START, .detail = detail};
		assert_int_equal(audit_append(audit, &record, NULL), 0);
		assert_says(&line, "\\u20ac...\"");
		assert_null(strstr(line.data, "\\ufffd"));
	}
	audit_close(audit);
	buf_done(&line);
}

static void every_event_has_a_name(void **state)
{
	struct buf line = {0};
	struct audit *audit = open_log_into(*state, &line);
	for (int event = AUDIT_START; event <= AUDIT_POLICY_REMEDIED; event++) {
		struct audit_record record = {.event = (enum audit_event)event};
		assert_int_equal(audit_append(audit, &record, NULL), 0);
		assert_says(&line, audit_event_name((enum audit_event)event));
	}
	audit_close(audit);
	buf_done(&line);
}

static void a_break_glass_has_its_time_and_what_it_let_pass_its_number(void **state)
{
	struct buf line = {0};
	struct audit *audit = open_log_into(*state, &line);
	struct audit_record record = {
		.event = AUDIT_BREAK_GLASS_BEGUN, .until_s = 1795176000, .detail = "the signing host is down"};
	assert_int_equal(audit_append(audit, &record, NULL), 0);
	assert_says(&line, "\"until\":\"2026-11-20T12:00:00Z\",\"detail\":\"the signing host is down\"");
	assert_null(strstr(line.data, "breakGlass"));
	buf_reset(&line);
	record = (struct audit_record){.event = AUDIT_DEPLOYMENT, .break_glass = 1};
	assert_int_equal(audit_append(audit, &record, NULL), 0);
	assert_says(&line, "\"breakGlass\":1,");
	assert_null(strstr(line.data, "until"));
	audit_close(audit);
	buf_done(&line);
}

static void torn_line_is_cut_off_and_that_is_recorded(void **state)
{
	struct audit *audit = open_log(*state);
	append(audit, "one");
	append(audit, "two");
	audit_close(audit);
	struct buf text = read_log(*state, FIRST);
	write_log(*state, text.data, text.len - 5);

	struct chain chain = {.prev = ZEROS};
	audit_close(open_log(*state));
	assert_int_equal(follow(&chain, *state, FIRST), 2);
	struct buf repaired = read_log(*state, FIRST);
	assert_says(&repaired, "\"event\":\"recovery\"");
	assert_null(strstr(repaired.data, "two"));
	buf_done(&repaired);
	buf_done(&text);
}

static void log_that_is_torn_in_its_first_line_begins_anew(void **state)
{
	write_log(*state, "{\"schema\":1,\"se", 15);
	struct chain chain = {.prev = ZEROS};
	audit_close(open_log(*state));
	assert_int_equal(follow(&chain, *state, FIRST), 1);
}

static void what_is_not_a_log_is_not_touched(void **state)
{
	static const char *const texts[] = {"hello\n", "{\"schema\":1,\"seq\":0,}\n", "{\"schema\":1,\"seq\":x,}\n",
					    "{\"schema\":1,\"seq\":1,\n", "\n"};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct audit *audit = NULL;
		struct explain why = {0};
		write_log(f, texts[i], strlen(texts[i]));
		assert_int_equal(audit_open(f->dirfd, false, &audit, &why), -EBADMSG);
		assert_true(strlen(why.text) > 0);
		struct buf text = read_log(f, FIRST);
		assert_string_equal(text.data, texts[i]);
		buf_done(&text);
	}
	char *long_line = calloc(1, 3 * LIMIT_AUDIT_RECORD_BYTES);
	assert_non_null(long_line);
	struct audit *audit = NULL;
	write_log(f, long_line, 3 * LIMIT_AUDIT_RECORD_BYTES);
	assert_int_equal(audit_open(f->dirfd, false, &audit, NULL), -EBADMSG);
	free(long_line);
}

#define SHORT_SEGMENT 4096

/* Grows the log until it has a second segment; returns its first number. */
static uint64_t fill_segment(struct audit *audit, struct buf *line)
{
	uint64_t bytes = 0, seq = 0;
	struct audit_record record = {.event = AUDIT_START, .detail = "one of many"};
	while (bytes <= SHORT_SEGMENT) {
		assert_int_equal(audit_append(audit, &record, &seq), 0);
		bytes += line->len + 1;
	}
	return seq;
}

static void chain_goes_on_over_segments(void **state)
{
	struct fixture *f = *state;
	struct buf line = {0};
	assert_int_equal(setenv("VOUCHFS_TEST_AUDIT_SEGMENT", "4096", 1), 0);
	struct audit *audit = open_log_into(f, &line);
	(void)unsetenv("VOUCHFS_TEST_AUDIT_SEGMENT");
	uint64_t second = fill_segment(audit, &line);
	audit_close(audit);
	buf_done(&line);

	char name[64];
	(void)snprintf(name, sizeof(name), "audit-%020" PRIu64 ".jsonl", second);
	struct chain chain = {.prev = ZEROS};
	assert_int_equal(follow(&chain, f, FIRST), second - 1);
	assert_int_equal(follow(&chain, f, name), 1);
	struct buf first = read_log(f, FIRST);
	assert_true(first.len <= SHORT_SEGMENT);
	buf_done(&first);

	/* a crash after the second segment was made and before its first record was whole */
	int fd = io_openat(f->dirfd, name, O_RDWR, 0);
	assert_int_equal(io_ftruncate(fd, 10), 0);
	io_close(&fd);
	audit_close(open_log(f));
	chain = (struct chain){.prev = ZEROS};
	(void)follow(&chain, f, FIRST);
	assert_int_equal(follow(&chain, f, name), 1);
}

static void missing_segment_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct audit *audit = NULL;
	assert_int_equal(io_write_file(f->dirfd, "audit-00000000000000000007.jsonl", "", 0, 0600, false), 0);
	assert_int_equal(audit_open(f->dirfd, false, &audit, NULL), -EBADMSG);
	assert_int_equal(io_unlinkat(f->dirfd, "audit-00000000000000000007.jsonl", 0), 0);

	/* record 1 is there, and the next segment says that it begins with 3 */
	audit = open_log(f);
	append(audit, "one");
	audit_close(audit);
	audit = NULL;
	assert_int_equal(io_write_file(f->dirfd, "audit-00000000000000000003.jsonl", "", 0, 0600, false), 0);
	assert_int_equal(audit_open(f->dirfd, false, &audit, NULL), -EBADMSG);
}

static void other_files_in_the_directory_do_not_matter(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(io_write_file(f->dirfd, "audit-9.jsonl", "x", 1, 0600, false), 0);
	assert_int_equal(io_write_file(f->dirfd, "audit-00000000000000000009.jsonl.gz", "x", 1, 0600, false), 0);
	struct chain chain = {.prev = ZEROS};
	struct audit *audit = open_log(f);
	append(audit, "one");
	audit_close(audit);
	assert_int_equal(follow(&chain, f, FIRST), 1);
}

/* The next call of this name in this process fails; what: an errno's name. */
static void fail_next(const char *call, const char *what)
{
	static unsigned calls;
	char spec[64];
	(void)snprintf(spec, sizeof(spec), "%s:%u:%s", call, ++calls, what);
	assert_int_equal(setenv("VOUCHFS_TEST_FAULT", spec, 1), 0);
}

static void failed_append_leaves_the_log_as_it_was(void **state)
{
	static const struct {
		const char *call, *what;
		int error;
	} faults[] = {{"write", "ENOSPC", -ENOSPC}, {"fsync", "EIO", -EIO}};
	struct fixture *f = *state;
	struct audit *audit = NULL;
	struct audit_record record = {.event = AUDIT_START};
	assert_int_equal(audit_open(f->dirfd, true, &audit, NULL), 0);
	append(audit, "one");
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		fail_next(faults[i].call, faults[i].what);
		assert_int_equal(audit_append(audit, &record, NULL), faults[i].error);
		(void)unsetenv("VOUCHFS_TEST_FAULT");
	}
	append(audit, "two");
	struct chain chain = {.prev = ZEROS};
	assert_int_equal(follow(&chain, f, FIRST), 2);
	assert_head(audit, &chain);
	audit_close(audit);
}

/* Its writer may have been killed before the fsync, and the next record may be in a file of its own. */
static void end_of_a_log_is_synced_before_anything_follows(void **state)
{
	struct fixture *f = *state;
	struct audit *audit = open_log(f);
	append(audit, "one");
	audit_close(audit);
	static const char *const faults[] = {"fsync:1:EIO", "fsync:2:EIO"}; /* the file, the directory */
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		io_fault_arm();
		assert_int_equal(setenv("VOUCHFS_TEST_FAULT", faults[i], 1), 0);
		assert_int_equal(audit_open(f->dirfd, true, &audit, NULL), -EIO);
		audit_close(open_log(f)); /* durability = none */
	}
	(void)unsetenv("VOUCHFS_TEST_FAULT");
}

/* ---- listeners ---- */

struct heard {
	unsigned count;
	uint64_t first_seq, last_seq;
	enum audit_event last;
	char line[LIMIT_AUDIT_RECORD_BYTES + 1];
};

static void hear(void *ctx, const struct audit_news *news)
{
	struct heard *heard = ctx;
	if (heard->count++ == 0)
		heard->first_seq = news->seq;
	heard->last_seq = news->seq;
	heard->last = news->record->event;
	assert_true(news->len <= LIMIT_AUDIT_RECORD_BYTES);
	memcpy(heard->line, news->line, news->len);
	heard->line[news->len] = '\0';
}

static void listeners_are_told_of_what_is_in_the_log(void **state)
{
	struct fixture *f = *state;
	struct heard one = {0}, two = {0};
	struct audit_record record = {.event = AUDIT_UNDEPLOY, .slot = "functions/f"};
	uint64_t seq = 0;
	struct audit *audit = NULL;
	assert_int_equal(audit_open(f->dirfd, true, &audit, NULL), 0);
	append(audit, "before anybody listens");
	assert_int_equal(audit_listen(audit, hear, &one), 0);
	assert_int_equal(audit_listen(audit, hear, &two), 0);
	append(audit, "first");
	assert_int_equal(audit_append(audit, &record, &seq), 0);
	assert_int_equal(seq, 3);

	/* what could not be written is no news */
	fail_next("write", "EIO");
	assert_int_equal(audit_append(audit, &record, &seq), -EIO);
	(void)unsetenv("VOUCHFS_TEST_FAULT");
	assert_int_equal(seq, 3);
	audit_close(audit);

	assert_int_equal(one.count, 2);
	assert_int_equal(one.first_seq, 2);
	assert_int_equal(one.last_seq, 3);
	assert_int_equal(one.last, AUDIT_UNDEPLOY);
	assert_memory_equal(&one, &two, sizeof(one));
	struct buf text = read_log(f, FIRST);
	assert_true(text_ends_with(text.data, "\n"));
	text.data[text.len - 1] = '\0';
	assert_string_equal(strrchr(text.data, '\n') + 1, one.line);
	buf_done(&text);
}

static void listeners_are_bounded(void **state)
{
	struct heard heard = {0};
	struct audit *audit = open_log(*state);
	for (size_t i = 0; i < AUDIT_LISTENERS_MAX; i++)
		assert_int_equal(audit_listen(audit, hear, &heard), 0);
	assert_int_equal(audit_listen(audit, hear, &heard), -ENOSPC);
	append(audit, "all of them");
	assert_int_equal(heard.count, AUDIT_LISTENERS_MAX);
	audit_close(audit);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(records_form_a_chain_over_restarts),
		TEST(long_texts_are_shortened_and_short_ones_kept),
		TEST(text_is_cut_between_characters),
		TEST(every_event_has_a_name),
		TEST(a_break_glass_has_its_time_and_what_it_let_pass_its_number),
		TEST(torn_line_is_cut_off_and_that_is_recorded),
		TEST(log_that_is_torn_in_its_first_line_begins_anew),
		TEST(what_is_not_a_log_is_not_touched),
		TEST(chain_goes_on_over_segments),
		TEST(missing_segment_is_noticed),
		TEST(other_files_in_the_directory_do_not_matter),
		TEST(failed_append_leaves_the_log_as_it_was),
		TEST(end_of_a_log_is_synced_before_anything_follows),
		TEST(listeners_are_told_of_what_is_in_the_log),
		TEST(listeners_are_bounded),
	};
	io_fault_arm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
