package main

import (
	"math"
	"slices"
)

// quantiles sums up a distribution of times, in milliseconds. All are 0 when N is 0.
type quantiles struct {
	N   int     `json:"n"`
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// sortedQuantiles reads quantiles off an ascending slice by the nearest-rank method: the value is one that occurred.
func sortedQuantiles[T any](sorted []T, ms func(T) float64) quantiles {
	n := len(sorted)
	if n == 0 {
		return quantiles{}
	}
	at := func(q float64) float64 { return ms(sorted[max(int(math.Ceil(q*float64(n)))-1, 0)]) }
	return quantiles{N: n, P50: at(0.50), P99: at(0.99), Max: at(1)}
}

// median is the middle value, or the mean of the two middle ones; 0 of nothing.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
