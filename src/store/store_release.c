/* The releases of a slot: which there are, which one is current. Reading only; store_commit.c changes them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "internal.h"

#define NUMBER_SIZE 21

void store_current_place(const char *function, char ret[STORE_PLACE_SIZE])
{
	char path[STORE_SLOT_PATH_SIZE];
	(void)snprintf(ret, STORE_PLACE_SIZE, "%s/current", store_slot_path(function, path));
}

int store_read_release(int function_fd, const char *function, uint64_t number, struct store_release **ret)
{
	char path[sizeof("releases/") + NUMBER_SIZE];
	struct buf text = {0};
	(void)snprintf(path, sizeof(path), "releases/%" PRIu64, number);
	int r = store_as_damage(io_read_file(function_fd, path, LIMIT_RELEASE_BYTES, &text));
	if (r == 0)
		r = store_record_decode(function, number, text.data ? text.data : "", text.len, ret);
	buf_done(&text);
	return r;
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
	return (left > right) - (left < right);
}

int store_read_numbers(int function_fd, uint64_t **ret, size_t *ret_count)
{
	struct io_names names = {0};
	int r = io_list_dir(function_fd, "releases", &names);
	if (r < 0 && r != -ENOENT)
		return r;

	uint64_t *numbers = calloc(names.count + 1, sizeof(*numbers));
	size_t count = 0;
	for (size_t i = 0; numbers && i < names.count; i++)
		if (text_parse_u64(names.names[i], strlen(names.names[i]), UINT64_MAX, &numbers[count]))
			count++;
	io_names_done(&names);
	if (!numbers)
		return -ENOMEM;
	qsort(numbers, count, sizeof(*numbers), compare_numbers);
	*ret = numbers;
	*ret_count = count;
	return 0;
}

int store_read_current(int function_fd, const char *function, uint64_t *ret)
{
	char place[STORE_PLACE_SIZE];
	store_current_place(function, place);
	return store_read_number(function_fd, "current", place, ret);
}

int store_list_releases(struct store *store, const char *function, uint64_t **ret, size_t *ret_count)
{
	int fd = store_open_slot(store, function);
	if (fd < 0)
		return fd;
	int r = store_read_numbers(fd, ret, ret_count);
	io_close(&fd);
	return r;
}

int store_newest_release(struct store *store, const char *function, uint64_t *ret)
{
	uint64_t *numbers, newest = 0, last = 0;
	size_t count;
	int fd = store_open_slot(store, function);
	if (fd == -ENOENT) {
		*ret = 0;
		return 0;
	}
	int r = fd < 0 ? fd : store_read_numbers(fd, &numbers, &count);
	if (r < 0)
		goto out;
	newest = count > 0 ? numbers[count - 1] : 0;
	free(numbers);
	last = store_is_layer(function) ? store_read_last(store, fd, function) : 0;
	*ret = newest > last ? newest : last;
out:
	io_close(&fd);
	return r;
}

int store_load_release(struct store *store, const char *function, uint64_t number, struct store_release **ret)
{
	int fd = store_open_slot(store, function);
	if (fd < 0)
		return fd;
	int r = store_read_release(fd, function, number, ret);
	io_close(&fd);
	return r;
}

/* The newest record that is whole; -EBADMSG when there is none. */
static int load_newest_whole(int function_fd, const char *function, struct store_release **ret)
{
	uint64_t *numbers;
	size_t count;
	int r = store_read_numbers(function_fd, &numbers, &count);
	if (r < 0)
		return r;
	r = -EBADMSG;
	while (count > 0 && r == -EBADMSG)
		r = store_read_release(function_fd, function, numbers[--count], ret);
	free(numbers);
	return r;
}

/*
 * What is behind the current release would be one whose commit did not end; where none is under way, recovery has taken
 * those back, so current has been set back. Whoever looks beside a daemon may see a commit.
 */
static int is_set_back(struct store *store, const char *function, int function_fd, uint64_t current)
{
	uint64_t *numbers = NULL;
	size_t count = 0;
	if (store->read_only || store_is_layer(function) || store_has_intent(store, function))
		return 0;
	int r = store_read_numbers(function_fd, &numbers, &count);
	if (r == 0)
		r = count > 0 && numbers[count - 1] > current;
	free(numbers);
	return r;
}

int store_load_current(struct store *store, const char *function, struct store_release **ret)
{
	int fd = store_open_slot(store, function);
	if (fd < 0)
		return fd;

	uint64_t number;
	int r = store_read_current(fd, function, &number);
	if (r == -ENOENT) { /* nothing was ever released, or there would be a record */
		r = is_set_back(store, function, fd, 0);
		r = r == 0 ? -ENOENT : r > 0 ? -EBADMSG : r;
	} else if (r == 0) {
		r = is_set_back(store, function, fd, number);
		if (r == 0) {
			r = store_read_release(fd, function, number, ret);
			r = r == -ENOENT ? -EBADMSG : r;
		} else if (r > 0) {
			r = -EBADMSG;
		}
	}
	if (r != -EBADMSG)
		goto out;
	r = load_newest_whole(fd, function, ret);
	if (r == 0)
		(*ret)->stands_in = true;
out:
	io_close(&fd);
	return r;
}
