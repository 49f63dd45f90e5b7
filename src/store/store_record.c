/*
 * The text of a release, functions/<f>/releases/<number> or layers/<l>/releases/<number>. One form only: every line is
 * there, in this order.
 *
 *     vouchfs-release: 1
 *     function: main-function              or layer:<l>
 *     number: 7
 *     id: 1234
 *     artifact: main-function.zip          escaped as text_escape_print does
 *     object: <digest>
 *     length: 5242880
 *     mtime: 1795280832
 *     mtime-ns: 0
 *     uid: 1000
 *     created: 1795280840
 *     decision-bytes: 312
 *     comment-bytes: 2103
 *     <empty line>
 *     <the decision's bytes> <newline> <the comment's bytes> <newline>
 *     sha256: <of all before>
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "internal.h"

#define ESCAPED_NAME_SIZE (4 * (size_t)LIMIT_NAME_BYTES + 4)
#define NS_MAX		  999999999U

static bool is_file_name(const char *name, size_t len)
{
	return len > 0 && len <= LIMIT_NAME_BYTES && !memchr(name, '/', len) && !memchr(name, '\0', len);
}

static int encode_head(const char *function, const struct store_release *release, struct buf *out)
{
	char name[ESCAPED_NAME_SIZE], hex[CRYPTO_SHA256_HEX_SIZE];
	text_escape_print(name, sizeof(name), release->artifact_name, strlen(release->artifact_name));
	text_hex(release->digest, sizeof(release->digest), hex);
	return buf_printf(out,
			  "vouchfs-release: 1\nfunction: %s\nnumber: %" PRIu64 "\nid: %" PRIu64 "\nartifact: %s\n"
			  "object: %s\nlength: %" PRIu64 "\nmtime: %" PRId64 "\nmtime-ns: %" PRIu32 "\nuid: %" PRIu32
			  "\ncreated: %" PRId64 "\n",
			  function, release->number, release->id, name, hex, release->length_bytes, release->mtime_s,
			  release->mtime_ns, release->uid, release->created_at_s);
}

static int encode_tail(const struct store_release *release, struct buf *out)
{
	const char *decision = release->decision ? release->decision : "";
	int r = buf_printf(out, "decision-bytes: %zu\ncomment-bytes: %zu\n\n%s\n", strlen(decision),
			   release->comment_len, decision);
	if (r == 0 && release->comment_len > 0)
		r = buf_append(out, release->comment, release->comment_len);
	return r < 0 ? r : buf_putc(out, '\n');
}

int store_record_encode(const char *function, const struct store_release *release, struct buf *ret)
{
	if (!store_is_slot(function) || release->number == 0 || release->id == 0 || !release->artifact_name ||
	    !is_file_name(release->artifact_name, strlen(release->artifact_name)) ||
	    release->comment_len > LIMIT_ZIP_COMMENT_BYTES || release->mtime_ns > NS_MAX ||
	    release->mtime_s < -INT64_MAX || release->created_at_s < -INT64_MAX)
		return -EINVAL;

	struct buf out = {0};
	int r = encode_head(function, release, &out);
	if (r == 0)
		r = encode_tail(release, &out);
	if (r == 0)
		r = store_seal(&out);
	if (r == 0 && out.len > LIMIT_RECORD_BYTES)
		r = -EFBIG;
	if (r == 0)
		r = buf_append(ret, out.data, out.len);
	buf_done(&out);
	return r;
}

/* Takes lines off the front of a text; the first that is not as expected stops everything behind it. */
struct fields {
	const char *cursor;
	const char *end;
	bool bad;
};

static struct text_line take(struct fields *f, const char *key)
{
	struct text_line line = {.value = ""};
	if (f->bad || !text_next_line(&f->cursor, f->end, &line) || !text_equal(line.key, line.key_len, key)) {
		f->bad = true;
		return (struct text_line){.value = ""};
	}
	return line;
}

static void take_word(struct fields *f, const char *key, const char *expected)
{
	struct text_line line = take(f, key);
	if (!text_equal(line.value, line.value_len, expected))
		f->bad = true;
}

static uint64_t take_u64(struct fields *f, const char *key, uint64_t max)
{
	struct text_line line = take(f, key);
	uint64_t value = 0;
	if (!text_parse_u64(line.value, line.value_len, max, &value))
		f->bad = true;
	return value;
}

static int64_t take_i64(struct fields *f, const char *key)
{
	struct text_line line = take(f, key);
	bool negative = line.value_len > 0 && line.value[0] == '-';
	uint64_t magnitude = 0;
	if (!text_parse_u64(line.value + negative, line.value_len - negative, INT64_MAX, &magnitude))
		f->bad = true;
	return negative ? -(int64_t)magnitude : (int64_t)magnitude;
}

static int take_artifact_name(struct fields *f, struct store_release *release)
{
	struct text_line line = take(f, "artifact");
	char name[STORE_NAME_SIZE];
	size_t len = 0;
	if (!text_unescape_print(line.value, line.value_len, name, sizeof(name), &len) || !is_file_name(name, len)) {
		f->bad = true;
		return 0;
	}
	release->artifact_name = strdup(name);
	return release->artifact_name ? 0 : -ENOMEM;
}

/* The bytes up to the newline that ends them. */
static const char *take_bytes(struct fields *f, size_t len)
{
	const char *bytes = f->cursor;
	if (f->bad || (size_t)(f->end - f->cursor) <= len || bytes[len] != '\n') {
		f->bad = true;
		return NULL;
	}
	f->cursor += len + 1;
	return bytes;
}

static int take_tail(struct fields *f, struct store_release *release)
{
	size_t decision_len = (size_t)take_u64(f, "decision-bytes", LIMIT_RECORD_BYTES);
	size_t comment_len = (size_t)take_u64(f, "comment-bytes", LIMIT_ZIP_COMMENT_BYTES);
	(void)take_bytes(f, 0);
	const char *decision = take_bytes(f, decision_len);
	const char *comment = take_bytes(f, comment_len);
	if (f->bad || f->cursor != f->end || memchr(decision, '\0', decision_len))
		return -EBADMSG;

	release->decision = strndup(decision, decision_len);
	release->comment = malloc(comment_len + 1); /* never NULL when there is none */
	if (!release->decision || !release->comment)
		return -ENOMEM;
	memcpy(release->comment, comment, comment_len);
	release->comment_len = comment_len;
	return 0;
}

static int take_head(struct fields *f, const char *function, uint64_t number, struct store_release *release)
{
	take_word(f, "vouchfs-release", "1");
	take_word(f, "function", function);
	release->number = take_u64(f, "number", UINT64_MAX);
	release->id = take_u64(f, "id", UINT64_MAX);
	int r = take_artifact_name(f, release);
	if (r < 0)
		return r;
	struct text_line object = take(f, "object");
	if (!text_unhex(object.value, object.value_len, release->digest, sizeof(release->digest)))
		f->bad = true;
	release->length_bytes = take_u64(f, "length", MERKLE_SIZE_MAX_BYTES);
	release->mtime_s = take_i64(f, "mtime");
	release->mtime_ns = (uint32_t)take_u64(f, "mtime-ns", NS_MAX);
	release->uid = (uint32_t)take_u64(f, "uid", UINT32_MAX);
	release->created_at_s = take_i64(f, "created");
	return f->bad || release->number != number || number == 0 || release->id == 0 ? -EBADMSG : 0;
}

int store_record_decode(const char *function, uint64_t number, const char *text, size_t len, struct store_release **ret)
{
	size_t body;
	int r = store_unseal(text, len, &body);
	if (r < 0)
		return r;
	struct store_release *release = calloc(1, sizeof(*release));
	if (!release)
		return -ENOMEM;

	struct fields fields = {.cursor = text, .end = text + body};
	r = take_head(&fields, function, number, release);
	if (r == 0)
		r = take_tail(&fields, release);
	if (r < 0) {
		store_release_free(release);
		return r;
	}
	*ret = release;
	return 0;
}

void store_release_free(struct store_release *release)
{
	if (!release)
		return;
	free(release->artifact_name);
	free(release->comment);
	free(release->decision);
	free(release);
}
