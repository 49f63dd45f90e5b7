/* A stretch of a deflate stream read by itself, wherever in a byte it begins and ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "../../src/archive/zip_stretch.h"

#define WINDOW_BYTES  ((size_t)32768)
#define CONTENT_BYTES ((size_t)300000)
#define PACKED_BYTES  ((size_t)400000)

struct scene {
	uint8_t content[WINDOW_BYTES + CONTENT_BYTES], dst[CONTENT_BYTES], packed[PACKED_BYTES];
	size_t packed_len;
	struct zip_stretch stretch;
};

static int scene_pread(void *ctx, void *buf, size_t len, uint64_t offset)
{
	const struct scene *scene = ctx;
	assert_true(offset + len <= scene->packed_len);
	memcpy(buf, scene->packed + offset, len);
	return 0;
}

/* Text that refers to what precedes it, then noise, which is stored: noise_part of 4 parts. */
static void fill(struct scene *scene, size_t noise_part)
{
	uint32_t x = 1;
	for (size_t i = 0; i < sizeof(scene->content); i++) {
		x = x * 1664525U + 1013904223U;
		scene->content[i] = (i >> 15) % 4 < noise_part ? (uint8_t)(x >> 24) : (uint8_t) "abcdefgh"[x >> 29];
	}
}

/* The content, behind some bits that are nobody's; its end is the stream's, or some blocks follow. */
static void pack(struct scene *scene, unsigned bits, bool is_last)
{
	z_stream z = {0};
	assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflateSetDictionary(&z, scene->content, WINDOW_BYTES), Z_OK);
	assert_int_equal(deflatePrime(&z, (int)bits, 0x55), Z_OK);
	z.next_in = scene->content + WINDOW_BYTES;
	z.avail_in = CONTENT_BYTES;
	z.next_out = scene->packed;
	z.avail_out = PACKED_BYTES;
	unsigned pending = 0;
	int pending_bits = 0;
	if (!is_last) {
		assert_int_equal(deflate(&z, Z_BLOCK), Z_OK);
		assert_int_equal(deflatePending(&z, &pending, &pending_bits), Z_OK);
	}
	uint64_t end_bit = (z.total_out + pending) * 8 + (uint64_t)pending_bits;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	scene->packed_len = z.total_out;
	scene->stretch = (struct zip_stretch){
		.window = scene->content,
		.window_len = WINDOW_BYTES,
		.start_bit = bits,
		.end_bit = is_last ? (uint64_t)z.total_out * 8 : end_bit,
		.is_last = is_last,
		.len = CONTENT_BYTES,
		.crc32 = (uint32_t)crc32(0, scene->content + WINDOW_BYTES, CONTENT_BYTES),
	};
	assert_int_equal(deflateEnd(&z), Z_OK);
}

static int read_it(struct scene *scene)
{
	const struct io_reader file = {.ctx = scene, .pread = scene_pread, .size_bytes = scene->packed_len};
	const struct zip_entry entry = {.compressed_bytes = (uint32_t)scene->packed_len};
	memset(scene->dst, 0, sizeof(scene->dst));
	return zip_read_stretch(&file, &entry, &scene->stretch, scene->dst);
}

static struct scene *new_scene(void)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	assert_non_null(scene);
	return scene;
}

static void every_bit_to_begin_at(void **state UNUSED)
{
	struct scene *scene = new_scene();
	unsigned ends = 0;
	for (size_t noise_part = 0; noise_part <= 4; noise_part += 2) {
		fill(scene, noise_part);
		for (unsigned i = 0; i < 16; i++) {
			pack(scene, i / 2, i % 2 == 0);
			assert_int_equal(read_it(scene), 1);
			assert_memory_equal(scene->dst, scene->content + WINDOW_BYTES, CONTENT_BYTES);
			ends |= 1U << (scene->stretch.end_bit % 8);
		}
	}
	assert_int_equal(ends, 0xff);
	free(scene);
}

static void what_does_not_come_out_as_it_should_is_no(void **state UNUSED)
{
	struct scene *scene = new_scene();
	fill(scene, 0); /* a stored block would do a bit later as well */
	pack(scene, 3, false);
	assert_int_equal(read_it(scene), 1);
	const struct zip_stretch right = scene->stretch;
	scene->stretch.crc32 ^= 1;
	assert_int_equal(read_it(scene), 0);
	scene->stretch = right;
	scene->stretch.len--;
	assert_int_equal(read_it(scene), 0);
	scene->stretch = right;
	scene->stretch.start_bit++;
	assert_int_equal(read_it(scene), 0);
	scene->stretch = right;
	scene->stretch.window_len = 0;
	assert_int_equal(read_it(scene), 0);
	scene->stretch = right;
	scene->packed[scene->packed_len / 2] ^= 1;
	assert_int_equal(read_it(scene), 0);
	free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_bit_to_begin_at),
		cmocka_unit_test(what_does_not_come_out_as_it_should_is_no),
	};
	return cmocka_run_group_tests_name("zip_stretch", tests, NULL, NULL);
}
