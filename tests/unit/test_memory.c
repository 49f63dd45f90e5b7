/* What a daemon leaves of INIT is read back as it was, or not at all. */
#include <errno.h>
#include <linux/fuse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/fs/memory.h"
#include "base/io.h"

static struct memory_init make_init(uint32_t flags, uint32_t flags2)
{
	struct memory_init init = {0};
	const struct fuse_init_in in = {.major = 7, .minor = 40, .flags = flags, .flags2 = flags2};
	init.request_len = sizeof(struct fuse_in_header) + sizeof(in);
	init.answer_len = sizeof(struct fuse_out_header) + sizeof(struct fuse_init_out);
	const struct fuse_in_header request = {.len = init.request_len, .opcode = FUSE_INIT, .unique = 2};
	const struct fuse_out_header answer = {.len = init.answer_len, .unique = 2};
	memcpy(init.request, &request, sizeof(request));
	memcpy(init.request + sizeof(request), &in, sizeof(in));
	memcpy(init.answer, &answer, sizeof(answer));
	return init;
}

static int make_memory(void **state)
{
	static int fd;
	*state = &fd;
	return memory_new(&fd);
}

static int close_memory(void **state)
{
	io_close(*state);
	return 0;
}

static void what_is_left_is_found(void **state)
{
	int memory = *(int *)*state;
	const struct memory_init tree = make_init(1, 0), run = make_init(2, 0);
	struct memory_init found;
	assert_int_equal(memory_get_init(memory, MEMORY_TREE, &found), -ENODATA);
	assert_int_equal(memory_put_init(memory, MEMORY_TREE, &tree), 0);
	assert_int_equal(memory_get_init(memory, MEMORY_RUN, &found), -ENODATA);
	assert_int_equal(memory_put_init(memory, MEMORY_RUN, &run), 0);
	assert_int_equal(memory_get_init(memory, MEMORY_TREE, &found), 0);
	assert_memory_equal(&found, &tree, sizeof(found));
	assert_int_equal(memory_get_init(memory, MEMORY_RUN, &found), 0);
	assert_memory_equal(&found, &run, sizeof(found));
}

static void only_an_init_and_its_answer_is_taken(void **state)
{
	int memory = *(int *)*state;
	struct memory_init init = make_init(0, 0);
	init.request[4] = FUSE_LOOKUP;
	assert_int_equal(memory_put_init(memory, MEMORY_TREE, &init), -EINVAL);
	init = make_init(0, 0);
	init.request_len = MEMORY_MESSAGE_BYTES + 1;
	assert_int_equal(memory_put_init(memory, MEMORY_TREE, &init), -EINVAL);
	init = make_init(0, 0);
	init.answer[4] = 0xff; /* an errno */
	assert_int_equal(memory_put_init(memory, MEMORY_TREE, &init), -EINVAL);
	init = make_init(0, 0);
	init.answer[8] = 3; /* of another request */
	assert_int_equal(memory_put_init(memory, MEMORY_TREE, &init), -EINVAL);
	assert_int_equal(memory_get_init(memory, MEMORY_TREE, &init), -ENODATA);
}

/* Each of the bytes that say what it is. */
static void nonsense_is_not_believed(void **state)
{
	int memory = *(int *)*state;
	const struct memory_init init = make_init(0, 0);
	struct memory_init found;
	static const size_t places[] = {0, 7, 8, 11, 12, 15, 16, 20, 144, 148, 152};
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		unsigned char byte;
		assert_int_equal(memory_put_init(memory, MEMORY_TREE, &init), 0);
		assert_int_equal(io_pread_full(memory, &byte, 1, places[i]), 0);
		byte ^= 0x40;
		assert_int_equal(io_pwrite_full(memory, &byte, 1, places[i]), 0);
		assert_int_equal(memory_get_init(memory, MEMORY_TREE, &found), -EBADMSG);
	}
}

static void its_size_stays(void **state)
{
	int memory = *(int *)*state;
	assert_int_equal(ftruncate(memory, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(memory, 1 << 20), -1);
}

/* By whoever has taken a daemon over. */
static void what_all_agree_on_stays(void **state)
{
	int memory = *(int *)*state;
	const struct memory_init init = make_init(1, 0), other = make_init(2, 0);
	struct memory_init found;
	assert_int_equal(memory_put_init(memory, MEMORY_TREE, &init), 0);
	assert_int_equal(memory_seal(memory), 0);
	assert_int_equal(memory_seal(memory), 0); /* by the next program */
	assert_int_equal(memory_put_init(memory, MEMORY_TREE, &other), -EPERM);
	assert_int_equal(memory_get_init(memory, MEMORY_TREE, &found), 0);
	assert_memory_equal(&found, &init, sizeof(found));
}

static void who_maps_it_is_noticed(void **state)
{
	int memory = *(int *)*state;
	void *page = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	assert_true(page != MAP_FAILED);
	assert_int_equal(memory_seal(memory), -EBUSY);
	assert_int_equal(munmap(page, 1), 0);
}

static void whether_the_kernel_sends_again(void **state UNUSED)
{
	struct memory_init init = make_init(FUSE_INIT_EXT, 1U << 7);
	assert_true(memory_has_resend(&init));
	init = make_init(FUSE_INIT_EXT, ~(1U << 7));
	assert_false(memory_has_resend(&init));
	init = make_init(0, 1U << 7); /* the second word counts only where the first says so */
	assert_false(memory_has_resend(&init));
}

static void the_last_number_is_found(void **state UNUSED)
{
	uint32_t last = 7;
	int fd;
	assert_int_equal(memory_new_count(&fd), 0);
	assert_int_equal(memory_get_count(fd, &last), 0);
	assert_int_equal(last, 0);
	assert_int_equal(memory_put_count(fd, 300), 0);
	assert_int_equal(memory_put_count(fd, 3), 0);
	assert_int_equal(memory_get_count(fd, &last), 0);
	assert_int_equal(last, 3);
	assert_int_equal(ftruncate(fd, 2), 0);
	assert_true(memory_get_count(fd, &last) < 0);
	io_close(&fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_left_is_found, make_memory, close_memory),
		cmocka_unit_test_setup_teardown(only_an_init_and_its_answer_is_taken, make_memory, close_memory),
		cmocka_unit_test_setup_teardown(nonsense_is_not_believed, make_memory, close_memory),
		cmocka_unit_test_setup_teardown(its_size_stays, make_memory, close_memory),
		cmocka_unit_test_setup_teardown(what_all_agree_on_stays, make_memory, close_memory),
		cmocka_unit_test_setup_teardown(who_maps_it_is_noticed, make_memory, close_memory),
		cmocka_unit_test(the_last_number_is_found),
		cmocka_unit_test(whether_the_kernel_sends_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
