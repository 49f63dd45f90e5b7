/*
 * clock.h - the one place where the time is read. Seconds since 1970, UTC.
 *
 * In builds with VOUCHFS_TEST_HOOKS the environment variable VOUCHFS_TEST_CLOCK names a file that holds a UTC time
 * (2026-11-21T17:27:12Z); it is read again at every call, so a test moves the clock of a running daemon. Release builds
 * do not look at it.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <time.h>

#include "base/base.h"

#define CLOCK_UTC_SIZE	  21 /* YYYY-MM-DDThh:mm:ssZ and NUL */
#define CLOCK_UTC_US_SIZE 28

int64_t clock_now_s(void);
struct timespec clock_now(void);
uint64_t clock_monotonic_ms(void);
uint64_t clock_monotonic_us(void); /* for measuring */
/* Since the machine was started, asleep or not, and whoever sets the clock; only a test's clock moves it. */
int64_t clock_boot_s(void);
/* The same, but a test's clock moves it: for what is to happen after a while. */
uint64_t clock_steady_ms(void);
const char *clock_test_file(void); /* what VOUCHFS_TEST_CLOCK names; NULL: the clock is the system's */

/* Years 1970 to 9999. */
void clock_format_utc(int64_t at_s, char ret[CLOCK_UTC_SIZE]);
void clock_format_utc_us(struct timespec at, char ret[CLOCK_UTC_US_SIZE]);

/* Exactly YYYY-MM-DDThh:mm:ssZ, a time that exists. */
bool clock_parse_utc(const char *text, size_t len, int64_t *ret_s);

/* Calendar months, clamped to the last day of the month. */
int64_t clock_add_months(int64_t at_s, unsigned months);

/* Fills a broken-down UTC time and back, without the C library's time zone. */
void clock_to_tm(int64_t at_s, struct tm *ret);
int64_t clock_from_tm(const struct tm *tm);

#endif
