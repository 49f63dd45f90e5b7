/* Whose slots are: owner and group, whose names may mean other ids than when the configuration was loaded. */
#include <grp.h>
#include <stdio.h>
#include <string.h>

#include "base/access.h"
#include "drift_find.h"

#define ENTRY_BYTES 16384

static void print_group(gid_t gid, char ret[ACCESS_USER_SIZE])
{
	struct group entry, *group = NULL;
	char bytes[ENTRY_BYTES];
	if (getgrgid_r(gid, &entry, bytes, sizeof(bytes), &group) == 0 && group)
		(void)snprintf(ret, ACCESS_USER_SIZE, "group %.32s (gid %u)", group->gr_name, (unsigned)gid);
	else
		(void)snprintf(ret, ACCESS_USER_SIZE, "gid %u", (unsigned)gid);
}

static void add(const char *subject, const char *now, const char *in_force, struct drift *drift)
{
	char expected[DRIFT_WORDS_SIZE], found[DRIFT_WORDS_SIZE];
	(void)snprintf(expected, sizeof(expected), "%s, as its section says now", now);
	(void)snprintf(found, sizeof(found), "%s in force; `vouchfs reload`", in_force);
	drift_add(drift, &(struct drift_finding){.kind = DRIFT_SLOT,
						 .subject = subject,
						 .expected = expected,
						 .found = found,
						 .is_remediable = true});
}

/* One that has an owner now and had none is another section, which drift_find_config tells. */
static void compare(const char *subject, const struct config_slot *in_force, const struct config_slot *now,
		    struct drift *drift)
{
	char a[ACCESS_USER_SIZE], b[ACCESS_USER_SIZE];
	if (in_force->has_owner && now->has_owner && in_force->owner != now->owner)
		add(subject, access_user(now->owner, a), access_user(in_force->owner, b), drift);
	if (in_force->has_group && now->has_group && in_force->group != now->group) {
		print_group(now->group, a);
		print_group(in_force->group, b);
		add(subject, a, b, drift);
	}
}

struct sections {
	const struct config_slot *all;
	size_t count;
};

/* Both are in the order of their names. */
static void compare_all(const char *kind, struct sections in_force, struct sections now, struct drift *drift)
{
	size_t i = 0, j = 0;
	while (i < in_force.count && j < now.count) {
		int order = strcmp(in_force.all[i].name, now.all[j].name);
		if (order == 0) {
			char subject[DRIFT_SUBJECT_SIZE];
			(void)snprintf(subject, sizeof(subject), "%s%.200s", kind, now.all[j].name);
			compare(subject, &in_force.all[i], &now.all[j], drift);
		}
		i += order <= 0;
		j += order >= 0;
	}
}

void drift_find_slots(const struct drift_scene *scene, struct drift *drift)
{
	const struct config *in_force = scene->trust->config, *now = scene->config;
	if (!now)
		return;
	compare_all("functions/", (struct sections){in_force->functions, in_force->function_count},
		    (struct sections){now->functions, now->function_count}, drift);
	compare_all("layers/", (struct sections){in_force->layers, in_force->layer_count},
		    (struct sections){now->layers, now->layer_count}, drift);
	compare("policy", &in_force->policy.slot, &now->policy.slot, drift);
}
