/*
 * kernel.h - plays the kernel on a FUSE connection that has no kernel: puts requests into a session of libfuse as the
 * kernel lays them out, and takes what is written back apart.
 *
 * It keeps what the real one keeps: nodes with their references, open files, requests without an answer. A request is
 * answered once; a FORGET never is. It sends what a kernel may send: names are single components, a file is not
 * released while it is read. What nodes it asks about is up to the caller, also such that nobody has given out.
 */
#ifndef TESTS_FUZZ_KERNEL_H
#define TESTS_FUZZ_KERNEL_H

#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <pthread.h>

#include "base/buf.h"

#define KERNEL_NODES_MAX    256U
#define KERNEL_HANDLES_MAX  64U
#define KERNEL_REQUESTS_MAX 2048U /* half of them for the end */

struct kernel_node {
	uint64_t id;
	uint64_t references;
};

struct kernel_handle {
	uint64_t fh;
	uint64_t node;
	bool is_directory;
	bool is_open;
};

struct kernel_request {
	uint32_t opcode;
	uint64_t node;
	uint32_t wanted_bytes; /* of a READ and the like */
	uint32_t handle;       /* index; KERNEL_HANDLES_MAX: none */
	unsigned answers;
	int error; /* of the answer, positive */
};

struct kernel {
	struct fuse_session *fuse;
	bool may_do_without_open; /* the side is one that answers OPEN with ENOSYS */
	uint32_t uid;
	bool is_ending;

	pthread_mutex_t lock; /* all below: streams are answered on another thread */
	struct kernel_node nodes[KERNEL_NODES_MAX];
	uint32_t node_count;
	struct kernel_handle handles[KERNEL_HANDLES_MAX];
	uint32_t handle_count;
	struct kernel_request requests[KERNEL_REQUESTS_MAX];
	uint32_t request_count;
	unsigned notices;
};

/* Of all-zero; stays in place. */
void kernel_init(struct kernel *kernel);
/* Says INIT, with these flags of the kernel's. The session is neither started nor owned. */
void kernel_connect(struct kernel *kernel, struct fuse_session *fuse, uint32_t flags);
/* Before the session goes. Another one may come, and finds what the kernel knows. */
void kernel_disconnect(struct kernel *kernel);
/* Every request but FORGET has had its answer. */
void kernel_check_answers(struct kernel *kernel);
/* Closes all files and forgets all nodes, as an unmount does. Nothing waits any more. */
void kernel_forget_all(struct kernel *kernel);
void kernel_done(struct kernel *kernel);

/* A request: its fixed part, then bytes. Returns its error, 0 or positive; -1: it is not answered yet. */
struct kernel_call {
	uint32_t opcode;
	uint64_t node;
	const void *fixed;
	size_t fixed_len;
	const void *bytes; /* names with their NULs, data */
	size_t len;
	uint32_t wanted_bytes;
	uint32_t handle; /* index + 1; 0: none */
};
int kernel_call(struct kernel *kernel, const struct kernel_call *call);

/* The node of a name below parent, referenced once more; 0: there is none. */
uint64_t kernel_lookup(struct kernel *kernel, uint64_t parent, const char *name);
/* Gives back at most so many references of one that is known, or says so of one that is not. */
void kernel_forget(struct kernel *kernel, uint64_t node, uint64_t count);
/* Unless it is read at the moment. */
void kernel_release(struct kernel *kernel, uint32_t handle);

#endif
