#include "metrics_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

int metrics_scene_setup(void **state)
{
	struct metrics_scene *s = calloc(1, sizeof(*s));
	assert_non_null(s);
	s->overview = overview_new();
	assert_non_null(s->overview);
	s->overview->version = strdup("9.8.7");
	s->overview->config_path = strdup("/etc/vouchfs/prod.conf");
	s->overview->now_s = NOW_S;
	s->overview->started_at_s = NOW_S - 60;
	s->overview->config_generation = 7;
	s->overview->config_loaded_at_s = NOW_S - 10;
	s->overview->audit_seq = 41;
	s->overview->audit_writable = true;
	metrics_init(&s->metrics);
	*state = s;
	return 0;
}

int metrics_scene_teardown(void **state)
{
	struct metrics_scene *s = *state;
	overview_free(s->overview);
	metrics_done(&s->metrics);
	buf_done(&s->text);
	free(s);
	return 0;
}

void metrics_scene_render(struct metrics_scene *s)
{
	struct metrics_counts counts;
	overview_rank(s->overview);
	metrics_take(&s->metrics, &counts);
	buf_reset(&s->text);
	assert_int_equal(overview_print_metrics(s->overview, &counts, &s->sizes, &s->text), 0);
}

bool metrics_scene_has(const struct metrics_scene *s, const char *line)
{
	char wanted[512];
	(void)snprintf(wanted, sizeof(wanted), "\n%s\n", line);
	return strstr(s->text.data, wanted) != NULL;
}

size_t metrics_scene_count(const struct metrics_scene *s, const char *part)
{
	size_t count = 0;
	for (const char *at = s->text.data; (at = strstr(at, part)); at++)
		count++;
	return count;
}
