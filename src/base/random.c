#include "base/random.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

void random_bytes(void *ret, size_t len)
{
	uint8_t *at = ret;
	while (len > 0) {
		ssize_t got = getrandom(at, len, 0);
		ASSERT(got > 0 || errno == EINTR);
		if (got > 0) {
			at += got;
			len -= (size_t)got;
		}
	}
}

void random_uuid(char ret[RANDOM_UUID_SIZE])
{
	uint8_t b[16];
	random_bytes(b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	(void)snprintf(ret, RANDOM_UUID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		       b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		       b[15]);
}

void random_alphanumeric(char *ret, size_t len)
{
	static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	const unsigned count = sizeof(letters) - 1;

	for (size_t i = 0; i < len;) {
		uint8_t bytes[16];
		random_bytes(bytes, sizeof(bytes));
		for (size_t at = 0; at < sizeof(bytes) && i < len; at++)
			if (bytes[at] < 256 / count * count)
				ret[i++] = letters[bytes[at] % count];
	}
	ret[len] = '\0';
}
