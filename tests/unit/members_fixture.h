/*
 * members_fixture.h - small policy bundles for tests, as config_load_governed takes them.
 */
#ifndef TESTS_MEMBERS_FIXTURE_H
#define TESTS_MEMBERS_FIXTURE_H

#include "config/policy.h"

#define MEMBERS_MAX 16

struct members_fixture {
	struct config_member all[MEMBERS_MAX];
	struct config_members members;
};

/* Empties it. */
void members_none(struct members_fixture *m);
/* The text is not copied. */
void members_add(struct members_fixture *m, const char *name, const char *text);

#endif
