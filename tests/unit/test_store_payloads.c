/* Payloads that are open: how many, which go first, and what becomes of those that others use, remove or replace. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/store/internal.h"
#include "base/log.h"
#include "store_fixture.h"

#define BLOCK  MERKLE_BLOCK_BYTES
#define LEN    (BLOCK + 700)
#define ROOM   4
#define COUNT  10
#define ROUNDS 2000
#define FEW    64 /* descriptors */

/* ---- the ring alone ---- */

struct ring {
	struct store_payloads payloads;
	struct store_payload all[COUNT];
};

static int open_null(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static int ring_setup(void **state)
{
	struct ring *ring = calloc(1, sizeof(*ring));
	assert_non_null(ring);
	store_payloads_init(&ring->payloads);
	ring->payloads.max = ROOM;
	for (size_t i = 0; i < COUNT; i++)
		store_payload_init(&ring->all[i], open_null());
	*state = ring;
	return 0;
}

static int ring_teardown(void **state)
{
	struct ring *ring = *state;
	for (size_t i = 0; i < COUNT; i++)
		store_payload_done(&ring->payloads, &ring->all[i]);
	store_payloads_done(&ring->payloads);
	free(ring);
	return 0;
}

static bool is_open(const struct store_payload *payload)
{
	bool has_file = payload->fd >= 0;
	assert_int_equal(has_file ? fcntl(payload->fd, F_GETFD) : FD_CLOEXEC, FD_CLOEXEC);
	return has_file;
}

static void use(struct store_payload *payload)
{
	assert_true(store_payload_take(payload));
	store_payload_give_back(payload);
}

static void let_go(struct ring *ring, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		store_payload_let_go(&ring->payloads, &ring->all[i]);
}

static void reopen(struct ring *ring, size_t number)
{
	struct store_payload *payload = &ring->all[number];
	int fd = open_null();
	assert_false(store_payload_take(payload));
	uint64_t changes = store_payload_changes(&ring->payloads, payload);
	assert_true(store_payload_offer(&ring->payloads, payload, changes, &fd));
	assert_int_equal(fd, -1);
	assert_true(is_open(payload));
}

static void the_share_comes_from_the_limit_of_descriptors(void **state)
{
	struct store_payloads payloads;
	struct rlimit limit;
	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	store_payloads_init(&payloads);
	rlim_t share = limit.rlim_cur / STORE_PAYLOADS_SHARE;
	assert_int_equal(payloads.max, share < STORE_PAYLOADS_MAX ? share : STORE_PAYLOADS_MAX);
	store_payloads_done(&payloads);
}

static void those_that_were_not_used_for_long_are_closed(void **state)
{
	struct ring *ring = *state;
	let_go(ring, 0, ROOM);
	for (size_t i = 0; i < ROOM; i++)
		assert_true(is_open(&ring->all[i]));
	let_go(ring, ROOM, ROOM + 1);
	assert_false(is_open(&ring->all[0])); /* the first that came */
	assert_true(is_open(&ring->all[ROOM]));
	use(&ring->all[1]);
	let_go(ring, ROOM + 1, ROOM + 2);
	assert_true(is_open(&ring->all[1]));
	assert_false(is_open(&ring->all[2]));
	assert_true(is_open(&ring->all[ROOM + 1]));
	assert_int_equal(ring->payloads.count, ROOM);
	reopen(ring, 2);
	use(&ring->all[2]);
	assert_int_equal(ring->payloads.count, ROOM);
}

static void what_is_kept_or_in_use_stays_open(void **state)
{
	struct ring *ring = *state;
	let_go(ring, 0, 2);
	store_payload_keep(&ring->payloads, &ring->all[0]);
	assert_true(store_payload_take(&ring->all[1]));
	assert_true(store_payload_take(&ring->all[1]));
	store_payload_give_back(&ring->all[1]); /* one is left */
	let_go(ring, 2, COUNT);
	let_go(ring, 2, COUNT); /* twice does nothing */
	assert_int_equal(ring->payloads.count, ROOM);
	assert_true(is_open(&ring->all[0]));
	assert_true(is_open(&ring->all[1]));
	store_payload_give_back(&ring->all[1]);
	while (store_payloads_make_room(&ring->payloads, -EMFILE))
		continue;
	assert_false(is_open(&ring->all[1]));
	assert_true(is_open(&ring->all[0]));
	assert_int_equal(ring->payloads.count, 0);
}

static void more_in_use_than_there_is_room_for(void **state)
{
	struct ring *ring = *state;
	for (size_t i = 0; i < COUNT; i++)
		assert_true(store_payload_take(&ring->all[i]));
	let_go(ring, 0, COUNT);
	assert_int_equal(ring->payloads.count, COUNT);
	assert_false(store_payloads_make_room(&ring->payloads, -EMFILE));
	for (size_t i = 0; i < COUNT; i++)
		store_payload_give_back(&ring->all[i]);
	store_payload_keep(&ring->payloads, &ring->all[0]);
	store_payload_let_go(&ring->payloads, &ring->all[0]); /* whoever comes next */
	assert_int_equal(ring->payloads.count, ROOM);
}

static void room_is_made_when_descriptors_ran_out_only(void **state)
{
	struct ring *ring = *state;
	let_go(ring, 0, 2);
	assert_false(store_payloads_make_room(&ring->payloads, -EIO));
	assert_false(store_payloads_make_room(&ring->payloads, 7));
	assert_int_equal(ring->payloads.count, 2);
	assert_true(store_payloads_make_room(&ring->payloads, -ENFILE));
	assert_true(store_payloads_make_room(&ring->payloads, -EMFILE));
	assert_false(store_payloads_make_room(&ring->payloads, -EMFILE));
}

static void a_file_that_was_opened_before_a_change_is_not_taken(void **state)
{
	struct ring *ring = *state;
	struct store_payload *payload = &ring->all[0];
	let_go(ring, 0, 1);
	assert_true(store_payloads_make_room(&ring->payloads, -EMFILE));
	uint64_t before = store_payload_changes(&ring->payloads, payload);
	int failed = -ENOENT;
	assert_false(store_payload_offer(&ring->payloads, payload, before, &failed));

	int stale = open_null(), stale_too = open_null(), new_one = ring->all[1].fd;
	assert_true(store_payload_adopt(&ring->payloads, payload, &ring->all[1])); /* it is put again */
	assert_int_equal(payload->fd, new_one);
	assert_int_equal(ring->all[1].fd, -1);
	assert_true(store_payload_offer(&ring->payloads, payload, before, &stale));
	assert_true(store_payloads_make_room(&ring->payloads, -EMFILE));
	assert_true(store_payload_offer(&ring->payloads, payload, before, &stale_too));
	assert_false(is_open(payload));
	assert_true(store_payload_offer(&ring->payloads, payload, before, &failed)); /* look again */
	io_close(&stale);
	io_close(&stale_too);
	reopen(ring, 0);
}

/* ---- objects ---- */

/* Room for one payload: each object that is read closes the one before. */
static int narrow_setup(void **state)
{
	int r = fixture_setup(state);
	struct fixture *f = *state;
	if (r == 0)
		f->store->payloads.max = 1;
	return r;
}

static struct store_object *deploy_and_open(struct fixture *f, const char *function, unsigned seed)
{
	struct store_release *release;
	struct store_object *object;
	assert_int_equal(fixture_deploy(f->store, function, 1, seed, LEN), 0);
	assert_int_equal(store_load_current(f->store, function, &release), 0);
	assert_int_equal(store_open_object(f->store, release->digest, LEN, &object), 0);
	store_release_free(release);
	return object;
}

static bool reads(struct store_object *object, unsigned seed)
{
	uint8_t found[LEN], *bytes = fixture_bytes(seed, LEN);
	int r = store_object_pread(object, found, LEN, 0);
	bool is_same = memcmp(found, bytes, LEN) == 0;
	free(bytes);
	assert_true(r == 0 || r == -EBADMSG);
	assert_int_equal(is_same, r == 0);
	return is_same;
}

static void close_all(struct fixture *f)
{
	while (store_payloads_make_room(&f->store->payloads, -EMFILE))
		continue;
}

static void objects_are_opened_again(void **state)
{
	struct fixture *f = *state;
	struct store_object *one = deploy_and_open(f, "one", 1), *two = deploy_and_open(f, "two", 2);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(reads(one, 1));
		assert_true(reads(two, 2));
		assert_int_equal(f->store->payloads.count, 1);
	}
	store_object_unref(one);
	store_object_unref(two);
	assert_int_equal(f->store->payloads.count, 0);
}

static void an_object_is_removed_while_it_is_closed(void **state)
{
	struct fixture *f = *state;
	struct store_object *one = deploy_and_open(f, "one", 1);
	close_all(f);
	assert_int_equal(store_remove_function(f->store, "one"), 0);
	assert_false(fixture_exists(fixture_object_path(f, store_object_digest(one), "payload")));
	struct store_object *two = deploy_and_open(f, "two", 2);
	close_all(f);
	assert_true(reads(one, 1)); /* it was in use, so it stays readable */
	assert_true(reads(two, 2));

	struct store_object *again = deploy_and_open(f, "three", 1); /* has a name again, so it may be closed again */
	assert_ptr_equal(one, again);
	close_all(f);
	assert_int_equal(f->store->payloads.count, 0);
	assert_true(reads(one, 1));
	assert_int_equal(f->store->payloads.count, 1);
	store_object_unref(again);
	store_object_unref(one);
	store_object_unref(two);
	assert_true(fixture_is_whole(f));
}

static void an_object_whose_payload_is_lost_is_removed(void **state)
{
	struct fixture *f = *state;
	struct store_object *one = deploy_and_open(f, "one", 1);
	close_all(f);
	assert_int_equal(unlink(fixture_object_path(f, store_object_digest(one), "payload")), 0);
	assert_int_equal(store_remove_function(f->store, "one"), 0);
	assert_false(reads(one, 1));
	store_object_unref(one);
	assert_true(fixture_is_whole(f));
}

static void an_object_that_is_shared_is_not_kept(void **state)
{
	struct fixture *f = *state;
	struct store_object *one = deploy_and_open(f, "one", 1);
	assert_int_equal(fixture_deploy(f->store, "two", 1, 1, LEN), 0);
	close_all(f);
	assert_int_equal(store_remove_function(f->store, "one"), 0);
	assert_true(reads(one, 1));
	assert_int_equal(f->store->payloads.count, 1);
	store_object_unref(one);
}

static void an_object_that_cannot_be_kept_for_want_of_descriptors(void **state)
{
	struct fixture *f = *state;
	struct store_object *one = deploy_and_open(f, "one", 1);
	char dir[512];
	(void)snprintf(dir, sizeof(dir), "%s", fixture_object_path(f, store_object_digest(one), "payload"));
	close_all(f);
	struct rlimit limit, none;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	int lowest = open_null();
	none = (struct rlimit){.rlim_cur = (rlim_t)lowest, .rlim_max = limit.rlim_max};
	io_close(&lowest);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	lock_take(&f->store->lock);
	int r = store_object_keep_locked(f->store, store_object_digest(one));
	lock_drop(&f->store->lock);
	uint8_t byte;
	int read = store_object_pread(one, &byte, 1, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(r, -EMFILE);
	assert_int_equal(read, -EMFILE); /* not damage */
	assert_true(fixture_exists(dir));
	assert_true(reads(one, 1));
	assert_int_equal(f->store->payloads.count, 1); /* may be closed as before */
	store_object_unref(one);
}

static void uploads_get_the_descriptors_of_payloads(void **state)
{
	struct fixture *f = *state;
	struct store_object *one = deploy_and_open(f, "one", 1);
	struct store_stage *stage = NULL, *more = NULL;
	assert_true(reads(one, 1));
	struct rlimit limit, few;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = (struct rlimit){.rlim_cur = FEW, .rlim_max = limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	int fillers[FEW];
	size_t count = 0;
	while ((fillers[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		count++;
	int r = store_stage_new(f->store, &stage);
	log_set_level((enum log_level) - 1);
	int second = store_stage_new(f->store, &more);
	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while (count > 0)
		io_close(&fillers[--count]);
	assert_int_equal(r, 0);
	assert_int_equal(second, -EMFILE);
	store_stage_free(stage);
	assert_true(reads(one, 1));
	store_object_unref(one);
}

static void changed_while_closed(void **state)
{
	struct fixture *f = *state;
	struct store_object *one = deploy_and_open(f, "one", 1);
	const char *path = fixture_object_path(f, store_object_digest(one), "payload");
	close_all(f);
	fixture_flip(path, 5);
	assert_false(reads(one, 1)); /* I1 holds for what is opened again */
	fixture_flip(path, 5);
	assert_true(reads(one, 1));
	close_all(f);
	assert_int_equal(truncate(path, LEN - 1), 0);
	assert_false(reads(one, 1));
	assert_int_equal(unlink(path), 0);
	assert_false(reads(one, 1));
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_false(reads(one, 1));
	store_object_unref(one);
}

static void healed_while_closed(void **state)
{
	struct fixture *f = *state;
	struct store_object *one = deploy_and_open(f, "one", 1);
	close_all(f);
	fixture_flip(fixture_object_path(f, store_object_digest(one), "payload"), 5);
	assert_false(reads(one, 1));
	close_all(f);
	assert_int_equal(fixture_deploy(f->store, "one", 2, 1, LEN), 0);
	assert_true(reads(one, 1));
	close_all(f);
	assert_true(reads(one, 1));
	store_object_unref(one);
}

struct reading {
	struct store_object **objects;
	unsigned first;
};

static void *read_in_turn(void *ctx)
{
	const struct reading *reading = ctx;
	uint8_t found[LEN];
	uintptr_t failures = 0;
	for (unsigned i = 0; i < ROUNDS; i++)
		failures += store_object_pread(reading->objects[(reading->first + i) % COUNT], found, LEN, 0) != 0;
	return (void *)failures;
}

static void readers_at_once_with_little_room(void **state)
{
	struct fixture *f = *state;
	struct store_object *objects[COUNT];
	pthread_t threads[ROOM];
	struct reading readings[ROOM];
	for (unsigned i = 0; i < COUNT; i++) {
		const char function[] = {(char)('a' + i), '\0'};
		objects[i] = deploy_and_open(f, function, i);
	}
	for (unsigned i = 0; i < ROOM; i++) {
		readings[i] = (struct reading){objects, i * i};
		assert_int_equal(pthread_create(&threads[i], NULL, read_in_turn, &readings[i]), 0);
	}
	for (unsigned i = 0; i < COUNT; i++) { /* put again, removed */
		const char function[] = {(char)('a' + i), '\0'};
		assert_int_equal(fixture_deploy(f->store, function, 2, i, LEN), 0);
		assert_int_equal(store_remove_function(f->store, function), 0);
	}
	for (unsigned i = 0; i < ROOM; i++) {
		void *failures;
		assert_int_equal(pthread_join(threads[i], &failures), 0);
		assert_null(failures);
	}
	for (unsigned i = 0; i < COUNT; i++) {
		assert_true(reads(objects[i], i));
		store_object_unref(objects[i]);
	}
	assert_true(fixture_is_whole(f));
}

#define RING_TEST(name)	  cmocka_unit_test_setup_teardown(name, ring_setup, ring_teardown)
#define OBJECT_TEST(name) cmocka_unit_test_setup_teardown(name, narrow_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_share_comes_from_the_limit_of_descriptors),
		RING_TEST(those_that_were_not_used_for_long_are_closed),
		RING_TEST(what_is_kept_or_in_use_stays_open),
		RING_TEST(more_in_use_than_there_is_room_for),
		RING_TEST(room_is_made_when_descriptors_ran_out_only),
		RING_TEST(a_file_that_was_opened_before_a_change_is_not_taken),
		OBJECT_TEST(objects_are_opened_again),
		OBJECT_TEST(an_object_is_removed_while_it_is_closed),
		OBJECT_TEST(an_object_whose_payload_is_lost_is_removed),
		OBJECT_TEST(an_object_that_is_shared_is_not_kept),
		OBJECT_TEST(an_object_that_cannot_be_kept_for_want_of_descriptors),
		OBJECT_TEST(uploads_get_the_descriptors_of_payloads),
		OBJECT_TEST(changed_while_closed),
		OBJECT_TEST(healed_while_closed),
		OBJECT_TEST(readers_at_once_with_little_room),
	};
	return cmocka_run_group_tests(tests, fixture_group_setup, fixture_group_teardown);
}
