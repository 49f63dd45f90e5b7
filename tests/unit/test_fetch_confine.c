/* What a process that fetches cannot do any more, and what it still can. Each in a child, since there is no way back.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/fetch/confine.h"

/* 0, or the number of the line that was not as it should be. */
#define EXPECT(condition)                                                                                              \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			return __LINE__;                                                                               \
	} while (0)
#define ABSENT 1 /* not in this kernel */

static int in_child(int (*run)(void))
{
	int fds[2], line = -1;
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		line = run();
		_exit(write(fds[1], &line, sizeof(line)) == (ssize_t)sizeof(line) ? 0 : 1);
	}
	assert_true(pid > 0);
	(void)close(fds[1]);
	ssize_t got = read(fds[0], &line, sizeof(line));
	(void)close(fds[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(got, sizeof(line));
	return line;
}

static int be_limited(void)
{
	struct rlimit limit;
	EXPECT(fetch_confine_process() == 0);
	EXPECT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	EXPECT(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0);
	return 0;
}

static void test_process(void **state UNUSED)
{
	assert_int_equal(in_child(be_limited), 0);
}

static void *nothing(void *arg)
{
	return arg;
}

static int be_without_calls(void)
{
	char *argv[] = {"true", NULL};
	pthread_t thread;
	void *came;
	EXPECT(fetch_confine_process() == 0);
	if (!fetch_confine_calls())
		return ABSENT;
	EXPECT(fork() < 0 && errno == EPERM);
	EXPECT(execve("/bin/true", argv, argv + 1) < 0 && errno == EPERM);
	EXPECT(kill(getppid(), 0) < 0 && errno == EPERM);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT(fd >= 0);
	EXPECT(listen(fd, 1) < 0 && errno == EPERM);
	EXPECT(pthread_create(&thread, NULL, nothing, argv) == 0);
	EXPECT(pthread_join(thread, &came) == 0 && came == argv);
	return 0;
}

static void test_calls(void **state UNUSED)
{
	int line = in_child(be_without_calls);
	if (line == ABSENT)
		skip();
	assert_int_equal(line, 0);
}

static char directory[] = "/tmp/vouchfs-fetch-XXXXXX";

static int be_in_directory(void)
{
	char inside[64], outside[64], other[64];
	(void)snprintf(inside, sizeof(inside), "%s/in/file", directory);
	(void)snprintf(other, sizeof(other), "%s/in/other", directory);
	(void)snprintf(outside, sizeof(outside), "%s/file", directory);
	EXPECT(fetch_confine_process() == 0);
	char below[64];
	(void)snprintf(below, sizeof(below), "%s/in", directory);
	if (!fetch_confine_files(below))
		return ABSENT;
	EXPECT(open(outside, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 && errno == EACCES);
	EXPECT(mkdir(outside, 0700) < 0 && errno == EACCES);
	EXPECT(open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0);
	EXPECT(open(inside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) >= 0);
	EXPECT(rename(inside, other) == 0);
	EXPECT(rename(other, outside) < 0);
	EXPECT(unlink(other) == 0);
	return 0;
}

static void test_files(void **state UNUSED)
{
	char below[64];
	assert_non_null(mkdtemp(directory));
	(void)snprintf(below, sizeof(below), "%s/in", directory);
	assert_int_equal(mkdir(below, 0700), 0);
	int line = in_child(be_in_directory);
	assert_int_equal(rmdir(below), 0);
	assert_int_equal(rmdir(directory), 0);
	if (line == ABSENT)
		skip();
	assert_int_equal(line, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
