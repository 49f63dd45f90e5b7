/*
 * base.h - what every module may rely on: assertions and checked arithmetic.
 *
 * Outcomes come in three kinds that are never mixed (src/README.md):
 *   failure  0 or a negative errno as the function's return value
 *   verdict  data in a struct; the function returns 0
 *   bug      ASSERT, kept in release builds
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)			(sizeof(a) / sizeof((a)[0]))
#define PRINTF_LIKE(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#define UNUSED				__attribute__((unused))
#define MUST_CHECK			__attribute__((warn_unused_result))

/* A condition that only a bug can break. Prints where and aborts, in every build. */
#define ASSERT(cond) ((cond) ? (void)0 : base_bug(__FILE__, __LINE__, #cond))

_Noreturn void base_bug(const char *file, int line, const char *cond);

/* Sums and products of sizes from outside: false when the result does not fit. */
static inline MUST_CHECK bool base_add_u64(uint64_t a, uint64_t b, uint64_t *ret)
{
	return !__builtin_add_overflow(a, b, ret);
}

static inline MUST_CHECK bool base_mul_u64(uint64_t a, uint64_t b, uint64_t *ret)
{
	return !__builtin_mul_overflow(a, b, ret);
}

#endif
