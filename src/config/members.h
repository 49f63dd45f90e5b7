/*
 * members.h - a policy bundle while it is read: which of its files the sections name, and what it may not say. Internal
 * to config.
 */
#ifndef CONFIG_MEMBERS_H
#define CONFIG_MEMBERS_H

#include "config/policy.h"
#include "tree.h"

struct members {
	const struct config_members *of;
	const char *prefix; /* of their names in errors */
	bool is_packed;	    /* there is no host: users and groups need not exist here */
	bool *is_named;	    /* each file: a section names it */
};

/* 0 or -ENOMEM; members_done in any case. */
int members_init(struct members *members, const struct config_members *of, bool is_packed);
void members_done(struct members *members);

/*
 * policy.conf into one tree, the files of conf.d into the other, without what a bundle may not say. What is refused is
 * reported. 0 or -ENOMEM.
 */
int members_read(struct members *members, struct tree *terms, struct tree *sections, struct report *report);

/* The file "trust/...", which counts as named from now on. NULL: there is none. */
const struct config_member *members_name(struct members *members, const char *name);

/* What is near such a name, for an error. */
struct quote members_suggest(const struct members *members, const char *name);

/* Reports the files below trust/ that no section names. 0 or -ENOMEM. */
int members_check_named(const struct members *members, struct tree *sections, struct report *report);

#endif
