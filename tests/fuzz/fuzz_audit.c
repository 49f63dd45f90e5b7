/*
 * Throws lines at all that reads the audit log. An input is the log's files, each a part with its number as name, or
 * one of:
 *
 *     event   a line, as commands read it back
 *     point   a number and a hash, as they are exported
 *     hook    what the runner of hooks is sent
 *
 * In a log whose part has "chain" behind the number, the hashes are made right here, so that other things are looked
 * at.
 *
 * What must hold: nothing crashes; reading, verifying and opening agree: what verifies as whole has as many records as
 * are read, opens, and still is whole with a record more; what is damaged says where and why.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/fs/hook_record.h"
#include "audit/audit.h"
#include "audit/reader.h"
#include "audit/verify.h"
#include "base/io.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "fuzz.h"
#include "overview/event.h"

int LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	log_set_level(LOG_LEVEL_ERROR);
	return 0;
}

/* ---- one line ---- */

static void try_event(const struct fuzz_part *part)
{
	static const struct overview_screen screen = {.columns = OVERVIEW_COLUMNS_MIN};
	static const struct event_filter filter = {.slot = "main", .outcome = "refused", .signer = "profile"};
	char *line = fuzz_copy(part->bytes, part->len);
	struct event event;
	struct buf out = {0};
	int r = event_parse(line, part->len, &event);
	ASSERT(r == 0 || r == -EBADMSG);
	if (r == 0) {
		ASSERT(event_print(&event, &screen, &out) == 0 && event_print_why(&event, &out) == 0);
		for (size_t i = 0; i < out.len; i++) /* nothing foreign gets to a terminal */
			ASSERT(out.data[i] == '\n' || (out.data[i] >= ' ' && out.data[i] <= '~'));
		(void)event_matches(&event, &filter);
		(void)event_outcome(&event);
		event_done(&event);
	}
	buf_done(&out);
	free(line);
}

static void try_point(const struct fuzz_part *part)
{
	char *text = fuzz_copy(part->bytes, part->len), printed[AUDIT_POINT_SIZE];
	struct audit_point point;
	if (audit_point_parse(text, &point)) {
		audit_point_print(&point, printed);
		ASSERT(strcmp(printed, text) == 0);
	}
	free(text);
}

static void try_hook(const struct fuzz_part *part)
{
	static struct hook_record record;
	record.len = part->len < sizeof(record.message) ? part->len : sizeof(record.message);
	memcpy(record.message, part->bytes, record.len);
	for (size_t i = 0; i < record.len; i++) /* NULs are rare in what is thought of */
		record.message[i] = record.message[i] == '\n' ? '\0' : record.message[i];
	if (hook_record_parse(&record))
		for (size_t i = 0; i < HOOK_TEXT_COUNT; i++)
			ASSERT(record.texts[i] >= record.message &&
			       record.texts[i] + strlen(record.texts[i]) < record.message + record.len);
}

/* ---- a log ---- */

static int put_line(struct buf *file, char hash[CRYPTO_SHA256_HEX_SIZE], const char *line, size_t len)
{
	static const char member[] = "\"prev\":\"";
	uint8_t digest[CRYPTO_SHA256_BYTES];
	size_t at = file->len;
	int r = buf_append(file, line, len);
	char *prev = r == 0 && len > 0 ? memmem(file->data + at, len, member, strlen(member)) : NULL;
	if (prev && file->len - (size_t)(prev - file->data) >= strlen(member) + CRYPTO_SHA256_HEX_SIZE - 1)
		memcpy(prev + strlen(member), hash, CRYPTO_SHA256_HEX_SIZE - 1);
	if (r == 0)
		r = crypto_sha256(file->data + at, len, digest);
	text_hex(digest, sizeof(digest), hash);
	return r;
}

/* The same lines with the hashes that they should have. */
static struct buf chain(const struct fuzz_part *part)
{
	struct buf file = {0};
	char hash[CRYPTO_SHA256_HEX_SIZE];
	const char *at = part->bytes, *end = part->bytes + part->len;
	memset(hash, '0', sizeof(hash) - 1);
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		ASSERT(put_line(&file, hash, at, (size_t)((newline ? newline : end) - at)) == 0);
		ASSERT(!newline || buf_putc(&file, '\n') == 0);
		at = newline ? newline + 1 : end;
	}
	return file;
}

static void put_segment(const char *directory, const struct fuzz_part *part)
{
	char name[64];
	uint64_t first = strtoull(part->name, NULL, 10);
	struct buf chained = strstr(part->name, "chain") ? chain(part) : (struct buf){0};
	(void)snprintf(name, sizeof(name), "audit-%020" PRIu64 ".jsonl", first);
	(void)fuzz_write_file(directory, name, chained.data ? chained.data : part->bytes,
			      chained.data ? chained.len : part->len, 0600);
	buf_done(&chained);
}

static uint64_t count_lines(int dirfd)
{
	struct audit_reader *reader = NULL;
	struct audit_line line;
	uint64_t count = 0;
	int r = audit_reader_open(dirfd, 0, &reader);
	ASSERT(r == 0 || r == -ENOENT);
	while (r >= 0 && (r = audit_reader_next(reader, &line)) > 0) {
		ASSERT(!memchr(line.text, '\n', line.len));
		ASSERT(!line.prev || (line.prev > line.text && line.prev + 64 <= line.text + line.len));
		count += !line.is_torn;
	}
	ASSERT(r == 0 || r == -ENOENT || r == -EBADMSG || r == -EFBIG);
	audit_reader_close(reader);
	return count;
}

static int verify(int dirfd, struct audit_finding *ret)
{
	const struct audit_expectation nothing = {0};
	int r = audit_verify(dirfd, &nothing, ret);
	if (r == 0)
		ASSERT((ret->damage == AUDIT_WHOLE) == (ret->why.text[0] == '\0'));
	return r;
}

static void continue_log(int dirfd, const struct audit_finding *before)
{
	static const struct audit_record record = {.event = AUDIT_START, .detail = "again"};
	struct audit *audit = NULL;
	struct explain why = {0};
	struct audit_finding after;
	uint64_t seq = 0;
	bool was_whole = before && before->damage == AUDIT_WHOLE;
	int r = audit_open(dirfd, false, &audit, &why);
	ASSERT(r == 0 ? true : !was_whole && why.text[0] != '\0');
	if (r < 0)
		return;
	r = audit_append(audit, &record, &seq);
	ASSERT(r == 0 || !was_whole);
	audit_close(audit);
	if (!was_whole)
		return;
	ASSERT(verify(dirfd, &after) == 0 && after.damage == AUDIT_WHOLE && after.torn_bytes == 0);
	ASSERT(seq == after.last.seq && seq > before->last.seq && after.record_count > before->record_count);
}

static void try_log(const char *directory)
{
	struct audit_finding finding;
	struct audit_point head;
	struct audit_reader *reader = NULL;
	int dirfd = io_open_dir(directory);
	ASSERT(dirfd >= 0);
	uint64_t lines = count_lines(dirfd);
	int r = verify(dirfd, &finding);
	ASSERT(r != 0 || finding.damage != AUDIT_WHOLE || finding.record_count == lines);
	if (audit_read_head(dirfd, &head) == 0 && r == 0 && finding.damage == AUDIT_WHOLE)
		ASSERT(head.seq == finding.last.seq && strcmp(head.sha256, finding.last.sha256) == 0);
	if (audit_reader_open_end(dirfd, 300, &reader) == 0)
		audit_reader_close(reader);
	continue_log(dirfd, r == 0 ? &finding : NULL);
	io_close(&dirfd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_part part;
	char directory[128];
	bool has_log = false;
	(void)snprintf(directory, sizeof(directory), "%s/log", fuzz_directory());
	while (fuzz_next_part(&data, &size, &part)) {
		if (strcmp(part.name, "event") == 0) {
			try_event(&part);
		} else if (strcmp(part.name, "point") == 0) {
			try_point(&part);
		} else if (strcmp(part.name, "hook") == 0) {
			try_hook(&part);
		} else {
			put_segment(directory, &part);
			has_log = true;
		}
	}
	if (has_log) {
		try_log(directory);
		fuzz_remove_tree(directory);
	}
	return 0;
}
