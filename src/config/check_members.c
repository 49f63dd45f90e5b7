/*
 * check_members.c - nobody is in two [principal] sections: by number, or by name where a bundle is packed, because
 * there is no host yet that knows the numbers.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "members.h"

struct member {
	uint32_t id;
	const char *name; /* of a bundle that is packed; else NULL */
	const struct section *section;
	struct place at;
};

static int by_id(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = x->name && y->name ? strcmp(x->name, y->name) : (x->id > y->id) - (x->id < y->id);
	return order ? order : strcmp(x->section->text, y->section->text);
}

static bool is_same(const struct member *a, const struct member *b)
{
	return a->name ? strcmp(a->name, b->name) == 0 : a->id == b->id;
}

static size_t collect_names(const struct section *section, bool users, struct member *members)
{
	size_t count = 0;
	for (size_t i = 0; i < section->count; i++) {
		const struct setting *s = &section->settings[i];
		if (strcmp(s->key, users ? "user" : "group") != 0)
			continue;
		if (members)
			members[count] = (struct member){.name = s->value, .section = section, .at = s->at};
		count++;
	}
	return count;
}

static size_t collect_ids(const struct section *section, bool users, struct member *members)
{
	const struct config_principal *principal = section->item;
	size_t count = users ? principal->user_count : principal->group_count;
	for (size_t i = 0; members && i < count; i++)
		members[i] = (struct member){.id = users ? principal->users[i] : principal->groups[i],
					     .section = section,
					     .at = section->at};
	return count;
}

/* members NULL: only how many they are. */
static size_t collect(const struct tree *tree, bool users, struct member *members)
{
	size_t count = 0;
	for (size_t i = 0; i < tree->section_count; i++) {
		const struct section *section = tree->sections[i];
		const struct members *bundle = section->at.file->members;
		struct member *next = members ? members + count : NULL;
		if (!section->item || section->kind != KIND_PRINCIPAL)
			continue;
		count += bundle && bundle->is_packed ? collect_names(section, users, next)
						     : collect_ids(section, users, next);
	}
	return count;
}

static void report_twice(const struct member *a, const struct member *b, bool users, struct report *report)
{
	const char *what = users ? "user" : "group";
	char who[sizeof(struct quote)];
	(void)snprintf(who, sizeof(who), "%u", b->id);
	if (b->name)
		(void)snprintf(who, sizeof(who), "%s", quote(b->name).text);
	if (a->section == b->section)
		report_error(report, b->at, "%s = %s is listed twice", what, who);
	else
		report_error(report, b->section->at, "%s %s is in [%s] and in [%s]; expected in one", what, who,
			     a->section->text, b->section->text);
}

static int check_some(const struct tree *tree, bool users, struct report *report)
{
	size_t count = collect(tree, users, NULL);
	struct member *members = calloc(count + 1, sizeof(*members));
	if (!members)
		return -ENOMEM;
	(void)collect(tree, users, members);
	qsort(members, count, sizeof(*members), by_id);
	for (size_t i = 1; i < count; i++)
		if (is_same(&members[i], &members[i - 1]))
			report_twice(&members[i - 1], &members[i], users, report);
	free(members);
	return 0;
}

int check_members(const struct tree *tree, struct report *report)
{
	int r = check_some(tree, true, report);
	return r < 0 ? r : check_some(tree, false, report);
}
