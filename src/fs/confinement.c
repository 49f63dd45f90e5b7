#include "confinement.h"

#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOBODY_AT_ALL	   "vouchfs.nobody" /* no module finds it, so all are asked */
#define UNWINDER	   "libgcc_s.so.1"
#define LOOKUP_BYTES	   4096
#define REMEDY_OF_REQUIRED "`confine = try` in [vouchfs] serves without, and says so"

/* Off: to see that what fails under it works without. Absent: as with a kernel that has none of it. */
static const char *test_wish(void)
{
#ifdef VOUCHFS_TEST_HOOKS
	const char *wish = getenv("VOUCHFS_TEST_CONFINE");
	return wish ? wish : "";
#else
	return "";
#endif
}

/* What the C library loads when it is first wanted, since nothing can be loaded later. */
static void load_ahead(void)
{
	struct passwd user, *found_user;
	struct group group, *found_group;
	char bytes[LOOKUP_BYTES];
	(void)getpwnam_r(NOBODY_AT_ALL, &user, bytes, sizeof(bytes), &found_user);
	(void)getgrnam_r(NOBODY_AT_ALL, &group, bytes, sizeof(bytes), &found_group);
	(void)dlopen(UNWINDER, RTLD_NOW); /* with it a thread ends another one */
}

static void find_lack(struct confinement *confinement, bool has_files)
{
	bool has_calls = confine_has_calls() && strcmp(test_wish(), "absent") != 0;
	if (has_files && has_calls)
		return;
	(void)snprintf(confinement->lack, sizeof(confinement->lack), "this kernel has no %s%s%s",
		       has_files ? "" : "Landlock of version 2 (Linux 5.19, `lsm=` with landlock)",
		       has_files || has_calls ? "" : " and no ", has_calls ? "" : "seccomp filter");
}

static int close_places(const struct confinement *confinement, const struct confinement_places *places,
			struct explain *ret_why)
{
	int r = places->failed ? -ENOMEM : 0;
	if (r == 0)
		r = confine_files(&(struct confine_files){.reading_too = true,
							  .has_network = confinement->is_signing,
							  .places = places->all,
							  .count = places->count});
	if (r < 0)
		explain_set(ret_why, "places cannot be closed: %s", strerror(-r));
	return r;
}

static int close_or_say(struct confinement *confinement, const struct confinement_places *places,
			struct explain *ret_why)
{
	bool has_files = confine_has_files() && strcmp(test_wish(), "absent") != 0;
	find_lack(confinement, has_files);
	if (confinement->lack[0] && confinement->is_required) {
		explain_set(ret_why, "the process that serves cannot be confined: %s; " REMEDY_OF_REQUIRED,
			    confinement->lack);
		return -EOPNOTSUPP;
	}
	return has_files && !confinement->is_loose ? close_places(confinement, places, ret_why) : 0;
}

int confinement_close_places(const struct plan *plan, struct confinement *ret, struct explain *ret_why)
{
	struct confinement confinement = {.is_signing = plan->kind == PLAN_SIGNING,
					  .is_off = strcmp(test_wish(), "off") == 0};
	struct confinement_places places = {0};
	if (confinement.is_off) {
		*ret = confinement;
		return 0;
	}
	load_ahead();
	int r = privileges_drop_capabilities(ret_why);
	if (r < 0)
		return r;
	if (confinement.is_signing)
		confinement_of_signing(plan->source, &places, &confinement.is_loose);
	else
		confinement_of_deployment(plan->source, &places, &confinement.is_required);
	r = close_or_say(&confinement, &places, ret_why);
	confinement_places_done(&places);
	if (r == 0)
		*ret = confinement;
	return r;
}
