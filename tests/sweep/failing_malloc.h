/* failing_malloc.h - for tests that are linked with failing_malloc.c; those that preload it use SWEEP_CONTROL. */
#ifndef FAILING_MALLOC_H
#define FAILING_MALLOC_H

#include <stdbool.h>
#include <stdint.h>

/* From here on the nth allocation of this process fails, or that one and all behind it. */
void failing_malloc_arm(uint64_t nth, bool for_good);
/* Whether one has failed. */
bool failing_malloc_disarm(void);

#endif
