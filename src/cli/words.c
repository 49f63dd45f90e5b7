#include "cli/words.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"

/* Whole calendar months between two times. */
static int64_t months_between(int64_t from_s, int64_t to_s)
{
	struct tm from, to;
	clock_to_tm(from_s, &from);
	clock_to_tm(to_s, &to);
	int64_t months = (to.tm_year - from.tm_year) * 12 + to.tm_mon - from.tm_mon;
	while (months > 0 && clock_add_months(from_s, (unsigned)months) > to_s)
		months--;
	return months;
}

const char *cli_time_words(int64_t at_s, int64_t now_s, char ret[CLI_WORDS_SIZE])
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = {{86400, "days"}, {3600, "hours"}, {60, "minutes"}, {1, "seconds"}};

	bool ahead = at_s > now_s;
	int64_t distance_s = ahead ? at_s - now_s : now_s - at_s;
	int64_t count = ahead ? months_between(now_s, at_s) : months_between(at_s, now_s);
	const char *name = "months";
	for (size_t i = 0; count < 2 && i < ARRAY_SIZE(units); i++) {
		count = distance_s / units[i].seconds;
		name = units[i].name;
	}
	if (distance_s == 0)
		(void)snprintf(ret, CLI_WORDS_SIZE, "now");
	else if (distance_s == 1)
		(void)snprintf(ret, CLI_WORDS_SIZE, ahead ? "in a second" : "a second ago");
	else
		(void)snprintf(ret, CLI_WORDS_SIZE, "%s%" PRId64 " %s%s", ahead ? "in " : "", count, name,
			       ahead ? "" : " ago");
	return ret;
}
