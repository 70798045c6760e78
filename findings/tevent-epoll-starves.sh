#!/usr/bin/env bash
# Guess: tevent takes two events of one file descriptor, so both handlers are
# called while the descriptor is ready for both, whatever the backend is.
# Version: tevent as Debian has it (0.14.1-1), Linux. Needs apt-get, dpkg, and gcc.
# Seen: true of the backend "poll", which takes turns. With "epoll", the default,
# only the event that was added first is served as long as it is ready: a socket
# with a handler for output, added first, never calls the one for input.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

apt-get -o APT::Sandbox::User=root download -qq libtevent-dev=0.14.1-1 libtevent0=0.14.1-1 \
	libtalloc-dev=2.4.0-f2 libtalloc2=2.4.0-f2
for package in *.deb; do
	dpkg -x "$package" .
done

cat > main.c <<'END'
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <tevent.h>

static int inputs, outputs;

static void handle(struct tevent_context *context, struct tevent_fd *event,
		uint16_t flags, void *count)
{
	++*(int *)count;
}

int main(void)
{
	const char *backends[] = {"poll", "epoll"};

	for (int i = 0; i < 2; i++) {
		struct tevent_context *context = tevent_context_init_byname(NULL, backends[i]);
		int pair[2];

		if (context == NULL || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ||
				write(pair[1], "x", 1) != 1)
			return 1;
		if (tevent_add_fd(context, context, pair[0], TEVENT_FD_WRITE, handle, &outputs) == NULL ||
				tevent_add_fd(context, context, pair[0], TEVENT_FD_READ, handle, &inputs) == NULL)
			return 1;
		inputs = outputs = 0;
		for (int n = 0; n < 100; n++)
			if (tevent_loop_once(context) != 0)
				return 1;
		printf("%s: output %d times, input %d times\n", backends[i], outputs, inputs);
	}
	return 0;
}
END
lib=$dir/usr/lib/$(gcc -print-multiarch)
gcc -I usr/include -L "$lib" -o main main.c -ltevent -ltalloc

seen=$(LD_LIBRARY_PATH=$lib ./main)
echo "$seen"
if ! diff - <(echo "$seen") <<'END'
poll: output 50 times, input 50 times
epoll: output 100 times, input 0 times
END
then
	echo "CHANGED" >&2
	exit 1
fi
