//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"fmt"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
)

// Without FlagClear, a user event stays triggered.
func TestUserStaysTriggered(t *testing.T) {
	q := kqtest.NewQueue(t)
	e := UserEvent(1)
	kqtest.Apply(t, q, e, e.Trigger())
	for range 2 {
		expect(t, "a wait, and another one", returned(t, q))
	}
}

// A user event is triggered and then added again, before a wait returns it. With
// FlagClear in the second change, the BSDs reset the trigger: it is lost, however
// the event was added first.
func TestUserAddedAgain(t *testing.T) {
	level := UserEvent(1)
	clear, dispatch, oneshot := level.With(FlagClear), level.With(FlagDispatch), level.With(FlagOneshot)
	trigger := clear
	trigger.Fflags = NoteTrigger
	for _, test := range []struct {
		name         string
		first, again Event
	}{
		{"neither has EV_CLEAR", level, level},
		{"EV_CLEAR in both", clear, clear},
		{"EV_CLEAR in the second one", level, clear},
		{"EV_CLEAR in the first one", clear, level},
		{"EV_CLEAR in both, NOTE_TRIGGER in the second one", clear, trigger},
		{"EV_DISPATCH in both, EV_ENABLE in the second one", dispatch, dispatch.With(FlagEnable)},
		{"EV_ONESHOT in both", oneshot, oneshot},
	} {
		q := kqtest.NewQueue(t)
		kqtest.Apply(t, q, test.first, test.first.Trigger())
		kqtest.Apply(t, q, test.again)
		expect(t, test.name, returned(t, q))
	}
}

// The Fflags and Data of a user event, by the options that it was added with.
func TestUserFields(t *testing.T) {
	for _, option := range []Flag{0, FlagClear, FlagDispatch, FlagOneshot} {
		q := kqtest.NewQueue(t)
		e := UserEvent(1).With(option).WithUdata(3)
		kqtest.Apply(t, q, e)
		e.Fflags, e.Data = NoteFfcopy|5, 9
		kqtest.Apply(t, q, e.Trigger())
		name := "without an option"
		if option != 0 {
			name = "EV_" + option.String()
		}
		got := kqtest.WaitOne(t, q)
		expect(t, name, fmt.Sprintf("fflags=%#x data=%d udata=%d", uint32(got.Fflags), got.Data, got.Udata))
	}
}

// The 24 bits of a user event with FlagClear survive its return.
func TestUserBits(t *testing.T) {
	q := kqtest.NewQueue(t)
	e := UserEvent(1).With(FlagClear)
	kqtest.Apply(t, q, e)
	set := func(bits ...Note) {
		for _, b := range bits {
			e.Fflags = NoteFfor | b
			kqtest.Apply(t, q, e.Trigger())
		}
	}
	ask := func(what string) {
		t.Helper()
		expect(t, what, fmt.Sprintf("%#x", uint32(kqtest.WaitOne(t, q).Fflags)))
	}
	set(1, 2, 4)
	ask("NOTE_FFOR with 1, 2 and 4")
	set(8)
	ask("later, NOTE_FFOR with 8")
	e.Fflags = 0
	kqtest.Apply(t, q, e.Trigger())
	ask("NOTE_TRIGGER alone")
}

// With FlagUdataSpecific, a trigger reaches the event that has its Udata.
func TestUserUdataSpecific(t *testing.T) {
	flag := flagNamed(t, "UDATA_SPECIFIC")
	q := kqtest.NewQueue(t)
	first := UserEvent(1).With(flag).WithUdata(1)
	second := first.WithUdata(2)
	kqtest.Apply(t, q, first, second, second.Trigger())
	expect(t, "NOTE_TRIGGER with udata 2", fmt.Sprint("udata=", kqtest.WaitOne(t, q).Udata))
	expect(t, "NOTE_TRIGGER without EV_UDATA_SPECIFIC", errno(q.Apply(UserEvent(1).WithUdata(2).Trigger())))
}

// A trigger in the change that adds the event.
func TestUserTriggeredAsAdded(t *testing.T) {
	q := kqtest.NewQueue(t)
	e := UserEvent(1).With(FlagClear)
	ask := func(what string) {
		t.Helper()
		events, err := q.Wait(0)
		if err != nil {
			t.Fatal(err)
		}
		got := nothing
		if len(events) == 1 {
			got = fmt.Sprintf("fflags=%#x", uint32(events[0].Fflags))
		}
		expect(t, what, got)
	}
	first := e
	first.Fflags = NoteTrigger | NoteFfcopy | 5
	kqtest.Apply(t, q, first)
	ask("after that change")
	kqtest.Apply(t, q, e.Trigger())
	ask("after another NOTE_TRIGGER")
}
