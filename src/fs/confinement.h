/*
 * confinement.h - what the daemon gives up for good, beside the user that it was: places in the file system before it
 * opens anything, system calls before it serves anybody. What of both is needed is said in tables, in
 * confinement_places.c and confinement_calls.c; the reasons are in src/README.md, "Confinement".
 */
#ifndef FS_CONFINEMENT_H
#define FS_CONFINEMENT_H

#include "base/confine.h"
#include "base/explain.h"
#include "plan.h"

#define CONFINEMENT_LACK_SIZE 160

struct confinement {
	bool is_required; /* confine = require */
	bool is_signing;
	bool is_loose;			  /* keys in tokens: what their modules want, nobody knows */
	bool is_off;			  /* tests alone */
	char lack[CONFINEMENT_LACK_SIZE]; /* what this machine cannot do, for people; "": nothing */
};

/*
 * Of the thread that all others will come from, as the user who serves, with the configuration as it is on the disk
 * now: from here on only the places that it names can be opened, and root has no capability. A negative errno where it
 * has to be confined and cannot be; ret_why says what is missing and what to do.
 */
int confinement_close_places(const struct plan *plan, struct confinement *ret, struct explain *ret_why);

/* Of all threads, with everything open: any other call than those in the list ends the process. */
int confinement_close_calls(const struct confinement *confinement, struct explain *ret_why);

/* ---- between the parts ---- */

/* Places that are collected, with paths of their own. */
struct confinement_places {
	struct confine_place *all;
	size_t count;
	bool failed; /* no memory */
};
void confinement_add(struct confinement_places *places, unsigned uses, const char *path);
/* The directories in which a file lies: as its path says, and where links lead to. */
void confinement_add_around(struct confinement_places *places, unsigned uses, const char *path);
void confinement_places_done(struct confinement_places *places);

/* What a deployment needs, and whether it has to be confined; of a configuration that cannot be read, as by default. */
void confinement_of_deployment(const char *config_path, struct confinement_places *places, bool *ret_is_required);
void confinement_of_signing(const char *home, struct confinement_places *places, bool *ret_is_loose);

#endif
