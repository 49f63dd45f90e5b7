/* What a daemon leaves to the next one is read back whole, or not at all. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/log.h"
#include "slots/tree_memory.h"

/* As it lies there. */
#define HEAD_BYTES  64
#define ENTRY_BYTES 80

static bool is_name(const char *name)
{
	return name[0] >= 'a' && name[0] <= 'z';
}

static struct tree_names *open_names(int fd, uint32_t incarnation)
{
	struct tree_names *names = NULL;
	const struct tree_memory memory = {.fd = fd, .incarnation = incarnation};
	assert_int_equal(tree_names_open(&memory, is_name, &names), 0);
	return names;
}

/* The first daemon: three slots, of which the second was touched. */
static int setup(void **state)
{
	int *fd = malloc(sizeof(*fd));
	if (!fd)
		return -1;
	log_set_level(LOG_LEVEL_ERROR);
	*fd = memfd_create("memory", MFD_CLOEXEC);
	struct tree_names *names = open_names(*fd, 1);
	assert_int_equal(tree_names_add(names, "alpha"), 0);
	assert_int_equal(tree_names_add(names, "layer:beta"), 0);
	assert_int_equal(tree_names_add(names, "gamma"), 0);
	tree_names_touch(names, 1);
	tree_names_begin(names);
	tree_names_free(names);
	*state = fd;
	return *fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	int *fd = *state;
	(void)close(*fd);
	free(fd);
	return 0;
}

static void assert_left(const struct tree_names *names, size_t n, const char *expected, bool touched)
{
	char name[TREE_NAME_SIZE];
	bool was_touched;
	assert_string_equal(tree_names_left(names, n, name, &was_touched), expected);
	assert_int_equal(was_touched, touched);
}

static void names_come_back_in_their_order(void **state)
{
	const int *fd = *state;
	struct tree_names *names = open_names(*fd, 2);
	assert_true(tree_names_is_heir(names));
	assert_false(tree_names_is_lost(names));
	assert_int_equal(tree_names_left_count(names), 3);
	assert_left(names, 0, "alpha", false);
	assert_left(names, 1, "layer:beta", true);
	assert_left(names, 2, "gamma", false);
	tree_names_free(names);
}

static void what_the_second_adds_comes_behind(void **state)
{
	const int *fd = *state;
	struct tree_names *names = open_names(*fd, 2);
	tree_names_drop_left(names);
	assert_int_equal(tree_names_add(names, "alpha"), 0);
	assert_int_equal(tree_names_add(names, "layer:beta"), 0);
	assert_int_equal(tree_names_add(names, "gamma"), 0);
	assert_int_equal(tree_names_add(names, "delta"), 0);
	tree_names_touch(names, 3);
	tree_names_begin(names);
	tree_names_free(names);
	names = open_names(*fd, 3);
	assert_int_equal(tree_names_left_count(names), 4);
	assert_left(names, 1, "layer:beta", true);
	assert_left(names, 3, "delta", true);
	tree_names_free(names);
}

static void node_ids_of_daemons_differ(void **state)
{
	const int *fd = *state;
	struct tree_names *names = open_names(*fd, 2);
	uint64_t second = tree_names_first_node(names);
	tree_names_free(names);
	names = open_names(*fd, TREE_INCARNATION_MAX);
	uint64_t last = tree_names_first_node(names);
	tree_names_free(names);
	assert_true(second > 1ULL << 40 && second < last && last < 1ULL << 56);

	const struct tree_memory one_more = {.fd = *fd, .incarnation = TREE_INCARNATION_MAX + 1};
	assert_int_equal(tree_names_open(&one_more, is_name, &names), -EOVERFLOW);
}

/* ---- who died, and who was asked to go ---- */

static void a_death_is_counted(void **state)
{
	const int *fd = *state;
	struct tree_names *names = open_names(*fd, 2);
	assert_int_equal(tree_names_past(names).takeovers, 0);
	tree_names_begin(names);
	struct tree_past past = tree_names_past(names);
	assert_int_equal(past.takeovers, 1);
	assert_int_equal(past.deaths, 1);
	assert_true(past.last_death_at_s > 0);
	tree_names_free(names);
}

static void one_that_hands_over_has_not_died(void **state)
{
	const int *fd = *state;
	struct tree_names *names = open_names(*fd, 2);
	tree_names_begin(names);
	tree_names_hand_over(names);
	tree_names_free(names);
	names = open_names(*fd, 3);
	tree_names_begin(names);
	assert_int_equal(tree_names_past(names).takeovers, 2);
	assert_int_equal(tree_names_past(names).deaths, 1);
	tree_names_free(names);
}

static void one_that_never_served_counts_for_nothing(void **state)
{
	const int *fd = *state;
	tree_names_free(open_names(*fd, 2));
	tree_names_free(open_names(*fd, 3));
	struct tree_names *names = open_names(*fd, 4);
	tree_names_begin(names);
	assert_int_equal(tree_names_past(names).takeovers, 1);
	assert_int_equal(tree_names_past(names).deaths, 1);
	tree_names_free(names);
}

/* ---- what is not as it was written ---- */

/* Nothing of it counts, no index is given again, and the next daemon finds what this one has made of it. */
static void assert_lost(int fd)
{
	log_set_level(LOG_LEVEL_ERROR);
	struct tree_names *names = open_names(fd, 2);
	assert_true(tree_names_is_lost(names));
	assert_int_equal(tree_names_left_count(names), 0);
	uint64_t first = tree_names_first_index(names);
	assert_true(first >= LIMIT_TREE_NAMES && first + LIMIT_TREE_NAMES < UINT32_MAX);
	assert_int_equal(tree_names_add(names, "omega"), 0);
	tree_names_begin(names);
	tree_names_free(names);

	names = open_names(fd, 3);
	assert_false(tree_names_is_lost(names));
	assert_int_equal(tree_names_first_index(names), first);
	assert_int_equal(tree_names_left_count(names), 1);
	assert_left(names, 0, "omega", false);
	tree_names_free(names);
}

static void put(int fd, const void *bytes, size_t len, off_t at)
{
	assert_int_equal(pwrite(fd, bytes, len, at), len);
}

static off_t entry(unsigned n)
{
	return HEAD_BYTES + (off_t)n * ENTRY_BYTES;
}

static void an_empty_one(void **state)
{
	const int *fd = *state;
	assert_int_equal(ftruncate(*fd, 0), 0);
	assert_lost(*fd);
}

static void half_a_head(void **state)
{
	const int *fd = *state;
	assert_int_equal(ftruncate(*fd, HEAD_BYTES / 2), 0);
	assert_lost(*fd);
}

static void another_magic(void **state)
{
	const int *fd = *state;
	put(*fd, "X", 1, 0);
	assert_lost(*fd);
}

static void a_daemon_that_comes_later(void **state)
{
	const int *fd = *state;
	put(*fd, &(uint32_t){2}, 4, 8);
	assert_lost(*fd);
}

static void an_index_that_has_no_room(void **state)
{
	const int *fd = *state;
	put(*fd, &(uint64_t){UINT32_MAX}, 8, 16);
	assert_lost(*fd);
}

static void more_deaths_than_daemons(void **state)
{
	const int *fd = *state;
	put(*fd, &(uint64_t){1}, 8, 32);
	assert_lost(*fd);
}

static void a_name_that_is_none(void **state)
{
	const int *fd = *state;
	put(*fd, "/etc", 4, entry(1) + 2);
	assert_lost(*fd);
}

static void a_name_that_ends_early(void **state)
{
	const int *fd = *state;
	put(*fd, "", 1, entry(1) + 4);
	assert_lost(*fd);
}

static void a_name_without_end(void **state)
{
	const int *fd = *state;
	put(*fd, &(uint8_t){ENTRY_BYTES - 1}, 1, entry(2) + 1);
	assert_lost(*fd);
}

static void a_name_of_nothing(void **state)
{
	const int *fd = *state;
	put(*fd, &(uint8_t){0}, 1, entry(0) + 1);
	assert_lost(*fd);
}

static void a_mark_that_is_none(void **state)
{
	const int *fd = *state;
	put(*fd, &(uint8_t){2}, 1, entry(0));
	assert_lost(*fd);
}

static void a_name_that_is_there_twice(void **state)
{
	const int *fd = *state;
	put(*fd, "gamma", 5, entry(0) + 2);
	assert_lost(*fd);
}

static void more_names_than_there_can_be(void **state)
{
	const int *fd = *state;
	assert_int_equal(ftruncate(*fd, entry(LIMIT_TREE_NAMES + 1)), 0);
	assert_lost(*fd);
}

/* Whoever wrote it died over it, and has told nobody of its index. */
static void a_last_name_that_is_cut_off_was_not_used(void **state)
{
	const int *fd = *state;
	assert_int_equal(ftruncate(*fd, entry(3) - 1), 0);
	struct tree_names *names = open_names(*fd, 2);
	assert_false(tree_names_is_lost(names));
	assert_int_equal(tree_names_left_count(names), 2);
	tree_names_free(names);
}

static void no_descriptor_at_all(void **state UNUSED)
{
	struct tree_names *names = open_names(-1, 2);
	assert_true(tree_names_is_lost(names));
	assert_int_equal(tree_names_add(names, "alpha"), 0);
	tree_names_touch(names, 0);
	tree_names_begin(names);
	tree_names_free(names);
	names = open_names(-1, 1);
	assert_false(tree_names_is_lost(names));
	assert_int_equal(tree_names_first_index(names), 0);
	tree_names_free(names);
}

/* Every byte of it, one after the other, with every bit the other way round: it counts, or it does not. */
static void no_byte_of_it_does_harm(void **state)
{
	const int *fd = *state;
	log_set_level(LOG_LEVEL_ERROR);
	struct stat st;
	assert_int_equal(fstat(*fd, &st), 0);
	assert_int_equal(st.st_size, entry(3));
	unsigned char all[HEAD_BYTES + 3 * ENTRY_BYTES];
	assert_int_equal(pread(*fd, all, sizeof(all), 0), sizeof(all));
	for (size_t at = 0; at < sizeof(all); at++) {
		put(*fd, all, sizeof(all), 0);
		assert_int_equal(ftruncate(*fd, sizeof(all)), 0);
		put(*fd, &(uint8_t){(uint8_t)~all[at]}, 1, (off_t)at);
		struct tree_names *names = open_names(*fd, 2);
		assert_int_equal(tree_names_left_count(names), tree_names_is_lost(names) ? 0 : 3);
		tree_names_free(names);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_come_back_in_their_order, setup, teardown),
		cmocka_unit_test_setup_teardown(what_the_second_adds_comes_behind, setup, teardown),
		cmocka_unit_test_setup_teardown(node_ids_of_daemons_differ, setup, teardown),
		cmocka_unit_test_setup_teardown(a_death_is_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_hands_over_has_not_died, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_never_served_counts_for_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(an_empty_one, setup, teardown),
		cmocka_unit_test_setup_teardown(half_a_head, setup, teardown),
		cmocka_unit_test_setup_teardown(another_magic, setup, teardown),
		cmocka_unit_test_setup_teardown(a_daemon_that_comes_later, setup, teardown),
		cmocka_unit_test_setup_teardown(an_index_that_has_no_room, setup, teardown),
		cmocka_unit_test_setup_teardown(more_deaths_than_daemons, setup, teardown),
		cmocka_unit_test_setup_teardown(a_name_that_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(a_name_that_ends_early, setup, teardown),
		cmocka_unit_test_setup_teardown(a_name_without_end, setup, teardown),
		cmocka_unit_test_setup_teardown(a_name_of_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_mark_that_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(a_name_that_is_there_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(more_names_than_there_can_be, setup, teardown),
		cmocka_unit_test_setup_teardown(a_last_name_that_is_cut_off_was_not_used, setup, teardown),
		cmocka_unit_test(no_descriptor_at_all),
		cmocka_unit_test_setup_teardown(no_byte_of_it_does_harm, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
