#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

#include "base/text.h"

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
	uint8_t bytes[16];
	random_bytes(bytes, sizeof(bytes));
	text_uuid(bytes, 4, ret);
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
