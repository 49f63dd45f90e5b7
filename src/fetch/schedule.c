#include "schedule.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/text.h"

#define DOUBLINGS_MAX 16

/* An interval of a second is not made longer by a failure. */
static uint64_t retry_ms(uint64_t interval_ms, unsigned failures)
{
	unsigned doublings = failures - 1 < DOUBLINGS_MAX ? failures - 1 : DOUBLINGS_MAX;
	uint64_t pause_ms = (uint64_t)SCHEDULE_RETRY_MS << doublings;
	return pause_ms < interval_ms ? pause_ms : interval_ms;
}

uint64_t schedule_pause_ms(uint64_t interval_ms, unsigned failures, unsigned draw)
{
	uint64_t pause_ms = failures == 0 ? interval_ms : retry_ms(interval_ms, failures);
	uint64_t tenth_ms = pause_ms / 10;
	return pause_ms - tenth_ms + 2 * tenth_ms * draw / (SCHEDULE_JITTER_PARTS - 1);
}

unsigned schedule_draw(void)
{
	uint32_t number;
#ifdef VOUCHFS_TEST_HOOKS
	const char *given = getenv("VOUCHFS_TEST_JITTER");
	uint64_t value;
	if (given && text_parse_u64(given, strlen(given), SCHEDULE_JITTER_PARTS - 1, &value))
		return (unsigned)value;
#endif
	random_bytes(&number, sizeof(number));
	return number % SCHEDULE_JITTER_PARTS;
}
