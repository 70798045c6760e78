#!/usr/bin/env bash
# Guess: a program for libevent that libev's compatibility layer compiles behaves
# with it as it does with libevent.
# Version: libevent (2.1.12-stable-8+deb12u1) and libev with its layer (1:4.33-1)
# as Debian has them, Linux. Needs apt-get, dpkg, and gcc.
# Seen: EV_PERSIST does not survive a timeout with libev. A persistent timer
# fires once, and a persistent read event whose timeout passed is no longer
# pending and misses what arrives then.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

apt-get -o APT::Sandbox::User=root download -qq libevent-dev=2.1.12-stable-8+deb12u1 \
	libev-dev=1:4.33-1 libev-libevent-dev=1:4.33-1
dpkg -x libevent-dev_*.deb libevent
dpkg -x libev-dev_*.deb libev
dpkg -x libev-libevent-dev_*.deb libev

cat > main.c <<'END'
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <event.h>

static struct event_base *base;
static struct timeval soon = {0, 10000}, later = {0, 500000};
static int calls;

static void count(int fd, short what, void *arg)
{
	if (++calls == 3)
		event_base_loopexit(base, NULL);
}

static void end(int fd, short what, void *arg)
{
	event_base_loopexit(base, NULL);
}

/* add starts an event with a timeout that counts its calls. */
static void add(struct event *event, int fd, short what)
{
	calls = 0;
	event_set(event, fd, what, count, NULL);
	event_base_set(base, event);
	event_add(event, &soon);
}

/* run lasts until three calls were counted, or half a second has passed. */
static void run(void)
{
	struct event limit;

	event_set(&limit, -1, 0, end, NULL);
	event_base_set(base, &limit);
	event_add(&limit, &later);
	event_base_loop(base, 0);
	event_del(&limit);
}

int main(void)
{
	struct event event;
	int pair[2];

	base = event_base_new();
	if (base == NULL || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		return 1;

	add(&event, -1, EV_PERSIST);
	run();
	printf("timer %d", calls);
	event_del(&event);

	add(&event, pair[0], EV_READ | EV_PERSIST);
	run();
	printf(", timeouts %d, pending %s", calls, event_pending(&event, EV_READ, NULL) ? "yes" : "no");

	calls = 0;
	if (write(pair[1], "x", 1) != 1)
		return 1;
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	printf(", called for input %s\n", calls ? "yes" : "no");
	event_del(&event);
	return 0;
}
END
arch=$(gcc -print-multiarch)
gcc -I libevent/usr/include -I "libevent/usr/include/$arch" -o with-libevent main.c \
	"libevent/usr/lib/$arch/libevent_core.a"
gcc -I libev/usr/include -o with-libev main.c "libev/usr/lib/$arch/libev.a" -lm

seen=$(echo "libevent: $(./with-libevent)"; echo "libev: $(./with-libev)")
echo "$seen"
if ! diff - <(echo "$seen") <<'END'
libevent: timer 3, timeouts 3, pending yes, called for input yes
libev: timer 1, timeouts 1, pending no, called for input no
END
then
	echo "CHANGED" >&2
	exit 1
fi
