/* policy_diff.h - two policy bundles, and what makes one the other. Private to src/cli. */
#ifndef CLI_POLICY_DIFF_PRIVATE_H
#define CLI_POLICY_DIFF_PRIVATE_H

#include "policy_file.h"
#include "policy_sections.h"

/* A section, or a trust file, that is not the same on both sides; NULL on the side that has none. */
struct policy_diff_row {
	const struct policy_section *from;
	const struct policy_section *to;
	const struct config_member *from_file;
	const struct config_member *to_file;
};

struct policy_diff {
	const struct policy_file *from;
	const struct policy_file *to;
	const char *from_path;
	const char *to_path;
	struct policy_sections from_sections;
	struct policy_sections to_sections;
	struct policy_diff_row *rows;
	size_t count;
};

/* A key whose values are not the same in two sections, either of which may be NULL. */
struct policy_key_change {
	const char *key;
	const struct policy_setting *from;
	size_t from_count;
	const struct policy_setting *to;
	size_t to_count;
};
struct policy_diff_keys {
	const struct policy_section *from;
	const struct policy_section *to;
	size_t i, k;
};
/* The next one, by name; false behind the last. */
bool policy_diff_next(struct policy_diff_keys *keys, struct policy_key_change *ret);

/* The exit code: 0 unless it cannot be printed. */
int policy_diff_print(const struct policy_diff *diff);
int policy_diff_print_json(const struct policy_diff *diff);

#endif
