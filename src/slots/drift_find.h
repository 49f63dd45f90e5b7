/*
 * drift_find.h - what is compared for drift, and the comparisons, one for each kind. Private to src/slots.
 */
#ifndef SLOTS_DRIFT_FIND_H
#define SLOTS_DRIFT_FIND_H

#include <sys/types.h>

#include "gate/governed.h"
#include "gate/trust.h"
#include "slots/drift.h"

/* The process that serves, as it is. */
struct drift_process {
	uid_t uid;
	bool no_new_privileges;
	bool has_umask; /* it could be found out */
	mode_t umask;
	uint64_t files_max; /* UINT64_MAX: no limit */
	uint64_t core_max;
	bool allow_other; /* others than who has mounted it get in */
};
void drift_look_at_process(struct drift_process *ret); /* all but allow_other */

struct drift_scene {
	const struct trust *trust; /* in force, with its governed */
	/* What lies on the disk: */
	const struct trust *fresh; /* as a reload would take it; NULL: it would be refused */
	/* The files with the bundle in force, whatever that says of local files; NULL: refused. */
	const struct config *config;
	const char *errors; /* why, a line each; "": neither is */
	struct drift_process process;
	int64_t now_s;
};

/* Each adds what it finds. */
void drift_find_bundle(const struct drift_scene *scene, struct drift *drift);
void drift_find_local(const struct drift_scene *scene, struct drift *drift);
void drift_find_config(const struct drift_scene *scene, struct drift *drift);
void drift_find_trust(const struct drift_scene *scene, struct drift *drift);
void drift_find_revocations(const struct drift_scene *scene, struct drift *drift);
void drift_find_slots(const struct drift_scene *scene, struct drift *drift);
void drift_find_unit(const struct drift_scene *scene, struct drift *drift);

/* When time alone may make a difference; INT64_MAX: never. */
int64_t drift_changes_at_s(const struct drift_scene *scene);

#endif
