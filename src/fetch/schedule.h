/*
 * schedule.h - when the source is looked at again. Pure, but for the number that the dice give.
 */
#ifndef FETCH_SCHEDULE_H
#define FETCH_SCHEDULE_H

#include "base/base.h"

#define SCHEDULE_JITTER_PARTS 1000 /* of the interval; the jitter is a tenth of it, up or down */
#define SCHEDULE_RETRY_MS     5000 /* after the first failure; twice as long after each further one */
#define SCHEDULE_FIRST_MS     2000 /* the first look comes within that, so that hosts that start together do not meet */

/*
 * After a look that came to an end (failures 0), or failed this many times in a row: the interval, or less where it
 * failed, and then a tenth less or more of it. draw is below SCHEDULE_JITTER_PARTS: 0 is a tenth less.
 */
uint64_t schedule_pause_ms(uint64_t interval_ms, unsigned failures, unsigned draw);

/* Below SCHEDULE_JITTER_PARTS; in test builds what VOUCHFS_TEST_JITTER says, where it says something. */
unsigned schedule_draw(void);

#endif
