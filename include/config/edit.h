/*
 * edit.h - changes that commands make to the configuration: one file of conf.d for each section they declare.
 *
 *     config_edit_open       takes the lock of conf.d and loads what stands
 *     config_edit_put        the whole configuration with the new file is checked first, then the file is there,
 *                            atomically and durably, or nothing has changed
 *     config_edit_undo       puts back what was there
 *     config_edit_close      gives the lock back
 *
 * Two commands at once wait for one another. A file that a command wrote begins with CONFIG_EDIT_MARK; others are the
 * administrator's and are never changed.
 */
#ifndef CONFIG_EDIT_H
#define CONFIG_EDIT_H

#include "base/explain.h"
#include "config/config.h"

#define CONFIG_EDIT_MARK      "# made by: vouchfs lambda "
#define CONFIG_EDIT_NAME_SIZE 128

/* A key that is replaced: all its lines go, those given here come. */
struct config_line {
	const char *key;
	const char *value; /* NULL: none comes */
};

/* One section of a file that a command writes: "function f". */
struct config_section_text {
	const char *section;
	const char *command; /* the verb, for the comment at the top */
	const struct config_line *lines;
	size_t line_count;
};

struct config_edit;

/*
 * bundle: the policy bundle in force, as long as the edit is open, or NULL. -EACCES with why: the caller may not write
 * conf.d (which is made when it is missing). -EINVAL: what stands is faulty, ret_errors has a line each.
 */
int config_edit_open(const char *path, const struct config_members *bundle, struct config_edit **ret,
		     struct buf *ret_errors, struct explain *ret_why);
void config_edit_close(struct config_edit *edit);

/* As it stands, with what was put. */
const struct config *config_edit_config(const struct config_edit *edit);

/* A section that stands only in the file a command wrote for it: it may be changed by one. */
bool config_edit_is_ours(const struct config_edit *edit, const char *section, const struct config_origin *origin);

/*
 * Writes the file of a section, with the lines that are kept from the one that is there. -EINVAL: the configuration
 * would be faulty, why has the first error, ret_errors all; -EEXIST: a file by that name is there that no command
 * wrote; -EPERM: it would not be in force, why says whose this is. One change an edit.
 */
int config_edit_put(struct config_edit *edit, const struct config_section_text *text, struct buf *ret_errors,
		    struct explain *ret_why);
int config_edit_remove(struct config_edit *edit, const char *section, struct buf *ret_errors, struct explain *ret_why);
int config_edit_undo(struct config_edit *edit, struct explain *ret_why);

/* ---- the text, without any file ---- */

/* "function-f.conf" for "function f" */
void config_edit_name(const char *section, char ret[CONFIG_EDIT_NAME_SIZE]);

/* A file that a command wrote, and that still holds this section and no other. */
bool config_edit_is_mine(const char *file, const char *section);

/*
 * The file of a section. before: what it was, or NULL; its lines with other keys, and comments, are kept. -EINVAL with
 * why: a value that a line cannot hold.
 */
int config_edit_render(const struct config_section_text *text, const char *before, struct buf *ret,
		       struct explain *ret_why);

#endif
