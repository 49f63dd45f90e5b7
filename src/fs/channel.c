#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/io.h"

/* Room for the one descriptor that may come along. */
union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int channel_pair(int ret[2])
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	if (fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0) {
		int r = -errno;
		io_close(&pair[0]);
		io_close(&pair[1]);
		return r;
	}
	memcpy(ret, pair, sizeof(pair));
	return 0;
}

int channel_send(int channel, enum channel_kind kind, const char *text, int fd)
{
	char byte = (char)kind;
	struct iovec parts[2] = {
		{.iov_base = &byte, .iov_len = 1},
		{.iov_base = (char *)text, .iov_len = text ? strnlen(text, CHANNEL_TEXT_SIZE - 1) : 0},
	};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = ARRAY_SIZE(parts)};
	union control control = {0};
	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}

	ssize_t sent;
	do
		sent = sendmsg(channel, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return 0;
	return errno == ECONNRESET ? -EPIPE : -errno;
}

static int take_descriptor(struct msghdr *message)
{
	int fd = -1;
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

static int receive_message(int channel, union control *control, struct channel_message *ret)
{
	char byte = 0;
	struct iovec parts[2] = {
		{.iov_base = &byte, .iov_len = 1},
		{.iov_base = ret->text, .iov_len = sizeof(ret->text) - 1},
	};
	struct msghdr message = {
		.msg_iov = parts,
		.msg_iovlen = ARRAY_SIZE(parts),
		.msg_control = control,
		.msg_controllen = control ? sizeof(*control) : 0,
	};

	ssize_t got;
	do
		got = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno != ECONNRESET)
		return -errno;
	if (got <= 0)
		return -EPIPE;

	ret->kind = (enum channel_kind)byte;
	ret->fd = take_descriptor(&message);
	ret->text[got - 1] = '\0';
	return 0;
}

int channel_receive(int channel, struct channel_message *ret)
{
	union control control = {0};
	return receive_message(channel, &control, ret);
}

/* What terminals take as orders: control characters, also those that UTF-8 writes in two bytes. */
static void make_plain(char *text)
{
	for (unsigned char *at = (unsigned char *)text; *at; at++) {
		bool is_second = at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0;
		if (is_second)
			*at++ = '?';
		if (is_second || (*at < ' ' && *at != '\n' && *at != '\t') || *at == 0x7f)
			*at = '?';
	}
}

/* Without room for descriptors the kernel lets go of them, and closes them as nobody's: closing may wait for others. */
int channel_receive_text(int channel, struct channel_message *ret)
{
	int r = receive_message(channel, NULL, ret);
	if (r == 0)
		make_plain(ret->text);
	return r;
}
