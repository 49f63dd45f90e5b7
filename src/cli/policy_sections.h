/* policy_sections.h - what a bundle's configuration says, section by section. Private to src/cli. */
#ifndef CLI_POLICY_SECTIONS_PRIVATE_H
#define CLI_POLICY_SECTIONS_PRIVATE_H

#include "base/base.h"

#define POLICY_SECTION_TERMS "policy.conf" /* the title of what a bundle says of itself */

struct policy_setting {
	const char *key;
	const char *value; /* escaped */
};

struct policy_section {
	const char *title; /* "function web" */
	const struct policy_setting *settings;
	size_t count;
};

/* In the order of their titles but for the terms, which come first; settings by key, then value. */
struct policy_sections {
	struct policy_section *all;
	size_t count;
	struct policy_setting *settings;
	char *text;
};

/* Of config->canonical as config_load_bundle makes it. 0 or -ENOMEM. */
int policy_sections_of(const char *canonical, struct policy_sections *ret);
/* In which order they stand: as strcmp. */
int policy_section_order(const struct policy_section *x, const struct policy_section *y);
void policy_sections_done(struct policy_sections *sections);

#endif
