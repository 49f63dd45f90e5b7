/*
 * Serves both sides of a small host (host.h) to a kernel that is not there (kernel.h), which sends what the input says:
 * a byte for the flags of INIT, then one for each request and what it needs.
 *
 * Its daemon may die in between, and the next one take over what the kernel knows.
 *
 * What must hold: nothing crashes and nothing asserts; each request has exactly one answer, that a kernel takes, and
 * ENOSYS is none but where it is meant; what the tree hands out can be forgotten, and all of it is in the end; what is
 * served is one of the artifacts that were put there.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuse_mount.h"
#include "fuzz.h"

#define STEPS_MAX  200
#define READ_BYTES 131072U

static struct fuzz_host host;

/* libfuse keeps interrupts of requests that it does not have until the next request, and for ever behind the last one.
 * That all requests are answered is looked at by ourselves. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libfuse3.so";
}

int LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	fuzz_host_make(&host);
	return 0;
}

/* ---- what a request is about ---- */

static uint64_t take_node(struct mount *m)
{
	uint8_t which = fuzz_take(&m->input);
	if (which == 255) { /* that nobody has given out */
		uint64_t id = fuzz_take16(&m->input);
		return id | (uint64_t)fuzz_take16(&m->input) << 48;
	}
	return m->kernel->nodes[which % m->kernel->node_count].id;
}

/* An open file or directory; NULL: there is none. */
static const struct kernel_handle *take_handle(struct mount *m, bool is_directory, uint32_t *ret_number)
{
	static struct kernel_handle foreign = {.node = FUSE_ROOT_ID, .is_open = true};
	uint8_t which = fuzz_take(&m->input);
	if (which == 255) { /* that nobody has given out, or a daemon before */
		foreign.fh = fuzz_take16(&m->input);
		foreign.fh |= (uint64_t)fuzz_take(&m->input) << 32;
		*ret_number = KERNEL_HANDLES_MAX - 1;
		return &foreign;
	}
	for (uint32_t i = 0; i < m->kernel->handle_count; i++) {
		uint32_t at = (which + i) % m->kernel->handle_count;
		const struct kernel_handle *handle = &m->kernel->handles[at];
		if (handle->is_open && handle->is_directory == is_directory) {
			*ret_number = at;
			return handle;
		}
	}
	return NULL;
}

static const char *take_name(struct mount *m, char own[256])
{
	static const char *const names[] = {
		"main",	  "relaxed",   "team-a", "functions",	"layers",      "a.zip",	  "b.zip",   "1.zip",
		"2.zip",  ".tmp",      "x.part", "base",	"tools",       "run",	  "marker",  "current",
		"which",  "lib",       "x.py",	 "opt",		".vouchfs",    "why",	  "history", "rollback",
		"base:1", "events",    "recent", "status",	"permissions", "reload",  "metrics", "a.zip~",
		".dir",	  "main.json", "policy", "break-glass", "releases",    "nothing", "3",	     "reload-dry-run"};
	const uint8_t *bytes;
	uint8_t which = fuzz_take(&m->input);
	if (which < 192)
		return names[which % ARRAY_SIZE(names)];
	size_t len = fuzz_take_some(&m->input, 255, &bytes);
	for (size_t i = 0; i < len; i++)
		own[i] = bytes[i] == '/' || bytes[i] == '\0' ? '_' : (char)bytes[i];
	own[len] = '\0';
	if (len == 0 || strcmp(own, ".") == 0 || strcmp(own, "..") == 0)
		return "x";
	return own;
}

static void call_name(struct mount *m, uint32_t opcode, const void *fixed, size_t fixed_len)
{
	char own[256];
	uint64_t node = take_node(m);
	const char *name = take_name(m, own);
	(void)kernel_call(m->kernel, &(struct kernel_call){.opcode = opcode,
							   .node = node,
							   .fixed = fixed,
							   .fixed_len = fixed_len,
							   .bytes = name,
							   .len = strlen(name) + 1});
}

static void call_node(struct mount *m, uint32_t opcode, const void *fixed, size_t fixed_len, uint32_t wanted_bytes)
{
	(void)kernel_call(m->kernel, &(struct kernel_call){.opcode = opcode,
							   .node = take_node(m),
							   .fixed = fixed,
							   .fixed_len = fixed_len,
							   .wanted_bytes = wanted_bytes});
}

static bool has_room(const struct mount *m)
{
	return m->kernel->node_count + 64 < KERNEL_NODES_MAX && m->kernel->handle_count + 1 < KERNEL_HANDLES_MAX;
}

/* ---- requests ---- */

static void do_lookup(struct mount *m)
{
	if (has_room(m))
		call_name(m, FUSE_LOOKUP, NULL, 0);
}

/* A path that is there, component by component. */
static void do_walk(struct mount *m)
{
	static const char *const tree[] = {"functions/main/a.zip",
					   "functions/relaxed",
					   "functions/main/layers",
					   "layers/base/1.zip",
					   ".vouchfs/rollback/functions/main",
					   ".vouchfs/break-glass/functions/main",
					   ".vouchfs/permissions/layers/base:1",
					   ".vouchfs/events",
					   ".vouchfs/why/functions/main",
					   ".vouchfs/reload-dry-run",
					   ".vouchfs/history/functions/main.json",
					   "functions/team-a"};
	static const char *const run[] = {"main/marker", "relaxed/marker", "main", "main/opt"};
	bool is_run = m->kernel == &m->kernels[1];
	uint8_t which = fuzz_take(&m->input);
	char path[128], *rest = path, *name;
	uint64_t node = FUSE_ROOT_ID;
	(void)snprintf(path, sizeof(path), "%s",
		       is_run ? run[which % ARRAY_SIZE(run)] : tree[which % ARRAY_SIZE(tree)]);
	while (node != 0 && has_room(m) && (name = strsep(&rest, "/")) != NULL)
		node = kernel_lookup(m->kernel, node, name);
}

static void do_forget(struct mount *m)
{
	uint64_t node = take_node(m);
	if (node != FUSE_ROOT_ID)
		kernel_forget(m->kernel, node, 1U + fuzz_take(&m->input) % 4);
}

static void do_getattr(struct mount *m)
{
	const struct fuse_getattr_in fixed = {0};
	call_node(m, FUSE_GETATTR, &fixed, sizeof(fixed), 0);
}

static void do_setattr(struct mount *m)
{
	uint32_t number;
	struct fuse_setattr_in fixed = {.valid = fuzz_take16(&m->input) & ~(uint32_t)FATTR_FH,
					.size = fuzz_take16(&m->input),
					.mtime = fuzz_take16(&m->input),
					.mode = fuzz_take16(&m->input)};
	const struct kernel_handle *handle = fuzz_take(&m->input) & 1 ? take_handle(m, false, &number) : NULL;
	if (handle) {
		fixed.valid |= FATTR_FH;
		fixed.fh = handle->fh;
	}
	const struct kernel_call call = {.opcode = FUSE_SETATTR,
					 .node = handle ? handle->node : take_node(m),
					 .fixed = &fixed,
					 .fixed_len = sizeof(fixed)};
	(void)kernel_call(m->kernel, &call);
}

static uint32_t take_open_flags(struct mount *m)
{
	static const uint32_t flags[] = {O_RDONLY, O_RDWR | O_TRUNC,	O_WRONLY | O_TRUNC,    O_RDWR,
					 O_WRONLY, O_WRONLY | O_APPEND, O_RDONLY | O_NONBLOCK, O_RDWR | O_EXCL};
	return flags[fuzz_take(&m->input) % ARRAY_SIZE(flags)];
}

static void do_create(struct mount *m)
{
	const struct fuse_create_in fixed = {.flags = take_open_flags(m) | O_CREAT, .mode = 0100644};
	if (has_room(m))
		call_name(m, FUSE_CREATE, &fixed, sizeof(fixed));
}

static void do_open(struct mount *m)
{
	const struct fuse_open_in fixed = {.flags = take_open_flags(m)};
	if (has_room(m))
		call_node(m, FUSE_OPEN, &fixed, sizeof(fixed), 0);
}

static void do_opendir(struct mount *m)
{
	const struct fuse_open_in fixed = {.flags = O_RDONLY};
	if (has_room(m))
		call_node(m, FUSE_OPENDIR, &fixed, sizeof(fixed), 0);
}

/* With a file's handle; the run side's kernel has none, and reads all the same. */
static bool read_by(struct mount *m, uint32_t opcode, bool is_directory)
{
	uint32_t number = 0;
	const struct kernel_handle *handle = take_handle(m, is_directory, &number);
	bool is_run = m->kernel == &m->kernels[1];
	uint32_t size = 1U + fuzz_take16(&m->input) % READ_BYTES;
	if (!handle && !is_run)
		return false;
	const struct fuse_read_in fixed = {.fh = handle ? handle->fh : 0,
					   .offset = fuzz_take16(&m->input) % 5000,
					   .size = size,
					   .flags = fuzz_take(&m->input) & 1 ? O_NONBLOCK : 0};
	const struct kernel_call call = {.opcode = opcode,
					 .node = handle ? handle->node : take_node(m),
					 .fixed = &fixed,
					 .fixed_len = sizeof(fixed),
					 .wanted_bytes = size,
					 .handle = handle ? number + 1 : 0};
	(void)kernel_call(m->kernel, &call);
	return true;
}

static void do_read(struct mount *m)
{
	(void)read_by(m, FUSE_READ, false);
}

static void do_readdir(struct mount *m)
{
	bool is_run = m->kernel == &m->kernels[1];
	if (has_room(m))
		(void)read_by(m, is_run && fuzz_take(&m->input) & 1 ? FUSE_READDIRPLUS : FUSE_READDIR, true);
}

static void write_bytes(struct mount *m, const struct kernel_handle *handle, const void *bytes, size_t len,
			uint64_t offset)
{
	const struct fuse_write_in fixed = {.fh = handle->fh, .offset = offset, .size = (uint32_t)len};
	(void)kernel_call(m->kernel, &(struct kernel_call){.opcode = FUSE_WRITE,
							   .node = handle->node,
							   .fixed = &fixed,
							   .fixed_len = sizeof(fixed),
							   .bytes = bytes,
							   .len = len});
}

static void do_write(struct mount *m)
{
	uint32_t number;
	const uint8_t *bytes;
	const struct kernel_handle *handle = take_handle(m, false, &number);
	uint64_t offset = fuzz_take16(&m->input);
	size_t len = fuzz_take_some(&m->input, 255, &bytes);
	if (handle)
		write_bytes(m, handle, bytes, len, offset);
}

/* Something that can be deployed, in one piece or two. */
static void do_write_content(struct mount *m)
{
	uint32_t number;
	const struct kernel_handle *handle = take_handle(m, false, &number);
	const struct buf *content = &host.contents[fuzz_take(&m->input) % FUZZ_HOST_CONTENTS];
	size_t first = fuzz_take(&m->input) & 1 ? content->len / 2 : content->len;
	if (!handle)
		return;
	write_bytes(m, handle, content->data, first, 0);
	if (first < content->len)
		write_bytes(m, handle, content->data + first, content->len - first, first);
}

static void do_flush(struct mount *m)
{
	uint32_t number;
	const struct kernel_handle *handle = take_handle(m, false, &number);
	const struct fuse_flush_in flush = {.fh = handle ? handle->fh : 0};
	const struct fuse_fsync_in fsync = {.fh = handle ? handle->fh : 0};
	bool is_fsync = fuzz_take(&m->input) & 1;
	const struct kernel_call call = {.opcode = is_fsync ? FUSE_FSYNC : FUSE_FLUSH,
					 .node = handle ? handle->node : 0,
					 .fixed = is_fsync ? (const void *)&fsync : &flush,
					 .fixed_len = is_fsync ? sizeof(fsync) : sizeof(flush)};
	if (handle)
		(void)kernel_call(m->kernel, &call);
}

static void do_release(struct mount *m)
{
	uint32_t number;
	if (take_handle(m, fuzz_take(&m->input) & 1, &number))
		kernel_release(m->kernel, number);
}

static void do_mkdir(struct mount *m)
{
	const struct fuse_mkdir_in fixed = {.mode = 0755};
	if (has_room(m))
		call_name(m, FUSE_MKDIR, &fixed, sizeof(fixed));
}

static void do_remove(struct mount *m)
{
	call_name(m, fuzz_take(&m->input) & 1 ? FUSE_RMDIR : FUSE_UNLINK, NULL, 0);
}

static void do_rename(struct mount *m)
{
	char from[256], to[256];
	struct buf names = {0};
	struct fuse_rename2_in fixed = {.newdir = take_node(m), .flags = fuzz_take(&m->input) % 4};
	uint64_t node = take_node(m);
	const char *name = take_name(m, from);
	ASSERT(buf_append(&names, name, strlen(name) + 1) == 0);
	name = take_name(m, to);
	ASSERT(buf_append(&names, name, strlen(name) + 1) == 0);
	(void)kernel_call(m->kernel, &(struct kernel_call){.opcode = FUSE_RENAME2,
							   .node = node,
							   .fixed = &fixed,
							   .fixed_len = sizeof(fixed),
							   .bytes = names.data,
							   .len = names.len});
	buf_done(&names);
}

static void do_xattr(struct mount *m)
{
	static const char *const names[] = {"user.vouchfs.status",	 "user.vouchfs.description",
					    "user.vouchfs.license_info", "security.capability",
					    "system.posix_acl_access",	 "user.vouchfs.tree_sha256"};
	uint8_t how = fuzz_take(&m->input);
	const struct fuse_getxattr_in get = {.size = fuzz_take16(&m->input) % 2 ? 4096 : 0};
	const char *name = names[how / 4 % ARRAY_SIZE(names)];
	struct kernel_call call = {.opcode = FUSE_GETXATTR,
				   .fixed = &get,
				   .fixed_len = sizeof(get),
				   .bytes = name,
				   .len = strlen(name) + 1,
				   .wanted_bytes = get.size};
	struct buf value = {0};
	const struct fuse_setxattr_in set = {.size = 3};
	call.node = take_node(m);
	if (how % 4 == 1) {
		call.opcode = FUSE_LISTXATTR;
		call.len = 0;
	} else if (how % 4 == 2) {
		ASSERT(buf_append(&value, name, strlen(name) + 1) == 0 && buf_append(&value, "abc", 3) == 0);
		call = (struct kernel_call){.opcode = FUSE_SETXATTR,
					    .node = call.node,
					    .fixed = &set,
					    .fixed_len = FUSE_COMPAT_SETXATTR_IN_SIZE,
					    .bytes = value.data,
					    .len = value.len};
	} else if (how % 4 == 3) {
		call.opcode = FUSE_REMOVEXATTR;
		call.fixed_len = 0;
	}
	(void)kernel_call(m->kernel, &call);
	buf_done(&value);
}

/* What there is no operation for, or next to none. */
static void do_other(struct mount *m)
{
	static const uint32_t opcodes[] = {FUSE_ACCESS, FUSE_LSEEK,    FUSE_GETLK,    FUSE_BMAP,
					   FUSE_STATFS, FUSE_READLINK, FUSE_FALLOCATE};
	static const char zeros[128];
	call_node(m, opcodes[fuzz_take(&m->input) % ARRAY_SIZE(opcodes)], zeros, sizeof(zeros), 0);
}

static void do_interrupt(struct mount *m)
{
	const struct fuse_interrupt_in fixed = {.unique = 2U *
							  (1U + fuzz_take16(&m->input) % m->kernel->request_count)};
	(void)kernel_call(m->kernel,
			  &(struct kernel_call){.opcode = FUSE_INTERRUPT, .fixed = &fixed, .fixed_len = sizeof(fixed)});
}

static void do_poll(struct mount *m)
{
	uint32_t number;
	const struct kernel_handle *handle = take_handle(m, false, &number);
	const struct fuse_poll_in fixed = {.fh = handle ? handle->fh : 0,
					   .kh = 7,
					   .flags = fuzz_take(&m->input) & 1 ? FUSE_POLL_SCHEDULE_NOTIFY : 0,
					   .events = POLLIN};
	const struct kernel_call call = {
		.opcode = FUSE_POLL, .node = handle ? handle->node : 0, .fixed = &fixed, .fixed_len = sizeof(fixed)};
	if (handle)
		(void)kernel_call(m->kernel, &call);
}

/* The daemon dies, or leaves the mount to the next one. */
static void do_restart(struct mount *m)
{
	mount_restart(m, fuzz_take(&m->input) & 1);
}

/* What the daemon does meanwhile, or somebody becomes another user. */
static void do_daemon(struct mount *m)
{
	static const uint32_t users[] = {0, GUEST, MEMBER, 65534};
	struct buf errors = {0};
	uint8_t what = fuzz_take(&m->input);
	if (what % 4 == 0)
		(void)slots_sweep(host.f->slots);
	else if (what % 4 == 1)
		(void)slots_follow(host.f->slots);
	else if (what % 4 == 2)
		ASSERT(slots_reload(host.f->slots, &errors) == 0);
	else
		m->kernel->uid = users[what / 4 % ARRAY_SIZE(users)];
	buf_done(&errors);
}

static void step(struct mount *m)
{
	static void (*const requests[])(struct mount * m) = {
		do_lookup,  do_walk,   do_forget, do_getattr, do_setattr, do_create,	    do_open,
		do_opendir, do_read,   do_read,	  do_readdir, do_write,	  do_write_content, do_flush,
		do_release, do_mkdir,  do_remove, do_rename,  do_xattr,	  do_other,	    do_interrupt,
		do_poll,    do_daemon, do_walk,	  do_restart};
	uint8_t what = fuzz_take(&m->input);
	m->kernel = &m->kernels[what & 0x80 ? 1 : 0];
	requests[(what & 0x7f) % ARRAY_SIZE(requests)](m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mount *m = calloc(1, sizeof(*m));
	ASSERT(m);
	m->host = &host;
	m->input = (struct fuzz_bytes){data, size};
	mount_bring_up(m, fuzz_take(&m->input));
	for (unsigned steps = 0; steps < STEPS_MAX && m->input.left > 0; steps++)
		step(m);
	mount_take_down(m);
	free(m);
	return 0;
}
