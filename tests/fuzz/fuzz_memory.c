/*
 * Throws bytes at what a daemon reads of the one before: what that left of nodes (`nodes`, a line, then the bytes), and
 * of the agreement with the kernel (`init`).
 *
 * What must hold: nothing crashes; what counts are names that slots may have, each once; indexes are such that no
 * daemon has given to something else; what is opened leaves something that the next one takes, with the same names.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../src/fs/memory.h"
#include "../../src/store/internal.h"
#include "base/io.h"
#include "base/log.h"
#include "fuzz.h"
#include "slots/tree_memory.h"

#define INCARNATION 3U
#define NODES	    "nodes\n"
#define INIT	    "init\n"

int LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	log_set_level(LOG_LEVEL_ERROR);
	return 0;
}

/* ---- nodes ---- */

static struct tree_names *open_names(int fd, uint32_t incarnation)
{
	const struct tree_memory memory = {.fd = fd, .incarnation = incarnation};
	struct tree_names *names = NULL;
	ASSERT(tree_names_open(&memory, store_is_slot, &names) == 0);
	ASSERT(tree_names_is_heir(names) == (incarnation > 1));
	return names;
}

static void check_left(const struct tree_names *names)
{
	char name[TREE_NAME_SIZE], other[TREE_NAME_SIZE];
	bool touched;
	size_t count = tree_names_left_count(names);
	ASSERT(count == 0 || !tree_names_is_lost(names));
	for (size_t i = 0; i < count; i++) {
		ASSERT(store_is_slot(tree_names_left(names, i, name, &touched)));
		for (size_t k = 0; k < i && i < 32; k++)
			ASSERT(strcmp(tree_names_left(names, k, other, &touched), name) != 0);
	}
	struct tree_past past = tree_names_past(names);
	ASSERT(past.deaths <= past.takeovers);
}

/* Takes up what was left, and one name more, as slots do. */
static size_t take_up(struct tree_names *names)
{
	char name[TREE_NAME_SIZE];
	bool touched;
	size_t count = tree_names_left_count(names);
	for (size_t i = 0; i < count; i++)
		ASSERT(tree_names_add(names, tree_names_left(names, i, name, &touched)) == 0);
	tree_names_drop_left(names);
	ASSERT(tree_names_add(names, "zz-one-more.that-none-has") == 0);
	tree_names_begin(names);
	tree_names_touch(names, count);
	return count + 1;
}

static void try_nodes(const void *bytes, size_t len)
{
	int fd = memfd_create("nodes", MFD_CLOEXEC);
	ASSERT(fd >= 0 && io_write_full(fd, bytes, len) == 0);
	struct tree_names *first = open_names(fd, INCARNATION);
	check_left(first);
	uint64_t index = tree_names_first_index(first), node = tree_names_first_node(first);
	size_t count = take_up(first);
	tree_names_free(first);

	struct tree_names *second = open_names(fd, INCARNATION + 1);
	check_left(second);
	ASSERT(tree_names_left_count(second) == count && !tree_names_is_lost(second));
	ASSERT(tree_names_first_index(second) == index && tree_names_first_node(second) > node);
	tree_names_free(second);
	(void)close(fd);
}

/* ---- the agreement ---- */

static void try_init(const void *bytes, size_t len)
{
	struct memory_init init, again;
	size_t room = MEMORY_SIDES * (sizeof(uint64_t) + sizeof(init));
	int fd = -1, other = -1;
	ASSERT(memory_new(&fd) == 0 && memory_new(&other) == 0);
	ASSERT(io_pwrite_full(fd, bytes, len < room ? len : room, 0) == 0);
	for (enum memory_side side = MEMORY_TREE; side < MEMORY_SIDES; side++) {
		int r = memory_get_init(fd, side, &init);
		ASSERT(r == 0 || r == -ENODATA || r == -EBADMSG);
		if (r < 0)
			continue;
		ASSERT(init.request_len <= MEMORY_MESSAGE_BYTES && init.answer_len <= MEMORY_MESSAGE_BYTES);
		(void)memory_has_resend(&init);
		ASSERT(memory_put_init(other, side, &init) == 0 && memory_get_init(other, side, &again) == 0);
		ASSERT(memcmp(&init, &again, sizeof(init)) == 0);
	}
	(void)close(fd);
	(void)close(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size >= strlen(NODES) && memcmp(data, NODES, strlen(NODES)) == 0)
		try_nodes(data + strlen(NODES), size - strlen(NODES));
	else if (size >= strlen(INIT) && memcmp(data, INIT, strlen(INIT)) == 0)
		try_init(data + strlen(INIT), size - strlen(INIT));
	return 0;
}
