/* The mount as callers see it: what lies over it, and whose its slots are. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "fs/mount.h"
#include "gate/governed.h"
#include "policy_drift.h"

static void tell_mount(void *ctx, const char *at, const char *type, const char *source)
{
	char found[DRIFT_WORDS_SIZE];
	(void)snprintf(found, sizeof(found), "%.40s (%.160s) is mounted over it and hides it", type, source);
	drift_add(ctx, &(struct drift_finding){
			       .kind = DRIFT_SLOT, .subject = at, .expected = "what vouchfs serves", .found = found});
}

/* ---- slots ---- */

struct seeing {
	int dirfd;
	struct drift *drift;
};

static void print_access(char ret[DRIFT_WORDS_SIZE], const uid_t *owner, const gid_t *group, mode_t mode)
{
	int len = snprintf(ret, DRIFT_WORDS_SIZE, "mode %04o", (unsigned)mode);
	if (owner)
		len += snprintf(ret + len, DRIFT_WORDS_SIZE - (size_t)len, ", owner %u", (unsigned)*owner);
	if (group)
		(void)snprintf(ret + len, DRIFT_WORDS_SIZE - (size_t)len, ", group %u", (unsigned)*group);
}

/* A slot whose section says nothing of its owner has the daemon's, which is not known here. */
static void look_at(const struct seeing *seeing, const char *path, const struct config_slot *section)
{
	struct stat st;
	char expected[DRIFT_WORDS_SIZE], found[DRIFT_WORDS_SIZE];
	if (section->is_pattern || fstatat(seeing->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return; /* what is hidden is told already */
	bool is_same = (st.st_mode & 07777) == section->mode && (!section->has_owner || st.st_uid == section->owner) &&
		       (!section->has_group || st.st_gid == section->group);
	if (is_same)
		return;
	print_access(expected, section->has_owner ? &section->owner : NULL, section->has_group ? &section->group : NULL,
		     section->mode);
	print_access(found, section->has_owner ? &st.st_uid : NULL, section->has_group ? &st.st_gid : NULL,
		     st.st_mode & 07777);
	drift_add(seeing->drift,
		  &(struct drift_finding){.kind = DRIFT_SLOT, .subject = path, .expected = expected, .found = found});
}

static void look_at_all(const struct seeing *seeing, const char *directory, const struct config_slot *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char path[DRIFT_SUBJECT_SIZE];
		(void)snprintf(path, sizeof(path), "%s/%s", directory, all[i].name);
		look_at(seeing, path, &all[i]);
	}
}

void policy_drift_add_seen(const char *config_path, int dirfd, struct drift *drift)
{
	const struct seeing seeing = {.dirfd = dirfd, .drift = drift};
	struct config *config = NULL;
	struct buf unused = {0}; /* the daemon has told what is wrong with the files */
	(void)fs_each_mount_over(config_path, tell_mount, drift);
	if (governed_config_load(config_path, &config, &unused) == 0) {
		look_at_all(&seeing, "functions", config->functions, config->function_count);
		look_at_all(&seeing, "layers", config->layers, config->layer_count);
		look_at(&seeing, "policy", &config->policy.slot);
	}
	config_free(config);
	buf_done(&unused);
}
