/* metrics_scene.h - a mount as Prometheus is told of it, and what is in that text. */
#ifndef TESTS_METRICS_SCENE_H
#define TESTS_METRICS_SCENE_H

#include <stdbool.h>

#include "overview/metrics.h"

#define NOW_S 1795260000

struct metrics_scene {
	struct overview *overview;
	struct metrics metrics;
	struct metrics_sizes sizes;
	struct buf text;
};

int metrics_scene_setup(void **state);
int metrics_scene_teardown(void **state);
/* Into text. */
void metrics_scene_render(struct metrics_scene *s);
bool metrics_scene_has(const struct metrics_scene *s, const char *line);
size_t metrics_scene_count(const struct metrics_scene *s, const char *part);

#define assert_has(s, line)                                                                                            \
	do                                                                                                             \
		if (!metrics_scene_has(s, line))                                                                       \
			fail_msg("not there: %s\n%s", line, (s)->text.data);                                           \
	while (0)
#define assert_lacks(s, part)                                                                                          \
	do                                                                                                             \
		if (strstr((s)->text.data, part))                                                                      \
			fail_msg("there: %s\n%s", part, (s)->text.data);                                               \
	while (0)

#define TEST(name) cmocka_unit_test_setup_teardown(name, metrics_scene_setup, metrics_scene_teardown)

#endif
