#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"

#define MAGIC	   0x76666d656d303153U /* of this layout */
#define SEALS	   (F_SEAL_GROW | F_SEAL_SHRINK)
#define SEALS_MADE (F_SEAL_WRITE | F_SEAL_SEAL)
#define HAS_RESEND (1U << 7) /* of flags2; since protocol 7.40 */

struct record {
	uint64_t magic; /* 0: nothing was written */
	struct memory_init init;
};

int memory_new(int *ret_fd)
{
	int fd = memfd_create("vouchfs-memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, MEMORY_SIDES * sizeof(struct record)) < 0 || fcntl(fd, F_ADD_SEALS, SEALS) < 0) {
		int r = -errno;
		io_close(&fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int memory_seal(int memory)
{
	int seals = fcntl(memory, F_GET_SEALS);
	if (seals >= 0 && (seals & SEALS_MADE) == SEALS_MADE)
		return 0;
	return seals < 0 || fcntl(memory, F_ADD_SEALS, SEALS_MADE) < 0 ? -errno : 0;
}

int memory_new_nodes(int *ret_fd)
{
	int fd = memfd_create("vouchfs-nodes", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/* ---- who was the last ---- */

int memory_put_count(int fd, uint32_t incarnation)
{
	return io_pwrite_full(fd, &incarnation, sizeof(incarnation), 0);
}

int memory_new_count(int *ret_fd)
{
	int fd = memfd_create("vouchfs-count", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : memory_put_count(fd, 0);
	if (r < 0) {
		io_close(&fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int memory_get_count(int fd, uint32_t *ret)
{
	return io_pread_full(fd, ret, sizeof(*ret), 0);
}

/* ---- where it is ---- */

static uint64_t offset_of(enum memory_side side)
{
	ASSERT(side < MEMORY_SIDES);
	return (uint64_t)side * sizeof(struct record);
}

/* ---- what counts ---- */

static bool is_request(const struct memory_init *init)
{
	struct fuse_in_header header;
	if (init->request_len < sizeof(header) + sizeof(struct fuse_init_in) ||
	    init->request_len > MEMORY_MESSAGE_BYTES)
		return false;
	memcpy(&header, init->request, sizeof(header));
	return header.opcode == FUSE_INIT && header.len == init->request_len && header.unique != 0;
}

static bool is_answer(const struct memory_init *init)
{
	struct fuse_in_header request;
	struct fuse_out_header answer;
	if (init->answer_len <= sizeof(answer) || init->answer_len > MEMORY_MESSAGE_BYTES)
		return false;
	memcpy(&request, init->request, sizeof(request));
	memcpy(&answer, init->answer, sizeof(answer));
	return answer.len == init->answer_len && answer.error == 0 && answer.unique == request.unique;
}

/* The magic last: who dies in between has left nothing. */
int memory_put_init(int memory, enum memory_side side, const struct memory_init *init)
{
	if (!is_request(init) || !is_answer(init))
		return -EINVAL;
	const uint64_t magic = MAGIC, at = offset_of(side);
	int r = io_pwrite_full(memory, init, sizeof(*init), at + offsetof(struct record, init));
	return r < 0 ? r : io_pwrite_full(memory, &magic, sizeof(magic), at);
}

int memory_get_init(int memory, enum memory_side side, struct memory_init *ret)
{
	struct record record;
	int r = io_pread_full(memory, &record, sizeof(record), offset_of(side));
	if (r < 0)
		return r;
	if (record.magic == 0)
		return -ENODATA;
	if (record.magic != MAGIC || !is_request(&record.init) || !is_answer(&record.init))
		return -EBADMSG;
	*ret = record.init;
	return 0;
}

bool memory_has_resend(const struct memory_init *init)
{
	struct fuse_init_in in;
	ASSERT(is_request(init));
	memcpy(&in, init->request + sizeof(struct fuse_in_header), sizeof(in));
	return (in.flags & FUSE_INIT_EXT) && (in.flags2 & HAS_RESEND);
}
