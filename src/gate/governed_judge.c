/*
 * governed_judge.c - may this file become the bundle in force? As an artifact first (R17: nothing of it is read before
 * its signature holds), then as a bundle, then as the configuration that it would make, under which its own signature
 * is judged once more: it may bring a newer revocation list.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "govern.h"

/* A bundle that is being judged. */
struct candidacy {
	const struct trust *trust; /* in force */
	struct govern_making making;
	const struct gate_artifact *artifact;
	bool is_rollback;
	bool is_refused; /* for what makes it a bundle */
	struct gate_decision *decision;
	struct bundle *bundle;
	uint64_t sequence;
	uint64_t highest;
	struct trust *made;
};

/* What was found of its signature stays in view. */
static void refuse(struct candidacy *c, enum policy_reason reason, const char *detail, const char *remedy)
{
	struct policy_verdict verdict;
	policy_refuse(reason, detail, remedy, &verdict);
	memcpy(verdict.checks, c->decision->verdict.checks, sizeof(verdict.checks));
	c->decision->verdict = verdict;
	c->is_refused = true;
}

/* ---- as an artifact ---- */

/* What remedies say of artifacts is put in the words of bundles. */
static void word_remedy(const struct trust *own, struct policy_verdict *verdict)
{
	char publisher[ARN_TEXT_SIZE] = "";
	if (verdict->reason != POLICY_VF2001_UNSIGNED && verdict->reason != POLICY_VF2002_SOURCE)
		return;
	if (own->config->policy.publisher_count > 0)
		arn_print_profile(&own->config->policy.publishers[0], publisher);
	(void)snprintf(verdict->remedy, sizeof(verdict->remedy),
		       "have it packed by whom [policy] publisher names (%s), or correct that name, or the "
		       "certificate of its account, in the host's configuration, then vouchfs reload",
		       publisher);
}

static void refuse_too_large(struct candidacy *c)
{
	struct gate_decision *d = c->decision;
	char detail[POLICY_DETAIL_SIZE];
	d->size_bytes = c->artifact->file.size_bytes;
	d->decided_at_s = clock_now_s();
	d->trust_generation = c->trust->generation;
	(void)snprintf(d->config_name, sizeof(d->config_name), GOVERN_RULES_NAME);
	(void)snprintf(detail, sizeof(detail), "the file has %llu bytes, a policy bundle at most %u",
		       (unsigned long long)d->size_bytes, LIMIT_BUNDLE_ZIP_BYTES);
	refuse(c, POLICY_VF4002_TOO_LARGE, detail, "put a policy bundle here: vouchfs policy pack makes one");
}

static int judge_file(struct candidacy *c)
{
	const struct trust *own = c->trust->local;
	const struct config_code_signing rules = governed_rules(own->config);
	struct gate_artifact artifact = *c->artifact;
	artifact.content = SIGNATURE_OF_BUNDLE;
	if (artifact.file.size_bytes > LIMIT_BUNDLE_ZIP_BYTES) {
		refuse_too_large(c);
		return 0;
	}
	int r = gate_judge(own, &rules, POLICY_ON_DEPLOYMENT, &artifact, true, c->decision);
	if (r == 0)
		word_remedy(own, &c->decision->verdict);
	return r;
}

/* A list that is missing, or stale, may be in the bundle. */
static bool may_still_pass(const struct policy_verdict *verdict)
{
	const struct policy_check_result *checks = verdict->checks;
	for (enum policy_check check = POLICY_INTEGRITY; check < POLICY_REVOCATION; check++)
		if (checks[check].state != POLICY_OK)
			return false;
	return verdict->outcome == POLICY_ACCEPTED ||
	       (verdict->deciding == POLICY_REVOCATION && checks[POLICY_REVOCATION].state == POLICY_UNDECIDED);
}

/* ---- as a bundle ---- */

static int read_bundle(struct candidacy *c)
{
	struct explain why = {0};
	int r = bundle_read(&c->artifact->file, &c->bundle, &why);
	if (r == 0)
		r = govern_read_terms(c->bundle, c->trust->local->config, &c->sequence, &why);
	if (r != -EBADMSG && r != -ENXIO)
		return r;
	refuse(c, POLICY_VF5001_BUNDLE, why.text,
	       r == -ENXIO ? "bring the one for this host; or have this one packed with the host in hosts or labels of "
			     "policy.conf; or correct host or label in [policy] here, then vouchfs reload"
			   : "have it packed again: vouchfs policy pack finds what is wrong with a bundle");
	return 0;
}

static bool is_rolled_back(const struct candidacy *c)
{
	const struct governed *now = c->trust->governed;
	return now->state == GOVERNED_IN_FORCE && now->is_rolled_back;
}

static bool is_in_force(const struct candidacy *c)
{
	const struct governed *now = c->trust->governed;
	return now->state == GOVERNED_IN_FORCE &&
	       memcmp(now->tree_sha256, c->decision->tree_sha256, sizeof(now->tree_sha256)) == 0;
}

/*
 * The bundle that is in force may come again, and where it is lost that puts it right. What an administrator went back
 * from is still where bundles are fetched from, and only he goes forward to it.
 */
static bool is_known(const struct candidacy *c)
{
	return is_in_force(c) || (!is_rolled_back(c) && c->sequence == c->highest &&
				  govern_had(c->making.store, c->sequence, c->decision->tree_sha256));
}

static void refuse_rolled_back(struct candidacy *c)
{
	const struct governed *now = c->trust->governed;
	char detail[POLICY_DETAIL_SIZE], remedy[POLICY_REMEDY_SIZE];
	(void)snprintf(detail, sizeof(detail),
		       "the bundle has sequence %llu, and an administrator went back from %llu to %llu: %s",
		       (unsigned long long)c->sequence, (unsigned long long)c->highest,
		       (unsigned long long)now->sequence, now->rollback_reason);
	(void)snprintf(remedy, sizeof(remedy),
		       "have it packed with a sequence higher than %llu; an administrator can take up one that was in "
		       "force: vouchfs policy rollback %llu --reason ...",
		       (unsigned long long)c->highest, (unsigned long long)c->sequence);
	refuse(c, POLICY_VF5002_SEQUENCE, detail, remedy);
}

static void check_sequence(struct candidacy *c)
{
	char detail[POLICY_DETAIL_SIZE];
	if (c->sequence > c->highest || c->is_rollback || is_known(c))
		return;
	if (is_rolled_back(c)) {
		refuse_rolled_back(c);
		return;
	}
	if (c->sequence == c->highest)
		(void)snprintf(detail, sizeof(detail),
			       "the bundle has sequence %llu, and another one with that sequence was in force already",
			       (unsigned long long)c->sequence);
	else
		(void)snprintf(detail, sizeof(detail),
			       "the bundle has sequence %llu, and one with sequence %llu was in force already",
			       (unsigned long long)c->sequence, (unsigned long long)c->highest);
	refuse(c, POLICY_VF5002_SEQUENCE, detail,
	       "have it packed with a higher sequence; an administrator can go back to one that was in force: vouchfs "
	       "policy rollback");
}

/* ---- as a configuration ---- */

static void refuse_configuration(struct candidacy *c, const struct buf *errors)
{
	char detail[POLICY_DETAIL_SIZE], remedy[POLICY_REMEDY_SIZE];
	const char *text = errors->data ? errors->data : "", *end = text + strcspn(text, "\n");
	struct buf unused = {0};
	struct config *own = NULL;
	bool is_ours = config_load(c->making.config_path, &own, &unused) < 0;
	(void)snprintf(detail, sizeof(detail), "this host's configuration would be refused with the bundle: %.*s",
		       (int)(end - text), text);
	(void)snprintf(remedy, sizeof(remedy), "%s%s",
		       is_ours ? "put the host's own configuration right first: vouchfs check-config says what is wrong"
			       : "correct the bundle, or what it needs of this host: users and groups, files, what the "
				 "host's own files say",
		       *end && end[1] ? "; there is more than this" : "");
	config_free(own);
	buf_done(&unused);
	refuse(c, POLICY_VF5001_BUNDLE, detail, remedy);
}

static int make_governed(struct candidacy *c, struct governed **ret)
{
	struct governed *governed = govern_new(GOVERNED_IN_FORCE);
	if (!governed)
		return -ENOMEM;
	governed->bundle = bundle_ref(c->bundle);
	governed->sequence = c->sequence;
	governed->highest_sequence = c->sequence > c->highest ? c->sequence : c->highest;
	memcpy(governed->tree_sha256, c->decision->tree_sha256, sizeof(governed->tree_sha256));
	govern_take_facts(governed, &c->decision->facts);
	if (!c->is_rollback && is_rolled_back(c) && is_in_force(c))
		govern_keep_rollback(governed, c->trust->governed);
	*ret = governed;
	return 0;
}

static int make_trust(struct candidacy *c, struct buf *errors)
{
	struct trust *local = NULL;
	struct governed *governed = NULL;
	int r = govern_make_local(&c->making, &local, errors);
	if (r == 0)
		r = make_governed(c, &governed);
	if (r == 0)
		return govern_make(&c->making, local, governed, &c->made, errors);
	trust_unref(local);
	return r;
}

/* The files are read again, so the accounts that prove it may be others by now. */
static int judge_again(struct candidacy *c)
{
	const struct trust *own = c->made->local;
	const struct config_code_signing rules = governed_rules(own->config);
	struct gate_decision *d = c->decision, *again = calloc(1, sizeof(*again));
	void *comment = malloc(d->tail.comment_len + 1U);
	int r = again && comment ? 0 : -ENOMEM;
	if (r == 0)
		r = io_reader_pread(&c->artifact->file, comment, d->tail.comment_len, d->tail.comment_offset);
	struct store_release release = {
		.comment = comment, .comment_len = d->tail.comment_len, .length_bytes = d->length_bytes};
	memcpy(release.digest, d->tree_sha256, sizeof(release.digest));
	if (r == 0)
		r = gate_judge_bundle_release(own, &rules, POLICY_ON_DEPLOYMENT, &release, NULL, again);
	if (r == 0) {
		d->facts = again->facts;
		d->verdict = again->verdict;
		d->trust_generation = c->made->generation;
		word_remedy(own, &d->verdict);
		govern_take_facts(c->made->governed, &d->facts);
		govern_weigh(c->made->governed, own);
	}
	free(comment);
	free(again);
	return r;
}

static int judge_configuration(struct candidacy *c)
{
	struct buf errors = {0};
	int r = make_trust(c, &errors);
	if (r == 0) {
		r = judge_again(c);
	} else if (r == -EIO) { /* of a file of the host's, which says nothing about the bundle */
		const char *text = errors.data ? errors.data : "";
		log_error("policy: %.*s", (int)strcspn(text, "\n"), text);
	} else if (errors.len > 0 && r != -ENOMEM) {
		refuse_configuration(c, &errors);
		r = 0;
	}
	buf_done(&errors);
	return r;
}

/* ---- all of it ---- */

static int judge(struct candidacy *c)
{
	if (!c->trust->governed || !c->trust->local) {
		refuse(c, POLICY_VF4001_NO_SLOT, "this host takes no policy bundles: its configuration has no [policy]",
		       "name the profile whose bundles count: publisher = in [policy]");
		return 0;
	}
	int r = govern_highest(c->making.store, &c->highest);
	if (r == 0)
		r = judge_file(c);
	if (r < 0 || !may_still_pass(&c->decision->verdict))
		return r;
	r = read_bundle(c);
	if (r == 0 && !c->is_refused)
		check_sequence(c);
	if (r == 0 && !c->is_refused)
		r = judge_configuration(c);
	return r;
}

/* What could not be found out is not passed (I4). */
static void refuse_undecided(struct candidacy *c, int error)
{
	char detail[POLICY_DETAIL_SIZE];
	(void)snprintf(detail, sizeof(detail), "the bundle could not be judged: %s", strerror(error));
	refuse(c, POLICY_VF3001_UNDECIDED, detail, "apply it again; if it goes on, see the log of the host");
}

static int judge_candidate(struct candidacy *c, struct gate_decision *ret, struct trust **ret_candidate)
{
	memset(ret, 0, sizeof(*ret));
	c->decision = ret;
	int r = judge(c);
	if (r < 0)
		refuse_undecided(c, -r);
	bool is_taken = ret->verdict.outcome == POLICY_ACCEPTED;
	ASSERT(!is_taken || c->made);
	if (ret_candidate)
		*ret_candidate = is_taken ? trust_ref(c->made) : NULL;
	trust_unref(c->made);
	bundle_unref(c->bundle);
	return 0;
}

int gate_judge_bundle(const struct trust *trust, const char *config_path, struct store *store,
		      const struct gate_artifact *artifact, struct gate_decision *ret, struct trust **ret_candidate)
{
	struct candidacy c = {
		.trust = trust, .making = {.config_path = config_path, .store = store}, .artifact = artifact};
	return judge_candidate(&c, ret, ret_candidate);
}

int gate_judge_rollback(const struct trust *trust, const char *config_path, struct store *store,
			const struct gate_artifact *artifact, struct gate_decision *ret, struct trust **ret_candidate)
{
	struct candidacy c = {.trust = trust,
			      .making = {.config_path = config_path, .store = store},
			      .artifact = artifact,
			      .is_rollback = true};
	return judge_candidate(&c, ret, ret_candidate);
}
