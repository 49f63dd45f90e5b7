#include "capture.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"

void capture_begin(struct capture *capture)
{
	for (int i = 0; i < 2; i++) {
		ASSERT(fflush(i == 0 ? stdout : stderr) == 0);
		capture->saved[i] = dup(STDOUT_FILENO + i);
		capture->file[i] = memfd_create("capture", MFD_CLOEXEC);
		ASSERT(capture->saved[i] >= 0 && capture->file[i] >= 0);
		ASSERT(dup2(capture->file[i], STDOUT_FILENO + i) >= 0);
	}
}

void capture_end(struct capture *capture, struct buf *ret_out, struct buf *ret_err)
{
	for (int i = 0; i < 2; i++) {
		ASSERT(fflush(i == 0 ? stdout : stderr) == 0);
		ASSERT(dup2(capture->saved[i], STDOUT_FILENO + i) >= 0);
		ASSERT(lseek(capture->file[i], 0, SEEK_SET) == 0);
		struct buf *ret = i == 0 ? ret_out : ret_err;
		*ret = (struct buf){0};
		ASSERT(io_read_fd(capture->file[i], 1 << 20, ret) == 0);
		io_close(&capture->file[i]);
		io_close(&capture->saved[i]);
	}
}
