/*
 * memory.h - what a daemon leaves to the one that takes its place: a memfd that the supervisor keeps, and gives to each
 * daemon with its first message (CHANNEL_MEMORY). For each connection it holds what was agreed with the kernel when it
 * was mounted, the bytes of the INIT request and of the answer, since the kernel asks for that once only.
 *
 * The daemon reads what strangers wrote, so what it leaves is checked by whoever reads it: sizes, form, bounds. The
 * size of the memfd is sealed, and once all is served its bytes are: no daemon changes what later ones agree on.
 */
#ifndef FS_MEMORY_H
#define FS_MEMORY_H

#include "base/base.h"

#define MEMORY_MESSAGE_BYTES 128 /* at most, of a request or an answer; INIT has 104 and 80 */

enum memory_side {
	MEMORY_TREE = 0,
	MEMORY_RUN,
	MEMORY_SIDES,
};

/* INIT as it came and as it was answered, each with its header. */
struct memory_init {
	uint32_t request_len;
	uint32_t answer_len;
	unsigned char request[MEMORY_MESSAGE_BYTES];
	unsigned char answer[MEMORY_MESSAGE_BYTES];
};

/* A descriptor to close; nothing is remembered yet. */
int memory_new(int *ret_fd);
/* Nothing is put any more, by nobody who has it. -EBUSY: somebody has it mapped to write. */
int memory_seal(int memory);
/* The same for what slots remembers (slots_options.memory_fd): empty, and as large as slots makes it. */
int memory_new_nodes(int *ret_fd);

/* The number of the last daemon, for who begins without having seen it; 0 at first. */
int memory_new_count(int *ret_fd);
int memory_put_count(int fd, uint32_t incarnation);
int memory_get_count(int fd, uint32_t *ret);

int memory_put_init(int memory, enum memory_side side, const struct memory_init *init);
/* -ENODATA: there is none; -EBADMSG: what is there is not what memory_put_init writes. */
int memory_get_init(int memory, enum memory_side side, struct memory_init *ret);

/* Whether a kernel that has sent such an INIT can be told to send again what it has sent to a daemon that died. */
bool memory_has_resend(const struct memory_init *init);

#endif
