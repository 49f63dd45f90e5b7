/* capture.h - what a function prints: on stdout and stderr, as text. */
#ifndef TESTS_CAPTURE_H
#define TESTS_CAPTURE_H

#include "base/buf.h"

struct capture {
	int saved[2];
	int file[2];
};
void capture_begin(struct capture *capture);
/* Both streams as they were again; buf_done() both. */
void capture_end(struct capture *capture, struct buf *ret_out, struct buf *ret_err);

#endif
