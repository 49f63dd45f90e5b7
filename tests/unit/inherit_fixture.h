/*
 * inherit_fixture.h - one daemon after the other serves a mount, without a mount: slots_fixture.h, with a first daemon
 * that ends without a word.
 */
#ifndef INHERIT_FIXTURE_H
#define INHERIT_FIXTURE_H

#include "slots_fixture.h"

/* What the first daemon tells of itself before it is gone. */
struct told {
	uint64_t nodes[8];
};

/* The first daemon of a mount, in a process of its own that ends. The next one is to be started. */
struct told inherit_let_die(struct slots_fixture *f, void (*live)(struct slots_fixture *f, struct told *told));
void inherit_start_next(struct slots_fixture *f);
/* slots_take_over, and all that it does; f->pushed is what the kernel was told by it. */
void inherit_take_over(struct slots_fixture *f);
int inherit_teardown(void **state); /* with slots_fixture_setup */

/* The node of a path, with a reference. */
uint64_t inherit_deploy_node(struct slots_fixture *f, const char *path);
uint64_t inherit_run_node(struct slots_fixture *f, const char *path);

#endif
