package hub

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// FilterData decodes an event's data for [Filter.Matches]. What is no JSON matches like
// null. It takes any number that JSON can write, also one that no float64 can hold.
func FilterData(data []byte) any {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return withDecimals(v)
}

// withDecimals replaces the numbers in what was decoded.
func withDecimals(v any) any {
	switch v := v.(type) {
	case json.Number:
		return decimalOf(string(v))
	case []any:
		for i := range v {
			v[i] = withDecimals(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = withDecimals(v[name])
		}
	}
	return v
}

// decimal is a number written in the one way that it has here, so that equal numbers are
// equal strings: digits without zeros at either end, and an exponent of ten.
type decimal string

// decimalOf reads a number as JSON writes it (RFC 8259 §6).
func decimalOf(number string) decimal {
	rest, negative := strings.CutPrefix(number, "-")
	mantissa, power := rest, ""
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		mantissa, power = rest[:i], rest[i+1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "0e0"
	}
	exponent, _ := strconv.ParseInt(power, 10, 64) // "": 0; beyond int64: the nearest
	significant := strings.TrimRight(digits, "0")
	exponent = min(max(exponent, -math.MaxInt32), math.MaxInt32) - int64(len(fraction)) + int64(len(digits)-len(significant))
	sign := ""
	if negative {
		sign = "-"
	}
	return decimal(sign + significant + "e" + strconv.FormatInt(exponent, 10))
}

// float is the nearest float64, an infinity where there is none.
func (d decimal) float() float64 {
	f, _ := strconv.ParseFloat(string(d), 64)
	return f
}
