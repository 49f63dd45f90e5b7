#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/lock.h"

#define ERROR_MAX     511 /* the real one rejects what is over that, and its caller hangs */
#define REQUEST_BYTES (1024U * 1024 + 4096)
#define MINOR	      38

/* Sessions have no room for a context in what they read and write with: the one that is in use, and its other side. */
#define SIDES_MAX 2
static struct kernel *sides[SIDES_MAX];

static struct kernel *kernel_of(int fd)
{
	for (size_t i = 0; i < SIDES_MAX; i++)
		if (sides[i] && sides[i]->fuse && fuse_session_fd(sides[i]->fuse) == fd)
			return sides[i];
	return NULL;
}

/* ---- what comes back ---- */

static void know_node_locked(struct kernel *kernel, uint64_t id)
{
	for (uint32_t i = 0; i < kernel->node_count; i++)
		if (kernel->nodes[i].id == id) {
			kernel->nodes[i].references++;
			return;
		}
	ASSERT(kernel->node_count < KERNEL_NODES_MAX); /* callers stop before */
	kernel->nodes[kernel->node_count++] = (struct kernel_node){id, 1};
}

static void take_entry_locked(struct kernel *kernel, const struct fuse_entry_out *entry)
{
	if (entry->nodeid == 0) /* there is no such name, and that may be remembered */
		return;
	ASSERT(entry->attr.mode & S_IFMT && entry->attr.ino != 0);
	know_node_locked(kernel, entry->nodeid);
}

static void take_open_locked(struct kernel *kernel, const struct kernel_request *request, uint64_t node, uint64_t fh)
{
	ASSERT(kernel->handle_count < KERNEL_HANDLES_MAX);
	kernel->handles[kernel->handle_count++] = (struct kernel_handle){
		.fh = fh, .node = node, .is_directory = request->opcode == FUSE_OPENDIR, .is_open = true};
}

/* The kernel counts a reference for every entry but "." and "..". */
static void take_listing_locked(struct kernel *kernel, const char *bytes, size_t len)
{
	while (len >= FUSE_NAME_OFFSET_DIRENTPLUS) {
		struct fuse_direntplus entry;
		memcpy(&entry, bytes, sizeof(entry));
		size_t size = FUSE_DIRENTPLUS_SIZE(&entry);
		const char *name = bytes + FUSE_NAME_OFFSET_DIRENTPLUS;
		ASSERT(entry.dirent.namelen > 0 && size <= len);
		bool is_dot = name[0] == '.' &&
			      (entry.dirent.namelen == 1 || (entry.dirent.namelen == 2 && name[1] == '.'));
		if (entry.entry_out.nodeid != 0 && !is_dot)
			know_node_locked(kernel, entry.entry_out.nodeid);
		bytes += size;
		len -= size;
	}
}

static void take_success_locked(struct kernel *kernel, const struct kernel_request *request, const char *bytes,
				size_t len)
{
	struct fuse_entry_out entry = {0};
	struct fuse_open_out open = {0};
	size_t entry_len = len < sizeof(entry) ? len : sizeof(entry);
	memcpy(&entry, bytes, entry_len);
	switch (request->opcode) {
	case FUSE_LOOKUP:
	case FUSE_MKDIR:
		ASSERT(len == sizeof(entry));
		take_entry_locked(kernel, &entry);
		break;
	case FUSE_CREATE:
		ASSERT(len == sizeof(entry) + sizeof(open));
		memcpy(&open, bytes + sizeof(entry), sizeof(open));
		take_entry_locked(kernel, &entry);
		take_open_locked(kernel, request, entry.nodeid, open.fh);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		ASSERT(len == sizeof(open));
		memcpy(&open, bytes, sizeof(open));
		take_open_locked(kernel, request, request->node, open.fh);
		break;
	case FUSE_READDIRPLUS:
		take_listing_locked(kernel, bytes, len);
		break;
	default:
		break;
	}
	bool is_bounded = request->opcode == FUSE_READ || request->opcode == FUSE_READDIR ||
			  request->opcode == FUSE_READDIRPLUS || request->opcode == FUSE_GETXATTR ||
			  request->opcode == FUSE_LISTXATTR;
	ASSERT(!is_bounded ||
	       len <= (request->wanted_bytes > 0 ? request->wanted_bytes : sizeof(struct fuse_getxattr_out)));
}

static void check_error(const struct kernel *kernel, const struct kernel_request *request, int error)
{
	if (request->opcode == FUSE_INTERRUPT) { /* of a request that libfuse does not have: to be sent again */
		ASSERT(error == EAGAIN);
		return;
	}
	bool is_open = request->opcode == FUSE_OPEN || request->opcode == FUSE_OPENDIR;
	bool is_unknown = request->opcode == FUSE_ACCESS || request->opcode == FUSE_FALLOCATE ||
			  request->opcode == FUSE_LSEEK || request->opcode == FUSE_GETLK ||
			  request->opcode == FUSE_BMAP || request->opcode == FUSE_IOCTL || kernel->may_do_without_open;
	ASSERT(error >= 0 && error <= ERROR_MAX);
	ASSERT(error != ENOSYS || is_unknown || (is_open && kernel->may_do_without_open));
}

static void take_answer_locked(struct kernel *kernel, const struct fuse_out_header *header, const char *bytes,
			       size_t len)
{
	if (header->unique == 0) { /* a notice: error says which */
		kernel->notices++;
		return;
	}
	ASSERT(header->unique % 2 == 0 && header->unique / 2 <= kernel->request_count);
	struct kernel_request *request = &kernel->requests[header->unique / 2 - 1];
	ASSERT(request->opcode != FUSE_FORGET && request->opcode != FUSE_BATCH_FORGET);
	ASSERT(++request->answers == 1);
	check_error(kernel, request, -header->error);
	request->error = -header->error;
	if (request->error == 0)
		take_success_locked(kernel, request, bytes, len);
	else
		ASSERT(len == 0);
}

static ssize_t on_writev(int fd, struct iovec *parts, int count, void *ctx UNUSED)
{
	struct kernel *kernel = kernel_of(fd);
	struct buf all = {0};
	struct fuse_out_header header;
	for (int i = 0; i < count; i++)
		ASSERT(buf_append(&all, parts[i].iov_base, parts[i].iov_len) == 0);
	ASSERT(kernel && all.len >= sizeof(header));
	memcpy(&header, all.data, sizeof(header));
	ASSERT(header.len == all.len);
	lock_take(&kernel->lock);
	take_answer_locked(kernel, &header, all.data + sizeof(header), all.len - sizeof(header));
	lock_drop(&kernel->lock);
	ssize_t written = (ssize_t)all.len;
	buf_done(&all);
	return written;
}

/* Nobody reads: requests are handed over one by one. */
static ssize_t on_read(int fd UNUSED, void *buf UNUSED, size_t len UNUSED, void *ctx UNUSED)
{
	return -ENODEV;
}

/* ---- requests ---- */

int kernel_call(struct kernel *kernel, const struct kernel_call *call)
{
	size_t len = sizeof(struct fuse_in_header) + call->fixed_len + call->len;
	ASSERT(len <= REQUEST_BYTES);
	lock_take(&kernel->lock);
	uint32_t max = kernel->is_ending || call->opcode == FUSE_INIT ? KERNEL_REQUESTS_MAX : KERNEL_REQUESTS_MAX / 2;
	bool is_full = kernel->request_count >= max;
	uint32_t number = is_full ? 0 : kernel->request_count++;
	if (!is_full)
		kernel->requests[number] = (struct kernel_request){.opcode = call->opcode,
								   .node = call->node,
								   .wanted_bytes = call->wanted_bytes,
								   .handle = call->handle > 0 ? call->handle - 1
											      : KERNEL_HANDLES_MAX};
	lock_drop(&kernel->lock);
	if (is_full)
		return EBUSY;
	const struct fuse_in_header header = {.len = (uint32_t)len,
					      .opcode = call->opcode,
					      .unique = 2 * ((uint64_t)number + 1),
					      .nodeid = call->node,
					      .uid = kernel->uid,
					      .gid = kernel->uid,
					      .pid = (uint32_t)getpid()};
	struct buf request = {0};
	ASSERT(buf_append(&request, &header, sizeof(header)) == 0);
	ASSERT(buf_append(&request, call->fixed, call->fixed_len) == 0);
	ASSERT(buf_append(&request, call->bytes, call->len) == 0);
	struct fuse_buf buffer = {.size = request.len, .mem = request.data};
	fuse_session_process_buf(kernel->fuse, &buffer);
	buf_done(&request);

	lock_take(&kernel->lock);
	int error = kernel->requests[number].answers > 0 ? kernel->requests[number].error : -1;
	lock_drop(&kernel->lock);
	return error;
}

uint64_t kernel_lookup(struct kernel *kernel, uint64_t parent, const char *name)
{
	lock_take(&kernel->lock);
	bool is_full = kernel->node_count + 1 >= KERNEL_NODES_MAX;
	uint32_t before = kernel->node_count;
	lock_drop(&kernel->lock);
	const struct kernel_call call = {.opcode = FUSE_LOOKUP, .node = parent, .bytes = name, .len = strlen(name) + 1};
	if (is_full || kernel_call(kernel, &call) != 0)
		return 0;
	lock_take(&kernel->lock);
	uint64_t node = kernel->node_count > before ? kernel->nodes[before].id : 0;
	lock_drop(&kernel->lock);
	return node;
}

void kernel_forget(struct kernel *kernel, uint64_t node, uint64_t count)
{
	lock_take(&kernel->lock);
	for (uint32_t i = 0; i < kernel->node_count; i++) {
		struct kernel_node *known = &kernel->nodes[i];
		if (known->id != node)
			continue;
		count = count < known->references ? count : known->references;
		known->references -= count;
	}
	lock_drop(&kernel->lock);
	const struct fuse_forget_in fixed = {.nlookup = count};
	(void)kernel_call(kernel,
			  &(struct kernel_call){
				  .opcode = FUSE_FORGET, .node = node, .fixed = &fixed, .fixed_len = sizeof(fixed)});
}

static bool is_read_locked(const struct kernel *kernel, uint32_t handle)
{
	for (uint32_t i = 0; i < kernel->request_count; i++)
		if (kernel->requests[i].handle == handle && kernel->requests[i].answers == 0)
			return true;
	return false;
}

void kernel_release(struct kernel *kernel, uint32_t handle)
{
	lock_take(&kernel->lock);
	struct kernel_handle *file = &kernel->handles[handle];
	bool is_fine = handle < kernel->handle_count && file->is_open && !is_read_locked(kernel, handle);
	if (is_fine)
		file->is_open = false;
	lock_drop(&kernel->lock);
	if (!is_fine)
		return;
	const struct fuse_release_in fixed = {.fh = file->fh};
	(void)kernel_call(kernel, &(struct kernel_call){.opcode = file->is_directory ? FUSE_RELEASEDIR : FUSE_RELEASE,
							.node = file->node,
							.fixed = &fixed,
							.fixed_len = sizeof(fixed)});
}

/* ---- a connection ---- */

void kernel_init(struct kernel *kernel)
{
	lock_init(&kernel->lock);
	kernel->nodes[kernel->node_count++] = (struct kernel_node){FUSE_ROOT_ID, 1};
}

void kernel_connect(struct kernel *kernel, struct fuse_session *fuse, uint32_t flags)
{
	static const struct fuse_custom_io io = {.writev = on_writev, .read = on_read};
	kernel->fuse = fuse;
	for (size_t i = 0; i < SIDES_MAX; i++)
		if (!sides[i]) {
			sides[i] = kernel;
			break;
		}
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	ASSERT(fd >= 0 && fuse_session_custom_io(fuse, &io, fd) == 0);
	const struct fuse_init_in fixed = {.major = FUSE_KERNEL_VERSION,
					   .minor = MINOR,
					   .max_readahead = 131072,
					   .flags = flags | FUSE_BIG_WRITES};
	int r = kernel_call(kernel,
			    &(struct kernel_call){.opcode = FUSE_INIT, .fixed = &fixed, .fixed_len = sizeof(fixed)});
	ASSERT(r == 0);
}

void kernel_disconnect(struct kernel *kernel)
{
	for (size_t i = 0; i < SIDES_MAX; i++)
		if (sides[i] == kernel)
			sides[i] = NULL;
	kernel->fuse = NULL;
}

void kernel_check_answers(struct kernel *kernel)
{
	lock_take(&kernel->lock);
	for (uint32_t i = 0; i < kernel->request_count; i++) {
		const struct kernel_request *request = &kernel->requests[i];
		bool is_forget = request->opcode == FUSE_FORGET || request->opcode == FUSE_BATCH_FORGET ||
				 request->opcode == FUSE_INTERRUPT;
		ASSERT(is_forget || request->answers == 1);
	}
	lock_drop(&kernel->lock);
}

void kernel_forget_all(struct kernel *kernel)
{
	kernel->is_ending = true; /* there is room for these */
	for (uint32_t i = 0; i < kernel->handle_count; i++)
		kernel_release(kernel, i);
	for (uint32_t i = 1; i < kernel->node_count; i++)
		if (kernel->nodes[i].references > 0)
			kernel_forget(kernel, kernel->nodes[i].id, kernel->nodes[i].references);
}

void kernel_done(struct kernel *kernel)
{
	lock_done(&kernel->lock);
}
