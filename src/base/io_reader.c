#include <errno.h>
#include <string.h>

#include "base/io.h"

int io_reader_pread(const struct io_reader *reader, void *buf, size_t len, uint64_t offset)
{
	uint64_t end;
	if (!base_add_u64(offset, len, &end) || end > reader->size_bytes)
		return -EIO;
	return len == 0 ? 0 : reader->pread(reader->ctx, buf, len, offset);
}

static int memory_pread(void *ctx, void *buf, size_t len, uint64_t offset)
{
	const struct io_memory *memory = ctx;
	memcpy(buf, (const char *)memory->bytes + offset, len);
	return 0;
}

struct io_reader io_reader_memory(const struct io_memory *memory)
{
	return (struct io_reader){.ctx = (void *)(uintptr_t)memory, .pread = memory_pread, .size_bytes = memory->len};
}

static int fd_pread(void *ctx, void *buf, size_t len, uint64_t offset)
{
	return io_pread_full(*(const int *)ctx, buf, len, offset);
}

struct io_reader io_reader_fd(const int *fd, uint64_t size_bytes)
{
	return (struct io_reader){.ctx = (void *)(uintptr_t)fd, .pread = fd_pread, .size_bytes = size_bytes};
}
