#include "base/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/text.h"

#ifdef VOUCHFS_TEST_HOOKS
#define WRITE_MAX_MS 1000

const char *clock_test_file(void)
{
	return getenv("VOUCHFS_TEST_CLOCK");
}

static bool read_test_clock(const char *path, int64_t *ret_s)
{
	char text[CLOCK_UTC_SIZE - 1]; /* not from the heap: a test may leave nothing there */
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && io_pread_full(fd, text, sizeof(text), 0) == 0 &&
		  clock_parse_utc(text, sizeof(text), ret_s);
	io_close(&fd);
	return ok;
}

/* A test writes it in place, so it may be empty for a moment. */
static bool test_clock(struct timespec *ret)
{
	const char *path = clock_test_file();
	if (!path)
		return false;

	const struct timespec moment = {.tv_nsec = 1000000};
	int64_t at_s = 0;
	unsigned waited_ms = 0;
	while (!read_test_clock(path, &at_s)) {
		ASSERT(waited_ms++ < WRITE_MAX_MS);
		(void)nanosleep(&moment, NULL);
	}
	*ret = (struct timespec){.tv_sec = at_s};
	return true;
}
#else
const char *clock_test_file(void)
{
	return NULL;
}

static bool test_clock(struct timespec *ret UNUSED)
{
	return false;
}
#endif

struct timespec clock_now(void)
{
	struct timespec now;
	if (!test_clock(&now))
		ASSERT(clock_gettime(CLOCK_REALTIME, &now) == 0);
	return now;
}

int64_t clock_now_s(void)
{
	return clock_now().tv_sec;
}

int64_t clock_boot_s(void)
{
	struct timespec now;
	if (!test_clock(&now))
		ASSERT(clock_gettime(CLOCK_BOOTTIME, &now) == 0);
	return now.tv_sec;
}

uint64_t clock_monotonic_us(void)
{
	struct timespec now;
	ASSERT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_monotonic_ms(void)
{
	return clock_monotonic_us() / 1000;
}

uint64_t clock_steady_ms(void)
{
	struct timespec now;
	return test_clock(&now) ? (uint64_t)now.tv_sec * 1000 : clock_monotonic_ms();
}

/* Days since 1970-01-01 of a date of the Gregorian calendar, March-based years of 400-year eras. */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + day_of_era - 719468;
}

void clock_to_tm(int64_t at_s, struct tm *ret)
{
	time_t at = (time_t)at_s;
	ASSERT(gmtime_r(&at, ret) != NULL);
}

int64_t clock_from_tm(const struct tm *tm)
{
	return days_from_date(tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday) * 86400 + tm->tm_hour * 3600L +
	       tm->tm_min * 60L + tm->tm_sec;
}

void clock_format_utc(int64_t at_s, char ret[CLOCK_UTC_SIZE])
{
	const int64_t last_s = 253402300799; /* 9999-12-31T23:59:59Z */
	struct tm tm;
	clock_to_tm(at_s < 0 ? 0 : at_s > last_s ? last_s : at_s, &tm);
	ASSERT(strftime(ret, CLOCK_UTC_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == CLOCK_UTC_SIZE - 1);
}

void clock_format_utc_us(struct timespec at, char ret[CLOCK_UTC_US_SIZE])
{
	char seconds[CLOCK_UTC_SIZE];
	clock_format_utc(at.tv_sec, seconds);
	(void)snprintf(ret, CLOCK_UTC_US_SIZE, "%.19s.%06ldZ", seconds, (at.tv_nsec / 1000) % 1000000);
}

static unsigned two_digits(const char *text)
{
	return (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
}

bool clock_parse_utc(const char *text, size_t len, int64_t *ret_s)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";

	if (len != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; i < len; i++)
		if (shape[i] == 'd' ? (text[i] < '0' || text[i] > '9') : text[i] != shape[i])
			return false;

	struct tm tm = {
		.tm_year = (int)(two_digits(text) * 100 + two_digits(text + 2)) - 1900,
		.tm_mon = (int)two_digits(text + 5) - 1,
		.tm_mday = (int)two_digits(text + 8),
		.tm_hour = (int)two_digits(text + 11),
		.tm_min = (int)two_digits(text + 14),
		.tm_sec = (int)two_digits(text + 17),
	};
	if (tm.tm_year < 70 || tm.tm_mon < 0 || tm.tm_mon > 11)
		return false;

	/* A time that does not exist comes out as another one. */
	int64_t at_s = clock_from_tm(&tm);
	char again[CLOCK_UTC_SIZE];
	clock_format_utc(at_s, again);
	if (memcmp(again, text, len) != 0)
		return false;
	*ret_s = at_s;
	return true;
}

int64_t clock_add_months(int64_t at_s, unsigned months)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	struct tm tm;
	clock_to_tm(at_s, &tm);
	unsigned total = (unsigned)tm.tm_mon + months;
	tm.tm_year += (int)(total / 12);
	tm.tm_mon = (int)(total % 12);

	int year = tm.tm_year + 1900;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	int last = days[tm.tm_mon] + (leap && tm.tm_mon == 1);
	if (tm.tm_mday > last)
		tm.tm_mday = last;
	return clock_from_tm(&tm);
}
