#include "inherit_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/slots/inherit.h"

struct told inherit_let_die(struct slots_fixture *f, void (*live)(struct slots_fixture *f, struct told *told))
{
	struct told *told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	assert_true(told != MAP_FAILED);
	slots_fixture_stop(f);
	f->memory = (struct tree_memory){.fd = memfd_create("memory", MFD_CLOEXEC), .incarnation = 1};
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		slots_fixture_start(f);
		live(f, told);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	struct told copy = *told;
	assert_int_equal(munmap(told, sizeof(*told)), 0);
	return copy;
}

void inherit_start_next(struct slots_fixture *f)
{
	f->memory.incarnation++;
	slots_fixture_start(f);
}

void inherit_take_over(struct slots_fixture *f)
{
	buf_reset(&f->pushed);
	slots_take_over(f->slots);
	inherit_await(f->slots);
}

int inherit_teardown(void **state)
{
	struct slots_fixture *f = *state;
	int fd = f->memory.fd;
	int r = slots_fixture_teardown(state);
	if (fd > 0)
		(void)close(fd);
	return r;
}

uint64_t inherit_deploy_node(struct slots_fixture *f, const char *path)
{
	struct slots_attr attr;
	assert_int_equal(slots_fixture_deploy_path(f, path, &attr), 0);
	return attr.node;
}

uint64_t inherit_run_node(struct slots_fixture *f, const char *path)
{
	struct slots_attr attr;
	assert_int_equal(slots_fixture_run_path(f, path, &attr), 0);
	return attr.node;
}
