package app

import (
	"testing"

	"pgregory.net/rapid"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "10485760": 10 << 20, "10MiB": 10 << 20, "10MB": 10_000_000, "10 mb": 10_000_000, "2KiB": 2048,
		"3kb": 3000, "1TiB": 1 << 40, "1TB": 1e12, "7B": 7, "8191PiB": -1, "9007199254740993": 9007199254740993,
		"9223372036854775807": 1<<63 - 1, "8388607TiB": 8388607 << 40, "8388608TiB": -1, "": -1, "B": -1, "1M": -1,
		"-1": -1, "+-1": -1, "1.5MB": -1, "0x10": -1, "MB10": -1, "10MBMB": -1,
	} {
		got, ok := parseSize(text)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("parseSize(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestSizeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom(sizeUnits).Draw(t, "unit")
		n := rapid.Int64Range(0, (1<<63-1)/unit.bytes).Draw(t, "n") * unit.bytes
		if got, ok := parseSize(formatSize(n)); !ok || got != n {
			t.Fatalf("%d is shown as %s and read as %d, %t", n, formatSize(n), got, ok)
		}
	})
}

func FuzzParseSize(f *testing.F) {
	f.Add("10MiB")
	f.Add("9223372036854775807KB")
	f.Fuzz(func(t *testing.T, text string) {
		n, ok := parseSize(text)
		if ok && n < 0 || !ok && n != 0 {
			t.Errorf("%q: %d, %t", text, n, ok)
		}
		if again, okAgain := parseSize(formatSize(n)); ok && (!okAgain || again != n) {
			t.Errorf("%q: %d becomes %d", text, n, again)
		}
	})
}

func FuzzCodecs(f *testing.F) {
	for _, values := range samples {
		for _, value := range values {
			f.Add(value[0])
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, field := range fields {
			var c, again Config
			if err := field.set(&c, text); err != nil || field.Secret {
				continue
			}
			shown := field.show(&c)
			if err := field.set(&again, shown); err != nil || field.show(&again) != shown {
				t.Errorf("%s: %q is shown as %q, which is read as %q, %v", field.Key, text, shown, field.show(&again), err)
			}
		}
	})
}
