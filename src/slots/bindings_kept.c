/*
 * What the store remembers of bindings: a line for each section, and one for each config with what it judges by. Who
 * unmounts, changes a file and mounts again is recorded like who reloads; not function by function, because which
 * section a function went by then is not kept.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/text.h"
#include "bindings.h"
#include "internal.h"

#define FUNCTION  "function"
#define CONFIG	  "config"
#define MEANWHILE "while nothing was mounted"

/* ---- text: "function: <name or pattern> <config>", "config: <name> <sha256>" ---- */

static int render(const struct config *config, struct buf *ret)
{
	char digest[CRYPTO_SHA256_HEX_SIZE];
	int r = 0;
	for (size_t i = 0; r == 0 && i < config->function_count; i++)
		r = buf_printf(ret, FUNCTION ": %s %s\n", config->functions[i].name,
			       bindings_config_of(&config->functions[i]));
	for (size_t i = 0; r == 0 && i < config->code_signing_count; i++) {
		r = gate_hash_config(&config->code_signing[i], digest);
		if (r == 0)
			r = buf_printf(ret, CONFIG ": %s %s\n", config->code_signing[i].name, digest);
	}
	return r;
}

int bindings_keep(struct slots *slots, const struct trust *trust)
{
	struct buf text = {0}, kept = {0};
	int r = render(trust->config, &text);
	bool is_kept = r == 0 && store_get_bindings(slots->store, &kept) == 0 && kept.data &&
		       text_equal(kept.data, kept.len, text.data ? text.data : "");
	if (r == 0 && !is_kept)
		r = store_put_bindings(slots->store, text.data ? text.data : "", text.len);
	buf_done(&text);
	buf_done(&kept);
	return r;
}

/* A line's name and what it had, copied. Both are words of limited length where they come from. */
struct kept {
	char name[LIMIT_FUNCTION_NAME_BYTES + 1];
	char had[CRYPTO_SHA256_HEX_SIZE];
};

static bool take(const struct text_line *line, struct kept *ret)
{
	const char *blank = memchr(line->value, ' ', line->value_len);
	size_t name_len = blank ? (size_t)(blank - line->value) : SIZE_MAX;
	if (name_len >= sizeof(ret->name) || line->value_len - name_len - 1 >= sizeof(ret->had))
		return false;
	memcpy(ret->name, line->value, name_len);
	ret->name[name_len] = '\0';
	memcpy(ret->had, blank + 1, line->value_len - name_len - 1);
	ret->had[line->value_len - name_len - 1] = '\0';
	return true;
}

/* ---- what differs ---- */

static int append_section(struct slots *slots, const char *name, const struct config_code_signing *rules,
			  const struct explain *detail)
{
	char path[STORE_SLOT_PATH_SIZE];
	bool is_pattern = strchr(name, '*') != NULL;
	const struct binding binding = {.slot = is_pattern ? NULL : store_slot_path(name, path), .rules = rules};
	return bindings_append(slots, &binding, detail);
}

static int compare_section(struct slots *slots, const struct kept *kept)
{
	char place[BINDINGS_PLACE_SIZE];
	struct explain detail;
	const struct config_slot *section = bindings_find_section(slots->trust->config, kept->name);
	if (section && strcmp(bindings_config_of(section), kept->had) == 0)
		return 0;
	if (!section) {
		explain_set(&detail, "%s -> no section, as there is no more [function %s], " MEANWHILE, kept->had,
			    kept->name);
		return append_section(slots, kept->name, NULL, &detail);
	}
	bindings_print_place(&section->origin, slots->trust, place);
	explain_set(&detail, "%s -> %s, by [function %s] at %s, " MEANWHILE, kept->had, bindings_config_of(section),
		    section->name, place);
	return append_section(slots, kept->name, section->code_signing, &detail);
}

static int compare_config(struct slots *slots, const struct kept *kept)
{
	char digest[CRYPTO_SHA256_HEX_SIZE], place[BINDINGS_PLACE_SIZE];
	struct explain detail;
	const struct config_code_signing *rules = config_find_code_signing(slots->trust->config, kept->name);
	int r = rules ? gate_hash_config(rules, digest) : 0;
	if (r < 0 || !rules || strcmp(digest, kept->had) == 0)
		return r;
	bindings_print_place(&rules->origin, slots->trust, place);
	explain_set(&detail, "[code-signing-config %s] judges by other rules; its sha256 was %s; at %s, " MEANWHILE,
		    rules->name, kept->had, place);
	return bindings_append(slots, &(struct binding){.rules = rules}, &detail);
}

/* ---- sections that are new ---- */

/* By their place in the configuration. */
struct news {
	const struct config *config;
	bool *is_known; /* it was there before, or has been found already */
	bool *takes;	/* functions that have releases from the section that they went by */
};

static size_t place_of(const struct news *news, const struct config_slot *section)
{
	return (size_t)(section - news->config->functions);
}

static void find_known(const struct buf *text, struct news *news)
{
	const char *at = text->data, *end = at + text->len;
	struct text_line line;
	struct kept kept;
	while (text_next_line(&at, end, &line)) {
		const struct config_slot *section = NULL;
		if (text_equal(line.key, line.key_len, FUNCTION) && take(&line, &kept))
			section = bindings_find_section(news->config, kept.name);
		if (section)
			news->is_known[place_of(news, section)] = true;
	}
}

/* One look at all slots, however many sections are new. */
static void find_takers(struct slots *slots, struct news *news)
{
	struct slot *slot;
	for (size_t i = 0; (slot = slot_at(slots, i)) != NULL; i++) {
		const struct config_slot *section = slot->is_layer ? NULL
								   : config_find_function(news->config, slot->label);
		size_t place = section ? place_of(news, section) : 0;
		if (section && !news->is_known[place] && bindings_has_releases(slot))
			news->is_known[place] = news->takes[place] = true;
	}
}

static int record_takers(struct slots *slots, const struct news *news)
{
	char place[BINDINGS_PLACE_SIZE];
	struct explain detail;
	int r = 0;
	for (size_t i = 0; r == 0 && i < news->config->function_count; i++) {
		const struct config_slot *section = &news->config->functions[i];
		if (!news->takes[i])
			continue;
		bindings_print_place(&section->origin, slots->trust, place);
		explain_set(&detail, "another section -> %s, by [function %s], which is new, at %s, " MEANWHILE,
			    bindings_config_of(section), section->name, place);
		r = append_section(slots, section->name, section->code_signing, &detail);
	}
	return r;
}

static int record_new(struct slots *slots, const struct buf *text)
{
	const struct config *config = slots->trust->config;
	struct news news = {
		.config = config,
		.is_known = calloc(config->function_count + 1, sizeof(bool)),
		.takes = calloc(config->function_count + 1, sizeof(bool)),
	};
	int r = news.is_known && news.takes ? 0 : -ENOMEM;
	if (r == 0) {
		find_known(text, &news);
		find_takers(slots, &news);
		r = record_takers(slots, &news);
	}
	free(news.is_known);
	free(news.takes);
	return r;
}

/* ---- all of it ---- */

static int compare(struct slots *slots, const struct buf *text)
{
	const char *at = text->data, *end = at + text->len;
	struct text_line line;
	struct kept kept;
	int r = 0;
	while (r == 0 && text_next_line(&at, end, &line)) {
		if (!take(&line, &kept))
			continue; /* a later version's */
		if (text_equal(line.key, line.key_len, FUNCTION))
			r = compare_section(slots, &kept);
		else if (text_equal(line.key, line.key_len, CONFIG))
			r = compare_config(slots, &kept);
	}
	return r == 0 ? record_new(slots, text) : r;
}

int bindings_record_start(struct slots *slots)
{
	struct buf before = {0}, now = {0};
	int r = render(slots->trust->config, &now);
	if (r < 0)
		goto out;
	r = store_get_bindings(slots->store, &before);
	bool is_known = r == 0 && before.data;
	if (r < 0 && r != -ENOENT)
		log_warning(
			"store: bindings: %s; what was bound to other code-signing configs while nothing was mounted "
			"is not known",
			strerror(-r));
	r = 0;
	if (is_known && text_equal(before.data, before.len, now.data ? now.data : ""))
		goto out;
	if (is_known)
		r = compare(slots, &before);
	if (r == 0)
		r = bindings_keep(slots, slots->trust);
out:
	buf_done(&before);
	buf_done(&now);
	return r;
}
