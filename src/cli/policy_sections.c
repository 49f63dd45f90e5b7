/* The canonical text of a bundle's configuration, taken apart into sections and settings. */
#include "policy_sections.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TERMS	"policy-bundle:"
#define SECTION "section: "

void policy_sections_done(struct policy_sections *sections)
{
	free(sections->all);
	free(sections->settings);
	free(sections->text);
	*sections = (struct policy_sections){0};
}

static size_t count_lines(const char *text)
{
	size_t lines = 1;
	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

/* line is cut where its parts end. */
static void take_line(struct policy_sections *s, size_t *setting_count, char *line)
{
	bool is_terms = strcmp(line, TERMS) == 0;
	if (is_terms || strncmp(line, SECTION, strlen(SECTION)) == 0) {
		s->all[s->count++] = (struct policy_section){
			.title = is_terms ? POLICY_SECTION_TERMS : line + strlen(SECTION),
			.settings = s->settings + *setting_count,
		};
		return;
	}
	char *colon = strchr(line, ':');
	if (!colon || s->count == 0)
		return;
	*colon = '\0';
	s->settings[(*setting_count)++] = (struct policy_setting){line, colon[1] == ' ' ? colon + 2 : colon + 1};
	s->all[s->count - 1].count++;
}

int policy_section_order(const struct policy_section *x, const struct policy_section *y)
{
	bool x_first = strcmp(x->title, POLICY_SECTION_TERMS) == 0,
	     y_first = strcmp(y->title, POLICY_SECTION_TERMS) == 0;
	return x_first != y_first ? (int)y_first - (int)x_first : strcmp(x->title, y->title);
}

/* Nobody else's order is relied on. */
static int by_title(const void *a, const void *b)
{
	return policy_section_order(a, b);
}

static int by_key(const void *a, const void *b)
{
	const struct policy_setting *x = a, *y = b;
	int order = strcmp(x->key, y->key);
	return order ? order : strcmp(x->value, y->value);
}

static void sort(struct policy_sections *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->all[i].count > 1)
			qsort(s->settings + (s->all[i].settings - s->settings), s->all[i].count, sizeof(s->settings[0]),
			      by_key);
	if (s->count > 1)
		qsort(s->all, s->count, sizeof(s->all[0]), by_title);
}

int policy_sections_of(const char *canonical, struct policy_sections *ret)
{
	size_t lines = count_lines(canonical), setting_count = 0;
	struct policy_sections s = {.text = strdup(canonical),
				    .all = calloc(lines, sizeof(s.all[0])),
				    .settings = calloc(lines, sizeof(s.settings[0]))};
	if (!s.text || !s.all || !s.settings) {
		policy_sections_done(&s);
		return -ENOMEM;
	}
	char *rest = s.text, *line;
	while ((line = strsep(&rest, "\n")))
		take_line(&s, &setting_count, line);
	sort(&s);
	*ret = s;
	return 0;
}
