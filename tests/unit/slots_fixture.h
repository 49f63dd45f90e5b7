/*
 * slots_fixture.h - the namespace of a mount without a mount: both sides driven through deploy.h and run.h, on a
 * deployment host of gate_fixture's. Tests' setup and teardown.
 *
 * Functions: "main" (Enforce, allows alice), "relaxed" (Warn), "team-*" (Enforce; anybody who is root may mkdir). Two
 * releases are kept.
 */
#ifndef SLOTS_FIXTURE_H
#define SLOTS_FIXTURE_H

#include "gate_fixture.h"
#include "slots/deploy.h"
#include "slots/run.h"

struct slots_fixture {
	struct gate_fixture *host;
	struct slots *slots;
	struct tree_memory memory; /* of the mount, for slots_fixture_start; none, unless a test sets it */
	struct buf pushed; /* what the kernel was told: lines "entry <parent> <name>", "inode <node>", "inodes <first>
			      <count>" */
};

extern const struct slots_caller slots_fixture_caller;

int slots_fixture_setup(void **state);
int slots_fixture_teardown(void **state);
void slots_fixture_start(struct slots_fixture *f);
void slots_fixture_stop(struct slots_fixture *f);
void slots_fixture_restart(struct slots_fixture *f);

/* Writes the configuration anew: [vouchfs] and the account, then code-signing configs and functions as given. */
void slots_fixture_configure(struct slots_fixture *f, const char *vouchfs_lines, const char *rest);
extern const char slots_fixture_rest[]; /* as set up */

/* A ZIP with one file "marker", signed by alice. */
struct buf slots_fixture_zip(struct slots_fixture *f, const char *marker);

/* Looks a path up, component by component, and gives every reference back but that of the last. 0, or what failed. */
int slots_fixture_deploy_path(struct slots_fixture *f, const char *path, struct slots_attr *ret);
int slots_fixture_run_path(struct slots_fixture *f, const char *path, struct slots_attr *ret);
/* The same, and gives that one back, too: just whether it is there. */
int slots_fixture_deploy_has(struct slots_fixture *f, const char *path);
int slots_fixture_run_has(struct slots_fixture *f, const char *path);
bool slots_fixture_lists(struct slots_fixture *f, const char *directory, const char *name); /* deploy side */

int slots_fixture_open(struct slots_fixture *f, const char *directory, const char *name, struct tree_handle **ret);
/* Create, write, flush, release; what flush or an earlier step answered. */
int slots_fixture_put(struct slots_fixture *f, const char *directory, const char *name, const struct buf *bytes);
void slots_fixture_deploy(struct slots_fixture *f, const char *function, const char *marker); /* as a.zip */
int slots_fixture_rename(struct slots_fixture *f, const char *directory, const char *from, const char *to);
int slots_fixture_unlink(struct slots_fixture *f, const char *directory, const char *name);
int slots_fixture_mkdir(struct slots_fixture *f, const char *directory, const char *name);
int slots_fixture_rmdir(struct slots_fixture *f, const char *directory, const char *name);

/* What marker holds on the run side; "" and the error in *ret_error when it cannot be read. Valid until the next call.
 */
const char *slots_fixture_marker(struct slots_fixture *f, const char *path, int *ret_error);
/* Releases that fell out of keep_releases are not found by their names any more. From now on the clock stands still. */
void slots_fixture_pass_grace(struct slots_fixture *f);
/* What a file below .vouchfs says. Appended. */
void slots_fixture_read(struct slots_fixture *f, const char *path, struct buf *ret);
/* How many records of the audit log have this part. */
unsigned slots_fixture_count_records(struct slots_fixture *f, const char *part);
bool slots_fixture_has_file(const struct slots_fixture *f, const char *path); /* below the host's directory */

#endif
