/*
 * Texts that are written seldom and decide much (numbers, what was seen of revocation lists, permissions) lie there
 * twice: as store_text.c writes them, and in <file>.again, written second, with the digests of what was there before:
 *
 *     before: <sha256 of an earlier text>          newest first, at most KEPT_BEFORE_MAX
 *     <empty line>
 *     <the text>
 *
 * So one of the two that is damaged, gone, or an older genuine one is told and written again from the other. A crash
 * between the two leaves a first one that the second has never seen: that is the newer one. What older programs made
 * has no second one until it is next written, and what they write is taken in the same way.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "internal.h"

#define KEPT_BEFORE_MAX 32
#define KEPT_MAX	(64UL * 1024 * 1024)
#define AGAIN		".again"
#define BEFORE_KEY	"before"
#define BEFORE_BYTES	(sizeof(BEFORE_KEY ": \n") - 1 + CRYPTO_SHA256_HEX_SIZE - 1)
#define NUMBER_DIGITS	20
#define AGAIN_SIZE	(STORE_PLACE_SIZE + sizeof(AGAIN))

struct kept {
	struct store *store;
	int dirfd;
	const char *file, *place;
	char file_again[AGAIN_SIZE], place_again[AGAIN_SIZE];
	size_t max;
	struct buf first;
	struct buf again;	/* whole, as it lies */
	const char *again_text; /* in it, behind the empty line */
	size_t again_len;
};

static void kept_init(struct kept *kept)
{
	(void)snprintf(kept->file_again, sizeof(kept->file_again), "%s" AGAIN, kept->file);
	(void)snprintf(kept->place_again, sizeof(kept->place_again), "%s" AGAIN, kept->place);
}

static void kept_done(struct kept *kept)
{
	buf_done(&kept->first);
	buf_done(&kept->again);
}

static int read_again(struct kept *kept)
{
	int r = store_read_text(kept->dirfd, kept->file_again, kept->place_again,
				kept->max + KEPT_BEFORE_MAX * BEFORE_BYTES + 1, &kept->again);
	if (r < 0)
		return r;
	const char *at = kept->again.data, *end = at + kept->again.len;
	struct text_line line;
	while (text_next_line(&at, end, &line) && text_equal(line.key, line.key_len, BEFORE_KEY))
		kept->again_text = at;
	at = kept->again_text ? kept->again_text : kept->again.data;
	if (!at || at == end || *at != '\n')
		return -EBADMSG;
	kept->again_text = at + 1;
	kept->again_len = (size_t)(end - at) - 1;
	return 0;
}

static bool is_same(const struct kept *kept, const char *text, size_t len)
{
	return kept->again_len == len && (len == 0 || memcmp(kept->again_text, text, len) == 0);
}

static int hex_of(const char *text, size_t len, char ret[CRYPTO_SHA256_HEX_SIZE])
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	int r = crypto_sha256(text ? text : "", len, digest);
	if (r == 0)
		text_hex(digest, sizeof(digest), ret);
	return r;
}

/* Was this text there before what the second one has? */
static bool was_before(const struct kept *kept, const char *hex)
{
	const char *at = kept->again.data;
	struct text_line line;
	while (at < kept->again_text && text_next_line(&at, kept->again_text, &line))
		if (text_equal(line.value, line.value_len, hex))
			return true;
	return false;
}

/* ---- writing ---- */

/* The lines of what was before, without the text that comes now. */
static int put_before(const struct kept *kept, const char *now_hex, struct buf *out)
{
	char hex[CRYPTO_SHA256_HEX_SIZE];
	const char *at = kept->again.data;
	struct text_line line;
	int r = hex_of(kept->again_text, kept->again_len, hex);
	if (r == 0 && strcmp(hex, now_hex) != 0)
		r = buf_printf(out, BEFORE_KEY ": %s\n", hex);
	while (r == 0 && out->len < KEPT_BEFORE_MAX * BEFORE_BYTES && at < kept->again_text &&
	       text_next_line(&at, kept->again_text, &line))
		if (!text_equal(line.value, line.value_len, now_hex))
			r = buf_printf(out, BEFORE_KEY ": %.*s\n", (int)line.value_len, line.value);
	return r;
}

static int write_again(const struct kept *kept, const char *text, size_t len)
{
	char hex[CRYPTO_SHA256_HEX_SIZE];
	struct buf out = {0};
	int r = hex_of(text, len, hex);
	if (r == 0 && kept->again_text)
		r = put_before(kept, hex, &out);
	if (r == 0)
		r = buf_putc(&out, '\n');
	if (r == 0 && len > 0)
		r = buf_append(&out, text, len);
	if (r == 0)
		r = store_write_text(kept->store, kept->dirfd, kept->file_again, kept->place_again, out.data, out.len);
	buf_done(&out);
	return r;
}

/* It may know the text of now as one of before, and would count: the first one is alone until the next start. */
static int drop_again(const struct kept *kept)
{
	int r = io_unlinkat(kept->dirfd, kept->file_again, 0);
	if (r == 0)
		r = io_fsync(kept->dirfd);
	if (r == 0)
		log_warning("store: %s could not be written a second time; the next start does", kept->place);
	return r;
}

int store_keep_text(struct store *store, int dirfd, const char *file, const char *place, const char *text, size_t len)
{
	struct kept kept = {.store = store, .dirfd = dirfd, .file = file, .place = place, .max = KEPT_MAX};
	kept_init(&kept);
	if (read_again(&kept) < 0)
		kept.again_text = NULL;
	int r = store_write_text(store, dirfd, file, place, text, len);
	if (r == 0 && write_again(&kept, text, len) < 0)
		r = drop_again(&kept);
	kept_done(&kept);
	return r;
}

/* ---- reading ---- */

/* What cannot be repaired now is told and repaired the next time. */
static void repair_first(struct kept *kept, const char *what)
{
	store_report_damage(kept->store, kept->place, what);
	if (!kept->store->read_only)
		(void)store_write_text(kept->store, kept->dirfd, kept->file, kept->place, kept->again_text,
				       kept->again_len);
}

static void repair_again(struct kept *kept, int again)
{
	if (again == -EBADMSG)
		store_report_damage(kept->store, kept->place_again, "it was written again from the other copy");
	if (!kept->store->read_only && (again == 0 || again == -EBADMSG))
		(void)write_again(kept, kept->first.data, kept->first.len);
}

/* Both are whole. 1: the second one counts. */
static int compare(struct kept *kept)
{
	char hex[CRYPTO_SHA256_HEX_SIZE];
	if (is_same(kept, kept->first.data, kept->first.len))
		return 0;
	int r = hex_of(kept->first.data, kept->first.len, hex);
	if (r < 0)
		return r;
	if (!was_before(kept, hex)) {
		repair_again(kept, 0);
		return 0;
	}
	repair_first(kept, "it had been set back to an earlier one, and was written again from the other copy");
	return 1;
}

static int choose(struct kept *kept, int first, int again)
{
	if (first == 0 && again == 0)
		return compare(kept);
	if (first == 0) {
		kept->again_text = NULL;
		repair_again(kept, again);
		return 0;
	}
	if ((first != -EBADMSG && first != -ENOENT) || (first == -ENOENT && again == -ENOENT))
		return first;
	if (again == 0) {
		repair_first(kept, first == -ENOENT ? "it was gone, and was written again from the other copy"
						    : "it was written again from the other copy");
		return 1;
	}
	return -EBADMSG;
}

int store_read_kept(struct store *store, int dirfd, const char *file, const char *place, size_t max, struct buf *ret)
{
	struct kept kept = {.store = store, .dirfd = dirfd, .file = file, .place = place, .max = max};
	kept_init(&kept);
	int first = store_read_text(dirfd, file, place, max, &kept.first);
	int again = read_again(&kept);
	int r = choose(&kept, first, again);
	if (r == 0)
		r = buf_append(ret, kept.first.data, kept.first.len);
	else if (r == 1)
		r = buf_append(ret, kept.again_text, kept.again_len);
	kept_done(&kept);
	return r;
}

int store_keep_number(struct store *store, int dirfd, const char *file, const char *place, uint64_t number)
{
	char text[NUMBER_DIGITS + 1];
	int len = snprintf(text, sizeof(text), "%" PRIu64, number);
	return store_keep_text(store, dirfd, file, place, text, (size_t)len);
}

int store_read_kept_number(struct store *store, int dirfd, const char *file, const char *place, uint64_t *ret)
{
	struct buf text = {0};
	int r = store_read_kept(store, dirfd, file, place, NUMBER_DIGITS, &text);
	if (r == 0 && !text_parse_u64(text.data ? text.data : "", text.len, UINT64_MAX, ret))
		r = -EBADMSG;
	buf_done(&text);
	return r;
}
