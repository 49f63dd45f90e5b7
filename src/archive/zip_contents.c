/*
 * R7: the data of one entry, stored or as one raw deflate stream (RFC 1951), against the stated size and CRC.
 * Reads in pieces; what is produced beyond the stated size ends the reading.
 */
#include <errno.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <zlib.h>

#include "archive/zip.h"
#include "zip_format.h"
#include "zip_unpack.h"
#include "zip_whole.h"
#include "zip_window.h"

#define PIECE_BYTES ((size_t)64 * 1024)

struct zip_unpacker {
	const struct io_reader *file;
	z_stream stream;
	uint8_t packed[PIECE_BYTES];
	uint8_t scratch[PIECE_BYTES];

	/* the entry in hand */
	const struct zip_entry *entry;
	uint8_t *dst; /* NULL: contents are only checked */
	uint64_t taken_bytes, produced_bytes;
	uint32_t crc32;
	const char *problem; /* with -EBADMSG: what is wrong */
};

int zip_unpacker_new(const struct io_reader *file, struct zip_unpacker **ret)
{
	struct zip_unpacker *unpacker = calloc(1, sizeof(*unpacker));
	if (!unpacker)
		return -ENOMEM;
	unpacker->file = file;
	if (inflateInit2(&unpacker->stream, -MAX_WBITS) != Z_OK) {
		free(unpacker);
		return -ENOMEM;
	}
	*ret = unpacker;
	return 0;
}

void zip_unpacker_free(struct zip_unpacker *unpacker)
{
	if (!unpacker)
		return;
	(void)inflateEnd(&unpacker->stream);
	free(unpacker);
}

static int refuse(struct zip_unpacker *unpacker, const char *problem)
{
	unpacker->problem = problem;
	return -EBADMSG;
}

/* The next piece of the entry's data in the archive; 0 bytes at its end. */
static int take_piece(struct zip_unpacker *unpacker, void *bytes, size_t *ret_len)
{
	const struct zip_entry *entry = unpacker->entry;
	uint64_t left = entry->compressed_bytes - unpacker->taken_bytes;
	uint64_t at = entry->data_offset + unpacker->taken_bytes;
	size_t room = PIECE_BYTES -
		      (size_t)(at % PIECE_BYTES); /* whole blocks of the file, so that each is read once */
	size_t len = left < room ? (size_t)left : room;
	int r = zip_pread(unpacker->file, bytes, len, at);
	if (r < 0)
		return r;
	unpacker->taken_bytes += len;
	*ret_len = len;
	return 0;
}

/* Where the next bytes go: into dst while the stated size lasts, else into scratch, so that one too many is seen. */
static uint8_t *next_room(struct zip_unpacker *unpacker, size_t *ret_len)
{
	uint64_t left = unpacker->entry->size_bytes - unpacker->produced_bytes;
	*ret_len = left > 0 && left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
	return unpacker->dst && left > 0 ? unpacker->dst + unpacker->produced_bytes : unpacker->scratch;
}

static int count_produced(struct zip_unpacker *unpacker, const uint8_t *bytes, size_t len)
{
	unpacker->crc32 = libdeflate_crc32(unpacker->crc32, bytes, len);
	unpacker->produced_bytes += len;
	if (unpacker->produced_bytes > unpacker->entry->size_bytes)
		return refuse(unpacker, "its data unpacks to more than its stated size");
	return 0;
}

static int unpack_stored(struct zip_unpacker *unpacker)
{
	if (unpacker->entry->compressed_bytes != unpacker->entry->size_bytes)
		return refuse(unpacker, "stored, but its two sizes differ");
	for (;;) {
		size_t room_len, len;
		uint8_t *room = next_room(unpacker, &room_len);
		int r = take_piece(unpacker, room, &len);
		if (r < 0 || len == 0)
			return r;
		r = count_produced(unpacker, room, len);
		if (r < 0)
			return r;
	}
}

/* One call of inflate; *ret_ended when the stream's last block is through. */
static int inflate_step(struct zip_unpacker *unpacker, bool *ret_ended)
{
	z_stream *stream = &unpacker->stream;
	size_t room_len;
	uint8_t *room = next_room(unpacker, &room_len);
	stream->next_out = room;
	stream->avail_out = (uInt)room_len;
	int z = inflate(stream, Z_NO_FLUSH);
	if (z == Z_MEM_ERROR)
		return -ENOMEM;
	if (z == Z_BUF_ERROR && stream->avail_in == 0)
		return 0; /* wants more */
	if (z != Z_OK && z != Z_STREAM_END)
		return refuse(unpacker, "its data is not a deflate stream");
	*ret_ended = z == Z_STREAM_END;
	return count_produced(unpacker, room, room_len - stream->avail_out);
}

static int unpack_deflated(struct zip_unpacker *unpacker)
{
	z_stream *stream = &unpacker->stream;
	ASSERT(inflateReset(stream) == Z_OK);
	stream->avail_in = 0;

	for (bool ended = false; !ended;) {
		if (stream->avail_in == 0) {
			size_t len;
			int r = take_piece(unpacker, unpacker->packed, &len);
			if (r < 0)
				return r;
			if (len == 0 && stream->avail_out > 0)
				return refuse(unpacker, "its deflate stream is cut off");
			stream->next_in = unpacker->packed;
			stream->avail_in = (uInt)len;
		}
		int r = inflate_step(unpacker, &ended);
		if (r < 0)
			return r;
	}
	if (stream->avail_in > 0 || unpacker->taken_bytes < unpacker->entry->compressed_bytes)
		return refuse(unpacker, "bytes follow its deflate stream");
	return 0;
}

static int unpack(struct zip_unpacker *unpacker, const struct zip_entry *entry, void *dst)
{
	unpacker->entry = entry;
	unpacker->dst = dst;
	unpacker->taken_bytes = 0;
	unpacker->produced_bytes = 0;
	unpacker->crc32 = 0;

	int r = entry->method == ZIP_METHOD_DEFLATED ? unpack_deflated(unpacker) : unpack_stored(unpacker);
	if (r < 0)
		return r;
	if (unpacker->produced_bytes != entry->size_bytes)
		return refuse(unpacker, "its data unpacks to less than its stated size");
	if (unpacker->crc32 != entry->crc32)
		return refuse(unpacker, "its data does not have the stated CRC");
	return 0;
}

int zip_unpack(struct zip_unpacker *unpacker, const struct zip_entry *entry, void *dst, const char **ret_problem)
{
	int r = unpack(unpacker, entry, dst);
	if (r == -EBADMSG)
		*ret_problem = unpacker->problem;
	return r;
}

int zip_read_entry(const struct io_reader *file, const struct zip_entry *entry, void *dst)
{
	struct zip_unpacker *unpacker = NULL;
	int r = dst ? zip_read_whole(file, entry, dst) : 0;
	if (r != 0)
		return r < 0 ? r : 0;
	r = zip_unpacker_new(file, &unpacker);
	if (r == 0)
		r = unpack(unpacker, entry, dst);
	zip_unpacker_free(unpacker);
	return r;
}
