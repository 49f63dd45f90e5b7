/* What supervisor and daemon tell each other arrives whole, with its descriptor, or as the other's end. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/fs/channel.h"
#include "base/io.h"

static int make_pair(void **state)
{
	int *pair = calloc(2, sizeof(*pair));
	*state = pair;
	return pair ? channel_pair(pair) : -1;
}

static int close_pair(void **state)
{
	int *pair = *state;
	io_close(&pair[0]);
	io_close(&pair[1]);
	free(pair);
	return 0;
}

static void messages_stay_apart(void **state)
{
	const int *pair = *state;
	assert_int_equal(channel_send(pair[0], CHANNEL_RELOADED, "two\nlines\n", -1), 0);
	assert_int_equal(channel_send(pair[0], CHANNEL_DRAIN, NULL, -1), 0);
	struct channel_message message;
	assert_int_equal(channel_receive(pair[1], &message), 0);
	assert_int_equal(message.kind, CHANNEL_RELOADED);
	assert_int_equal(message.fd, -1);
	assert_string_equal(message.text, "two\nlines\n");
	assert_int_equal(channel_receive(pair[1], &message), 0);
	assert_int_equal(message.kind, CHANNEL_DRAIN);
	assert_string_equal(message.text, "");
}

static void a_descriptor_comes_along(void **state)
{
	const int *pair = *state;
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(channel_send(pair[0], CHANNEL_TREE, NULL, ends[1]), 0);
	io_close(&ends[1]);

	struct channel_message message;
	assert_int_equal(channel_receive(pair[1], &message), 0);
	assert_true(message.fd >= 0);
	assert_int_equal(fcntl(message.fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(io_write_full(message.fd, "x", 1), 0);
	char byte = 0;
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	io_close(&message.fd);
	io_close(&ends[0]);
}

static void a_long_text_is_cut(void **state)
{
	const int *pair = *state;
	char *text = malloc(CHANNEL_TEXT_SIZE + 100);
	assert_non_null(text);
	memset(text, 'a', CHANNEL_TEXT_SIZE + 99);
	text[CHANNEL_TEXT_SIZE + 99] = '\0';
	assert_int_equal(channel_send(pair[0], CHANNEL_RELOADED, text, -1), 0);
	free(text);
	struct channel_message message;
	assert_int_equal(channel_receive(pair[1], &message), 0);
	assert_int_equal(strlen(message.text), CHANNEL_TEXT_SIZE - 1);
}

static void the_end_of_the_other_is_told(void **state)
{
	int *pair = *state;
	assert_int_equal(channel_send(pair[0], CHANNEL_QUIT, NULL, -1), 0);
	io_close(&pair[0]);
	struct channel_message message;
	assert_int_equal(channel_receive(pair[1], &message), 0); /* what it still said */
	assert_int_equal(channel_receive(pair[1], &message), -EPIPE);
	assert_int_equal(channel_send(pair[1], CHANNEL_QUIT, NULL, -1), -EPIPE);
}

static void who_does_not_read_holds_up_nobody(void **state)
{
	const int *pair = *state;
	int r = 0;
	for (int i = 0; r == 0 && i < 1000000; i++)
		r = channel_send(pair[0], CHANNEL_RELOAD, NULL, -1);
	assert_int_equal(r, -EAGAIN);
	struct channel_message message;
	assert_int_equal(channel_receive(pair[1], &message), 0);
	assert_int_equal(channel_send(pair[0], CHANNEL_DRAIN, NULL, -1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(messages_stay_apart, make_pair, close_pair),
		cmocka_unit_test_setup_teardown(a_descriptor_comes_along, make_pair, close_pair),
		cmocka_unit_test_setup_teardown(a_long_text_is_cut, make_pair, close_pair),
		cmocka_unit_test_setup_teardown(the_end_of_the_other_is_told, make_pair, close_pair),
		cmocka_unit_test_setup_teardown(who_does_not_read_holds_up_nobody, make_pair, close_pair),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
