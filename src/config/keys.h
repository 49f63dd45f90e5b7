/*
 * keys.h - the tables: which sections there are, and which keys each has. Internal to config.
 *
 * A new key is a line in keys.c, a field in include/config/config.h, a line in canonical.c, in conf/vouchfs.conf and in
 * conf/man/vouchfs.conf.5.
 */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include "config/config.h"
#include "tree.h"

struct key;

/* Converts a setting's value into the section's struct at key->offset. A bad one is reported. 0 or -ENOMEM. */
typedef int key_set(const struct key *key, const struct setting *setting, void *item, struct report *report);

struct choice {
	const char *name;
	unsigned value;
};

struct key {
	const char *name;
	key_set *set; /* NULL: taken by check.c once all sections are there */
	size_t offset;
	size_t text_offset; /* value_set_trust: where the content goes */
	bool required;
	bool list;	/* may be set more than once */
	bool in_bundle; /* [vouchfs]: a policy bundle may have it */
	bool on_host;	/* value_set_trust: a bundle may name a file of the host by its absolute path */
	uint64_t min, max;
	const struct choice *choices; /* ended by a NULL name */
};

enum kind_id {
	KIND_VOUCHFS,
	KIND_POLICY,
	KIND_ACCOUNT,
	KIND_CODE_SIGNING,
	KIND_FUNCTION,
	KIND_LAYER,
	KIND_PRINCIPAL,
	KIND_COUNT
};

struct kind {
	const char *name;
	const char *argument; /* what stands behind the name in the brackets, for errors; NULL: nothing */
	bool (*is_argument)(const char *text);
	const struct key *keys; /* ended by a NULL name */
};

extern const struct kind kinds[KIND_COUNT];

/*
 * Takes a section's text apart. False, with *ret_kind the nearest thing to it (KIND_COUNT: none), when it is not the
 * header of a section; argument "" where the kind has none.
 */
bool kind_parse(const char *section_text, enum kind_id *ret_kind, const char **ret_argument);

const struct key *kind_find_key(const struct kind *kind, const char *name);

#endif
