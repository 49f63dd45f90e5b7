/* What another configuration has done to what is served, on the screen and as JSON. */
#include <inttypes.h>
#include <stdio.h>

#include "effects_print.h"
#include "host.h"

static void print_kind(bool *is_first, const char *what, const struct effect_changes *changes)
{
	const struct {
		uint64_t count;
		const char *word;
	} parts[] = {{changes->added, "added"}, {changes->removed, "removed"}, {changes->changed, "changed"}};
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (parts[i].count == 0)
			continue;
		(void)printf("%s%" PRIu64 " %s%s %s", *is_first ? "  configuration   " : ", ", parts[i].count, what,
			     parts[i].count == 1 ? "" : "s", parts[i].word);
		*is_first = false;
	}
}

static void print_changes(const struct effects *effects)
{
	bool is_first = true;
	print_kind(&is_first, "function", &effects->functions);
	print_kind(&is_first, "layer", &effects->layers);
	print_kind(&is_first, "config", &effects->configs);
	print_kind(&is_first, "account", &effects->accounts);
	if (!is_first)
		(void)printf("\n");
}

static void print_effect(const struct effects *effects, enum effect effect, const char *title)
{
	uint64_t count = effects->counts[effect], shown = effects_row_count(effects, effect);
	if (count == 0)
		return;
	(void)printf("%s %-15s %" PRIu64 "\n",
		     effect == EFFECT_BLOCKED  ? "!"
		     : effect == EFFECT_WARNED ? "~"
					       : " ",
		     title, count);
	for (uint64_t i = 0; i < shown; i++) {
		const struct effect_row *row = &effects->rows[effect][i];
		(void)printf("    %s  release %" PRIu64 "%s%s\n", row->slot, row->release, row->code[0] ? "  " : "",
			     row->code);
		cli_print_folded(6, row->detail);
	}
	if (count > shown)
		(void)printf("    and %" PRIu64 " more; `vouchfs status` lists them\n", count - shown);
}

void effects_print(const struct effects *effects)
{
	print_changes(effects);
	print_effect(effects, EFFECT_BLOCKED, "now blocked");
	print_effect(effects, EFFECT_WARNED, "now warned");
	print_effect(effects, EFFECT_ALLOWED, "allowed again");
	print_effect(effects, EFFECT_CLEARED, "passes again");
	(void)printf("  %-15s %" PRIu64 "\n", "unchanged", effects->counts[EFFECT_UNCHANGED]);
}

/* ---- as JSON ---- */

static void put_changes(struct json *j, const char *key, const struct effect_changes *changes)
{
	json_object(j, key);
	json_u64(j, "added", changes->added);
	json_u64(j, "removed", changes->removed);
	json_u64(j, "changed", changes->changed);
	json_close(j);
}

static void put_rows(struct json *j, const struct effects *effects, enum effect effect)
{
	for (uint64_t i = 0; i < effects_row_count(effects, effect); i++) {
		const struct effect_row *row = &effects->rows[effect][i];
		json_object(j, NULL);
		json_text(j, "slot", row->slot);
		json_text(j, "effect", effect_name(effect));
		json_u64(j, "release", row->release);
		json_text(j, "reason", row->code[0] ? row->code : NULL);
		json_text(j, "detail", row->detail[0] ? row->detail : NULL);
		json_close(j);
	}
}

void effects_put_json(struct json *j, const struct effects *effects)
{
	json_u64(j, "generation", effects->generation);
	json_object(j, "changes");
	put_changes(j, "functions", &effects->functions);
	put_changes(j, "layers", &effects->layers);
	put_changes(j, "codeSigningConfigs", &effects->configs);
	put_changes(j, "accounts", &effects->accounts);
	json_close(j);
	json_object(j, "counts");
	for (enum effect effect = EFFECT_UNCHANGED; effect < EFFECT_COUNT; effect++)
		json_u64(j, effect_name(effect), effects->counts[effect]);
	json_close(j);
	json_array(j, "effects");
	for (enum effect effect = EFFECT_BLOCKED; effect < EFFECT_COUNT; effect++)
		put_rows(j, effects, effect);
	json_close(j);
}
