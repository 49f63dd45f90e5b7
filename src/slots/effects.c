/*
 * What a trust in the place of another one does: every current release is judged on load under both, at the same
 * moment, and nothing comes of it.
 */
#include "effects.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "internal.h"

/* ---- what is served ---- */

static enum effect effect_of(const struct policy_verdict *was, const struct policy_verdict *is)
{
	if (is->outcome == was->outcome)
		return EFFECT_UNCHANGED;
	if (is->outcome == POLICY_REFUSED)
		return EFFECT_BLOCKED;
	if (was->outcome == POLICY_REFUSED)
		return EFFECT_ALLOWED;
	return is->outcome == POLICY_WARNED ? EFFECT_WARNED : EFFECT_CLEARED;
}

static void fill_row(const struct release *release, const struct policy_verdict *verdict, struct effect_row *ret)
{
	(void)snprintf(ret->slot, sizeof(ret->slot), "%s", release->slot->path);
	ret->release = release->record->number;
	if (verdict->reason != POLICY_REASON_NONE)
		(void)snprintf(ret->code, sizeof(ret->code), "%s", policy_reason_info(verdict->reason)->code);
	text_escape_print(ret->detail, sizeof(ret->detail), verdict->detail, strlen(verdict->detail));
}

static void add(const struct release *release, const struct policy_verdict *was, const struct policy_verdict *is,
		struct effects *ret)
{
	enum effect effect = effect_of(was, is);
	uint64_t count = ret->counts[effect]++;
	if (effect != EFFECT_UNCHANGED && count < LIMIT_EFFECT_ROWS)
		fill_row(release, is, &ret->rows[effect][count]);
}

/* Two decisions are large, so they are made once for all releases. */
struct decisions {
	struct gate_decision was;
	struct gate_decision is;
};

static int judge(struct release *release, const struct effects_question *question, struct decisions *d,
		 struct effects *ret)
{
	struct slot_rules rules;
	lock_take(&release->lock);
	bool is_asked_for = question->everything || release->judged_generation > 0;
	int r = is_asked_for ? release_judge_locked(release, question->before, false, &rules, &d->was) : 0;
	if (r == 0 && is_asked_for)
		r = release_judge_locked(release, question->after, question->keep, &rules, &d->is);
	lock_drop(&release->lock);
	if (r == 0 && is_asked_for)
		add(release, &d->was.verdict, &d->is.verdict, ret);
	return r;
}

/* What cannot be loaded is not served, whatever the configuration says. */
static struct release *current_of(struct slot *slot, bool everything)
{
	if (slot->is_layer || (!everything && !atomic_load(&slot->loaded)) || slot_load(slot) < 0)
		return NULL;
	return slot_current(slot);
}

int effects_find(struct slots *slots, const struct effects_question *question, struct effects *ret)
{
	struct slot *slot;
	struct decisions *d = calloc(1, sizeof(*d));
	int r = d ? 0 : -ENOMEM;
	for (size_t i = 0; r == 0 && (slot = slot_at(slots, i)) != NULL; i++) {
		struct release *release = current_of(slot, question->everything);
		if (release)
			r = judge(release, question, d, ret);
		release_put(release);
	}
	free(d);
	return r;
}

/* ---- sections ---- */

/* Arrays in the order of their names. */
struct sections {
	const char *all;
	size_t count;
	size_t size;
	const char *(*name)(const void *section);
	bool (*is_equal)(const void *a, const void *b);
};

static const void *section_at(const struct sections *sections, size_t index)
{
	return sections->all + index * sections->size;
}

static void compare_sections(const struct sections *before, const struct sections *after, struct effect_changes *ret)
{
	size_t a = 0, b = 0;
	while (a < before->count || b < after->count) {
		int order = a == before->count ? 1 : b == after->count ? -1 : 0;
		if (order == 0)
			order = strcmp(before->name(section_at(before, a)), after->name(section_at(after, b)));
		ret->removed += order < 0;
		ret->added += order > 0;
		ret->changed += order == 0 && !before->is_equal(section_at(before, a), section_at(after, b));
		a += order <= 0;
		b += order >= 0;
	}
}

static const char *slot_name(const void *section)
{
	return ((const struct config_slot *)section)->name;
}

static const char *config_name(const struct config_slot *slot)
{
	return slot->code_signing ? slot->code_signing->name : CONFIG_NONE;
}

static bool is_slot_equal(const void *a, const void *b)
{
	const struct config_slot *x = a, *y = b;
	return strcmp(config_name(x), config_name(y)) == 0 && x->has_owner == y->has_owner && x->owner == y->owner &&
	       x->has_group == y->has_group && x->group == y->group && x->mode == y->mode;
}

static const char *code_signing_name(const void *section)
{
	return ((const struct config_code_signing *)section)->name;
}

static bool is_code_signing_equal(const void *a, const void *b)
{
	const struct config_code_signing *x = a, *y = b;
	return strcmp(x->canonical, y->canonical) == 0 && strcmp(x->description, y->description) == 0;
}

static const char *account_id(const void *section)
{
	return ((const struct config_account *)section)->id;
}

static bool is_text_equal(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool is_account_equal(const void *a, const void *b)
{
	const struct config_account *x = a, *y = b;
	return is_text_equal(x->certificate, y->certificate) && is_text_equal(x->revocations, y->revocations) &&
	       x->revocations_required == y->revocations_required;
}

static struct sections slots_of(const struct config_slot *slots, size_t count)
{
	return (struct sections){(const char *)slots, count, sizeof(*slots), slot_name, is_slot_equal};
}

static struct sections configs_of(const struct config *config)
{
	return (struct sections){(const char *)config->code_signing, config->code_signing_count,
				 sizeof(*config->code_signing), code_signing_name, is_code_signing_equal};
}

static struct sections accounts_of(const struct config *config)
{
	return (struct sections){(const char *)config->accounts, config->account_count, sizeof(*config->accounts),
				 account_id, is_account_equal};
}

void effects_compare_configs(const struct config *before, const struct config *after, struct effects *ret)
{
	const struct sections functions = slots_of(before->functions, before->function_count),
			      functions_then = slots_of(after->functions, after->function_count),
			      layers = slots_of(before->layers, before->layer_count),
			      layers_then = slots_of(after->layers, after->layer_count), configs = configs_of(before),
			      configs_then = configs_of(after), accounts = accounts_of(before),
			      accounts_then = accounts_of(after);
	compare_sections(&functions, &functions_then, &ret->functions);
	compare_sections(&layers, &layers_then, &ret->layers);
	compare_sections(&configs, &configs_then, &ret->configs);
	compare_sections(&accounts, &accounts_then, &ret->accounts);
}
