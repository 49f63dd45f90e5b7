#include "audit/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "audit/reader.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "internal.h"

#define HASH_DIGITS  64
#define RECORD_BYTES ((uint64_t)LIMIT_AUDIT_RECORD_BYTES + 1)

const char *audit_damage_name(enum audit_damage damage)
{
	switch (damage) {
	case AUDIT_WHOLE:
		return "whole";
	case AUDIT_EDITED:
		return "edited";
	case AUDIT_REMOVED:
		return "removed";
	case AUDIT_REORDERED:
		return "reordered";
	case AUDIT_DUPLICATED:
		return "duplicated";
	case AUDIT_TRUNCATED:
		return "truncated";
	case AUDIT_FORKED:
		return "forked";
	case AUDIT_UNSIGNED:
		return "unsigned";
	case AUDIT_CLOCK_BACK:
		return "clock-back";
	}
	base_bug(__FILE__, __LINE__, "every damage has a name");
}

/* ---- points ---- */

void audit_point_print(const struct audit_point *point, char ret[AUDIT_POINT_SIZE])
{
	(void)snprintf(ret, AUDIT_POINT_SIZE, "%" PRIu64 ":%s", point->seq, point->sha256);
}

bool audit_point_parse(const char *text, struct audit_point *ret)
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	struct audit_point point;
	const char *colon = strchr(text, ':');
	if (!colon || !text_parse_u64(text, (size_t)(colon - text), UINT64_MAX - 1, &point.seq) || point.seq == 0 ||
	    !text_unhex(colon + 1, strlen(colon + 1), digest, sizeof(digest)))
		return false;
	text_hex(digest, sizeof(digest), point.sha256);
	*ret = point;
	return true;
}

int audit_point_of_line(uint64_t seq, const char *line, size_t len, struct audit_point *ret)
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	int r = crypto_sha256(line, len, digest);
	if (r < 0)
		return r;
	ret->seq = seq;
	text_hex(digest, sizeof(digest), ret->sha256);
	return 0;
}

/* In the last two lines is the last one that is not torn. */
int audit_read_head(int dirfd, struct audit_point *ret)
{
	struct audit_reader *reader = NULL;
	struct audit_line line;
	struct audit_point head = {0};
	int r = audit_reader_open_end(dirfd, 2 * RECORD_BYTES, &reader);
	if (r < 0)
		return r;
	bool is_record = true;
	while ((r = audit_reader_next(reader, &line)) > 0) {
		if (line.is_torn)
			continue;
		is_record = line.prev != NULL;
		r = audit_point_of_line(line.seq, line.text, line.len, &head);
		if (r < 0)
			break;
	}
	audit_reader_close(reader);
	if (r < 0)
		return r;
	if (!is_record)
		return -EBADMSG;
	if (head.seq == 0)
		return -ENOENT;
	*ret = head;
	return 0;
}

/* ---- the walk ---- */

struct walk {
	int dirfd;
	const struct audit_expectation *expected;
	struct audit_reader *reader;
	struct audit_finding *finding;
	struct audit_point before; /* the record before the one that is expected */
	bool knows_hash;	   /* of it */
	uint64_t last_name;	   /* in the last file's name, before anything was read: who writes goes on */
	int64_t before_s;	   /* when it was written; INT64_MIN: not known */
	int64_t back_from_s;	   /* of the first record that went back in time, with its number */
	uint64_t back_seq;
};

static void blame(struct walk *w, enum audit_damage damage, uint64_t seq, const char *format, ...) PRINTF_LIKE(4, 5);
static void blame(struct walk *w, enum audit_damage damage, uint64_t seq, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	(void)vsnprintf(w->finding->why.text, sizeof(w->finding->why.text), format, args);
	va_end(args);
	w->finding->damage = damage;
	w->finding->seq = seq;
}

static bool follows(const struct audit_line *line, const struct audit_point *before)
{
	return line->prev && memcmp(line->prev, before->sha256, HASH_DIGITS) == 0;
}

/* The record has the number that is expected, and another hash of the one before than that has. */
static int blame_either(struct walk *w, const struct audit_point *here)
{
	const struct audit_point *head = w->expected->head;
	struct audit_line next;
	int r = audit_reader_next(w->reader, &next);
	if (r < 0)
		return r;
	bool is_vouched_for = r > 0 ? follows(&next, here)
				    : !head || head->seq != here->seq || strcmp(head->sha256, here->sha256) == 0;
	if (w->finding->record_count > 0 && is_vouched_for)
		blame(w, AUDIT_EDITED, w->before.seq,
		      "record %" PRIu64 " is not what it was when record %" PRIu64 " was written behind it",
		      w->before.seq, here->seq);
	else
		blame(w, AUDIT_EDITED, here->seq,
		      "record %" PRIu64 " does not carry the hash of the one before: it was edited, and "
		      "perhaps that one, too",
		      here->seq);
	return 0;
}

/* The record comes too early. What is behind it says why. */
static int blame_gap(struct walk *w, uint64_t wanted, uint64_t here)
{
	bool wanted_comes = false, here_comes_again = false;
	struct audit_line line;
	int r;
	while ((r = audit_reader_next(w->reader, &line)) > 0) {
		wanted_comes |= line.seq == wanted;
		here_comes_again |= line.seq == here;
	}
	if (r < 0)
		return r;
	if (wanted_comes && here_comes_again)
		blame(w, AUDIT_DUPLICATED, here,
		      "record %" PRIu64 " stands in the place of record %" PRIu64 ", and once more behind it", here,
		      wanted);
	else if (wanted_comes)
		blame(w, AUDIT_REORDERED, wanted,
		      "record %" PRIu64 " stands in the place of record %" PRIu64 ", which comes later", here, wanted);
	else if (w->finding->record_count == 0)
		blame(w, AUDIT_REMOVED, wanted,
		      "the log begins with record %" PRIu64 " instead of %" PRIu64
		      "; if what is before was archived, say so with --first or --from",
		      here, wanted);
	else
		blame(w, AUDIT_REMOVED, wanted, "record %" PRIu64 " is followed by record %" PRIu64, wanted - 1, here);
	return 0;
}

/* What a record is that has the number of an earlier one. */
static enum audit_damage compare_with_first(const struct audit_line *first, const struct audit_point *first_point,
					    const struct audit_line *here, const struct audit_point *here_point)
{
	if (strcmp(first_point->sha256, here_point->sha256) == 0)
		return AUDIT_DUPLICATED;
	bool follow_the_same = first->prev && here->prev && memcmp(first->prev, here->prev, HASH_DIGITS) == 0;
	return follow_the_same ? AUDIT_FORKED : AUDIT_EDITED;
}

static void blame_second(struct walk *w, enum audit_damage damage, uint64_t seq)
{
	if (damage == AUDIT_DUPLICATED)
		blame(w, damage, seq, "record %" PRIu64 " comes again behind record %" PRIu64, seq, w->before.seq);
	else if (damage == AUDIT_FORKED)
		blame(w, damage, seq,
		      "there are two records %" PRIu64 ", and both follow record %" PRIu64
		      ": the log was continued twice, perhaps from a copy",
		      seq, seq - 1);
	else
		blame(w, damage, seq, "there is a second record %" PRIu64 " behind record %" PRIu64, seq,
		      w->before.seq);
}

/* The record's number was there before, or is below what the log began with. */
static int blame_return(struct walk *w, const struct audit_line *here_line, const struct audit_point *here)
{
	struct audit_reader *again = NULL;
	struct audit_line line;
	struct audit_point first = {0};
	enum audit_damage damage = AUDIT_EDITED;
	if (w->finding->record_count == 0 || here->seq < w->finding->first_seq) {
		blame(w, AUDIT_REORDERED, here->seq, "record %" PRIu64 " stands behind record %" PRIu64, here->seq,
		      w->before.seq);
		return 0;
	}
	int r = audit_reader_open(w->dirfd, w->finding->first_seq, &again); /* a second file may have its number */
	while (r >= 0 && first.seq == 0 && (r = audit_reader_next(again, &line)) > 0)
		if (line.seq == here->seq)
			r = audit_point_of_line(line.seq, line.text, line.len, &first);
	if (r >= 0 && first.seq != 0)
		damage = compare_with_first(&line, &first, here_line, here);
	audit_reader_close(again);
	if (r < 0)
		return r;
	blame_second(w, damage, here->seq);
	return 0;
}

static void blame_head(struct walk *w, uint64_t seq)
{
	blame(w, AUDIT_EDITED, seq,
	      "record %" PRIu64
	      " is not the one whose hash was exported: it was edited, or one before it was, with all "
	      "hashes made anew",
	      seq);
}

/* Nothing is said while the record is the one that has to come. */
static int look_at(struct walk *w, const struct audit_line *line, struct audit_point *ret_here)
{
	const uint64_t wanted = w->before.seq + 1;
	const struct audit_point *head = w->expected->head;
	int r = audit_point_of_line(line->seq, line->text, line->len, ret_here);
	if (r < 0)
		return r;
	bool fits = !w->knows_hash || follows(line, &w->before);
	if (!line->prev)
		blame(w, AUDIT_EDITED, wanted, "what stands in the place of record %" PRIu64 " is no record", wanted);
	else if (line->seq == wanted && !fits)
		return blame_either(w, ret_here);
	else if (line->seq != wanted && w->knows_hash && fits)
		blame(w, AUDIT_EDITED, wanted, "record %" PRIu64 " says that it is record %" PRIu64, wanted, line->seq);
	else if (line->seq > wanted)
		return blame_gap(w, wanted, line->seq);
	else if (line->seq < wanted)
		return blame_return(w, line, ret_here);
	else if (head && head->seq == wanted && strcmp(head->sha256, ret_here->sha256) != 0)
		blame_head(w, wanted);
	return 0;
}

/* What is before the first record that counts; the exported record itself has to be what was exported. */
static int skip(struct walk *w, const struct audit_line *line, bool *ret_skipped)
{
	const struct audit_point *from = w->expected->from;
	struct audit_point here;
	*ret_skipped = w->finding->record_count == 0 && line->seq > 0 && line->seq <= w->before.seq;
	if (!*ret_skipped || !from || line->seq != from->seq)
		return 0;
	int r = audit_point_of_line(line->seq, line->text, line->len, &here);
	if (r == 0 && strcmp(here.sha256, from->sha256) != 0)
		blame_head(w, from->seq);
	return r;
}

/* A line without its newline: at the end of the log a crash's, anywhere else cut short. */
static int look_at_torn(struct walk *w, const struct audit_line *line)
{
	struct audit_line next;
	uint64_t len = line->len;
	int r = audit_reader_next(w->reader, &next);
	if (r > 0)
		blame(w, AUDIT_EDITED, w->before.seq + 1, "record %" PRIu64 " is cut short", w->before.seq + 1);
	else if (r == 0)
		w->finding->torn_bytes = len;
	return r < 0 ? r : 0;
}

/* The second of a record's time; INT64_MIN: it has none. */
static int64_t time_of(const struct audit_line *line)
{
	static const char key[] = ",\"time\":\"";
	char text[] = "YYYY-MM-DDThh:mm:ssZ";
	int64_t at_s;
	const char *found = memmem(line->text, line->len, key, sizeof(key) - 1);
	const char *end = line->text + line->len;
	if (!found || (size_t)(end - found) < sizeof(key) + sizeof(text))
		return INT64_MIN;
	memcpy(text, found + sizeof(key) - 1, sizeof(text) - 2);
	return clock_parse_utc(text, sizeof(text) - 1, &at_s) ? at_s : INT64_MIN;
}

static void follow_clock(struct walk *w, const struct audit_line *line, uint64_t seq)
{
	int64_t at_s = time_of(line);
	if (w->back_seq == 0 && at_s != INT64_MIN && w->before_s != INT64_MIN &&
	    at_s < w->before_s - LIMIT_CLOCK_AHEAD_S) {
		w->back_seq = seq;
		w->back_from_s = w->before_s;
	}
	w->before_s = at_s;
}

static int walk_on(struct walk *w, const struct audit_line *line)
{
	struct audit_finding *finding = w->finding;
	struct audit_point here;
	bool skipped = false;
	audit_segment_name(line->segment, finding->file);
	int r = line->is_torn ? look_at_torn(w, line) : skip(w, line, &skipped);
	if (r < 0 || skipped || line->is_torn)
		return r;
	r = look_at(w, line, &here);
	if (r < 0 || finding->damage != AUDIT_WHOLE)
		return r;
	follow_clock(w, line, here.seq);
	if (finding->record_count++ == 0)
		finding->first_seq = here.seq;
	finding->last = w->before = here;
	w->knows_hash = true;
	return 0;
}

/* The last file may have no record yet, but its name says which one comes next. */
static void look_at_last_name(struct walk *w)
{
	const uint64_t next = w->before.seq + 1;
	if (w->last_name <= next)
		return;
	audit_segment_name(w->last_name, w->finding->file);
	blame(w, AUDIT_REMOVED, next,
	      "the last file begins with record %" PRIu64 ", and record %" PRIu64 " is not there", w->last_name, next);
}

static void blame_clock(struct walk *w)
{
	char from[CLOCK_UTC_SIZE];
	clock_format_utc(w->back_from_s, from);
	blame(w, AUDIT_CLOCK_BACK, w->back_seq,
	      "record %" PRIu64
	      " says an earlier time than the one before it, which was written at %s: the clock was set "
	      "back, or somebody wrote what had happened before",
	      w->back_seq, from);
}

static void look_at_end(struct walk *w)
{
	const struct audit_point *head = w->expected->head;
	w->finding->file[0] = '\0';
	if (head && head->seq > w->before.seq)
		blame(w, AUDIT_TRUNCATED, w->before.seq + 1,
		      "the log ends before record %" PRIu64 ", and the head that was exported is record %" PRIu64,
		      w->before.seq + 1, head->seq);
	else if (head && w->expected->is_end && (head->seq < w->before.seq || w->finding->torn_bytes > 0))
		blame(w, AUDIT_UNSIGNED, head->seq + 1,
		      "record %" PRIu64 " was to be the last one, and behind it nobody has vouched for what there is",
		      head->seq);
	else if (w->back_seq > 0)
		blame_clock(w);
}

/* Where the walk begins: with record 1, behind an exported one, or with one whose predecessor's hash nobody knows. */
static void set_out(struct walk *w)
{
	const struct audit_expectation *expected = w->expected;
	w->before_s = INT64_MIN;
	memset(w->before.sha256, '0', HASH_DIGITS);
	w->knows_hash = true;
	if (expected->from) {
		w->before = *expected->from;
	} else if (expected->first_seq > 1) {
		w->before.seq = expected->first_seq - 1;
		w->knows_hash = false;
	}
}

int audit_verify(int dirfd, const struct audit_expectation *expected, struct audit_finding *ret)
{
	struct audit_finding finding = {0};
	struct walk w = {.dirfd = dirfd, .expected = expected, .finding = &finding};
	struct audit_line line;
	set_out(&w);
	int r = audit_segment_find(dirfd, UINT64_MAX, &w.last_name);
	if (r == 0)
		r = audit_reader_open(dirfd, w.before.seq > 0 ? w.before.seq : 1, &w.reader);
	if (r == 0) {
		while (finding.damage == AUDIT_WHOLE && (r = audit_reader_next(w.reader, &line)) > 0) {
			r = walk_on(&w, &line);
			if (r < 0)
				break;
		}
		if (r >= 0 && finding.damage == AUDIT_WHOLE)
			look_at_last_name(&w);
		if (r >= 0 && finding.damage == AUDIT_WHOLE)
			look_at_end(&w);
	}
	audit_reader_close(w.reader);
	if (r < 0)
		return r;
	*ret = finding;
	return 0;
}
