package control

import "testing"

func TestJustBefore(t *testing.T) {
	for id, want := range map[string]string{
		"019c1912-fa00-7000-8000-0000000000a1": "019c1912-fa00-7000-8000-0000000000a0",
		"019c1912-fa00-7000-8000-0000000000aa": "019c1912-fa00-7000-8000-0000000000a9",
		"019c1912-fa00-7000-8000-0000000000b0": "019c1912-fa00-7000-8000-0000000000af",
		"019c1912-fa00-7001-0000-000000000000": "019c1912-fa00-7000-ffff-ffffffffffff",
	} {
		if got := justBefore(id); got != want {
			t.Errorf("before %s: %s, want %s", id, got, want)
		}
	}
}
