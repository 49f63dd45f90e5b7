/* The bundle, the configuration, and the trust files: in force, and on the disk. */
#include "drift_find.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "config/policy.h"
#include "gate/compare.h"

#define LINE_SIZE 240
#define POLICY	  "policy"

static const struct governed *governed_of(const struct drift_scene *scene)
{
	return scene->trust->governed;
}

/* ---- the bundle ---- */

static void print_bundle(const struct governed *governed, char ret[DRIFT_WORDS_SIZE])
{
	static const char *const states[] = {
		[GOVERNED_LOST] = "none that can be relied on: ", [GOVERNED_NONE] = "none"};
	char hex[17];
	text_hex(governed->tree_sha256, 8, hex);
	if (governed->state == GOVERNED_IN_FORCE)
		(void)snprintf(ret, DRIFT_WORDS_SIZE, "bundle %" PRIu64 " with digest %s...", governed->sequence, hex);
	else
		(void)snprintf(ret, DRIFT_WORDS_SIZE, "%s%s", states[governed->state],
			       governed->state == GOVERNED_LOST ? governed->why.text : "");
}

static bool is_same_bundle(const struct governed *a, const struct governed *b)
{
	if (a->state != b->state)
		return false;
	return a->state != GOVERNED_IN_FORCE ||
	       (a->sequence == b->sequence && memcmp(a->tree_sha256, b->tree_sha256, sizeof(a->tree_sha256)) == 0);
}

/* One that would be refused if it came now, or by its sequence, is for somebody to look at. */
static bool may_come_again(const struct governed *governed)
{
	return governed->state == GOVERNED_IN_FORCE && governed->alarm == POLICY_REASON_NONE &&
	       !governed->is_rolled_back;
}

static void find_in_store(const struct drift_scene *scene, struct drift *drift)
{
	const struct governed *governed = governed_of(scene);
	char expected[DRIFT_WORDS_SIZE], found[DRIFT_WORDS_SIZE];
	if (!scene->fresh || !scene->fresh->governed || is_same_bundle(governed, scene->fresh->governed))
		return;
	print_bundle(governed, expected);
	print_bundle(scene->fresh->governed, found);
	drift_add(drift, &(struct drift_finding){.kind = DRIFT_BUNDLE,
						 .subject = "store",
						 .expected = expected,
						 .found = found,
						 .is_remediable = may_come_again(governed)});
}

static void find_rolled_back(const struct governed *governed, struct drift *drift)
{
	char expected[DRIFT_WORDS_SIZE], found[DRIFT_WORDS_SIZE];
	(void)snprintf(expected, sizeof(expected), "bundle %" PRIu64, governed->highest_sequence);
	(void)snprintf(found, sizeof(found), "bundle %" PRIu64 ", taken up again by uid %" PRIu32 ": %s",
		       governed->sequence, governed->rollback_by_uid, governed->rollback_reason);
	drift_add(drift, &(struct drift_finding){
				 .kind = DRIFT_BUNDLE, .subject = POLICY, .expected = expected, .found = found});
}

static void find_alarm(const struct governed *governed, struct drift *drift)
{
	char found[DRIFT_WORDS_SIZE];
	if (governed->alarm == POLICY_REASON_NONE)
		return;
	(void)snprintf(found, sizeof(found), "%.290s; it stays in force", governed->alarm_why.text);
	drift_add(drift, &(struct drift_finding){.kind = DRIFT_BUNDLE,
						 .subject = POLICY,
						 .expected = "a bundle whose signature counts",
						 .found = found});
}

static void find_lost(const struct governed *governed, struct drift *drift)
{
	char expected[DRIFT_WORDS_SIZE];
	(void)snprintf(expected, sizeof(expected), "bundle %" PRIu64, governed->highest_sequence);
	drift_add(drift,
		  &(struct drift_finding){
			  .kind = DRIFT_BUNDLE, .subject = POLICY, .expected = expected, .found = governed->why.text});
}

void drift_find_bundle(const struct drift_scene *scene, struct drift *drift)
{
	const struct governed *governed = governed_of(scene);
	if (governed->state == GOVERNED_IN_FORCE) {
		if (governed->is_rolled_back)
			find_rolled_back(governed, drift);
		find_alarm(governed, drift);
	} else if (governed->state == GOVERNED_LOST) {
		find_lost(governed, drift);
	}
	find_in_store(scene, drift);
}

/* ---- the host's own files ---- */

void drift_find_local(const struct drift_scene *scene, struct drift *drift)
{
	const struct config *config = scene->config ? scene->config : scene->trust->config;
	for (size_t i = 0; i < config->override_count; i++) {
		const struct config_override *override = &config->overrides[i];
		const char *slash = strrchr(override->path, '/');
		char subject[DRIFT_SUBJECT_SIZE], expected[DRIFT_WORDS_SIZE];
		(void)snprintf(subject, sizeof(subject), "%s%.200s:%u", override->in_conf_d ? CONFIG_CONF_D "/" : "",
			       slash ? slash + 1 : override->path, override->line);
		(void)snprintf(expected, sizeof(expected), "no %s%s[%s] in a file of the host's",
			       override->key ? override->key : "", override->key ? " of " : "", override->section);
		drift_add(drift, &(struct drift_finding){.kind = DRIFT_LOCAL,
							 .subject = subject,
							 .expected = expected,
							 .found = override->text,
							 .is_remediable = override->in_conf_d});
	}
}

/* The next line of a canonical text, without its end; its length. */
static size_t take_line(const char **at, const char **ret)
{
	size_t len = strcspn(*at, "\n");
	*ret = *at;
	*at += len + ((*at)[len] != '\0');
	return len;
}

static bool begins(const char *line, size_t len, const char *key)
{
	return len >= strlen(key) && strncmp(line, key, strlen(key)) == 0;
}

/* What drift_find_slots tells: two ids of the same owner or group. */
static bool is_an_owners(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return (begins(a, a_len, "owner: ") && begins(b, b_len, "owner: ")) ||
	       (begins(a, a_len, "group: ") && begins(b, b_len, "group: "));
}

/* Where two canonical texts part. */
struct parting {
	const char *section; /* its first line; NULL: [vouchfs] */
	size_t section_len;
	const char *in_force, *on_disk;
	size_t in_force_len, on_disk_len;
};

static bool find_parting(const char *in_force, const char *on_disk, struct parting *ret)
{
	*ret = (struct parting){0};
	bool is_header = false;
	while (*in_force || *on_disk) {
		ret->in_force_len = take_line(&in_force, &ret->in_force);
		ret->on_disk_len = take_line(&on_disk, &ret->on_disk);
		bool same = ret->in_force_len == ret->on_disk_len &&
			    memcmp(ret->in_force, ret->on_disk, ret->in_force_len) == 0;
		if (is_header) {
			ret->section = same ? ret->in_force : NULL;
			ret->section_len = same ? ret->in_force_len : 0;
		}
		if (!same && !is_an_owners(ret->in_force, ret->in_force_len, ret->on_disk, ret->on_disk_len))
			return true;
		is_header = ret->in_force_len == 0;
	}
	return false;
}

/* "function: web, mode: 0755" */
static void print_line(const struct parting *parting, const char *line, size_t len, char ret[LINE_SIZE])
{
	static const char nothing[] = "nothing more";
	size_t section_len = parting->section_len < LINE_SIZE / 3 ? parting->section_len : LINE_SIZE / 3;
	size_t shown_len = len < LINE_SIZE / 2 ? len : LINE_SIZE / 2;
	(void)snprintf(ret, LINE_SIZE, "%.*s%s%.*s", (int)section_len, parting->section ? parting->section : "",
		       parting->section ? ", " : "", len > 0 ? (int)shown_len : (int)strlen(nothing),
		       len > 0 ? line : nothing);
}

static void print_parting(const struct parting *parting, char ret_expected[DRIFT_WORDS_SIZE],
			  char ret_found[DRIFT_WORDS_SIZE])
{
	char line[LINE_SIZE];
	print_line(parting, parting->in_force, parting->in_force_len, line);
	(void)snprintf(ret_expected, DRIFT_WORDS_SIZE, "in force: %s", line);
	print_line(parting, parting->on_disk, parting->on_disk_len, line);
	(void)snprintf(ret_found, DRIFT_WORDS_SIZE, "changed on the disk, not in force: %s; `vouchfs reload`", line);
}

void drift_find_config(const struct drift_scene *scene, struct drift *drift)
{
	const struct config *config = scene->config;
	char expected[DRIFT_WORDS_SIZE] = "a configuration that is taken", found[DRIFT_WORDS_SIZE];
	struct parting parting;
	const struct config_terms *terms = scene->trust->config->terms;
	bool is_explained = config && config->override_count > 0 && terms && terms->local == CONFIG_LOCAL_REFUSE;
	if (!config || (!scene->fresh && !is_explained)) {
		(void)snprintf(found, sizeof(found), "%.*s", (int)strcspn(scene->errors, "\n"), scene->errors);
	} else if (find_parting(scene->trust->config->canonical, config->canonical, &parting)) {
		print_parting(&parting, expected, found);
	} else {
		return;
	}
	drift_add(drift, &(struct drift_finding){.kind = DRIFT_CONFIG,
						 .subject = scene->trust->config->path,
						 .expected = expected,
						 .found = found,
						 .is_remediable = scene->fresh != NULL});
}

/* ---- certificates and lists ---- */

struct telling {
	struct drift *drift;
	enum drift_kind kind;
	const char *whose; /* of the certificates that were found */
};

static void tell(void *ctx, const struct trust_difference *difference)
{
	const struct telling *telling = ctx;
	char subject[DRIFT_SUBJECT_SIZE], found[2 * DRIFT_WORDS_SIZE];
	(void)snprintf(subject, sizeof(subject), "[account %s]", difference->account);
	(void)snprintf(found, sizeof(found), "%s%s", telling->whose, difference->found);
	drift_add(telling->drift,
		  &(struct drift_finding){
			  .kind = telling->kind, .subject = subject, .expected = difference->expected, .found = found});
}

void drift_find_trust(const struct drift_scene *scene, struct drift *drift)
{
	struct telling telling = {drift, DRIFT_TRUST, "in the host's own files: "};
	const struct trust *local = scene->trust->local;
	if (!local)
		return;
	trust_compare_certificates(scene->trust, local, tell, &telling);
	telling.whose = "its file has changed and is not in force: ";
	if (scene->fresh && scene->fresh->local)
		trust_compare_certificates(local, scene->fresh->local, tell, &telling);
}

void drift_find_revocations(const struct drift_scene *scene, struct drift *drift)
{
	struct telling telling = {drift, DRIFT_REVOCATIONS, ""};
	trust_compare_lists(scene->trust, scene->now_s, tell, &telling);
}

int64_t drift_changes_at_s(const struct drift_scene *scene)
{
	return trust_lists_end_s(scene->trust, scene->now_s);
}
