#include "members_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

void members_none(struct members_fixture *m)
{
	*m = (struct members_fixture){.members = {.all = m->all}};
}

void members_add(struct members_fixture *m, const char *name, const char *text)
{
	assert_true(m->members.count < MEMBERS_MAX);
	m->all[m->members.count++] = (struct config_member){.name = name, .bytes = text, .len = strlen(text)};
}
