/*
 * buf.h - a growing byte buffer. All-zero is an empty buffer; buf_done releases it and makes it empty again.
 * While data is not NULL there is a NUL behind the last byte, so text in it is a C string.
 * Appending returns 0 or -ENOMEM and leaves the buffer as it was on failure.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/base.h"

struct buf {
	char *data;
	size_t len;
	size_t cap;
};

void buf_done(struct buf *b);
void buf_reset(struct buf *b); /* empty, keeps the memory */
int buf_reserve(struct buf *b, size_t more);
int buf_append(struct buf *b, const void *bytes, size_t len);
int buf_puts(struct buf *b, const char *text);
int buf_putc(struct buf *b, char c);
int buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);

/* Hands the memory to the caller (free) and leaves the buffer empty; "" instead of NULL. NULL when out of memory. */
char *buf_steal(struct buf *b);

#endif
