/*
 * A function's code-signing config is changed by whoever may write the configuration, and never unseen: each change is
 * in the audit log before it is in force. Who reloads is not known to the daemon, and need not be who changed a file;
 * what it can say is where the section stands, whose file that is, and when it was written.
 */
#include "bindings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "gate/governed.h"
#include "internal.h"

/* A section before and after; NULL: there is none. */
struct change {
	const struct config_slot *before;
	const struct config_slot *after;
};

struct changed {
	struct slot *slot;
	struct change change;
};

struct comparison {
	struct slots *slots;
	const struct trust *before;
	const struct trust *after;
	const struct audit_who *who;
	struct changed *functions;
	size_t count;
};

static bool is_changed(const struct change *change)
{
	return strcmp(bindings_config_of(change->before), bindings_config_of(change->after)) != 0;
}

/* ---- what is said ---- */

const char *bindings_config_of(const struct config_slot *section)
{
	if (!section)
		return "no section";
	return section->code_signing ? section->code_signing->name : CONFIG_NONE;
}

static int compare_section(const void *name, const void *section)
{
	return strcmp(name, ((const struct config_slot *)section)->name);
}

const struct config_slot *bindings_find_section(const struct config *config, const char *name)
{
	return bsearch(name, config->functions, config->function_count, sizeof(config->functions[0]), compare_section);
}

bool bindings_has_releases(const struct slot *slot)
{
	uint64_t newest;
	return store_newest_release(slot->slots->store, slot->name, &newest) < 0 || newest > 0;
}

void bindings_print_place(const struct config_origin *origin, const struct trust *trust, char ret[BINDINGS_PLACE_SIZE])
{
	char utc[CLOCK_UTC_SIZE];
	if (origin->has_owner) {
		clock_format_utc(origin->mtime_s, utc);
		(void)snprintf(ret, BINDINGS_PLACE_SIZE, "%.384s:%u, a file of uid %u written %s", origin->file,
			       origin->line, (unsigned)origin->owner, utc);
		return;
	}
	(void)snprintf(ret, BINDINGS_PLACE_SIZE, "%.384s:%u, policy bundle %" PRIu64, origin->file, origin->line,
		       trust->governed ? trust->governed->sequence : 0);
}

/* "approved -> none, by [function main] at ..." */
static void explain_change(const struct comparison *c, const struct change *change, struct explain *ret)
{
	char place[BINDINGS_PLACE_SIZE];
	const struct config_slot *by = change->after ? change->after : change->before;
	bindings_print_place(&by->origin, change->after ? c->after : c->before, place);
	explain_set(ret, "%s -> %s, %s [function %s] %s %s", bindings_config_of(change->before),
		    bindings_config_of(change->after), change->after ? "by" : "as there is no more", by->name,
		    change->after ? "at" : "of", place);
}

int bindings_append(struct slots *slots, const struct binding *binding, const struct explain *detail)
{
	char digest[CRYPTO_SHA256_HEX_SIZE];
	const struct config_code_signing *rules = binding->rules;
	int r = rules ? gate_hash_config(rules, digest) : 0;
	if (r < 0)
		return r;
	const struct audit_record record = {.event = AUDIT_BINDING,
					    .who = binding->who,
					    .slot = binding->slot,
					    .config = rules ? rules->name : CONFIG_NONE,
					    .config_sha256 = rules ? digest : NULL,
					    .detail = detail->text};
	return audit_append(slots->audit, &record, NULL);
}

static int append(const struct comparison *c, const char *slot, const struct config_code_signing *rules,
		  const struct explain *detail)
{
	return bindings_append(c->slots, &(struct binding){.slot = slot, .rules = rules, .who = c->who}, detail);
}

static const struct config_code_signing *rules_of(const struct config_slot *section)
{
	return section ? section->code_signing : NULL;
}

/* ---- functions ---- */

static struct change change_of(const struct comparison *c, const char *function)
{
	return (struct change){
		.before = config_find_function(c->before->config, function),
		.after = config_find_function(c->after->config, function),
	};
}

/* The pattern that a change comes from, or NULL: it is a section of the function's own. */
static const struct config_slot *pattern_of(const struct change *change)
{
	const struct config_slot *by = change->after ? change->after : change->before;
	return by && by->is_pattern ? by : NULL;
}

/* A function that is new here has lost nothing. */
static bool is_worth_recording(const struct slot *slot, const struct change *change)
{
	return is_changed(change) && (change->before || bindings_has_releases(slot));
}

/* All of them are found in one go: a host may have many functions and many patterns. */
static int find_functions(struct comparison *c)
{
	struct slot *slot;
	for (size_t i = 0; (slot = slot_at(c->slots, i)) != NULL; i++) {
		const struct change change = slot->is_layer ? (struct change){0} : change_of(c, slot->label);
		if (!is_worth_recording(slot, &change))
			continue;
		struct changed *more = reallocarray(c->functions, c->count + 1, sizeof(*more));
		if (!more)
			return -ENOMEM;
		c->functions = more;
		c->functions[c->count++] = (struct changed){.slot = slot, .change = change};
	}
	return 0;
}

static uint64_t count_functions(const struct comparison *c, const struct config_slot *pattern)
{
	uint64_t count = 0;
	for (size_t i = 0; i < c->count; i++)
		count += pattern_of(&c->functions[i].change) == pattern;
	return count;
}

/* Those that change with a pattern, or, without one, by themselves. */
static int record_functions(const struct comparison *c, const struct config_slot *pattern, uint64_t limit)
{
	struct explain detail;
	int r = 0;
	for (size_t i = 0; r == 0 && i < c->count && limit > 0; i++) {
		const struct changed *function = &c->functions[i];
		if (pattern_of(&function->change) != pattern)
			continue;
		explain_change(c, &function->change, &detail);
		r = append(c, function->slot->path, rules_of(function->change.after), &detail);
		limit--;
	}
	return r;
}

/* ---- sections with patterns ---- */

/* A pattern that is new says nothing of functions that are to come; only what changes with it does. */
static int record_pattern(const struct comparison *c, const struct change *section)
{
	const struct config_slot *pattern = section->after ? section->after : section->before;
	struct explain detail, about;
	uint64_t count = count_functions(c, pattern);
	if (count == 0 && (!section->before || !is_changed(section)))
		return 0;
	explain_change(c, section, &about);
	explain_set(&detail, "%s; %" PRIu64 " function%s of that pattern changed with it", about.text, count,
		    count == 1 ? "" : "s");
	int r = append(c, NULL, rules_of(section->after), &detail);
	return r == 0 ? record_functions(c, pattern, LIMIT_BINDING_ROWS) : r;
}

static int record_patterns(const struct comparison *c)
{
	const struct config_patterns *before = &c->before->config->function_patterns,
				     *after = &c->after->config->function_patterns;
	int r = 0;
	for (size_t i = 0; r == 0 && i < after->count; i++)
		r = record_pattern(
			c, &(struct change){.before = bindings_find_section(c->before->config, after->all[i]->name),
					    .after = after->all[i]});
	for (size_t i = 0; r == 0 && i < before->count; i++)
		if (!bindings_find_section(c->after->config, before->all[i]->name))
			r = record_pattern(c, &(struct change){.before = before->all[i]});
	return r;
}

/* ---- configs ---- */

static bool has_line(const char *text, const struct text_line *line)
{
	const char *at = text, *end = text + strlen(text);
	struct text_line found;
	while (text_next_line(&at, end, &found))
		if (found.key_len == line->key_len && found.value_len == line->value_len &&
		    memcmp(found.key, line->key, line->key_len) == 0 &&
		    memcmp(found.value, line->value, line->value_len) == 0)
			return true;
	return false;
}

/* Adds the keys of lines that the other text does not have, each once: lines of a key stand together. */
static int add_keys(const char *text, const char *other, struct buf *ret)
{
	const char *at = text, *end = text + strlen(text);
	char key[64];
	struct text_line line;
	int r = 0;
	while (r == 0 && text_next_line(&at, end, &line)) {
		(void)snprintf(key, sizeof(key), " %.*s", (int)line.key_len, line.key);
		if (!has_line(other, &line) && (ret->len == 0 || !strstr(ret->data, key)))
			r = buf_puts(ret, key);
	}
	return r;
}

static int record_config(const struct comparison *c, const struct config_code_signing *was,
			 const struct config_code_signing *is)
{
	char before[CRYPTO_SHA256_HEX_SIZE], place[BINDINGS_PLACE_SIZE];
	struct buf keys = {0};
	struct explain detail;
	int r = gate_hash_config(was, before);
	if (r == 0)
		r = add_keys(was->canonical, is->canonical, &keys);
	if (r == 0)
		r = add_keys(is->canonical, was->canonical, &keys);
	if (r < 0)
		goto out;
	bindings_print_place(&is->origin, c->after, place);
	explain_set(&detail, "[code-signing-config %s] judges by other rules:%s; its sha256 was %s; at %s", is->name,
		    keys.len > 0 ? keys.data : "", before, place);
	r = append(c, NULL, is, &detail);
out:
	buf_done(&keys);
	return r;
}

static int record_configs(const struct comparison *c)
{
	const struct config *after = c->after->config;
	int r = 0;
	for (size_t i = 0; r == 0 && i < after->code_signing_count; i++) {
		const struct config_code_signing *is = &after->code_signing[i],
						 *was = config_find_code_signing(c->before->config, is->name);
		if (was && strcmp(was->canonical, is->canonical) != 0)
			r = record_config(c, was, is);
	}
	return r;
}

int bindings_record(struct slots *slots, const struct trust *before, const struct trust *after,
		    const struct audit_who *who)
{
	struct comparison c = {.slots = slots, .before = before, .after = after, .who = who};
	int r = find_functions(&c);
	if (r == 0)
		r = record_configs(&c);
	if (r == 0)
		r = record_patterns(&c);
	if (r == 0)
		r = record_functions(&c, NULL, UINT64_MAX);
	free(c.functions);
	return r;
}
