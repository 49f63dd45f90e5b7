/*
 * override.h - what of the host's own files is not in force, because a policy bundle governs it. Internal to config.
 */
#ifndef CONFIG_OVERRIDE_H
#define CONFIG_OVERRIDE_H

#include "govern.h"
#include "keys.h"

/* The kinds of sections that are a bundle's as a whole, or none of its, as words; others NULL. */
extern const char *const override_kinds[KIND_COUNT];

/* KIND_COUNT: of none, or not well-formed. */
enum kind_id override_kind(const char *section_text);

enum override_why {
	GOVERNED,  /* the bundle has such, or none has come yet */
	UNCHECKED, /* a function without a code-signing config */
};

/* Where something of the host's stands that is governed. */
struct found {
	const struct section *section;
	const char *key; /* NULL: the whole section */
	struct place at;
	enum override_why why;
};

/* Puts it into config->overrides; reported, too, where the bundle wants that. 0 or -ENOMEM. */
int override_note(const struct governing *g, const struct found *f, struct report *report, struct config *config);

/* By file and line. */
void override_sort(struct config *config);

#endif
