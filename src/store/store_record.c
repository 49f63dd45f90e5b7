/*
 * The text of a release, functions/<f>/releases/<number> or layers/<l>/releases/<number>. One form only: every line is
 * there, in this order; a release without layers has those without "of layers", and "vouchfs-release: 1".
 *
 *     vouchfs-release: 2
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
 *     layers: 1                            of layers
 *     layer: lambda_signing                of layers; these five for each, lowest first
 *     layer-version: 1
 *     layer-id: 1230
 *     layer-object: <digest>
 *     layer-length: 70132
 *     layer-comment-bytes: 2101
 *     layers-mtime: 1795280830             of layers; these four once
 *     layers-mtime-ns: 0
 *     layers-uid: 1000
 *     layers-bytes: 17
 *     decision-bytes: 312
 *     comment-bytes: 2103
 *     <empty line>
 *     <the decision's bytes> <newline> <the comment's bytes> <newline>
 *     <each layer's comment> <newline> <the list> <newline>          of layers
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

static const char *release_form(const struct store_release *release)
{
	return release->layer_count > 0 ? "2" : "1";
}

static int encode_head(const char *function, const struct store_release *release, struct buf *out)
{
	char name[ESCAPED_NAME_SIZE], hex[CRYPTO_SHA256_HEX_SIZE];
	text_escape_print(name, sizeof(name), release->artifact_name, strlen(release->artifact_name));
	text_hex(release->digest, sizeof(release->digest), hex);
	return buf_printf(out,
			  "vouchfs-release: %s\nfunction: %s\nnumber: %" PRIu64 "\nid: %" PRIu64 "\nartifact: %s\n"
			  "object: %s\nlength: %" PRIu64 "\nmtime: %" PRId64 "\nmtime-ns: %" PRIu32 "\nuid: %" PRIu32
			  "\ncreated: %" PRId64 "\n",
			  release_form(release), function, release->number, release->id, name, hex,
			  release->length_bytes, release->mtime_s, release->mtime_ns, release->uid,
			  release->created_at_s);
}

static int encode_layers(const struct store_release *release, struct buf *out)
{
	if (release->layer_count == 0)
		return 0;
	int r = buf_printf(out, "layers: %zu\n", release->layer_count);
	for (size_t i = 0; r == 0 && i < release->layer_count; i++) {
		const struct store_layer *layer = &release->layers[i];
		char hex[CRYPTO_SHA256_HEX_SIZE];
		text_hex(layer->digest, sizeof(layer->digest), hex);
		r = buf_printf(out,
			       "layer: %s\nlayer-version: %" PRIu64 "\nlayer-id: %" PRIu64 "\nlayer-object: %s\n"
			       "layer-length: %" PRIu64 "\nlayer-comment-bytes: %zu\n",
			       layer->layer, layer->version, layer->id, hex, layer->length_bytes, layer->comment_len);
	}
	return r < 0 ? r
		     : buf_printf(out,
				  "layers-mtime: %" PRId64 "\nlayers-mtime-ns: %" PRIu32 "\nlayers-uid: %" PRIu32
				  "\nlayers-bytes: %zu\n",
				  release->layers_mtime_s, release->layers_mtime_ns, release->layers_uid,
				  strlen(release->layers_text));
}

static int put_bytes(struct buf *out, const void *bytes, size_t len)
{
	int r = len > 0 ? buf_append(out, bytes, len) : 0;
	return r < 0 ? r : buf_putc(out, '\n');
}

static int encode_tail(const struct store_release *release, struct buf *out)
{
	const char *decision = release->decision ? release->decision : "";
	int r = buf_printf(out, "decision-bytes: %zu\ncomment-bytes: %zu\n\n%s\n", strlen(decision),
			   release->comment_len, decision);
	if (r == 0)
		r = put_bytes(out, release->comment, release->comment_len);
	for (size_t i = 0; r == 0 && i < release->layer_count; i++)
		r = put_bytes(out, release->layers[i].comment, release->layers[i].comment_len);
	if (r == 0 && release->layer_count > 0)
		r = put_bytes(out, release->layers_text, strlen(release->layers_text));
	return r;
}

static bool are_layers_sound(const struct store_release *release)
{
	if (release->layer_count == 0)
		return true;
	if (release->layer_count > LIMIT_LAYERS || !release->layers_text ||
	    strlen(release->layers_text) > LIMIT_LAYER_LIST_BYTES || release->layers_mtime_ns > NS_MAX ||
	    release->layers_mtime_s < -INT64_MAX)
		return false;
	for (size_t i = 0; i < release->layer_count; i++) {
		const struct store_layer *layer = &release->layers[i];
		if (!layer->layer || !store_is_name(layer->layer) || layer->version == 0 || layer->id == 0 ||
		    layer->comment_len > LIMIT_ZIP_COMMENT_BYTES)
			return false;
	}
	return true;
}

int store_record_encode(const char *function, const struct store_release *release, struct buf *ret)
{
	if (!store_is_slot(function) || release->number == 0 || release->id == 0 || !release->artifact_name ||
	    !is_file_name(release->artifact_name, strlen(release->artifact_name)) ||
	    release->comment_len > LIMIT_ZIP_COMMENT_BYTES || release->mtime_ns > NS_MAX ||
	    release->mtime_s < -INT64_MAX || release->created_at_s < -INT64_MAX || !are_layers_sound(release))
		return -EINVAL;

	struct buf out = {0};
	int r = encode_head(function, release, &out);
	if (r == 0)
		r = encode_layers(release, &out);
	if (r == 0)
		r = encode_tail(release, &out);
	if (r == 0)
		r = store_seal(&out);
	if (r == 0 && out.len > LIMIT_RELEASE_BYTES)
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

/* What is behind the lines: copied, with a NUL behind it, so that it is never NULL. */
static int take_copy(struct fields *f, size_t len, uint8_t **ret)
{
	const char *bytes = take_bytes(f, len);
	if (!bytes)
		return -EBADMSG;
	uint8_t *copy = malloc(len + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, bytes, len);
	copy[len] = '\0';
	*ret = copy;
	return 0;
}

static int take_layer(struct fields *f, struct store_layer *layer)
{
	struct text_line name = take(f, "layer");
	layer->version = take_u64(f, "layer-version", UINT64_MAX);
	layer->id = take_u64(f, "layer-id", UINT64_MAX);
	struct text_line object = take(f, "layer-object");
	if (!text_unhex(object.value, object.value_len, layer->digest, sizeof(layer->digest)))
		f->bad = true;
	layer->length_bytes = take_u64(f, "layer-length", MERKLE_SIZE_MAX_BYTES);
	layer->comment_len = (size_t)take_u64(f, "layer-comment-bytes", LIMIT_ZIP_COMMENT_BYTES);
	if (f->bad || layer->version == 0 || layer->id == 0)
		return -EBADMSG;
	layer->layer = strndup(name.value, name.value_len);
	if (!layer->layer)
		return -ENOMEM;
	return store_is_name(layer->layer) ? 0 : -EBADMSG;
}

static int take_layers(struct fields *f, struct store_release *release, size_t *ret_text_len)
{
	size_t count = (size_t)take_u64(f, "layers", LIMIT_LAYERS);
	if (f->bad || count == 0)
		return -EBADMSG;
	release->layer_count = count; /* what is not read yet is empty */
	int r = 0;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = take_layer(f, &release->layers[i]);
	if (r < 0)
		return r;
	release->layers_mtime_s = take_i64(f, "layers-mtime");
	release->layers_mtime_ns = (uint32_t)take_u64(f, "layers-mtime-ns", NS_MAX);
	release->layers_uid = (uint32_t)take_u64(f, "layers-uid", UINT32_MAX);
	*ret_text_len = (size_t)take_u64(f, "layers-bytes", LIMIT_LAYER_LIST_BYTES);
	return f->bad ? -EBADMSG : 0;
}

static int take_layer_bytes(struct fields *f, struct store_release *release, size_t text_len)
{
	uint8_t *text = NULL;
	int r = 0;
	for (size_t i = 0; r == 0 && i < release->layer_count; i++)
		r = take_copy(f, release->layers[i].comment_len, &release->layers[i].comment);
	if (r == 0 && release->layer_count > 0)
		r = take_copy(f, text_len, &text);
	release->layers_text = (char *)text;
	if (r == 0 && text && memchr(text, '\0', text_len))
		r = -EBADMSG;
	return r;
}

static int take_tail(struct fields *f, struct store_release *release)
{
	size_t text_len = 0;
	int r = release->layer_count > 0 ? take_layers(f, release, &text_len) : 0;
	if (r < 0)
		return r;
	size_t decision_len = (size_t)take_u64(f, "decision-bytes", LIMIT_RECORD_BYTES);
	size_t comment_len = (size_t)take_u64(f, "comment-bytes", LIMIT_ZIP_COMMENT_BYTES);
	(void)take_bytes(f, 0);
	uint8_t *decision = NULL;
	r = take_copy(f, decision_len, &decision);
	release->decision = (char *)decision;
	if (r == 0)
		r = take_copy(f, comment_len, &release->comment);
	release->comment_len = r == 0 ? comment_len : 0;
	if (r == 0)
		r = take_layer_bytes(f, release, text_len);
	if (r == 0 && (f->cursor != f->end || memchr(decision, '\0', decision_len)))
		r = -EBADMSG;
	return r;
}

static int take_head(struct fields *f, const char *function, uint64_t number, struct store_release *release)
{
	struct text_line form = take(f, "vouchfs-release");
	release->layer_count = text_equal(form.value, form.value_len, "2"); /* how many is said below */
	if (release->layer_count == 0 && !text_equal(form.value, form.value_len, "1"))
		f->bad = true;
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
