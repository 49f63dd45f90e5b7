/*
 * tree.h - what all files say together: sections and their settings as text, each with its place. Internal to config.
 * A section that stands in several places is one section here.
 */
#ifndef CONFIG_TREE_H
#define CONFIG_TREE_H

#include "report.h"

struct setting {
	char *key;
	char *value; /* without blanks around it and without comment */
	struct place at;
};

struct section {
	char *text;	 /* "function main-function", as between the brackets */
	struct place at; /* its first header */
	struct setting *settings;
	size_t count;
	unsigned kind; /* build.c: enum kind_id, and the struct that it filled from this section; NULL: a bad header */
	void *item;
	bool is_dropped; /* tree_drop takes it out */
};

struct tree {
	struct file **files;
	size_t file_count;
	size_t first_order; /* of its files: those of several trees are told of in one order */
	struct section **sections;
	size_t section_count;
	void *by_text; /* the same sections, as tsearch(3) keeps them */
	size_t setting_count;
};

void tree_done(struct tree *tree);

/* Keeps a file's name for places. shown and directory are copied. NULL when out of memory. */
struct file *tree_add_file(struct tree *tree, const char *path, const char *directory);

/* Scans and parses one file's bytes into the tree. What is refused is reported and left out. 0 or -ENOMEM. */
int tree_parse(struct tree *tree, const struct file *file, const char *bytes, size_t len, struct report *report);

/* Takes out the sections that are marked. */
void tree_drop(struct tree *tree);

/* The sections of from become to's; of one that both have, the settings. from keeps its files. 0 or -ENOMEM. */
int tree_move(struct tree *to, struct tree *from);

struct section *tree_find(const struct tree *tree, const char *text); /* or NULL */

/* Sorts the sections by their text. */
void tree_sort(struct tree *tree);

/* The first setting with this key, or NULL. */
const struct setting *section_find(const struct section *section, const char *key);

/* Takes out the n-th setting. */
void section_remove(struct section *section, size_t n);

#endif
