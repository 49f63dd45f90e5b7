#include "archive/zip_seek.h"

#include <errno.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <zlib.h>

#include "zip_format.h"
#include "zip_stretch.h"
#include "zip_window.h"

#define WINDOW_BYTES 32768U
#define PIECE_BYTES  ((size_t)64 * 1024)

/* What inflate leaves in data_type when it stops between two blocks. */
#define BITS_LEFT	7
#define IN_LAST_BLOCK	64
#define AT_END_OF_BLOCK 128

struct mark {
	uint64_t produced_bytes;
	uint64_t taken_bytes;
	uint32_t part_crc; /* of the part before */
	unsigned bits;	   /* of the byte before, that belong to what follows */
	unsigned window_len;
	uint8_t window[WINDOW_BYTES];
};

struct zip_seek {
	const struct zip_entry *entry;
	struct mark **marks; /* in order; the beginning is none */
	size_t mark_count;
	size_t capacity;
	uint32_t last_crc; /* of the part behind them all */
};

/* A stream from a mark, or the beginning, on. */
struct stream {
	z_stream z;
	const struct io_reader *file;
	const struct zip_entry *entry;
	uint64_t read_bytes; /* of the packed data */
	uint8_t packed[PIECE_BYTES];
	uint8_t scratch[PIECE_BYTES];
};

static void stream_free(struct stream *stream)
{
	if (!stream)
		return;
	(void)inflateEnd(&stream->z);
	free(stream);
}

static int stream_new(const struct io_reader *file, const struct zip_entry *entry, struct stream **ret)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	stream->file = file;
	stream->entry = entry;
	if (inflateInit2(&stream->z, -MAX_WBITS) != Z_OK) {
		free(stream);
		return -ENOMEM;
	}
	*ret = stream;
	return 0;
}

static int fill(struct stream *stream)
{
	uint64_t left = stream->entry->compressed_bytes - stream->read_bytes;
	uint64_t at = stream->entry->data_offset + stream->read_bytes;
	size_t room = PIECE_BYTES - (size_t)(at % PIECE_BYTES);
	size_t len = left < room ? (size_t)left : room;
	if (len == 0)
		return 0; /* what is left may be in inflate's hands */
	int r = zip_pread(stream->file, stream->packed, len, at);
	if (r < 0)
		return r;
	stream->read_bytes += len;
	stream->z.next_in = stream->packed;
	stream->z.avail_in = (uInt)len;
	return 0;
}

/* One call of inflate: how much came out, and whether it was the last. */
static int step(struct stream *stream, uint8_t *dst, size_t room, int flush, size_t *ret_len, bool *ret_ended)
{
	z_stream *z = &stream->z;
	int r = z->avail_in == 0 ? fill(stream) : 0;
	if (r < 0)
		return r;
	z->next_out = dst;
	z->avail_out = (uInt)room;
	int result = inflate(z, flush);
	if (result == Z_MEM_ERROR)
		return -ENOMEM;
	if (result != Z_OK && result != Z_STREAM_END) /* no deflate stream, or it is cut off (Z_BUF_ERROR) */
		return -EBADMSG;
	*ret_len = room - z->avail_out;
	*ret_ended = result == Z_STREAM_END;
	return 0;
}

/* ---- marking ---- */

static int grow(struct zip_seek *seek)
{
	if (seek->mark_count == seek->capacity) {
		size_t capacity = seek->capacity ? 2 * seek->capacity : 16;
		struct mark **marks = reallocarray(seek->marks, capacity, sizeof(struct mark *));
		if (!marks)
			return -ENOMEM;
		seek->marks = marks;
		seek->capacity = capacity;
	}
	struct mark *mark = calloc(1, sizeof(*mark));
	if (!mark)
		return -ENOMEM;
	seek->marks[seek->mark_count++] = mark;
	return 0;
}

/* The first place of each interval that will do. */
static bool is_due(const struct zip_seek *seek, uint64_t produced_bytes)
{
	uint64_t last = seek->mark_count > 0 ? seek->marks[seek->mark_count - 1]->produced_bytes : 0;
	return last / ZIP_SEEK_INTERVAL_BYTES != produced_bytes / ZIP_SEEK_INTERVAL_BYTES;
}

static int add_mark(struct zip_seek *seek, struct stream *stream, uint64_t produced_bytes, uint32_t part_crc)
{
	int r = grow(seek);
	if (r < 0)
		return r;
	struct mark *mark = seek->marks[seek->mark_count - 1];
	mark->produced_bytes = produced_bytes;
	mark->part_crc = part_crc;
	mark->taken_bytes = stream->read_bytes - stream->z.avail_in;
	mark->bits = (unsigned)stream->z.data_type & BITS_LEFT;
	ASSERT(inflateGetDictionary(&stream->z, mark->window, &mark->window_len) == Z_OK);
	return 0;
}

static bool is_between_blocks(const struct stream *stream)
{
	int where = stream->z.data_type;
	return (where & AT_END_OF_BLOCK) && !(where & IN_LAST_BLOCK);
}

/* Reads an entry through. */
struct marker {
	struct zip_seek *seek;
	struct stream *stream;
	const struct zip_seek_sink *sink; /* NULL: none */
	uint8_t *part;			  /* ZIP_SEEK_PART_MAX bytes from part_offset on, as far as they go */
	uint64_t part_offset;
	uint64_t produced_bytes;
	uint32_t crc, part_crc;
};

static uint8_t *room_of(const struct marker *marker)
{
	uint64_t used = marker->produced_bytes - marker->part_offset;
	return used <= ZIP_SEEK_PART_MAX - PIECE_BYTES ? marker->part + used : marker->stream->scratch;
}

/* A part ends here. */
static void give_part(struct marker *marker)
{
	uint64_t len = marker->produced_bytes - marker->part_offset;
	if (marker->sink && len > 0 && len <= ZIP_SEEK_PART_MAX - PIECE_BYTES)
		marker->sink->take(marker->sink->ctx, marker->seek->mark_count, marker->part_offset, marker->part,
				   (size_t)len);
	marker->part_offset = marker->produced_bytes;
}

static int mark_step(struct marker *marker, bool *ret_ended)
{
	struct stream *stream = marker->stream;
	uint8_t *room = room_of(marker);
	size_t len;
	int r = step(stream, room, PIECE_BYTES, Z_BLOCK, &len, ret_ended);
	if (r < 0)
		return r;
	marker->crc = libdeflate_crc32(marker->crc, room, len);
	marker->part_crc = libdeflate_crc32(marker->part_crc, room, len);
	marker->produced_bytes += len;
	if (marker->produced_bytes > marker->seek->entry->size_bytes)
		return -EBADMSG;
	if (*ret_ended || !is_between_blocks(stream) || !is_due(marker->seek, marker->produced_bytes))
		return 0;
	give_part(marker);
	r = add_mark(marker->seek, stream, marker->produced_bytes, marker->part_crc);
	marker->part_crc = 0;
	return r;
}

static int mark_all(struct marker *marker)
{
	const struct zip_entry *entry = marker->seek->entry;
	const struct stream *stream = marker->stream;
	for (bool ended = false; !ended;) {
		int r = mark_step(marker, &ended);
		if (r < 0)
			return r;
	}
	bool is_as_stated = stream->z.avail_in == 0 && stream->read_bytes == entry->compressed_bytes &&
			    marker->produced_bytes == entry->size_bytes && marker->crc == entry->crc32;
	if (!is_as_stated)
		return -EBADMSG;
	give_part(marker);
	marker->seek->last_crc = marker->part_crc;
	return 0;
}

int zip_seek_new(const struct io_reader *file, const struct zip_entry *entry, const struct zip_seek_sink *sink,
		 struct zip_seek **ret)
{
	ASSERT(entry->method == ZIP_METHOD_DEFLATED);
	struct marker marker = {.sink = sink, .part = malloc(ZIP_SEEK_PART_MAX)};
	int r = -ENOMEM;
	marker.seek = calloc(1, sizeof(*marker.seek));
	if (!marker.part || !marker.seek)
		goto out;
	marker.seek->entry = entry;
	r = stream_new(file, entry, &marker.stream);
	if (r == 0)
		r = mark_all(&marker);
	if (r < 0)
		goto out;
	*ret = marker.seek;
	marker.seek = NULL;
out:
	stream_free(marker.stream);
	zip_seek_free(marker.seek);
	free(marker.part);
	return r;
}

void zip_seek_free(struct zip_seek *seek)
{
	if (!seek)
		return;
	for (size_t i = 0; i < seek->mark_count; i++)
		free(seek->marks[i]);
	free(seek->marks);
	free(seek);
}

/* ---- reading ---- */

/* How many marks are at or before offset. */
static size_t marks_before(const struct zip_seek *seek, uint64_t offset)
{
	size_t low = 0, high = seek->mark_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (seek->marks[middle]->produced_bytes <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct zip_seek_part zip_seek_part_at(const struct zip_seek *seek, uint64_t offset)
{
	ASSERT(offset < seek->entry->size_bytes);
	size_t number = marks_before(seek, offset);
	uint64_t begin = number > 0 ? seek->marks[number - 1]->produced_bytes : 0;
	uint64_t end = number < seek->mark_count ? seek->marks[number]->produced_bytes : seek->entry->size_bytes;
	return (struct zip_seek_part){.number = number, .offset = begin, .len = end - begin};
}

static int start_at(struct stream *stream, const struct mark *mark)
{
	stream->read_bytes = mark->taken_bytes;
	if (mark->bits > 0) {
		stream->read_bytes--;
		int r = fill(stream);
		if (r < 0)
			return r;
		int byte = *stream->z.next_in++;
		stream->z.avail_in--;
		ASSERT(inflatePrime(&stream->z, (int)mark->bits, byte >> (8 - mark->bits)) == Z_OK);
	}
	ASSERT(inflateSetDictionary(&stream->z, mark->window, mark->window_len) == Z_OK);
	return 0;
}

/* Produces len bytes after skipping some. */
static int produce(struct stream *stream, uint64_t skip, uint8_t *dst, size_t len)
{
	for (bool ended = false; len > 0;) {
		if (ended)
			return -EBADMSG;
		size_t room = skip == 0 ? len : skip < PIECE_BYTES ? (size_t)skip : PIECE_BYTES, got;
		if (room > UINT32_MAX)
			room = UINT32_MAX;
		int r = step(stream, skip == 0 ? dst : stream->scratch, room, Z_NO_FLUSH, &got, &ended);
		if (r < 0)
			return r;
		if (skip > 0) {
			skip -= got;
		} else {
			dst += got;
			len -= got;
		}
	}
	return 0;
}

int zip_seek_read(const struct zip_seek *seek, const struct io_reader *file, void *dst, size_t len, uint64_t offset)
{
	size_t before = marks_before(seek, offset);
	const struct mark *mark = before > 0 ? seek->marks[before - 1] : NULL; /* NULL: the beginning */
	struct stream *stream = NULL;
	ASSERT(offset <= seek->entry->size_bytes && len <= seek->entry->size_bytes - offset);
	int r = stream_new(file, seek->entry, &stream);
	if (r == 0 && mark)
		r = start_at(stream, mark);
	if (r == 0)
		r = produce(stream, offset - (mark ? mark->produced_bytes : 0), dst, len);
	stream_free(stream);
	return r;
}

static uint64_t bit_of(const struct mark *mark)
{
	return mark->taken_bytes * 8 - mark->bits;
}

static struct zip_stretch stretch_of(const struct zip_seek *seek, const struct zip_seek_part *part)
{
	const struct mark *from = part->number > 0 ? seek->marks[part->number - 1] : NULL;
	const struct mark *to = part->number < seek->mark_count ? seek->marks[part->number] : NULL;
	return (struct zip_stretch){
		.window = from ? from->window : NULL,
		.window_len = from ? from->window_len : 0,
		.start_bit = from ? bit_of(from) : 0,
		.end_bit = to ? bit_of(to) : (uint64_t)seek->entry->compressed_bytes * 8,
		.is_last = !to,
		.len = (size_t)part->len,
		.crc32 = to ? to->part_crc : seek->last_crc,
	};
}

int zip_seek_read_part(const struct zip_seek *seek, const struct io_reader *file, const struct zip_seek_part *part,
		       void *dst)
{
	ASSERT(part->len <= ZIP_SEEK_PART_MAX);
	const struct zip_stretch stretch = stretch_of(seek, part);
	int r = 0;
	if (stretch.end_bit - stretch.start_bit <= 2 * ZIP_SEEK_PART_MAX * 8)
		r = zip_read_stretch(file, seek->entry, &stretch, dst);
	if (r != 0)
		return r < 0 ? r : 0;
	return zip_seek_read(seek, file, dst, (size_t)part->len, part->offset);
}
