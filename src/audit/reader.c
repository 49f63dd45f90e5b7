#include "audit/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/limits.h"
#include "internal.h"

#define BUFFER_BYTES 65536

struct audit_reader {
	int dirfd;
	uint64_t *segments; /* first numbers, ascending */
	size_t count;
	size_t next; /* segment to be opened */
	int fd;	     /* -1: none is open */
	uint64_t segment;
	uint64_t offset;     /* of what is to be read next */
	uint64_t skip_bytes; /* of the first segment */
	bool is_at_end;	     /* of the file: all of it is in the buffer */
	size_t from, to;     /* what is in the buffer and was not handed out */
	char buffer[BUFFER_BYTES];
};

static int new_reader(int dirfd, struct audit_reader **ret)
{
	struct audit_reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	reader->fd = -1;
	reader->dirfd = io_open_dirat(dirfd, ".");
	int r = reader->dirfd < 0 ? reader->dirfd : 0;
	if (r == 0)
		r = audit_segment_list(reader->dirfd, &reader->segments, &reader->count);
	if (r == 0 && reader->count == 0)
		r = -ENOENT;
	if (r < 0)
		audit_reader_close(reader);
	else
		*ret = reader;
	return r;
}

int audit_reader_open(int dirfd, uint64_t from_seq, struct audit_reader **ret)
{
	struct audit_reader *reader = NULL;
	int r = new_reader(dirfd, &reader);
	if (r < 0)
		return r;
	while (reader->next + 1 < reader->count && reader->segments[reader->next + 1] <= from_seq)
		reader->next++;
	*ret = reader;
	return 0;
}

static int segment_size(const struct audit_reader *reader, size_t index, uint64_t *ret)
{
	char name[AUDIT_NAME_SIZE];
	struct stat st;
	audit_segment_name(reader->segments[index], name);
	int r = io_statat(reader->dirfd, name, &st);
	if (r < 0)
		return r;
	*ret = (uint64_t)st.st_size;
	return 0;
}

int audit_reader_open_end(int dirfd, uint64_t bytes, struct audit_reader **ret)
{
	struct audit_reader *reader = NULL;
	uint64_t have_bytes = 0;
	int r = new_reader(dirfd, &reader);
	if (r < 0)
		return r;
	for (reader->next = reader->count; r == 0 && reader->next > 0 && have_bytes < bytes;) {
		uint64_t size = 0;
		r = segment_size(reader, --reader->next, &size);
		if (r == 0)
			have_bytes += size;
	}
	if (have_bytes > bytes)
		reader->skip_bytes = have_bytes - bytes;
	if (r < 0)
		audit_reader_close(reader);
	else
		*ret = reader;
	return r;
}

void audit_reader_close(struct audit_reader *reader)
{
	if (!reader)
		return;
	io_close(&reader->fd);
	io_close(&reader->dirfd);
	free(reader->segments);
	free(reader);
}

/* Moves what is left to the front and reads behind it. */
static int fill(struct audit_reader *reader)
{
	memmove(reader->buffer, reader->buffer + reader->from, reader->to - reader->from);
	reader->to -= reader->from;
	reader->from = 0;
	ssize_t got = io_pread(reader->fd, reader->buffer + reader->to, BUFFER_BYTES - reader->to, reader->offset);
	if (got < 0)
		return (int)got;
	reader->to += (size_t)got;
	reader->offset += (uint64_t)got;
	reader->is_at_end = got == 0;
	return 0;
}

/* The length of the line at hand. Longer ones than records can be come in pieces of that length. */
static int find_line(struct audit_reader *reader, size_t *ret_len, bool *ret_is_torn)
{
	for (;;) {
		const char *at = reader->buffer + reader->from;
		size_t have = reader->to - reader->from;
		const char *end = have > 0 ? memchr(at, '\n', have) : NULL;
		*ret_len = end ? (size_t)(end - at) : have;
		*ret_is_torn = !end;
		if (*ret_len > LIMIT_AUDIT_RECORD_BYTES)
			*ret_len = LIMIT_AUDIT_RECORD_BYTES + 1;
		if (end || reader->is_at_end || have > LIMIT_AUDIT_RECORD_BYTES)
			return 0;
		int r = fill(reader);
		if (r < 0)
			return r;
	}
}

/* What is before the first whole line. */
static int skip_part(struct audit_reader *reader)
{
	size_t len;
	bool is_torn;
	int r = find_line(reader, &len, &is_torn);
	if (r == 0)
		reader->from += len + (is_torn ? 0 : 1);
	return r;
}

/* A log that came from elsewhere may have a pipe in it, which nobody writes to. */
static int open_file(int dirfd, const char *name)
{
	struct stat st;
	int fd = io_openat(dirfd, name, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)))
		return fd;
	io_close(&fd);
	return -EBADMSG;
}

static int open_next(struct audit_reader *reader)
{
	char name[AUDIT_NAME_SIZE];
	reader->segment = reader->segments[reader->next++];
	audit_segment_name(reader->segment, name);
	io_close(&reader->fd);
	int fd = open_file(reader->dirfd, name);
	if (fd < 0)
		return fd;
	reader->fd = fd;
	reader->from = reader->to = 0;
	reader->is_at_end = false;
	reader->offset = reader->skip_bytes > 0 ? reader->skip_bytes - 1 : 0; /* a newline may end there */
	int r = reader->skip_bytes > 0 ? skip_part(reader) : 0;
	reader->skip_bytes = 0;
	return r;
}

int audit_reader_next(struct audit_reader *reader, struct audit_line *ret)
{
	for (;;) {
		size_t len = 0;
		bool is_torn = false;
		int r = reader->fd >= 0 ? find_line(reader, &len, &is_torn) : 0;
		if (r < 0)
			return r;
		if (reader->fd >= 0 && reader->to > reader->from) {
			const char *text = reader->buffer + reader->from;
			bool is_piece = len > LIMIT_AUDIT_RECORD_BYTES;
			reader->from += len + (is_torn || is_piece ? 0 : 1);
			*ret = (struct audit_line){
				.text = text, .len = len, .segment = reader->segment, .is_torn = is_torn && !is_piece};
			audit_segment_parse_line(text, len, &ret->seq, &ret->prev);
			return 1;
		}
		if (reader->next == reader->count)
			return 0;
		r = open_next(reader);
		if (r < 0)
			return r;
	}
}
