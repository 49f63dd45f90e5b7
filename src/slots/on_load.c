/*
 * Policy on load: what is served is judged again under every new trust, and when a time has come that can change a
 * verdict. A release that is judged differently is recorded, once for each change.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "internal.h"
#include "run_node.h"

#define NO_MEMORY_PAUSE_S 1

/* Audit log and daemon's log: a release is blocked, warned about, or neither any more. */
static void record_change(struct release *release, enum audit_event event, const struct gate_decision *decision)
{
	const char *slot = release->slot->path;
	const struct signature_facts *s = &decision->facts;
	char layers[GATE_LAYERS_TEXT_SIZE];
	gate_print_layers(decision, layers);
	struct audit_record entry = {
		.event = event,
		.slot = slot,
		.artifact = release->record->artifact_name,
		.release = release->record->number,
		.config = decision->config_name,
		.config_sha256 = decision->config_sha256,
		.verdict = &decision->verdict,
		.statement = s->form == SIGNATURE_NATIVE && s->integrity == SIGNATURE_GOOD ? &s->statement : NULL,
		.errno_given = event == AUDIT_BLOCKED ? EACCES : 0,
		.layers = layers[0] ? layers : NULL,
		.detail = decision->layer_count > 0 && decision->verdict.detail[0] ? decision->verdict.detail : NULL,
		.break_glass = decision->break_glass.seq,
	};
	(void)slots_record(release->slots, &entry);
}

/* What it was deployed with: a warning that was recorded then is no news. */
static bool was_deployed_with_warning(const struct release *release)
{
	const char *decision = release->record->decision;
	char *outcome = text_record_get(decision, strlen(decision), "outcome");
	bool warned = outcome && strcmp(outcome, policy_outcome_name(POLICY_WARNED)) == 0;
	free(outcome);
	return warned;
}

static int block_of(const struct policy_verdict *verdict)
{
	if (verdict->outcome != POLICY_REFUSED)
		return 0;
	return verdict->deciding == POLICY_INTEGRITY ? -EIO : -EACCES;
}

/* What the log does not say yet. */
enum news { NEWS_NONE, NEWS_DAMAGED, NEWS_BLOCKED, NEWS_UNBLOCKED, NEWS_WARNED };

static enum news news_of_locked(const struct release *release, const struct policy_verdict *verdict)
{
	int now = block_of(verdict), told = release->told_block;
	bool was_warned = release->judged_generation > 0 ? release->warned : was_deployed_with_warning(release);
	if (now == -EIO)
		return told != now ? NEWS_DAMAGED : NEWS_NONE;
	if (now == -EACCES)
		return told != now ? NEWS_BLOCKED : NEWS_NONE;
	if (told == -EACCES)
		return NEWS_UNBLOCKED;
	return verdict->outcome == POLICY_WARNED && !was_warned ? NEWS_WARNED : NEWS_NONE;
}

static void tell(struct release *release, enum news news, const struct gate_decision *decision)
{
	static const enum audit_event events[] = {
		[NEWS_BLOCKED] = AUDIT_BLOCKED,
		[NEWS_UNBLOCKED] = AUDIT_UNBLOCKED,
		[NEWS_WARNED] = AUDIT_RELEASE_WARNED,
	};
	if (news == NEWS_DAMAGED)
		(void)release_report_damage(release, "release record", -EBADMSG);
	else if (news != NEWS_NONE)
		record_change(release, events[news], decision);
}

static void set_block_locked(struct release *release, int block)
{
	int before = atomic_exchange(&release->blocked, block);
	release->to_be_pushed |= block != before && block != 0;
}

/*
 * A block is in force before it is recorded, and its end after that. In haste, nothing is recorded: that waits for the
 * disk, and what comes behind it would wait, too. False: it is to be judged again, at leisure.
 */
static bool take_verdict_locked(struct release *release, const struct gate_decision *decision, bool in_haste)
{
	int block = block_of(&decision->verdict);
	enum news news = news_of_locked(release, &decision->verdict);
	if (block != 0)
		set_block_locked(release, block);
	if (in_haste && news != NEWS_NONE)
		return false;
	tell(release, news, decision);
	set_block_locked(release, block);
	release->told_block = block;
	release->warned = decision->verdict.outcome == POLICY_WARNED;
	return true;
}

/* The same facts are judged alike between two of these moments. */
static void narrow_span(const struct signature_facts *facts, int64_t decided_at_s, struct release *release)
{
	const int64_t moments[] = {
		facts->statement.signed_at_s - LIMIT_CLOCK_AHEAD_S,
		facts->statement.signed_at_s,
		facts->timestamp_s - LIMIT_CLOCK_AHEAD_S, /* 0 without a stamp: long past */
		facts->statement.expires_at_s,
		facts->list_issued_at_s,
		facts->list_next_update_s + 1, /* its last second is a good one */
	};
	for (size_t i = 0; i < ARRAY_SIZE(moments); i++) {
		if (moments[i] > decided_at_s && moments[i] < release->holds_until_s)
			release->holds_until_s = moments[i];
		if (moments[i] <= decided_at_s && moments[i] > release->holds_from_s)
			release->holds_from_s = moments[i];
	}
}

static void find_span(const struct gate_decision *decision, const struct slot_rules *rules, struct release *release)
{
	bool is_relaxed = rules->break_glass.seq > 0;
	release->holds_from_s = is_relaxed ? rules->break_glass_from_s : INT64_MIN;
	release->holds_until_s = is_relaxed ? rules->break_glass.until_s : INT64_MAX;
	narrow_span(&decision->facts, decision->decided_at_s, release);
	for (size_t i = 0; i < decision->layer_count; i++)
		narrow_span(&decision->layers[i].facts, decision->decided_at_s, release);
}

/* Kept, because a new list comes daily and asks the same of everything; what does not fit is found out again. */
static void keep_facts(struct release *release, const struct trust *trust, const struct gate_decision *decision)
{
	if (!release->facts)
		release->facts = calloc(1 + decision->layer_count, sizeof(*release->facts));
	if (!release->facts)
		return;
	release->facts[0] = decision->facts;
	for (size_t i = 0; i < decision->layer_count; i++)
		release->facts[1 + i] = decision->layers[i].facts;
	release->facts_family = trust_family(trust);
}

int release_judge_locked(struct release *release, const struct trust *trust, bool keep, struct slot_rules *rules,
			 struct gate_decision *decision)
{
	bool is_known = release->facts && release->facts_family == trust_family(trust);
	slot_rules(release->slot, slot_section(trust, release->slot), rules);
	int r = gate_judge_release_again(trust, rules->rules, POLICY_ON_LOAD, release->record,
					 is_known ? release->facts : NULL, decision);
	if (r == 0)
		slot_rules_note(rules, POLICY_ON_LOAD, decision);
	if (r == 0 && keep)
		keep_facts(release, trust, decision);
	return r;
}

/* A release whose slot has no section any more is judged for its signature's integrity alone, and goes on being served.
 */
static int judge_locked(struct release *release, const struct trust *trust, bool in_haste)
{
	struct gate_decision *decision = calloc(1, sizeof(*decision));
	if (!decision)
		return -ENOMEM;

	struct slot_rules rules;
	int r = release_judge_locked(release, trust, true, &rules, decision);
	if (r == 0 && take_verdict_locked(release, decision, in_haste)) {
		release->judged_generation = trust->generation;
		release->judged_break_glass = rules.break_glass_seen;
		find_span(decision, &rules, release);
	}
	free(decision);
	return r;
}

static bool is_to_be_judged_locked(const struct release *release, const struct trust *trust)
{
	int64_t now_s = clock_now_s();
	return release->judged_generation < trust->generation ||
	       release->judged_break_glass != atomic_load(&release->slot->glass_seq) || now_s < release->holds_from_s ||
	       now_s >= release->holds_until_s;
}

static int judge_if_due_locked(struct release *release, bool in_haste)
{
	/* Asked for under the lock: nobody judges by an older trust than whoever was here before. */
	struct trust *trust = slots_trust(release->slots);
	int r = 0;
	if (is_to_be_judged_locked(release, trust)) {
		r = judge_locked(release, trust, in_haste);
		if (r == 0)
			due_by(&release->slots->due, release->holds_until_s);
	}
	trust_unref(trust);
	return r;
}

int release_admit(struct release *release)
{
	lock_take(&release->lock);
	int r = judge_if_due_locked(release, false);
	if (r == 0)
		r = atomic_load(&release->blocked);
	bool is_to_be_pushed = release->to_be_pushed;
	lock_drop(&release->lock);
	if (is_to_be_pushed)
		due_now(&release->slots->due); /* slots_follow does it: not from a request that the kernel waits for */
	return r == 0 || r == -EACCES || r == -ENOMEM ? r : -EIO;
}

/* ---- after a change of trust, or of the time ---- */

/*
 * What the kernel remembers of a release that is blocked now is taken from it: first the way into it, then, of every
 * node below, attributes and pages, so that open and mapped files come here again.
 *
 * A lookup that was admitted just before needs no second look. blocked is set before anything is pushed, and the kernel
 * orders the rest: it drops the release's entry under the lock of the slot's directory, which a lookup in there holds
 * until its answer is in; it ignores attributes that were asked for before it was told that they changed; it waits for
 * pages that are being read, and drops them. What is left is a lookup further down, of a name that it did not know, by
 * somebody who has a directory of the release open: that leaves a name and its attributes behind, and no content.
 */
void release_push_entry(const struct release *release)
{
	const struct slots_notify *notify = &release->slots->notify;
	char name[24];
	(void)snprintf(name, sizeof(name), "%" PRIu64, release->record->number);
	if (notify->entry)
		notify->entry(notify->ctx, run_node(release->slot_id, RUN_INDEX_DIR), name);
}

void release_push_nodes(struct release *release)
{
	const struct slots_notify *notify = &release->slots->notify;
	bool is_to_be_loaded =
		tree_names_is_heir(release->slots->names); /* what the kernel knows may be another's doing */
	int r = is_to_be_loaded ? release_load_view(release) : 0;
	if (is_to_be_loaded && release->layer_count > 0)
		(void)release_load_opt(release);
	lock_take(&release->lock);
	uint64_t count = RUN_INDEX_TASK + (release->view ? release->view->node_count : 0);
	uint64_t folders = release->opt ? release->opt->folder_count : 0;
	lock_drop(&release->lock);
	if (r < 0) /* none is left out */
		count = RUN_INDEX_OPT_FOLDER;
	if (!notify->inodes)
		return;
	notify->inodes(notify->ctx, run_node(release->record->id, 0), count);
	if (folders > 1) /* opt/ itself is among those above */
		notify->inodes(notify->ctx, run_node(release->record->id, RUN_INDEX_OPT_FOLDER + 1), folders - 1);
}

/* How urgent it is. What is only in memory is judged when it is asked for; a layer version with those that have it. */
enum service { SERVICE_KNOWN, SERVICE_CURRENT, SERVICE_NONE };

static enum service service_of_locked(const struct release *release)
{
	if (release->lookups > 0)
		return SERVICE_KNOWN; /* to the kernel */
	return release->slot->current == release ? SERVICE_CURRENT : SERVICE_NONE;
}

static bool is_code(const struct release *release)
{
	return !release->slot->is_layer && !release->slot->is_policy;
}

struct served {
	struct release **all; /* with references; the most urgent first */
	size_t count;
	size_t to_be_judged;
};

static int collect_served(struct slots *slots, struct served *ret)
{
	struct release *release, *next;
	struct served s = {0};
	lock_take(&slots->lock);
	s.all = calloc(HASH_COUNT(slots->releases) + 1, sizeof(struct release *));
	for (enum service service = SERVICE_KNOWN; s.all && service <= SERVICE_NONE; service++) {
		HASH_ITER(hh, slots->releases, release, next)
		if (is_code(release) && service_of_locked(release) == service)
			s.all[s.count++] = release_ref_locked(release);
		if (service == SERVICE_CURRENT)
			s.to_be_judged = s.count;
	}
	lock_drop(&slots->lock);
	*ret = s;
	return s.all ? 0 : -ENOMEM;
}

/* What could not be found out for lack of memory is tried again before anybody asks. */
static void try_again_soon(struct slots *slots)
{
	due_by(&slots->due, clock_now_s() + NO_MEMORY_PAUSE_S);
}

/*
 * True: it is blocked, and that has not been pushed yet. Or nobody knows whether it is: then the kernel does not go on
 * with what it was told before, and asks.
 */
static bool judge_in_haste(struct release *release)
{
	lock_take(&release->lock);
	int r = judge_if_due_locked(release, true);
	bool is_to_be_pushed = release->to_be_pushed || r < 0;
	release->to_be_pushed = false;
	lock_drop(&release->lock);
	if (r == -ENOMEM)
		try_again_soon(release->slots);
	return is_to_be_pushed;
}

/* Records what is new, lets in what passes again, and sets the timer; also for what is not in service. */
static void judge_at_leisure(struct release *release, bool is_in_service)
{
	if (is_in_service && release_admit(release) == -ENOMEM)
		try_again_soon(release->slots);
	lock_take(&release->lock);
	if (release->judged_generation > 0 && release->holds_until_s > clock_now_s())
		due_by(&release->slots->due, release->holds_until_s);
	lock_drop(&release->lock);
}

/* Those that are blocked now come to the front. */
static size_t block_served(struct served *served)
{
	size_t blocked_count = 0;
	for (size_t i = 0; i < served->to_be_judged; i++) {
		struct release *release = served->all[i];
		if (!judge_in_haste(release))
			continue;
		release_push_entry(release);
		served->all[i] = served->all[blocked_count];
		served->all[blocked_count++] = release;
	}
	return blocked_count;
}

/* The one behind this one (NULL: the first) that is in service, with a reference. */
static struct release *next_served(struct slots *slots, const struct release *release)
{
	lock_take(&slots->lock);
	struct release *next = release ? release->hh.next : slots->releases;
	while (next && (!is_code(next) || service_of_locked(next) == SERVICE_NONE))
		next = next->hh.next;
	if (next)
		release_ref_locked(next);
	lock_drop(&slots->lock);
	return next;
}

/* Blocks without memory for a list of them. What comes meanwhile is judged by the new trust anyway. */
static void judge_one_by_one(struct slots *slots)
{
	struct release *next, *release = next_served(slots, NULL);
	for (; release; release = next) {
		if (judge_in_haste(release)) {
			release_push_entry(release);
			release_push_nodes(release);
			layers_follow_blocks(&release, 1);
		}
		next = next_served(slots, release);
		release_put(release);
	}
	try_again_soon(slots);
}

void slots_judge_served(struct slots *slots)
{
	struct served served;
	if (collect_served(slots, &served) < 0) {
		judge_one_by_one(slots);
		return;
	}
	size_t blocked_count = block_served(&served);
	for (size_t i = 0; i < blocked_count; i++)
		release_push_nodes(served.all[i]);
	layers_follow_blocks(served.all, blocked_count);
	for (size_t i = 0; i < served.count; i++) {
		judge_at_leisure(served.all[i], i < served.to_be_judged);
		release_put(served.all[i]);
	}
	free(served.all);
}
