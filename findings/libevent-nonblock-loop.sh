#!/usr/bin/env bash
# Guess: event_base_loop with EVLOOP_NONBLOCK looks once at what is ready, calls
# the handlers of that, and returns, as kevent(2) with a timeout of zero does.
# Version: libevent as Debian has it (2.1.12-stable-8+deb12u1), Linux.
# Needs apt-get, dpkg, and gcc.
# Seen: it goes round as long as anything is ready. A persistent event of input
# that its handler leaves is called again and again in one call of the loop;
# here it takes the input the hundredth time. EVLOOP_ONCE added looks once.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

apt-get -o APT::Sandbox::User=root download -qq libevent-dev=2.1.12-stable-8+deb12u1
dpkg -x libevent-dev_*.deb .

cat > main.c <<'END'
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

static int calls;

static void handle(evutil_socket_t fd, short what, void *arg)
{
	char c;

	if (++calls == 100 && read(fd, &c, 1) != 1)
		perror("read");
}

int main(void)
{
	struct event_base *base = event_base_new();
	int pair[2];

	if (base == NULL || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ||
			write(pair[1], "x", 1) != 1)
		return 1;
	struct event *event = event_new(base, pair[0], EV_READ | EV_PERSIST, handle, NULL);
	if (event == NULL || event_add(event, NULL) != 0)
		return 1;

	if (event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE) < 0)
		return 1;
	printf("EVLOOP_NONBLOCK|EVLOOP_ONCE: %d\n", calls);
	calls = 0;
	if (event_base_loop(base, EVLOOP_NONBLOCK) < 0)
		return 1;
	printf("EVLOOP_NONBLOCK: %d\n", calls);
	return 0;
}
END
lib=$dir/usr/lib/$(gcc -print-multiarch)
gcc -I usr/include -I "usr/include/$(gcc -print-multiarch)" -o main main.c "$lib/libevent_core.a"

seen=$(./main)
echo "$seen"
if ! diff - <(echo "$seen") <<'END'
EVLOOP_NONBLOCK|EVLOOP_ONCE: 1
EVLOOP_NONBLOCK: 100
END
then
	echo "CHANGED" >&2
	exit 1
fi
