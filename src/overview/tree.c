#include "tree.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BRANCH_WIDTH 3 /* columns of a level */

/* ---- adding ---- */

static void add(struct tree *tree, const struct tree_line *line, const char *format, va_list args) PRINTF_LIKE(3, 0);
static void add(struct tree *tree, const struct tree_line *line, const char *format, va_list args)
{
	char text[SCREEN_LINE_SIZE];
	struct buf safe = {0};
	ASSERT(line->depth < TREE_DEPTH_MAX);
	if (tree->error < 0)
		return;
	(void)vsnprintf(text, sizeof(text), format, args);
	struct tree_line *lines = reallocarray(tree->lines, tree->count + 1, sizeof(*lines));
	if (lines)
		tree->lines = lines;
	tree->error = lines ? screen_safe(&safe, text) : -ENOMEM;
	char *copy = tree->error == 0 ? buf_steal(&safe) : NULL;
	buf_done(&safe);
	if (!copy) {
		tree->error = -ENOMEM;
		return;
	}
	lines[tree->count] = *line;
	lines[tree->count++].text = copy;
}

void tree_branch(struct tree *tree, unsigned depth, enum paint paint, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add(tree, &(struct tree_line){.depth = depth, .paint = paint}, format, args);
	va_end(args);
}

void tree_note(struct tree *tree, unsigned depth, enum paint paint, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add(tree, &(struct tree_line){.depth = depth + 1, .paint = paint, .is_note = true}, format, args);
	va_end(args);
}

/* ---- printing ---- */

/* The parts of the drawing: a branch that has another one below it, the last one, the line past others, nothing. */
struct strokes {
	const char *joint, *last, *past, *none;
};

static const struct strokes ascii = {"+- ", "`- ", "|  ", "   "};
static const struct strokes lines_drawn = {"├─ ", "└─ ", "│  ", "   "};

/* later: bit d says that another branch of depth d is to come below the same parent. */
static void put_prefix(struct screen *screen, const struct strokes *strokes, const struct tree_line *line,
		       unsigned later, bool is_joined)
{
	for (unsigned depth = 1; depth <= line->depth; depth++) {
		bool more = later & (1U << depth);
		if (is_joined && depth == line->depth)
			screen_put(screen, "%s", more ? strokes->joint : strokes->last);
		else
			screen_put(screen, "%s", more ? strokes->past : strokes->none);
	}
}

/* Continued lines stand further in; those of a branch beside the line of its own children. */
static void put_line(struct screen *screen, const struct strokes *strokes, const struct tree_line *line, unsigned later)
{
	bool has_below = later & (2U << line->depth);
	const char *hang = line->is_note || !has_below ? strokes->none : strokes->past;
	size_t used = (size_t)line->depth * BRANCH_WIDTH, columns = screen->style->columns;
	bool is_first = true;
	for (const char *text = line->text; *text || is_first; is_first = false) {
		char row[SCREEN_LINE_SIZE];
		size_t before = is_first ? used : used + BRANCH_WIDTH;
		size_t len = screen_fit(text, before < columns ? columns - before : 1);
		(void)snprintf(row, sizeof(row), "%.*s", (int)len, text);
		put_prefix(screen, strokes, line, later, is_first && !line->is_note);
		screen_put(screen, "%s", is_first ? "" : hang);
		screen_paint(screen, line->paint, 0, row);
		screen_put(screen, "\n");
		text += len;
		text += strspn(text, " ");
	}
}

/* For each line the depths at which a branch is still to come below the same parents; found from the end. */
static unsigned *find_later(const struct tree *tree)
{
	unsigned *later = calloc(tree->count + 1, sizeof(*later));
	unsigned open = 0;
	for (size_t i = tree->count; later && i-- > 0;) {
		const struct tree_line *line = &tree->lines[i];
		later[i] = open;
		if (!line->is_note)
			open = (open | (1U << line->depth)) & ((2U << line->depth) - 1);
	}
	return later;
}

static void tree_done(struct tree *tree)
{
	for (size_t i = 0; i < tree->count; i++)
		free(tree->lines[i].text);
	free(tree->lines);
	*tree = (struct tree){0};
}

void tree_print(struct tree *tree, bool is_utf8, struct screen *screen)
{
	const struct strokes *strokes = is_utf8 ? &lines_drawn : &ascii;
	unsigned *later = tree->error == 0 ? find_later(tree) : NULL;
	if (!later)
		screen->error = tree->error < 0 ? tree->error : -ENOMEM;
	for (size_t i = 0; later && i < tree->count; i++) {
		const struct tree_line *line = &tree->lines[i];
		if (i > 0 && line->depth == 0)
			screen_put(screen, "\n");
		put_line(screen, strokes, line, later[i]);
	}
	free(later);
	tree_done(tree);
}
