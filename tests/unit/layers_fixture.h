/*
 * layers_fixture.h - slots_fixture's host with layers, each of whose versions 1 is published: "base" and "tools",
 * signed, with a file "which" and "tool"; "plain", unsigned. Uid 4242 acts for another account, uid 4250 for one in an
 * organization.
 */
#ifndef LAYERS_FIXTURE_H
#define LAYERS_FIXTURE_H

#include "slots_fixture.h"

#define MAIN	       "functions/main"
#define RELAXED	       "functions/relaxed"
#define OTHER	       "444455556666"
#define GUEST	       4242
#define MEMBER_ACCOUNT "777788889999"
#define MEMBER	       4250
#define ORGANIZATION   "o-a1b2c3d4e5"

int layers_fixture_setup(void **state);
/* [vouchfs] lines, then code-signing configs and functions; the layers and the principal go with them. Reloads. */
void layers_fixture_configure(struct slots_fixture *f, const char *vouchfs_lines, const char *rest);
extern const char layers_fixture_head[]; /* [vouchfs] lines as set up */

/* A layer version with one file. */
void layers_fixture_publish(struct slots_fixture *f, const char *layer, const char *file, const char *content,
			    bool is_signed);
/* Writes a function's list; directory is "functions/<f>". */
int layers_fixture_attach(struct slots_fixture *f, const char *directory, const char *text);

void layers_fixture_assert_why(struct slots_fixture *f, const char *function, const char *part);
void layers_fixture_assert_list(struct slots_fixture *f, const char *directory, const char *expected);
void layers_fixture_assert_no_list(struct slots_fixture *f, const char *directory);
void layers_fixture_assert_served(struct slots_fixture *f, const char *path, const char *expected);
uint64_t layers_fixture_release(struct slots_fixture *f, const char *function); /* number of the current one; 0: none */

#endif
