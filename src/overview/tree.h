/*
 * tree.h - text as a tree, for screens of 80 columns: drawn with lines in UTF-8, with ASCII else. Private to
 * src/overview.
 *
 *     functions/hello
 *     |  a note: text that belongs to the branch above it
 *     +- a branch
 *     |  `- a branch of the branch
 *     `- the last branch
 *
 * Branches are added in the order in which they stand, each with its depth; nobody has to know which is the last one.
 * Texts are made printable. Lines that are too long are broken between words, words that are too long anywhere.
 */
#ifndef OVERVIEW_TREE_PRIVATE_H
#define OVERVIEW_TREE_PRIVATE_H

#include "screen.h"

#define TREE_DEPTH_MAX 16

struct tree_line {
	unsigned depth; /* 0: a root */
	bool is_note;	/* of the branch before it, one level deeper */
	enum paint paint;
	char *text;
};

struct tree {
	struct tree_line *lines;
	size_t count;
	int error; /* the first failure; later calls do nothing */
};

void tree_branch(struct tree *tree, unsigned depth, enum paint paint, const char *format, ...) PRINTF_LIKE(4, 5);
/* depth is that of the branch it belongs to. */
void tree_note(struct tree *tree, unsigned depth, enum paint paint, const char *format, ...) PRINTF_LIKE(4, 5);

/* Puts it on the screen, which keeps the first failure, and empties the tree. */
void tree_print(struct tree *tree, bool is_utf8, struct screen *screen);

#endif
