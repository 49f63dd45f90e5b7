/*
 * lock.h - mutexes that cannot fail. The order over all modules is in src/README.md.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <pthread.h>

#include "base/base.h"

static inline void lock_init(pthread_mutex_t *m)
{
	ASSERT(pthread_mutex_init(m, NULL) == 0);
}

static inline void lock_done(pthread_mutex_t *m)
{
	ASSERT(pthread_mutex_destroy(m) == 0);
}

static inline void lock_take(pthread_mutex_t *m)
{
	ASSERT(pthread_mutex_lock(m) == 0);
}

static inline void lock_drop(pthread_mutex_t *m)
{
	ASSERT(pthread_mutex_unlock(m) == 0);
}

#endif
